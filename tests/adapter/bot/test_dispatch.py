"""Which meetings get a bot, how many, and what one visit's failure does to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from bot.dispatch import Dispatcher
from bot.ports import LeftReason, MeetingRoom
from bot.runner import BotParts
from storage.meetings import MeetingRow, MeetingState
from tests.adapter.bot.conftest import BotAtWork, until
from tests.simulators.room import SimulatedMeeting


@asynccontextmanager
async def dispatching(*bots: BotParts) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(Dispatcher(parts, join_early_s=5).run()) for parts in bots]
        try:
            yield
        finally:
            for one in running:
                one.cancel()


async def state_of(at_work: BotAtWork, meeting: MeetingRow) -> MeetingState:
    row = await at_work.store.meetings.get(meeting.id)
    assert row is not None
    return row.state


async def until_state(at_work: BotAtWork, meeting: MeetingRow, state: MeetingState) -> None:
    async with asyncio.timeout(8):
        while await state_of(at_work, meeting) is not state:
            await asyncio.sleep(0.05)


async def test_a_due_meeting_gets_one_bot_of_two_and_a_later_one_none(at_work: BotAtWork) -> None:
    world = at_work.world
    ann = world.joins("Ann")
    due = await at_work.plan(starts_in=timedelta(seconds=4))
    later = await at_work.plan(starts_in=timedelta(minutes=4))
    async with dispatching(at_work.parts, replace(at_work.parts, owner="another bot")):
        await until(lambda: world.notices_to(ann))
        await asyncio.sleep(1.2)
        assert len(world.rooms) == 1
        assert await state_of(at_work, later) is MeetingState.PLANNED
        world.ends(LeftReason.MEETING_ENDED)
        await until_state(at_work, due, MeetingState.DONE)
        await asyncio.sleep(0.6)
    assert len(world.rooms) == 1
    at_work.check()


async def test_one_visits_failure_is_its_own(at_work: BotAtWork) -> None:
    world, good_room = at_work.world, at_work.parts.room_for
    ann = world.joins("Ann")

    def room_for(platform: str) -> Callable[[asyncio.TaskGroup], MeetingRoom]:
        if platform == "broken":
            raise RuntimeError("a fault of the program")
        return good_room(platform)

    await at_work.plan(platform="broken")
    await at_work.plan()
    async with dispatching(replace(at_work.parts, room_for=room_for)):
        await until(lambda: world.notices_to(ann))


async def test_a_meeting_that_is_over_is_marked_as_missed(at_work: BotAtWork) -> None:
    past = await at_work.plan(starts_in=timedelta(hours=-2))
    async with dispatching(at_work.parts):
        await until_state(at_work, past, MeetingState.MISSED)
    assert not at_work.world.rooms


async def test_a_meeting_whose_bot_died_gets_another_that_shows_life(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    assert await at_work.store.meetings.claim(meeting.id, "a bot that dies now", 3_000) == 1
    async with dispatching(at_work.parts):
        await asyncio.sleep(1)
        assert not world.rooms  # it may only be slow
        await until(lambda: world.notices_to(ann))
        visit = await at_work.visit_of(meeting)
        assert visit.epoch == 2


async def test_what_a_dead_bot_left_of_a_meeting_that_is_over_is_closed(at_work: BotAtWork) -> None:
    store, meeting = at_work.store, await at_work.plan(lasts=timedelta(seconds=1))
    ann = at_work.world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: at_work.world.notices_to(ann))
        visiting.cancel()
    async with dispatching(at_work.parts):
        await until_state(at_work, meeting, MeetingState.DONE)
    visit = await store.visits.visit_of_meeting(meeting.id)
    assert visit is not None
    assert visit.left_reason == LeftReason.CONNECTION_LOST
    assert len(at_work.world.rooms) == 1
    at_work.check()


async def test_there_is_a_world_for_each_meeting(at_work: BotAtWork) -> None:
    """Two meetings at one time are two bots, and what is said in one opens nothing in the other."""
    worlds = {name: SimulatedMeeting(at_work.world.clock) for name in ("practice", "other")}
    parts = replace(at_work.parts, room_for=lambda platform: worlds[platform].room)
    meetings = {name: await at_work.plan(platform=name) for name in worlds}
    seats = {name: world.joins("Ann") for name, world in worlds.items()}
    async with dispatching(parts):
        await until(lambda: all(world.notices_to(seats[name]) for name, world in worlds.items()))
        worlds["other"].writes(seats["other"], "record yes")
        await until(lambda: worlds["other"].is_kept(seats["other"]))
        assert not worlds["practice"].is_kept(seats["practice"])
        for world in worlds.values():
            world.ends(LeftReason.MEETING_ENDED)
        for meeting in meetings.values():
            await until_state(at_work, meeting, MeetingState.DONE)
    at_work.check()
