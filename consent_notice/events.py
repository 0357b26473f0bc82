"""What the consent log holds: one frozen dataclass a kind of entry, and their mapping to and from JSON values.

Times named `*_ms` are milliseconds of the machine's boot clock, comparable only within one `boot_id`; wall time is put
beside each entry by the log and is for people. Decides nothing about consent. A field that came later has a default,
and is left out where it holds it: so every body that was ever written keeps its one byte form.
"""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from consent_notice.decisions import Act
from consent_notice.field_values import plain, reader_of
from consent_notice.words import ConsentStatus, IdentityLevel, Purpose, Rule, SeatId, SeatKind, SegmentId, VisitId


class Means(StrEnum):
    """How a decision reached us."""

    CHAT = "chat"
    PAGE = "page"
    ROOM_BUTTON = "room_button"
    HOST = "host"
    SYSTEM = "system"
    AHEAD = "ahead"  # said before the meeting, for it or its series, and tied to the seat in it
    PHONE = "phone"  # keys of a telephone


class HostAct(StrEnum):
    """What a host can do while the bot is there; none of it says yes for anybody."""

    ASK = "ask"
    PAUSE = "pause"
    RESUME = "resume"
    WAIT = "wait"  # the offer is declined: no reminder of it, and the bot stays
    FALL_BACK = "fall_back"  # to what the notice stated for the case that not everyone agrees


NO_VISIT = VisitId("")  # of entries that belong to a person and to meetings yet to come


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
    attested_opens: bool = False  # an admin let a host's word about somebody open for that seat


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
    platform_id: str = ""  # what the platform calls this person in every meeting, hashed; empty: it does not say
    is_own: bool = False  # it is this bot


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
    line: str = ""  # the short form that it was delivered in, which led to the text; empty: the text's own post


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
    person: str = ""  # which of the people who share the seat; empty: the one who sits there
    agreement: str = ""  # what was said ahead that this repeats in the meeting
    legal_basis: str = ""  # as the admin declared it; empty: the person's consent


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadcountDeclared:
    """So many people sit at one seat; each of them has to answer. It only grows."""

    kind: ClassVar[str] = "headcount_declared"
    visit: VisitId
    epoch: int
    seat: SeatId
    people: int
    means: Means
    message_id: str
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettled:
    """Whose yes is needed from here on, and why. A stricter rule holds from `at_ms`, another once it is durable."""

    kind: ClassVar[str] = "rule_settled"
    visit: VisitId
    epoch: int
    rule: Rule
    profile: str  # of the places: "explicit_all" or "notice_all"; empty where none was looked at
    places: tuple[tuple[str, str], ...]  # code of the place, and whose: "host (profile)", "participant (declared)"
    reasons: tuple[str, ...]  # plain sentences, no names
    boot_id: str
    at_ms: int
    fallback: str = ""  # the rule that may follow when not everyone agreed; empty: the bot leaves
    is_late_mix: bool = False  # the room mixes all voices and may tell of a join after its sound


@dataclass(frozen=True, slots=True, kw_only=True)
class HostActed:
    kind: ClassVar[str] = "host_acted"
    visit: VisitId
    epoch: int
    act: HostAct
    means: Means
    message_id: str
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingBarred:
    """Nothing more may be kept in this visit, whoever agrees. Names nobody."""

    kind: ClassVar[str] = "recording_barred"
    visit: VisitId
    epoch: int
    why: str  # for reviewers: "somebody under 18"
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedAhead:
    """A yes or a no said before a meeting; it counts only where it is tied to a seat in it. The last one holds."""

    kind: ClassVar[str] = "agreed_ahead"
    visit: VisitId  # NO_VISIT
    agreement: str
    covers: str  # "meeting" or "series"
    about: str  # which
    acts: tuple[tuple[Purpose, Act], ...]
    until: str  # ISO 8601 date; it ends with that day (UTC)
    identity_level: IdentityLevel
    notice: str
    notice_version: str
    notice_language: str
    notice_sha256: str
    message_id: str
    name: str = ""  # as the person gave it


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainDeclared:
    """Entries that were published are lost here. What follows is signed under another name, with the same key."""

    kind: ClassVar[str] = "chain_declared"
    visit: VisitId  # NO_VISIT
    origin: str  # the name from here on
    before: str  # the name until here
    lost_checkpoint: str  # the signed note that this log does not continue
    why: str  # as the admin stated it


Event = (
    VisitOpened
    | VisitClosed
    | SeatJoined
    | SeatLeft
    | NoticeDelivered
    | Decided
    | HeadcountDeclared
    | RuleSettled
    | HostActed
    | RecordingBarred
    | AgreedAhead
    | SegmentOpened
    | PartClosed
    | TranscriptSealed
    | RecordingTagged
    | Erased
    | RecordRead
    | ChainDeclared
)
KINDS: dict[str, type[Any]] = {entry.kind: entry for entry in typing.get_args(Event)}
_FIELDS = {kind: frozenset(field.name for field in dataclasses.fields(entry)) for kind, entry in KINDS.items()}
_DEFAULTS = {
    kind: {field.name: field.default for field in dataclasses.fields(entry) if field.default is not dataclasses.MISSING}
    for kind, entry in KINDS.items()
}
_READERS = {
    kind: {name: reader_of(hint) for name, hint in typing.get_type_hints(entry).items() if name != "kind"}
    for kind, entry in KINDS.items()
}
_ALWAYS = {kind: tuple(sorted(names - _DEFAULTS[kind].keys())) for kind, names in _FIELDS.items()}

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


class UnreadableEntry(Exception):
    """That is not an entry this version knows. Use the version of onrecord that wrote it, or a newer one."""


def to_body(event: Event) -> dict[str, JsonValue]:
    """JSON values only (no floats), so that their RFC 8785 form is unique."""
    kind = event.kind
    body: dict[str, JsonValue] = {"kind": kind}
    for name in _ALWAYS[kind]:
        body[name] = plain(getattr(event, name))
    for name, default in _DEFAULTS[kind].items():
        value = getattr(event, name)
        if value != default:
            body[name] = plain(value)
    return body


def from_body(body: dict[str, Any]) -> Event:
    """Raises UnreadableEntry for an unknown kind, a missing or an unknown field, or a value of another type."""
    entry_type = KINDS.get(str(body.get("kind")))
    if entry_type is None:
        raise UnreadableEntry(f"couldn't read log entry: unknown kind {body.get('kind')!r}")
    readers, defaults, names = _READERS[entry_type.kind], _DEFAULTS[entry_type.kind], body.keys() - {"kind"}
    if not _FIELDS[entry_type.kind] - defaults.keys() <= names <= _FIELDS[entry_type.kind]:
        raise UnreadableEntry(f"couldn't read log entry: {entry_type.kind} has other fields")
    try:
        values = {name: readers[name](body[name]) for name in names}
        if not names.isdisjoint(defaults) and any(values[name] == defaults[name] for name in names & defaults.keys()):
            raise ValueError("a default is left out, so that there is one form")
        return typing.cast(Event, entry_type(**values))
    except (TypeError, ValueError) as error:
        raise UnreadableEntry(f"couldn't read log entry: {entry_type.kind} holds a value of another type") from error
