"""What a form means for the log."""

from __future__ import annotations

from typing import Any

from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel, Purpose, VisitId
from tests.unit.web.test_replay import ADA, YES, decided, joined, told
from web.answers import Sent, acts_of_no, acts_of_yes, entries_for, page_reference

BOTH = (Purpose.RECORDING, Purpose.TRANSCRIPTION)
NOTICE = Notice(id="n", version="1", language="en", spoken="", post="p", page="q", text_sha256="ab")


def sent(**changes: Any) -> Sent:
    fields: dict[str, Any] = {
        "visit": VisitId("v"),
        "epoch": 1,
        "page_id": "secret-page",
        "nonce": "n1",
        "notice": NOTICE,
        "boot_id": "b",
        "arrived_ms": 5_000,
    }
    return Sent(**{**fields, **changes})


def test_what_is_not_ticked_is_a_no() -> None:
    seat = told(joined(1_000)).seats[ADA]
    choices = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: False}
    assert acts_of_yes(seat, choices) == ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.REFUSE))


def test_a_no_to_what_was_given_takes_it_back() -> None:
    seat = told(joined(1_000), decided(2_000, *YES)).seats[ADA]
    assert acts_of_no(seat, BOTH) == ((Purpose.RECORDING, Act.WITHDRAW), (Purpose.TRANSCRIPTION, Act.WITHDRAW))
    choices = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: False}
    assert acts_of_yes(seat, choices)[1] == (Purpose.TRANSCRIPTION, Act.WITHDRAW)


def test_the_text_goes_in_before_the_answer_and_both_name_it() -> None:
    seat = told(joined(1_000)).seats[ADA]
    (shown, _), (answer, _) = entries_for(sent(), seat, YES, by_name=False)
    assert isinstance(shown, NoticeDelivered)
    assert isinstance(answer, Decided)
    assert shown.text_sha256 == answer.notice_sha256 == "ab"
    assert (answer.means, answer.identity_level, answer.at_ms) == (Means.PAGE, IdentityLevel.PAGE_BOUND_BY_CODE, 5_000)


def test_a_typed_name_proves_no_more_than_a_name() -> None:
    seat = told(joined(1_000)).seats[ADA]
    answer = entries_for(sent(), seat, acts_of_no(seat, BOTH), by_name=True)[1][0]
    assert isinstance(answer, Decided)
    assert answer.identity_level is IdentityLevel.DISPLAY_NAME


def test_a_form_sent_twice_is_one_answer_and_another_form_another() -> None:
    seat = told(joined(1_000)).seats[ADA]
    ids = [[event_id for _, event_id in entries_for(one, seat, YES, by_name=False)] for one in (
        sent(), sent(arrived_ms=9_999), sent(nonce="n2"), sent(page_id="other"), sent(visit=VisitId("w")),
    )]  # fmt: skip
    assert ids[0] == ids[1]
    assert ids[0][0] == ids[2][0]  # the text is noted once a page
    assert len({one[1] for one in ids}) == 4


def test_the_log_never_holds_the_secret_of_a_page() -> None:
    seat = told(joined(1_000)).seats[ADA]
    assert "secret-page" not in repr(entries_for(sent(), seat, YES, by_name=False))
    assert page_reference("secret-page") != page_reference("secret-pagf")
