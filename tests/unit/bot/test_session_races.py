"""Stories in which events come late, twice or in an awkward order; none of them may open what nobody opened."""

from __future__ import annotations

from dataclasses import replace

from bot.acts import says_no
from bot.commands import Append, CutBack, PostLine, PostNotice, Tick
from bot.ports import ChatSaid, Joined, StopPressed
from consent_notice.events import Decided, Means, NoticeDelivered, SeatJoined
from consent_notice.notice import Say
from consent_notice.words import IdentityLevel, Rule, SeatId, SeatKind
from tests.simulators.visit import NO, YES, SimulatedVisit, decided_on_a_page, in_a_room

THANKS_FOR_A_NO = {Say.THANKS_WITHDRAWN, Say.THANKS_REFUSED}


def join_dated(visit: SimulatedVisit, seat: str, at_ms: int) -> None:
    visit.tell(
        Joined(
            seat=SeatId(seat),
            name=seat,
            seat_kind=SeatKind.PERSON,
            identity_level=IdentityLevel.DISPLAY_NAME,
            at_ms=at_ms,
        )
    )


def back_after_a_crash(visit: SimulatedVisit, now_ms: int) -> SimulatedVisit:
    again = SimulatedVisit(rule=visit.rule, epoch=2, earlier=tuple(visit.log), now_ms=now_ms)
    again.enter()
    return again


def said_again(seat: str, text: str, message_id: str, at_ms: int) -> ChatSaid:
    return ChatSaid(message_id=message_id, seat=SeatId(seat), text=text, reply_to=None, to_bot_only=False, at_ms=at_ms)


def test_who_reloads_the_page_is_not_taken_for_absent_because_the_room_dates_joins_early() -> None:
    visit = in_a_room(Rule.EVERYONE, "b", "c")
    visit.now_ms += 1_000
    visit.say_yes("b")
    visit.leave("c")
    join_dated(visit, "c", visit.now_ms - 40)
    visit.later(1_000)
    assert visit.kept() == frozenset()
    joins = [order.event for order in visit.ordered(Append) if isinstance(order.event, SeatJoined)]
    assert joins[-1].at_ms == visit.now_ms - 1_000  # what is logged tells the same


def test_who_was_a_person_and_comes_back_as_a_bot_can_still_say_stop() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    visit.later(1_000)
    visit.leave("b")
    visit.later(1_000)
    visit.join("b", "b", SeatKind.BOT)
    visit.later(10)
    assert visit.kept() == {"b"}
    visit.chat("b", "stop")
    assert visit.kept() == frozenset()


def test_a_yes_that_a_no_overtook_does_not_come_back_after_a_crash() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.now_ms = 5_000
    visit.chat("b", "record no")
    visit.make_durable()
    visit.tell(decided_on_a_page(visit, "b", YES, at_ms=4_000))  # sent before the no, logged after it
    assert visit.kept() == frozenset()
    again = back_after_a_crash(visit, 9_000)
    again.join("b", "b")
    again.make_durable()
    assert again.kept() == frozenset()


def test_a_yes_that_was_sent_before_the_crash_and_logged_after_it_is_overtaken_too() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.now_ms = 5_000
    visit.chat("b", "record no")
    visit.make_durable()
    again = back_after_a_crash(visit, 9_000)
    again.join("b", "b")
    again.make_durable()
    again.tell(decided_on_a_page(again, "b", YES, at_ms=4_000))
    assert again.kept() == frozenset()
    again.tell(decided_on_a_page(again, "b", YES, at_ms=8_990))  # while the bot was on its way back
    assert again.kept() == {"b"}


def test_a_yes_in_the_room_that_was_said_again_on_a_page_holds_after_a_crash() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    visit.tell(decided_on_a_page(visit, "b", YES, at_ms=visit.now_ms + 10))
    again = back_after_a_crash(visit, 9_000)
    again.join("b", "b")
    again.make_durable()
    assert again.kept() == {"b"}


