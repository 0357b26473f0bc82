"""What a calendar or its host changes late reaches the bot: before it joins, while it is there, while it is dead."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.ports import LeftReason
from consent_notice.words import CalendarId, Rule
from storage.meetings import Cancelled, MeetingRow, MeetingState, PlannedMeeting
from tests.adapter.bot.conftest import BotAtWork, until
from tests.adapter.bot.test_dispatch import dispatching, state_of, until_state


@dataclass(frozen=True, kw_only=True)
class Planned:
    calendar: CalendarId
    terms: PlannedMeeting
    meeting: MeetingRow


async def plan(at_work: BotAtWork) -> Planned:
    store = at_work.store
    host = await store.users.create(email="host@example.org", name="Host", role="host", password_hash="-")
    calendar = await store.calendars.add(
        host_id=host.id, provider="ics", title="Work", address="x", rule=Rule.EACH_VOICE, language="en"
    )
    await store.calendars.set_enabled(calendar.id, True)
    begin = datetime.now(UTC)
    terms = PlannedMeeting(
        occurrence_key="talk",
        title="Talk",
        organiser="",
        starts_at=begin,
        ends_at=begin + timedelta(hours=1),
        link="http://127.0.0.1/room/abc",
        platform="practice",
        decision="record",
        reason="",
        rule=Rule.EACH_VOICE,
        language="en",
    )
    await store.meetings.apply_plan(calendar.id, [terms])
    (meeting,) = await store.meetings.of_calendar(calendar.id)
    return Planned(calendar=calendar.id, terms=terms, meeting=meeting)


async def test_it_joins_by_the_link_that_stands_when_it_joins(at_work: BotAtWork) -> None:
    planned = await plan(at_work)
    store, found = at_work.store, await at_work.store.meetings.due(datetime.now(UTC), 5)
    new_link = "http://127.0.0.1/room/other"

    class Slow:
        """Finds what is due, and is overtaken by the calendar before it claims it."""

        async def due(self, now: datetime, early_s: int) -> list[MeetingRow]:
            await store.meetings.apply_plan(planned.calendar, [replace(planned.terms, link=new_link)])
            return found

        def __getattr__(self, name: str) -> object:
            return getattr(meetings, name)

    meetings = store.meetings
    store.meetings = Slow()  # type: ignore[assignment]
    try:
        async with dispatching(at_work.parts):
            await until(lambda: at_work.world.knocks)
            assert [knock.link for knock in at_work.world.knocks] == [new_link]
    finally:
        store.meetings = meetings


@pytest.mark.parametrize("change", ["cancelled", "moved", "switched off"])
async def test_a_bot_that_is_there_leaves_and_keeps_nothing_more(at_work: BotAtWork, change: str) -> None:
    planned, store, world = await plan(at_work), at_work.store, at_work.world
    ann = world.joins("Ann")
    async with dispatching(at_work.parts):
        await until(lambda: world.notices_to(ann))
        match change:
            case "cancelled":
                await store.meetings.apply_plan(planned.calendar, [Cancelled(occurrence_key="talk")])
            case "moved":
                later = planned.terms.starts_at + timedelta(hours=3)
                moved = replace(planned.terms, starts_at=later, ends_at=later + timedelta(hours=1))
                await store.meetings.apply_plan(planned.calendar, [moved])
            case _:
                await store.calendars.set_enabled(planned.calendar, False)
        await until_state(at_work, planned.meeting, MeetingState.DONE)
        await asyncio.sleep(0.6)
    visit = await at_work.visit_of(planned.meeting)
    assert visit.left_reason == LeftReason.CALLED_OFF
    assert len(world.rooms) == 1
    waiting = [row.state for row in await store.meetings.of_calendar(planned.calendar) if row.epoch == 0]
    assert waiting == ([MeetingState.PLANNED] if change == "moved" else [])
    at_work.check()


async def test_what_is_called_off_while_its_bot_is_dead_is_closed_and_not_visited_again(at_work: BotAtWork) -> None:
    planned, store = await plan(at_work), at_work.store
    ann = at_work.world.joins("Ann")
    async with at_work.visiting(planned.meeting) as visiting:
        await until(lambda: at_work.world.notices_to(ann))
        visiting.cancel()
    await store.calendars.set_enabled(planned.calendar, False)
    async with dispatching(at_work.parts):
        await until_state(at_work, planned.meeting, MeetingState.DONE)
    assert len(at_work.world.rooms) == 1
    assert (await at_work.visit_of(planned.meeting)).left_reason == LeftReason.CALLED_OFF


async def test_a_meeting_that_began_while_nothing_ran_is_joined_late(at_work: BotAtWork) -> None:
    late = await at_work.plan(starts_in=timedelta(minutes=-30))
    ann = at_work.world.joins("Ann")
    async with dispatching(at_work.parts):
        await until(lambda: at_work.world.notices_to(ann))
        assert await state_of(at_work, late) is MeetingState.VISITING
