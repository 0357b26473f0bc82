"""The story of a CalDAV calendar, from a real server into the real storage: connected, followed, lost, found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from calendar_sync.accounts import AccessRevoked
from calendar_sync.planning import ALL_DAY, DECLINED, WILL_JOIN
from calendar_sync.sync import CalendarSource, CalendarSync, Page, Window
from storage.calendars import CalendarRow
from storage.meetings import MeetingRow, MeetingState
from storage.store import Store
from tests.adapter.calendar_sync.conftest import POLICY, ROOM, Installation, WallClock
from tests.simulators.caldav_reading import PASSWORD, Account, account_at
from tests.simulators.calendar_files import calendar_of, event_of, meeting, stamp
from tests.simulators.radicale import Radicale, radicale


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
async def account(server: Radicale) -> AsyncIterator[Account]:
    async with account_at(server) as one:
        yield one


class OfAccount:
    """A CalendarProvider: the real one, for calendars of this account."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        granted = self.account.granted
        source = replace(
            source,
            credentials=self.account.credentials,
            own_addresses=source.own_addresses | granted.own_addresses,
        )
        return self.account.provider.pages(source, state, window)


def sync_of(here: Installation, account: Account) -> CalendarSync:
    return CalendarSync(here.store, {"caldav": OfAccount(account)}, here.clock, POLICY)


async def connected(here: Installation, account: Account) -> CalendarRow:
    (listed,) = await account.provider.calendars(account.credentials)
    return await here.connect(listed.key, provider="caldav")


async def planned(here: Installation, calendar: CalendarRow) -> dict[datetime, MeetingRow]:
    """By the time they begin; what was cancelled is left out."""
    rows = await here.store.meetings.of_calendar(calendar.id)
    return {row.starts_at: row for row in rows if row.state is not MeetingState.CANCELLED}


def begin(here: Installation) -> datetime:
    """Noon tomorrow: the same hours exist on every day of the fortnight, in UTC."""
    return here.clock.now().replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)


async def test_a_meeting_appears_is_moved_and_is_cancelled(here: Installation, account: Account) -> None:
    calendar, sync, noon = await connected(here, account), sync_of(here, account), begin(here)
    await account.put("a", calendar_of(meeting("a", noon, link=ROOM)))
    assert (await sync.read(calendar.id)).changes == 1
    first = (await planned(here, calendar))[noon]
    assert (first.link, first.decision, first.reason) == (ROOM, "record", WILL_JOIN)

    await account.put("a", calendar_of(meeting("a", noon + timedelta(hours=3), link=ROOM)))
    assert (await sync.read(calendar.id)).changes == 1
    (moved,) = (await planned(here, calendar)).values()
    assert (moved.id, moved.starts_at) == (first.id, noon + timedelta(hours=3))

    await account.put("a", calendar_of(meeting("a", noon, "STATUS:CANCELLED", link=ROOM)))
    await sync.read(calendar.id)
    assert await planned(here, calendar) == {}
    await account.put("a", calendar_of(meeting("a", noon, link=ROOM)))
    await sync.read(calendar.id)
    assert (await planned(here, calendar))[noon].id == first.id
    await account.delete("a")
    await sync.read(calendar.id)
    assert await planned(here, calendar) == {}
    assert (await sync.read(calendar.id)).changes == 0


async def test_a_series_and_what_becomes_of_it(here: Installation, account: Account) -> None:
    calendar, sync, noon = await connected(here, account), sync_of(here, account), begin(here)
    day, hour = timedelta(days=1), timedelta(hours=1)
    master = meeting("s", noon, "RRULE:FREQ=DAILY;COUNT=5", f"EXDATE:{stamp(noon + day)}", link=ROOM)
    await account.put("s", calendar_of(master))
    await sync.read(calendar.id)
    before = await planned(here, calendar)
    assert sorted(before) == [noon, noon + 2 * day, noon + 3 * day, noon + 4 * day]
    assert len({row.series for row in before.values()}) == 1

    moved = meeting("s", noon + 2 * day + 3 * hour, f"RECURRENCE-ID:{stamp(noon + 2 * day)}", link=ROOM)
    off = meeting("s", noon + 3 * day, f"RECURRENCE-ID:{stamp(noon + 3 * day)}", "STATUS:CANCELLED", link=ROOM)
    await account.put("s", calendar_of(master, moved, off))
    assert (await sync.read(calendar.id)).changes == 2
    after = await planned(here, calendar)
    assert sorted(after) == [noon, noon + 2 * day + 3 * hour, noon + 4 * day]
    assert after[noon + 2 * day + 3 * hour].id == before[noon + 2 * day].id

    # this and following, at another hour: the old series ends, a new one begins
    ended = f"RRULE:FREQ=DAILY;UNTIL={stamp(noon + hour)}"
    await account.put("s", calendar_of(meeting("s", noon, ended, link=ROOM)))
    await account.put("t", calendar_of(meeting("t", noon + day + hour, "RRULE:FREQ=DAILY;COUNT=2", link=ROOM)))
    await sync.read(calendar.id)
    assert sorted(await planned(here, calendar)) == [noon, noon + day + hour, noon + 2 * day + hour]
    assert (await planned(here, calendar))[noon].id == before[noon].id