def test_nobody_is_thanked_for_a_no_before_it_is_durable() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.say_yes("b")
    visit.later(1_000)
    visit.chat("b", "stop")
    visit.chat("c", "record no")
    visit.tell(StopPressed(message_id="s1", seat=SeatId("c"), at_ms=visit.now_ms))
    assert not THANKS_FOR_A_NO & {line.line for line in visit.ordered(PostLine)}
    visit.make_durable()
    thanked = [(line.line, line.to_seat) for line in visit.ordered(PostLine) if line.line in THANKS_FOR_A_NO]
    assert thanked == [(Say.THANKS_WITHDRAWN, "b"), (Say.THANKS_REFUSED, "c"), (Say.THANKS_WITHDRAWN, "c")]


def test_a_stop_that_the_room_tells_again_after_a_crash_keeps_no_later_yes_from_counting() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    visit.later(100)
    visit.tell(StopPressed(message_id="s1", seat=SeatId("b"), at_ms=visit.now_ms))
    visit.make_durable()
    again = back_after_a_crash(visit, 9_000)
    again.join("b", "b")
    again.tell(StopPressed(message_id="s1", seat=SeatId("b"), at_ms=again.now_ms))
    again.make_durable()
    for _ in range(2):  # the first asks for a notice, which who said no is not sent unasked
        again.later(1_000)
        again.chat("b", "record yes")
    again.make_durable()
    assert again.kept() == {"b"}


def test_a_reminder_never_stands_in_the_way_of_a_yes() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.say_yes("c")
    visit.now_ms += 90_500
    visit.chat("b", "record yes")  # on its way to the log when the reminder is due
    visit.tell(Tick())
    visit.make_durable()
    assert visit.kept() == {"b", "c"}


def test_whoever_is_reminded_twice_can_still_agree() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.say_yes("c")
    visit.later(91_000)
    visit.leave("b")
    visit.later(1_000)
    visit.join("b", "b")
    visit.later(91_000)
    visit.make_durable()
    visit.say_yes("b")
    assert visit.kept() == {"b", "c"}


def test_a_seat_whose_yes_must_be_said_again_is_not_asked_where_one_of_its_people_refused() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "hall", "b")
    visit.say_yes("hall")
    said = visit.log[-1].event
    assert isinstance(said, Decided)
    said = replace(said, means=Means.PAGE)
    for number, acts in enumerate((YES, NO)):
        at_ms = visit.now_ms + number
        visit.log_elsewhere(replace(said, acts=acts, person=f"p{number}", message_id=f"form{number}", at_ms=at_ms))
    again = back_after_a_crash(visit, 9_000)
    again.join("hall", "hall")
    again.join("b", "b")
    again.make_durable()
    again.later(1_000)
    asked = [seat for order in again.ordered(PostNotice) for seat in order.seats]
    assert asked == ["b"]


def test_a_yes_that_was_changed_into_a_no_while_the_bot_was_away_is_a_no() -> None:
    """The room tells the message again under its old id, which the log knows as a yes; on a page the person agreed."""
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    message_id = next(e.event.message_id for e in visit.log if isinstance(e.event, Decided))
    visit.tell(decided_on_a_page(visit, "b", YES, at_ms=visit.now_ms + 10))
    again = back_after_a_crash(visit, 9_000)
    again.join("b", "b")
    again.make_durable()
    assert again.kept() == {"b"}
    again.tell(said_again("b", "record no", message_id, at_ms=again.now_ms - 10))
    again.make_durable()
    assert again.kept() == frozenset()
    assert [says_no(e.event.acts) for e in again.log if isinstance(e.event, Decided)][-1], "and the log holds it"


def test_what_became_a_yes_by_a_change_before_it_was_told_is_none() -> None:
    for was_changed in (True, False):
        visit = in_a_room(Rule.EACH_VOICE, "b")
        visit.later(100)
        visit.tell(replace(said_again("b", "record yes", "m77", at_ms=visit.now_ms), was_changed=was_changed))
        visit.make_durable()
        assert (visit.kept() == {"b"}) is not was_changed


