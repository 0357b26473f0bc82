"""A host's Google calendar through the real client into the real storage, as the days go by."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from calendar_sync.links import KnownHosts, Platform
from calendar_sync.planning import NO_LINK, WILL_JOIN, PlanningPolicy
from calendar_sync.reach import Reach
from calendar_sync.sync import CalendarSync, PassResult
from storage.calendars import CalendarRow
from storage.meetings import MeetingRow
from tests.adapter.calendar_sync.conftest import Installation
from tests.simulators.google_calendar import GoogleCalendarServer, google_calendar_server
from tests.simulators.google_events import GoogleEvents, moment
from tests.simulators.google_host import MEET, GoogleHost, google_calendars, google_event

ME = "ann@example.org"
BERLIN = ZoneInfo("Europe/Berlin")
POLICY = PlanningPolicy(
    known_hosts=KnownHosts(), reach=Reach(joinable=frozenset({Platform.GOOGLE_MEET, Platform.ZOOM}))
)


def soon(days: int, hour: int = 12, minute: int = 0) -> datetime:
    """By the clock of the calendar's zone."""
    day = datetime.now(BERLIN).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GoogleCalendarServer]:
    async with google_calendar_server(tmp_path / "ca") as running:
        running.add(GoogleEvents(id=ME, summary=ME, is_primary=True))
        yield running


@pytest.fixture
def mine(server: GoogleCalendarServer) -> GoogleEvents:
    return server.calendars[ME]


@pytest.fixture
async def ann(here: Installation, server: GoogleCalendarServer) -> GoogleHost:
    host = GoogleHost(server=server, google=google_calendars(server, here.clock))
    await host.connect()
    return host


@pytest.fixture
def sync(here: Installation, ann: GoogleHost) -> CalendarSync:
    return CalendarSync(here.store, {"google": ann}, here.clock, POLICY)


@pytest.fixture
async def calendar(here: Installation) -> CalendarRow:
    return await here.connect(ME, provider="google")


async def planned(here: Installation, calendar: CalendarRow) -> dict[datetime, str]:
    rows = await here.store.meetings.of_calendar(calendar.id)
    return {row.starts_at: row.title for row in sorted(rows, key=_start) if row.state.value == "planned"}


def _start(row: MeetingRow) -> datetime:
    return row.starts_at


async def good(sync: CalendarSync, calendar: CalendarRow, *, from_scratch: bool = False) -> PassResult:
    result = await sync.read(calendar.id, from_scratch=from_scratch)
    assert result.error is None
    return result


def lists(server: GoogleCalendarServer) -> list[dict[str, str]]:
    return [asked.query for asked in server.asked if asked.path.endswith("/events")]


async def test_a_meeting_appears_is_moved_gets_another_link_and_is_cancelled(
    here: Installation, sync: CalendarSync, calendar: CalendarRow, server: GoogleCalendarServer, mine: GoogleEvents
) -> None:
    assert (await good(sync, calendar)).changes == 0
    mine.put(google_event("one", soon(1)), google_event("plain", soon(2), hangoutLink="", location="Room 5"))
    assert (await good(sync, calendar)).changes == 2
    rows = {row.title: row for row in await here.store.meetings.of_calendar(calendar.id)}
    one = rows["Title one"]
    assert (one.link, one.platform, one.reason, one.organiser) == (MEET, "google_meet", WILL_JOIN, "Ann")
    assert (one.starts_at, one.ends_at) == (soon(1), soon(1) + timedelta(minutes=30))
    assert rows["Title plain"].reason == NO_LINK

    mine.change("one", start=moment(soon(3), "Europe/Berlin"), end=moment(soon(3, 13), "Europe/Berlin"))
    zoom = {"entryPoints": [{"entryPointType": "video", "uri": "https://zoom.us/j/1234567890", "passcode": "77 88"}]}
    mine.change("one", conferenceData=zoom)
    assert (await good(sync, calendar)).changes == 1
    moved = next(row for row in await here.store.meetings.of_calendar(calendar.id) if row.id == one.id)
    assert moved.starts_at == soon(3)
    assert moved.link == "https://zoom.us/j/1234567890?pwd=77%2088"

    mine.cancel("one")
    assert (await good(sync, calendar)).changes == 1
    assert await planned(here, calendar) == {soon(2): "Title plain"}
    assert (await good(sync, calendar)).changes == 0
    assert [set(query) & {"syncToken", "timeMin", "timeMax"} for query in lists(server)] == [
        {"timeMin", "timeMax"},
        *[{"syncToken"}] * 4,
    ]


