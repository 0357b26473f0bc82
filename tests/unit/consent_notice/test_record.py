"""The record has every mandatory field of ISO/IEC TS 27560, and says of each act what design's evidence asks for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Event, Means
from consent_notice.information import LegalBasis
from consent_notice.receipt import ReceiptFacts, check_receipt
from consent_notice.record import DPV_STATUS, LAWFUL_BASIS, MANDATORY, BadReceipt, LoggedEvent, empty_fields, tell
from consent_notice.words import Purpose, SeatId, Standing, VisitId
from storage.vault import verify_signature
from tests.simulators.receipts import (
    ANN,
    CONTROLLER,
    FACTS,
    GAVE,
    KEY,
    PAGE_NOTICE,
    START,
    WITHDREW,
    asked,
    decided,
    joined,
    made,
    opened,
    sha,
    with_record,
)

DOC = Path("docs/records.md")


def content_of(*events: Event, facts: ReceiptFacts = FACTS) -> Any:
    return check_receipt(made(*events, facts=facts), KEY, verify_signature).content


def told(*events: Event) -> list[LoggedEvent]:
    return [LoggedEvent(index=index, at="2026-11-22T15:00:00.000Z", event=event) for index, event in enumerate(events)]


@pytest.mark.parametrize("events", [(*START, GAVE), (*START, GAVE, WITHDREW), START])
def test_every_mandatory_field_of_ts_27560_is_filled(events: tuple[Event, ...]) -> None:
    content = content_of(*events)
    record = content["record"]
    holders: dict[str, list[Any]] = {
        "receipt": [content["receipt"]],
        "header": [record["header"]],
        "pii_processing": record["pii_processing"],
        "pii_information": [pii for each in record["pii_processing"] for pii in each["pii_information"]],
        "party_identification": record["party_identification"],
        "event": record["event"],
    }
    assert holders.keys() == MANDATORY.keys()
    for part, names in MANDATORY.items():
        assert holders[part], part
        for holder in holders[part]:
            for name in names:
                assert holder[name] not in (None, "", [], {}), f"{part}.{name}"


def test_the_docs_name_exactly_those_fields() -> None:
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| (yes|no) \|", DOC.read_text(encoding="utf-8"), flags=re.MULTILINE)
    of_doc = {(part, name) for part, name, mandatory in rows if mandatory == "yes"}
    assert of_doc == {(part, name) for part, names in MANDATORY.items() for name in names}
    assert len(rows) == len(set(rows))


def test_every_field_of_a_record_is_in_the_docs() -> None:
    named = set(re.findall(r"^\| `(\w+\.\w+)` \|", DOC.read_text(encoding="utf-8"), flags=re.MULTILINE))
    later = replace(GAVE, person="page-1", agreement="ahead-1", legal_basis="consent")
    record = content_of(*START, later)["record"]
    found = {f"{part}.{name}" for part in ("header", "context") for name in record[part]}
    for part in ("pii_processing", "party_identification", "event"):
        found |= {f"{part}.{name}" for each in record[part] for name in each}
    found |= {f"pii_information.{name}" for each in record["pii_processing"] for name in each["pii_information"][0]}
    assert found - named == set()


def test_every_standing_has_its_dpv_term() -> None:
    assert DPV_STATUS.keys() == set(Standing)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (with_record(jurisdiction=""), "pii_processing.jurisdiction"),
        (with_record(storage_location=""), "pii_processing.storage_locations"),
        (with_record(withdrawal_method=""), "pii_processing.withdrawal_method"),
        (with_record(record_id=""), "header.record_id"),
        (with_record(recipients=("",)), "pii_processing.recipient_third_parties"),
        (with_record(controllers=()), "party_identification.party_id"),
        (with_record(controllers=(replace(CONTROLLER, party_address=""),)), "party_identification.party_address"),
        (with_record(other_parties=(replace(CONTROLLER, party_name=""),)), "party_identification.party_name"),
    ],
)
def test_a_record_with_an_empty_mandatory_field_is_not_made(facts: ReceiptFacts, field: str) -> None:
    with pytest.raises(BadReceipt, match=re.escape(field)):
        made(*START, GAVE, facts=facts)


def test_each_mandatory_field_is_missed_when_it_is_gone() -> None:
    for part, names in MANDATORY.items():
        if part == "receipt":
            continue
        for name in names:
            record = content_of(*START, GAVE)["record"]
            holder = record["pii_processing"][0]["pii_information"] if part == "pii_information" else record[part]
            del (holder[0] if isinstance(holder, list) else holder)[name]
            assert empty_fields(record) == [f"{part}.{name}"]


def test_the_evidence_says_who_when_what_how_and_in_which_context() -> None:
    record = content_of(*START, GAVE)["record"]
    assert record["context"] == {
        "visit": "v",
        "meeting": "meeting-1",
        "platform": "practice",
        "host": "Ingrid",
        "bot_name": "onrecord (asks before recording)",
        "rule": "everyone",
        "began_at": "2026-11-22T15:00:00.000Z",
    }
    assert record["header"]["shown_as"] == "Ann"
    assert record["event"][2] == {
        "event_time": "2026-11-22T15:00:00.000Z",
        "meeting_ms": 2_000,
        "validity_duration": "until withdrawn",
        "entity_id": "ann",
        "event_type": "https://w3id.org/dpv#ExplicitlyExpressedConsent",
        "event_state": "https://w3id.org/dpv#ConsentGiven",
        "purpose": "recording",
        "act": "give",
        "counted": True,
        "shown_as": "Ann",
        "log_index": 7,
        "means": "chat",
        "message_id": "m2",
        "notice": {"id": "onrecord-notice", "version": "1", "language": "en", "sha256": sha("May I record? …\n")},
        "identity_level": 1,
        "matched_by": "platform seat",
        "verbatim": "record yes",
        "reader_version": "1",
    }
    assert [(event["act"], event["log_index"]) for event in record["event"]] == [("ask", 5)] * 2 + [("give", 7)] * 2


def test_a_text_is_named_for_each_purpose_by_the_answer_to_it() -> None:
    """The chat's text for the transcript, the page's for the recording; and both texts are in the receipt."""
    events = (*START, decided((Purpose.TRANSCRIPTION, Act.REFUSE)), asked(text=PAGE_NOTICE, means=Means.PAGE))
    content = content_of(*events, decided((Purpose.RECORDING, Act.GIVE), means=Means.PAGE, text=PAGE_NOTICE))
    named = {each["purposes"]: each["privacy_notice"]["sha256"] for each in content["record"]["pii_processing"]}
    assert named == {"recording": sha(PAGE_NOTICE), "transcription": sha("May I record? …\n")}
    assert [notice["text"] for notice in content["notices"]] == ["May I record? …\n", PAGE_NOTICE]


def test_after_a_restart_of_the_machine_the_place_in_the_meeting_is_not_guessed() -> None:
    events = (opened(), opened(2, at_ms=5, boot_id="b2", host="Omar"), joined(), asked(), replace(GAVE, boot_id="b2"))
    record = content_of(*events)["record"]
    assert [event["meeting_ms"] for event in record["event"]] == [1_000, 1_000, None, None]
    assert record["context"]["host"] == "Omar"


def test_a_yes_that_does_not_count_says_so_and_where_the_person_stands() -> None:
    refused = decided((Purpose.RECORDING, Act.REFUSE), at_ms=5_000, verbatim="record no")
    late = decided((Purpose.RECORDING, Act.GIVE), at_ms=4_000)
    content = content_of(*START, refused, late)
    assert [(event["act"], event["counted"]) for event in content["record"]["event"]][2:] == [
        ("refuse", True),
        ("give", False),
    ]
    assert content["record"]["pii_processing"][0]["standing"] == "refused"


def test_of_a_shared_seat_it_is_one_persons_record() -> None:
    mine, others = replace(GAVE, person="page-1"), replace(GAVE, person="page-2", at_ms=3_000)
    record = content_of(*START, mine)["record"]
    assert {each["standing"] for each in record["pii_processing"]} == {"given"}
    assert record["event"][2]["person"] == "page-1"
    for mixed in ((*START, mine, others), (*START, mine, GAVE), (*START, GAVE, mine)):
        with pytest.raises(BadReceipt, match="not this person's"):
            made(*mixed)


def test_a_legal_basis_that_was_declared_is_the_records() -> None:
    declared = replace(GAVE, legal_basis="legitimate_interests", agreement="ahead-1", means=Means.AHEAD)
    record = content_of(*START, declared)["record"]
    assert {each["lawful_basis"].rpartition("#")[2] for each in record["pii_processing"]} == {"A6-1-f"}
    assert record["event"][2]["agreement"] == "ahead-1"
    assert LAWFUL_BASIS.keys() == {basis.value for basis in LegalBasis}
    with pytest.raises(BadReceipt, match="lawful_basis"):
        made(*START, replace(GAVE, legal_basis="because"))


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((joined(), asked(), GAVE), "beginning of the meeting"),
        ((*START, decided((Purpose.RECORDING, Act.GIVE), seat=SeatId("ben"))), "not this person's"),
        ((*START, joined("Ben", seat=SeatId("ben"))), "not this person's"),
        ((*START, replace(GAVE, visit=VisitId("another"))), "another meeting"),
    ],
)
def test_what_is_not_of_this_person_and_meeting_is_refused(events: tuple[Event, ...], words: str) -> None:
    with pytest.raises(BadReceipt, match=words):
        tell(ANN, told(*events))
    with pytest.raises(BadReceipt, match="nothing of this person"):
        made(opened(), joined())
