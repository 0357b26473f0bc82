"""One piece of calendar work in a process of its own, so that its peak memory is its own too; a part of `calendars`.

Prints `{"seconds", "peak_bytes", "blocked_ms"}` as JSON. Peak memory is that of this process and of the largest process
that it started; `blocked_ms` is the longest time that the loop kept its other tasks waiting.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar

from calendar_sync.fetching import FetchLimits
from calendar_sync.ics import IcsCalendar
from calendar_sync.links import KnownHosts, LinkTexts, Platform
from calendar_sync.planning import CalendarEvent, PlanningPolicy, plan
from calendar_sync.reach import Reach
from calendar_sync.sync import CalendarProvider, CalendarSource, CalendarSync, Page, Window
from config.clock import SystemClock, new_id
from consent_notice.words import CalendarId, Rule
from storage.store import Store

ROOM = "http://rooms.test/room/r"
POLICY = PlanningPolicy(
    known_hosts=KnownHosts(practice_url="http://rooms.test"), reach=Reach(joinable=frozenset({Platform.PRACTICE}))
)
EVENTS_OF_A_CALENDAR = 20  # of an idle one
READ_AT_ONCE = 8  # as the scheduler does
_LOOK_S = 0.002


def file_of(events: int) -> str:
    """A calendar as a program publishes it: each event with a text, people and a link, all within the next 13 days."""
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN"]
    for number in range(events):
        starts_at = begins + timedelta(minutes=number % (13 * 24 * 60))
        lines += [
            "BEGIN:VEVENT",
            f"UID:{number}@bench",
            "DTSTAMP:20261001T000000Z",
            f"DTSTART:{starts_at:%Y%m%dT%H%M%SZ}",
            f"DTEND:{starts_at + timedelta(minutes=30):%Y%m%dT%H%M%SZ}",
            f"SUMMARY:Meeting {number}",
            "ORGANIZER;CN=Bob Example:mailto:bob@example.org",
            "ATTENDEE;CN=Ann;PARTSTAT=ACCEPTED:mailto:ann@example.org",
            "ATTENDEE;CN=Cy;PARTSTAT=NEEDS-ACTION:mailto:cy@other.example",
            f"LOCATION:{ROOM}{number}",
            f"DESCRIPTION:Agenda\\n1. Numbers\\n2. Anything else\\n\\nJoin: {ROOM}{number}\\n",
            "STATUS:CONFIRMED",
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def parse(size: int) -> tuple[float, float]:
    """The floor: the text taken apart, nothing else."""
    text = file_of(size)
    gc.collect()
    began = time.perf_counter()
    parsed = icalendar.Calendar.from_ical(text)
    took_s = time.perf_counter() - began
    assert len(parsed.subcomponents) == size
    return took_s, 0.0


def plan_occurrences(size: int) -> tuple[float, float]:
    begins = datetime.now(UTC) + timedelta(hours=1)
    events = [
        CalendarEvent(
            occurrence_key=f"{number:040d}",
            title=f"Meeting {number}",
            organiser="Bob Example",
            starts_at=begins + timedelta(minutes=number),
            ends_at=begins + timedelta(minutes=number + 30),
            texts=LinkTexts(
                location=f"{ROOM}{number}",
                description=f"Agenda\n1. Numbers\n2. Anything else\n\nJoin: {ROOM}{number}\n",
            ),
        )
        for number in range(size)
    ]
    gc.collect()
    began = time.perf_counter()
    changes = plan(events, {}, begins - timedelta(hours=1), POLICY, is_complete=True)
    took_s = time.perf_counter() - began
    assert len(changes) == size
    return took_s, 0.0


async def first_sync(size: int) -> tuple[float, float]:
    async with _store() as (store, folder):
        path = folder / "calendar.ics"
        path.write_text(file_of(size), encoding="utf-8", newline="")
        calendar_id = await _connected(store, str(path))
        sync = _sync(store, IcsCalendar(FetchLimits(), allow_files=True))

        async def work() -> None:
            result = await sync.read(calendar_id)
            assert (result.error, result.changes) == (None, size), result

        return await _watched(work)


class _Nothing:
    """A service that tells some events first, and from then on that nothing changed."""

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        if state is not None:
            yield Page(next_state=state, is_last=True)
            return
        begins = window.starts_at + timedelta(days=1)
        events = tuple(
            CalendarEvent(
                occurrence_key=str(number),
                title=f"Meeting {number}",
                organiser="Bob",
                starts_at=begins + timedelta(hours=number + 1),
                ends_at=begins + timedelta(hours=number + 2),
                texts=LinkTexts(location=f"{ROOM}{number}"),
            )
            for number in range(EVENTS_OF_A_CALENDAR)
        )
        yield Page(events=events, next_state="1", is_last=True, is_complete=True)


async def idle_round(size: int) -> tuple[float, float]:
    async with _store() as (store, _):
        calendars = [await _connected(store, f"calendar {number}") for number in range(size)]
        sync = _sync(store, _Nothing())
        places = asyncio.Semaphore(READ_AT_ONCE)

        async def read(calendar_id: CalendarId) -> int:
            async with places:
                result = await sync.read(calendar_id)
            assert result.error is None
            return result.changes

        async def all_of_them() -> None:
            async with asyncio.TaskGroup() as tasks:
                reading = [tasks.create_task(read(each)) for each in calendars]
            changes.append(sum(task.result() for task in reading))

        changes: list[int] = []
        await all_of_them()
        measured = await _watched(all_of_them)
        assert changes == [size * EVENTS_OF_A_CALENDAR, 0]
        return measured


def _sync(store: Store, provider: CalendarProvider) -> CalendarSync:
    return CalendarSync(store, {"any": provider}, SystemClock(), POLICY)


@asynccontextmanager
async def _store() -> AsyncIterator[tuple[Store, Path]]:
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-", dir=Path.cwd()) as folder:
        store = await asyncio.to_thread(Store.open, Path(folder) / "data", SystemClock(), new_id)
        try:
            await store.users.create(email="ann@example.org", name="Ann", role="host", password_hash="-")  # noqa: S106
            yield store, Path(folder)
        finally:
            await asyncio.to_thread(store.close)


async def _connected(store: Store, address: str) -> CalendarId:
    host = await store.users.by_email("ann@example.org")
    assert host is not None
    row = await store.calendars.add(
        host_id=host.id, provider="any", title="Work", address=address, rule=Rule.EVERYONE, language="en"
    )
    await store.calendars.set_enabled(row.id, True)
    return row.id


async def _watched(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Seconds, and the longest wait of a task that only looks at the clock, in ms."""
    longest_s, is_done = 0.0, False

    async def look() -> None:
        nonlocal longest_s
        while not is_done:
            before = time.perf_counter()
            await asyncio.sleep(_LOOK_S)
            longest_s = max(longest_s, time.perf_counter() - before - _LOOK_S)

    gc.collect()
    gc.freeze()  # as the role does when it starts
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(look())
        await asyncio.sleep(0.05)
        longest_s = 0.0
        began = time.perf_counter()
        await work()
        took_s = time.perf_counter() - began
        is_done = True
    return took_s, longest_s * 1000


def main(what: str, size: int) -> None:
    works = {"parse": parse, "plan": plan_occurrences}
    loops = {"first_sync": first_sync, "idle_round": idle_round}
    took_s, blocked_ms = asyncio.run(loops[what](size)) if what in loops else works[what](size)
    peak_kib = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": took_s, "peak_bytes": peak_kib * 1024, "blocked_ms": blocked_ms}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
