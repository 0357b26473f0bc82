"""Sound that was changed, cut, taken away or exchanged is named, and so is sound without consent."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass

import pytest

from consent_notice.events import SegmentOpened
from consent_notice.frames import Encoding
from consent_notice.words import Rule, SeatId, SegmentId
from storage.parts import SegmentHeader
from storage.segments import LiveSegment, closed_event, opened_event
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.kept import Kept, sealed_files
from tests.adapter.storage.meeting import NO, YES, Meeting, begin


def test_any_changed_byte_of_a_part_header_or_transcript_is_named(kept: Kept) -> None:
    draw = random.Random(5)
    for path in sealed_files(kept):
        whole = path.read_bytes()
        for at in {0, 3, 4, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(8))}:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << draw.randrange(8)]) + whole[at + 1 :])
            assert any(str(path.relative_to(kept.folder)) in fault for fault in kept.faults()), (path.name, at)
        path.write_bytes(whole)
    assert kept.faults() == []


def test_a_file_that_is_cut_or_longer_is_named(kept: Kept) -> None:
    draw = random.Random(6)
    for path in sealed_files(kept):
        whole = path.read_bytes()
        for content in (whole[: draw.randrange(len(whole))], whole[:-1], b"", whole + b"\0", whole * 2):
            path.write_bytes(content)
            assert any(str(path.relative_to(kept.folder)) in fault for fault in kept.faults()), path.name
        path.write_bytes(whole)


def test_a_file_that_is_gone_is_named(kept: Kept) -> None:
    for path in sealed_files(kept):
        path.rename(kept.folder / "away")
        assert any(str(path.relative_to(kept.folder)) in fault for fault in kept.faults()), path.name
        (kept.folder / "away").rename(path)


def test_parts_cannot_change_places(kept: Kept) -> None:
    first, second, _ = kept.parts()
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert len(kept.faults()) == 2


@pytest.mark.parametrize("name", ["000009.part", "000002.open", "notes.txt"])
def test_a_file_that_nobody_logged_is_named(name: str, kept: Kept) -> None:
    stray = kept.parts()[0].with_name(name)
    stray.write_bytes(b"?")
    (fault,) = kept.faults()
    assert fault.startswith(str(stray.relative_to(kept.folder)))
    stray.unlink()
    (kept.folder / "transcripts" / "stray.sealed").write_bytes(b"?")
    assert any("stray.sealed" in fault for fault in kept.faults())


def test_a_changed_data_key_is_named_by_what_it_opens(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.folder / "keys.db", isolation_level=None)) as connection:
        connection.execute(
            "UPDATE data_keys SET wrapped = CAST(substr(wrapped, 1, 20) || x'00' || substr(wrapped, 22) AS BLOB)"
        )
    faults = kept.faults()
    assert sum("tracks/" in fault for fault in faults) == 2
    assert any(kept.transcript in fault for fault in faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lawless:
    """Five frames of sound that storage was given without the gate."""

    seat: str = "ann"
    relies_on: int = 0  # the entry so many after the yes
    first: int = 60  # frame; the yes is at 50, the withdrawal at 150
    rule: Rule = Rule.EACH_VOICE


async def store_it(store: Store, clock: HandClock, sound: Lawless) -> Meeting:
    seat, first = sound.seat, sound.first
    meeting = await begin(store, clock, rule=sound.rule)
    await meeting.joins("ann", "bob")
    yes = await meeting.says("ann", *YES, at_ms=1_000)
    await meeting.says("ann", *NO, at_ms=3_000)
    key = store.keys.make()
    header = SegmentHeader(
        visit=meeting.visit,
        epoch=1,
        segment=SegmentId("segment"),
        track="t",
        seats=(SeatId(seat),),
        rule=sound.rule,
        relies_on=(yes + sound.relies_on,),
        encoding=Encoding.OPUS,
        key_id=key.id,
        boot_id=clock.boot_id,
        opened_ms=meeting.started_ms,
    )
    live = LiveSegment(store.data_dir / "tracks", header, key)
    frames = [meeting.frame(seat, number) for number in range(first, first + 5)]
    live.open_part().write(frames, 100)
    assert live.part is not None
    closed = live.part.close([], 0)
    assert closed is not None
    live.part = None
    events = [opened_event(live.opened()), closed_event(meeting.visit, SegmentId("segment"), closed, recovered=False)]
    store.log.submit(events).result()
    live.rename_closed(closed)
    live.release()
    return meeting


@pytest.mark.parametrize(
    ("sound", "named"),
    [
        (Lawless(), None),
        (Lawless(first=50), "000000.part: sound at"),  # its first packet may hold 20 ms from before the yes
        (Lawless(first=148), "000000.part: sound at"),  # into the withdrawal
        (Lawless(first=160), "000000.part: sound at"),
        (Lawless(relies_on=1), "which is no yes"),
        (Lawless(seat="bob"), "000000.part: sound at"),
        (Lawless(rule=Rule.EVERYONE), "000000.part: sound at"),  # Bob did not agree
    ],
)
async def test_sound_without_consent_is_named(
    sound: Lawless, named: str | None, store: Store, clock: HandClock
) -> None:
    await store_it(store, clock, sound)
    faults = verify(store.data_dir).faults
    if named is None:
        assert faults == []
    else:
        assert any(named in fault for fault in faults)


async def test_a_segment_whose_header_was_exchanged_for_another_is_named(store: Store, clock: HandClock) -> None:
    meeting = await store_it(store, clock, Lawless())
    (opened,) = [e.event for e in store.log.entries_of(meeting.visit) if isinstance(e.event, SegmentOpened)]
    path = store.data_dir / "tracks" / meeting.visit / opened.segment / "header.json"
    path.write_bytes(path.read_bytes().replace(b'"ann"', b'"bob"'))
    assert any("header.json: changed" in fault for fault in verify(store.data_dir).faults)


async def test_an_old_copy_of_a_destroyed_key_is_named(store: Store, clock: HandClock) -> None:
    """An erasure is only one when the key is gone."""
    meeting = await begin(store, clock)
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    loop = asyncio.get_running_loop()
    writer = store.tracks.writer(meeting.visit, 1, loop=loop, on_fault=lambda fault: None)
    for frame in meeting.admitted(meeting.gate(), "ann", range(3_100)):
        writer.keep(frame)
    await asyncio.sleep(0.3)
    (folder,) = (store.data_dir / "tracks" / meeting.visit).iterdir()
    backup = {name: (store.data_dir / name).read_bytes() for name in ("keys.db", "keys.db-wal")}
    header = (folder / "header.json").read_bytes()
    writer.cut_back(SeatId("ann"), meeting.started_ms + 1_000)
    await writer.settle_and_close()
    assert verify(store.data_dir).faults == []
    store.keys.close()
    for name, content in backup.items():
        (store.data_dir / name).write_bytes(content)
    folder.mkdir()
    (folder / "header.json").write_bytes(header)
    assert any("its key is still there" in fault for fault in verify(store.data_dir).faults)


async def test_a_segment_that_is_gone_before_a_part_of_it_was_closed_is_named(store: Store, clock: HandClock) -> None:
    """What a crash left open can't be made away with before it is recovered."""
    meeting = await begin(store, clock)
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    writer = store.tracks.writer(meeting.visit, 1, loop=asyncio.get_running_loop(), on_fault=lambda fault: None)
    for frame in meeting.admitted(meeting.gate(), "ann", range(40)):
        writer.keep(frame)
    await asyncio.sleep(0.3)
    (folder,) = (store.data_dir / "tracks" / meeting.visit).iterdir()
    folder.rename(store.data_dir / "elsewhere")
    assert any(f"{folder.name}/header.json: missing" in fault for fault in verify(store.data_dir).faults)
    (store.data_dir / "elsewhere").rename(folder)
    await writer.settle_and_close()
    assert verify(store.data_dir).faults == []
