"""The byte form of log entries: how an event becomes a leaf and a body, and how rows become entries again.

A leaf holds a salted commitment to its body and nothing of a person; the body and its salt can be erased, and every
proof about the leaf stays valid.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from consent_notice.canonical import NotCanonical, canonical, read_canonical
from consent_notice.events import (
    AgreedAhead,
    Decided,
    Event,
    NoticeDelivered,
    SeatJoined,
    SeatLeft,
    UnreadableEntry,
    from_body,
    to_body,
)
from consent_notice.merkle import leaf_hash
from storage.errors import BrokenRecord

LEAF_VERSION = 1
SALT_BYTES = 32
COLUMNS = "l.idx, l.event_id, l.visit, l.kind, l.leaf, l.leaf_hash, b.salt, b.body"
SELECT = f"SELECT {COLUMNS} FROM log_leaves l LEFT JOIN log_bodies b ON b.idx = l.idx"  # noqa: S608  constants only
# Only what is about one person; without the others nobody could say what was kept, or on whose authority it went.
ERASABLE_KINDS = frozenset({SeatJoined.kind, SeatLeft.kind, NoticeDelivered.kind, Decided.kind, AgreedAhead.kind})

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedBody:
    """All that is left of an entry whose person row was erased."""

    kind: str
    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    index: int
    event: Event | ErasedBody
    at: datetime  # UTC, for people
    event_id: str
    leaf_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An event on its way into the log; its time and place are set when it is written."""

    event: Event
    event_id: str
    body: bytes
    salt: bytes

    def leaf(self, at: datetime) -> bytes:
        return canonical(
            {
                "at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "commitment": commitment(self.salt, self.body).hex(),
                "event_id": self.event_id,
                "kind": self.event.kind,
                "v": LEAF_VERSION,
                "visit": str(self.event.visit),
            }
        )


def prepare(event: Event, event_id: str) -> Prepared:
    """Raises ValueError for an empty event id, NotCanonical for what has no byte form."""
    if not event_id:
        raise ValueError("couldn't log an event: expected an event id, got an empty one")
    return Prepared(event=event, event_id=event_id, body=canonical(to_body(event)), salt=os.urandom(SALT_BYTES))


def commitment(salt: bytes, body: bytes) -> bytes:
    return sha256(salt + body).digest()


def read_row(row: Row) -> LogEntry:
    """From COLUMNS. Raises BrokenRecord unless every column fits the leaf, and the body its commitment."""
    index, event_id, visit, kind, leaf, stored_hash, salt, body = row
    try:
        fields = read_canonical(leaf)
        assert isinstance(fields, dict)
        assert leaf_hash(leaf) == stored_hash
        assert (fields["event_id"], fields["visit"], fields["kind"]) == (event_id, visit, kind)
        assert fields["v"] == LEAF_VERSION
        assert fields.keys() == {"at", "commitment", "event_id", "kind", "v", "visit"}
        at = datetime.fromisoformat(str(fields["at"]))
        event: Event | ErasedBody
        if body is None and salt is None:
            event = ErasedBody(kind=str(kind), visit=str(visit))
        else:
            assert len(salt) == SALT_BYTES
            assert commitment(salt, body).hex() == fields["commitment"]
            value = read_canonical(body)
            assert isinstance(value, dict)
            event = from_body(value)
            assert (event.kind, event.visit) == (kind, visit)
    except (AssertionError, NotCanonical, UnreadableEntry, KeyError, TypeError, ValueError, AttributeError):
        raise BrokenRecord(f"log entry {index} does not match its seal; run `onrecord verify`") from None
    return LogEntry(index=index, event=event, at=at, event_id=event_id, leaf_hash=stored_hash)
