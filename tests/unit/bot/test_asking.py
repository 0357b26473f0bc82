"""A bot that comes back asks again only whom it must; a stopping server says goodbye; a yes may overtake its notice."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from bot.commands import LeaveRoom, NoticePosted, PostLine, PostNotice, ServerStops, SpeakNotice
from bot.ports import ChatSaid, Hears, Joined
from bot.presence import Presence
from consent_notice.notice import Say
from consent_notice.words import IdentityLevel, Rule, SeatId, SeatKind
from tests.simulators.visit import NO, SimulatedVisit, decided_on_a_page


def came_back(first: SimulatedVisit, *seats: str) -> SimulatedVisit:
    second = SimulatedVisit(rule=first.rule, epoch=2, earlier=tuple(first.log), now_ms=first.now_ms + 4_000)
    second.enter()
    for seat in seats:
        second.join(seat, seat)
    second.make_durable()
    return second


def a_meeting(*seats: str) -> SimulatedVisit:
    visit = SimulatedVisit(rule=Rule.EACH_VOICE)
    visit.enter()
    for seat in seats:
        visit.join(seat, seat)
    visit.make_durable()
    return visit


def test_nothing_is_asked_of_all_when_the_bot_comes_back() -> None:
    first = a_meeting("b", "c", "d")
    first.say_yes("b")
    first.chat("c", "record no")
    first.make_durable()
    second = came_back(first, "b", "c", "d")
    assert {order.to_seat for order in second.ordered(PostNotice)} == {"b", "d"}
    assert [order.to_seat for order in second.ordered(PostLine) if order.line is Say.AWAY] == ["b", "d"]
    assert not second.ordered(SpeakNotice)


def test_each_is_told_once_that_the_bot_was_away_and_newcomers_are_not() -> None:
    first = a_meeting("b")
    first.say_yes("b")
    second = came_back(first, "b", "e")
    second.leave("b")
    second.now_ms += 60_000
    second.tell(
        Joined(
            seat=SeatId("b"),
            name="b",
            seat_kind=SeatKind.PERSON,
            identity_level=IdentityLevel.DISPLAY_NAME,
            at_ms=second.now_ms,
        )
    )
    assert [order.to_seat for order in second.ordered(PostLine) if order.line is Say.AWAY] == ["b"]
    assert [order.to_seat for order in second.ordered(PostNotice)] == ["b", "e", "b"]


def test_a_bot_that_had_asked_nobody_yet_asks_all_together() -> None:
    first = SimulatedVisit(rule=Rule.EACH_VOICE)
    first.enter()
    first.make_durable()
    second = came_back(first, "b")
    assert [order.to_seat for order in second.ordered(PostNotice)] == [None]
    assert len(second.ordered(SpeakNotice)) == 1
    assert Say.AWAY not in [order.line for order in second.ordered(PostLine)]


def test_a_stopping_server_shuts_says_goodbye_and_leaves() -> None:
    visit = a_meeting("b")
    visit.say_yes("b")
    orders = visit.tell(ServerStops())
    assert visit.kept() == frozenset()
    assert visit.session.presence is Presence.LEAVING
    assert [order.line for order in orders if isinstance(order, PostLine)] == [Say.GOODBYE]
    assert any(isinstance(order, LeaveRoom) for order in orders)


def asked_but_not_yet_told_so() -> SimulatedVisit:
    visit = SimulatedVisit(rule=Rule.EACH_VOICE, posts_notices=False)
    visit.enter()
    visit.join("b", "b")
    return visit


def test_a_reply_to_the_notice_counts_though_the_bot_hears_of_it_before_its_own_notice() -> None:
    visit = asked_but_not_yet_told_so()
    visit.chat("b", "record yes", reply_to="n1")
    visit.now_ms += 5
    visit.tell(NoticePosted(message_id="n1", seats=frozenset({SeatId("b")})))
    assert visit.kept() == frozenset()
    visit.now_ms += 5
    visit.make_durable()
    assert visit.kept() == {"b"}


def test_a_yes_before_the_notice_is_no_yes_and_its_sender_is_told_so() -> None:
    visit = asked_but_not_yet_told_so()
    visit.chat("b", "record yes")
    visit.now_ms += 5
    orders = visit.tell(NoticePosted(message_id="n1", seats=frozenset({SeatId("b")})))
    visit.make_durable()
    assert visit.kept() == frozenset()
    assert [(order.line, order.to_seat) for order in orders if isinstance(order, PostLine)] == [(Say.UNCLEAR, "b")]


def test_a_no_after_the_overtaking_yes_is_the_last_word() -> None:
    visit = asked_but_not_yet_told_so()
    visit.chat("b", "record yes", reply_to="n1")
    visit.chat("b", "record no")
    visit.now_ms += 5
    visit.tell(NoticePosted(message_id="n1", seats=frozenset({SeatId("b")})))
    visit.now_ms += 5
    visit.make_durable()
    assert visit.kept() == frozenset()


def test_a_no_on_a_page_between_the_overtaking_yes_and_its_notice_is_the_last_word() -> None:
    """The page's no is told only afterwards, with the time at which it was said."""
    visit = asked_but_not_yet_told_so()
    visit.chat("b", "record yes", reply_to="n1")
    refused_ms = visit.now_ms + 2
    visit.now_ms += 5
    visit.tell(NoticePosted(message_id="n1", seats=frozenset({SeatId("b")})))
    visit.tell(decided_on_a_page(visit, "b", NO, at_ms=refused_ms))
    visit.now_ms += 5
    visit.make_durable()
    assert visit.kept() == frozenset()


