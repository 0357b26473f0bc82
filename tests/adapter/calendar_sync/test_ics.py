"""The ICS provider against a real HTTP server and against files as real programs, and careless ones, write them."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import pytest

from calendar_sync.errors import (
    AddressNotUsable,
    AnswersWebPage,
    CalendarCutOff,
    CalendarError,
    CalendarFileMissing,
    CalendarNotFound,
    CalendarRefused,
    CalendarServerFailed,
    CalendarTooCostly,
    CalendarTooLarge,
    CalendarUnreachable,
    EmptyAnswer,
    NotACalendar,
)
from calendar_sync.fetching import FetchLimits
from calendar_sync.ics import IcsCalendar
from calendar_sync.planning import CalendarEvent, OwnAnswer
from calendar_sync.sync import CalendarSource, Page, Window
from tests.simulators.calendar_files import OWN_ZONE, calendar_of, event_of, meeting
from tests.simulators.calendar_server import CalendarServer, calendar_server, packed_nothing

NOW = datetime(2026, 10, 21, 9, 0, tzinfo=UTC)  # a Wednesday; summer time ends in Europe on the 25th
WINDOW = Window(starts_at=NOW - timedelta(days=1), ends_at=NOW + timedelta(days=14))
ROOM = "http://rooms.test/room/team-sync"
LIMITS = FetchLimits(allow_private_addresses=True, total_s=1.5, max_bytes=2_000_000)


@pytest.fixture
async def server() -> AsyncIterator[CalendarServer]:
    async with calendar_server() as running:
        yield running


async def read(server: CalendarServer, state: str | None = None, limits: FetchLimits = LIMITS) -> Page:
    source = CalendarSource(address=server.url, own_addresses=frozenset({"ann@example.org"}))
    pages = [page async for page in IcsCalendar(limits).pages(source, state, WINDOW)]
    assert len(pages) == 1
    return pages[0]


async def events_of(text: str, tmp_path: Path, zone: str = "UTC") -> Page:
    """Through a file: the same reading, without the server."""
    path = tmp_path / "calendar.ics"
    path.write_text(text, encoding="utf-8", newline="")
    source = CalendarSource(address=str(path), own_addresses=frozenset({"ann@example.org"}), time_zone=zone)
    pages = [page async for page in IcsCalendar(LIMITS, allow_files=True).pages(source, None, WINDOW)]
    return pages[0]


def starts(page: Page) -> list[str]:
    return sorted(event.starts_at.strftime("%m-%d %H:%M") for event in page.events)


def one(page: Page) -> CalendarEvent:
    assert len(page.events) == 1
    return page.events[0]


# ---- over HTTP -----------------------------------------------------------------------------------------------------


async def test_a_calendar_is_read_and_rests_until_it_changes(server: CalendarServer) -> None:
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM))
    first = await read(server)
    assert (first.is_complete, first.broken) == (True, 0)
    assert one(first).texts.location == ROOM
    again = await read(server, first.next_state)
    assert (again.events, again.is_complete) == ((), False)
    assert "If-None-Match" in server.asked[-1].headers
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=2), link=ROOM))
    moved = await read(server, again.next_state)
    assert one(moved).occurrence_key == one(first).occurrence_key
    assert one(moved).starts_at == NOW + timedelta(hours=2)


async def test_a_server_without_etags_is_known_by_the_body(server: CalendarServer) -> None:
    server.honours_etag = False
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM))
    first = await read(server)
    again = await read(server, first.next_state)
    assert (again.events, again.is_complete) == ((), False)


async def test_an_unchanged_file_is_read_anew_when_the_window_outgrows_the_plan(server: CalendarServer) -> None:
    server.text = calendar_of(meeting("a", NOW + timedelta(days=16), link=ROOM))
    source = CalendarSource(address=server.url, own_addresses=frozenset())
    provider = IcsCalendar(LIMITS)
    state, seen = None, []
    for days in (0, 0.9, 1.1, 1.2, 2.3, 3.4):
        later = timedelta(days=days)
        window = Window(starts_at=WINDOW.starts_at + later, ends_at=WINDOW.ends_at + later)
        async for page in provider.pages(source, state, window):
            state = page.next_state
            seen.append((page.is_complete, len(page.events)))
    assert seen == [(True, 0), (False, 0), (True, 1), (False, 0), (True, 1), (True, 1)]


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("web page", AnswersWebPage, "web page"),
        ("empty", EmptyAnswer, "empty"),
        ("nonsense", NotACalendar, "not a calendar"),
        ("cut off", CalendarCutOff, "middle"),
        ("500", CalendarServerFailed, "500"),
        ("503", CalendarServerFailed, "503"),
        ("429", CalendarServerFailed, "429"),
        ("401", CalendarRefused, "sign-in"),
        ("403", CalendarRefused, "sign-in"),
        ("404", CalendarNotFound, "no calendar"),
        ("410", CalendarNotFound, "no calendar"),
        ("418", CalendarServerFailed, "418"),
        ("silent", CalendarUnreachable, "does not answer"),
        ("drip", CalendarUnreachable, "does not answer"),
        ("short", CalendarUnreachable, "does not answer"),
        ("hangs up", CalendarUnreachable, "does not answer"),
        ("circles", CalendarServerFailed, "circles"),
        ("endless", CalendarTooLarge, "larger"),
        ("gzip bomb", CalendarTooLarge, "larger"),
    ],
)
async def test_each_fault_has_its_message(
    server: CalendarServer, fault: str, error: type[CalendarError], words: str
) -> None:
    server.text = calendar_of(meeting("a", NOW, title="Secret plan", link=ROOM))
    server.fault = fault
    with pytest.raises(CalendarError) as caught:
        await read(server)
    assert caught.type is error
    assert words in str(caught.value)
    for secret in ("127.0.0.1", "calendar.ics", "Secret", "rooms.test"):
        assert secret not in str(caught.value)
    if fault in ("429", "500", "503"):
        assert caught.value.retry_after_s == 120


async def test_a_bomb_is_not_unpacked(server: CalendarServer) -> None:
    server.fault = "gzip bomb"
    assert len(packed_nothing()) < LIMITS.max_bytes  # 100 MB unpacked
    tracemalloc.start()
    try:
        with pytest.raises(CalendarTooLarge):
            await read(server)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10 * LIMITS.max_bytes


async def test_a_packed_answer_is_unpacked(server: CalendarServer) -> None:
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM))
    server.fault = "gzip"
    assert one(await read(server)).title == "Weekly"


async def test_nobody_listens(server: CalendarServer) -> None:
    source = CalendarSource(address="http://127.0.0.1:9/calendar.ics", own_addresses=frozenset())
    with pytest.raises(CalendarUnreachable):
        [page async for page in IcsCalendar(LIMITS).pages(source, None, WINDOW)]


async def test_only_reading_requests_are_made(server: CalendarServer) -> None:
    """Law 6: whatever the server does, it is asked by GET, without a body, and told nothing."""
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM))
    for fault in (None, "gzip", "500", "circles", "web page", "cut off", None):
        server.fault = fault
        try:
            page = await read(server)
            await read(server, page.next_state)
        except CalendarError:
            continue
    assert len(server.asked) >= 12
    for asked in server.asked:
        assert (asked.method, asked.body) == ("GET", b"")
        assert set(asked.headers) <= {
            "Host", "User-Agent", "Accept", "Accept-Encoding", "Connection", "If-None-Match"
        }  # fmt: skip


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "mine.ics"
    path.write_text(calendar_of(meeting("a", NOW)), encoding="utf-8")
    for address in (str(path), path.as_uri()):
        source = CalendarSource(address=address, own_addresses=frozenset())
        with pytest.raises(AddressNotUsable):
            [page async for page in IcsCalendar(LIMITS).pages(source, None, WINDOW)]
        pages = [page async for page in IcsCalendar(LIMITS, allow_files=True).pages(source, None, WINDOW)]
        assert len(pages[0].events) == 1
    missing = CalendarSource(address=str(tmp_path / "none.ics"), own_addresses=frozenset())
    with pytest.raises(CalendarFileMissing):
        [page async for page in IcsCalendar(LIMITS, allow_files=True).pages(missing, None, WINDOW)]


# ---- what calendars say --------------------------------------------------------------------------------------------


async def test_times_in_every_spelling(tmp_path: Path) -> None:
    spellings = {
        "utc": ("DTSTART:20261022T080000Z", "DTEND:20261022T083000Z"),
        "olson": ("DTSTART;TZID=Europe/Warsaw:20261022T100000", "DTEND;TZID=Europe/Warsaw:20261022T103000"),
        "windows": (
            "DTSTART;TZID=Central European Standard Time:20261022T100000",
            "DTEND;TZID=Central European Standard Time:20261022T103000",
        ),
        "custom": ("DTSTART;TZID=Our Office:20261022T100000", "DTEND;TZID=Our Office:20261022T103000"),
        "floating": ("DTSTART:20261022T100000", "DTEND:20261022T103000"),
        "duration": ("DTSTART;TZID=Europe/Warsaw:20261022T100000", "DURATION:PT30M"),
    }
    events = [event_of(f"UID:{uid}", *lines, f"SUMMARY:{uid}") for uid, lines in spellings.items()]
    page = await events_of(calendar_of(*events, head=OWN_ZONE), tmp_path, zone="Europe/Warsaw")
    assert {event.title for event in page.events} == set(spellings)
    for event in page.events:
        assert event.starts_at == datetime(2026, 10, 22, 8, 0, tzinfo=UTC), event.title
        assert event.ends_at == datetime(2026, 10, 22, 8, 30, tzinfo=UTC), event.title


async def test_floating_times_follow_the_calendars_own_zone(tmp_path: Path) -> None:
    text = calendar_of(
        event_of("UID:f", "DTSTART:20261022T100000", "DTEND:20261022T103000"), head="X-WR-TIMEZONE:America/New_York\r\n"
    )
    assert starts(await events_of(text, tmp_path)) == ["10-22 14:00"]


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../../etc/passwd", "\u0000", "US"])
async def test_a_zone_that_is_none_falls_back(tmp_path: Path, name: str) -> None:
    text = calendar_of(event_of("UID:f", "DTSTART:20261022T100000"), head=f"X-WR-TIMEZONE:{name}\r\n")
    assert starts(await events_of(text, tmp_path)) == ["10-22 10:00"]


async def test_a_series_follows_summer_time(tmp_path: Path) -> None:
    text = calendar_of(
        event_of(
            "UID:s",
            "DTSTART;TZID=Europe/Warsaw:20260107T100000",
            "DTEND;TZID=Europe/Warsaw:20260107T103000",
            "RRULE:FREQ=WEEKLY",
            "EXDATE;TZID=Europe/Warsaw:20261104T100000",
        )
    )
    assert starts(await events_of(text, tmp_path)) == ["10-21 08:00", "10-28 09:00"]


SERIES = (
    "UID:s",
    "DTSTART;TZID=Europe/Warsaw:20261019T100000",
    "DTEND;TZID=Europe/Warsaw:20261019T103000",
    "RRULE:FREQ=DAILY;UNTIL=20261024T080000Z",
    "SUMMARY:Daily",
)


def keys(page: Page) -> dict[str, str]:
    return {event.starts_at.strftime("%m-%d %H:%M"): event.occurrence_key for event in page.events}


async def test_an_occurrence_keeps_its_identity_when_it_moves(tmp_path: Path) -> None:
    before = keys(await events_of(calendar_of(event_of(*SERIES)), tmp_path))
    assert sorted(before) == ["10-21 08:00", "10-22 08:00", "10-23 08:00", "10-24 08:00"]
    moved = event_of(
        "UID:s",
        "RECURRENCE-ID;TZID=Europe/Warsaw:20261022T100000",
        "DTSTART;TZID=Europe/Warsaw:20261026T150000",
        "DTEND;TZID=Europe/Warsaw:20261026T160000",
    )
    utc_id = moved.replace("RECURRENCE-ID;TZID=Europe/Warsaw:20261022T100000", "RECURRENCE-ID:20261022T080000Z")
    for exception in (moved, utc_id):
        after = keys(await events_of(calendar_of(event_of(*SERIES), exception), tmp_path))
        assert after.pop("10-26 14:00") == before["10-22 08:00"]
        assert after == {at: key for at, key in before.items() if at != "10-22 08:00"}


async def test_a_series_keeps_its_identities_when_its_hour_changes(tmp_path: Path) -> None:
    before = keys(await events_of(calendar_of(event_of(*SERIES)), tmp_path))
    later = [line.replace("T100000", "T143000").replace("T103000", "T150000") for line in SERIES]
    after = keys(await events_of(calendar_of(event_of(*later)).replace("T080000Z", "T220000Z"), tmp_path))
    assert after.pop("10-20 12:30") not in before.values()
    assert sorted(after) == ["10-21 12:30", "10-22 12:30", "10-23 12:30", "10-24 12:30"]
    assert sorted(after.values()) == sorted(before.values())


async def test_an_occurrence_near_midnight_is_named_by_its_own_day(tmp_path: Path) -> None:
    series = event_of(
        "UID:n",
        "DTSTART;TZID=Asia/Tokyo:20261020T083000",
        "DTEND;TZID=Asia/Tokyo:20261020T090000",
        "RRULE:FREQ=DAILY;COUNT=5",
    )
    before = keys(await events_of(calendar_of(series), tmp_path))
    exception = event_of(
        "UID:n", "RECURRENCE-ID:20261021T233000Z", "DTSTART:20261022T030000Z", "DTEND:20261022T033000Z"
    )
    after = keys(await events_of(calendar_of(series, exception), tmp_path))
    assert after["10-22 03:00"] == before["10-21 23:30"]
    assert len(set(after.values())) == len(after)


async def test_two_occurrences_on_one_day_are_two(tmp_path: Path) -> None:
    for rule in ("RRULE:FREQ=DAILY;BYHOUR=9,15;COUNT=4", "RRULE:FREQ=HOURLY;INTERVAL=6;COUNT=4"):
        text = calendar_of(event_of("UID:t", "DTSTART:20261022T090000Z", "DTEND:20261022T093000Z", rule))
        page = await events_of(text, tmp_path)
        assert len(page.events) == 4
    text = calendar_of(event_of("UID:r", "DTSTART:20261022T090000Z", "DURATION:PT1H", "RDATE:20261022T150000Z"))
    assert starts(await events_of(text, tmp_path)) == ["10-22 09:00", "10-22 15:00"]


async def test_this_and_all_following_moved(tmp_path: Path) -> None:
    before = keys(await events_of(calendar_of(event_of(*SERIES)), tmp_path))
    following = event_of(
        "UID:s",
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Warsaw:20261022T100000",
        "DTSTART;TZID=Europe/Warsaw:20261022T113000",
        "DTEND;TZID=Europe/Warsaw:20261022T120000",
    )
    after = keys(await events_of(calendar_of(event_of(*SERIES), following), tmp_path))
    assert sorted(after) == ["10-21 08:00", "10-22 09:30", "10-23 09:30", "10-24 09:30"]
    assert sorted(after.values()) == sorted(before.values())


async def test_cancelled_and_all_day_are_told_as_such(tmp_path: Path) -> None:
    text = calendar_of(
        event_of(*SERIES),
        event_of(
            "UID:s",
            "RECURRENCE-ID;TZID=Europe/Warsaw:20261023T100000",
            "DTSTART;TZID=Europe/Warsaw:20261023T100000",
            "STATUS:CANCELLED",
        ),
        event_of("UID:b", "DTSTART;VALUE=DATE:20261022", "SUMMARY:Birthday"),
    )
    page = await events_of(text, tmp_path)
    assert [event.starts_at.day for event in page.events if event.is_cancelled] == [23]
    assert [event.title for event in page.events if event.is_all_day] == ["Birthday"]


async def test_a_cancelling_file_cancels_all(tmp_path: Path) -> None:
    text = calendar_of(meeting("a", NOW + timedelta(hours=1)), head="METHOD:CANCEL\r\n")
    assert one(await events_of(text, tmp_path)).is_cancelled


async def test_the_hosts_own_answer_is_found(tmp_path: Path) -> None:
    text = calendar_of(
        meeting(
            "a",
            NOW,
            "ORGANIZER;CN=Bob Example:mailto:bob@example.org",
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org",
            "ATTENDEE;CN=Ann;PARTSTAT=DECLINED:MAILTO:Ann@Example.org",
        )
    )
    event = one(await events_of(text, tmp_path))
    assert (event.own_answer, event.organiser) == (OwnAnswer.DECLINED, "Bob Example")


async def test_links_stand_where_real_programs_put_them(tmp_path: Path) -> None:
    teams = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0"
    text = calendar_of(
        meeting("google", NOW, "X-GOOGLE-CONFERENCE:https://meet.google.com/abc-defg-hij", title="google"),
        meeting("outlook", NOW, f"X-MICROSOFT-SKYPETEAMSMEETINGURL:{teams}", title="outlook"),
        meeting("rfc", NOW, f"CONFERENCE;VALUE=URI;FEATURE=VIDEO:{ROOM}", title="rfc"),
        meeting("apple", NOW, f"URL;VALUE=URI:{ROOM}", title="apple"),
        meeting("html", NOW, f"X-ALT-DESC;FMTTYPE=text/html:<a href=\"{ROOM}\">join</a>", title="html"),
        meeting("folded", NOW, "DESCRIPTION:Here: https://meet.goo", " gle.com/abc-defg-hij\\nBye\\, a", title="fold"),
    )  # fmt: skip
    texts = {event.title: event.texts for event in (await events_of(text, tmp_path)).events}
    assert texts["google"].conference == ("https://meet.google.com/abc-defg-hij",)
    assert texts["outlook"].conference == (teams,)
    assert texts["rfc"].conference == (ROOM,)
    assert texts["apple"].url == ROOM
    assert ROOM in texts["html"].description
    assert texts["fold"].description == "Here: https://meet.google.com/abc-defg-hij\nBye, a"


# ---- broken and hostile files --------------------------------------------------------------------------------------

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
            before = perf_counter()
            await asyncio.sleep(0.005)
            longest_s = max(longest_s, perf_counter() - before - 0.005)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        page = await events_of(calendar_of(*events), tmp_path)
        stop.set()
    assert len(page.events) >= 3000
    assert longest_s < 0.25, "the reading happens elsewhere"  # far above what it takes, for a busy machine


async def test_a_cancelled_pass_leaves_no_process_behind(tmp_path: Path) -> None:
    rule = "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"
    text = calendar_of(*(event_of(f"UID:x{n}", "DTSTART:20261021T000000Z", rule) for n in range(30)))
    task = asyncio.ensure_future(events_of(text, tmp_path))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # the child watcher would warn about a process that was left, and warnings are errors
