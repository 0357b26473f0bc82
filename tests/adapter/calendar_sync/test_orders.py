"""A plan in storage's words: which room it is, and what was stored before rooms were told apart."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import update

from calendar_sync.orders import as_planned, name_rooms, order_of, orders_of
from storage.schema import meetings as tables
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


async def test_after_an_upgrade_what_was_sent_by_hand_and_what_runs_get_their_rooms(here: Installation) -> None:
    """And so one bot a room holds for them too."""
    meetings = here.store.meetings
    running, waiting = [await meetings.add_by_hand(here.host.id, ROOM, name, ends_at=None) for name in ("one", "two")]
    await here.store._database.write(lambda connection: connection.execute(update(tables).values(room_mark="")))
    assert await meetings.claim(running.id, "bot", 3_000, due_within_s=5) is not None
    assert waiting.id in [row.id for row in await meetings.due(here.clock.now(), 5)]
    assert await name_rooms(meetings, POLICY.known_hosts) == 2
    assert await meetings.due(here.clock.now(), 5) == []
    assert await name_rooms(meetings, POLICY.known_hosts) == 0
