"""Broken and hostile resources at a real CalDAV server: the others are read, and what is broken is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from calendar_sync import caldav_bodies
from calendar_sync.errors import CalendarServerFailed
from tests.simulators.caldav_reading import LIMITS, Account, account_at
from tests.simulators.calendar_files import calendar_of, meeting
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
