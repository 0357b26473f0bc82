"""A plan in storage's words: which room it is, and what was stored before rooms were told apart."""

from __future__ import annotations

from dataclasses import replace

from calendar_sync.orders import as_planned, order_of, orders_of
from tests.adapter.calendar_sync.conftest import POLICY, ROOM, Installation


async def test_a_meeting_that_was_stored_without_its_room_is_stored_once_more(here: Installation) -> None:
    calendar = await here.connect("x")
    by_hand = await here.store.meetings.add_by_hand(here.host.id, ROOM, "Talk", ends_at=None)
    order = replace(order_of(as_planned(by_hand), by_hand, POLICY.known_hosts), occurrence_key="k")
    assert order.room == "team-sync"
    await here.store.meetings.apply_plan(calendar.id, [order])
    (row,) = await here.store.meetings.of_calendar(calendar.id)
    for known, again in ((row, []), (replace(row, is_room_known=False), [order])):
        orders = orders_of([], {"k": known}, calendar, POLICY.known_hosts, has_new_terms=False)
        assert orders == again