async def test_a_series_with_exceptions_and_splits_keeps_its_meetings(
    here: Installation, sync: CalendarSync, calendar: CalendarRow, mine: GoogleEvents
) -> None:
    mine.put(google_event("daily", soon(1), recurrence=["RRULE:FREQ=DAILY"]))
    await good(sync, calendar)
    days = [soon(day) for day in range(1, 15)]
    assert [at for at in days if at in await planned(here, calendar)] == days
    before = {row.starts_at: row for row in await here.store.meetings.of_calendar(calendar.id)}
    await here.store.meetings.override(before[soon(6)].id, "skip")

    mine.change(f"daily_{stamp(soon(2))}", start=moment(soon(2, 17), "UTC"), end=moment(soon(2, 18), "UTC"))
    mine.cancel(f"daily_{stamp(soon(3))}")
    assert (await good(sync, calendar)).changes == 2
    rows = {row.id: row for row in await here.store.meetings.of_calendar(calendar.id)}
    assert rows[before[soon(2)].id].starts_at == soon(2, 17)
    assert soon(3) not in await planned(here, calendar)

    # this and following, an hour later: the same meetings, each moved, and what was said of one still holds
    new = mine.split("daily", soon(5, 12), start=moment(soon(5, 13), "Europe/Berlin"), end=moment(soon(5, 14), "UTC"))
    await good(sync, calendar)
    rows = {row.id: row for row in await here.store.meetings.of_calendar(calendar.id)}
    assert rows[before[soon(4)].id].starts_at == soon(4)
    for day in range(5, 15):
        assert rows[before[soon(day)].id].starts_at == soon(day, 13)
    assert rows[before[soon(6)].id].override == "skip"
    assert rows[before[soon(5)].id].series != rows[before[soon(4)].id].series
    starts = list(await planned(here, calendar))
    assert len(starts) == len({at.date() for at in starts}), "no day twice"

    # the rest at another hour, then gone altogether
    mine.change(new, start=moment(soon(5, 9), "Europe/Berlin"), end=moment(soon(5, 10), "Europe/Berlin"))
    await good(sync, calendar)
    rows = {row.id: row for row in await here.store.meetings.of_calendar(calendar.id)}
    assert (rows[before[soon(6)].id].starts_at, rows[before[soon(6)].id].override) == (soon(6, 9), "skip")
    mine.tells_ids_only = True
    mine.cancel(new)
    await good(sync, calendar)
    assert list(await planned(here, calendar)) == [soon(1), soon(2, 17), soon(4)]
    assert (await good(sync, calendar, from_scratch=True)).changes == 0


