"""Checks a data directory against its own log, offline: entries, checkpoints, sound, transcripts, tags, erasures.

Writes nothing and believes nothing that the log does not bear out. Each fault is one line that names the thing. Says
what this server logged, not that no copy exists; without an outside copy of a checkpoint a whole history could be new.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from consent_notice.events import (
    NO_VISIT,
    AgreedAhead,
    Decided,
    Erased,
    NoticeDelivered,
    RecordingTagged,
    TranscriptSealed,
)
from consent_notice.notice import Notice
from consent_notice.words import ConsentStatus
from storage import data_dir as directory
from storage.authorities import authority_problem
from storage.database import connect_raw
from storage.errors import BrokenRecord, NotStored, StorageError
from storage.key_file import read_key_file
from storage.keys import KeyStore
from storage.log_entries import ERASABLE_KINDS, ErasedBody, LogEntry
from storage.notices import COLUMNS, is_intact, unsealed
from storage.records import MISSING, tagged
from storage.vault import Vault
from storage.verify_ahead import check_ahead
from storage.verify_log import check_log, check_names, read_entries
from storage.verify_sound import check_sound
from storage.verify_text import check_transcripts
from storage.verify_wishes import check_wishes

MOST_FAULTS = 1_000


@dataclass(slots=True, kw_only=True)
class VerifyReport:
    entries: int = 0
    checkpoints: int = 0
    parts: int = 0
    transcripts: int = 0
    still_open: int = 0  # parts that a running server is writing
    erased: int = 0  # segments, transcripts and bodies of entries that are gone, each on an authority that is logged
    waiting: int = 0  # erasures that people asked for in a meeting that still runs
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the checks read from."""

    data_dir: Path
    database: sqlite3.Connection
    vault: Vault
    keys: KeyStore
    files: frozenset[Path]  # what lies under the tracks
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
        # Listed before the snapshot is taken: what is listed and was closed is then in the log that is read.
        files = frozenset((data_dir / directory.TRACKS_NAME).rglob("*"))
        with closing(connect_raw(data_dir / directory.DATABASE_NAME, read_only=True)) as database:
            database.text_factory = readable
            # One snapshot for all checks: what a running server adds meanwhile is left for the next time.
            database.execute("BEGIN")
            _check_all(report, data_dir=data_dir, database=database, vault=vault, files=files, fault=fault)
    except UnicodeDecodeError:  # in the very message that says what is damaged
        fault(f"{directory.DATABASE_NAME}: damaged")
    except sqlite3.Error as error:
        fault(f"{directory.DATABASE_NAME}: can't be read ({error})")
    return report


def _check_all(
    report: VerifyReport,
    *,
    data_dir: Path,
    database: sqlite3.Connection,
    vault: Vault,
    files: frozenset[Path],
    fault: Callable[[str], None],
) -> None:
    for (line,) in database.execute("PRAGMA integrity_check(20)").fetchall():
        if line != "ok":
            fault(f"{directory.DATABASE_NAME}: damaged ({line})")
    _check_shape(database, fault)
    row = database.execute("SELECT key_fingerprint, log_vkey FROM installation").fetchone()
    if row != (vault.fingerprint, str(vault.verifier_key)):
        fault("onrecord.key: it belongs to another data directory")
        return
    is_served = directory.is_served(data_dir)
    checked = check_log(database, vault, fault)
    entries = read_entries(database, checked.broken, fault, checked.entries)
    check_names(entries, vault.verifier_key, fault)
    report.entries, report.checkpoints = len(entries), checked.checkpoints
    try:
        keys = KeyStore(data_dir / directory.KEYS_NAME, vault, str, read_only=True)
    except StorageError as error:
        fault(f"{directory.KEYS_NAME}: {error}")
        return
    with closing(keys):
        evidence = Evidence(
            data_dir=data_dir,
            database=database,
            vault=vault,
            keys=keys,
            files=files,
            is_served=is_served,
            fault=fault,
        )
        visits: dict[str, list[LogEntry]] = defaultdict(list)
        for entry in entries:
            if entry.event.visit != NO_VISIT:
                visits[entry.event.visit].append(entry)
        accounts = _check_erasures(entries, fault)
        report.erased = sum(
            len(entry.event.bodies) + len(entry.event.segments) + len(entry.event.transcripts)
            for entry in entries
            if isinstance(entry.event, Erased)
        )
        for (visit,) in database.execute("SELECT visit_id FROM erasures").fetchall():
            of_what = f"visit {visit}" if visit else "answers ahead"
            fault(f"{of_what}: an erasure was begun and not finished; a running server finishes it within the hour")
        report.parts, report.still_open = check_sound(evidence, visits)
        report.transcripts = check_transcripts(evidence, visits)
        report.waiting = check_wishes(evidence, visits)
        for visit, of_visit in visits.items():
            _check_tag(evidence, visit, of_visit, accounts)
        check_ahead(database, entries, fault)
        _check_notices(evidence, entries)


