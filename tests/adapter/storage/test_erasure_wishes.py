"""What somebody asks to have erased goes as soon as it can, also while the meeting goes on, and stays gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consent_notice.events import Erased
from consent_notice.words import ConsentStatus, SeatId
from storage.erasure_wishes import Wish
from storage.errors import DatabaseFailed, LogWriteFailed
from storage.retention import Retention
from storage.store import Store
from storage.track_writer import IDLE_MS
from storage.verify import verify
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import YES, begin
from tests.adapter.storage.running import ANN, BOB, Running
from tests.adapter.storage.test_erasure import Told, bytes_of, wrapped_key


async def test_it_goes_while_the_meeting_goes_on_and_nobody_elses_does(running: Running, data_dir: Path) -> None:
    wishes, visit = running.store.erasure_wishes, running.meeting.visit
    await running.asks(ANN)
    await running.talk("bob", ms=1_000)
    assert await wishes.carry_out() == 0, "something of it is still being written"
    for _ in range(5):
        await running.talk("bob", ms=1_000)
    (row,) = [row for row in await running.store.tracks.segments(visit) if ANN in row.seats]
    key = wrapped_key(data_dir, running.store.tracks.read(row.id)[0].key_id)
    assert await wishes.carry_out() == 1
    assert key not in bytes_of(data_dir, "keys.db")
    assert await running.kept(ANN) == 0
    assert await running.kept(BOB) > 250
    (event,) = running.erased()
    assert (event.segments, event.authority) == ((row.id,), "asked for on the page")
    (wish,) = await wishes.of_seat(visit, ANN)
    assert wish.erased_at == running.clock.now()
    assert await wishes.carry_out() == 0
    await running.ends()
    assert await wishes.carry_out() == 0
    assert len(running.erased()) == 1
    assert verify(data_dir).faults == []
    visit_row = await running.store.visits.get(visit)
    assert visit_row is not None
    assert ConsentStatus.WITHDRAWN in visit_row.consent_status


async def test_the_wish_and_the_withdrawal_are_durable_together_or_not_at_all(running: Running) -> None:
    asked = Wish(id="wish", visit=running.meeting.visit, seat=ANN, page="p", authority="asked for")
    running.store.log.close()
    with pytest.raises(LogWriteFailed):
        await running.store.erasure_wishes.ask(asked, [])
    assert await running.store.erasure_wishes.of_seat(running.meeting.visit, ANN) == []


async def test_asked_twice_it_is_one_wish(running: Running) -> None:
    asked = await running.asks(ANN)
    (first,) = await running.store.erasure_wishes.of_seat(running.meeting.visit, ANN)
    running.clock.pass_ms(5_000)
    await running.meeting.says("ann", *YES, at_ms=running.at_ms + 3_000)
    await running.store.erasure_wishes.ask(asked)
    assert await running.store.erasure_wishes.of_seat(running.meeting.visit, ANN) == [first]


async def test_what_is_kept_under_a_later_yes_stays(running: Running, data_dir: Path) -> None:
    await running.asks(ANN)
    await running.talk("bob", ms=1_000)
    await running.meeting.says("ann", *YES, at_ms=running.at_ms)
    await running.talk("ann", "bob", ms=3_000)
    assert await running.store.erasure_wishes.carry_out() == 1
    kept = await running.kept(ANN)
    assert kept == 149
    await running.ends()
    await running.store.erasure_wishes.carry_out()
    assert await running.kept(ANN) == kept
    assert len(running.erased()) == 1
    assert verify(data_dir).faults == []


async def test_what_a_bot_that_was_held_up_wrote_afterwards_goes_when_the_meeting_is_over(
    running: Running, data_dir: Path
) -> None:
    """Heard before the no, and written long after it."""
    early_ms = running.at_ms
    held = running.meeting.admitted(running.meeting.gate(), "ann", range(early_ms // 20 + 1, early_ms // 20 + 20))
    await running.asks(ANN, at_ms=early_ms + 500)
    for _ in range(6):
        await running.talk("bob", ms=1_000)
    assert await running.store.erasure_wishes.carry_out() == 1
    for frame in held:
        running.writer.keep(frame)
    await running.settle()
    await running.ends()
    assert await running.kept(ANN) == 19
    assert any("still there" in fault for fault in verify(data_dir).faults)
    assert await running.store.erasure_wishes.carry_out() == 0  # it was fulfilled before, as far as anybody could know
    assert await running.kept(ANN) == 0
    assert len(running.erased()) == 2
    assert verify(data_dir).faults == []


async def test_a_wish_after_the_meeting_takes_the_transcript_too(store: Store, clock: HandClock) -> None:
    told = await Told.begin(store, clock)
    await told.end()
    await store.erasure_wishes.ask(Wish(id="w", visit=told.visit, seat=ANN, page="p", authority="asked for"))
    assert await store.erasure_wishes.carry_out(told.visit) == 1
    assert not told.is_readable("ann")
    assert told.is_readable("bob")
    assert [row.seat for row in await store.transcripts.of_visit(told.visit)] == [BOB]
    report = verify(store.data_dir)
    assert report.faults == []
    assert report.erased == 2


async def test_a_wish_of_somebody_of_whom_nothing_was_kept_is_done_and_adds_no_entry(
    store: Store, clock: HandClock
) -> None:
    told = await Told.begin(store, clock)
    await told.end()
    await store.erasure_wishes.ask(Wish(id="w", visit=told.visit, seat=SeatId("cleo"), page="p", authority="asked for"))
    assert await store.erasure_wishes.carry_out() == 1
    assert not [event for event in told.events() if isinstance(event, Erased)]
    (wish,) = await store.erasure_wishes.of_seat(told.visit, SeatId("cleo"))
    assert wish.erased_at is not None


async def test_two_processes_make_one_erasure_of_it(running: Running, clock: HandClock, data_dir: Path) -> None:
    await running.asks(ANN)
    for _ in range(6):
        await running.talk("bob", ms=1_000)
    other = Store.open(data_dir, clock, lambda: "other")
    try:
        done = await asyncio.gather(running.store.erasure_wishes.carry_out(), other.erasure_wishes.carry_out())
        await running.store.erasure_wishes.carry_out()
    finally:
        other.close()
    assert sum(done) in (1, 2)
    assert len(running.erased()) == 1
    assert await running.kept(ANN) == 0


async def test_who_keeps_the_promises_carries_out_the_wishes_within_seconds(running: Running) -> None:
    await running.asks(ANN)
    keeper = asyncio.create_task(Retention(running.store, running.clock, 90).run())
    for _ in range(8):
        await running.talk("bob", ms=1_000)
        await asyncio.sleep(0.2)
    keeper.cancel()
    assert await running.kept(ANN) == 0


async def test_died_before_it_was_noted_it_is_noted_the_next_time_and_not_erased_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running.asks(ANN)
    await running.ends()
    database = running.store._database
    write = database.write_now

    def dies(work: Callable[..., Any]) -> Any:
        if "_fulfil" in work.__qualname__:
            raise DatabaseFailed
        return write(work)

    monkeypatch.setattr(database, "write_now", dies)
    with pytest.raises(DatabaseFailed):
        await running.store.erasure_wishes.carry_out()
    monkeypatch.undo()
    assert await running.kept(ANN) == 0
    assert await running.store.erasure_wishes.carry_out() == 1
    assert len(running.erased()) == 1


async def test_one_visits_trouble_keeps_no_other_wish(
    running: Running, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = await begin(running.store, clock)
    await running.asks(ANN, "a")
    await running.store.erasure_wishes.ask(Wish(id="b", visit=second.visit, seat=BOB, page="p", authority="asked for"))
    erasure, erase = running.store.erasure, running.store.erasure.erase_agreed_before

    def fails(order: str, *rest: object) -> None:
        if order.startswith("a."):
            raise LogWriteFailed
        erase(order, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(erasure, "erase_agreed_before", fails)
    clock.pass_ms(5_000)
    with pytest.raises(LogWriteFailed):
        await running.store.erasure_wishes.carry_out()
    assert (await running.store.erasure_wishes.of_seat(second.visit, BOB))[0].erased_at is not None


async def test_a_silent_track_ends_its_segment_so_that_it_can_go(running: Running) -> None:
    """What the erasure in a running meeting rests on: nobody has to tell the writer that somebody took it back."""
    running.clock.pass_ms(IDLE_MS - 100)
    await running.settle()
    assert all(row.parts == 0 for row in await running.store.tracks.segments(running.meeting.visit))
    running.clock.pass_ms(100)
    await running.settle()
    rows = await running.store.tracks.segments(running.meeting.visit)
    assert all(row.parts == 1 for row in rows)
    running.at_ms += IDLE_MS
    await running.talk("ann")
    again = await running.store.tracks.segments(running.meeting.visit)
    assert len([row for row in again if ANN in row.seats]) == 2
