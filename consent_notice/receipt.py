"""A person's receipt: their record (`record`) and the proof that it is in the log, in one canonical JSON text.

Builds it from facts and log entries, and checks one with the log's published key alone. A receipt proves what this
server logged and signed. It does not prove that nobody else recorded, that no copy exists, or, without a copy of the
checkpoint kept elsewhere, that the server shows the same log to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
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
from consent_notice.events import Event, JsonValue, UnreadableEntry, from_body, to_body
from consent_notice.merkle import leaf_hash, verify_inclusion
from consent_notice.record import (
    SCHEMA_VERSION,
    BadReceipt,
    LoggedEvent,
    RecordFacts,
    Told,
    build_record,
    empty_fields,
    header_told,
    processing_told,
    tell,
)
from consent_notice.words import Purpose, SeatId, Standing

FORMAT = "onrecord-receipt/2"
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-record"
MAX_RECEIPT_BYTES = 4_000_000
LEAF_VERSION = 1
_LEAF_FIELDS = {"at", "commitment", "event_id", "kind", "v", "visit"}
PROVES: tuple[str, ...] = (
    "These answers are entries of the log named in the checkpoint, unchanged since it was signed.",
    "The server that holds the log's key stated all else in this receipt.",
)
DOES_NOT_PROVE: tuple[str, ...] = (
    "That nobody else recorded, or that no copy exists.",
    "That the log holds nothing else about this person, such as a later answer: that is in a later receipt.",
    "That everybody is shown the same log: for that, compare the checkpoint with a copy kept elsewhere.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """The words that the receipt is shown in; what must be among them is said in `receipt_page.WORDS`."""

    language: str
    words: Mapping[str, str]
    purposes: Mapping[Purpose, str]  # what each is, as on the page that asked
    platform: str  # its name for people


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts:
    """What the server states beside the log."""

    receipt_id: str
    issued_at: str  # UTC, ends in Z
    record: RecordFacts
    notice_texts: tuple[str, ...]  # every exact text that the person answered
    page: PageWords


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
    content: dict[str, Any]

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = self.content["record"]
        return record


def build_receipt(
    facts: ReceiptFacts, entries: Sequence[ProvenEntry], checkpoint_note: str, key: VerifierKey, sign: Sign
) -> bytes:
    """Canonical JSON. `entries`: the beginnings of the visit, and that seat's joins, deliveries and decisions, in the
    log's order.

    Raises BadReceipt where a mandatory field would stay empty, a text that was answered is missing, or an entry is
    somebody else's.
    """
    logged = [LoggedEvent(index=entry.index, at=_time_of(entry.leaf), event=entry.event) for entry in entries]
    told = tell(facts.record.seat, logged)
    texts = {sha256(text.encode()).hexdigest(): text for text in facts.notice_texts}
    missing = [answered for answered in told.answered if answered not in texts]
    if missing:
        raise BadReceipt("couldn't build receipt: a text that was answered is no longer there")
    content: dict[str, JsonValue] = {
        "format": FORMAT,
        "profile": PROFILE,
        "receipt": {
            "schema_version": SCHEMA_VERSION,
            "receipt_id": facts.receipt_id,
            "issued_at": facts.issued_at,
            "key": fingerprint(key),
        },
        "record": build_record(facts.record, told),
        "page": {
            "language": facts.page.language,
            "words": dict(facts.page.words),
            "purposes": {purpose.value: facts.page.purposes[purpose] for purpose in told.standings},
            "platform": facts.page.platform,
        },
        "notices": [{"sha256": answered, "text": texts[answered]} for answered in told.answered],
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
        unsealed = {name: value for name, value in content.items() if name != "seal"}
        if open_note(content["seal"], key, verify) != _sealed_text(unsealed, key.name):
            raise BadReceipt("couldn't check receipt: its seal is of other contents")
        if content["receipt"]["key"] != fingerprint(key):
            raise BadReceipt("couldn't check receipt: it names another key than the one that signed it")
        checkpoint = open_checkpoint(content["proof"]["checkpoint"], key, verify)
        logged = [_check_entry(entry, checkpoint) for entry in content["proof"]["entries"]]
        if any(later.index <= earlier.index for earlier, later in pairwise(logged)):
            raise BadReceipt("couldn't check receipt: its entries are not in the log's order")
        seat = SeatId(content["record"]["header"]["pii_principal_id"])
        told = tell(seat, logged)
        _check_record(content["record"], seat, told)
        _check_notices(content["notices"], told)
    except BadCheckpoint as error:
        raise BadReceipt(str(error) or "couldn't check receipt: its signature does not hold") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise BadReceipt("couldn't check receipt: a part of it is missing or of another kind") from None
    return CheckedReceipt(
        seat=seat,
        standings=tuple(told.standings.items()),
        entries=tuple(entry.index for entry in logged),
        checkpoint=checkpoint,
        content=content,
    )


def fingerprint(key: VerifierKey) -> str:
    """What people compare with the published key: the log's name, the key's id, and a hash of the public half."""
    return f"{key.name}+{key.key_id.hex()} sha256:{sha256(key.public_key).hexdigest()}"


# ---- proof ---------------------------------------------------------------------------------------------------------


def _check_record(record: dict[str, Any], seat: SeatId, told: Told) -> None:
    if record["event"] != told.history:
        raise BadReceipt("couldn't check receipt: its events are not those of the log")
    if record["context"] != told.context or not header_told(seat, told).items() <= record["header"].items():
        raise BadReceipt("couldn't check receipt: who, where or when is not as the log says")
    expected = processing_told(told)
    if [each["purposes"] for each in record["pii_processing"]] != [purpose.value for purpose in expected]:
        raise BadReceipt("couldn't check receipt: its purposes are not those of the log")
    for each, of_log in zip(record["pii_processing"], expected.values(), strict=True):
        if any(each[name] != value for name, value in of_log.items()):
            raise BadReceipt("couldn't check receipt: where the person stands is not as the log says")
    if empty_fields(record):
        raise BadReceipt("couldn't check receipt: a mandatory field is empty")


def _check_notices(notices: list[dict[str, Any]], told: Told) -> None:
    if tuple(notice["sha256"] for notice in notices) != told.answered:
        raise BadReceipt("couldn't check receipt: its texts are not those that were answered")
    if any(sha256(notice["text"].encode()).hexdigest() != notice["sha256"] for notice in notices):
        raise BadReceipt("couldn't check receipt: its notice is not the one that was answered")


def _sealed_text(content: dict[str, Any], origin: str) -> str:
    """Two lines: it can never be taken for a checkpoint, which has a size on its second line."""
    return f"{origin}/receipt\nsha256:{sha256(canonical(content)).hexdigest()}\n"


def _check_entry(entry: dict[str, Any], checkpoint: Checkpoint) -> LoggedEvent:
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
    if not isinstance(fields, dict) or fields.keys() != _LEAF_FIELDS or fields["v"] != LEAF_VERSION:
        raise BadReceipt(f"couldn't check receipt: entry {index} is of a form that this version does not know")
    if (fields["commitment"], fields["kind"], fields["visit"]) != (committed, event.kind, event.visit):
        raise BadReceipt(f"couldn't check receipt: entry {index} is not what the log holds")
    return LoggedEvent(index=index, at=str(fields["at"]), event=event)


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
