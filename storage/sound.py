"""Reads kept sound back, and moves what may stay of it to a new segment when the rest must be destroyed.

Which that is, a caller says, or the log where a stay ended before it could know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from consent_notice.events import Decided, Event, PartClosed, SegmentOpened, VisitOpened
from consent_notice.frames import judged_from_ms
from consent_notice.rules import Grounds, MeetingRecord, judge, whose_consent
from consent_notice.words import Purpose, SeatId, SegmentId, VisitId
from storage.consent_log import ConsentLog, Fence
from storage.errors import BrokenRecord, StorageError
from storage.key_file import sync_directory
from storage.log_entries import ErasedBody
from storage.parts import (
    HEADER_NAME,
    LONGEST_CHUNK_MS,
    LONGEST_PART_MS,
    ClosedPart,
    PartSeal,
    SegmentHeader,
    StoredFrame,
    read_header,
    read_part,
)
from storage.replay import replay
from storage.segments import (
    CLOSED_SUFFIX,
    LATE_REFUSAL,
    OPEN_SUFFIX,
    LiveSegment,
    Shelf,
    closed_event,
    destroy,
    erased_event,
    is_live,
    opened_event,
    segment_folder,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedSegment:
    """What the log says of one segment that was not erased."""

    opened: SegmentOpened
    closed: tuple[PartClosed, ...]  # by number


def logged_segments(log: ConsentLog, visit: VisitId) -> list[LoggedSegment]:
    """In the order in which they were opened."""
    opened: dict[str, SegmentOpened] = {}
    closed: dict[str, dict[int, PartClosed]] = {}
    erased = log.erased_segments(visit)
    for entry in log.entries_of(visit):
        if isinstance(entry.event, SegmentOpened):
            opened[entry.event.segment] = entry.event
        elif isinstance(entry.event, PartClosed):
            closed.setdefault(entry.event.segment, {})[entry.event.part] = entry.event
    return [
        LoggedSegment(opened=event, closed=tuple(part for _, part in sorted(closed.get(segment, {}).items())))
        for segment, event in opened.items()
        if segment not in erased
    ]


def read_segment(shelf: Shelf, logged: LoggedSegment) -> tuple[SegmentHeader, Iterator[StoredFrame]]:
    """The frames come part by part, as they are asked for, and raise BrokenRecord after the last good one.

    A part that is still being written, or that a crash left open, is read to its last whole chunk. Raises BrokenRecord,
    KeyDestroyed.
    """
    folder = segment_folder(shelf.tracks, logged.opened.visit, logged.opened.segment)
    try:
        text = (folder / HEADER_NAME).read_bytes()
    except OSError:
        raise BrokenRecord("a segment's header is missing; restore it from your backup") from None
    if sha256(text).hexdigest() != logged.opened.header_sha256:
        raise BrokenRecord("a segment's header was changed; run `onrecord verify`")
    header = read_header(text)
    seal = PartSeal(shelf.keys.get(header.key_id).key, text)
    return header, _frames(folder, header, seal, logged.closed)


def _frames(
    folder: Path, header: SegmentHeader, seal: PartSeal, closed: tuple[PartClosed, ...]
) -> Iterator[StoredFrame]:
    for part in closed:
        content = _content(folder, part.part)
        if content is None:
            raise BrokenRecord("a part is missing; restore it from your backup")
        read = read_part(content, seal, part.part, header.encoding)
        for chunk in read.chunks:
            yield from chunk
        if read.problem is not None:
            raise BrokenRecord(f"a part can't be read further: {read.problem}; run `onrecord verify`")
    number = closed[-1].part + 1 if closed else 0
    content = _content(folder, number)
    if content is not None:
        for chunk in read_part(content, seal, number, header.encoding).chunks:
            yield from chunk


def _content(folder: Path, number: int) -> bytes | None:
    """By either name: a part changes its name once, and may do so between two looks."""
    for suffix in (CLOSED_SUFFIX, OPEN_SUFFIX, CLOSED_SUFFIX):
        try:
            return (folder / f"{number:06d}{suffix}").read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BrokenRecord(f"a part can't be read: {error.strerror}; check the disk") from error
    return None


def destroy_refused_sound(shelf: Shelf, fence: Fence) -> None:
    """What earlier stays of this visit kept and its log refuses: a no that none of them lived to hear of.

    Judged as verify judges it. What a living process still writes is left to it; where the body of a yes was erased,
    nothing can be judged. Raises OSError, StorageError.
    """
    entries = shelf.log.entries_of(fence.visit)
    events = {entry.index: entry.event for entry in entries}
    delay_ms = max((event.path_delay_ms for event in events.values() if isinstance(event, VisitOpened)), default=0)
    records: dict[str, MeetingRecord] = {}
    for logged in logged_segments(shelf.log, fence.visit):
        opened = logged.opened
        is_erased = any(isinstance(events.get(index), ErasedBody) for index in opened.relies_on)
        if not logged.closed or is_erased or is_live(segment_folder(shelf.tracks, fence.visit, opened.segment)):
            continue
        if opened.boot_id not in records:
            records[opened.boot_id] = replay(entries, opened.boot_id)
        yeses = [events.get(index) for index in opened.relies_on]
        named = frozenset(yes.seat for yes in yeses if isinstance(yes, Decided))
        may_stay = _Judgement(records[opened.boot_id], opened, named, delay_ms)
        whole_from_ms = min(part.from_ms for part in logged.closed) - LONGEST_CHUNK_MS
        if may_stay.allows(whole_from_ms - delay_ms, max(part.to_ms for part in logged.closed)):
            continue
        if not _may_stay_whole(shelf, logged, may_stay):  # one that began right with a yes is lawful all the same
            destroy_sound(shelf, fence, logged, may_stay.of)


def _may_stay_whole(shelf: Shelf, logged: LoggedSegment, may_stay: _Judgement) -> bool:
    try:
        return all(map(may_stay.of, read_segment(shelf, logged)[1]))
    except StorageError:
        return False


@dataclass(frozen=True, slots=True)
class _Judgement:
    record: MeetingRecord
    opened: SegmentOpened
    named: frozenset[SeatId]  # whose yes it relies on
    path_delay_ms: int

    def of(self, frame: StoredFrame) -> bool:
        from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, self.path_delay_ms)
        return self.allows(from_ms, frame.ends_ms)

    def allows(self, from_ms: int, to_ms: int) -> bool:
        """A leave that a crash lost is no leave: whoever is there by the log needs to be named."""
        speakers = frozenset(self.opened.seats)
        if not isinstance(judge(self.record, speakers, from_ms, to_ms, Purpose.RECORDING), Grounds):
            return False
        return whose_consent(self.record, speakers, self.opened.rule, from_ms, to_ms) <= self.named


def destroy_later_sound(shelf: Shelf, fence: Fence, logged: LoggedSegment, after_ms: int) -> None:
    """What of a closed segment ends later than that. As `destroy_sound` does it."""
    destroy_sound(shelf, fence, logged, lambda frame: frame.ends_ms <= after_ms)


def destroy_sound(shelf: Shelf, fence: Fence, logged: LoggedSegment, may_stay: Callable[[StoredFrame], bool]) -> None:
    """What of a closed segment may stay moves to a new one under a new key; then the old key is destroyed.

    Where the moving fails, the whole segment is destroyed all the same: a no weighs more than what was kept. Raises
    OSError, StorageError only where even that could not be done.
    """
    old = logged.opened
    erased = erased_event(fence.visit, old.segment, LATE_REFUSAL)
    key_id: str | None = None
    try:
        header, frames = read_segment(shelf, logged)
        key_id = header.key_id
        _move(shelf, fence, header, filter(may_stay, frames), erased)
    except (OSError, StorageError):
        destroy(shelf, fence.visit, old.segment, key_id)
        shelf.log.submit([erased]).result()
        raise
    destroy(shelf, fence.visit, old.segment, key_id)


def _move(
    shelf: Shelf,
    fence: Fence,
    header: SegmentHeader,
    staying: Iterable[StoredFrame],
    erased: tuple[Event, str],
) -> None:
    """One transaction names the new segment and erases the old one: whoever dies before it leaves an unknown folder."""
    key = shelf.keys.make()
    moved = LiveSegment(shelf.tracks, replace(header, segment=SegmentId(shelf.new_id()), key_id=key.id), key)
    try:
        parts = list(_write_all(moved, staying))
        events = [erased]
        if parts:
            closing = [closed_event(fence.visit, moved.header.segment, part, recovered=False) for part in parts]
            events = [opened_event(moved.opened()), *closing, erased]
        shelf.log.submit(events, fence=fence).result()
        for part in parts:
            moved.rename_closed(part)
        sync_directory(segment_folder(shelf.tracks, fence.visit, moved.header.segment))
    finally:
        moved.release()
    if not parts:
        destroy(shelf, fence.visit, moved.header.segment, key.id)


def _write_all(segment: LiveSegment, frames: Iterable[StoredFrame]) -> Iterator[ClosedPart]:
    chunk: list[StoredFrame] = []
    chunk_ms = 0
    for frame in frames:
        if chunk_ms + frame.duration_ms > LONGEST_CHUNK_MS:
            part = segment.open_part()
            if part.kept_ms + chunk_ms + LONGEST_CHUNK_MS > LONGEST_PART_MS:
                yield from _close(segment, chunk, chunk_ms)
            else:
                part.write(chunk, chunk_ms)
            chunk, chunk_ms = [], 0
        chunk.append(frame)
        chunk_ms += frame.duration_ms
    if chunk or segment.part is not None:
        yield from _close(segment, chunk, chunk_ms)


def _close(segment: LiveSegment, chunk: list[StoredFrame], chunk_ms: int) -> Iterator[ClosedPart]:
    closed = segment.open_part().close(chunk, chunk_ms)
    segment.part = None
    if closed is not None:
        yield closed
