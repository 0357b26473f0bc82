"""The bot's writes on a real store, after another bot has taken the meeting over."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.ledger import VisitLedger
from consent_notice.decisions import Act
from consent_notice.events import Event
from consent_notice.words import MeetingId, Purpose
from storage.errors import StaleEpoch
from storage.store import Store
from tests.adapter.storage.events import decided, joined
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import NO, YES, Meeting, begin


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def meeting(tmp_path: Path, clock: HandClock) -> AsyncIterator[Meeting]:
    numbers = itertools.count()
    store = Store.open(tmp_path / "data", clock, lambda: f"id{next(numbers):06d}")
    yield await begin(store, clock)
    store.close()


async def test_a_bot_that_was_replaced_logs_noes_and_nothing_else(meeting: Meeting, clock: HandClock) -> None:
    store, visit = meeting.store, meeting.visit
    row = await store.visits.get(visit)
    assert row is not None
    writer = store.tracks.writer(visit, 1, loop=asyncio.get_running_loop(), on_fault=lambda fault: None)
    ledger = VisitLedger(store, writer, visit=visit, meeting=MeetingId(row.meeting_id), epoch=1)
    await ledger.append(joined(visit, "ann", 1, epoch=1), "joined")
    await ledger.append(decided(visit, "ann", 2, *YES, epoch=1), "yes")
    clock.pass_ms(60_000)
    assert await store.meetings.claim(row.meeting_id, "another bot", 0) == 2
    sound_only = ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.REFUSE))
    late: list[Event] = [
        decided(visit, "ann", 3, *YES, epoch=1),
        decided(visit, "ann", 4, *sound_only, epoch=1),
        joined(visit, "bob", 5, epoch=1),
    ]
    for number, event in enumerate(late):
        with pytest.raises(StaleEpoch):
            await ledger.append(event, f"late {number}")
    await ledger.append(decided(visit, "ann", 6, *NO, epoch=1), "no")
    assert store.log.has("no")
    assert not any(store.log.has(f"late {number}") for number in range(3))
    await writer.settle_and_close()
