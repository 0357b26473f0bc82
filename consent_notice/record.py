"""A person's record in the fields of ISO/IEC TS 27560:2023, with the terms of the W3C Data Privacy Vocabulary.

Half of it the log tells (`tell`), and whoever checks a receipt tells it again from the proven entries; the other half
the server states beside the log. docs/records.md maps it field by field. Proofs and signatures are in `receipt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, JsonValue, Means, NoticeDelivered, SeatJoined, VisitOpened
from consent_notice.standings import ASKED_BY_NOTICE, BY_OTHERS, StandingsReplay
from consent_notice.words import Purpose, SeatId, Standing

SCHEMA_VERSION = "ISO/IEC TS 27560:2023"
# Every field that the specification makes mandatory, by the part of the record that it belongs to.
MANDATORY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "receipt": ("schema_version", "receipt_id"),
        "header": ("schema_version", "record_id", "pii_principal_id"),
        "pii_processing": (
            "privacy_notice",
            "language",
            "purposes",
            "pii_information",
            "pii_controllers",
            "storage_locations",
            "retention_period",
            "jurisdiction",
            "recipient_third_parties",
            "withdrawal_method",
        ),
        "pii_information": ("pii_type",),
        "party_identification": ("party_id", "party_address", "party_name", "party_contact", "party_type"),
        "event": ("event_time", "validity_duration", "entity_id", "event_type", "event_state"),
    }
)
_DPV, _GDPR = "https://w3id.org/dpv#", "https://w3id.org/dpv/legal/eu/gdpr#"
# W3C DPV 2.3, module consent-status. An attestation is somebody else's word, which DPV has no status for.
DPV_STATUS = MappingProxyType(
    {
        Standing.UNKNOWN: _DPV + "ConsentUnknown",
        Standing.REQUESTED: _DPV + "ConsentRequested",
        Standing.DEFERRED: _DPV + "ConsentRequestDeferred",
        Standing.GIVEN: _DPV + "ConsentGiven",
        Standing.REFUSED: _DPV + "ConsentRefused",
        Standing.WITHDRAWN: _DPV + "ConsentWithdrawn",
        Standing.REVOKED: _DPV + "ConsentRevoked",
        Standing.EXPIRED: _DPV + "ConsentExpired",
        Standing.INVALIDATED: _DPV + "ConsentInvalidated",
        Standing.ATTESTED: _DPV + "ConsentUnknown",
    }
)
# As an admin may declare it, in the terms of DPV's extension for the GDPR; whatever it is, the bot asks for a yes.
LAWFUL_BASIS = MappingProxyType(
    {
        "": _DPV + "Consent",
        "consent": _DPV + "Consent",
        "contract": _GDPR + "A6-1-b",
        "legal_obligation": _GDPR + "A6-1-c",
        "public_task": _GDPR + "A6-1-e",
        "legitimate_interests": _GDPR + "A6-1-f",
    }
)
# What is asked for is consent in words or by a click, never by behaviour; what others say for somebody is only that.
_EXPLICIT, _SAID_BY_OTHERS = _DPV + "ExplicitlyExpressedConsent", _DPV + "Consent"


class BadReceipt(Exception):
    """That receipt does not hold. Ask the server for a new one, and check that the key is the published one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who has to do with the data (ISO/IEC TS 27560, party fields); all of it must be filled."""

    party_id: str
    party_name: str
    party_address: str
    party_contact: str
    party_type: str  # "controller", "data protection officer", "authority", "processor", "recipient"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """What the server states beside the log; plain values, each of them said when an installation did not state it."""

    record_id: str
    seat: SeatId
    controllers: tuple[Party, ...]
    other_parties: tuple[Party, ...] = ()
    authority: str  # where to complain
    recipients: tuple[str, ...]  # third parties; empty: none
    storage_location: str
    processing_location: str
    retention_days: int
    jurisdiction: str
    withdrawal_method: str
    rights: str
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An entry's place in the log, the time on its leaf, and what it says."""

    index: int
    at: str  # UTC, with its offset: ends in Z
    event: Event


@dataclass(slots=True, kw_only=True)
class Told:
    """The half of a record that the log tells."""

    shown_as: str  # the person's name as the meeting showed it last; empty where the log does not say
    context: dict[str, JsonValue]
    history: list[JsonValue]  # one 27560 event a purpose and act
    standings: dict[Purpose, Standing]
    notices: dict[Purpose, dict[str, JsonValue]]  # the text of the person's last answer about it, else of the last ask
    bases: dict[Purpose, str]  # legal basis that the last of them names
    answered: tuple[str, ...]  # hashes of the texts that the person answered, the first one first


