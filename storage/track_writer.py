"""Takes admitted frames, and nothing else, and keeps them: one thread a visit, from memory to sealed parts.

Decides when a segment begins (another set of consents, speakers or rule), when a chunk is sealed (250 ms), made durable
(well within a second) and when a part ends (30 s) or a segment to which nothing is added (2 s). Any failure ends it
once and for all, with what was written whole.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import functools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from consent_notice.clock import Clock
from consent_notice.gate import AdmittedFrame
from consent_notice.words import SeatId, SegmentId, VisitId
from storage.consent_log import Fence
from storage.errors import LogWriteFailed, Scope, StaleEpoch, StorageError
from storage.keys import DataKey
from storage.parts import LONGEST_CHUNK_MS, LONGEST_PART_MS, Frame, SegmentHeader
from storage.segments import LiveSegment, Recovery, Shelf, closed_event, opened_event
from storage.sound import destroy_later_sound, destroy_refused_sound, logged_segments

QUEUE_LIMIT = 340  # chunks: ten seconds of eight people
TICK_S = 0.1
IDLE_MS = 2_000  # a segment that took nothing for so long ends: what is asked to be erased need not wait for the end
SYNC_AFTER_MS = 500  # with a chunk of 250 ms and a tick, nothing waits for the disk longer than a second
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FaultKind(StrEnum):
    DISK_FULL = "disk_full"
    WRITE_FAILED = "write_failed"
    LOG_FAILED = "log_failed"
    TOO_SLOW = "too_slow"
    TAKEN_OVER = "taken_over"
    CLOSED = "closed"


class TrackFault(StorageError):
    """Sound can't be kept any more. What was kept before is safe; free disk space or look at the disk."""

    scope = Scope.MEETING

    def __init__(self, kind: FaultKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Chunk:
    """What of one track is gathered: at most 250 ms, all with the same speakers, consents, rule and encoding."""

    __slots__ = ("encoding", "frames", "kept_ms", "relies_on", "rule", "since_ms", "speakers", "track")

    def __init__(self, frame: AdmittedFrame, since_ms: int) -> None:
        self.track = frame.track
        self.speakers = frame.speakers
        self.relies_on = frame.relies_on
        self.rule = frame.rule
        self.encoding = frame.encoding
        self.frames = [frame]
        self.kept_ms = frame.duration_ms
        self.since_ms = since_ms


@dataclass(slots=True, kw_only=True)
class _Open:
    """A segment being written."""

    segment: LiveSegment
    first: _Chunk  # any of it: they are alike in all that makes a segment
    written_ms: int
    part_since_ms: int = 0
    unsynced_since_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    seat: SeatId | None
    after_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settle:
    track: str | None  # None: everything, and the end
    done: concurrent.futures.Future[None] = field(default_factory=concurrent.futures.Future)


class TrackWriter:
    """One visit's sound under one epoch. Its methods are called on the loop's thread."""

    def __init__(
        self,
        *,
        shelf: Shelf,
        visit: VisitId,
        epoch: int,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        on_fault: Callable[[TrackFault], None],
    ) -> None:
        self._shelf = shelf
        self._visit = visit
        self._epoch = epoch
        self._fence = Fence(visit=visit, epoch=epoch)
        self._clock = clock
        self._loop = loop
        self._on_fault = on_fault
        self._gathering: dict[str, _Chunk] = {}  # touched on the loop's thread only
        self._takes_frames = True
        self._end: _Settle | None = None
        self._is_asked = False  # the loop is asked to hand over, and has not done it yet
        self._queue: deque[_Chunk | _Cut | _Settle] = deque()
        self._wake = threading.Event()
        self._open: dict[str, _Open] = {}
        self._spare_key: DataKey | None = None
        self._fence_checked_ms = clock.boot_ms()
        self._fault_lock = threading.Lock()
        self.fault: TrackFault | None = None
        self._thread = threading.Thread(target=self._run, name="track-writer", daemon=True)
        self._thread.start()

    # ---- on the loop's thread --------------------------------------------------------------------------------------

    def keep(self, frame: AdmittedFrame) -> None:
        """Never blocks. After a fault nothing is taken; a full queue is one."""
        if not self._takes_frames:
            self._fail(TrackFault(FaultKind.CLOSED, "couldn't keep sound: the visit's tracks are closed"))
            return
        chunk = self._gathering.get(frame.track)
        if chunk is not None:
            kept_ms = chunk.kept_ms + frame.duration_ms
            if (
                kept_ms <= LONGEST_CHUNK_MS
                and frame.relies_on == chunk.relies_on
                and frame.speakers == chunk.speakers
                and frame.rule is chunk.rule
                and frame.encoding is chunk.encoding
            ):
                chunk.frames.append(frame)
                chunk.kept_ms = kept_ms
                return
            self._hand_over(chunk)
        self._gathering[frame.track] = _Chunk(frame, self._clock.boot_ms())

    def cut_back(self, seat: SeatId | None, after_ms: int) -> None:
        """A no or a join was learnt of late: of that seat's sound (None: of everybody's), destroys what ends later.

        What was kept before stays; of the 250 ms around the cut too. Done in order with `keep`.
        """
        self._hand_over_all()
        self._queue.append(_Cut(seat=seat, after_ms=after_ms))
        self._wake.set()

    async def settle_and_close(self, track: str | None = None) -> None:
        """Everything kept so far is durable and closed on return; without `track` the writer has then ended.

        After a fault it closes what the disk lets it close; the rest is recovered at the next start.
        """
        if track is None:
            if self._end is not None:
                await asyncio.shield(asyncio.wrap_future(self._end.done))
                return
            self._takes_frames = False
        self._hand_over_all()
        settle = _Settle(track=track)
        if track is None:
            self._end = settle
        self._queue.append(settle)
        self._wake.set()
        await asyncio.shield(asyncio.wrap_future(settle.done))

    def _hand_over(self, chunk: _Chunk) -> None:
        del self._gathering[chunk.track]
        if len(self._queue) >= QUEUE_LIMIT:
            self._fail(TrackFault(FaultKind.TOO_SLOW, "couldn't keep sound: the disk is too slow; free or replace it"))
        elif self.fault is None:
            self._queue.append(chunk)

    def _hand_over_all(self) -> None:
        for chunk in list(self._gathering.values()):
            self._hand_over(chunk)

    def _hand_over_old(self) -> None:
        self._is_asked = False
        now_ms = self._clock.boot_ms()
        for chunk in list(self._gathering.values()):
            if now_ms - chunk.since_ms >= LONGEST_CHUNK_MS:
                self._hand_over(chunk)

    # ---- on the writer's thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._guarded(self._prepare)
        end: _Settle | None = None
        while end is None:
            self._wake.wait(TICK_S)
            self._wake.clear()
            end = self._drain()
            if self.fault is None:
                self._guarded(self._tick)
        for held in self._open.values():
            held.segment.release()
        with contextlib.suppress(OSError, StorageError):
            if self.fault is not None:
                Recovery(self._shelf).recover(self._visit)
            if self._spare_key is not None:
                self._shelf.keys.destroy([self._spare_key.id])
        end.done.set_result(None)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Whatever goes wrong is a fault: sound that can't be kept for sure is not kept (law 2)."""
        try:
            step()
        except Exception as error:  # noqa: BLE001  told to the room, which stops capturing
            self._fail(_fault_of(error))

    def _prepare(self) -> None:
        """What an earlier epoch of this visit left open is ended first, and goes where it did not live to hear a no."""
        Recovery(self._shelf).recover(self._visit)
        destroy_refused_sound(self._shelf, self._fence)
        self._spare_key = self._shelf.keys.make()

    def _drain(self) -> _Settle | None:
        """Works off the queue; returns the command that ends the writer."""
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, _Chunk):
                if self.fault is None:
                    try:
                        self._write(item)
                    except Exception as error:  # noqa: BLE001  as in _guarded, without its cost
                        self._fail(_fault_of(error))
            elif isinstance(item, _Cut):
                self._guarded(functools.partial(self._cut, item))
            else:
                if self.fault is None:
                    self._guarded(functools.partial(self._settle, item.track))
                if item.track is None:
                    return item
                item.done.set_result(None)
        return None

    def _write(self, chunk: _Chunk) -> None:
        """Closes the part with it where the next chunk might not fit."""
        held = self._open.get(chunk.track)
        if held is None or not _continues(held.first, chunk):
            if held is not None:
                self._finish(chunk.track)
            held = self._begin(chunk)
        held.written_ms = self._clock.boot_ms()
        part = held.segment.part
        if part is None:
            part = held.segment.open_part()
            held.part_since_ms = self._clock.boot_ms()
        if part.kept_ms + chunk.kept_ms + LONGEST_CHUNK_MS > LONGEST_PART_MS:
            self._close_part(held, chunk.frames, chunk.kept_ms)
            return
        part.write(chunk.frames, chunk.kept_ms)
        if held.unsynced_since_ms is None:
            held.unsynced_since_ms = self._clock.boot_ms()

    def _begin(self, chunk: _Chunk) -> _Open:
        """The header is on the disk, then its entry in the log, before any chunk of it is written."""
        key, self._spare_key = self._spare_key or self._shelf.keys.make(), None
        header = SegmentHeader(
            visit=self._visit,
            epoch=self._epoch,
            segment=SegmentId(self._shelf.new_id()),
            track=chunk.track,
            seats=tuple(sorted(chunk.speakers)),
            rule=chunk.rule,
            relies_on=tuple(sorted(chunk.relies_on)),
            encoding=chunk.encoding,
            key_id=key.id,
            boot_id=self._clock.boot_id,
            opened_ms=chunk.frames[0].captured_ms,
        )
        segment = LiveSegment(self._shelf.tracks, header, key)
        try:
            self._shelf.log.submit([opened_event(segment.opened())], fence=self._fence).result()
        except BaseException:
            segment.release()
            raise
        held = self._open[chunk.track] = _Open(segment=segment, first=chunk, written_ms=self._clock.boot_ms())
        return held

    def _tick(self) -> None:
        now_ms = self._clock.boot_ms()
        for track, held in list(self._open.items()):
            part = held.segment.part
            if now_ms - held.written_ms >= IDLE_MS:
                self._finish(track)
            elif part is not None and now_ms - held.part_since_ms >= LONGEST_PART_MS:
                self._close_part(held)
            elif part is not None and now_ms - (held.unsynced_since_ms or now_ms) >= SYNC_AFTER_MS:
                part.sync()
                held.unsynced_since_ms = None
        if now_ms - self._fence_checked_ms >= SYNC_AFTER_MS:
            self._fence_checked_ms = now_ms
            if self._open and not self._shelf.log.is_current(self._fence):
                raise StaleEpoch
        if self._spare_key is None:
            self._spare_key = self._shelf.keys.make()
        if self._gathering and not self._is_asked:
            self._is_asked = True
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nothing comes any more
                self._loop.call_soon_threadsafe(self._hand_over_old)

    def _close_part(self, held: _Open, frames: Sequence[Frame] = (), kept_ms: int = 0) -> None:
        """With these frames as its last chunk."""
        if held.segment.part is None:
            return
        closed = held.segment.part.close(frames, kept_ms)
        held.segment.part = None
        held.unsynced_since_ms = None
        if closed is not None:
            event = closed_event(self._visit, held.segment.header.segment, closed, recovered=False)
            self._shelf.log.submit([event], fence=self._fence).result()
            held.segment.rename_closed(closed)

    def _finish(self, track: str, frames: Sequence[Frame] = (), kept_ms: int = 0) -> None:
        held = self._open[track]
        self._close_part(held, frames, kept_ms)
        held.segment.release()
        del self._open[track]

    def _settle(self, track: str | None) -> None:
        for open_track in [track] if track is not None else list(self._open):
            if open_track in self._open:
                self._finish(open_track)

    # ---- a no that was learnt of late ------------------------------------------------------------------------------

    def _cut(self, cut: _Cut) -> None:
        for track, held in list(self._open.items()):
            if cut.seat is None or cut.seat in held.first.speakers:
                self._cut_open(track, held, cut.after_ms)
        for logged in logged_segments(self._shelf.log, self._visit):
            concerns = cut.seat is None or cut.seat in logged.opened.seats
            reaches = any(part.to_ms > cut.after_ms for part in logged.closed)
            if concerns and reaches and logged.opened.boot_id == self._clock.boot_id:
                destroy_later_sound(self._shelf, self._fence, logged, cut.after_ms)

    def _cut_open(self, track: str, held: _Open, after_ms: int) -> None:
        """First out of the file, which always works; only then is anything written."""
        part = held.segment.part
        staying = [] if part is None else part.cut(after_ms)
        if self.fault is None:
            self._finish(track, staying, sum(frame.duration_ms for frame in staying))

    def _fail(self, fault: TrackFault) -> None:
        """Once; the first cause is the one that is told."""
        with self._fault_lock:
            if self.fault is not None:
                return
            self.fault = fault
            self._takes_frames = False
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._on_fault, fault)


def _continues(first: _Chunk, chunk: _Chunk) -> bool:
    return (
        chunk.relies_on == first.relies_on
        and chunk.speakers == first.speakers
        and chunk.rule is first.rule
        and chunk.encoding is first.encoding
    )


def _fault_of(error: Exception) -> TrackFault:
    if isinstance(error, StaleEpoch):
        return TrackFault(FaultKind.TAKEN_OVER, "couldn't keep sound: another bot has taken the meeting over")
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return TrackFault(FaultKind.DISK_FULL, "couldn't keep sound: the disk is full; free space and start again")
    if isinstance(error, LogWriteFailed):
        return TrackFault(FaultKind.LOG_FAILED, str(error))
    return TrackFault(FaultKind.WRITE_FAILED, f"couldn't keep sound ({type(error).__name__}); check the disk")
