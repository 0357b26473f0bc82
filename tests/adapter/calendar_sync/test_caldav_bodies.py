"""Broken and hostile resources at a real CalDAV server: the others are read, and what is broken is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from time import perf_counter

import pytest

from calendar_sync import caldav_bodies
from calendar_sync.errors import CalendarServerFailed
from calendar_sync.sync import CalendarSource, Window
from tests.simulators.caldav_reading import LIMITS, Account, account_at
from tests.simulators.calendar_files import calendar_of, event_of, meeting
from tests.simulators.ics_reading import NOW, ROOM
from tests.simulators.radicale import Radicale, Seen, radicale


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    with radicale(tmp_path_factory.mktemp("radicale"), "--server-max-vevent-rrule-occurrence=0") as running:
        yield running


@pytest.fixture
async def account(server: Radicale) -> AsyncIterator[Account]:
    async with account_at(server) as one:
        for number in range(4):
            await one.put(f"good{number}", at(number + 1, f"good{number}"))
        await one.put("bad", at(9, "bad"))
        yield one


GOOD = ["10-21 10:00", "10-21 11:00", "10-21 12:00", "10-21 13:00"]


def at(hours: float, uid: str, *more: str) -> str:
    return calendar_of(meeting(uid, NOW + timedelta(hours=hours), *more, link=ROOM))


def spoil(account: Account, before: str, after: str) -> None:
    """In what the server says of the bad one."""

    def edit(seen: Seen, text: str) -> str:
        head, mark, rest = text.partition("/bad.ics</href>")
        return head + mark + rest.replace(before, after, 1)

    account.front.edit = edit


SPOILT = {
    "no calendar": ("BEGIN:VCALENDAR", "BEGIN:VCARD"),
    "cut off": ("END:VCALENDAR", ""),
    "no start": ("DTSTART:", "X-START:"),
    "a zone that nobody knows": ("DTSTART:20261021T180000Z", "DTSTART;TZID=Nowhere/Land:20261021T180000"),
    "a rule without an end": ("SUMMARY:Weekly", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"),
    "ten million of them": ("SUMMARY:Weekly", "RRULE:FREQ=SECONDLY;COUNT=10000000"),
}


@pytest.mark.parametrize("how", SPOILT)
async def test_a_broken_resource_never_hides_the_others(account: Account, how: str) -> None:
    spoil(account, *SPOILT[how])
    assert (await account.read()).broken == 1
    assert account.starts() == GOOD
    assert (await account.read()).broken == 1, "it is counted as long as it is there"
    account.front.edit = None
    await account.put("bad", at(8, "bad"))
    assert (await account.read()).broken == 0
    assert account.starts() == [*GOOD, "10-21 17:00"]


@pytest.mark.parametrize("character", ["\x0b", "<", "&z;"])
async def test_one_that_breaks_the_answer_itself_is_found_and_left_out(account: Account, character: str) -> None:
    spoil(account, "SUMMARY:", f"SUMMARY:{character}")
    assert (await account.read()).broken == 1
    assert account.starts() == GOOD
    account.front.edit = None
    assert (await account.read()).broken == 0, "it is asked for again without having changed"
    assert account.starts() == [*GOOD, "10-21 18:00"]


@pytest.mark.parametrize(
    "answer", ["HTTP/1.1 403 Forbidden", "HTTP/1.1 500 Internal Server Error", "nonsense", "HTTP/1.1 507 Full"]
)
async def test_one_that_the_server_can_not_give_keeps_its_plan(account: Account, answer: str) -> None:
    await account.read()
    await account.put("bad", at(7, "bad"))
    await account.put("good0", at(5, "good0"))

    def edit(seen: Seen, text: str) -> str:
        if "multiget" not in seen.body:
            return text
        head, mark, rest = text.partition("/bad.ics</href>")
        rest = rest.partition("</response>")[2]
        return f"{head}{mark}<status>{answer}</status></response>{rest}" if mark else text

    account.front.edit = edit
    assert (await account.read()).broken == 1
    assert account.starts() == ["10-21 11:00", "10-21 12:00", "10-21 13:00", "10-21 14:00", "10-21 18:00"]
    account.later(hours=30)  # everything is read anew, and that one still can't be had
    assert (await account.read()).broken == 1
    assert "10-21 18:00" in account.starts()
    account.front.edit = None
    assert (await account.read()).broken == 0
    assert account.starts()[-1] == "10-21 16:00"


async def test_one_that_makes_the_server_stumble_is_found(account: Account) -> None:
    account.front.fault, account.front.only_for = "500", "bad.ics"
    assert (await account.read()).broken == 1
    assert account.starts() == GOOD
    account.front.only_for = "multiget"
    account.state = None
    assert (await account.read()).broken == 5, "and few enough are all left out"


async def test_a_server_that_is_down_is_not_asked_again_and_again(account: Account) -> None:
    account.front.fault, account.front.only_for = "503", "multiget"
    with pytest.raises(CalendarServerFailed) as caught:
        await account.read()
    assert caught.value.retry_after_s == 120
    assert len([seen for seen in account.front.seen if "multiget" in seen.body]) == 1


async def test_a_server_that_stumbles_over_everything_is_left_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caldav_bodies, "MAX_HALVINGS", 3)
    account.front.fault, account.front.only_for = "500", "multiget"
    with pytest.raises(CalendarServerFailed):
        await account.read()


async def test_one_larger_than_we_read_is_left_out(account: Account) -> None:
    spoil(account, "SUMMARY:Weekly", "DESCRIPTION:" + "long " * (LIMITS.max_bytes // 5))
    assert (await account.read()).broken == 1
    assert account.starts() == GOOD


async def test_hostile_rules_in_many_resources_end_in_time(account: Account) -> None:
    for number in range(12):
        await account.put(f"slow{number}", at(1, f"slow{number}", "RRULE:FREQ=DAILY;COUNT=2"))
    hostile = "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"
    account.front.edit = lambda seen, text: text.replace("RRULE:FREQ=DAILY;COUNT=2", hostile)
    began = perf_counter()
    assert (await account.read()).broken == 12
    assert account.starts() == [*GOOD, "10-21 18:00"]
    assert perf_counter() - began < 60


async def test_the_loop_stays_free_while_many_are_read(account: Account) -> None:
    text = calendar_of(
        *(
            event_of(
                f"UID:many{number}",
                f"DTSTART:{(NOW + timedelta(minutes=number)).strftime('%Y%m%dT%H%M%SZ')}",
                "DURATION:PT30M",
                "RRULE:FREQ=DAILY",
            )
            for number in range(120)
        )
    )
    await account.put("good0", at(1, "good0", "X-LONG:" + "x" * 200))
    account.front.edit = lambda seen, body: body.replace(
        body[body.find("BEGIN:VCALENDAR") : body.find("END:VCALENDAR") + 13] if "multiget" in seen.body else "\0",
        text.replace("\r\n", "\n"),
        1,
    )
    longest_s, stop = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest_s
        while not stop.is_set():
            before = perf_counter()
            await asyncio.sleep(0.005)
            longest_s = max(longest_s, perf_counter() - before - 0.005)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        await account.read()
        stop.set()
    assert len(account.events) > 1_500
    assert longest_s < 0.25, "the reading happens elsewhere"  # far above what it takes, for a busy machine


async def test_a_cancelled_pass_leaves_no_process_behind(account: Account) -> None:
    spoil(account, "SUMMARY:Weekly", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30")
    window = Window(starts_at=NOW, ends_at=NOW + timedelta(days=1))
    source: CalendarSource = account.source

    async def read() -> None:
        async for _ in account.provider.pages(source, None, window):
            pass

    task = asyncio.ensure_future(read())
    await asyncio.sleep(0.4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # the child watcher would warn about a process that was left, and warnings are errors
