"""How much processor time, loop time and processes a CalDAV calendar may cost, whatever its resources hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from time import perf_counter, thread_time

import pytest

from tests.simulators.caldav_reading import Account, account_at
from tests.simulators.calendar_files import calendar_of, event_of, meeting, stamp
from tests.simulators.ics_reading import NOW, ROOM
from tests.simulators.radicale import Radicale, radicale

HOSTILE = "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
async def account(server: Radicale) -> AsyncIterator[Account]:
    async with account_at(server) as one:
        yield one


def at(hours: float, uid: str, *more: str) -> str:
    return calendar_of(meeting(uid, NOW + timedelta(hours=hours), *more, link=ROOM))


async def test_hostile_rules_in_many_resources_end_in_time(account: Account) -> None:
    """More of them than one reading may waste its time on."""
    for number in range(11):
        await account.put(f"slow{number}", at(1, f"slow{number}", "RRULE:FREQ=DAILY;COUNT=2"))
    await account.put("good", at(9, "good"))
    account.front.edit = lambda seen, text: text.replace("RRULE:FREQ=DAILY;COUNT=2", HOSTILE)
    began = perf_counter()
    assert (await account.read()).broken == 11
    assert account.starts() == ["10-21 18:00"]
    assert perf_counter() - began < 60


async def test_the_loop_stays_free_while_many_are_read(account: Account) -> None:
    events = [
        event_of(f"UID:m{n}", f"DTSTART:{stamp(NOW + timedelta(minutes=n))}", "DURATION:PT30M", "RRULE:FREQ=DAILY")
        for n in range(120)
    ]
    many = calendar_of(*events).replace("\r\n", "\n")
    await account.put("good", at(1, "good"))
    account.front.edit = lambda seen, body: (
        body[: body.index("BEGIN:VCALENDAR")] + many + body[body.index("END:VCALENDAR") + 13 :]
        if "multiget" in seen.body
        else body
    )
    longest_s, stop = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest_s
        while not stop.is_set():
            before = thread_time()  # what the loop's own thread worked: a busy machine takes none of it
            await asyncio.sleep(0.005)
            longest_s = max(longest_s, thread_time() - before)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        await account.read()
        stop.set()
    assert len(account.events) > 1_500
    assert longest_s < 0.25, "the reading happens elsewhere"


async def test_a_cancelled_pass_leaves_no_process_behind(account: Account) -> None:
    await account.put("slow", at(1, "slow", "RRULE:FREQ=DAILY;COUNT=2"))
    account.front.edit = lambda seen, text: text.replace("RRULE:FREQ=DAILY;COUNT=2", HOSTILE)
    task = asyncio.ensure_future(account.read())
    await asyncio.sleep(0.4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # the child watcher would warn about a process that was left, and warnings are errors