def test_a_no_that_was_changed_into_another_after_a_later_yes_is_the_last_word() -> None:
    """While the bot was away: the log knows the message as a no, from before the yes on the page."""
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.tell(said_again("b", "record no", "m1", at_ms=visit.now_ms))
    visit.make_durable()
    visit.now_ms += 100
    visit.tell(decided_on_a_page(visit, "b", YES, at_ms=visit.now_ms))
    assert visit.kept() == {"b"}
    for told_ms, kept in ((visit.now_ms - 100, {"b"}), (9_050, set())):
        again = back_after_a_crash(visit, 9_100)
        again.join("b", "b")
        again.tell(said_again("b", "stop", "m1", at_ms=told_ms))
        again.make_durable()
        assert again.kept() == kept, "told again as it was, it takes back nothing that was said since"


def test_a_yes_to_the_notice_of_an_earlier_stay_counts_once_this_ones_notice_is_there() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.make_durable()
    old = next(e.event.message_id for e in visit.log if isinstance(e.event, NoticeDelivered))
    again = back_after_a_crash(visit, 9_000)
    again.join("b", "b")
    again.tell(replace(said_again("b", "yes", "m99", at_ms=again.now_ms), reply_to=old))
    assert again.kept() == frozenset()
    again.later(1_000)
    again.make_durable()
    assert again.kept() == {"b"}


def test_a_no_on_a_page_under_a_name_that_somebody_else_may_bear_by_now_is_a_no_of_both() -> None:
    visit = SimulatedVisit(rule=Rule.EACH_VOICE, changes={"names_only": True})
    visit.enter()
    visit.join("Ben-1", "Ben")
    visit.join("c", "c")
    visit.later(100)
    visit.say_yes("Ben-1")
    visit.leave("Ben-1")
    visit.join("Ben-0", "Ben")
    visit.later(100)
    visit.say_yes("Ben-0")
    assert visit.kept() == {"Ben-0"}
    visit.now_ms += 10
    visit.tell(decided_on_a_page(visit, "Ben-1", NO, at_ms=visit.now_ms))
    assert visit.kept() == frozenset()


def test_a_yes_in_the_chat_from_a_seat_that_answered_as_several_asks_nobody_again() -> None:
    """Before anybody told how many they are: one of them refused on a page, another writes."""
    visit = in_a_room(Rule.EACH_VOICE, "hall", "b")
    visit.say_yes("b")
    said = next(e.event for e in visit.log if isinstance(e.event, Decided))
    refused = replace(said, seat=SeatId("hall"), acts=NO, means=Means.PAGE, person="p1", message_id="form")
    visit.log_elsewhere(refused)
    asked = len(visit.ordered(PostNotice))
    visit.now_ms += 100
    visit.leave("hall")
    visit.join("hall", "hall")
    visit.chat("hall", "record yes")
    visit.later(100)
    assert len(visit.ordered(PostNotice)) == asked
    assert visit.ordered(PostLine)[-1].line is Say.CANNOT_RECORD_SEAT


def test_who_was_taken_for_another_bot_was_a_person_from_the_first() -> None:
    """What the others said beside them goes from disk at once, and not only when the books are closed."""
    visit = SimulatedVisit(rule=Rule.EVERYONE, changes={"known_bots": ("Notes by Fireflies",)})
    visit.enter()
    for name in ("Ann", "Notes by Fireflies"):
        visit.join(name, name)
    came_ms = visit.now_ms
    visit.later(10)
    visit.make_durable()
    visit.say_yes("Ann")
    assert visit.kept() == {"Ann"}
    visit.later(5_000)
    visit.join("Notes by Fireflies", "Bob")
    assert visit.kept() == frozenset()
    assert visit.ordered(CutBack)[-1].after_ms == came_ms