def test_a_yes_of_an_earlier_stay_is_none_of_this_one_whatever_it_replies_to() -> None:
    visit = asked_but_not_yet_told_so()
    visit.later(2_000)
    said_ms = visit.now_ms
    visit.now_ms += 100
    visit.leave("b")
    visit.now_ms += 100
    visit.join("b", "b")
    visit.later(10)
    reply = ChatSaid(
        message_id="m", seat=SeatId("b"), text="record yes", reply_to="n1", to_bot_only=False, at_ms=said_ms
    )
    visit.tell(NoticePosted(message_id="n1", seats=frozenset()))
    visit.tell(reply)
    visit.tell(NoticePosted(message_id="n2", seats=frozenset({SeatId("b")})))
    visit.now_ms += 5
    visit.make_durable()
    assert visit.kept() == frozenset()


def test_who_was_away_when_the_notice_was_posted_has_not_read_it() -> None:
    visit = asked_but_not_yet_told_so()
    visit.later(2_000)
    ordered = visit.ordered(PostNotice)[-1]
    visit.leave("b")
    visit.join("b", "b")
    visit.tell(NoticePosted(message_id="n1", seats=ordered.seats, stays=ordered.stays))
    visit.now_ms += 5
    visit.say_yes("b")
    assert visit.kept() == frozenset()


# ---- large meetings, other bots --------------------------------------------------------------------------------


def all_hands(people: int, **changes: Any) -> SimulatedVisit:
    visit = SimulatedVisit(rule=Rule.PRESENTERS, changes={"can_whisper": False, **changes})
    visit.enter()
    for number in range(people):
        visit.join(f"s{number}", f"Person {number}")
    visit.later(10)
    return visit


def test_a_large_meeting_is_asked_at_most_once_in_two_minutes_and_within_the_budget() -> None:
    visit = all_hands(5)
    asks: list[int] = [visit.now_ms]
    visit.say_yes("s0")
    for number in range(5, 80):
        visit.join(f"s{number}", f"Person {number}")
        if any(isinstance(order, PostNotice) for order in visit.later(15_000)):
            asks.append(visit.now_ms)
    gaps = [later - earlier for earlier, later in pairwise(asks)]
    assert len(asks) >= 4
    assert min(gaps) >= 120_000
    public = [order for order in visit.orders if isinstance(order, PostNotice | PostLine) and order.to_seat is None]
    minutes = (visit.now_ms - asks[0]) / 60_000
    assert len(public) <= 3 + minutes / 5
    asked = frozenset().union(*(order.seats for order in visit.ordered(PostNotice)))
    assert len(asked) >= 60, "whoever came is asked with the next batch"


def test_a_newcomer_of_a_large_meeting_can_agree_before_the_next_ask() -> None:
    visit = all_hands(3)
    visit.join("late", "Late")
    visit.chat("late", "record yes")
    visit.make_durable()
    assert visit.ordered(PostNotice)[-1].seats == {"late"}
    visit.say_yes("late")
    assert visit.kept() == {"late"}


def test_each_other_bot_is_told_of_once_and_is_no_voice() -> None:
    visit = SimulatedVisit(rule=Rule.EVERYONE, changes={"known_bots": ("Notes Helper",)})
    visit.enter()
    visit.join("nb", "notes helper")
    visit.join("gb", "Guest bot", SeatKind.BOT)
    visit.join("b", "b")
    visit.later(10)
    told = [order for order in visit.ordered(PostLine) if order.line is Say.OTHER_BOTS]
    assert [order.names for order in told] == ["Guest bot, notes helper"]
    visit.say_yes("b")
    assert visit.kept() == {"b"}, "it needs nobody's yes, and nothing of it is kept"
    visit.leave("nb")
    visit.join("nb", "notes helper")
    visit.later(10)
    assert len([order for order in visit.ordered(PostLine) if order.line is Say.OTHER_BOTS]) == 1


def test_a_name_makes_no_bot_of_a_person_where_all_sound_is_one_mix() -> None:
    visit = SimulatedVisit(rule=Rule.EVERYONE, changes={"known_bots": ("Notes Helper",), "hears": Hears.MIXED})
    visit.enter()
    visit.join("nb", "Notes Helper")
    visit.join("b", "b")
    visit.later(10)
    visit.say_yes("b")
    assert visit.kept() == frozenset()


def test_who_was_a_person_once_is_made_no_bot_by_a_new_name() -> None:
    visit = SimulatedVisit(rule=Rule.EVERYONE, changes={"known_bots": ("Notes Helper",)})
    visit.enter()
    for seat in ("a", "b"):
        visit.join(seat, seat)
    visit.join("a", "Notes Helper")
    visit.later(10)
    visit.say_yes("b")
    assert visit.kept() == frozenset()
