"""Stories of how a stay ends, and what is said and kept then."""

from __future__ import annotations

import pytest

from bot.commands import CalledOff, Hear, HostStopped, LeaveRoom, OwnershipLost, PostLine, StorageFailed
from bot.ports import Admitted, Ended, LeftReason, StopPressed
from bot.presence import IllegalEvent, Presence
from consent_notice.notice import Say
from consent_notice.words import Rule, SeatId
from tests.simulators.visit import SimulatedVisit, in_a_room


def test_one_reminder_then_silence_and_the_same_leave_for_refused_and_unanswered() -> None:
    ends = []
    for answer in (None, "record no"):
        visit = in_a_room(Rule.EVERYONE, "b", "c")
        visit.say_yes("c")
        if answer:
            visit.chat("b", answer)
            visit.make_durable()
        while visit.session.presence is Presence.IN_ROOM:
            visit.later(1_000)
            visit.make_durable()
        reminders = [line for line in visit.ordered(PostLine) if line.line is Say.REMINDER]
        assert len(reminders) == (0 if answer else 1)
        said = [line.line for line in visit.ordered(PostLine) if line.to_seat is None]
        ends.append((visit.session.left_reason, visit.session.left_detail, visit.now_ms, said))
    assert ends[0] == ends[1]
    assert ends[0][0] is LeftReason.NOT_EVERYONE_AGREED


def test_a_host_stop_is_final_and_leaves() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    orders = visit.tell(HostStopped())
    assert visit.kept() == frozenset()
    assert [order.reason for order in orders if isinstance(order, LeaveRoom)] == [LeftReason.HOST_STOPPED]
    assert not visit.tell(HostStopped())


def test_what_is_called_off_in_the_calendar_is_left_and_nothing_more_kept() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    orders = visit.tell(CalledOff(detail="cancelled in the calendar"))
    assert visit.kept() == frozenset()
    assert [order.reason for order in orders if isinstance(order, LeaveRoom)] == [LeftReason.CALLED_OFF]
    assert visit.session.left_detail == "cancelled in the calendar"
    assert Say.GOODBYE in [order.line for order in orders if isinstance(order, PostLine)]
    assert not visit.tell(CalledOff(detail="again"))


def test_storage_failure_stops_keeping_tells_the_room_and_leaves() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    orders = visit.tell(StorageFailed(detail="the disk is full"))
    assert visit.kept() == frozenset()
    assert Say.STORAGE_FAILED in [order.line for order in orders if isinstance(order, PostLine)]
    assert visit.session.left_reason is LeftReason.STORAGE_FAILED


def test_another_bot_taking_over_says_nothing() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    orders = visit.tell(OwnershipLost())
    assert not [order for order in orders if isinstance(order, PostLine)]
    assert visit.session.left_reason is LeftReason.TAKEN_OVER


def test_the_bot_waits_for_the_first_person_until_the_end_and_then_leaves() -> None:
    visit = in_a_room()
    visit.later(60_000)
    assert visit.session.presence is Presence.IN_ROOM
    visit.now_ms = 3_600_000
    visit.later(0)
    assert visit.session.left_reason is LeftReason.EVERYONE_LEFT


def test_the_bot_leaves_some_seconds_after_everyone_has_left() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.leave("b")
    visit.later(9_000)
    assert visit.session.presence is Presence.IN_ROOM
    visit.later(2_000)
    assert visit.session.left_reason is LeftReason.EVERYONE_LEFT


def test_events_out_of_place_raise_and_change_nothing() -> None:
    visit = SimulatedVisit()
    with pytest.raises(IllegalEvent):
        visit.tell(Admitted(own_seat=SeatId("b" * 12), at_ms=1))
    assert visit.session.presence is Presence.SCHEDULED
    visit.enter()
    visit.tell(Ended(reason=LeftReason.REMOVED, detail="removed", at_ms=visit.now_ms))
    assert visit.session.left_reason is LeftReason.REMOVED
    assert visit.kept() == frozenset()


def test_a_stop_button_while_the_bot_leaves_orders_nobodys_sound() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.say_yes("b")
    visit.say_yes("c")
    visit.tell(HostStopped())
    orders = visit.tell(StopPressed(message_id="s1", seat=SeatId("b"), at_ms=visit.now_ms))
    assert [order.seats for order in orders if isinstance(order, Hear)] == [frozenset()]