def _check_shape(database: sqlite3.Connection, fault: Callable[[str], None]) -> None:
    """Whether a server could open it: SQLite looks more closely at tables that it may write to than at these here."""
    tables = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    with closing(sqlite3.connect(":memory:")) as empty:
        for (statement,) in database.execute(tables).fetchall():
            try:
                empty.execute(statement)
            except sqlite3.Error as error:
                fault(f"{directory.DATABASE_NAME}: damaged ({error})")


def _check_erasures(entries: list[LogEntry], fault: Callable[[str], None]) -> dict[int, int]:
    """A body may be gone only where a later entry of its visit says that it was erased, and on whose authority.

    Returns those entries: which body, by which.
    """
    by_index = {entry.index: entry for entry in entries}
    began_at: dict[str, datetime] = {}
    accounts: dict[int, int] = {}
    for entry in entries:
        began_at.setdefault(entry.event.visit, entry.at)
        if isinstance(entry.event, Erased):
            since = began_at[entry.event.visit] if entry.event.visit != NO_VISIT else None
            problem = authority_problem(entry.event, entry.at, since)
            if problem is not None:
                fault(f"log entry {entry.index}: it erases, and {problem}")
        for index in entry.event.bodies if isinstance(entry.event, Erased) else ():
            erased = by_index.get(index)
            if erased is None or index >= entry.index or erased.event.visit != entry.event.visit:
                fault(f"log entry {entry.index}: it erases entry {index}, which is none of its visit before it")
            elif erased.event.kind not in ERASABLE_KINDS:
                fault(f"log entry {index}: it says nothing about one person, and its erasure is logged")
            elif not isinstance(erased.event, ErasedBody):
                fault(f"log entry {index}: its erasure is logged, and its body is still there")
            else:
                accounts.setdefault(index, entry.index)
    for entry in entries:
        if isinstance(entry.event, ErasedBody) and entry.index not in accounts:
            fault(f"log entry {entry.index}: its body is gone, and no entry accounts for the erasure")
    return accounts


def _check_tag(evidence: Evidence, visit: str, entries: list[LogEntry], accounts: Mapping[int, int]) -> None:
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
        # Exact for whoever can still read all that it was made from; held to what is left where bodies went since.
        lost = any(accounts.get(earlier.index, -1) > entry.index for earlier in entries[:number])
        if expected is None or (entry.event != expected and not (lost and _may_follow(entry.event, expected))):
            evidence.fault(
                f"log entry {entry.index}: the consent status of recording {visit} does not follow from the log"
            )
        status = ",".join(entry.event.consent_status)
        kept_ms = sum(seat_ms for _, _, seat_ms in entry.event.per_seat)
    erased = {name for entry in entries if isinstance(entry.event, Erased) for name in entry.event.transcripts}
    words = sum(
        entry.event.words
        for entry in entries
        if isinstance(entry.event, TranscriptSealed) and entry.event.transcript not in erased
    )
    for name, found, logged in zip(
        ("consent status", "kept time", "words"), row, (status, kept_ms, words), strict=True
    ):
        if found != logged:
            evidence.fault(f"recording {visit}: its {name} is tagged {found!r}, and the log says {logged!r}")


def _may_follow(tag: RecordingTagged, left: RecordingTagged) -> bool:
    """Whether people whose entries were erased since can be all that `tag` has more than what is left of them gives.

    They may have made it say that somebody or something is missing; never that everything is there.
    """
    seats = {seat for seat, _, _ in left.per_seat}
    of_known = tuple(person for person in tag.per_seat if person[0] in seats)
    said, follows = set(tag.consent_status), set(left.consent_status)
    return of_known == left.per_seat and follows - said <= {ConsentStatus.COMPLETE} and said - follows <= MISSING


def _check_notices(evidence: Evidence, entries: list[LogEntry]) -> None:
    """Each notice that evidence names is retained word for word, and under a name that evidence gives it."""
    needed: dict[str, int] = {}
    names: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for entry in entries:
        event = entry.event
        if isinstance(event, NoticeDelivered):
            needed.setdefault(event.text_sha256, entry.index)
            names[event.text_sha256].add((event.notice, event.version, event.language))
        elif isinstance(event, Decided | AgreedAhead) and event.notice_sha256:
            needed.setdefault(event.notice_sha256, entry.index)
            names[event.notice_sha256].add((event.notice, event.notice_version, event.notice_language))
    rows = evidence.database.execute(f"SELECT {COLUMNS} FROM notices").fetchall()  # noqa: S608  constants only
    kept: set[str] = set()
    for row in rows:
        try:
            notice: Notice = unsealed(evidence.vault, row)
            assert is_intact(notice)
            assert notice.text_sha256 not in needed or _name_of(notice) in names[notice.text_sha256]
        except (BrokenRecord, AssertionError, TypeError):
            evidence.fault(f"notice {row[0]}: it was changed")
        kept.add(row[0])
    for text_sha256, index in needed.items():
        if text_sha256 not in kept:
            evidence.fault(f"notice {text_sha256}: log entry {index} names it, and its text is not retained")


def _name_of(notice: Notice) -> tuple[str, str, str]:
    return notice.id, notice.version, notice.language


def readable(text: bytes) -> str:
    """A changed byte may leave what is no text at all: it is read, and then found to be changed."""
    return text.decode("utf-8", "replace")
