"""Teams' page script in a replica of its page: it shows that our logic holds, not that the live service does."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.ports import (
    Admitted,
    ChatDeleted,
    ChatSaid,
    Ended,
    Heard,
    Joined,
    Left,
    LeftReason,
    Post,
    RoomRefused,
    RosterKnownUntil,
    Speech,
    WaitingInLobby,
)
from bot.rooms.teams import LOOKS, SCRIPT
from consent_notice.words import IdentityLevel, SeatId, SeatKind
from tests.simulators.page_replica import shown
from tests.simulators.page_stay import PageStay, hears_the_bot, recognises_each_sign
from tests.simulators.practice_people import tasks
from tests.simulators.teams_replica import ME, TeamsReplica
from tests.simulators.tones import decoded, level_db
from web.practice.participant import sine

ANN, BEN = SeatId("8:orgid:ann"), SeatId("8:teamsvisitor:ben")
ANN_HZ, BEN_HZ = 440.0, 1_320.0
LOOK = {look.name: look for look in LOOKS}
BEFORE = (
    '<input data-tid="prejoin-display-name-input"><div role="radio">Computer audio</div>'
    '<button data-tid="prejoin-join-button">Join now</button>'
)
IN_CALL = (
    '<button id="hangup-button">Leave</button><button id="chat-button">Chat</button>'
    '<iframe srcdoc="help"></iframe>'
    '<button aria-label="Unmute mic">m</button><div contenteditable aria-label="Type a message"></div>'
)
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
async def replica(tmp_path: Path, tasks: asyncio.TaskGroup) -> AsyncIterator[TeamsReplica]:
    async with TeamsReplica.running(tmp_path / "ca", tasks, BEFORE) as running:
        yield running


@pytest.fixture
async def stay(replica: TeamsReplica, tasks: asyncio.TaskGroup) -> AsyncIterator[PageStay]:
    new = PageStay(SCRIPT, replica, tasks)
    yield new
    await new.room.leave()


async def test_it_goes_through_launcher_and_lobby_and_is_let_in(stay: PageStay, replica: TeamsReplica) -> None:
    replica.first = "<button>Continue on this browser</button>"
    joining = asyncio.ensure_future(stay.room.join(stay.request, stay.push))
    await replica.until("clicked", "Continue on this browser")
    await replica.show(shown(LOOK["no devices"]))
    await replica.until("clicked", "continue without audio or video")
    await replica.show(BEFORE)
    await replica.until("clicked", "Join now")
    assert any(
        done.get("typed", "").startswith("onrecord (asks before recording), invited by Hana") for done in replica.did
    )
    await replica.show(shown(LOOK["lobby"]) + IN_CALL)  # a lobby with the call's own controls
    await joining
    await stay.until(WaitingInLobby)
    await asyncio.sleep(1)
    assert not stay.all(Admitted)
    await replica.enter(IN_CALL)
    assert (await stay.until(Admitted)).own_seat == ME
    await replica.show(f"{IN_CALL}<p>Ann: sorry, but you were denied. Someone will let you in soon!</p>")
    await asyncio.sleep(1)
    assert not stay.all(Ended)
    await replica.show(shown(LOOK["removed"]))
    assert (await stay.until(Ended)).reason is LeftReason.REMOVED


async def test_the_mix_is_of_all_who_are_here_and_is_dropped_where_somebody_else_speaks_in_it(
    stay: PageStay, replica: TeamsReplica
) -> None:
    await stay.enter(IN_CALL, clicked="Join now")
    await replica.joins(ANN, "Ann", 111)
    await replica.joins(BEN, "Ben", 222)
    await replica.joins("28:notes", "Notes", 333)
    await stay.until(Joined, count=3)
    replica.speaks(0, ANN_HZ, (111,))
    replica.speaks(1, ANN_HZ, (111,))  # the same once more on another track
    await asyncio.sleep(1)
    await stay.room.hear(frozenset({ANN}))
    await asyncio.sleep(1)
    assert (stay.frames_out, stay.all(Heard)) == (0, [])  # Ben has not agreed, whoever speaks
    await stay.room.hear(frozenset({ANN, BEN}))
    await stay.until(Heard, count=60)
    assert {event.frame.speakers for event in stay.all(Heard)} == {frozenset({ANN, BEN})}
    assert len({event.frame.track for event in stay.all(Heard)}) == 1
    assert level_db(decoded(stay.sound_of(ANN, BEN)), ANN_HZ) > -20

    replica.speaks(0, BEN_HZ, (111, 222))
    await asyncio.sleep(0.5)
    await stay.until(Heard, count=len(stay.all(Heard)) + 40)
    assert level_db(decoded(stay.sound_of(ANN, BEN)[-30:]), BEN_HZ) > -20
    for csrcs in ((), (444,), (111, 444), (111, 333)):  # nobody named, a service, somebody and a service or a bot
        replica.speaks(0, BEN_HZ, csrcs)
        await asyncio.sleep(0.5)
        heard = len(stay.all(Heard))
        await asyncio.sleep(0.5)
        assert len(stay.all(Heard)) == heard

    replica.speaks(0, ANN_HZ, (111,))
    await stay.until(Heard, count=len(stay.all(Heard)) + 10)
    await replica.joins("8:new", "Cat", 555)  # from now on it is hers too
    await stay.until(Joined, count=4)
    heard = len(stay.all(Heard))
    await asyncio.sleep(1)
    assert len(stay.all(Heard)) == heard
    await replica.leaves("8:new")
    await stay.until(Left)
    await stay.until(Heard, count=heard + 20)
    await replica.say(call=None)
    await asyncio.sleep(0.5)
    known, heard = len(stay.all(RosterKnownUntil)), len(stay.all(Heard))
    await asyncio.sleep(0.7)
    assert (len(stay.all(RosterKnownUntil)), len(stay.all(Heard))) == (known, heard)


async def test_what_makes_no_sense_ends_nothing(stay: PageStay, replica: TeamsReplica) -> None:
    await stay.enter(IN_CALL, clicked="Join now")
    for value in ('{me: "x", call: "c", people: [], sources: []}', "5", "null", '{me: "x", people: {}}', '"x"'):
        await stay.room._chromium.ask(f"() => onrecord.tell('here', {value})")
    await replica.joins(ANN, "Ann", 111)
    await stay.until(Joined)
    assert not stay.all(Ended)


async def test_people_are_what_their_ids_say(stay: PageStay, replica: TeamsReplica) -> None:
    await stay.enter(IN_CALL, clicked="Join now")
    for key, name in ((ANN, "Ann"), ("4:+4930", "+49 30"), ("28:bot", "Notes"), ("48:service", "")):
        await replica.joins(key, name)
    await stay.until(Joined, count=3)
    await asyncio.sleep(0.5)
    people = [(event.name, event.seat_kind, event.identity_level, event.is_phone) for event in stay.all(Joined)]
    assert people == [
        ("Ann", SeatKind.PERSON, IdentityLevel.DISPLAY_NAME, False),
        ("+49 30", SeatKind.PERSON, IdentityLevel.SHARED_OR_ANONYMOUS, True),
        ("Notes", SeatKind.BOT, IdentityLevel.DISPLAY_NAME, False),
    ]


async def test_chat_goes_both_ways(stay: PageStay, replica: TeamsReplica) -> None:
    await stay.enter(IN_CALL, clicked="Join now")
    replica.echoes = True
    await replica.joins(ANN, "Ann", 111)
    await stay.until(Joined)
    notice = await stay.room.post(Post(text="May I record?\nrecord yes = my voice"))
    assert notice.startswith("own-")
    quoted = f'<blockquote itemtype="http://schema.skype.com/Reply" itemid="{notice}">record no</blockquote><p>yes</p>'
    await replica.writes(f"https://x/v1/users/ME/contacts/{ANN}", quoted)
    await replica.writes(ANN, "<p>stop</p>", originalArrivalTime="2020-01-01T00:00:00Z")  # of before the bot came
    await replica.writes(ANN, "<img>", messageType="Event/Call")
    await replica.writes("8:nobody", "record yes")
    await replica.writes(ANN, "<div>record&nbsp;yes</div>")
    await replica.writes(ANN, "record yes", "late", properties={"edittime": "1700000000000", "deletetime": "0"})
    await stay.until(ChatSaid, count=3)
    assert [(said.text.replace("\xa0", " "), said.reply_to) for said in stay.all(ChatSaid)] == [
        ("yes", notice),
        ("record yes", None),
        ("record yes", None),
    ]
    assert [said.was_changed for said in stay.all(ChatSaid)] == [False, False, True]
    await replica.writes(ANN, "record yes", "late", properties={"deletetime": "1700000000000"})
    await stay.until(ChatDeleted)
    assert sum("handled" in done for done in replica.did) >= 5  # the page's own handler goes on


async def test_the_bot_is_heard(stay: PageStay, replica: TeamsReplica) -> None:
    await stay.enter(IN_CALL, clicked="Join now")
    await hears_the_bot(stay)
    assert {"clicked": "Unmute mic"} in replica.did


@pytest.mark.parametrize(
    ("sub_code", "reason"),
    [(5300, LeftReason.REMOVED), (5723, LeftReason.SIGN_IN_REQUIRED), (0, LeftReason.MEETING_ENDED)],
)
async def test_how_the_conversation_ended_is_what_its_socket_says(
    stay: PageStay, replica: TeamsReplica, sub_code: int, reason: LeftReason
) -> None:
    await stay.enter(IN_CALL, clicked="Join now")
    await replica.ends(sub_code, call="another call")
    await asyncio.sleep(0.5)
    assert not stay.all(Ended)
    await replica.ends(sub_code, deflated=True)
    ended = await stay.until(Ended)
    assert ended.reason is reason
    assert "Ann" not in ended.detail


async def test_a_refusal_is_an_end_with_its_reason_and_what_to_do(stay: PageStay, replica: TeamsReplica) -> None:
    replica.first = shown(LOOK["captcha"])
    with pytest.raises(RoomRefused, match="does not hide that it is a bot") as refused:
        await stay.room.join(stay.request, stay.push)
    assert refused.value.reason is LeftReason.PLATFORM_REFUSES_BOTS


async def test_every_state_is_recognised_by_each_of_its_signs(tmp_path: Path, tasks: asyncio.TaskGroup) -> None:
    async with TeamsReplica.running(tmp_path / "ca", tasks) as replica:
        await recognises_each_sign(SCRIPT, replica)
