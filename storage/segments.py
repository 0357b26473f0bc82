"""Segments on disk: where their files lie, how one is begun, closed, destroyed, or ended after a crash.

The order of files and log entries is decided here: a header is durable before its entry, an entry before the first
chunk, a whole part before the entry that closes it. A part being written is named `.open`; it takes its final name
after its entry is durable. A live segment's header is locked, so that nobody takes it for a crash's remains.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from consent_notice.events import Erased, Event, PartClosed, SegmentOpened
from consent_notice.words import SegmentId, VisitId
from storage.consent_log import ConsentLog
from storage.errors import BrokenRecord, KeyDestroyed
from storage.key_file import sync_directory
from storage.keys import DataKey, KeyStore
from storage.parts import HEADER_NAME, ClosedPart, OpenPart, PartSeal, SegmentHeader, read_header, recover_part

CLOSED_SUFFIX = ".part"
OPEN_SUFFIX = ".open"
LATE_REFUSAL = "late refusal"
_PART_NAME = re.compile(r"(\d{6})(\.part|\.open)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where sound lies, and the log and keys that go with it."""

    tracks: Path
    log: ConsentLog
    keys: KeyStore
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    path: Path
    number: int
    is_open: bool


def segment_folder(tracks: Path, visit: VisitId, segment: SegmentId) -> Path:
    return tracks / visit / segment


def part_files(folder: Path) -> list[PartFile]:
    """In order; a part that a crash left under both names never exists, since one is renamed to the other."""
    found = []
    for path in folder.iterdir():
        named = _PART_NAME.fullmatch(path.name)
        if named:
            found.append(PartFile(path=path, number=int(named[1]), is_open=named[2] == OPEN_SUFFIX))
    return sorted(found, key=lambda part: part.number)


