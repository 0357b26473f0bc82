"""Answers that come another way than plain chat: changed messages, names alone, telephones, pages of several people."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from bot.commands import (
    AskPhone,
    CutBack,
    PageBound,
    PostLine,
    PostNotice,
)
from bot.ports import ChatDeleted, ChatEdited, ChatSaid, DigitsPressed
from consent_notice.decisions import Act
from consent_notice.events import Decided, HeadcountDeclared, Means, NoticeDelivered
from consent_notice.notice import Say
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId
from tests.simulators.visit import NO, SimulatedVisit, in_a_room

GIVE = ((Purpose.RECORDING, Act.GIVE),)
REFUSE = ((Purpose.RECORDING, Act.REFUSE),)


def lines_to(visit: SimulatedVisit, seat: str | None) -> list[Say]:
    return [order.line for order in visit.ordered(PostLine) if order.to_seat == seat]


def decided(visit: SimulatedVisit) -> list[Decided]:
    return [entry.event for entry in visit.log if isinstance(entry.event, Decided)]


# ---- changed messages --------------------------------------------------------------------------------------------


def yes_in_chat() -> tuple[SimulatedVisit, str]:
    visit = in_a_room(Rule.EACH_VOICE, "Ann", "Ben")
    visit.say_yes("Ann")
    return visit, decided(visit)[-1].message_id


@pytest.mark.parametrize("text", ["maybe", "record no", "yes if it is short", "", "stop"])
def test_a_yes_that_is_edited_into_anything_else_is_taken_back_at_once(text: str) -> None:
    visit, message = yes_in_chat()
    assert visit.kept() == {"Ann"}
    visit.tell(ChatEdited(message_id=message, seat=SeatId("Ann"), text=text, at_ms=visit.now_ms))
    assert visit.kept() == frozenset()


def test_a_yes_that_is_edited_in_its_spelling_alone_still_is_one() -> None:
    visit, message = yes_in_chat()
    visit.tell(ChatEdited(message_id=message, seat=SeatId("Ann"), text="Record yes!", at_ms=visit.now_ms))
    assert visit.kept() == {"Ann"}


def test_an_edit_never_opens() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "Ann", "Ben")
    visit.chat("Ann", "hello all")
    visit.tell(ChatEdited(message_id="m1.2", seat=SeatId("Ann"), text="record yes", at_ms=visit.now_ms))
    visit.make_durable()
    assert visit.kept() == frozenset()


def test_a_yes_that_is_deleted_is_taken_back_and_a_no_that_is_deleted_stays() -> None:
    visit, message = yes_in_chat()
    visit.tell(ChatDeleted(message_id=message, seat=SeatId("Ben"), at_ms=visit.now_ms))
    assert visit.kept() == {"Ann"}, "it is not Ben's"
    visit.tell(ChatDeleted(message_id=message, seat=SeatId("Ann"), at_ms=visit.now_ms))
    assert visit.kept() == frozenset()
    visit.chat("Ben", "record no")
    visit.make_durable()
    visit.tell(ChatDeleted(message_id=decided(visit)[-1].message_id, seat=SeatId("Ben"), at_ms=visit.now_ms))
    visit.make_durable()
    standings = [event for event in decided(visit) if event.seat == "Ben"]
    assert len(standings) == 1


def test_who_writes_under_the_id_of_anothers_yes_takes_nothing_of_it() -> None:
    for changed in (ChatDeleted, partial(ChatEdited, text="let me think")):
        visit, message = yes_in_chat()
        visit.tell(
            ChatSaid(
                message_id=message, seat=SeatId("Ben"), text="record yes", reply_to=None, to_bot_only=False,
                at_ms=visit.now_ms,
            )
        )  # fmt: skip
        visit.make_durable()
        assert visit.kept() == {"Ann", "Ben"}
        visit.tell(changed(message_id=message, seat=SeatId("Ann"), at_ms=visit.now_ms))
        assert visit.kept() == {"Ben"}


# ---- names alone -------------------------------------------------------------------------------------------------


def names_only(*names: tuple[str, str]) -> SimulatedVisit:
    visit = SimulatedVisit(rule=Rule.EACH_VOICE, changes={"names_only": True, "can_whisper": False})
    visit.enter()
    for seat, name in names:
        visit.join(seat, name)
    visit.later(10)
    return visit


def test_where_only_names_exist_two_of_one_name_are_sent_to_the_page_and_a_no_is_of_both() -> None:
    visit = names_only(("s1", "Kim"), ("s2", "kim"), ("s3", "Lee"))
    visit.say_yes("s1")
    assert visit.kept() == frozenset()
    assert lines_to(visit, "s1") == [Say.SAME_NAME]
    visit.say_yes("s3")
    assert visit.kept() == {"s3"}
    visit.chat("s2", "record no")
    visit.make_durable()
    assert {event.seat for event in decided(visit) if (Purpose.RECORDING, Act.REFUSE) in event.acts} == {"s1", "s2"}


def test_where_only_names_exist_a_yes_that_anybody_changed_is_taken_back() -> None:
    for changed in (ChatDeleted, partial(ChatEdited, text="let me think")):
        visit = names_only(("s1", "Kim"))
        visit.say_yes("s1")
        assert visit.kept() == {"s1"}
        message = decided(visit)[-1].message_id
        visit.tell(changed(message_id=message, seat=SeatId("s9"), at_ms=visit.now_ms))
        assert visit.kept() == frozenset()


def test_a_name_that_leaves_and_comes_back_must_answer_again() -> None:
    visit = names_only(("s1", "Kim"))
    visit.say_yes("s1")
    visit.leave("s1")
    visit.make_durable()
    visit.now_ms += 5_000
    visit.join("s1", "Kim")
    visit.later(10)
    assert visit.kept() == frozenset()
    assert len(visit.ordered(PostNotice)) == 2
    visit.say_yes("s1")
    assert visit.kept() == {"s1"}


def test_whoever_takes_another_name_where_only_names_exist_must_answer_again() -> None:
    visit = names_only(("s1", "Kim"))
    visit.say_yes("s1")
    visit.join("s1", "Robin")
    assert visit.kept() == frozenset()


def test_a_platform_id_keeps_its_answer_through_a_new_name_and_a_rejoin() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "Ann", "Ben")
    visit.say_yes("Ann")
    visit.join("Ann", "Annabel")
    assert visit.kept() == {"Ann"}
    visit.leave("Ann")
    visit.now_ms += 1_000
    visit.join("Ann", "Annabel")
    assert visit.kept() == {"Ann"}


# ---- telephones --------------------------------------------------------------------------------------------------


def on_the_phone(rule: Rule = Rule.EACH_VOICE) -> SimulatedVisit:
    visit = SimulatedVisit(rule=rule, changes={"hears_digits": True})
    visit.enter()
    visit.join("tel", "+48 22 ...", is_phone=True, level=IdentityLevel.SHARED_OR_ANONYMOUS)
    visit.join("Ann", "Ann")
    visit.later(10)
    return visit


def press(visit: SimulatedVisit, digits: str, seat: str = "tel") -> None:
    visit.tell(DigitsPressed(message_id=f"d{visit.now_ms}", seat=SeatId(seat), digits=digits, at_ms=visit.now_ms))
    visit.make_durable()


def test_a_telephone_is_asked_by_voice_and_answers_by_key() -> None:
    visit = on_the_phone()
    assert [order.seat for order in visit.ordered(AskPhone)] == ["tel"]
    assert "tel" not in next(order.seats for order in visit.ordered(PostNotice))
    visit.make_durable()
    told = [
        entry.event for entry in visit.log if isinstance(entry.event, NoticeDelivered) and entry.event.seat == "tel"
    ]
    assert [event.means for event in told] == [Means.PHONE]
    press(visit, "1")
    assert visit.kept() == {"tel"}
    visit.now_ms += 100
    press(visit, "2")
    assert visit.kept() == frozenset()


@pytest.mark.parametrize("digits", ["2", "0", "11", "*", "#"])
def test_any_other_key_says_no(digits: str) -> None:
    visit = on_the_phone()
    press(visit, "1")
    visit.now_ms += 100
    press(visit, digits)
    assert visit.kept() == frozenset()


def test_a_key_in_the_middle_of_the_question_can_say_no_and_not_yes() -> None:
    for digits, is_no in (("2", True), ("1", False)):
        visit = on_the_phone()
        visit.posts_notices = False
        visit.leave("tel")
        visit.join("tel", "+48 22 ...", is_phone=True, level=IdentityLevel.SHARED_OR_ANONYMOUS)
        visit.later(10)
        before = len(decided(visit))
        press(visit, digits)
        visit.make_durable()
        assert visit.kept() == frozenset()
        assert (len(decided(visit)) > before) is is_no


def test_keys_of_a_seat_that_is_no_telephone_say_nothing() -> None:
    visit = on_the_phone()
    press(visit, "1", seat="Ann")
    assert visit.kept() == frozenset()


def test_a_telephone_that_says_no_to_what_an_earlier_stay_asked_is_not_asked_again() -> None:
    first = on_the_phone()
    press(first, "1")
    visit = SimulatedVisit(
        rule=Rule.EACH_VOICE, epoch=2, earlier=tuple(first.log), changes={"hears_digits": True}, now_ms=9_000
    )
    visit.posts_notices = False
    visit.enter()
    visit.join("tel", "+48 22 ...", is_phone=True, level=IdentityLevel.SHARED_OR_ANONYMOUS)
    press(visit, "1")
    assert decided(visit)[-1].acts[0][1] is Act.RESET, "a yes needs a notice of this stay"
    press(visit, "2")
    assert decided(visit)[-1].means is Means.PHONE
    visit.posts_notices = True
    asked = len(visit.ordered(AskPhone))
    visit.later(10)
    assert len(visit.ordered(AskPhone)) == asked


def test_words_in_the_chat_are_no_yes_of_an_unresolved_telephone() -> None:
    visit = on_the_phone()
    visit.say_yes("tel")
    assert visit.kept() == frozenset()


def test_under_everyone_a_telephone_that_says_nothing_keeps_the_gate_shut() -> None:
    visit = on_the_phone(Rule.EVERYONE)
    visit.say_yes("Ann")
    assert visit.kept() == frozenset()
    press(visit, "1")
    assert visit.kept() == {"Ann", "tel"}


# ---- several people on one seat ----------------------------------------------------------------------------------


def bind(visit: SimulatedVisit, person: str, acts: tuple[tuple[Purpose, Act], ...], people: int = 3) -> None:
    visit.tell(
        PageBound(
            seat=SeatId("Room"),
            page=f"page-{person}",
            acts=acts,
            is_shared=True,
            is_known=False,
            at_ms=visit.now_ms,
            person=person,
            people=people,
        )
    )
    visit.make_durable()


@pytest.mark.parametrize("people", [[""], ["p1", "p2"]])
def test_a_page_is_not_kept_for_whoever_bears_the_name_next(people: list[str]) -> None:
    visit = names_only(("Room", "Kim"))
    for person in people:
        bind(visit, person, GIVE, people=len(people))
    assert visit.kept() == {"Room"}
    visit.leave("Room")
    visit.make_durable()
    visit.now_ms += 5_000
    visit.join("Room", "Kim")
    visit.later(10)
    assert visit.kept() == frozenset()


def test_three_people_on_one_seat_each_on_a_page_of_their_own() -> None:
    visit = in_a_room(Rule.EVERYONE, "Room", "Ann")
    visit.say_yes("Ann")
    visit.say_yes("Room")
    assert visit.kept() == {"Ann", "Room"}
    visit.now_ms += 100
    bind(visit, "p1", GIVE)
    assert visit.kept() == frozenset(), "three were told of, and one has agreed"
    visit.now_ms += 100
    bind(visit, "p2", GIVE)
    assert visit.kept() == frozenset()
    visit.now_ms += 100
    bind(visit, "p3", GIVE)
    assert visit.kept() == {"Ann", "Room"}
    assert {event.person for event in decided(visit) if event.seat == "Room"} == {"", "p1", "p2", "p3"}
    assert [entry.event.people for entry in visit.log if isinstance(entry.event, HeadcountDeclared)] == [3, 3, 3]


def test_one_of_them_says_no_and_later_yes() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "Room", "Ann")
    bind(visit, "p1", GIVE, people=2)
    visit.now_ms += 100
    bind(visit, "p2", REFUSE, people=2)
    assert visit.kept() == frozenset()
    visit.now_ms += 100
    event = decided(visit)[-1]
    visit.log_elsewhere(replace(event, acts=GIVE, message_id="again", at_ms=visit.now_ms))
    assert visit.kept() == {"Room"}
    visit.now_ms += 100
    visit.chat("Room", "stop")
    assert visit.kept() == frozenset(), "somebody at that seat said stop"


def test_a_no_from_elsewhere_cuts_back_what_is_on_disk() -> None:
    visit, _ = yes_in_chat()
    event = decided(visit)[-1]
    visit.log_elsewhere(replace(event, acts=NO, means=Means.PAGE, message_id="form", at_ms=visit.now_ms))
    assert visit.ordered(CutBack)[-1].seat == "Ann"
    assert visit.kept() == frozenset()
