"""What the notice promised happens by itself: who never agreed is forgotten after 30 days, and the sound goes."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Erased, RecordingTagged
from consent_notice.words import ConsentStatus, Purpose, SeatId, SeatKind
from storage.errors import DatabaseFailed
from storage.log_entries import ErasedBody
from storage.retention import Retention, Tidied
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import YES
from tests.adapter.storage.test_erasure import NO_TO_ALL, Told, bytes_of

DAY_MS = 24 * 3_600_000
CROWD = 150


async def crowd(told: Told) -> None:
    """So many who never agree that their rows fill many pages; one of them says nothing at all, one opens a page."""
    for number in range(CROWD):
        seat = SeatId(f"seat-{number:04d}")
        await told.store.visits.upsert_seat(told.visit, seat, f"Name of {seat}", SeatKind.PERSON, 1)
        await told.meeting.joins(seat)
        if number:
            await told.meeting.says(seat, *NO_TO_ALL)
    opened = await told.store.pages.open(told.visit)
    await told.store.pages.choose(opened.page_id, {Purpose.RECORDING: False}, True)
    await told.store.pages.bind(told.visit, opened.code, SeatId("seat-0007"))
    await told.store.pages.open(told.visit)  # nobody's


async def test_after_thirty_days_only_leaves_remain_of_who_never_agreed(
    store: Store, clock: HandClock, data_dir: Path
) -> None:
    told = await Told.begin(store, clock)
    await crowd(told)
    await told.end()
    retention = Retention(store, clock, 90)
    clock.pass_ms(30 * DAY_MS - 60_000)
    assert await retention.tidy() == Tidied()
    status_before = (await told.row())[0]
    leaves = [entry.leaf_hash for entry in store.log.entries_of(told.visit)]
    clock.pass_ms(60_000)
    assert await retention.tidy() == Tidied(people=CROWD + 1)
    assert await retention.tidy() == Tidied()
    database = bytes_of(data_dir, "onrecord.db")
    assert b"Name of ann" in database
    assert b"Name of seat-" not in database
    assert b"Name of cleo" not in database
    assert b'"seat":"seat-' not in database
    assert [seat.seat for seat in await store.visits.seats(told.visit)] == ["ann", "bob"]
    assert await store.pages.by_seat(told.visit, SeatId("seat-0007")) == []
    entries = store.log.entries_of(told.visit)
    assert [entry.leaf_hash for entry in entries][: len(leaves)] == leaves
    gone = [entry.index for entry in entries if isinstance(entry.event, ErasedBody)]
    (erased,) = [entry.event for entry in entries if isinstance(entry.event, Erased)]
    assert list(erased.bodies) == gone
    assert len(gone) == 2 * (CROWD + 1) - 1
    assert (await told.row())[0] == status_before
    assert ConsentStatus.VOICES_MISSING in status_before
    assert told.is_readable("ann")
    assert verify(data_dir).faults == []


async def test_a_tag_names_nobody_who_never_agreed(store: Store, clock: HandClock) -> None:
    told = await Told.begin(store, clock)
    await told.end()
    tags = [event for event in told.events() if isinstance(event, RecordingTagged)]
    assert [seat for seat, _, _ in tags[-1].per_seat] == ["ann", "bob"]


async def test_who_agreed_once_is_evidence_and_stays(store: Store, clock: HandClock) -> None:
    """Also of whom nothing was kept: their yes is why they were asked no more."""
    told = await Told.begin(store, clock)
    await told.meeting.joins("dora", at_ms=8_000)
    await told.meeting.says("dora", *YES, at_ms=8_500)
    for seat in ("bob", "dora"):
        await told.meeting.says(seat, (Purpose.RECORDING, Act.WITHDRAW), at_ms=9_000)
    await told.end()
    clock.pass_ms(31 * DAY_MS)
    assert (await Retention(store, clock, 90).tidy()).people == 1
    for seat in ("bob", "dora"):
        assert len([event for event in told.events() if getattr(event, "seat", None) == seat]) >= 3
    assert verify(store.data_dir).faults == []


async def test_a_recording_goes_on_its_day(store: Store, clock: HandClock, data_dir: Path) -> None:
    told = await Told.begin(store, clock)
    await told.end()
    key = told.wrapped("ann")
    retention = Retention(store, clock, 7)
    clock.pass_ms(7 * DAY_MS)
    assert await retention.tidy() == Tidied(recordings=1)
    assert not told.is_readable("ann")
    assert key not in bytes_of(data_dir, "keys.db")
    (erased,) = [event for event in told.events() if isinstance(event, Erased)]
    assert erased.authority == "retention"
    assert verify(data_dir).faults == []
    clock.pass_ms(30 * DAY_MS)
    assert await retention.tidy() == Tidied(people=1)
    assert ConsentStatus.WITHDRAWN in (await told.row())[0]
    assert verify(data_dir).faults == []
    assert await retention.tidy() == Tidied()


async def test_one_broken_recording_keeps_no_other_one(
    store: Store, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = await Told.begin(store, clock), await Told.begin(store, clock)
    for told in (broken, whole):
        await told.end()
    (store.data_dir / "tracks" / broken.visit / broken.segments["ann"] / "header.json").unlink()
    clock.pass_ms(8 * DAY_MS)
    with caplog.at_level(logging.INFO):
        tidied = await Retention(store, clock, 7).tidy()
    assert tidied == Tidied(recordings=1, failed=1)
    assert broken.is_readable("bob")
    assert not whole.is_readable("bob")
    assert "Name of" not in caplog.text


async def test_a_reader_in_the_way_delays_the_overwriting_and_not_the_erasure(
    store: Store, clock: HandClock, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order stays until the last copy is overwritten; the next hour finishes it."""
    monkeypatch.setattr("storage.erasure._CHECKPOINT_TRIES", 2)
    told = await Told.begin(store, clock)
    await told.end()
    clock.pass_ms(31 * DAY_MS)
    retention = Retention(store, clock, 90)
    with closing(sqlite3.connect(data_dir / "onrecord.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM log_leaves").fetchone()
        assert (await retention.tidy()).failed == 1
        assert any("not finished" in fault for fault in verify(data_dir).faults)
        reader.execute("COMMIT")
    assert (await retention.tidy()).resumed == 1
    assert b"Name of cleo" not in bytes_of(data_dir, "onrecord.db")
    assert verify(data_dir).faults == []


async def test_a_dead_disk_stops_one_pass_and_not_the_role(
    store: Store, clock: HandClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class EndOfTest(Exception):
        pass

    async def sleep(_seconds: float) -> None:
        raise EndOfTest

    async def fail(_before: object) -> list[object]:
        raise DatabaseFailed("no")

    monkeypatch.setattr("storage.retention.asyncio.sleep", sleep)
    monkeypatch.setattr(store.visits, "begun_before", fail)
    with caplog.at_level(logging.ERROR), pytest.raises(EndOfTest):
        await Retention(store, clock, 90).run()
    assert "DatabaseFailed" in caplog.text