def tell(seat: SeatId, entries: Sequence[LoggedEvent]) -> Told:
    """Of a seat that several people share, the entries of one of them. Raises BadReceipt where an entry is another
    person's or another meeting's, or the beginning is missing."""
    opened = [entry for entry in entries if isinstance(entry.event, VisitOpened)]
    if not opened:
        raise BadReceipt("couldn't use receipt: the beginning of the meeting is not among its entries")
    visit, person = opened[0].event.visit, _person_of(entries)
    standings = StandingsReplay()
    told = Told(shown_as="", context=_context(opened), history=[], standings={}, notices={}, bases={}, answered=())
    answered: dict[str, None] = {}
    answered_purposes: set[Purpose] = set()
    for entry in entries:
        event = entry.event
        if event.visit != visit:
            raise BadReceipt("couldn't use receipt: an entry in it is of another meeting")
        if isinstance(event, VisitOpened):
            continue
        is_theirs = isinstance(event, SeatJoined | NoticeDelivered | Decided) and event.seat == seat
        if not is_theirs or (isinstance(event, Decided) and event.person != person):
            raise BadReceipt("couldn't use receipt: an entry in it is not this person's")
        if isinstance(event, SeatJoined):
            told.shown_as = event.name
            continue
        assert isinstance(event, NoticeDelivered | Decided)
        # What the seat was asked, each of its people was: for one of them, seat and person are one.
        changed = dict(standings.after(replace(event, person="") if isinstance(event, Decided) else event))
        is_own = isinstance(event, Decided) and event.means not in BY_OTHERS
        if isinstance(event, Decided) and is_own and event.notice_sha256:
            answered[event.notice_sha256] = None
        for purpose, act in _acts_of(event):
            if event.notice and (is_own or purpose not in answered_purposes):
                told.notices[purpose] = _notice_of(event)
                told.bases[purpose] = event.legal_basis if isinstance(event, Decided) else ""
            if is_own:
                answered_purposes.add(purpose)
            standing = standings.now.get((seat, purpose), Standing.UNKNOWN)
            told.history.append(
                {
                    "event_time": entry.at,
                    "meeting_ms": _meeting_ms(opened, event),
                    "validity_duration": "until withdrawn" if act is Act.GIVE else "until the next answer",
                    "entity_id": str(seat) if is_own else "host" if event.means is Means.HOST else "onrecord",
                    "event_type": _SAID_BY_OTHERS if act is Act.ATTEST else _EXPLICIT,
                    "event_state": DPV_STATUS[standing],
                    "purpose": purpose.value,
                    "act": act.value,
                    "counted": purpose in changed or (act is Act.GIVE and standing is Standing.GIVEN),
                    "shown_as": told.shown_as,
                    "log_index": entry.index,
                    **_how(event),
                }
            )
    told.standings |= {purpose: standing for (_, purpose), standing in sorted(standings.now.items())}
    told.answered = tuple(answered)
    return told


def _person_of(entries: Sequence[LoggedEvent]) -> str:
    """Whose answers they are, of the people who share the seat; empty where one person sits there."""
    return next((entry.event.person for entry in entries if isinstance(entry.event, Decided)), "")


def build_record(facts: RecordFacts, told: Told) -> dict[str, Any]:
    """Raises BadReceipt where a mandatory field would stay empty, or the log holds nothing of this person."""
    if not told.history:
        raise BadReceipt("couldn't build receipt: the log holds nothing of this person")
    told_of_purposes = processing_told(told)
    record: dict[str, Any] = {
        "header": {"schema_version": SCHEMA_VERSION, "record_id": facts.record_id, **header_told(facts.seat, told)},
        "context": told.context,
        "pii_processing": [{**_processing(facts, purpose), **told_of_purposes[purpose]} for purpose in told.standings],
        "party_identification": [
            {
                "party_id": party.party_id,
                "party_name": party.party_name,
                "party_address": party.party_address,
                "party_contact": party.party_contact,
                "party_type": party.party_type,
            }
            for party in (*facts.controllers, *facts.other_parties)
        ],
        "event": told.history,
    }
    empty = empty_fields(record)
    if not all(each["lawful_basis"] for each in record["pii_processing"]):
        empty.append("pii_processing.lawful_basis")
    if empty:
        raise BadReceipt("couldn't build receipt: these fields are empty: " + ", ".join(empty))
    return record


def header_told(seat: SeatId, told: Told) -> dict[str, JsonValue]:
    return {"pii_principal_id": str(seat), "shown_as": told.shown_as}


