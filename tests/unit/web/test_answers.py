"""What a form means for the log."""

from __future__ import annotations

from typing import Any

from bot.entries import Entries
from bot.facts import NoticeRef
from consent_notice.decisions import Act
from consent_notice.events import Decided, HeadcountDeclared, Means, NoticeDelivered
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel, Purpose, VisitId
from storage.pages import page_reference
from tests.unit.web.test_replay import ADA, YES, decided, joined, told
from web.answers import BY_CODE, BY_NAME, Sent, acts_of_no, acts_of_yes, entries_for, headcount_for

BOTH = (Purpose.RECORDING, Purpose.TRANSCRIPTION)
NOTICE = Notice(id="n", version="1", language="en", spoken="", post="p", page="q", text_sha256="ab")


def sent(**changes: Any) -> Sent:
    fields: dict[str, Any] = {
        "visit": VisitId("v"),
        "epoch": 1,
        "page": page_reference("secret-page"),
        "code": "7KQX2",
        "nonce": "n1",
        "notice": NOTICE,
        "boot_id": "b",
        "arrived_ms": 5_000,
    }
    return Sent(**{**fields, **changes})


def test_what_is_not_ticked_is_a_no() -> None:
    voice = told(joined(1_000)).seats[ADA].voice("")
    choices = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: False}
    assert acts_of_yes(voice, choices, BY_CODE.level) == (
        (Purpose.RECORDING, Act.GIVE),
        (Purpose.TRANSCRIPTION, Act.REFUSE),
    )


def test_a_no_to_what_was_given_takes_it_back() -> None:
    voice = told(joined(1_000), decided(2_000, *YES)).seats[ADA].voice("")
    assert acts_of_no(voice, BOTH) == ((Purpose.RECORDING, Act.WITHDRAW), (Purpose.TRANSCRIPTION, Act.WITHDRAW))
    choices = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: False}
    assert acts_of_yes(voice, choices, BY_CODE.level)[1] == (Purpose.TRANSCRIPTION, Act.WITHDRAW)


def test_the_text_goes_in_before_the_answer_and_both_name_it() -> None:
    voice = told(joined(1_000)).seats[ADA].voice("")
    (shown, _), (answer, _) = entries_for(sent(), voice, YES, BY_CODE)
    assert isinstance(shown, NoticeDelivered)
    assert isinstance(answer, Decided)
    assert shown.text_sha256 == answer.notice_sha256 == "ab"
    assert (answer.means, answer.identity_level, answer.at_ms) == (Means.PAGE, IdentityLevel.PAGE_BOUND_BY_CODE, 5_000)


def test_a_typed_name_proves_no_more_than_a_name() -> None:
    voice = told(joined(1_000)).seats[ADA].voice("")
    answer = entries_for(sent(), voice, acts_of_no(voice, BOTH), BY_NAME)[1][0]
    assert isinstance(answer, Decided)
    assert answer.identity_level is IdentityLevel.DISPLAY_NAME


def test_a_form_sent_twice_is_one_answer_and_another_form_another() -> None:
    voice = told(joined(1_000)).seats[ADA].voice("")
    ids = [[event_id for _, event_id in entries_for(one, voice, YES, BY_CODE)] for one in (
        sent(), sent(arrived_ms=9_999), sent(nonce="n2"), sent(page="other"), sent(visit=VisitId("w")),
    )]  # fmt: skip
    assert ids[0] == ids[1]
    assert ids[0][0] == ids[2][0]  # the text is noted once a page
    assert len({one[1] for one in ids}) == 4


def test_who_shares_a_seat_answers_as_one_of_them() -> None:
    seat = told(joined(1_000), decided(2_000, *YES)).seats[ADA]
    answer, own_id = entries_for(sent(), seat.voice("p"), YES, BY_CODE)[1]
    assert isinstance(answer, Decided)
    assert answer.person == "p"
    assert own_id != entries_for(sent(), seat.voice(""), YES, BY_CODE)[1][1]
    assert acts_of_no(seat.voice("p"), BOTH)[0] == (Purpose.RECORDING, Act.REFUSE)  # this person had given nothing


def test_a_headcount_is_one_entry_whoever_logs_it_first() -> None:
    declared, own_id = headcount_for(sent(), ADA, 3)
    assert isinstance(declared, HeadcountDeclared)
    assert (declared.people, declared.at_ms) == (3, 5_000)
    bots = Entries(
        visit=VisitId("v"),
        epoch=1,
        boot_id="b",
        notice=NoticeRef(notice="n", version="1", language="en", text_sha256="ab"),
    )
    assert own_id == bots.headcount(ADA, 3, "7KQX2", 9_999).event_id


def test_a_yes_that_needs_to_know_the_person_better_is_not_written() -> None:
    voice = told(joined(1_000)).seats[ADA].voice("")
    choices = {Purpose.RECORDING: True, Purpose.AI_NOTES: True, Purpose.INSIGHTS: True}
    assert [purpose for purpose, _ in acts_of_yes(voice, choices, BY_CODE.level)] == [
        Purpose.RECORDING,
        Purpose.AI_NOTES,
    ]
    assert acts_of_yes(voice, choices, BY_NAME.level) == ((Purpose.RECORDING, Act.GIVE),)
    refusing = dict.fromkeys(choices, False)
    assert len(acts_of_yes(voice, refusing, BY_NAME.level)) == 3  # a no needs no level
