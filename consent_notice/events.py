"""What the consent log holds: one frozen dataclass a kind of entry, and their mapping to and from JSON values.

Times named `*_ms` are milliseconds of the machine's boot clock, comparable only within one `boot_id`; wall time is put
beside each entry by the log and is for people. Decides nothing about consent.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, ClassVar

from consent_notice.decisions import Act
from consent_notice.words import ConsentStatus, IdentityLevel, Purpose, Rule, SeatId, SeatKind, SegmentId, VisitId


class Means(StrEnum):
    """How a decision reached us."""

    CHAT = "chat"
    PAGE = "page"
    ROOM_BUTTON = "room_button"
    HOST = "host"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitOpened:
    kind: ClassVar[str] = "visit_opened"
    visit: VisitId
    epoch: int  # grows by one each time a bot takes the visit over
    meeting: str
    platform: str
    host: str
    bot_name: str
    rule: Rule
    path_delay_ms: int
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitClosed:
    kind: ClassVar[str] = "visit_closed"
    visit: VisitId
    epoch: int
    reason: str
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatJoined:
    kind: ClassVar[str] = "seat_joined"
    visit: VisitId
    epoch: int
    seat: SeatId
    seat_kind: SeatKind
    name: str
    identity_level: IdentityLevel
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLeft:
    kind: ClassVar[str] = "seat_left"
    visit: VisitId
    epoch: int
    seat: SeatId
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDelivered:
    kind: ClassVar[str] = "notice_delivered"
    visit: VisitId
    epoch: int
    seat: SeatId
    notice: str  # id, version and language name the exact retained text
    version: str
    language: str
    text_sha256: str
    means: Means
    message_id: str
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One answer of one person, for one or more purposes; the record behind a standing."""

    kind: ClassVar[str] = "decided"
    visit: VisitId
    epoch: int
    seat: SeatId
    acts: tuple[tuple[Purpose, Act], ...]
    means: Means
    identity_level: IdentityLevel
    matched_by: str  # how the person was tied to the seat: "platform seat", "page code", …
    notice: str
    notice_version: str
    notice_language: str
    notice_sha256: str
    message_id: str
    verbatim: str  # the words of the answer as given; empty for a button
    reader_version: str
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOpened:
    kind: ClassVar[str] = "segment_opened"
    visit: VisitId
    epoch: int
    segment: SegmentId
    track: str
    seats: tuple[SeatId, ...]
    rule: Rule
    relies_on: tuple[int, ...]  # log indices of the consents in force
    header_sha256: str
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartClosed:
    kind: ClassVar[str] = "part_closed"
    visit: VisitId
    segment: SegmentId
    part: int
    sha256: str  # of the whole sealed file
    size_bytes: int
    chunks: int
    frames: int
    from_ms: int
    to_ms: int
    kept_ms: int  # sum of the frames' durations
    recovered: bool  # True: closed after a crash, at its last whole chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptSealed:
    kind: ClassVar[str] = "transcript_sealed"
    visit: VisitId
    transcript: str
    seat: SeatId
    sha256: str
    utterances: int
    words: int
    language: str
    model: str
    segments: tuple[SegmentId, ...]
    relies_on: tuple[int, ...]
    tags_sha256: str  # of the canonical JSON of the tags stored beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingTagged:
    """The consent status that a recording carries from here on; a later entry for the same visit replaces it."""

    kind: ClassVar[str] = "recording_tagged"
    visit: VisitId
    consent_status: tuple[ConsentStatus, ...]
    per_seat: tuple[tuple[SeatId, ConsentStatus, int], ...]  # seat, status, kept milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    kind: ClassVar[str] = "erased"
    visit: VisitId
    bodies: tuple[int, ...]  # log indices whose person rows are gone
    segments: tuple[SegmentId, ...]
    transcripts: tuple[str, ...]
    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRead:
    kind: ClassVar[str] = "record_read"
    visit: VisitId
    reader: str
    what: str  # "recording", "transcript", "evidence", "receipt"


Event = (
    VisitOpened
    | VisitClosed
    | SeatJoined
    | SeatLeft
    | NoticeDelivered
    | Decided
    | SegmentOpened
    | PartClosed
    | TranscriptSealed
    | RecordingTagged
    | Erased
    | RecordRead
)
KINDS: dict[str, type[Any]] = {entry.kind: entry for entry in typing.get_args(Event)}
_HINTS = {kind: typing.get_type_hints(entry) for kind, entry in KINDS.items()}  # ten times the cost of a reading

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


class UnreadableEntry(Exception):
    """That is not an entry this version knows. Use the version of onrecord that wrote it, or a newer one."""


def to_body(event: Event) -> dict[str, JsonValue]:
    """JSON values only (no floats), so that their RFC 8785 form is unique."""
    fields = {field.name: _plain(getattr(event, field.name)) for field in dataclasses.fields(event)}
    return {"kind": event.kind, **fields}


def from_body(body: dict[str, Any]) -> Event:
    """Raises UnreadableEntry for an unknown kind, a missing or an unknown field, or a value of another type."""
    entry_type = KINDS.get(str(body.get("kind")))
    if entry_type is None:
        raise UnreadableEntry(f"couldn't read log entry: unknown kind {body.get('kind')!r}")
    hints = _HINTS[entry_type.kind]
    names = {field.name for field in dataclasses.fields(entry_type)}
    if names != body.keys() - {"kind"}:
        raise UnreadableEntry(f"couldn't read log entry: {entry_type.kind} has other fields")
    try:
        return typing.cast(Event, entry_type(**{name: _typed(hints[name], body[name]) for name in names}))
    except (TypeError, ValueError) as error:
        raise UnreadableEntry(f"couldn't read log entry: {entry_type.kind} holds a value of another type") from error


def _plain(value: Any) -> JsonValue:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return typing.cast(JsonValue, value.value)
    if isinstance(value, str | int) or value is None:
        return value
    raise TypeError(f"couldn't write log entry: {type(value).__name__} has no JSON form here")


def _typed(hint: Any, value: Any) -> Any:
    hint = getattr(hint, "__supertype__", hint)  # a NewType
    origin = typing.get_origin(hint)
    if origin is tuple:
        arguments = typing.get_args(hint)
        if not isinstance(value, list):
            raise TypeError("list expected")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_typed(arguments[0], item) for item in value)
        return tuple(_typed(argument, item) for argument, item in zip(arguments, value, strict=True))
    if origin in (typing.Union, types.UnionType):
        return value
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is bool or hint is int or hint is str:
        if type(value) is not hint:
            raise TypeError(f"{hint.__name__} expected")
        return value
    raise TypeError("no reader for this field")
