"""What calendars say, as real programs write it: times, series, moves, answers, links."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calendar_sync.planning import OwnAnswer
from calendar_sync.sync import Page
from tests.simulators.calendar_files import OWN_ZONE, calendar_of, event_of, meeting
from tests.simulators.ics_reading import NOW, ROOM, events_of, one, starts


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


@pytest.mark.parametrize(("organiser", "is_own"), [("MAILTO:Ann@Example.org", True), ("mailto:bob@example.org", False)])
async def test_who_organises_is_known(tmp_path: Path, organiser: str, is_own: bool) -> None:
    text = calendar_of(meeting("a", NOW, f"ORGANIZER:{organiser}", "ATTENDEE:mailto:eve@example.org"))
    assert one(await events_of(text, tmp_path)).is_organised_by_host is is_own


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


def people(*lines: str) -> str:
    return calendar_of(meeting("p", NOW + timedelta(hours=1), *lines, link=ROOM))


@pytest.mark.parametrize(
    ("lines", "domains"),
    [
        ((), set()),
        (("ORGANIZER;CN=Ann:mailto:ann@example.org",), set()),  # the host
        (("ORGANIZER:MAILTO:Bob@Other.Example",), {"other.example"}),
        (("ATTENDEE;PARTSTAT=DECLINED:mailto:bob@other.example", "ATTENDEE:mailto:cy@example.org"),
         {"other.example", "example.org"}),
        (("ATTENDEE;CUTYPE=ROOM:mailto:r1@rooms.example", "ATTENDEE;CUTYPE=RESOURCE:mailto:beamer@x.example"), set()),
        (("ATTENDEE;CUTYPE=GROUP:mailto:all@other.example",), {"other.example"}),
        (("ATTENDEE;EMAIL=bob@other.example:urn:uuid:1234",), {"other.example"}),
        (("ATTENDEE;EMAIL=ann@example.org:/principals/7/",), set()),
        (("ATTENDEE:urn:uuid:1234",), {""}),
        (("ATTENDEE:invalid:nomail",), {""}),
        (("ATTENDEE:",), {""}),
        (("ATTENDEE;:mailto:bob@other.example",), {""}),  # the line is broken, the event stays
        (('ATTENDEE;CN="Bob:mailto:bob@other.example', "RRULE:FREQ=DAILY;COUNT=1"), {""}),
    ],
)  # fmt: skip
async def test_of_the_others_only_their_mail_domains_are_told(
    tmp_path: Path, lines: tuple[str, ...], domains: set[str]
) -> None:
    event = one(await events_of(people(*lines), tmp_path))
    assert event.domains == domains
    assert "bob@" not in repr(replace(event, organiser="")).lower()


async def test_an_occurrence_with_a_guest_of_its_own_is_told_apart(tmp_path: Path) -> None:
    guest = event_of(
        "UID:s",
        "RECURRENCE-ID;TZID=Europe/Warsaw:20261022T100000",
        "DTSTART;TZID=Europe/Warsaw:20261022T100000",
        "DTEND;TZID=Europe/Warsaw:20261022T103000",
        "ATTENDEE:mailto:bob@other.example",
    )
    page = await events_of(calendar_of(event_of(*SERIES), guest), tmp_path)
    assert {event.starts_at.day: set(event.domains) for event in page.events} == {
        21: set(), 22: {"other.example"}, 23: set(), 24: set(),
    }  # fmt: skip


async def test_what_recurs_has_one_name_that_a_move_does_not_change(tmp_path: Path) -> None:
    moved = event_of(
        "UID:s",
        "RECURRENCE-ID;TZID=Europe/Warsaw:20261022T100000",
        "DTSTART;TZID=Europe/Warsaw:20261026T150000",
        "DTEND;TZID=Europe/Warsaw:20261026T160000",
    )
    before = await events_of(calendar_of(event_of(*SERIES)), tmp_path)
    after = await events_of(calendar_of(event_of(*SERIES), moved), tmp_path)
    alone = await events_of(calendar_of(moved), tmp_path)  # somebody who is invited to that one only
    (series,) = {event.series for event in (*before.events, *after.events, *alone.events)}
    assert len(series) == 40
    other = await events_of(calendar_of(event_of(*SERIES).replace("UID:s", "UID:t")), tmp_path)
    assert {event.series for event in other.events}.isdisjoint({series, ""})


async def test_a_single_event_is_no_series(tmp_path: Path) -> None:
    assert one(await events_of(people(), tmp_path)).series == ""
