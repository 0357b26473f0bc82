"""From admitted frame to sealed part: what is kept, when it is on disk, and what a failure leaves."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_notice.events import Erased, PartClosed, SegmentOpened
from consent_notice.words import Rule, SeatId
from storage import track_writer
from storage.parts import StoredFrame
from storage.store import Store
from storage.track_writer import FaultKind, TrackFault, TrackWriter
from storage.verify import verify
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import FRAME_MS, NO, YES, Meeting, begin


class Faults(list[TrackFault]):
    def kinds(self) -> list[FaultKind]:
        return [fault.kind for fault in self]


@pytest.fixture
async def meeting(store: Store, clock: HandClock) -> Meeting:
    return await begin(store, clock)


def writer_of(meeting: Meeting, faults: Faults, epoch: int | None = None) -> TrackWriter:
    loop = asyncio.get_running_loop()
    return meeting.store.tracks.writer(
        meeting.visit, meeting.meeting_epoch if epoch is None else epoch, loop=loop, on_fault=faults.append
    )


async def frames_of(meeting: Meeting, seat: str) -> list[StoredFrame]:
    rows = await meeting.store.tracks.segments(meeting.visit)
    return [frame for row in rows if SeatId(seat) in row.seats for frame in meeting.store.tracks.read(row.id)[1]]


async def until_written(writer: TrackWriter) -> None:
    """All that was kept is in files, as far as chunks are full."""
    async with asyncio.timeout(20):
        while writer._queue:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)


async def test_what_is_admitted_is_read_back_byte_for_byte(meeting: Meeting) -> None:
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    faults = Faults()
    writer = writer_of(meeting, faults)
    gate = meeting.gate()
    kept = meeting.admitted(gate, "ann", range(100))
    assert meeting.admitted(gate, "bob", range(100)) == []
    for frame in kept:
        writer.keep(frame)
    await writer.settle_and_close()
    stored = await frames_of(meeting, "ann")
    assert [(f.captured_ms, f.rtp_timestamp, f.payload) for f in stored] == [
        (f.captured_ms, f.rtp_timestamp, f.payload) for f in kept
    ]
    assert await frames_of(meeting, "bob") == []
    assert faults == []


async def test_a_segment_names_its_consents_and_is_logged_before_its_sound(meeting: Meeting) -> None:
    await meeting.joins("ann")
    yes = await meeting.says("ann", *YES)
    writer = writer_of(meeting, Faults())
    for frame in meeting.admitted(meeting.gate(), "ann", range(20)):
        writer.keep(frame)
    await writer.settle_and_close()
    (opened,) = [e.event for e in meeting.store.log.entries_of(meeting.visit) if isinstance(e.event, SegmentOpened)]
    assert (opened.seats, opened.relies_on, opened.rule) == (("ann",), (yes,), Rule.EACH_VOICE)
    (row,) = await meeting.store.tracks.segments(meeting.visit)
    header, _ = meeting.store.tracks.read(row.id)
    assert (header.relies_on, header.epoch, header.boot_id) == ((yes,), 1, "boot-1")


async def test_another_consent_is_another_segment_under_another_key(meeting: Meeting) -> None:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    writer = writer_of(meeting, Faults())
    for frame in meeting.admitted(meeting.gate(), "ann", range(50)):
        writer.keep(frame)
    await meeting.says("ann", *NO, at_ms=1_000)
    await meeting.says("ann", *YES, at_ms=2_000)
    for frame in meeting.admitted(meeting.gate(), "ann", range(50, 150)):
        writer.keep(frame)
    await writer.settle_and_close()
    first, second = await meeting.store.tracks.segments(meeting.visit)
    assert first.relies_on != second.relies_on
    assert first.to_ms <= meeting.started_ms + 1_000
    assert second.from_ms >= meeting.started_ms + 2_000
    assert meeting.store.tracks.read(first.id)[0].key_id != meeting.store.tracks.read(second.id)[0].key_id


async def test_a_part_holds_at_most_30_seconds_and_a_chunk_250_ms(meeting: Meeting, data_dir: Path) -> None:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    writer = writer_of(meeting, Faults())
    for frame in meeting.admitted(meeting.gate(), "ann", range(3_500)):
        writer.keep(frame)
    await writer.settle_and_close()
    closed = [e.event for e in meeting.store.log.entries_of(meeting.visit) if isinstance(e.event, PartClosed)]
    assert [part.part for part in closed] == [0, 1, 2]
    assert all(part.kept_ms <= 30_000 and part.kept_ms / part.chunks <= 250 for part in closed)
    assert sum(part.frames for part in closed) == 3_499  # the first one may carry sound from before the yes
    assert len(await frames_of(meeting, "ann")) == 3_499


async def test_a_chunk_that_does_not_fill_up_is_written_all_the_same(meeting: Meeting, clock: HandClock) -> None:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    writer = writer_of(meeting, Faults())
    for frame in meeting.admitted(meeting.gate(), "ann", range(6)):
        writer.keep(frame)
    await until_written(writer)
    assert await frames_of(meeting, "ann") == []
    clock.pass_ms(250)
    async with asyncio.timeout(10):
        while len(await frames_of(meeting, "ann")) < 5:
            await asyncio.sleep(0.02)
    await writer.settle_and_close()


async def test_one_track_can_be_closed_while_others_go_on(meeting: Meeting) -> None:
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    await meeting.says("bob", *YES)
    writer = writer_of(meeting, Faults())
    gate = meeting.gate()
    for frame in meeting.admitted(gate, "ann", range(30)) + meeting.admitted(gate, "bob", range(30)):
        writer.keep(frame)
    await writer.settle_and_close("ann:1")
    closed = [e.event for e in meeting.store.log.entries_of(meeting.visit) if isinstance(e.event, PartClosed)]
    assert len(closed) == 1
    for frame in meeting.admitted(gate, "bob", range(30, 60)):
        writer.keep(frame)
    await writer.settle_and_close()
    await writer.settle_and_close()  # twice is once
    assert len(await frames_of(meeting, "bob")) == 59


async def test_after_its_end_it_takes_nothing_and_says_so(meeting: Meeting) -> None:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    faults = Faults()
    writer = writer_of(meeting, faults)
    await writer.settle_and_close()
    for frame in meeting.admitted(meeting.gate(), "ann", range(5)):
        writer.keep(frame)
    await asyncio.sleep(0)
    assert faults.kinds() == [FaultKind.CLOSED]


async def test_a_queue_that_is_full_is_a_fault_told_once(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track_writer, "QUEUE_LIMIT", 4)
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    faults = Faults()
    writer = writer_of(meeting, faults)
    for frame in meeting.admitted(meeting.gate(), "ann", range(400)):
        writer.keep(frame)
    await writer.settle_and_close()
    assert faults.kinds() == [FaultKind.TOO_SLOW]


# ---- ownership -------------------------------------------------------------------------------------------------------


async def test_an_old_epoch_writes_nothing_more(meeting: Meeting, clock: HandClock) -> None:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    faults = Faults()
    writer = writer_of(meeting, faults)
    gate = meeting.gate()
    for frame in meeting.admitted(gate, "ann", range(100)):
        writer.keep(frame)
    await until_written(writer)
    visit = await meeting.store.visits.get(meeting.visit)
    assert visit is not None
    clock.pass_ms(10_000)
    assert await meeting.store.meetings.claim(visit.meeting_id, "other", 5_000) == 2
    for _ in range(10):  # a second, and the writer has noticed by itself
        clock.pass_ms(100)
        await asyncio.sleep(0.12)
    assert faults.kinds() == [FaultKind.TAKEN_OVER]
    before = len(await frames_of(meeting, "ann"))
    for frame in meeting.admitted(gate, "ann", range(100, 200)):
        writer.keep(frame)
    await writer.settle_and_close()
    assert len(await frames_of(meeting, "ann")) == before
    (closed,) = [e.event for e in meeting.store.log.entries_of(meeting.visit) if isinstance(e.event, PartClosed)]
    assert closed.recovered


async def test_an_old_epoch_opens_no_segment(meeting: Meeting) -> None:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    faults = Faults()
    writer = writer_of(meeting, faults, epoch=0)
    for frame in meeting.admitted(meeting.gate(), "ann", range(100)):
        writer.keep(frame)
    await writer.settle_and_close()
    assert faults.kinds() == [FaultKind.TAKEN_OVER]
    assert await meeting.store.tracks.segments(meeting.visit) == []
    assert list((meeting.store.data_dir / "tracks" / meeting.visit).iterdir()) == []


# ---- a no that was learnt of late ------------------------------------------------------------------------------------


async def cut_at(meeting: Meeting, frames: int, after_ms: int, *, wait: bool) -> list[StoredFrame]:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    writer = writer_of(meeting, Faults())
    kept = meeting.admitted(meeting.gate(), "ann", range(frames))
    for frame in kept:
        writer.keep(frame)
    if wait:
        await until_written(writer)
    writer.cut_back(SeatId("ann"), meeting.started_ms + after_ms)
    await writer.settle_and_close()
    stored = await frames_of(meeting, "ann")
    staying = [frame for frame in kept if frame.captured_ms + frame.duration_ms <= meeting.started_ms + after_ms]
    assert [frame.payload for frame in stored] == [frame.payload for frame in staying]
    return stored


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("after_ms", [0, 40, 239, 240, 241, 505, 1_000, 1_990, 2_000, 9_999])
async def test_nothing_after_a_late_no_stays_and_nothing_before_is_lost(
    after_ms: int, wait: bool, meeting: Meeting
) -> None:
    stored = await cut_at(meeting, 100, after_ms, wait=wait)
    assert all(frame.ends_ms <= meeting.started_ms + after_ms for frame in stored)
    events = [entry.event for entry in meeting.store.log.entries_of(meeting.visit)]
    assert not [event for event in events if isinstance(event, Erased)], "an open part is cut, not destroyed"


@pytest.mark.parametrize("after_ms", [10, 25_000, 45_000, 69_980])
async def test_a_late_no_reaches_into_closed_parts_too(after_ms: int, meeting: Meeting, data_dir: Path) -> None:
    stored = await cut_at(meeting, 3_500, after_ms, wait=True)
    rows = await meeting.store.tracks.segments(meeting.visit)
    events = [entry.event for entry in meeting.store.log.entries_of(meeting.visit)]
    erased = [event for event in events if isinstance(event, Erased)]
    kept_names = {row.id for row in rows}
    folders = {path.name for path in (data_dir / "tracks" / meeting.visit).iterdir()}
    assert folders == kept_names
    if after_ms < 59_000:  # the first closed parts end at 29.76 and 59.52 s
        assert [event.authority for event in erased] == ["late refusal"]
        opened = [event for event in events if isinstance(event, SegmentOpened)]
        assert erased[0].segments == (opened[0].segment,)
    if after_ms < 20:
        assert stored == []
        assert rows == []


async def test_a_late_no_leaves_the_others_alone(meeting: Meeting) -> None:
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    await meeting.says("bob", *YES)
    writer = writer_of(meeting, Faults())
    gate = meeting.gate()
    for ann, bob in zip(
        meeting.admitted(gate, "ann", range(100)), meeting.admitted(gate, "bob", range(100)), strict=True
    ):
        writer.keep(ann)
        writer.keep(bob)
    writer.cut_back(SeatId("ann"), meeting.started_ms + 500)
    await writer.settle_and_close()
    assert len(await frames_of(meeting, "bob")) == 99
    assert max(frame.ends_ms for frame in await frames_of(meeting, "ann")) == meeting.started_ms + 500


async def test_the_next_stay_moves_nothing_that_may_stay_and_drops_what_may_not(meeting: Meeting) -> None:
    """A segment may begin right with its yes; a no of which the stay did not live to hear ends it earlier."""
    await meeting.joins("ann", "bob")
    for seat in ("ann", "bob"):
        await meeting.says(seat, *YES)
    faults = Faults()
    writer = writer_of(meeting, faults)
    for seat in ("ann", "bob"):
        for frame in meeting.admitted(meeting.gate(), seat, range(1, 100)):
            writer.keep(frame)
    await writer.settle_and_close()
    await meeting.says("bob", *NO, at_ms=1_000)
    before = {str(row.seats[0]): row.id for row in await meeting.store.tracks.segments(meeting.visit)}
    await writer_of(meeting, faults).settle_and_close()
    assert faults == []
    after = {str(row.seats[0]): row.id for row in await meeting.store.tracks.segments(meeting.visit)}
    assert after["ann"] == before["ann"]
    assert after["bob"] != before["bob"]
    assert len(await frames_of(meeting, "ann")) == 99
    assert all(frame.ends_ms <= meeting.started_ms + 1_000 for frame in await frames_of(meeting, "bob"))


async def test_a_late_join_cuts_everybody(meeting: Meeting) -> None:
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    await meeting.says("bob", *YES)
    writer = writer_of(meeting, Faults())
    gate = meeting.gate()
    for seat in ("ann", "bob"):
        for frame in meeting.admitted(gate, seat, range(100)):
            writer.keep(frame)
    writer.cut_back(None, meeting.started_ms + 1_000)
    await writer.settle_and_close()
    for seat in ("ann", "bob"):
        assert max(frame.ends_ms for frame in await frames_of(meeting, seat)) == meeting.started_ms + 1_000


# ---- a full disk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(data_dir: Path, store: Store) -> Iterator[Path]:
    """The tracks lie on a real file system of 200 kB."""
    tracks = data_dir / "tracks"
    tracks.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(tracks)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting needs root")
    yield tracks
    subprocess.run(["umount", str(tracks)], check=True)


async def test_a_full_disk_stops_capture_once_and_keeps_what_was(small_disk: Path, meeting: Meeting) -> None:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    faults = Faults()
    writer = writer_of(meeting, faults)
    kept = meeting.admitted(meeting.gate(), "ann", range(3_000), size_bytes=160)
    for frame in kept:
        writer.keep(frame)
    async with asyncio.timeout(20):
        while not faults:
            await asyncio.sleep(0.01)
    await writer.settle_and_close()
    assert faults.kinds() == [FaultKind.DISK_FULL]
    stored = await frames_of(meeting, "ann")
    assert len(stored) > 500
    assert [frame.payload for frame in stored] == [frame.payload for frame in kept[: len(stored)]]
    assert [frame.captured_ms for frame in stored] == [
        meeting.started_ms + number * FRAME_MS for number in range(1, len(stored) + 1)
    ]
    subprocess.run(["mount", "-o", "remount,size=400k", str(small_disk)], check=True)
    meeting.store.tracks.recover()  # the end of the last part, for which there may have been no room
    assert list(small_disk.rglob("*.open")) == []
    assert len(await frames_of(meeting, "ann")) == len(stored)


async def test_a_late_no_cuts_on_a_full_disk_too(small_disk: Path, meeting: Meeting) -> None:
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    faults = Faults()
    writer = writer_of(meeting, faults)
    for frame in meeting.admitted(meeting.gate(), "ann", range(3_000), size_bytes=160):
        writer.keep(frame)
    async with asyncio.timeout(20):
        while not faults:
            await asyncio.sleep(0.01)
    writer.cut_back(SeatId("ann"), meeting.started_ms + 3_000)
    await writer.settle_and_close()
    stored = await frames_of(meeting, "ann")
    assert all(frame.ends_ms <= meeting.started_ms + 3_000 for frame in stored)
    assert len(stored) >= 130  # at most the 250 ms around the cut are lost


async def test_sound_that_does_not_name_whom_the_log_has_there_goes_when_the_visit_is_over(
    store: Store, clock: HandClock, data_dir: Path
) -> None:
    """Bob had agreed and left; a crash took the entry of his leaving, so by the log he was there all the time."""
    meeting = await begin(store, clock, rule=Rule.EVERYONE)
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    gate = meeting.gate()
    frames = meeting.admitted(gate, "ann", range(100))
    assert len(frames) == 99  # the first may hold what was said before the yes
    await meeting.joins("bob")
    await meeting.says("bob", *YES)
    writer = writer_of(meeting, Faults())
    for frame in frames:
        writer.keep(frame)
    await writer.settle_and_close()
    assert any("does not name" in fault for fault in verify(data_dir).faults)
    store.tracks.refuse(meeting.visit, meeting.meeting_epoch)
    assert await frames_of(meeting, "ann") == []
    assert verify(data_dir).faults == []
