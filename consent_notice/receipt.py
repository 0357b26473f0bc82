"""A person's receipt: their record in the fields of ISO/IEC TS 27560:2023, and the proof that it is in the log.

Builds it from facts and log entries, and checks one with the log's published key alone. A receipt proves what this
server logged and signed. It does not prove that nobody else recorded, that no copy exists, or, without a copy of the
checkpoint kept elsewhere, that the server shows the same log to everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from consent_notice.canonical import NotCanonical, canonical, read_canonical
from consent_notice.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    Sign,
    VerifierKey,
    Verify,
    open_checkpoint,
    open_note,
    sign_note,
)
from consent_notice.decisions import Act, IllegalAct, next_standing
from consent_notice.events import Decided, Event, JsonValue, Means, NoticeDelivered, UnreadableEntry, from_body, to_body
from consent_notice.merkle import leaf_hash, verify_inclusion
from consent_notice.words import Purpose, SeatId, Standing

FORMAT = "onrecord-receipt/1"
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-record"
SCHEMA_VERSION = "ISO/IEC TS 27560:2023"
MAX_RECEIPT_BYTES = 4_000_000
ASKED_BY_NOTICE = (Purpose.RECORDING, Purpose.TRANSCRIPTION)

_DPV = "https://w3id.org/dpv#"
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
PROVES: tuple[str, ...] = (
    "These answers are entries of the log named in the checkpoint, unchanged since it was signed.",
    "The server that holds the log's key stated all else in this receipt.",
)
DOES_NOT_PROVE: tuple[str, ...] = (
    "That nobody else recorded, or that no copy exists.",
    "That everybody is shown the same log: for that, compare the checkpoint with a copy kept elsewhere.",
)


class BadReceipt(Exception):
    """That receipt does not hold. Ask the server for a new one, and check that the key is the published one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who answers for the data (ISO/IEC TS 27560, party fields); all of it must be filled."""

    party_id: str
    party_name: str
    party_address: str
    party_contact: str
    party_type: str  # "controller", "processor", "recipient"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts:
    """What the server states beside the log."""

    record_id: str
    receipt_id: str
    seat: SeatId
    controllers: tuple[Party, ...]
    recipients: tuple[str, ...]  # third parties; empty: none
    storage_location: str
    retention_days: int
    jurisdiction: str
    withdrawal_method: str
    service: str
    notice_text: str  # the exact text that was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenEntry:
    """One log entry with what it takes to prove it; all of one receipt against one checkpoint."""

    index: int
    leaf: bytes  # canonical JSON, as hashed
    salt: bytes
    event: Event
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReceipt:
    """What a receipt that holds says."""

    seat: SeatId
    standings: tuple[tuple[Purpose, Standing], ...]
    entries: tuple[int, ...]
    checkpoint: Checkpoint
    record: dict[str, Any]


def build_receipt(
    facts: ReceiptFacts, entries: Sequence[ProvenEntry], checkpoint_note: str, key: VerifierKey, sign: Sign
) -> bytes:
    """Canonical JSON. `entries`: the deliveries and decisions of that seat, in the log's order.

    Raises BadReceipt where a mandatory field would stay empty, or an entry is somebody else's.
    """
    events = [(entry.index, _time_of(entry.leaf), entry.event) for entry in entries]
    content: dict[str, JsonValue] = {
        "format": FORMAT,
        "profile": PROFILE,
        "receipt": {"schema_version": SCHEMA_VERSION, "receipt_id": facts.receipt_id},
        "record": _record(facts, events),
        "notice": facts.notice_text,
        "proves": list(PROVES),
        "does_not_prove": list(DOES_NOT_PROVE),
        "proof": {
            "checkpoint": checkpoint_note,
            "entries": [
                {
                    "index": entry.index,
                    "leaf": entry.leaf.decode(),
                    "salt": entry.salt.hex(),
                    "body": to_body(entry.event),
                    "path": [step.hex() for step in entry.path],
                }
                for entry in entries
            ],
        },
    }
    return canonical({**content, "seal": sign_note(_sealed_text(content, key.name), key, sign)})


def check_receipt(receipt: bytes, key: VerifierKey, verify: Verify) -> CheckedReceipt:
    """Raises BadReceipt saying what does not hold; a change of any byte does."""
    content = _read(receipt)
    try:
        seal = content.pop("seal")
        if open_note(seal, key, verify) != _sealed_text(content, key.name):
            raise BadReceipt("couldn't check receipt: its seal is of other contents")
        proof, record = content["proof"], content["record"]
        checkpoint = open_checkpoint(proof["checkpoint"], key, verify)
        events = [_check_entry(entry, checkpoint) for entry in proof["entries"]]
        seat = SeatId(record["header"]["pii_principal_id"])
        notice_sha256 = sha256(content["notice"].encode()).hexdigest()
        history, standings = _history(seat, events)
        if record["event"] != history:
            raise BadReceipt("couldn't check receipt: its events are not those of the log")
        answered = [event for _, _, event in events if isinstance(event, Decided) and event.means is not Means.SYSTEM]
        if answered and answered[-1].notice_sha256 not in ("", notice_sha256):
            raise BadReceipt("couldn't check receipt: its notice is not the one that was answered")
    except BadCheckpoint as error:
        raise BadReceipt(str(error) or "couldn't check receipt: its signature does not hold") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise BadReceipt("couldn't check receipt: a part of it is missing or of another kind") from None
    return CheckedReceipt(
        seat=seat,
        standings=tuple(sorted(standings.items())),
        entries=tuple(index for index, _, _ in events),
        checkpoint=checkpoint,
        record=record,
    )


# ---- the record ----------------------------------------------------------------------------------------------------


def _record(facts: ReceiptFacts, events: Sequence[tuple[int, str, Event]]) -> JsonValue:
    history, standings = _history(facts.seat, events)
    notice = next((event for _, _, event in reversed(events) if isinstance(event, NoticeDelivered)), None)
    decided = next((event for _, _, event in reversed(events) if isinstance(event, Decided)), None)
    if notice is None and decided is None:
        raise BadReceipt("couldn't build receipt: the log holds nothing of this person")
    language = decided.notice_language if decided is not None else notice.language if notice is not None else ""
    privacy_notice = _notice_reference(decided, notice)
    retention = f"P{facts.retention_days}D"
    record: dict[str, JsonValue] = {
        "header": {
            "schema_version": SCHEMA_VERSION,
            "record_id": facts.record_id,
            "pii_principal_id": str(facts.seat),
        },
        "pii_processing": [
            {
                "privacy_notice": privacy_notice,
                "language": language,
                "purposes": purpose.value,
                "lawful_basis": _DPV + "Consent",
                "pii_information": [{"pii_type": pii_type} for pii_type in _pii_types(purpose)],
                "pii_controllers": [party.party_id for party in facts.controllers],
                "collection_method": "meeting bot, from the person's own sound and answers",
                "storage_locations": [facts.storage_location],
                "retention_period": retention,
                "service": facts.service,
                "jurisdiction": facts.jurisdiction,
                "recipient_third_parties": list(facts.recipients) or ["none"],
                "withdrawal_method": facts.withdrawal_method,
                "consent_status": DPV_STATUS[standing],
            }
            for purpose, standing in sorted(standings.items())
        ],
        "party_identification": [
            {
                "party_id": party.party_id,
                "party_name": party.party_name,
                "party_address": party.party_address,
                "party_contact": party.party_contact,
                "party_type": party.party_type,
            }
            for party in facts.controllers
        ],
        "event": history,
    }
    empty = sorted(_empty_fields(record, "record"))
    if empty or not facts.controllers:
        raise BadReceipt("couldn't build receipt: these fields are empty: " + ", ".join(empty or ["controllers"]))
    return record


def _history(seat: SeatId, events: Sequence[tuple[int, str, Event]]) -> tuple[list[JsonValue], dict[Purpose, Standing]]:
    """One 27560 event a purpose and act, and where that leaves the person."""
    standings: dict[Purpose, Standing] = {}
    history: list[JsonValue] = []
    for index, at, event in events:
        if not isinstance(event, NoticeDelivered | Decided) or event.seat != seat:
            raise BadReceipt("couldn't use receipt: an entry in it is not this person's")
        acts = event.acts if isinstance(event, Decided) else tuple((each, Act.ASK) for each in ASKED_BY_NOTICE)
        is_own = isinstance(event, Decided) and event.means not in (Means.SYSTEM, Means.HOST)
        for purpose, act in acts:
            try:
                standings[purpose] = next_standing(standings.get(purpose, Standing.UNKNOWN), act, by_person=is_own)
            except IllegalAct:
                continue
            history.append(
                {
                    "event_time": at,
                    "validity_duration": "until withdrawn" if act is Act.GIVE else "until the next answer",
                    "entity_id": str(seat) if is_own else "onrecord",
                    "event_type": _DPV + ("ExplicitlyExpressedConsent" if act is Act.GIVE else "ConsentRecord"),
                    "event_state": DPV_STATUS[standings[purpose]],
                    "purpose": purpose.value,
                    "means": event.means.value,
                    "log_index": index,
                }
            )
    return history, standings


def _notice_reference(decided: Decided | None, notice: NoticeDelivered | None) -> JsonValue:
    if decided is not None:
        return {"id": decided.notice, "version": decided.notice_version, "sha256": decided.notice_sha256}
    assert notice is not None
    return {"id": notice.notice, "version": notice.version, "sha256": notice.text_sha256}


def _pii_types(purpose: Purpose) -> list[str]:
    """Of what the person is, in this meeting; name and answers are handled for every purpose."""
    own = {Purpose.RECORDING: "voice", Purpose.TRANSCRIPTION: "spoken words"}
    return [own.get(purpose, "voice and spoken words"), "display name", "presence in the meeting", "consent answers"]


def _empty_fields(value: JsonValue, name: str) -> set[str]:
    if isinstance(value, dict):
        return (
            set().union(*(_empty_fields(inner, f"{name}.{key}") for key, inner in value.items())) if value else {name}
        )
    if isinstance(value, list):
        return set().union(*(_empty_fields(inner, name) for inner in value)) if value else {name}
    return {name} if value is None or value == "" else set()


# ---- proof ---------------------------------------------------------------------------------------------------------


def _sealed_text(content: dict[str, Any], origin: str) -> str:
    """Two lines: it can never be taken for a checkpoint, which has a size on its second line."""
    return f"{origin}/receipt\nsha256:{sha256(canonical(content)).hexdigest()}\n"


def _check_entry(entry: dict[str, Any], checkpoint: Checkpoint) -> tuple[int, str, Event]:
    index, leaf = entry["index"], entry["leaf"].encode()
    path = [bytes.fromhex(step) for step in entry["path"]]
    if type(index) is not int or not verify_inclusion(leaf_hash(leaf), index, checkpoint.size, path, checkpoint.root):
        raise BadReceipt(f"couldn't check receipt: entry {index} is not in the log of its checkpoint")
    try:
        fields = read_canonical(leaf)
        committed = sha256(bytes.fromhex(entry["salt"]) + canonical(entry["body"])).hexdigest()
        event = from_body(entry["body"])
    except (NotCanonical, UnreadableEntry):
        raise BadReceipt(f"couldn't check receipt: entry {index} cannot be read") from None
    if not isinstance(fields, dict) or fields["commitment"] != committed or fields["kind"] != event.kind:
        raise BadReceipt(f"couldn't check receipt: entry {index} is not what the log holds")
    return index, str(fields["at"]), event


def _time_of(leaf: bytes) -> str:
    fields = read_canonical(leaf)
    if not isinstance(fields, dict) or not isinstance(fields.get("at"), str):
        raise BadReceipt("couldn't build receipt: a leaf carries no time")
    return str(fields["at"])


def _read(receipt: bytes) -> dict[str, Any]:
    if len(receipt) > MAX_RECEIPT_BYTES:
        raise BadReceipt("couldn't check receipt: it is too long to be one")
    try:
        content = read_canonical(receipt)
    except NotCanonical:
        raise BadReceipt("couldn't check receipt: it was changed, or is no receipt") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BadReceipt("couldn't check receipt: it is of another format or version")
    return content
