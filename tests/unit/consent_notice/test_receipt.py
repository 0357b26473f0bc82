"""A receipt has every mandatory field of ISO/IEC TS 27560, checks offline, and fails with any byte changed."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consent_notice.canonical import canonical, read_canonical
from consent_notice.checkpoint import Checkpoint, VerifierKey, sign_checkpoint, sign_note
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means, NoticeDelivered, to_body
from consent_notice.merkle import Tree, leaf_hash
from consent_notice.receipt import (
    DPV_STATUS,
    BadReceipt,
    Party,
    ProvenEntry,
    ReceiptFacts,
    build_receipt,
    check_receipt,
)
from consent_notice.words import IdentityLevel, Purpose, SeatId, Standing, VisitId

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(name="onrecord.example/log", public_key=PRIVATE.public_key().public_bytes_raw())
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_KEY = VerifierKey(name=KEY.name, public_key=OTHER.public_key().public_bytes_raw())
ANN, NOTICE = SeatId("ann"), "May I record? …\n"
NOTICE_SHA256 = sha256(NOTICE.encode()).hexdigest()
FACTS = ReceiptFacts(
    record_id="record-1",
    receipt_id="receipt-1",
    seat=ANN,
    controllers=(
        Party(
            party_id="acme",
            party_name="Acme",
            party_address="1 Main Street",
            party_contact="privacy@acme.example",
            party_type="controller",
        ),
    ),
    recipients=(),
    storage_location="Acme's own server, Warsaw",
    retention_days=90,
    jurisdiction="PL",
    withdrawal_method="write stop in the chat, or use the page",
    service="meeting recording",
    notice_text=NOTICE,
)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def asked(seat: SeatId = ANN) -> NoticeDelivered:
    return NoticeDelivered(
        visit=VisitId("v"),
        epoch=1,
        seat=seat,
        notice="onrecord-notice",
        version="1",
        language="en",
        text_sha256=NOTICE_SHA256,
        means=Means.CHAT,
        message_id="m1",
        boot_id="b",
        at_ms=1,
    )


def decided(*acts: tuple[Purpose, Act], means: Means = Means.CHAT, seat: SeatId = ANN) -> Decided:
    return Decided(
        visit=VisitId("v"),
        epoch=1,
        seat=seat,
        acts=acts,
        means=means,
        identity_level=IdentityLevel.DISPLAY_NAME,
        matched_by="platform seat",
        notice="onrecord-notice",
        notice_version="1",
        notice_language="en",
        notice_sha256=NOTICE_SHA256,
        message_id="m2",
        verbatim="record yes",
        reader_version="1",
        boot_id="b",
        at_ms=2,
    )


GAVE = decided((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.GIVE))
WITHDREW = decided((Purpose.RECORDING, Act.WITHDRAW), (Purpose.TRANSCRIPTION, Act.WITHDRAW))


def proven(*events: Event, at: str = "2026-11-22T15:00:00.000Z") -> tuple[list[ProvenEntry], str]:
    """As the log holds them, among entries of others, with the checkpoint over all."""
    leaves, held = [], []
    for number, event in enumerate(events):
        salt = bytes([number]) * 32
        committed = sha256(salt + canonical(to_body(event))).hexdigest()
        fields: Any = {
            "at": at,
            "commitment": committed,
            "event_id": f"e{number}",
            "kind": event.kind,
            "v": 1,
            "visit": "v",
        }
        leaves += [b"somebody else's %d" % number, canonical(fields)]
        held.append((len(leaves) - 1, canonical(fields), salt, event))
    tree = Tree(map(leaf_hash, leaves))
    note = sign_checkpoint(Checkpoint(origin=KEY.name, size=tree.size, root=tree.root()), KEY, PRIVATE.sign)
    return [
        ProvenEntry(index=index, leaf=leaf, salt=salt, event=event, path=tuple(tree.inclusion(index)))
        for index, leaf, salt, event in held
    ], note


def made(*events: Event, facts: ReceiptFacts = FACTS) -> bytes:
    entries, note = proven(*events)
    return build_receipt(facts, entries, note, KEY, PRIVATE.sign)


RECEIPT = made(asked(), GAVE)


def test_a_receipt_holds_and_says_where_the_person_stands() -> None:
    checked = check_receipt(RECEIPT, KEY, verify)
    assert checked.seat == ANN
    assert dict(checked.standings) == {Purpose.RECORDING: Standing.GIVEN, Purpose.TRANSCRIPTION: Standing.GIVEN}
    assert (checked.entries, checked.checkpoint.size) == ((1, 3), 4)
    states = [event["event_state"].rpartition("#")[2] for event in checked.record["event"]]
    assert states == ["ConsentRequested", "ConsentRequested", "ConsentGiven", "ConsentGiven"]


def test_after_a_withdrawal_the_receipt_tells_all_of_it() -> None:
    reset = decided((Purpose.RECORDING, Act.RESET), means=Means.SYSTEM)
    checked = check_receipt(made(asked(), GAVE, reset, GAVE, WITHDREW), KEY, verify)
    assert dict(checked.standings) == {Purpose.RECORDING: Standing.WITHDRAWN, Purpose.TRANSCRIPTION: Standing.WITHDRAWN}
    by_whom = [event["entity_id"] for event in checked.record["event"]]
    assert by_whom == ["onrecord", "onrecord", "ann", "ann", "onrecord", "ann", "ann", "ann", "ann"]


def test_nobody_can_give_for_somebody_else() -> None:
    by_host = decided((Purpose.RECORDING, Act.GIVE), means=Means.HOST)
    standings = dict(check_receipt(made(asked(), by_host), KEY, verify).standings)
    assert standings[Purpose.RECORDING] is Standing.REQUESTED


def test_every_mandatory_field_of_ts_27560_is_filled() -> None:
    record = check_receipt(RECEIPT, KEY, verify).record
    content: Any = read_canonical(RECEIPT)
    mandatory = {
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
        "party_identification": ("party_id", "party_address", "party_name", "party_contact", "party_type"),
        "event": ("event_time", "validity_duration", "entity_id", "event_type", "event_state"),
    }
    for part, names in mandatory.items():
        for holder in record[part] if isinstance(record[part], list) else [record[part]]:
            assert all(holder[name] for name in names)
    assert all(pii["pii_type"] for each in record["pii_processing"] for pii in each["pii_information"])
    assert all(content["receipt"][name] for name in ("schema_version", "receipt_id"))
    assert record["pii_processing"][0]["privacy_notice"] == {
        "id": "onrecord-notice",
        "sha256": NOTICE_SHA256,
        "version": "1",
    }
    assert DPV_STATUS.keys() == set(Standing)


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, jurisdiction=""),
        replace(FACTS, storage_location=""),
        replace(FACTS, withdrawal_method=""),
        replace(FACTS, record_id=""),
        replace(FACTS, controllers=()),
        replace(FACTS, controllers=(replace(FACTS.controllers[0], party_address=""),)),
    ],
)
def test_a_receipt_with_an_empty_mandatory_field_is_not_made(facts: ReceiptFacts) -> None:
    with pytest.raises(BadReceipt, match="empty"):
        made(asked(), GAVE, facts=facts)


def test_no_changed_byte_passes() -> None:
    for position in range(len(RECEIPT)):
        changed = RECEIPT[:position] + bytes([RECEIPT[position] ^ 1]) + RECEIPT[position + 1 :]
        with pytest.raises(BadReceipt):
            check_receipt(changed, KEY, verify)
    for other in (b"", b"{}", b"[]", RECEIPT[:-1], RECEIPT + b" ", RECEIPT.replace(b"receipt/1", b"receipt/2")):
        with pytest.raises(BadReceipt):
            check_receipt(other, KEY, verify)


def resealed(change: Any) -> bytes:
    """Changed by somebody who holds the signing key: then only the log can tell."""
    content: Any = read_canonical(RECEIPT)
    del content["seal"]
    change(content)
    text = f"{KEY.name}/receipt\nsha256:{sha256(canonical(content)).hexdigest()}\n"
    return canonical({**content, "seal": sign_note(text, KEY, PRIVATE.sign)})


def change_verbatim(content: Any) -> None:
    content["proof"]["entries"][1]["body"]["verbatim"] = "sound only"


def change_event(content: Any) -> None:
    content["record"]["event"][2]["event_state"] = DPV_STATUS[Standing.REFUSED]


def change_leaf(content: Any) -> None:
    content["proof"]["entries"][1]["leaf"] = content["proof"]["entries"][1]["leaf"].replace("15:00", "16:00")


def change_index(content: Any) -> None:
    content["proof"]["entries"][1]["index"] = 2


def change_seat(content: Any) -> None:
    content["record"]["header"]["pii_principal_id"] = "ben"


def change_notice(content: Any) -> None:
    content["notice"] = "May I sell it?"


def drop_an_entry(content: Any) -> None:
    del content["proof"]["entries"][1]


def lose_the_proof(content: Any) -> None:
    del content["proof"]


def test_the_unchanged_content_sealed_again_is_the_same_receipt() -> None:
    assert resealed(lambda content: None) == RECEIPT


@pytest.mark.parametrize(
    "change",
    [
        change_verbatim,
        change_event,
        change_leaf,
        change_index,
        change_seat,
        change_notice,
        drop_an_entry,
        lose_the_proof,
    ],
)
def test_even_the_server_cannot_state_what_its_log_does_not_hold(change: Any) -> None:
    with pytest.raises(BadReceipt):
        check_receipt(resealed(change), KEY, verify)


def test_another_key_and_another_persons_entry_are_refused() -> None:
    with pytest.raises(BadReceipt):
        check_receipt(RECEIPT, OTHER_KEY, verify)
    with pytest.raises(BadReceipt, match="not this person's"):
        made(asked(), decided((Purpose.RECORDING, Act.GIVE), seat=SeatId("ben")))
    with pytest.raises(BadReceipt, match="nothing of this person"):
        made()
