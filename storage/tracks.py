"""The door to kept sound: who writes a visit's tracks, which segments there are, and what can be heard of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consent_notice.clock import Clock
from consent_notice.events import SegmentOpened
from consent_notice.frames import Encoding
from consent_notice.words import Rule, SeatId, SegmentId, VisitId
from storage.consent_log import ConsentLog, Fence
from storage.errors import NotPlayable, NotStored
from storage.keys import KeyStore
from storage.ogg import SAMPLES_PER_MS, TimedPacket, write_ogg
from storage.parts import SegmentHeader, StoredFrame
from storage.segments import Recovery, Shelf
from storage.sound import LoggedSegment, destroy_refused_sound, logged_segments, read_segment
from storage.track_writer import TrackFault, TrackWriter

_DRIFT_SAMPLES = 200 * SAMPLES_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """As the log has it; only what is closed counts in the figures."""

    id: SegmentId
    visit: VisitId
    epoch: int
    track: str
    seats: tuple[SeatId, ...]
    rule: Rule
    relies_on: tuple[int, ...]
    boot_id: str
    from_ms: int  # when it was opened, then its parts' span: boot clock of `boot_id`
    to_ms: int
    kept_ms: int
    parts: int


class Tracks:
    def __init__(self, folder: Path, log: ConsentLog, keys: KeyStore, clock: Clock, new_id: Callable[[], str]) -> None:
        self._shelf = Shelf(tracks=folder, log=log, keys=keys, new_id=new_id)
        self._clock = clock

    def writer(
        self,
        visit: VisitId,
        epoch: int,
        *,
        loop: asyncio.AbstractEventLoop,
        on_fault: Callable[[TrackFault], None],
    ) -> TrackWriter:
        """`on_fault` is called on the loop, at most once. End it with `settle_and_close()`."""
        return TrackWriter(
            shelf=self._shelf,
            visit=visit,
            epoch=epoch,
            clock=self._clock,
            loop=loop,
            on_fault=on_fault,
        )

    def recover(self, only: VisitId | None = None) -> int:
        """Blocking; for the start of the role that writes, and for `only` one visit after a fault.

        Ends what a crash or a full disk left open, and returns how many parts.

        What a living process writes is left alone. Raises OSError, StorageError.
        """
        return Recovery(self._shelf).recover(only)

    def refuse(self, visit: VisitId, epoch: int) -> None:
        """Blocking; when a visit is over. Destroys what was kept and the log refuses. Raises OSError, StorageError."""
        destroy_refused_sound(self._shelf, Fence(visit=visit, epoch=epoch))

    async def segments(self, visit: VisitId) -> list[SegmentRow]:
        """Those not erased, in the order in which they were opened."""
        return [_row(logged) for logged in await asyncio.to_thread(logged_segments, self._shelf.log, visit)]

    def read(self, segment: SegmentId) -> tuple[SegmentHeader, Iterator[StoredFrame]]:
        """Blocking, also while it is read. Raises NotStored, KeyDestroyed, BrokenRecord: see `sound.read_segment`."""
        opened = self._shelf.log.by_event_id(f"segment:{segment}").event
        if not isinstance(opened, SegmentOpened):
            raise NotStored
        for logged in logged_segments(self._shelf.log, opened.visit):
            if logged.opened.segment == segment:
                return read_segment(self._shelf, logged)
        raise NotStored

    def ogg(self, segments: Sequence[SegmentRow], begin_ms: int | None = None) -> bytes:
        """One seat's sound as Ogg/Opus, from `begin_ms` on the boot clock (else from its first frame), gaps kept.

        Blocking. Raises NotPlayable where it is not Opus or was not captured in one boot; else as `read` does.
        """
        if len({row.boot_id for row in segments}) > 1:
            raise NotPlayable("couldn't play the sound in one piece: the machine restarted in between")
        stretches: list[list[StoredFrame]] = []
        for row in sorted(segments, key=lambda row: row.from_ms):
            header, frames = self.read(row.id)
            if header.encoding is not Encoding.OPUS:
                raise NotPlayable
            stretches.append(list(frames))
        if begin_ms is None:
            begin_ms = min((frames[0].captured_ms for frames in stretches if frames), default=0)
        packets = [packet for frames in stretches for packet in _placed(frames, begin_ms)]
        return write_ogg(sorted(packets, key=lambda packet: packet.at_sample))


def _placed(frames: list[StoredFrame], begin_ms: int) -> Iterator[TimedPacket]:
    """By RTP time, which is exact, from an anchor in captured time; anchored anew where the two drift apart."""
    anchor = frames[0] if frames else None
    for frame in frames:
        assert anchor is not None
        since_anchor = frame.rtp_timestamp - anchor.rtp_timestamp
        if abs(since_anchor - (frame.captured_ms - anchor.captured_ms) * SAMPLES_PER_MS) > _DRIFT_SAMPLES:
            anchor, since_anchor = frame, 0
        at_sample = (anchor.captured_ms - begin_ms) * SAMPLES_PER_MS + since_anchor
        if at_sample >= 0:
            yield TimedPacket(at_sample=at_sample, packet=frame.payload)


def _row(logged: LoggedSegment) -> SegmentRow:
    opened = logged.opened
    return SegmentRow(
        id=opened.segment,
        visit=opened.visit,
        epoch=opened.epoch,
        track=opened.track,
        seats=opened.seats,
        rule=opened.rule,
        relies_on=opened.relies_on,
        boot_id=opened.boot_id,
        from_ms=min((part.from_ms for part in logged.closed), default=opened.at_ms),
        to_ms=max((part.to_ms for part in logged.closed), default=opened.at_ms),
        kept_ms=sum(part.kept_ms for part in logged.closed),
        parts=len(logged.closed),
    )
