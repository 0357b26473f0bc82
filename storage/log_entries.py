"""The byte form of log entries: how an event becomes a leaf and a body, and how rows become entries again.

A leaf holds a salted commitment to its body and nothing of a person; the body and its salt can be erased, and every
proof about the leaf stays valid.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
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

_HEAD = re.compile(
    rb'\{"at":"(\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{3}Z)","commitment":"([0-9a-f]{64})","event_id":'
)
_AT = slice(7, 31)


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
    rest_of_leaf: bytes  # all but its time: made by whoever logs, not by the one thread that writes

    def leaf(self, at: datetime) -> bytes:
        stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return b'{"at":"%b","commitment":"%b' % (stamp.encode(), self.rest_of_leaf)


def prepare(event: Event, event_id: str) -> Prepared:
    """Raises ValueError for an empty event id, NotCanonical for what has no byte form."""
    if not event_id:
        raise ValueError("couldn't log an event: expected an event id, got an empty one")
    body, salt = canonical(to_body(event)), os.urandom(SALT_BYTES)
    try:
        about = _about(event_id, event.kind, event.visit)
    except UnicodeEncodeError:
        raise NotCanonical("couldn't log an event: its id or visit holds half of a surrogate pair") from None
    rest = b'%b","event_id":%b' % (sha256(salt + body).hexdigest().encode(), about)
    return Prepared(event=event, event_id=event_id, body=body, salt=salt, rest_of_leaf=rest)


def commitment(salt: bytes, body: bytes) -> bytes:
    return sha256(salt + body).digest()


def is_intact(row: Row, hashed: bytes) -> bool:
    """Whether a row of COLUMNS is what was logged, as far as hashes can say: the leaf has the one form that it can have
    with these columns, `hashed` is what was stored as its hash, and the body, where it is still there, is the one that
    it commits to. What the body says is not looked at.

    Instead of being read, the leaf is written anew and compared: a tenth of the time, and nothing is left to interpret.
    """
    _, event_id, visit, kind, leaf, stored_hash, salt, body = row
    if stored_hash != hashed or not (type(event_id) is type(visit) is type(kind) is str):
        return False
    head = _HEAD.match(leaf)
    if head is None or leaf[head.end() :] != _about(event_id, kind, visit):
        return False
    if body is None and salt is None:
        return True
    if type(salt) is not bytes or type(body) is not bytes or len(salt) != SALT_BYTES:
        return False
    return sha256(salt + body).hexdigest().encode() == head[2]


def read_row(row: Row) -> LogEntry:
    """From COLUMNS. Raises BrokenRecord unless every column fits the leaf, and the body its commitment."""
    index, event_id, visit, kind, leaf, stored_hash, _, body = row
    try:
        assert is_intact(row, leaf_hash(leaf))
        at = datetime.fromisoformat(leaf[_AT].decode())
        event: Event | ErasedBody
        if body is None:
            event = ErasedBody(kind=kind, visit=visit)
        else:
            value = read_canonical(body)
            assert isinstance(value, dict)
            event = from_body(value)
            assert (event.kind, event.visit) == (kind, visit)
    except (AssertionError, NotCanonical, UnreadableEntry, TypeError, ValueError):
        raise BrokenRecord(f"log entry {index} does not match its seal; run `onrecord verify`") from None
    return LogEntry(index=index, event=event, at=at, event_id=event_id, leaf_hash=stored_hash)


def _about(event_id: str, kind: str, visit: str) -> bytes:
    """The end of a leaf (RFC 8785: names in order, no spaces). Raises UnicodeEncodeError for half a surrogate pair."""
    return f'{_quoted(event_id)},"kind":{_quoted(kind)},"v":{LEAF_VERSION},"visit":{_quoted(visit)}}}'.encode()