async def test_what_is_no_meeting_of_the_hosts_is_explained(here: Installation, account: Account) -> None:
    calendar, sync, noon = await connected(here, account), sync_of(here, account), begin(here)
    await account.put(
        "a", calendar_of(meeting("a", noon, "ATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.org", link=ROOM))
    )
    whole_day = f"DTSTART;VALUE=DATE:{noon:%Y%m%d}"
    await account.put("b", calendar_of(event_of("UID:b", f"DTSTAMP:{stamp(noon)}", whole_day, f"LOCATION:{ROOM}-b")))
    await account.put("c", calendar_of(meeting("c", noon + timedelta(hours=1), link=f"{ROOM}-c")))
    account.front.edit = lambda seen, text: text.replace(f"DTSTART:{stamp(noon + timedelta(hours=1))}", "DTSTART:soon")
    result = await sync.read(calendar.id)
    assert (result.error, result.broken, (await here.row(calendar)).broken_events) == (None, 1, 1)
    assert {row.reason for row in (await planned(here, calendar)).values()} == {DECLINED, ALL_DAY}


async def test_a_forgotten_token_leaves_no_gap_and_no_duplicate(here: Installation, account: Account) -> None:
    calendar, sync, noon = await connected(here, account), sync_of(here, account), begin(here)
    for number in range(3):
        await account.put(f"m{number}", calendar_of(meeting(f"m{number}", noon + timedelta(hours=number), link=ROOM)))
    await sync.read(calendar.id)
    before = await planned(here, calendar)
    await account.delete("m0")
    await account.put("m3", calendar_of(meeting("m3", noon + timedelta(hours=3), link=ROOM)))
    account.server.forget_tokens()
    result = await sync.read(calendar.id)
    assert (result.error, result.changes) == (None, 2)
    after = await planned(here, calendar)
    assert sorted(after) == [noon + timedelta(hours=number) for number in (1, 2, 3)]
    assert after[noon + timedelta(hours=1)].id == before[noon + timedelta(hours=1)].id


async def test_a_changed_password_is_told_and_the_plan_stays(here: Installation, account: Account) -> None:
    calendar, sync, noon = await connected(here, account), sync_of(here, account), begin(here)
    await account.put("a", calendar_of(meeting("a", noon, link=ROOM)))
    await sync.read(calendar.id)
    account.server.set_password(account.user, "another")
    result = await sync.read(calendar.id)
    assert result.error == str(AccessRevoked())
    assert (await here.row(calendar)).last_error == result.error
    assert sorted(await planned(here, calendar)) == [noon]
    account.granted = await account.provider.connect(account.front.url, account.user, "another")
    assert (await sync.read(calendar.id)).error is None
    assert (await here.row(calendar)).last_error is None
    account.server.set_password(account.user, PASSWORD)


async def test_a_server_that_is_away_and_comes_back(here: Installation, account: Account) -> None:
    calendar, sync, noon = await connected(here, account), sync_of(here, account), begin(here)
    await account.put("a", calendar_of(meeting("a", noon, link=ROOM)))
    await sync.read(calendar.id)
    account.front.fault = "503"
    assert (await sync.read(calendar.id)).retry_after_s == 120
    account.front.fault = None
    await asyncio.to_thread(account.server.stop)
    assert (await sync.read(calendar.id)).error is not None
    assert sorted(await planned(here, calendar)) == [noon]
    await asyncio.to_thread(account.server.start)
    await account.put("a", calendar_of(meeting("a", noon + timedelta(hours=1), link=ROOM)))
    assert (await sync.read(calendar.id)).changes == 1
    assert sorted(await planned(here, calendar)) == [noon + timedelta(hours=1)]


class _Died(BaseException):
    """The process, at that line."""


@pytest.mark.parametrize("at", ["before the plan", "between plan and place", "while it is read"])
async def test_a_restart_at_any_point_loses_and_doubles_nothing(
    here: Installation, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, at: str
) -> None:
    calendar, noon = await connected(here, account), begin(here)
    await account.put("s", calendar_of(meeting("s", noon, "RRULE:FREQ=DAILY;COUNT=4", link=ROOM)))
    await account.put("a", calendar_of(meeting("a", noon + timedelta(hours=2), link=f"{ROOM}-a")))
    await sync_of(here, account).read(calendar.id)
    before = await planned(here, calendar)
    await account.put("s", calendar_of(meeting("s", noon, "RRULE:FREQ=DAILY;COUNT=2", link=ROOM)))
    await account.put("b", calendar_of(meeting("b", noon + timedelta(hours=4), link=f"{ROOM}-b")))
    await account.delete("a")

    async def dies(*_: object) -> None:
        raise _Died

    with monkeypatch.context() as patch:
        if at == "before the plan":
            patch.setattr(here.store.meetings, "apply_plan", dies)
        elif at == "between plan and place":
            patch.setattr(here.store.calendars, "save_sync", dies)
        else:
            patch.setattr("calendar_sync.caldav_bodies.expand", dies)
        with pytest.raises(_Died):
            await sync_of(here, account).read(calendar.id)
    here.store.close()
    again = Store.open(tmp_path / "data", WallClock(), lambda: "unused")
    try:
        restarted = replace(here, store=again)
        await sync_of(restarted, account).read(calendar.id)
        after = await planned(restarted, calendar)
        assert sorted(after) == [noon, noon + timedelta(hours=4), noon + timedelta(days=1)]
        assert after[noon].id == before[noon].id
        assert (await sync_of(restarted, account).read(calendar.id)).changes == 0
    finally:
        again.close()


async def test_a_calendar_that_is_gone_is_told(here: Installation, account: Account) -> None:
    calendar, sync = await connected(here, account), sync_of(here, account)
    await sync.read(calendar.id)
    await account.program.delete_calendar(account.calendar)
    assert "no calendar" in ((await sync.read(calendar.id)).error or "")
