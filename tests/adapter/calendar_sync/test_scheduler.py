"""The loop with a real clock, a real calendar server and the real storage: who is read when."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from time import perf_counter

import pytest

from calendar_sync.fetching import FetchLimits
from calendar_sync.ics import IcsCalendar
from calendar_sync.scheduler import CalendarScheduler, Pace
from calendar_sync.sync import CalendarSync
from consent_notice.words import Rule
from tests.adapter.calendar_sync.conftest import POLICY, ROOM, Installation
from tests.simulators.calendar_files import calendar_of, meeting
from tests.simulators.calendar_server import CalendarServer, calendar_server

QUICK = Pace(interval_s=0.3, look_s=0.1, first_retry_s=0.4, last_retry_s=1.6)


@pytest.fixture
async def server() -> AsyncIterator[CalendarServer]:
    async with calendar_server() as running:
        yield running


@asynccontextmanager
async def running(here: Installation, pace: Pace = QUICK) -> AsyncIterator[CalendarScheduler]:
    providers = {"ics": IcsCalendar(FetchLimits(allow_private_addresses=True, total_s=1.0))}
    scheduler = CalendarScheduler(here.store, CalendarSync(here.store, providers, here.clock, POLICY), here.clock, pace)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(scheduler.run())
        try:
            yield scheduler
        finally:
            task.cancel()


async def until(is_so: Callable[[], Awaitable[bool]], within_s: float = 5.0) -> float:
    began = perf_counter()
    while not await is_so():
        assert perf_counter() - began < within_s, "did not happen in time"
        await asyncio.sleep(0.02)
    return perf_counter() - began


def some_meeting(here: Installation, minutes: int = 30) -> str:
    return calendar_of(meeting("a", here.clock.now() + timedelta(minutes=minutes), link=ROOM))


async def test_a_calendar_is_read_within_two_seconds_of_its_switch_and_then_again_and_again(
    here: Installation, server: CalendarServer
) -> None:
    server.text = some_meeting(here)
    calendar = await here.connect(server.url, enabled=False)

    async def is_planned() -> bool:
        return bool(await here.store.meetings.upcoming(here.host.id, here.clock.now()))

    async with running(here, Pace(interval_s=0.5)):  # looks every second, as in life
        await asyncio.sleep(1.2)
        assert server.asked == [], "off until the host enables it"
        await here.store.calendars.set_enabled(calendar.id, True)
        assert await until(is_planned) < 2.0

        async def is_moved() -> bool:
            rows = await here.store.meetings.upcoming(here.host.id, here.clock.now())
            return rows[0].starts_at > here.clock.now() + timedelta(minutes=60)

        server.text = some_meeting(here, minutes=90)
        await until(is_moved)


async def test_a_calendar_switched_off_is_withdrawn_and_not_asked_again(
    here: Installation, server: CalendarServer
) -> None:
    server.text = some_meeting(here)
    calendar = await here.connect(server.url)

    async def is_planned() -> bool:
        return bool(await here.store.meetings.upcoming(here.host.id, here.clock.now()))

    async def is_withdrawn() -> bool:
        return not await is_planned()

    async with running(here):
        await until(is_planned)
        await here.store.calendars.set_enabled(calendar.id, False)
        await until(is_withdrawn)
        asked = len(server.asked)
        await asyncio.sleep(1.0)
        assert len(server.asked) == asked
        await here.store.calendars.set_enabled(calendar.id, True)
        await until(is_planned)


async def test_what_was_switched_off_while_the_process_was_down_is_withdrawn_at_its_start(
    here: Installation, server: CalendarServer
) -> None:
    server.text = some_meeting(here)
    calendar = await here.connect(server.url)

    async def is_planned() -> bool:
        return bool(await here.store.meetings.upcoming(here.host.id, here.clock.now()))

    async with running(here):
        await until(is_planned)
    await here.store.calendars.set_enabled(calendar.id, False)

    async def is_withdrawn() -> bool:
        return not await is_planned()

    async with running(here):
        await until(is_withdrawn)


async def test_a_failing_calendar_is_asked_ever_more_rarely_and_recovers(
    here: Installation, server: CalendarServer
) -> None:
    server.text, server.fault = some_meeting(here), "web page"
    calendar = await here.connect(server.url)
    times: list[float] = []

    async def has_failed_often() -> bool:
        if len(server.asked) > len(times):
            times.append(perf_counter())
        return len(times) == 4

    async def is_well() -> bool:
        row = await here.row(calendar)
        return row.last_error is None and row.last_synced_at is not None

    async with running(here):
        await until(has_failed_often, within_s=10)
        waits = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert waits[0] >= 0.39
        assert waits[1] >= 0.79
        assert waits[2] >= 1.59
        assert "web page" in ((await here.row(calendar)).last_error or "")
        server.fault = None
        await until(is_well)


async def test_the_servers_wish_to_wait_is_honoured(here: Installation, server: CalendarServer) -> None:
    server.fault = "429"  # with Retry-After: 120
    await here.connect(server.url)
    async with running(here):
        await asyncio.sleep(1.5)
    assert len(server.asked) == 1


async def test_slow_and_broken_calendars_do_not_hold_up_the_others(here: Installation, server: CalendarServer) -> None:
    server.text = some_meeting(here)
    async with calendar_server() as silent:
        silent.fault = "silent"
        for _ in range(3):
            await here.connect(silent.url)
        await here.connect("gibberish")
        good = await here.connect(server.url)

        async def is_read() -> bool:
            return (await here.row(good)).last_synced_at is not None

        async with running(here):
            assert await until(is_read) < 5.0  # a silent one is waited for four times as long


async def test_a_new_rule_is_noticed_at_once(here: Installation, server: CalendarServer) -> None:
    server.text = some_meeting(here)
    calendar = await here.connect(server.url)

    async def follows(rule: Rule) -> bool:
        rows = await here.store.meetings.upcoming(here.host.id, here.clock.now())
        return [row.rule for row in rows] == [rule]

    async with running(here, Pace(interval_s=3600, look_s=0.1)):
        await until(lambda: follows(Rule.EVERYONE))
        await here.store.calendars.set_rule(calendar.id, Rule.EACH_VOICE)
        await until(lambda: follows(Rule.EACH_VOICE))


async def test_a_deleted_calendar_is_forgotten(here: Installation, server: CalendarServer) -> None:
    server.text = some_meeting(here)
    calendar = await here.connect(server.url)

    async def is_read() -> bool:
        return len(server.asked) > 1

    async with running(here):
        await until(is_read)
        await here.store.calendars.delete(calendar.id)
        await asyncio.sleep(0.5)
        asked = len(server.asked)
        await asyncio.sleep(0.8)
        assert len(server.asked) == asked


async def test_a_notice_of_change_has_it_read_at_once(here: Installation, server: CalendarServer) -> None:
    server.text = some_meeting(here)
    calendar = await here.connect(server.url)
    async with running(here, Pace(interval_s=600, look_s=0.1)):

        async def was_read() -> bool:
            return (await here.row(calendar)).last_synced_at is not None

        await until(was_read)
        asked = len(server.asked)
        await asyncio.sleep(0.5)
        assert len(server.asked) == asked
        await here.store.calendars.note_change(calendar.id)

        async def was_read_again() -> bool:
            return len(server.asked) > asked

        await until(was_read_again)
