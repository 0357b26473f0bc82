"""The checks of transcripts: the file that was sealed, the tags that were logged, and the consents that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from consent_notice.decisions import Act
from consent_notice.events import Decided, Erased, SegmentOpened, TranscriptSealed
from consent_notice.words import Purpose
from storage.data_dir import TRANSCRIPTS_NAME
from storage.errors import BrokenRecord, KeyDestroyed, StorageError
from storage.log_entries import LogEntry
from storage.transcripts import COLUMNS, TranscriptRow, row_of_columns, unseal

if TYPE_CHECKING:
    from storage.verify import Evidence


def check_transcripts(evidence: Evidence, visits: Mapping[str, list[LogEntry]]) -> int:
    """How many there are."""
    rows: dict[str, TranscriptRow] = {}
    for columns in evidence.database.execute(f"SELECT {COLUMNS} FROM transcripts"):  # noqa: S608  constants only
        try:
            row = row_of_columns(columns)
            rows[row.id] = row
        except BrokenRecord:
            evidence.fault(f"transcript {columns[0]}: its tags were changed")
    logged: set[str] = set()
    for entries in visits.values():
        erased = {name for entry in entries if isinstance(entry.event, Erased) for name in entry.event.transcripts}
        for entry in entries:
            if not isinstance(entry.event, TranscriptSealed):
                continue
            name = entry.event.transcript
            logged.add(name)
            if name in erased:
                _check_erased(evidence, name, rows.get(name))
            else:
                _check(evidence, entry.event, rows.get(name), entries)
    for name in rows.keys() - logged:
        evidence.fault(f"transcript {name}: it is in no log entry")
    folder = evidence.data_dir / TRANSCRIPTS_NAME
    known = {f"{name}.sealed" for name in logged}
    if folder.is_dir() and not evidence.is_served:
        for path in sorted(folder.iterdir()):
            if path.name not in known:
                evidence.fault(f"{path.relative_to(evidence.data_dir)}: not in the log")
    return len(logged)


def _check(evidence: Evidence, sealed: TranscriptSealed, row: TranscriptRow | None, entries: list[LogEntry]) -> None:
    name = f"transcript {sealed.transcript}"
    path = evidence.data_dir / TRANSCRIPTS_NAME / f"{sealed.transcript}.sealed"
    if row is None:
        evidence.fault(f"{name}: its tags are missing or were changed")
        return
    if row.tags_sha256() != sealed.tags_sha256 or row.sha256 != sealed.sha256:
        evidence.fault(f"{name}: its tags were changed")
        return
    try:
        said = unseal(path, row, evidence.keys.get(row.key_id).key)
    except StorageError as error:
        evidence.fault(f"{path.relative_to(evidence.data_dir)}: {error}")
        return
    if len(said) != sealed.utterances or sum(utterance.words for utterance in said) != sealed.words:
        evidence.fault(f"{name}: it does not hold what the log says")
    if any(utterance.seat != sealed.seat for utterance in said):
        evidence.fault(f"{name}: it holds words of somebody else")
    opened = {entry.event.segment: entry.event for entry in entries if isinstance(entry.event, SegmentOpened)}
    if any(utterance.segment not in sealed.segments for utterance in said):
        evidence.fault(f"{name}: it holds words of a segment that it does not name")
    for segment in sealed.segments:
        if segment not in opened or sealed.seat not in opened[segment].seats:
            evidence.fault(f"{name}: it names a segment that is not this person's")
    _check_consents(evidence, sealed, {entry.index: entry for entry in entries})


def _check_consents(evidence: Evidence, sealed: TranscriptSealed, by_index: Mapping[int, LogEntry]) -> None:
    """Among what it relies on are this person's yeses to recording and to transcription."""
    agreed = set()
    for index in sealed.relies_on:
        found = by_index.get(index)
        decided = found.event if found is not None else None
        if not isinstance(decided, Decided):
            evidence.fault(f"transcript {sealed.transcript}: it relies on log entry {index}, which is no decision")
        elif decided.seat == sealed.seat:
            agreed |= {purpose for purpose, act in decided.acts if act is Act.GIVE}
    if sealed.utterances and not {Purpose.RECORDING, Purpose.TRANSCRIPTION} <= agreed:
        evidence.fault(f"transcript {sealed.transcript}: it does not name this person's consent to it")


def _check_erased(evidence: Evidence, name: str, row: TranscriptRow | None) -> None:
    path = evidence.data_dir / TRANSCRIPTS_NAME / f"{name}.sealed"
    if path.exists():
        evidence.fault(f"{path.relative_to(evidence.data_dir)}: its erasure is logged, and it is still there")
    if row is None:
        return
    try:
        evidence.keys.get(row.key_id)
    except KeyDestroyed:
        return
    except StorageError:
        return
    evidence.fault(f"transcript {name}: its erasure is logged, and its key is still there")
