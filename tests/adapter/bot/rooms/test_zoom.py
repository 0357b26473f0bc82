"""Zoom's page script in a replica of its web client: it shows that our logic holds, not that the live service does."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.ports import (
    Admitted,
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
from bot.rooms.zoom import LOOKS, SCRIPT
from consent_notice.words import IdentityLevel, SeatId
from tests.simulators.page_replica import shown
from tests.simulators.page_stay import CLOCK, PageStay, hears_the_bot, recognises_each_sign
from tests.simulators.practice_people import tasks
from tests.simulators.tones import decoded, level_db
from tests.simulators.zoom_replica import ZoomReplica
from web.practice.participant import sine

HZ = 440.0
LOOK = {look.name: look for look in LOOKS}
BEFORE = '<input id="input-for-name"><button class="preview-join-button">Join</button>'
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
async def replica(tmp_path: Path, tasks: asyncio.TaskGroup) -> AsyncIterator[ZoomReplica]:
    async with ZoomReplica.running(tmp_path / "ca", tasks, BEFORE) as running:
        yield running


@pytest.fixture
async def stay(replica: ZoomReplica, tasks: asyncio.TaskGroup) -> AsyncIterator[PageStay]:
    new = PageStay(SCRIPT, replica, tasks)
    yield new
    await new.room.leave()


def seats_of(stay: PageStay, name: str) -> list[SeatId]:
    return [event.seat for event in stay.all(Joined) if event.name == name]


async def test_it_waits_until_the_meeting_begins_and_until_it_is_let_in(stay: PageStay, replica: ZoomReplica) -> None:
    replica.first = shown(LOOK["not begun"])
    begun_ms = CLOCK.boot_ms()
    joining = asyncio.ensure_future(stay.room.join(stay.request, stay.push))
    await joining
    await stay.until(WaitingInLobby)
    await replica.is_open()
    assert replica.opened[-1].endswith("/wc/81234567890/join?pwd=abc.1")
    replica.first = '<button id="onetrust-reject-all-handler">Reject</button>' + BEFORE
    async with asyncio.timeout(25):  # it looks again every 15 s, and not more often
        while len(replica.opened) < 2:
            await asyncio.sleep(0.1)
    assert CLOCK.boot_ms() - begun_ms > 15_000
    await replica.until("clicked", "Reject")
    await replica.show(BEFORE)
    await replica.until("clicked", "Join")
    assert any(
        done.get("typed", "").startswith("onrecord (asks before recording), invited by Hana") for done in replica.did
    )
    await replica.show(f'<div class="meeting-app">{shown(LOOK["waiting room"])}</div>')
    await asyncio.sleep(1)
    assert not stay.all(Admitted)
    await replica.enter("")
    await stay.until(Admitted)
    await stay.room.leave()
    assert {"clicked": "Leave Meeting"} in replica.did
    assert len(replica.opened) == 2


async def test_the_mix_is_of_all_who_are_listed_while_the_list_is_whole(stay: PageStay, replica: ZoomReplica) -> None:
    await stay.enter("", clicked="Join")
    await replica.joins("Ann", "(Host)")
    await replica.joins("Ben")
    await stay.until(Joined, count=2)
    ann, ben = seats_of(stay, "Ann")[0], seats_of(stay, "Ben")[0]
    replica.speaks(0, HZ)
    await stay.room.hear(frozenset({ann}))
    await asyncio.sleep(1)
    assert (stay.frames_out, stay.all(Heard)) == (0, [])
    await stay.room.hear(frozenset({ann, ben}))
    await stay.until(Heard, count=60)
    assert {event.frame.speakers for event in stay.all(Heard)} == {frozenset({ann, ben})}
    assert level_db(decoded(stay.sound_of(ann, ben)), HZ) > -20
    heard, sent = len(stay.all(Heard)), replica.sent(0)
    await asyncio.sleep(2)
    assert len(stay.all(Heard)) - heard > 0.6 * (replica.sent(0) - sent)  # the page has a frame without the call

    replica.hidden = 1  # more are counted than are drawn, for a moment
    await replica.draw()
    await asyncio.sleep(0.4)
    replica.hidden = 0
    await replica.draw()
    await stay.until(Heard, count=len(stay.all(Heard)) + 20)
    assert not stay.all(Left)
    replica.hidden = 1
    await replica.draw()
    await asyncio.sleep(0.5)
    known, heard = len(stay.all(RosterKnownUntil)), len(stay.all(Heard))
    await asyncio.sleep(0.7)
    assert (len(stay.all(RosterKnownUntil)), len(stay.all(Heard))) == (known, heard)
    replica.hidden = 0
    await replica.draw()
    await all_are_new(stay, 4)
    replica.has_list = False  # closed: it is opened again
    await replica.draw()
    await replica.until("clicked", "open the participants list pane,[3] particpants")
    await stay.until(Heard, count=len(stay.all(Heard)) + 20)
    page = replica.page()
    await replica.show(page.replace(' aria-label="Leave"', ""))  # a list, and no sign of a call
    await asyncio.sleep(1.5)
    heard = len(stay.all(Heard))
    await asyncio.sleep(0.7)
    assert len(stay.all(Heard)) == heard
    await replica.show(page)
    await all_are_new(stay, 6)
    await replica.joins("Cat")
    await stay.until(Joined, count=7)
    heard = len(stay.all(Heard))
    await asyncio.sleep(0.7)
    assert len(stay.all(Heard)) == heard


async def all_are_new(stay: PageStay, joined: int) -> None:
    """After a time of which nothing is known; and are heard once they agree."""
    await stay.until(Joined, count=joined)
    heard = len(stay.all(Heard))
    await asyncio.sleep(0.5)
    assert len(stay.all(Heard)) == heard
    await stay.room.hear(frozenset({seats_of(stay, "Ann")[-1], seats_of(stay, "Ben")[-1]}))
    await stay.until(Heard, count=heard + 20)


async def test_who_shares_a_name_is_new_whenever_their_number_changes(stay: PageStay, replica: ZoomReplica) -> None:
    await stay.enter("", clicked="Join")
    await replica.joins("Ann")
    await stay.until(Joined)
    await replica.joins("Ann")
    await stay.until(Joined, count=3)
    first, *both = seats_of(stay, "Ann")
    assert len({first, *both}) == 3
    assert [event.seat for event in stay.all(Left)] == [first]
    await replica.leaves("Ann")
    await stay.until(Joined, count=4)
    assert {event.seat for event in stay.all(Left)} == {first, *both}
    await replica.joins("+49 30 12345")
    await stay.until(Joined, count=5)
    assert stay.all(Joined)[-1].identity_level is IdentityLevel.SHARED_OR_ANONYMOUS
    assert stay.all(Joined)[-1].is_phone


async def test_chat_goes_both_ways_and_a_run_of_lines_is_of_its_header(stay: PageStay, replica: ZoomReplica) -> None:
    await stay.enter("", clicked="Join")
    replica.echoes = True
    await replica.joins("Ann")
    await replica.joins("Ben")
    await stay.until(Joined, count=2)
    assert "own-" in await stay.room.post(Post(text="May I record? record yes = my voice"))
    await replica.writes("Ann", "record yes")
    await replica.writes("Ben", "hello")
    await replica.writes("", "stop")  # of Ben, too
    await replica.writes("Nobody", "record yes")
    await stay.until(ChatSaid, count=3)
    await asyncio.sleep(0.5)
    ann, ben = seats_of(stay, "Ann")[0], seats_of(stay, "Ben")[0]
    said = [(line.seat, line.text) for line in stay.all(ChatSaid)]
    assert said == [(ann, "record yes"), (ben, "hello"), (ben, "stop")]


async def test_who_says_the_same_where_anothers_line_stood_has_said_it(stay: PageStay, replica: ZoomReplica) -> None:
    await stay.enter("", clicked="Join")
    await replica.joins("Ann")
    await replica.joins("Ben")
    await stay.until(Joined, count=2)
    await replica.writes("Ann", "stop", "row")
    await stay.until(ChatSaid)
    replica.lines = [("row", "Ben", "stop")]  # a list that draws its rows anew
    await replica.draw()
    await stay.until(ChatSaid, count=2)
    assert [line.seat for line in stay.all(ChatSaid)] == [seats_of(stay, "Ann")[0], seats_of(stay, "Ben")[0]]


async def test_the_bot_is_heard(stay: PageStay, replica: ZoomReplica) -> None:
    await stay.enter("", clicked="Join")
    await hears_the_bot(stay)
    assert {"clicked": "unmute my microphone"} in replica.did


async def test_where_zoom_wants_rtms_that_is_a_refusal_with_what_to_do(stay: PageStay, replica: ZoomReplica) -> None:
    joining = asyncio.ensure_future(stay.room.join(stay.request, stay.push))
    await replica.until("clicked", "Join")
    await replica.show("<p>We detected you may be a bot. Automated bots aren’t allowed; sign in to join.</p>")
    with pytest.raises(RoomRefused, match="RTMS") as refused:
        await joining
    assert refused.value.reason is LeftReason.PLATFORM_REFUSES_BOTS


async def test_a_removal_is_an_end_whatever_stands_in_the_chat(stay: PageStay, replica: ZoomReplica) -> None:
    await stay.enter("", clicked="Join")
    await replica.joins("Ann")
    await replica.writes("Ann", "You have been removed! Sign in to join, this meeting has been ended by host")
    await asyncio.sleep(1)
    assert not stay.all(Ended)
    await replica.show(replica.page() + shown(LOOK["removed"]))
    assert (await stay.until(Ended)).reason is LeftReason.REMOVED


async def test_every_state_is_recognised_by_each_of_its_signs(tmp_path: Path, tasks: asyncio.TaskGroup) -> None:
    async with ZoomReplica.running(tmp_path / "ca", tasks) as replica:
        await recognises_each_sign(SCRIPT, replica)
