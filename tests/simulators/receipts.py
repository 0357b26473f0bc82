"""Receipts without a server: entries of one person among those of others, with a key that only the tests have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.wording import wordings
from consent_notice.canonical import canonical, read_canonical
from consent_notice.checkpoint import Checkpoint, VerifierKey, sign_checkpoint, sign_note
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means, NoticeDelivered, SeatJoined, VisitOpened, to_body
from consent_notice.merkle import Tree, leaf_hash
from consent_notice.receipt import PageWords, ProvenEntry, ReceiptFacts, build_receipt
from consent_notice.receipt_page import WORDS
from consent_notice.record import Party, RecordFacts
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind, VisitId
from web.notices import page_words

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(name="onrecord.example/log", public_key=PRIVATE.public_key().public_bytes_raw())
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_KEY = VerifierKey(name=KEY.name, public_key=OTHER.public_key().public_bytes_raw())
VISIT, ANN = VisitId("v"), SeatId("ann")
NOTICE, PAGE_NOTICE = "May I record? …\n", "# Who asks\n\nAcme asks & <waits>.\n"
CONTROLLER = Party(
    party_id="acme",
    party_name="Acme",
    party_address="1 Main Street",
    party_contact="privacy@acme.example",
    party_type="controller",
)


def words_in(language: str) -> PageWords:
    """As the pages fill them in."""
    purposes = {purpose: str(wordings()[language]["purposes"][purpose.value]) for purpose in Purpose}
    words = {key: page_words(language)[key] for key in WORDS}
    return PageWords(language=language, words=words, purposes=purposes, platform="Practice room")


FACTS = ReceiptFacts(
    receipt_id="receipt-1",
    issued_at="2026-11-22T15:10:00.000Z",
    record=RecordFacts(
        record_id="record-1",
        seat=ANN,
        controllers=(CONTROLLER,),
        authority="Data Office, Warsaw",
        recipients=(),
        storage_location="Acme's own server, Warsaw",
        processing_location="Acme's own server, Warsaw",
        retention_days=90,
        jurisdiction="PL",
        withdrawal_method="write stop in the chat, or use the page",
        rights="access, correction, erasure, complaint",
        service="onrecord (asks before recording)",
    ),
    notice_texts=(NOTICE, PAGE_NOTICE),
    page=words_in("en"),
)


def sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def opened(epoch: int = 1, *, at_ms: int = 0, host: str = "Ingrid", boot_id: str = "b") -> VisitOpened:
    return VisitOpened(
        visit=VISIT,
        epoch=epoch,
        meeting="meeting-1",
        platform="practice",
        host=host,
        bot_name="onrecord (asks before recording)",
        rule=Rule.EVERYONE,
        path_delay_ms=0,
        boot_id=boot_id,
        at_ms=at_ms,
    )


def joined(name: str = "Ann", *, seat: SeatId = ANN, at_ms: int = 500) -> SeatJoined:
    return SeatJoined(
        visit=VISIT,
        epoch=1,
        seat=seat,
        seat_kind=SeatKind.PERSON,
        name=name,
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id="b",
        at_ms=at_ms,
    )


def asked(seat: SeatId = ANN, *, text: str = NOTICE, means: Means = Means.CHAT) -> NoticeDelivered:
    return NoticeDelivered(
        visit=VISIT,
        epoch=1,
        seat=seat,
        notice="onrecord-notice",
        version="1",
        language="en",
        text_sha256=sha(text),
        means=means,
        message_id="m1",
        boot_id="b",
        at_ms=1_000,
    )


def decided(
    *acts: tuple[Purpose, Act],
    means: Means = Means.CHAT,
    seat: SeatId = ANN,
    at_ms: int = 2_000,
    text: str = NOTICE,
    verbatim: str = "record yes",
) -> Decided:
    return Decided(
        visit=VISIT,
        epoch=1,
        seat=seat,
        acts=acts,
        means=means,
        identity_level=IdentityLevel.DISPLAY_NAME,
        matched_by="platform seat",
        notice="onrecord-notice",
        notice_version="1",
        notice_language="en",
        notice_sha256=sha(text),
        message_id="m2",
        verbatim=verbatim,
        reader_version="1",
        boot_id="b",
        at_ms=at_ms,
    )


GAVE = decided((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.GIVE))
WITHDREW = decided(
    (Purpose.RECORDING, Act.WITHDRAW), (Purpose.TRANSCRIPTION, Act.WITHDRAW), at_ms=9_000, verbatim="stop"
)
START: tuple[Event, ...] = (opened(), joined(), asked())


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
            "visit": str(event.visit),
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


def with_record(**changes: Any) -> ReceiptFacts:
    return replace(FACTS, record=replace(FACTS.record, **changes))


def resealed(receipt: bytes, change: Callable[[Any], None]) -> bytes:
    """Changed by somebody who holds the signing key: then only the log can tell."""
    content: Any = read_canonical(receipt)
    del content["seal"]
    change(content)
    text = f"{KEY.name}/receipt\nsha256:{sha256(canonical(content)).hexdigest()}\n"
    return canonical({**content, "seal": sign_note(text, KEY, PRIVATE.sign)})


def reproven(receipt: bytes, choose: Callable[[list[Any]], Sequence[Any]]) -> bytes:
    """With other entries in its proof, in another order, or fewer."""

    def change(content: Any) -> None:
        content["proof"]["entries"] = list(choose(content["proof"]["entries"]))

    return resealed(receipt, change)


def in_other_forms(receipt: bytes) -> list[bytes]:
    """The same data, written differently: what a seal over the data alone would not notice."""
    return [
        b" " + receipt,
        receipt + b"\n",
        receipt.replace(b'{"', b'{ "', 1),
        receipt.replace(b'"format"', b'"\\u0066ormat"', 1),
        receipt[:-1] + b',"format":"onrecord-receipt/2"}',
        receipt.replace(b'"index":1,', b'"index":1.0,', 1),
        b"\xef\xbb\xbf" + receipt,
    ]


def forgeries() -> dict[str, tuple[bytes, str]]:
    """Each is at one with itself but for one thing, and the words that name it."""
    entries, note = proven(*START, GAVE)
    refused = decided((Purpose.RECORDING, Act.REFUSE), (Purpose.TRANSCRIPTION, Act.REFUSE), verbatim="record no")
    of_refusal = proven(*START, refused)[0]
    twice, note_of_twice = proven(*START, replace(refused, at_ms=1_500), GAVE)
    checkpoint = note.partition("\n\n")[0] + "\n"
    return {
        "sealed without the key": (
            build_receipt(FACTS, entries, note, KEY, OTHER.sign),
            "signature is not of this key",
        ),
        "a checkpoint made without the key": (
            build_receipt(FACTS, entries, sign_note(checkpoint, KEY, OTHER.sign), KEY, PRIVATE.sign),
            "signature is not of this key",
        ),
        "an answer that is not in the log": (
            build_receipt(FACTS, [*entries[:-1], of_refusal[-1]], note, KEY, PRIVATE.sign),
            "entry 7 is not in the log",
        ),
        "another answer than the one in the log": (
            build_receipt(FACTS, [*entries[:-1], replace(entries[-1], event=refused)], note, KEY, PRIVATE.sign),
            "entry 7 is not what the log holds",
        ),
        "a no before the yes that it followed": (
            build_receipt(FACTS, [*twice[:3], twice[4], twice[3]], note_of_twice, KEY, PRIVATE.sign),
            "not in the log's order",
        ),
        "the same answer twice": (
            build_receipt(FACTS, [*entries, entries[-1]], note, KEY, PRIVATE.sign),
            "not in the log's order",
        ),
    }
