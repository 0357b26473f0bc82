"""What was said ahead, held to the log: each page's row, the entries of no visit, and every yes that repeats one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta

from consent_notice.ahead import BY_PLATFORM_ID
from consent_notice.decisions import Act
from consent_notice.events import NO_VISIT, AgreedAhead, ChainDeclared, Decided, Erased, Means, SeatJoined, VisitOpened
from consent_notice.words import Purpose, SeatId
from storage.log_entries import ErasedBody, LogEntry

OF_NO_VISIT = frozenset({AgreedAhead.kind, ChainDeclared.kind, Erased.kind})  # all that may be logged without a visit
ANNOUNCED_WITHIN = timedelta(hours=1)  # one that was found before midnight may be logged after it
_TYING = frozenset({SeatJoined.kind, Decided.kind})
_TAKEN_BACK = frozenset({Act.WITHDRAW, Act.RESET})
_ROWS = (
    "SELECT id, covers, about, name, choices, until, notice_version, notice_language, notice_sha256,"
    " withdrawn_at IS NOT NULL, log_index FROM agreements ORDER BY id"
)


def check_ahead(database: sqlite3.Connection, entries: Sequence[LogEntry], fault: Callable[[str], None]) -> None:
    last: dict[str, LogEntry] = {}  # by agreement
    opened: dict[str, str] = {}  # meeting by visit
    has_erased = False
    for entry in entries:
        event = entry.event
        if (event.kind in OF_NO_VISIT) != (event.visit == NO_VISIT) and event.kind != Erased.kind:
            fault(f"log entry {entry.index}: an entry of that kind belongs to {_place(event.visit)}")
        if isinstance(event, AgreedAhead):
            last[event.agreement] = entry
        elif isinstance(event, VisitOpened):
            opened[event.visit] = event.meeting
        elif isinstance(event, ErasedBody):
            has_erased = has_erased or event.kind == AgreedAhead.kind
        elif isinstance(event, Decided) and event.means is Means.AHEAD and _gives(event):
            said = last.get(event.agreement)
            if said is None and has_erased:
                continue  # it may be one of those
            if said is None or not _allows(said, entry, event, opened.get(event.visit, "")):
                fault(f"log entry {entry.index}: it repeats a yes that was not said ahead")
    _check_ties(entries, fault)
    _check_rows(database, last, fault)


def _check_ties(entries: Sequence[LogEntry], fault: Callable[[str], None]) -> None:
    """A platform's id ties a yes to a seat only once a code or a tap tied it to the agreement, in some meeting."""
    if any(isinstance(entry.event, ErasedBody) and entry.event.kind in _TYING for entry in entries):
        return  # it may be one of those
    platform_ids: dict[tuple[str, SeatId], str] = {}
    tied: set[tuple[str, str]] = set()
    for entry in entries:
        event = entry.event
        if isinstance(event, SeatJoined):
            platform_ids[event.visit, event.seat] = event.platform_id
        elif isinstance(event, Decided) and event.agreement and _gives(event):
            tie = (event.agreement, platform_ids.get((event.visit, event.seat), ""))
            if event.matched_by != BY_PLATFORM_ID:
                tied.add(tie)
            elif not tie[1] or tie not in tied:
                told = "it takes somebody for a person who agreed ahead, and nothing tied the two"
                fault(f"log entry {entry.index}: {told}")


def _check_rows(database: sqlite3.Connection, last: dict[str, LogEntry], fault: Callable[[str], None]) -> None:
    rows = {row[0]: row for row in database.execute(_ROWS).fetchall()}
    for agreement, row in rows.items():
        said = last.get(agreement)
        if said is None or tuple(row) != _row_of(said):
            fault(f"agreement {agreement}: it does not follow from the log")
    for agreement in last.keys() - rows.keys():
        fault(f"agreement {agreement}: it is in the log and not in the database")


def _row_of(said: LogEntry) -> tuple[object, ...]:
    event = said.event
    assert isinstance(event, AgreedAhead)
    return (
        event.agreement,
        event.covers,
        event.about,
        event.name,
        json.dumps({purpose.value: act is Act.GIVE for purpose, act in event.acts}),
        event.until,
        event.notice_version,
        event.notice_language,
        event.notice_sha256,
        int(all(act in _TAKEN_BACK for _, act in event.acts)),
        said.index,
    )


def _gives(event: Decided | AgreedAhead) -> set[Purpose]:
    return {purpose for purpose, act in event.acts if act is Act.GIVE}


def _allows(said: LogEntry, repeated: LogEntry, decided: Decided, meeting: str) -> bool:
    event = said.event
    assert isinstance(event, AgreedAhead)
    is_there = event.covers == "series" or event.about == meeting
    day = (repeated.at - ANNOUNCED_WITHIN).date().isoformat()
    return is_there and _gives(decided) <= _gives(event) and day <= event.until


def _place(visit: str) -> str:
    return "a visit" if visit == NO_VISIT else "no visit"