async def test_two_a_day_are_two_and_stay_so(
    here: Installation, sync: CalendarSync, calendar: CalendarRow, mine: GoogleEvents
) -> None:
    mine.put(google_event("twice", soon(1, 9), recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    await good(sync, calendar)
    mine.change("twice", recurrence=["RRULE:FREQ=DAILY;BYHOUR=9,15;COUNT=6"])
    await good(sync, calendar)
    assert list(await planned(here, calendar)) == [soon(day, hour) for day in (1, 2, 3) for hour in (9, 15)]
    mine.cancel(f"twice_{stamp(soon(2, 9))}")
    await good(sync, calendar)
    assert list(await planned(here, calendar)) == [soon(1, 9), soon(1, 15), soon(2, 15), soon(3, 9), soon(3, 15)]


async def test_summer_time_all_day_and_whole_day_moves(
    here: Installation, sync: CalendarSync, calendar: CalendarRow, mine: GoogleEvents
) -> None:
    day, after = f"{soon(1):%Y-%m-%d}", f"{soon(2):%Y-%m-%d}"
    mine.put(google_event("day", soon(1), start={"date": day}, end={"date": after}))
    mine.put(google_event("night", soon(1, 23, 30), minutes=90))
    await good(sync, calendar)
    rows = {row.title: row for row in await here.store.meetings.of_calendar(calendar.id)}
    assert rows["Title day"].starts_at == soon(1, 0)
    assert rows["Title day"].decision == "skip"
    assert rows["Title night"].ends_at == soon(2, 1)


async def test_pages_empty_pages_replays_and_a_broken_event(
    here: Installation, sync: CalendarSync, calendar: CalendarRow, server: GoogleCalendarServer, mine: GoogleEvents
) -> None:
    server.page_size, server.empty_pages, server.is_told_twice = 2, 2, True
    mine.put(*(google_event(f"e{number}", soon(1, 8 + number)) for number in range(7)))
    mine.put(google_event("broken", soon(1), start={"dateTime": "soon"}))
    mine.put(google_event("away", soon(1), eventType="outOfOffice"))
    del mine.stored["broken"]["start"]
    result = await good(sync, calendar)
    assert (result.changes, result.broken) == (7, 1)
    assert len(lists(server)) > 5
    mine.change("e3", summary="New title")
    mine.cancel("e4")
    result = await good(sync, calendar)
    assert (result.changes, result.broken) == (2, 1)
    assert len(await planned(here, calendar)) == 6
    mine.put(google_event("broken", soon(5)))
    assert (await good(sync, calendar)).broken == 0
    assert (await here.row(calendar)).broken_events == 0


async def test_the_window_rolls_on_without_gap_or_duplicate(
    here: Installation, ann: GoogleHost, calendar: CalendarRow, server: GoogleCalendarServer, mine: GoogleEvents
) -> None:
    class Later:
        boot_id = "this one"
        days = 0

        def boot_ms(self) -> int:
            return here.clock.boot_ms()

        def now(self) -> datetime:
            return here.clock.now() + timedelta(days=self.days)

    clock = Later()
    sync = CalendarSync(here.store, {"google": ann}, clock, POLICY)
    mine.put(google_event("weekly", soon(1), recurrence=["RRULE:FREQ=WEEKLY"]), google_event("far", soon(20)))
    for day in range(20):
        clock.days = day
        await good(sync, calendar)
        await good(sync, calendar)
    starts = [row.starts_at for row in await here.store.meetings.of_calendar(calendar.id)]
    assert sorted(starts) == [soon(1), soon(8), soon(15), soon(20), soon(22), soon(29)]
    full = [query for query in lists(server) if "timeMin" in query and "pageToken" not in query]
    assert 10 <= len(full) <= 20
    assert all("syncToken" not in query for query in full)

    mine.change("far", start=moment(soon(60), "UTC"), end=moment(soon(60, 13), "UTC"))
    await good(sync, calendar)
    assert soon(20) not in await planned(here, calendar)
    assert soon(60) not in await planned(here, calendar)


async def test_a_lost_place_in_the_middle_of_the_pages(
    here: Installation, sync: CalendarSync, calendar: CalendarRow, server: GoogleCalendarServer, mine: GoogleEvents
) -> None:
    mine.put(*(google_event(f"e{number}", soon(1, 8 + number)) for number in range(7)))
    await good(sync, calendar)
    mine.cancel("e0")
    for number in range(1, 7):
        mine.change(f"e{number}", summary=f"New {number}")
    server.faults.extend(["", "410"])
    assert (await good(sync, calendar)).changes == 7
    assert list((await planned(here, calendar)).values()) == [f"New {number}" for number in range(1, 7)]
    server.forget_sync_tokens()
    assert (await good(sync, calendar)).changes == 0
    assert (await good(sync, calendar)).changes == 0


@pytest.mark.parametrize(
    "fault",
    ["429", "429 after 0", "503", "truncated", "empty", "nothing", "hangs up", "web page", "403 userRateLimitExceeded"],
)
async def test_a_passing_fault_is_waited_out_and_a_lasting_one_is_told(
    here: Installation, sync: CalendarSync, calendar: CalendarRow, server: GoogleCalendarServer, fault: str
) -> None:
    mine = server.calendars[ME]
    mine.put(*(google_event(f"e{number}", soon(1, 8 + number)) for number in range(5)))
    server.faults.extend(["", fault])
    assert (await good(sync, calendar)).changes == 5
    mine.change("e0", summary="New")
    server.faults.extend([fault] * 9)  # the library below repeats some by itself
    failed = await sync.read(calendar.id)
    server.faults.clear()
    assert failed.error is not None
    assert ("we try again" in failed.error) or ("We try again" in failed.error)
    assert len(await planned(here, calendar)) == 5
    assert (await good(sync, calendar)).changes == 1


async def test_a_long_wait_is_left_to_the_scheduler(
    sync: CalendarSync, calendar: CalendarRow, server: GoogleCalendarServer
) -> None:
    for fault in ("429 after 120", "503 after 120", "403 rateLimitExceeded after 120"):
        server.faults.append(fault)
        asked = len(lists(server))
        assert (await sync.read(calendar.id)).retry_after_s == 120
        assert len(lists(server)) == asked + 1


async def test_a_token_runs_out_and_the_new_one_is_saved_before_it_is_used(
    here: Installation, sync: CalendarSync, ann: GoogleHost, calendar: CalendarRow, server: GoogleCalendarServer
) -> None:
    await good(sync, calendar)
    assert (len(ann.saved), server.identity.refreshes) == (1, 0)
    server.identity.expire_access_tokens()
    await good(sync, calendar)
    assert (len(ann.saved), server.identity.refreshes) == (2, 1)
    tokens = json.loads(ann.saved[-1])
    ann.saved.append(json.dumps(tokens | {"expires_at": here.clock.now().isoformat()}))  # by our own clock
    await good(sync, calendar)
    assert server.identity.refreshes == 2

    server.identity.expire_access_tokens()
    asked = len(lists(server))

    async def dies(text: str) -> None:
        raise KeyboardInterrupt

    ann._save = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await sync.read(calendar.id)
    assert len(lists(server)) == asked + 1, "nothing was asked with a token that is not saved"


async def test_access_that_was_taken_back_is_told_and_nothing_is_lost(
    here: Installation, sync: CalendarSync, ann: GoogleHost, calendar: CalendarRow, server: GoogleCalendarServer
) -> None:
    server.calendars[ME].put(google_event("one", soon(1)))
    await good(sync, calendar)
    server.identity.take_back(ME)
    failed = await sync.read(calendar.id)
    assert "connect the calendar again" in str(failed.error)
    assert await planned(here, calendar) == {soon(1): "Title one"}
    await ann.connect(hint=ME)
    assert (await good(sync, calendar)).changes == 0


async def test_a_calendar_that_is_gone_or_out_of_reach_stops_no_other(
    here: Installation, sync: CalendarSync, ann: GoogleHost, calendar: CalendarRow, server: GoogleCalendarServer
) -> None:
    server.calendars[ME].put(google_event("one", soon(1)))
    team = server.add(GoogleEvents(id="team@group.calendar.google.com", summary="Team", access_role="reader"))
    shared = await here.connect(team.id, provider="google")
    gone = await here.connect("gone@group.calendar.google.com", provider="google")
    assert "allow what the page asks for" in str((await sync.read(shared.id)).error)
    assert "no longer in your Google account" in str((await sync.read(gone.id)).error)
    assert (await good(sync, calendar)).changes == 1
    listed = await ann.google.calendars(ann.credentials)
    assert [(one.key, one.is_primary, one.needs_wider) for one in listed] == [(ME, True, False), (team.id, False, True)]

    await ann.connect(wider=True, hint=ME)
    team.put(google_event("theirs", soon(2), organizer={"email": team.id, "displayName": "Team", "self": True}))
    assert (await good(sync, shared)).changes == 1


async def test_a_restart_at_any_point_repeats_and_changes_nothing(
    here: Installation, sync: CalendarSync, ann: GoogleHost, calendar: CalendarRow, mine: GoogleEvents
) -> None:
    mine.put(google_event("daily", soon(1), recurrence=["RRULE:FREQ=DAILY"]), google_event("one", soon(2, 9)))
    await good(sync, calendar)
    state = (await here.row(calendar)).sync_state
    mine.change("daily", start=moment(soon(1, 15), "Europe/Berlin"), end=moment(soon(1, 16), "Europe/Berlin"))
    mine.cancel("one")
    await good(sync, calendar)
    before = await here.store.meetings.of_calendar(calendar.id)
    for lost in (state, None):  # died between the plan and the place, or before any place was kept
        await here.store.calendars.save_sync(calendar.id, lost, None, 0)
        again = CalendarSync(here.store, {"google": ann}, here.clock, POLICY)
        assert (await good(again, calendar)).changes == 0
        assert await here.store.meetings.of_calendar(calendar.id) == before


async def test_a_disconnected_account_is_worth_nothing_at_google(
    sync: CalendarSync, ann: GoogleHost, calendar: CalendarRow
) -> None:
    await good(sync, calendar)
    assert await ann.google.revoke(ann.credentials)
    assert "connect the calendar again" in str((await sync.read(calendar.id)).error)
    assert await ann.google.revoke(ann.credentials), "worth nothing already"


async def test_no_request_can_write_and_nothing_is_said_of_the_calendar(
    sync: CalendarSync,
    ann: GoogleHost,
    calendar: CalendarRow,
    server: GoogleCalendarServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mine = server.calendars[ME]
    secret = google_event("one", soon(1), summary="Secret title", location="Secret place", description="Secret text")
    mine.put(secret, google_event("bad", soon(1), summary="Secret bad", start={"dateTime": "Secret time"}))
    with caplog.at_level(logging.DEBUG):
        for fault in ("", "truncated", "503", "404", "410", "429 after 99"):
            server.faults.extend([fault] * 3)
            await sync.read(calendar.id)
            server.faults.clear()
        await ann.google.calendars(ann.credentials)
        watch = await ann.google.watch(ann.credentials, ME, address="https://onrecord.test/hook", secret="s3cret")
        await ann.google.unwatch(ann.credentials, await ann.google.renew(ann.credentials, watch))
        await ann.google.revoke(ann.credentials)
    told = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("aiohttp"))
    assert "Secret" not in told
    assert "ann@" not in told
    assert "ann%40" not in told
    assert "syncToken" not in told
    assert "ya29." not in told
    posts = {asked.path for asked in server.asked if asked.method != "GET"}
    api = f"/calendar/v3/calendars/{ME}/events/watch"
    assert posts <= {"/token", "/revoke", api, "/calendar/v3/channels/stop"}
    assert {asked.method for asked in server.asked} == {"GET", "POST"}
    assert not any("Secret" in f"{asked.query} {asked.body}" for asked in server.asked)