def processing_told(told: Told) -> dict[Purpose, dict[str, JsonValue]]:
    """What the log tells of each purpose; the rest of a purpose's fields is the server's word."""
    return {
        purpose: {
            "purposes": purpose.value,
            "consent_status": DPV_STATUS[standing],
            "standing": standing.value,
            "privacy_notice": told.notices.get(purpose, {}),
            "language": told.notices.get(purpose, {}).get("language", ""),
            "lawful_basis": LAWFUL_BASIS.get(told.bases.get(purpose, ""), ""),
        }
        for purpose, standing in told.standings.items()
    }


def empty_fields(record: Mapping[str, Any]) -> list[str]:
    """The mandatory fields of a record that are missing or empty, by name."""
    parts = {name: _held(record.get(name)) for name in MANDATORY if name not in ("receipt", "pii_information")}
    parts["pii_information"] = [
        pii for each in parts["pii_processing"] if isinstance(each, dict) for pii in _held(each.get("pii_information"))
    ]
    found = set()
    for part, holders in parts.items():
        for name in MANDATORY[part]:
            if not holders or not all(isinstance(holder, dict) and _is_filled(holder.get(name)) for holder in holders):
                found.add(f"{part}.{name}")
    return sorted(found)


def _processing(facts: RecordFacts, purpose: Purpose) -> dict[str, JsonValue]:
    own = {Purpose.RECORDING: "voice", Purpose.TRANSCRIPTION: "spoken words"}
    types = [own.get(purpose, "voice and spoken words"), "display name", "presence in the meeting", "consent answers"]
    return {
        "pii_information": [{"pii_type": pii_type, "pii_optional": pii_type == types[0]} for pii_type in types],
        "pii_controllers": [party.party_id for party in facts.controllers],
        "collection_method": "meeting bot, from the person's own sound and answers",
        "processing_method": "sealed and stored, played back by those entitled to it; nothing is decided by a machine",
        "storage_locations": [facts.storage_location],
        "processing_locations": [facts.processing_location],
        "retention_period": f"P{facts.retention_days}D",
        "service": facts.service,
        "jurisdiction": facts.jurisdiction,
        "recipient_third_parties": list(facts.recipients) or ["none"],
        "withdrawal_method": facts.withdrawal_method,
        "privacy_rights": facts.rights,
        "authority_party": facts.authority,
    }


def _acts_of(event: NoticeDelivered | Decided) -> tuple[tuple[Purpose, Act], ...]:
    return event.acts if isinstance(event, Decided) else tuple((purpose, Act.ASK) for purpose in ASKED_BY_NOTICE)


def _notice_of(event: NoticeDelivered | Decided) -> dict[str, JsonValue]:
    if isinstance(event, NoticeDelivered):
        version, language, text = event.version, event.language, event.text_sha256
    else:
        version, language, text = event.notice_version, event.notice_language, event.notice_sha256
    return {"id": event.notice, "version": version, "language": language, "sha256": text}


def _how(event: NoticeDelivered | Decided) -> dict[str, JsonValue]:
    """How the ask or the answer went, as far as the entry says."""
    how: dict[str, JsonValue] = {
        "means": event.means.value,
        "message_id": event.message_id,
        "notice": dict(_notice_of(event)),
    }
    if isinstance(event, Decided):
        how |= {
            "identity_level": int(event.identity_level),
            "matched_by": event.matched_by,
            "verbatim": event.verbatim,
            "reader_version": event.reader_version,
        }
        later = {"person": event.person, "agreement": event.agreement, "legal_basis": event.legal_basis}
        how |= {name: value for name, value in later.items() if value}
    return how


def _context(opened: Sequence[LoggedEvent]) -> dict[str, JsonValue]:
    """Of the last bot that came; the time is that of the first."""
    event = opened[-1].event
    assert isinstance(event, VisitOpened)
    return {
        "visit": str(event.visit),
        "meeting": event.meeting,
        "platform": event.platform,
        "host": event.host,
        "bot_name": event.bot_name,
        "rule": event.rule.value,
        "began_at": opened[0].at,
    }


def _meeting_ms(opened: Sequence[LoggedEvent], event: NoticeDelivered | Decided) -> int | None:
    """From the bot's coming, on the clock that both were written by; None where the machine was started in between."""
    first = opened[0].event
    assert isinstance(first, VisitOpened)
    return event.at_ms - first.at_ms if event.boot_id == first.boot_id else None


def _held(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_filled(value: Any) -> bool:
    """None, an empty text, and what is empty or holds one of these leave a reader without an answer."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return bool(value) and all(map(_is_filled, inner))
    return value is not None and value != ""
