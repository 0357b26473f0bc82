"""A data directory with a long log in it, made fast: real leaves, bodies, salts, hashes and signed checkpoints.

Written in bulk and without syncing; what is in it is byte for byte what the log itself would have written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

from bench.kept_meeting import KeptMeeting, decided, joined
from consent_notice.checkpoint import Checkpoint, sign_checkpoint
from consent_notice.decisions import Act
from consent_notice.events import Event, RecordingTagged, RecordRead, SeatLeft, VisitClosed, VisitOpened
from consent_notice.merkle import Frontier, leaf_hash
from consent_notice.words import SeatId, VisitId
from storage.data_dir import DATABASE_NAME
from storage.key_file import read_key_file
from storage.log_entries import LogEntry, prepare
from storage.records import tagged
from storage.vault import Vault

ENTRIES_A_CHECKPOINT = 50  # as when 50 meetings log at once
PEOPLE = 24  # each comes, is asked, answers twice, leaves
_FAST = ("PRAGMA synchronous=OFF", "PRAGMA journal_mode=MEMORY", "PRAGMA cache_size=-200000")


def grow(meeting: KeptMeeting, entries: int) -> None:
    """Adds whole visits until the log has at least that many entries. The meeting's store must be closed."""
    folder = meeting.store.data_dir
    vault = Vault(read_key_file(folder))
    told, at = _one_visit(meeting), meeting.started_at
    with closing(sqlite3.connect(folder / DATABASE_NAME, isolation_level=None)) as database:
        for pragma in _FAST:
            database.execute(pragma)
        saved = database.execute("SELECT frontier FROM log_frontier").fetchone()[0]
        frontier = Frontier.from_json(json.loads(saved))
        database.execute("BEGIN")
        visits = 0
        while frontier.size < entries:
            visits += 1
            visit = VisitId(f"bench-visit-{visits:08d}")
            _add_rows(database, meeting, visit, told[-1])
            _add_entries(database, vault, frontier, [replace(event, visit=visit) for event in told], at)
        database.execute("UPDATE log_frontier SET size = ?, frontier = ?", (frontier.size, _as_text(frontier)))
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode=WAL")


def _one_visit(meeting: KeptMeeting) -> list[Event]:
    """A meeting in which everybody changes their mind once; its tag is the one that follows from it."""
    opened: VisitOpened = meeting.opened
    events: list[Event] = [opened]
    seats = [SeatId(f"seat{number:08d}") for number in range(PEOPLE)]
    for seat in seats:
        events += [joined(opened, seat), decided(opened, seat, Act.GIVE)]
    for seat in seats:
        events += [decided(opened, seat, Act.WITHDRAW), RecordRead(visit=opened.visit, reader=seat, what="recording")]
        events.append(SeatLeft(visit=opened.visit, epoch=1, seat=seat, boot_id=opened.boot_id, at_ms=opened.at_ms))
    ended = VisitClosed(visit=opened.visit, epoch=1, reason="everyone_left", boot_id=opened.boot_id, at_ms=opened.at_ms)
    events.append(ended)
    return [*events, _tag_of(events, meeting.started_at)]


def _tag_of(events: Sequence[Event], at: datetime) -> RecordingTagged:
    entries = [
        LogEntry(index=index, event=event, at=at, event_id=str(index), leaf_hash=b"")
        for index, event in enumerate(events)
    ]
    return tagged(events[0].visit, entries)


def _add_rows(database: sqlite3.Connection, meeting: KeptMeeting, visit: VisitId, tag: Event) -> None:
    """A meeting and a visit like the real one, tagged as its log says."""
    assert isinstance(tag, RecordingTagged)
    columns = [row[1] for row in database.execute("PRAGMA table_info(meetings)").fetchall()]
    _copy(database, "meetings", columns, {"id": f"meeting of {visit}"}, meeting.meeting)
    columns = [row[1] for row in database.execute("PRAGMA table_info(visits)").fetchall()]
    changed = {
        "id": visit,
        "meeting_id": f"meeting of {visit}",
        "page_token_sha256": visit.encode(),
        "consent_status": ",".join(tag.consent_status),
    }
    _copy(database, "visits", columns, changed, meeting.visit)


def _copy(
    database: sqlite3.Connection, table: str, columns: list[str], changed: Mapping[str, object], source: str
) -> None:
    wanted = ", ".join("?" if name in changed else name for name in columns)
    values = [changed[name] for name in columns if name in changed]
    database.execute(f"INSERT INTO {table} SELECT {wanted} FROM {table} WHERE id = ?", (*values, source))  # noqa: S608


def _add_entries(
    database: sqlite3.Connection, vault: Vault, frontier: Frontier, events: Sequence[Event], at: datetime
) -> None:
    leaves, bodies, notes = [], [], []
    for number, event in enumerate(events):
        index, prepared = frontier.size, prepare(event, f"{event.visit}/{number}")
        leaf = prepared.leaf(at + timedelta(milliseconds=index))
        hashed = leaf_hash(leaf)
        leaves.append((index, prepared.event_id, event.visit, event.kind, leaf, hashed))
        bodies.append((index, prepared.salt, prepared.body))
        frontier.append(hashed)
        if frontier.size % ENTRIES_A_CHECKPOINT == 0 or event is events[-1]:
            head = Checkpoint(origin=vault.verifier_key.name, size=frontier.size, root=frontier.root())
            notes.append((frontier.size, sign_checkpoint(head, vault.verifier_key, vault.sign)))
    database.executemany("INSERT INTO log_leaves VALUES (?, ?, ?, ?, ?, ?)", leaves)
    database.executemany("INSERT INTO log_bodies VALUES (?, ?, ?)", bodies)
    database.executemany("INSERT INTO log_checkpoints VALUES (?, ?)", notes)


def _as_text(frontier: Frontier) -> str:
    return json.dumps(frontier.to_json(), separators=(",", ":"))
