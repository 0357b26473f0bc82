"""A bot that comes back asks again only whom it must; a stopping server says goodbye; a yes may overtake its notice."""

from __future__ import annotations

from bot.commands import LeaveRoom, NoticePosted, PostLine, PostNotice, ServerStops, SpeakNotice
from bot.ports import Joined
from bot.presence import Presence
from consent_notice.notice import Say
from consent_notice.words import IdentityLevel, Rule, SeatId, SeatKind
from tests.simulators.visit import SimulatedVisit


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
