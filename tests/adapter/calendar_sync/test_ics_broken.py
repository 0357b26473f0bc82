"""Broken and hostile calendar files: the good events are found, in time, and nothing is left behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from time import perf_counter, thread_time

import pytest

from calendar_sync.errors import CalendarTooCostly
from tests.simulators.calendar_files import calendar_of, event_of, meeting
from tests.simulators.ics_reading import NOW, ROOM, events_of, starts

BROKEN = [
    ("UID:x", "DTSTART:garbage"),
    ("UID:x", "SUMMARY:no start"),
    ("UID:x", "DTSTART:20261022T090000Z", "DTEND:20261022T080000Z"),
    ("UID:x", "DTSTART:20261022T090000Z", "RRULE:FREQ=NEVER"),
    ("UID:x", "DTSTART:20261022T090000Z", "RRULE:nonsense"),
    ("UID:x", "DTSTART;TZID=Nowhere/Land:20261022T090000"),
    ("UID:x", "DTSTART:20261022T090000Z", "RRULE:FREQ=DAILY", "EXDATE:never"),
    ("UID:x", "DTSTART:20261022T090000Z", "RECURRENCE-ID:what"),
    ("UID:x", "DTSTART:20261022T090000Z", "DURATION:long"),
    ("UID:x", "this line has no colon at all", "DTSTART:bad"),
    ("UID:x", "DTSTART:99999999T999999Z"),
    ("UID:x", "BEGIN:VALARM", "DTSTART:20261022T090000Z"),
    # rules without an end to their calculation
    ("UID:x", "DTSTART:19700101T000000Z", "RRULE:FREQ=SECONDLY"),
    ("UID:x", "DTSTART:20261021T000000Z", "RRULE:FREQ=SECONDLY;COUNT=10000000"),
    ("UID:x", "DTSTART:20261021T000000Z", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"),
    ("UID:x", "DTSTART:20261021T000000Z", "RRULE:FREQ=MINUTELY"),
]


@pytest.mark.parametrize("lines", BROKEN)
async def test_a_broken_event_never_hides_the_others(tmp_path: Path, lines: tuple[str, ...]) -> None:
    good = [meeting(f"good{number}", NOW + timedelta(hours=number), link=ROOM) for number in (1, 2)]
    page = await events_of(calendar_of(good[0], event_of(*lines), good[1]), tmp_path)
    assert starts(page) == ["10-21 10:00", "10-21 11:00"]
    assert page.broken == 1


async def test_an_event_without_its_end_never_hides_the_others(tmp_path: Path) -> None:
    good = meeting("good", NOW + timedelta(hours=1), link=ROOM)
    page = await events_of(calendar_of("BEGIN:VEVENT\r\nUID:x\r\nDTSTART:bad\r\n", good), tmp_path)
    assert starts(page) == ["10-21 10:00"]
    assert page.broken == 1


async def test_a_thousand_hostile_rules_end_in_time(tmp_path: Path) -> None:
    rule = "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"
    events = [event_of(f"UID:x{number}", "DTSTART:20261021T000000Z", rule) for number in range(1000)]
    began = perf_counter()
    with pytest.raises(CalendarTooCostly):
        await events_of(calendar_of(meeting("good", NOW), *events), tmp_path)
    assert perf_counter() - began < 30


async def test_a_calendar_without_events_is_one(tmp_path: Path) -> None:
    page = await events_of(calendar_of(), tmp_path)
    assert (page.events, page.broken, page.is_complete) == ((), 0, True)


async def test_the_loop_stays_free_while_a_large_calendar_is_read(tmp_path: Path) -> None:
    events = [
        meeting(f"m{number}", NOW + timedelta(minutes=number), "RRULE:FREQ=WEEKLY", link=ROOM) for number in range(1500)
    ]
    longest_s, stop = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest_s
        while not stop.is_set():
            before = thread_time()  # what the loop's own thread worked: a busy machine takes none of it
            await asyncio.sleep(0.005)
            longest_s = max(longest_s, thread_time() - before)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        page = await events_of(calendar_of(*events), tmp_path)
        stop.set()
    assert len(page.events) >= 3000
    assert longest_s < 0.25, "the reading happens elsewhere"


async def test_a_cancelled_pass_leaves_no_process_behind(tmp_path: Path) -> None:
    rule = "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"
    text = calendar_of(*(event_of(f"UID:x{n}", "DTSTART:20261021T000000Z", rule) for n in range(30)))
    task = asyncio.ensure_future(events_of(text, tmp_path))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # the child watcher would warn about a process that was left, and warnings are errors
