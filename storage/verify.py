"""Checks a data directory against its own log, offline: entries, checkpoints, sound, transcripts, tags, erasures.

Writes nothing and believes nothing that the log does not bear out. Each fault is one line that names the thing. Says
what this server logged, not that no copy exists; without an outside copy of a checkpoint a whole history could be new.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from consent_notice.events import Decided, Erased, NoticeDelivered, RecordingTagged, TranscriptSealed
from consent_notice.notice import Notice
from storage import data_dir as directory
from storage.database import connect_raw
from storage.errors import BrokenRecord, NotStored, StorageError
from storage.key_file import read_key_file
from storage.keys import KeyStore
from storage.log_entries import ErasedBody, LogEntry
from storage.notices import COLUMNS, is_intact, unsealed
from storage.records import tagged
from storage.vault import Vault
from storage.verify_log import check_log
from storage.verify_sound import check_sound
from storage.verify_text import check_transcripts

MOST_FAULTS = 1_000


@dataclass(slots=True, kw_only=True)
class VerifyReport:
    entries: int = 0
    checkpoints: int = 0
    parts: int = 0
    transcripts: int = 0
    still_open: int = 0  # parts that a running server is writing
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the checks read from."""

    data_dir: Path
    database: sqlite3.Connection
    vault: Vault
    keys: KeyStore
    is_served: bool  # a server runs on the directory, so that its last part may be open
    fault: Callable[[str], None]


def verify(data_dir: Path) -> VerifyReport:
    """Never raises for what is wrong with the data: that is in the report."""
    report = VerifyReport()

    def fault(text: str) -> None:
        if len(report.faults) < MOST_FAULTS:
            report.faults.append(text)

    if not (data_dir / directory.DATABASE_NAME).is_file():
        fault(f"{directory.DATABASE_NAME}: missing; there is nothing to verify in this directory")
        return report
    try:
        vault = Vault(read_key_file(data_dir))
    except StorageError as error:
        fault(f"onrecord.key: {error}")
        return report
    try:
        with closing(connect_raw(data_dir / directory.DATABASE_NAME, read_only=True)) as database:
            # One snapshot for all checks: what a running server adds meanwhile is left for the next time.
            database.execute("BEGIN")
            _check_all(report, data_dir, database, vault, fault)
    except sqlite3.Error as error:
        fault(f"{directory.DATABASE_NAME}: can't be read ({error})")
    return report


def _check_all(
    report: VerifyReport, data_dir: Path, database: sqlite3.Connection, vault: Vault, fault: Callable[[str], None]
) -> None:
    for (line,) in database.execute("PRAGMA integrity_check(20)").fetchall():
        if line != "ok":
            fault(f"{directory.DATABASE_NAME}: damaged ({line})")
    row = database.execute("SELECT key_fingerprint, log_vkey FROM installation").fetchone()
    if row != (vault.fingerprint, str(vault.verifier_key)):
        fault("onrecord.key: it belongs to another data directory")
        return
    is_served = directory.is_served(data_dir)
    entries, report.checkpoints = check_log(database, vault, fault)
    report.entries = len(entries)
    try:
        keys = KeyStore(data_dir / directory.KEYS_NAME, vault, str, read_only=True)
    except StorageError as error:
        fault(f"{directory.KEYS_NAME}: {error}")
        return
    with closing(keys):
        evidence = Evidence(
            data_dir=data_dir, database=database, vault=vault, keys=keys, is_served=is_served, fault=fault
        )
        visits: dict[str, list[LogEntry]] = defaultdict(list)
        for entry in entries:
            visits[entry.event.visit].append(entry)
        _check_erasures(entries, fault)
        report.parts, report.still_open = check_sound(evidence, visits)
        report.transcripts = check_transcripts(evidence, visits)
        for visit, of_visit in visits.items():
            _check_tag(evidence, visit, of_visit)
        _check_notices(evidence, entries)


def _check_erasures(entries: list[LogEntry], fault: Callable[[str], None]) -> None:
    """A body may be gone only where an entry says that it was erased, and on whose authority."""
    accounted = {index for entry in entries if isinstance(entry.event, Erased) for index in entry.event.bodies}
    for entry in entries:
        if isinstance(entry.event, ErasedBody) and entry.index not in accounted:
            fault(f"log entry {entry.index}: its body is gone, and no entry accounts for the erasure")
        if not isinstance(entry.event, ErasedBody) and entry.index in accounted:
            fault(f"log entry {entry.index}: its erasure is logged, and its body is still there")


def _check_tag(evidence: Evidence, visit: str, entries: list[LogEntry]) -> None:
    """The consent status that a recording carries is the one that the log before it gives."""
    row = evidence.database.execute(
        "SELECT consent_status, kept_ms, words FROM visits WHERE id = ?", (visit,)
    ).fetchone()
    if row is None:
        evidence.fault(f"visit {visit}: it is in the log and not in the database")
        return
    status, kept_ms = "", 0
    for number, entry in enumerate(entries):
        if not isinstance(entry.event, RecordingTagged):
            continue
        try:
            expected = tagged(entry.event.visit, entries[:number])
        except NotStored:
            expected = None
        if entry.event != expected:
            evidence.fault(
                f"log entry {entry.index}: the consent status of recording {visit} does not follow from the log"
            )
        status = ",".join(entry.event.consent_status)
        kept_ms = sum(seat_ms for _, _, seat_ms in entry.event.per_seat)
    words = sum(entry.event.words for entry in entries if isinstance(entry.event, TranscriptSealed))
    for name, found, logged in zip(
        ("consent status", "kept time", "words"), row, (status, kept_ms, words), strict=True
    ):
        if found != logged:
            evidence.fault(f"recording {visit}: its {name} is tagged {found!r}, and the log says {logged!r}")


def _check_notices(evidence: Evidence, entries: list[LogEntry]) -> None:
    """Each notice that evidence names is retained word for word."""
    needed: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry.event, NoticeDelivered):
            needed.setdefault(entry.event.text_sha256, entry.index)
        elif isinstance(entry.event, Decided) and entry.event.notice_sha256:
            needed.setdefault(entry.event.notice_sha256, entry.index)
    rows = evidence.database.execute(f"SELECT {COLUMNS} FROM notices").fetchall()  # noqa: S608  constants only
    kept: set[str] = set()
    for row in rows:
        try:
            notice: Notice = unsealed(evidence.vault, row)
            assert is_intact(notice)
        except (BrokenRecord, AssertionError, TypeError):
            evidence.fault(f"notice {row[0]}: its text was changed")
        kept.add(row[0])
    for text_sha256, index in needed.items():
        if text_sha256 not in kept:
            evidence.fault(f"notice {text_sha256}: log entry {index} names it, and its text is not retained")
