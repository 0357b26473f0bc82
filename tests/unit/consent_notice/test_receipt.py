"""A receipt checks offline, and fails with any byte changed, or when it says what its log does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Means
from consent_notice.receipt import check_receipt
from consent_notice.record import DPV_STATUS, BadReceipt
from consent_notice.words import Purpose, Standing
from storage.vault import verify_signature
from tests.simulators.receipts import (
    ANN,
    FACTS,
    GAVE,
    KEY,
    OTHER_KEY,
    START,
    WITHDREW,
    decided,
    forgeries,
    in_other_forms,
    made,
    reproven,
    resealed,
)

RECEIPT = made(*START, GAVE)


def test_a_receipt_holds_and_says_where_the_person_stands() -> None:
    checked = check_receipt(RECEIPT, KEY, verify_signature)
    assert checked.seat == ANN
    assert dict(checked.standings) == {Purpose.RECORDING: Standing.GIVEN, Purpose.TRANSCRIPTION: Standing.GIVEN}
    assert (checked.entries, checked.checkpoint.size) == ((1, 3, 5, 7), 8)
    states = [event["event_state"].rpartition("#")[2] for event in checked.record["event"]]
    assert states == ["ConsentRequested", "ConsentRequested", "ConsentGiven", "ConsentGiven"]


def test_after_a_withdrawal_the_receipt_tells_all_of_it() -> None:
    reset = decided((Purpose.RECORDING, Act.RESET), means=Means.SYSTEM)
    checked = check_receipt(made(*START, GAVE, reset, GAVE, WITHDREW), KEY, verify_signature)
    assert dict(checked.standings) == {Purpose.RECORDING: Standing.WITHDRAWN, Purpose.TRANSCRIPTION: Standing.WITHDRAWN}
    by_whom = [event["entity_id"] for event in checked.record["event"]]
    assert by_whom == ["onrecord", "onrecord", "ann", "ann", "onrecord", "ann", "ann", "ann", "ann"]


def test_nobody_can_give_for_somebody_else() -> None:
    by_host = decided((Purpose.RECORDING, Act.GIVE), means=Means.HOST)
    standings = dict(check_receipt(made(*START, by_host), KEY, verify_signature).standings)
    assert standings[Purpose.RECORDING] is Standing.REQUESTED


def test_what_is_no_receipt_does_not_pass() -> None:
    for other in (b"", b"{}", b"[]", RECEIPT[:-1], RECEIPT + b" ", RECEIPT.replace(b"receipt/2", b"receipt/3")):
        with pytest.raises(BadReceipt):
            check_receipt(other, KEY, verify_signature)


def change_verbatim(content: Any) -> None:
    content["proof"]["entries"][3]["body"]["verbatim"] = "sound only"


def change_event(content: Any) -> None:
    content["record"]["event"][2]["event_state"] = DPV_STATUS[Standing.REFUSED]


def change_who(content: Any) -> None:
    content["record"]["event"][2]["matched_by"] = "platform account"


def change_status(content: Any) -> None:
    content["record"]["pii_processing"][0]["consent_status"] = DPV_STATUS[Standing.REFUSED]


def change_purposes(content: Any) -> None:
    del content["record"]["pii_processing"][1]


def change_host(content: Any) -> None:
    content["record"]["context"]["host"] = "Somebody else"


def change_name(content: Any) -> None:
    content["record"]["header"]["shown_as"] = "Ben"


def change_leaf(content: Any) -> None:
    content["proof"]["entries"][3]["leaf"] = content["proof"]["entries"][3]["leaf"].replace("15:00", "16:00")


def change_index(content: Any) -> None:
    content["proof"]["entries"][3]["index"] = 6


def change_salt(content: Any) -> None:
    content["proof"]["entries"][3]["salt"] = "00" * 32


def change_seat(content: Any) -> None:
    content["record"]["header"]["pii_principal_id"] = "ben"


def change_notice(content: Any) -> None:
    content["notices"][0]["text"] = "May I sell it?"


def drop_notice(content: Any) -> None:
    content["notices"] = []


def change_key(content: Any) -> None:
    content["receipt"]["key"] = content["receipt"]["key"].replace("sha256:", "sha256:0")


def empty_a_field(content: Any) -> None:
    content["record"]["pii_processing"][0]["retention_period"] = ""


def lose_the_proof(content: Any) -> None:
    del content["proof"]


def of_another_kind(content: Any) -> None:
    content["record"] = [content["record"]]


def test_the_unchanged_content_sealed_again_is_the_same_receipt() -> None:
    assert resealed(RECEIPT, lambda content: None) == RECEIPT


# What somebody with the signing key would change, and what is then said not to hold.
CHANGES: list[tuple[Any, str]] = [
    (change_verbatim, "entry 7 is not what the log holds"),
    (change_event, "its events"),
    (change_who, "its events"),
    (change_status, "where the person stands"),
    (change_purposes, "its purposes"),
    (change_host, "who, where or when"),
    (change_name, "who, where or when"),
    (change_leaf, "entry 7 is not in the log"),
    (change_index, "entry 6 is not in the log"),
    (change_salt, "entry 7 is not what the log holds"),
    (change_seat, "not this person's"),
    (change_notice, "its notice is not the one"),
    (drop_notice, "its texts"),
    (change_key, "another key"),
    (empty_a_field, "mandatory field"),
    (lose_the_proof, "missing"),
    (of_another_kind, "missing or of another kind"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_even_the_server_cannot_state_what_its_log_does_not_hold(change: Any, words: str) -> None:
    with pytest.raises(BadReceipt, match=words):
        check_receipt(resealed(RECEIPT, change), KEY, verify_signature)


def test_entries_in_another_order_twice_or_left_out_do_not_hold() -> None:
    """A no that is told before the yes that it followed would read as a yes."""
    receipt = made(*START, GAVE, WITHDREW)
    for entries in (
        reproven(receipt, lambda entries: [*entries[:3], entries[4], entries[3]]),
        reproven(receipt, lambda entries: [*entries, entries[-1]]),
        reproven(receipt, lambda entries: entries[:-1]),
        reproven(receipt, lambda entries: entries[1:]),
        reproven(receipt, lambda entries: []),
    ):
        with pytest.raises(BadReceipt):
            check_receipt(entries, KEY, verify_signature)


@pytest.mark.parametrize("forgery", forgeries())
def test_what_is_at_one_with_itself_but_not_with_the_log_or_the_key_does_not_hold(forgery: str) -> None:
    receipt, words = forgeries()[forgery]
    with pytest.raises(BadReceipt, match=words):
        check_receipt(receipt, KEY, verify_signature)


def test_the_same_data_in_another_form_does_not_hold() -> None:
    for form in in_other_forms(RECEIPT):
        with pytest.raises(BadReceipt, match="changed, or is no receipt"):
            check_receipt(form, KEY, verify_signature)


def test_another_key_is_refused() -> None:
    with pytest.raises(BadReceipt):
        check_receipt(RECEIPT, OTHER_KEY, verify_signature)


def test_without_a_text_that_was_answered_there_is_none() -> None:
    with pytest.raises(BadReceipt, match="no longer there"):
        made(*START, decided((Purpose.RECORDING, Act.GIVE), text="Something else"), facts=FACTS)
