"""What a CalDAV resource holds, read from a real server: the same occurrences as the same text has in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.simulators.caldav_reading import Account, account_at
from tests.simulators.calendar_files import OWN_ZONE, calendar_of, event_of, meeting
from tests.simulators.ics_reading import NOW, ROOM, events_of
from tests.simulators.radicale import Radicale, radicale


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
async def account(server: Radicale) -> AsyncIterator[Account]:
    async with account_at(server) as one:
        yield one


WEEKDAYS = ("UID:s", "DTSTART;TZID=Europe/Berlin:20261005T093000", "DTEND;TZID=Europe/Berlin:20261005T100000")
BERLIN = """\
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE
""".replace("\n", "\r\n")
WINDOWS = BERLIN.replace("Europe/Berlin", "W. Europe Standard Time")

CASES = {
    "a series over the end of summer time": (
        calendar_of(event_of(*WEEKDAYS, "RRULE:FREQ=WEEKLY"), head=BERLIN),
        ["10-26 08:30", "11-02 08:30"],
    ),
    "an exception, a moved one and one that was taken out": (
        calendar_of(
            event_of(*WEEKDAYS, "RRULE:FREQ=DAILY;UNTIL=20261026T235959Z", "EXDATE;TZID=Europe/Berlin:20261023T093000"),
            event_of(
                "UID:s", "RECURRENCE-ID;TZID=Europe/Berlin:20261022T093000",
                "DTSTART;TZID=Europe/Berlin:20261022T140000", "DTEND;TZID=Europe/Berlin:20261022T150000",
            ),
            event_of(
                "UID:s", "RECURRENCE-ID;TZID=Europe/Berlin:20261024T093000",
                "DTSTART;TZID=Europe/Berlin:20261024T093000", "DURATION:PT15M", "STATUS:CANCELLED",
            ),
            head=BERLIN,
        ),
        ["10-21 07:30", "10-22 12:00", "10-24 07:30", "10-25 08:30", "10-26 08:30"],
    ),
    "one moved into the window from far outside": (
        calendar_of(
            event_of(*WEEKDAYS, "RRULE:FREQ=YEARLY;COUNT=3"),
            event_of(
                "UID:s", "RECURRENCE-ID;TZID=Europe/Berlin:20271005T093000",
                "DTSTART;TZID=Europe/Berlin:20261028T093000", "DURATION:PT30M",
            ),
            head=BERLIN,
        ),
        ["10-28 08:30"],
    ),
    "dates added by hand": (
        calendar_of(
            event_of("UID:s", "DTSTART:20261021T090000Z", "DURATION:PT1H", "RDATE:20261023T120000Z,20261024T130000Z")
        ),
        ["10-21 09:00", "10-23 12:00", "10-24 13:00"],
    ),
    "a time zone by its Windows name": (
        calendar_of(
            event_of(
                "UID:s", "DTSTART;TZID=W. Europe Standard Time:20261026T150000",
                "DTEND;TZID=W. Europe Standard Time:20261026T160000",
            ),
            head=WINDOWS,
        ),
        ["10-26 14:00"],
    ),
    "a time zone of the office's own": (
        calendar_of(
            event_of("UID:s", "DTSTART;TZID=Our Office:20261023T150000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
            head=OWN_ZONE,
        ),
        ["10-23 13:00", "10-24 13:00", "10-25 14:00"],
    ),
    "all day": (calendar_of(event_of("UID:s", "DTSTART;VALUE=DATE:20261024", "SUMMARY:Off")), ["10-24 00:00"]),
    "over midnight": (
        calendar_of(event_of("UID:s", "DTSTART:20261022T233000Z", "DTEND:20261023T003000Z")),
        ["10-22 23:30"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_a_resource_holds_what_a_file_holds(account: Account, tmp_path: Path, case: str) -> None:
    text, expected = CASES[case]
    text = text.replace("BEGIN:VEVENT\r\n", f"BEGIN:VEVENT\r\nDTSTAMP:20261001T000000Z\r\nLOCATION:{ROOM}\r\n")
    await account.put("s", text)
    told = await account.read()
    assert told.broken == 0
    assert account.starts() == expected
    horizon = account.window.ends_at
    in_a_file = {event.occurrence_key: event for event in (await events_of(text, tmp_path)).events}
    assert {key: event for key, event in account.events.items() if event.starts_at < horizon} == {
        key: event for key, event in in_a_file.items() if event.starts_at < horizon
    }


async def test_this_and_following_is_split_without_a_loss(account: Account) -> None:
    """As calendar programs do it: the old series ends, a new one with a UID of its own begins, two writes."""
    await account.put("s", calendar_of(meeting("s", NOW - timedelta(days=14), "RRULE:FREQ=WEEKLY", link=ROOM)))
    await account.read()
    assert account.starts() == ["10-21 09:00", "10-28 09:00", "11-04 09:00"]
    before = {event.starts_at: key for key, event in account.events.items()}
    ended = "RRULE:FREQ=WEEKLY;UNTIL=20261021T235959Z"
    await account.put("s", calendar_of(meeting("s", NOW - timedelta(days=14), ended, link=ROOM)))
    told = await account.read()
    assert told.removed == {before[NOW + timedelta(days=7)], before[NOW + timedelta(days=14)]}
    assert account.starts() == ["10-21 09:00"]
    later = NOW + timedelta(days=7, hours=2)
    await account.put("s2", calendar_of(meeting("s2", later, "RRULE:FREQ=WEEKLY", link=ROOM)))
    await account.read()
    assert account.starts() == ["10-21 09:00", "10-28 11:00", "11-04 11:00"]
    assert before[NOW] in account.events, "what was not touched has its old name"


async def test_an_occurrence_keeps_its_name_when_it_or_its_series_is_moved(account: Account) -> None:
    master = meeting("s", NOW, "RRULE:FREQ=DAILY;COUNT=3", link=ROOM)
    await account.put("s", calendar_of(master))
    await account.read()
    names = set(account.events)
    moved = meeting("s", NOW + timedelta(days=2), "RECURRENCE-ID:20261022T090000Z", link=ROOM)
    await account.put("s", calendar_of(master, moved))
    told = await account.read()
    assert (set(account.events), told.removed) == (names, frozenset())
    assert account.starts() == ["10-21 09:00", "10-23 09:00", "10-23 09:00"]
    await account.put("s", calendar_of(meeting("s", NOW.replace(hour=15), "RRULE:FREQ=DAILY;COUNT=3", link=ROOM)))
    await account.read()
    assert set(account.events) == names
    assert account.starts() == ["10-21 15:00", "10-22 15:00", "10-23 15:00"]


async def test_a_time_without_a_zone_is_in_the_calendars_own(server: Radicale) -> None:
    zone = (
        f'<C:calendar-timezone xmlns:C="urn:ietf:params:xml:ns:caldav">{calendar_of(head=BERLIN)}</C:calendar-timezone>'
    )
    async with account_at(server, properties=zone) as account:
        (listed,) = await account.provider.calendars(account.credentials)
        assert listed.time_zone == "Europe/Berlin"
        account.time_zone = listed.time_zone
        await account.put("s", calendar_of(event_of("UID:s", "DTSTART:20261022T090000", "DURATION:PT1H")))
        await account.read()
        assert account.starts() == ["10-22 07:00"]


async def test_who_answered_and_who_else_is_invited_is_told(account: Account) -> None:
    people = (
        "ORGANIZER;CN=Bob:mailto:bob@other.example",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.org",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@third.example",
    )
    await account.put("s", calendar_of(meeting("s", NOW, *people, link=ROOM, title="Plans")))
    await account.read()
    (event,) = account.events.values()
    assert (event.title, event.organiser, event.texts.location) == ("Plans", "Bob", ROOM)
    assert event.domains == {"other.example", "example.org", "third.example"}
