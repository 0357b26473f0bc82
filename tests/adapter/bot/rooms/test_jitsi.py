"""Jitsi's page script in a replica of its app: it shows that our logic holds, not that a live server does."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from bot.browser.driver import Chromium
from bot.browser.reading import STALE_MS, UNKNOWN_LINE
from bot.platforms import JITSI
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
    RoomError,
    RoomRefused,
    RosterKnownUntil,
    Speech,
    VoiceDoubted,
    WaitingInLobby,
)
from bot.rooms.jitsi import LOOKS, SCRIPT
from consent_notice.words import IdentityLevel, SeatId, SeatKind
from tests.simulators.jitsi_replica import JitsiReplica
from tests.simulators.page_replica import each_sign
from tests.simulators.page_stay import CHROMIUM, CLOCK, PageStay, hears_the_bot
from tests.simulators.practice_people import tasks
from tests.simulators.tones import decoded, level_db
from web.practice.participant import sine

ANN, BEN = SeatId("ann1"), SeatId("ben2")
ANN_HZ, BEN_HZ = 440.0, 1_320.0
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
async def replica(tmp_path: Path, tasks: asyncio.TaskGroup) -> AsyncIterator[JitsiReplica]:
    async with JitsiReplica.running(tmp_path / "ca", tasks) as running:
        yield running


@pytest.fixture
async def stay(replica: JitsiReplica, tasks: asyncio.TaskGroup) -> AsyncIterator[PageStay]:
    new = PageStay(SCRIPT, replica, tasks)
    yield new
    await new.room.leave()


async def test_it_knocks_under_its_name_waits_and_is_let_in(stay: PageStay, replica: JitsiReplica) -> None:
    replica.first = '<input id="premeeting-name-input"><button data-testid="lobby.knockButton">Ask</button>'
    joining = asyncio.ensure_future(stay.room.join(stay.request, stay.push))
    await replica.until("clicked", "Ask")
    assert any(
        done.get("typed", "").startswith("onrecord (asks before recording), invited by Hana") for done in replica.did
    )
    await replica.say(state={"knocking": True})
    await joining
    await stay.until(WaitingInLobby)
    assert not stay.all(Admitted)
    await replica.say(state={})
    await replica.enter("")
    assert (await stay.until(Admitted)).own_seat == "me"
    address = await stay.room._chromium.ask("location.href")
    assert urlsplit(address).path == "/Team%20Talk"
    options = dict(part.split("=", 1) for part in unquote(urlsplit(address).fragment).split("&"))
    assert json.loads(options["userInfo.displayName"]).startswith("onrecord (asks before recording), invited by Hana")
    assert options["config.p2p.enabled"] == options["config.flags.ssrcRewritingEnabled"] == "false"
    await stay.room.leave()
    assert {"left": True} in replica.did


@pytest.mark.parametrize("is_old", [False, True])
async def test_each_track_is_whose_the_app_says_and_nothing_comes_before_it_is_wanted(
    stay: PageStay, replica: JitsiReplica, is_old: bool
) -> None:
    """An old bridge sends all whatever it is asked for; then nothing of it leaves the browser."""
    replica.is_old = is_old
    await stay.enter("")
    await replica.joins(ANN, "Ann", 0)
    await replica.joins(BEN, "Ben", 1)
    await stay.until(Joined, count=2)
    replica.speaks(0, ANN_HZ)
    replica.speaks(1, BEN_HZ)
    replica.speaks(2, BEN_HZ)  # a track of nobody
    await asyncio.sleep(1.5)
    assert replica.wanted == []
    assert (stay.frames_out, stay.all(Heard)) == (0, [])
    await stay.room.hear(frozenset({ANN}))
    await stay.until(Heard, count=60)
    assert replica.wanted == [f"{ANN}-a0"]
    assert {event.frame.speakers for event in stay.all(Heard)} == {frozenset({ANN})}
    sound = decoded(stay.sound_of(ANN))
    assert level_db(sound, ANN_HZ) > -20
    assert level_db(sound, BEN_HZ) < level_db(sound, ANN_HZ) - 50

    await replica.joins("cat3", "Cat", 0)  # Ann's source is another's now, as where a bridge rewrites sources
    await stay.until(VoiceDoubted)
    assert [event.seat for event in stay.all(VoiceDoubted)] == [ANN]
    await stay.room.hear(frozenset())
    of_ann = len(stay.all(Heard))
    await stay.room.hear(frozenset({ANN}))
    await asyncio.sleep(0.7)
    assert replica.wanted == [f"{ANN}-a0"]
    replica.on_line[0] = f"{ANN}-a0"  # the bridge sends it; the app says that it is both's
    await asyncio.sleep(0.7)
    assert len(stay.all(Heard)) == of_ann


async def test_no_line_passes_for_one_of_the_bots_by_its_id(stay: PageStay, replica: JitsiReplica) -> None:
    await stay.enter("")
    await replica.joins(ANN, "Ann", 0)
    await replica.joins(BEN, "Ben", 1)
    await stay.until(Joined, count=2)
    notice = await stay.room.post(Post(text="May I record?"))
    whispered = await stay.room.post(Post(text="May I record?", to_seat=BEN))
    await replica.writes(ANN, "yes", "a1", reply_to=notice)
    await stay.until(ChatSaid)
    for number, forged in enumerate((notice, whispered), 2):
        await replica.writes(BEN, "Who wants pizza?", forged)
        await replica.writes(ANN, "yes", f"a{number}", reply_to=forged)
    await stay.until(ChatSaid, count=5)
    of_ann = [line.reply_to for line in stay.all(ChatSaid) if line.seat == ANN]
    assert of_ann == [notice, UNKNOWN_LINE, UNKNOWN_LINE]
    await replica.say(gone=ANN)
    await stay.until(Left)
    await replica.writes(ANN, "stop", "a9")  # written before she left
    assert (await stay.until(ChatSaid, count=6)).text == "stop"


async def test_the_roster_is_known_no_longer_than_the_page_tells_it_however_lively_the_page_is(
    stay: PageStay, replica: JitsiReplica
) -> None:
    """Which is what the gate waits for: whatever comes then is dated back to there."""
    await stay.enter("")
    await replica.joins(ANN, "Ann", 0)
    await stay.until(Joined)
    await asyncio.sleep(0.5)
    await stay.room._chromium.ask("() => { const tell = onrecord.tell; window.go = () => { onrecord.tell = tell; };"
                                  "onrecord.tell = () => {}; }")  # fmt: skip
    stopped_ms = CLOCK.boot_ms()
    await asyncio.sleep(STALE_MS / 1_000 + 0.5)
    known_ms = stay.all(RosterKnownUntil)[-1].at_ms
    assert stopped_ms - 500 < known_ms <= stopped_ms
    await replica.joins(BEN, "Ben", 1)
    await asyncio.sleep(0.5)
    await stay.room._chromium.ask("() => go()")
    joined = await stay.until(Joined, count=2)
    assert known_ms - JITSI.roster_lag_ms - 10 <= joined.at_ms <= known_ms - JITSI.roster_lag_ms


async def test_who_left_or_moved_to_another_room_is_heard_no_more(stay: PageStay, replica: JitsiReplica) -> None:
    replica.is_old = True
    await stay.enter("")
    await replica.joins(ANN, "Ann", 0)
    await stay.until(Joined)
    replica.speaks(0, ANN_HZ)
    await stay.room.hear(frozenset({ANN}))
    await stay.until(Heard, count=20)
    await replica.say(broken=True)
    await asyncio.sleep(0.5)
    known, heard = len(stay.all(RosterKnownUntil)), len(stay.all(Heard))
    await asyncio.sleep(0.7)
    assert (len(stay.all(RosterKnownUntil)), len(stay.all(Heard))) == (known, heard)  # doubt
    await replica.say(broken=False)
    await stay.until(Heard, count=heard + 20)

    await replica.say(breakout="me-there")  # the host moved the bot and Ann; the roster there is another
    await replica.joins(ANN, "Ann", 0)
    await asyncio.sleep(0.5)
    known, heard = len(stay.all(RosterKnownUntil)), len(stay.all(Heard))
    await asyncio.sleep(0.7)
    assert (len(stay.all(RosterKnownUntil)), len(stay.all(Heard))) == (known, heard)
    await replica.say(joined=True)
    assert (await stay.until(Left)).seat == ANN
    await stay.until(RosterKnownUntil, count=known + 3)
    await stay.until(Joined, count=2)
    await stay.room.hear(frozenset({ANN}))
    await stay.until(Heard, count=heard + 20)
    await replica.say(gone=ANN)
    await stay.until(Left, count=2)
    heard = len(stay.all(Heard))
    await asyncio.sleep(0.7)
    assert len(stay.all(Heard)) == heard


async def test_people_are_what_the_app_says(stay: PageStay, replica: JitsiReplica) -> None:
    await stay.enter("")
    await replica.joins(ANN, "Ann", 0)
    await replica.joins("tel", "+49 30 1234", 1, properties={"features_jigasi": True})
    await replica.joins("rec", "recorder", 2, hidden=True)
    await stay.until(Joined, count=3)
    await replica.joins(ANN, "Ann Other", 0)
    await stay.until(Joined, count=4)
    people = [(event.name, event.seat_kind, event.identity_level, event.is_phone) for event in stay.all(Joined)]
    assert people == [
        ("Ann", SeatKind.PERSON, IdentityLevel.DISPLAY_NAME, False),
        ("+49 30 1234", SeatKind.PERSON, IdentityLevel.SHARED_OR_ANONYMOUS, True),
        ("recorder", SeatKind.BOT, IdentityLevel.DISPLAY_NAME, False),
        ("Ann Other", SeatKind.PERSON, IdentityLevel.DISPLAY_NAME, False),
    ]


async def test_chat_goes_both_ways_in_threads_and_in_private(stay: PageStay, replica: JitsiReplica) -> None:
    await stay.enter("")
    await replica.joins(ANN, "Ann", 0)
    await stay.until(Joined)
    notice = await stay.room.post(Post(text="May I record?\nrecord yes = my voice"))
    assert notice.startswith("own-")
    whisper = await stay.room.post(Post(text="Only for you", to_seat=ANN))
    said = next(done for done in replica.did if "whisper" in done)
    assert (said["seat"], said["whisper"], said["id"]) == (ANN, "Only for you", whisper)
    with pytest.raises(RoomError):
        await stay.room.post(Post(text="Only for you", to_seat=BEN))  # who is not there
    await replica.writes(ANN, "yes", message_id="m-7", reply_to=notice)
    await replica.writes(ANN, "yes", message_id="m-7")  # told again
    await replica.writes(ANN, "record yes", at="2020-01-01T10:00:00Z")  # of before the bot came
    await replica.writes("nobody", "record yes")
    await replica.say(private={"from": ANN, "text": "stop", "id": "p-1"})
    await replica.say(retracted={"from": ANN, "id": "m-7"})
    await stay.until(ChatDeleted)
    assert [(said.text, said.reply_to, said.to_bot_only) for said in stay.all(ChatSaid)] == [
        ("yes", notice, False),
        ("stop", None, True),
    ]


async def test_the_bot_is_heard_and_muted_again(stay: PageStay, replica: JitsiReplica) -> None:
    await stay.enter("")
    await hears_the_bot(stay)
    assert [done["muted"] for done in replica.did if "muted" in done] == [False, True]


STATES: dict[str, list[dict[str, Any]]] = {
    "sign-in": [{"failed": "conference.connectionError.notAllowed"}],
    "password": [{"state": {"base": {"passwordRequired": True}}}],
    "denied": [{"failed": "conference.connectionError.accessDenied"}],
    "full": [{"failed": "conference.max_users"}],
    "failed": [{"failed": "conference.iceFailed"}],
    "lobby": [{"state": {"knocking": True}}],
    "waiting for the host": [{"state": {"base": {"authRequired": True}}}],
    "removed": [{"joined": True}, {"kicked": True}],
    "ended": [{"joined": True}, {"failed": "conference.destroyed"}],
    "encrypted": [
        {"joined": True},
        {"person": {"id": "e", "name": "E", "tracks": [], "properties": {"e2ee.enabled": "true"}}},
    ],
    "in the call": [{"failed": "conference.passwordRequired"}, {"joined": True}],
}


async def test_every_state_is_recognised_whatever_the_page_shows(replica: JitsiReplica) -> None:
    *by_hook, before = LOOKS
    assert {look.name for look in by_hook} == set(STATES)
    states = [*STATES.items(), *((before.name, [{"html": page}]) for page in each_sign(before))]
    chromium = Chromium(program=CHROMIUM, on_gone=lambda: None, flags=replica.flags, ca=False)
    await chromium.open(replica.ADDRESS, tap="ws://127.0.0.1:9/none", hooks=SCRIPT.hooks)
    try:
        await replica.is_open()
        for name, told in states:
            replica.did.clear()
            await replica.say(state={}, html="", breakout="me")  # all anew
            await replica.until("followed")
            for said in told:
                await replica.say(**said)
            async with asyncio.timeout(5):
                while await chromium.look(LOOKS) != name:
                    await asyncio.sleep(0.05)
    finally:
        await chromium.close()


async def test_a_removal_is_an_end_with_its_reason(stay: PageStay, replica: JitsiReplica) -> None:
    await stay.enter("")
    await replica.say(kicked=True)
    assert (await stay.until(Ended)).reason is LeftReason.REMOVED


async def test_a_refusal_says_what_to_do(stay: PageStay, replica: JitsiReplica) -> None:
    joining = asyncio.ensure_future(stay.room.join(stay.request, stay.push))
    await replica.until("followed")
    await replica.say(failed="conference.connectionError.notAllowed")
    with pytest.raises(RoomRefused, match=r"wants a signed-in account\. Let guests in") as refused:
        await joining
    assert refused.value.reason is LeftReason.SIGN_IN_REQUIRED
