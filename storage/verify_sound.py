"""The checks of kept sound: every part is the one that was closed, and every frame in it had its consents.

Each frame is judged again, over the span that its sound can come from, by the same judgement that the gate asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from consent_notice.decisions import Act
from consent_notice.events import Decided, Erased, PartClosed, SegmentOpened, VisitOpened
from consent_notice.frames import judged_from_ms
from consent_notice.rules import MeetingRecord, Refusal, judge, whose_consent
from consent_notice.words import Purpose, SeatId
from storage.data_dir import TRACKS_NAME
from storage.errors import BrokenRecord, KeyDestroyed, StorageError
from storage.log_entries import LogEntry
from storage.parts import HEADER_NAME, PartSeal, SegmentHeader, StoredFrame, read_header, read_part, summary_of
from storage.replay import NeverOpened, replay
from storage.segments import CLOSED_SUFFIX, OPEN_SUFFIX, is_live

if TYPE_CHECKING:
    from storage.verify import Evidence

_OPENING = {(Purpose.RECORDING, Act.GIVE), (Purpose.RECORDING, Act.ATTEST)}  # whether it counts, the judgement says


def check_sound(evidence: Evidence, visits: Mapping[str, list[LogEntry]]) -> tuple[int, int]:
    """How many parts were checked, and how many are still being written."""
    parts = still_open = 0
    root = evidence.data_dir / TRACKS_NAME
    expected: set[Path] = set()
    for visit, entries in visits.items():
        checks = _VisitSound(evidence, root / visit, entries)
        parts += checks.check()
        expected |= checks.known
    for path in sorted(evidence.files):
        if path in expected or not path.is_relative_to(root) or not path.is_file():
            continue
        if is_live(path.parent):
            still_open += path.suffix == OPEN_SUFFIX
            continue
        is_part = path.suffix in (OPEN_SUFFIX, CLOSED_SUFFIX)
        what = "not closed; start the server once to recover it" if is_part else "not in the log"
        evidence.fault(f"{path.relative_to(evidence.data_dir)}: {what}")
    return parts, still_open


class _VisitSound:
    """One visit's segments and parts."""

    def __init__(self, evidence: Evidence, folder: Path, entries: list[LogEntry]) -> None:
        self._evidence = evidence
        self._folder = folder
        self._entries = entries
        self._by_index = {entry.index: entry for entry in entries}
        self._records: dict[str, MeetingRecord] = {}
        self._path_delay_ms = max(
            (entry.event.path_delay_ms for entry in entries if isinstance(entry.event, VisitOpened)), default=0
        )
        self._erased = {
            segment for entry in entries if isinstance(entry.event, Erased) for segment in entry.event.segments
        }
        self.known: set[Path] = set()

    def check(self) -> int:
        parts: dict[str, list[LogEntry]] = {}
        for entry in self._entries:
            if isinstance(entry.event, PartClosed):
                parts.setdefault(entry.event.segment, []).append(entry)
        opened = {entry.event.segment: entry for entry in self._entries if isinstance(entry.event, SegmentOpened)}
        for segment in parts.keys() - opened.keys():
            self._evidence.fault(f"segment {segment}: parts of it were closed, and it was never opened")
        return sum(self._check_segment(entry, parts.get(segment, [])) for segment, entry in opened.items())

    def _check_segment(self, entry: LogEntry, parts: list[LogEntry]) -> int:
        opened = entry.event
        assert isinstance(opened, SegmentOpened)
        folder = self._folder / opened.segment
        name = folder.relative_to(self._evidence.data_dir)
        if opened.segment in self._erased:
            self.known |= set(folder.glob("*"))
            return self._check_erased(opened, folder, parts)
        self.known.add(folder / HEADER_NAME)
        self.known |= {_path_of(folder, part.event.part) for part in parts if isinstance(part.event, PartClosed)}
        self._check_consents(entry, opened)
        try:
            text = (folder / HEADER_NAME).read_bytes()
            assert sha256(text).hexdigest() == opened.header_sha256
            header = read_header(text)
            assert _belongs(header, opened)
        except FileNotFoundError:
            # It was durable before its entry, so nothing but an erasure takes it away; one that happens just now
            # is not in the entries that a running server's check began with.
            if parts or not self._evidence.is_served:
                self._evidence.fault(f"{name}/{HEADER_NAME}: missing")
            return 0
        except (OSError, BrokenRecord, AssertionError):
            self._evidence.fault(f"{name}/{HEADER_NAME}: changed; it is not the one that was logged")
            return 0
        try:
            seal = PartSeal(self._evidence.keys.get(header.key_id).key, text)
        except StorageError as error:
            self._evidence.fault(f"{name}: its key can't be read ({error})")
            return 0
        numbers = sorted(part.event.part for part in parts if isinstance(part.event, PartClosed))
        if len(set(numbers)) != len(numbers):
            self._evidence.fault(f"{name}: a part of it was closed twice")
        for part in parts:
            assert isinstance(part.event, PartClosed)
            self._check_part(opened, header, seal, folder, part.event)
        return len(parts)

    def _check_part(
        self, opened: SegmentOpened, header: SegmentHeader, seal: PartSeal, folder: Path, closed: PartClosed
    ) -> None:
        path = _path_of(folder, closed.part)
        name = path.relative_to(self._evidence.data_dir)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            self._evidence.fault(f"{name}: missing")
            return
        except OSError as error:
            self._evidence.fault(f"{name}: can't be read ({error.strerror})")
            return
        if len(content) != closed.size_bytes:
            cut = "cut off" if len(content) < closed.size_bytes else "longer than it was closed"
            self._evidence.fault(f"{name}: {cut}; {len(content)} of {closed.size_bytes} bytes")
            return
        if sha256(content).hexdigest() != closed.sha256:
            self._evidence.fault(f"{name}: changed")
            return
        read = read_part(content, seal, closed.part, header.encoding)
        if read.problem is not None:
            self._evidence.fault(f"{name}: {read.problem}")
            return
        summary = summary_of(closed.part, content, read)
        logged = (closed.chunks, closed.frames, closed.from_ms, closed.to_ms, closed.kept_ms)
        if (summary.chunks, summary.frames, summary.from_ms, summary.to_ms, summary.kept_ms) != logged:
            self._evidence.fault(f"{name}: it does not hold what the log says")
        self._judge(opened, (frame for chunk in read.chunks for frame in chunk), str(name))

    def _judge(self, opened: SegmentOpened, frames: Iterable[StoredFrame], name: str) -> None:
        """One line a part, for its first frame without consent."""
        record = self._record(opened.boot_id)
        if record is None:
            return
        speakers, named = frozenset(opened.seats), self._named(opened)
        for frame in frames:
            from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, self._path_delay_ms)
            verdict = judge(record, speakers, from_ms, frame.ends_ms, Purpose.RECORDING)
            if isinstance(verdict, Refusal):
                self._evidence.fault(f"{name}: sound at {frame.captured_ms} ms has no consent ({verdict.why.value})")
                return
            if not whose_consent(record, speakers, opened.rule, from_ms, frame.ends_ms) <= named:
                self._evidence.fault(f"{name}: sound at {frame.captured_ms} ms does not name everybody's consent")
                return

    def _named(self, opened: SegmentOpened) -> set[SeatId]:
        events = [self._by_index[index].event for index in opened.relies_on if index in self._by_index]
        return {decided.seat for decided in events if isinstance(decided, Decided)}

    def _check_consents(self, entry: LogEntry, opened: SegmentOpened) -> None:
        """What a segment relies on are yeses to recording that were in the log before it."""
        for index in opened.relies_on:
            found = self._by_index.get(index)
            decided = found.event if found is not None else None
            is_yes = isinstance(decided, Decided) and bool(_OPENING & set(decided.acts))
            if index >= entry.index or not is_yes:
                self._evidence.fault(f"segment {opened.segment}: it relies on log entry {index}, which is no yes")
        if not opened.relies_on:
            self._evidence.fault(f"segment {opened.segment}: it relies on no consent")

    def _check_erased(self, opened: SegmentOpened, folder: Path, parts: list[LogEntry]) -> int:
        text = folder / HEADER_NAME
        if not text.exists():
            return 0
        try:
            self._evidence.keys.get(read_header(text.read_bytes()).key_id)
        except KeyDestroyed:
            return 0
        except (OSError, StorageError):
            return 0
        if parts:
            self._evidence.fault(f"segment {opened.segment}: its erasure is logged, and its key is still there")
        return 0

    def _record(self, boot_id: str) -> MeetingRecord | None:
        if boot_id not in self._records:
            try:
                self._records[boot_id] = replay(self._entries, boot_id)
            except NeverOpened:
                self._evidence.fault(f"visit {self._folder.name}: the log has no beginning of it")
                return None
        return self._records[boot_id]


def _path_of(folder: Path, number: int) -> Path:
    path = folder / f"{number:06d}{CLOSED_SUFFIX}"
    unrenamed = path.with_suffix(OPEN_SUFFIX)  # its entry comes before its final name
    return unrenamed if unrenamed.exists() and not path.exists() else path


def _belongs(header: SegmentHeader, opened: SegmentOpened) -> bool:
    return (
        header.visit,
        header.epoch,
        header.segment,
        header.track,
        header.seats,
        header.rule,
        header.relies_on,
        header.boot_id,
    ) == (
        opened.visit,
        opened.epoch,
        opened.segment,
        opened.track,
        opened.seats,
        opened.rule,
        opened.relies_on,
        opened.boot_id,
    )