def is_live(folder: Path) -> bool:
    """Whether a process that runs now still writes this segment."""
    try:
        descriptor = os.open(folder / HEADER_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class LiveSegment:
    """A segment being written by this process. Methods raise OSError and StorageError."""

    def __init__(self, tracks: Path, header: SegmentHeader, key: DataKey) -> None:
        """Durable on disk, and still unknown to the log: if we die now, recovery removes it."""
        self.header = header
        text = header.to_bytes()
        self.header_sha256 = sha256(text).hexdigest()
        self._seal = PartSeal(key.key, text)
        self._folder = segment_folder(tracks, header.visit, header.segment)
        self._next_number = 0
        self.part: OpenPart | None = None
        for folder in (tracks, self._folder.parent):
            if not folder.is_dir():
                folder.mkdir(mode=0o700)
                sync_directory(folder.parent)
        self._folder.mkdir(mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._lock = os.open(self._folder / HEADER_NAME, flags, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.write(self._lock, text) != len(text):
            raise OSError("couldn't write a segment's header: the disk is full")
        os.fsync(self._lock)
        sync_directory(self._folder)
        sync_directory(self._folder.parent)

    def opened(self) -> SegmentOpened:
        header = self.header
        return SegmentOpened(
            visit=header.visit,
            epoch=header.epoch,
            segment=header.segment,
            track=header.track,
            seats=header.seats,
            rule=header.rule,
            relies_on=header.relies_on,
            header_sha256=self.header_sha256,
            boot_id=header.boot_id,
            at_ms=header.opened_ms,
        )

    def open_part(self) -> OpenPart:
        """The part being written; a new one if there is none. Its name is durable before any sound is in it."""
        if self.part is None:
            path = self._folder / f"{self._next_number:06d}{OPEN_SUFFIX}"
            self.part = OpenPart(path, self._next_number, self._seal, self.header.encoding)
            self._next_number += 1
            sync_directory(self._folder)
        return self.part

    def rename_closed(self, part: ClosedPart) -> None:
        """After its entry is durable. If we die before, recovery does it."""
        closed = self._folder / f"{part.number:06d}{CLOSED_SUFFIX}"
        closed.with_suffix(OPEN_SUFFIX).rename(closed)

    def release(self) -> None:
        """Lets others see it as no longer live; what is still open is then theirs to recover."""
        if self.part is not None:
            self.part.abandon()
            self.part = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def opened_event(segment: SegmentOpened) -> tuple[Event, str]:
    return segment, f"segment:{segment.segment}"


def closed_event(visit: VisitId, segment: SegmentId, part: ClosedPart, *, recovered: bool) -> tuple[Event, str]:
    event = PartClosed(
        visit=visit,
        segment=segment,
        part=part.number,
        sha256=part.sha256,
        size_bytes=part.size_bytes,
        chunks=part.chunks,
        frames=part.frames,
        from_ms=part.from_ms,
        to_ms=part.to_ms,
        kept_ms=part.kept_ms,
        recovered=recovered,
    )
    return event, f"part:{segment}:{part.number}"


def erased_event(visit: VisitId, segment: SegmentId, authority: str) -> tuple[Event, str]:
    event = Erased(visit=visit, bodies=(), segments=(segment,), transcripts=(), authority=authority)
    return event, f"erased:{segment}"


def destroy(shelf: Shelf, visit: VisitId, segment: SegmentId, key_id: str | None) -> None:
    """The key first: from there on nothing of the segment can be read. Safe to repeat."""
    if key_id is not None:
        shelf.keys.destroy([key_id])
    folder = segment_folder(shelf.tracks, visit, segment)
    if folder.exists():
        shutil.rmtree(folder)
        sync_directory(folder.parent)


class Recovery:
    """Ends what a crash left open. May run while others write, may die anywhere, and may be run again."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def recover(self, only: VisitId | None = None) -> int:
        """How many parts were ended. Raises OSError, StorageError."""
        recovered = 0
        for visit_folder in self._visits(only):
            visit = VisitId(visit_folder.name)
            erased = self._shelf.log.erased_segments(visit)
            for folder in sorted(visit_folder.iterdir()):
                if not folder.is_dir() or is_live(folder):
                    continue
                segment = SegmentId(folder.name)
                if segment in erased or not self._shelf.log.has(f"segment:{segment}"):
                    destroy(self._shelf, visit, segment, _key_of(folder))
                else:
                    recovered += self._recover_segment(folder, visit, segment)
        return recovered

    def _recover_segment(self, folder: Path, visit: VisitId, segment: SegmentId) -> int:
        waiting = [part for part in part_files(folder) if part.is_open]
        if not waiting:
            return 0
        with _locked(folder) as is_ours:
            if not is_ours:
                return 0
            text = (folder / HEADER_NAME).read_bytes()
            header = read_header(text)
            try:
                seal = PartSeal(self._shelf.keys.get(header.key_id).key, text)
            except (KeyDestroyed, BrokenRecord):
                return 0  # verify names it; nothing is thrown away here
            for part in waiting:
                closed = recover_part(part.path, part.number, seal, header.encoding)
                if closed is not None:
                    # If we die before this returns, the part is whole and is recovered again to the same bytes.
                    self._shelf.log.submit([closed_event(visit, segment, closed, recovered=True)]).result()
                    part.path.rename(part.path.with_suffix(CLOSED_SUFFIX))
            sync_directory(folder)
        return len(waiting)

    def _visits(self, only: VisitId | None) -> Iterator[Path]:
        if only is not None:
            folder = self._shelf.tracks / only
            yield from [folder] if folder.is_dir() else []
        elif self._shelf.tracks.is_dir():
            yield from sorted(folder for folder in self._shelf.tracks.iterdir() if folder.is_dir())


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    descriptor = os.open(folder / HEADER_NAME, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _key_of(folder: Path) -> str | None:
    try:
        return read_header((folder / HEADER_NAME).read_bytes()).key_id
    except (OSError, BrokenRecord):
        return None
