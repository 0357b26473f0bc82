"""Google Meet's page script in a replica of its page: it shows that our logic holds, not that the live service does."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.browser.driver import Chromium
from bot.browser.room import BrowserRoom
from bot.browser.script import PageState
from bot.meet_wire import write_channel
from bot.platforms import GOOGLE_MEET
from bot.ports import (
    Admitted,
    ChatSaid,
    Ended,
    Heard,
    Joined,
    JoinRequest,
    Left,
    LeftReason,
    PageSnapshot,
    Post,
    RoomError,
    RoomRefused,
    RosterKnownUntil,
    Speech,
    StillThere,
    VoiceDoubted,
    WaitingInLobby,
)
from bot.rooms.google_meet import LOOKS, SCRIPT
from config.clock import SystemClock
from consent_notice.words import SeatId
from tests.simulators.meet_replica import MeetReplica
from tests.simulators.page_replica import shown
from tests.simulators.page_stay import CLOCK, PageStay, hears_the_bot, recognises_each_sign
from tests.simulators.practice_people import tasks
from tests.simulators.told import Told
from tests.simulators.tones import decoded, level_db
from web.practice.participant import sine

ANN, BEN = SeatId("spaces/x/devices/1"), SeatId("spaces/x/devices/2")
ANN_HZ, BEN_HZ = 440.0, 1_320.0
LOOK = {look.name: look for look in LOOKS}
LOBBY, BEFORE = shown(LOOK["lobby"]), '<input aria-label="Your name"><button><span>Ask to join</span></button>'
IN_CALL = (
    '<button aria-label="Leave call">x</button><button aria-label="Chat with everyone">c</button>'
    '<div data-participant-id="me"></div><textarea aria-label="Send a message to everyone"></textarea>'
)
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


class Stay(PageStay):
    replica: MeetReplica

    def __init__(self, replica: MeetReplica, tasks: asyncio.TaskGroup) -> None:
        super().__init__(SCRIPT, replica, tasks)

    async def enter(self, content: str = IN_CALL, *, clicked: str = "Ask to join") -> None:
        await super().enter(content, clicked=clicked)


@pytest.fixture
async def replica(tmp_path: Path, tasks: asyncio.TaskGroup) -> AsyncIterator[MeetReplica]:
    async with MeetReplica.running(tmp_path / "ca", tasks, BEFORE) as running:
        yield running


@pytest.fixture
async def stay(replica: MeetReplica, tasks: asyncio.TaskGroup) -> AsyncIterator[Stay]:
    new = Stay(replica, tasks)
    yield new
    await new.room.leave()


async def test_it_says_who_it_is_waits_in_the_lobby_and_is_let_in(stay: Stay, replica: MeetReplica) -> None:
    joining = asyncio.ensure_future(stay.room.join(stay.request, stay.push))
    await replica.until("clicked", "Ask to join")
    assert any(
        done.get("typed", "").startswith("onrecord (asks before recording), invited by Hana") for done in replica.did
    )
    # a lobby that shows the controls of the call, as Meet's does
    await replica.show(LOBBY + IN_CALL)
    await joining
    await stay.until(WaitingInLobby)
    await asyncio.sleep(1)
    assert not stay.all(Admitted)
    assert stay.all(RosterKnownUntil)[-1].at_ms > CLOCK.boot_ms() - 700  # the page lives
    await replica.enter(IN_CALL)
    await stay.until(Admitted)
    await replica.show(shown(LOOK["removed"]))
    assert (await stay.until(Ended)).reason is LeftReason.REMOVED
    await stay.room.leave()
    assert [taken.state for taken in stay.snapshots] == ["removed"]


async def test_words_in_the_chat_of_a_call_end_nothing(stay: Stay, replica: MeetReplica) -> None:
    await stay.enter()
    await replica.show(IN_CALL + "<p>Ben: you’ve been removed from the meeting. Meeting ended! Call ended</p>")
    await asyncio.sleep(1.5)
    assert not stay.all(Ended)
    await replica.show(shown(LOOK["ended"]))
    assert (await stay.until(Ended)).reason is LeftReason.MEETING_ENDED
    await stay.room.leave()
    assert stay.snapshots == []  # a meeting's end is nothing that needs support


async def test_a_page_that_loads_anew_is_gone_through_again(stay: Stay, replica: MeetReplica) -> None:
    joining = asyncio.ensure_future(stay.room.join(stay.request, stay.push))
    await replica.until("clicked", "Ask to join")
    replica.did.clear()
    await stay.room._chromium.ask("setTimeout(() => location.reload(), 50)")
    await replica.until("typed", "onrecord (asks before recording), invited by Hana")
    replica.did.clear()
    await replica.until("clicked", "Ask to join")
    await replica.enter(IN_CALL)
    await joining
    await stay.until(Admitted)
    await stay.room._chromium.ask("setTimeout(() => location.reload(), 50)")
    assert (await stay.until(Ended)).reason is LeftReason.CONNECTION_LOST  # in the call it is not gone on from


async def test_sound_that_the_page_keeps_to_itself_is_an_end(stay: Stay, replica: MeetReplica) -> None:
    """As where it has a transform of its own on a receiver."""
    joining = asyncio.ensure_future(stay.room.join(stay.request, stay.push))
    await replica.until("clicked", "Ask to join")
    await stay.room._chromium.ask(
        "() => { RTCRtpReceiver.prototype.createEncodedStreams = () => { throw new Error('taken'); }; }"
    )
    await replica.enter(IN_CALL)
    await joining
    assert (await stay.until(Ended)).reason is LeftReason.NO_MEDIA


async def test_no_name_is_in_a_snapshot(stay: Stay, replica: MeetReplica) -> None:
    """Two pages that differ in names and words alone look the same."""
    await stay.enter()
    pictures, outlines = [], []
    for name in ("Ann", "Bea"):
        await replica.show(
            f'{IN_CALL}<p style="font: 20px monospace">{name}</p><input value="{name}"><i title="{name}">x</i>'
        )
        await asyncio.sleep(0.5)
        pictures.append(await stay.room._chromium.picture())
        outlines.append(await stay.room._chromium.outline())
    assert pictures[0] == pictures[1]
    assert outlines[0] == outlines[1]


async def test_each_packet_is_whose_csrc_it_names_and_nothing_comes_before_it_is_wanted(
    stay: Stay, replica: MeetReplica
) -> None:
    await stay.enter()
    await replica.joins(ANN, "Ann", 111)
    await replica.joins(BEN, "Ben", 222)
    await stay.until(Joined, count=2)
    replica.speaks(0, ANN_HZ, (111,))
    replica.speaks(1, BEN_HZ, (222,))
    await asyncio.sleep(1.5)
    assert (stay.frames_out, stay.all(Heard)) == (0, [])
    await stay.room.hear(frozenset({ANN}))
    await stay.until(Heard, count=40)
    assert stay.sound_of(BEN) == []

    replica.speaks(0, BEN_HZ, (222,))  # the same line, another speaker
    await asyncio.sleep(0.3)
    of_ann = len(stay.sound_of(ANN))
    await asyncio.sleep(1)
    assert len(stay.sound_of(ANN)) == of_ann
    for csrcs in ((), (333,), (111, 222), (111, 333)):
        replica.speaks(0, BEN_HZ, csrcs)
        await asyncio.sleep(0.7)
    assert len(stay.sound_of(ANN)) == of_ann
    sound = decoded(stay.sound_of(ANN))
    assert level_db(sound, ANN_HZ) > -20
    assert level_db(sound, BEN_HZ) < level_db(sound, ANN_HZ) - 50


async def test_who_left_is_heard_no_more_and_a_closed_channel_is_doubt(stay: Stay, replica: MeetReplica) -> None:
    await stay.enter()
    await replica.joins(ANN, "Ann", 111)
    await stay.until(Joined)
    replica.speaks(0, ANN_HZ, (111,))
    await stay.room.hear(frozenset({ANN}))
    await stay.until(Heard, count=20)
    await replica.leaves(ANN, "Ann")
    await stay.until(Left)
    heard = len(stay.all(Heard))
    await asyncio.sleep(1)
    assert len(stay.all(Heard)) == heard
    await replica.joins(ANN, "Ann", 111)
    await stay.room.hear(frozenset({ANN}))
    await stay.until(Heard, count=heard + 20)
    await stay.room._chromium.ask("() => channel.close()")
    await asyncio.sleep(1)
    known, heard = len(stay.all(RosterKnownUntil)), len(stay.all(Heard))
    assert CLOCK.boot_ms() - stay.all(StillThere)[-1].at_ms < 500
    await replica.opens()
    await replica.joins(ANN, "Ann", 111)
    await asyncio.sleep(1)
    assert (len(stay.all(RosterKnownUntil)), len(stay.all(Heard))) == (known, heard)  # until the next whole list
    await replica.lists()
    await stay.until(Heard, count=heard + 20)
    await stay.room._chromium.ask("() => channel.send(new Uint8Array(9))")  # what cannot be read
    await asyncio.sleep(0.5)
    heard = len(stay.all(Heard))
    await asyncio.sleep(0.7)
    assert len(stay.all(Heard)) == heard


async def test_what_waited_while_the_page_stood_still_is_dated_back_to_before_it(
    stay: Stay, replica: MeetReplica
) -> None:
    await stay.enter()
    await replica.joins(ANN, "Ann", 111)
    await replica.joins(BEN, "Ben", 222)
    await stay.until(Joined, count=2)
    await asyncio.sleep(0.5)
    outputs = [{"kind": 1, "stream_id": "111", "device_id": BEN}]
    before_ms = CLOCK.boot_ms()
    await stay.room._chromium.ask(
        "(data) => { told.collections(data); const end = performance.now() + 1500; while (performance.now() < end); }",
        write_channel({"body": {"devices": {"outputs": outputs}}}),
    )
    doubted = await stay.until(VoiceDoubted)
    assert doubted.seat == ANN
    assert doubted.from_ms <= before_ms - GOOGLE_MEET.roster_lag_ms
    earlier = stay.events[: stay.events.index(doubted)]
    known = [event.at_ms for event in earlier if isinstance(event, RosterKnownUntil)]
    assert known[-1] <= before_ms + 50  # nothing of the time since has settled


async def test_chat_goes_both_ways(stay: Stay, replica: MeetReplica) -> None:
    await stay.enter()
    await replica.joins(ANN, "Ann", 111)
    await stay.until(Joined)
    posting = asyncio.ensure_future(stay.room.post(Post(text="May I record?\nrecord yes = my voice")))
    await replica.until("chat")
    written = next(done["chat"] for done in replica.did if "chat" in done)
    await replica.writes("self", written, message_id="own-1")
    assert await posting == "own-1"
    await replica.writes(ANN, "record yes", message_id="m-7")
    await replica.writes(ANN, "record yes", message_id="m-7")  # told again
    await replica.writes("spaces/x/devices/unknown", "record yes")
    await replica.writes(ANN, "stop")
    await stay.until(ChatSaid, count=2)
    assert [(said.seat, said.text) for said in stay.all(ChatSaid)] == [(ANN, "record yes"), (ANN, "stop")]


async def test_the_bot_is_heard(stay: Stay, replica: MeetReplica) -> None:
    await stay.enter()
    await hears_the_bot(stay)


async def test_a_refusal_is_an_end_with_its_reason_and_what_to_do(stay: Stay, replica: MeetReplica) -> None:
    replica.first = shown(LOOK["refused by Google"])
    with pytest.raises(RoomRefused, match="does not hide that it is a bot") as refused:
        await stay.room.join(stay.request, stay.push)
    assert refused.value.reason is LeftReason.PLATFORM_REFUSES_BOTS


async def test_every_state_is_recognised_by_each_of_its_signs(tmp_path: Path, tasks: asyncio.TaskGroup) -> None:
    async with MeetReplica.running(tmp_path / "ca", tasks) as replica:
        await recognises_each_sign(SCRIPT, replica)
