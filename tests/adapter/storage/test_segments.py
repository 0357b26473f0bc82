"""Crashes at any moment: what was on disk is ended, logged and read; nothing that lives is touched."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from config.clock import SystemClock, new_id
from consent_notice.events import PartClosed
from consent_notice.frames import Encoding
from consent_notice.words import Rule, SeatId, SegmentId
from storage.errors import KeyDestroyed, NotStored
from storage.parts import PartSeal, SegmentHeader, read_part, recover_part, summary_of
from storage.segments import LATE_REFUSAL, LiveSegment, closed_event, erased_event, is_live, opened_event, part_files
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import FRAME_MS, YES, Meeting, begin
from tests.adapter.storage.processes import lines_of, rest_of, start


async def frames_of(meeting: Meeting, seat: str) -> list[int]:
    rows = await meeting.store.tracks.segments(meeting.visit)
    found = [frame for row in rows if SeatId(seat) in row.seats for frame in meeting.store.tracks.read(row.id)[1]]
    return sorted(frame.captured_ms for frame in found)


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.nightly)])
async def test_kill_9_loses_at_most_the_last_second(kills: int, data_dir: Path) -> None:
    draw = random.Random(11)
    clock = SystemClock()
    store = Store.open(data_dir, clock, new_id)
    meeting = await begin(store, clock)
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    await meeting.says("bob", *YES)
    spans: list[tuple[int, int]] = []
    for _ in range(kills):
        process = start("track_keeper", data_dir, meeting.visit, meeting.meeting_epoch)
        assert await asyncio.to_thread(lines_of, process, 1) == ["ready"]
        first = await asyncio.to_thread(lines_of, process, 1)
        await asyncio.sleep(draw.uniform(0.3, 2.5))
        process.kill()
        lines = first + (await asyncio.to_thread(rest_of, process))[:-1]
        assert not [line for line in lines if line.startswith("fault")]
        spans.append((int(first[0].split()[1]), int(lines[-1].split()[1])))
        assert store.tracks.recover() >= 0
        report = verify(data_dir)
        assert report.faults == []
        for seat in ("ann", "bob"):
            kept = set(await frames_of(meeting, seat))
            for begin_ms, end_ms in spans:
                handed = {ms for ms in kept if begin_ms <= ms < end_ms}
                last = max(handed, default=begin_ms - FRAME_MS)
                assert end_ms - last <= 1_000, "more than the last second is missing"
                assert handed == set(range(begin_ms, last + 1, FRAME_MS)), "a gap before the loss"
    recovered = [e.event for e in store.log.entries_of(meeting.visit) if isinstance(e.event, PartClosed)]
    assert recovered
    assert all(part.recovered for part in recovered)
    assert list((data_dir / "tracks").rglob("*.open")) == []
    store.close()


class Remains:
    """A segment as a crash leaves it, and what its next steps would have been."""

    def __init__(self, store: Store, meeting: Meeting, yes: int) -> None:
        self.store = store
        self.key = store.keys.make()
        self.header = SegmentHeader(
            visit=meeting.visit,
            epoch=meeting.meeting_epoch,
            segment=SegmentId("segment"),
            track="ann:1",
            seats=(SeatId("ann"),),
            rule=Rule.EACH_VOICE,
            relies_on=(yes,),
            encoding=Encoding.OPUS,
            key_id=self.key.id,
            boot_id=meeting.clock.boot_id,
            opened_ms=meeting.started_ms,
        )
        self.live = LiveSegment(store.data_dir / "tracks", self.header, self.key)
        self.folder = store.data_dir / "tracks" / meeting.visit / "segment"
        self.frames = meeting.admitted(meeting.gate(), "ann", range(1, 121))

    def log_opening(self) -> None:
        self.store.log.submit([opened_event(self.live.opened())]).result()

    def write(self, chunks: int) -> None:
        part = self.live.open_part()
        for number in range(chunks):
            part.write(self.frames[number * 12 : number * 12 + 12], 240)

    def close_unlogged(self) -> None:
        assert self.live.part is not None
        assert self.live.part.close([], 0) is not None
        self.live.part = None

    def die(self) -> None:
        self.live.release()

    def payloads(self) -> list[bytes]:
        return [frame.payload for frame in self.store.tracks.read(SegmentId("segment"))[1]]


@pytest.fixture
async def remains(store: Store, clock: HandClock) -> Remains:
    meeting = await begin(store, clock)
    await meeting.joins("ann")
    return Remains(store, meeting, await meeting.says("ann", *YES))


def closed_parts(store: Store) -> list[PartClosed]:
    return [entry.event for entry in store.log.read(-1, 1_000) if isinstance(entry.event, PartClosed)]


async def test_a_folder_that_the_log_does_not_know_is_removed_with_its_key(store: Store, remains: Remains) -> None:
    remains.die()
    assert store.tracks.recover() == 0
    assert not remains.folder.exists()
    with pytest.raises(KeyDestroyed):
        store.keys.get(remains.key.id)
    assert verify(store.data_dir).faults == []


async def test_an_opened_segment_without_sound_is_no_fault(store: Store, remains: Remains) -> None:
    remains.log_opening()
    remains.live.open_part()
    remains.die()
    assert store.tracks.recover() == 1
    assert part_files(remains.folder) == []
    assert closed_parts(store) == []
    assert verify(store.data_dir).faults == []


async def test_whole_chunks_are_kept_and_a_torn_one_is_cut(store: Store, remains: Remains) -> None:
    remains.log_opening()
    remains.write(3)
    remains.die()
    (part,) = part_files(remains.folder)
    with part.path.open("ab") as file:
        file.write(b"\x00\x00\x04\x00" + bytes(70))
    assert [fault for fault in verify(store.data_dir).faults if "000000.open" in fault]
    assert store.tracks.recover() == 1
    (closed,) = closed_parts(store)
    assert (closed.recovered, closed.frames, closed.kept_ms, closed.chunks) == (True, 36, 720, 4)
    assert remains.payloads() == [frame.payload for frame in remains.frames[:36]]
    assert verify(store.data_dir).faults == []
    assert store.tracks.recover() == 0


@pytest.mark.parametrize("died", ["before its end", "before its entry", "before its name"])
async def test_dying_between_the_steps_of_closing_is_made_good(died: str, store: Store, remains: Remains) -> None:
    remains.log_opening()
    remains.write(2)
    if died != "before its end":
        remains.close_unlogged()
    remains.die()
    if died == "before its name":
        (part,) = part_files(remains.folder)
        seal = PartSeal(remains.key.key, remains.header.to_bytes())
        content = part.path.read_bytes()
        closed = summary_of(0, content, read_part(content, seal, 0, Encoding.OPUS))
        event = closed_event(remains.header.visit, SegmentId("segment"), closed, recovered=False)
        store.log.submit([event]).result()
    assert store.tracks.recover() == 1
    (logged,) = closed_parts(store)
    assert logged.recovered == (died != "before its name")
    assert [part.path.name for part in part_files(remains.folder)] == ["000000.part"]
    assert verify(store.data_dir).faults == []


async def test_recovery_may_die_too(store: Store, remains: Remains) -> None:
    remains.log_opening()
    remains.write(2)
    remains.die()
    seal = PartSeal(remains.key.key, remains.header.to_bytes())
    (part,) = part_files(remains.folder)
    first = recover_part(part.path, 0, seal, Encoding.OPUS)
    assert recover_part(part.path, 0, seal, Encoding.OPUS) == first  # it died before it could log
    assert store.tracks.recover() == 1
    assert verify(store.data_dir).faults == []


async def test_what_lives_is_left_alone(store: Store, remains: Remains) -> None:
    remains.log_opening()
    remains.write(2)
    assert is_live(remains.folder)
    assert store.tracks.recover() == 0
    assert verify(store.data_dir).faults == []
    assert len(remains.payloads()) == 24
    remains.die()
    assert not is_live(remains.folder)


async def test_a_living_segment_is_not_taken_for_remains_before_its_entry(store: Store, remains: Remains) -> None:
    store.tracks.recover()
    remains.log_opening()
    remains.write(1)
    assert len(remains.payloads()) == 12
    remains.die()


async def test_an_erasure_that_was_cut_off_is_finished(store: Store, remains: Remains) -> None:
    remains.log_opening()
    remains.write(2)
    remains.close_unlogged()
    remains.die()
    store.tracks.recover()
    store.log.submit([erased_event(remains.header.visit, SegmentId("segment"), LATE_REFUSAL)]).result()
    with pytest.raises(NotStored):
        store.tracks.read(SegmentId("segment"))
    store.tracks.recover()
    assert not remains.folder.exists()
    with pytest.raises(KeyDestroyed):
        store.keys.get(remains.key.id)
    assert verify(store.data_dir).faults == []
