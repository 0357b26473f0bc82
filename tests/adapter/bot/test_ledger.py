"""The bot's one door to the store: what it writes besides the log, and what a stale bot may not write."""

from __future__ import annotations

import asyncio

import pytest

from bot.ledger import VisitLedger
from consent_notice.events import SeatJoined, SeatLeft
from consent_notice.words import IdentityLevel, MeetingId, Rule, SeatId, SeatKind, VisitId
from tests.adapter.bot.conftest import CLOCK, BotAtWork

ANN = SeatId("a" * 12)


@pytest.fixture
async def opened(at_work: BotAtWork) -> tuple[VisitLedger, MeetingId, VisitId]:
    store, meeting = at_work.store, await at_work.plan()
    epoch = await store.meetings.claim(meeting.id, "this bot", 3_000)
    assert epoch is not None
    visit = await store.visits.open_visit(meeting.id, epoch, Rule.EACH_VOICE, "en")
    writer = store.tracks.writer(visit.id, epoch, loop=asyncio.get_running_loop(), on_fault=lambda fault: None)
    return (
        VisitLedger(store, writer, visit=visit.id, meeting=meeting.id, epoch=epoch, boot_id=CLOCK.boot_id),
        meeting.id,
        visit.id,
    )


Opened = tuple[VisitLedger, MeetingId, VisitId]


async def test_presence_is_in_the_log_and_in_the_hosts_list(at_work: BotAtWork, opened: Opened) -> None:
    ledger, _, visit = opened
    joined_ms = CLOCK.boot_ms()
    joined = SeatJoined(
        visit=visit,
        epoch=1,
        seat=ANN,
        name="Ann",
        seat_kind=SeatKind.PERSON,
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id=CLOCK.boot_id,
        at_ms=joined_ms,
    )
    await ledger.append(joined, "one")
    await ledger.append(joined, "one")
    left = SeatLeft(visit=visit, epoch=1, seat=ANN, boot_id=CLOCK.boot_id, at_ms=joined_ms + 5)
    await ledger.append(left, "two")
    assert [entry.event for entry in at_work.store.log.entries_of(visit)] == [joined, left]
    (seat,) = await at_work.store.visits.seats(visit)
    assert (seat.seat, seat.name, seat.is_present) == (ANN, "Ann", False)


async def test_the_heartbeat_says_when_another_bot_has_the_meeting(at_work: BotAtWork, opened: Opened) -> None:
    ledger, meeting, visit = opened
    assert await ledger.beat(CLOCK.boot_ms(), "in_room")
    row = await at_work.store.visits.get(visit)
    assert row is not None
    assert row.state == "in_room"
    assert await at_work.store.meetings.claim(meeting, "another bot", 3_000) is None
    assert await at_work.store.meetings.claim(meeting, "another bot", 0) == 2
    assert not await ledger.beat(CLOCK.boot_ms(), "leaving")
    row = await at_work.store.visits.get(visit)
    assert row is not None
    assert row.state == "in_room"


async def test_a_host_stop_is_seen(at_work: BotAtWork, opened: Opened) -> None:
    ledger, meeting, _ = opened
    assert not await ledger.host_stopped()
    await at_work.store.meetings.stop(meeting)
    assert await ledger.host_stopped()
