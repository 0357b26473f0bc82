"""When occurrences are: the end of summer time, midnight, whole days, dates left out and added, moves.

Summer time ends in Europe on 25 October 2026 and in the United States on 1 November; the window reaches from 20 October
to 5 November.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from calendar_sync.sync import Page
from tests.simulators.calendar_files import OWN_ZONE, calendar_of, event_of
from tests.simulators.ics_reading import events_of, starts

# Without any rule for summer time, as small programs write it.
FIXED_ZONE = """\
BEGIN:VTIMEZONE
TZID:Fixed
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0530
TZOFFSETTO:+0530
END:STANDARD
END:VTIMEZONE
""".replace("\n", "\r\n")


def spans(page: Page) -> list[tuple[str, str]]:
    return sorted(
        (event.starts_at.strftime("%m-%d %H:%M"), event.ends_at.strftime("%m-%d %H:%M") if event.ends_at else "")
        for event in page.events
    )


@pytest.mark.parametrize(
    ("lines", "head", "expected"),
    [
        # the hour that comes twice (02:30 in Warsaw on the 25th) is the first of the two, as RFC 5545 3.3.5 says
        (
            ("DTSTART;TZID=Europe/Warsaw:20261024T023000", "DURATION:PT30M", "RRULE:FREQ=DAILY;COUNT=3"),
            "",
            [("10-24 00:30", "10-24 01:00"), ("10-25 00:30", "10-25 01:00"), ("10-26 01:30", "10-26 02:00")],
        ),
        # over midnight and over the end of summer time: as long as its wall clock says
        (
            ("DTSTART;TZID=Europe/Warsaw:20261024T230000", "DTEND;TZID=Europe/Warsaw:20261025T040000"),
            "",
            [("10-24 21:00", "10-25 03:00")],
        ),
        # every night from 23:00 to 04:00, and as long in the night that is longer
        (
            (
                "DTSTART;TZID=Europe/Warsaw:20261023T230000",
                "DTEND;TZID=Europe/Warsaw:20261024T040000",
                "RRULE:FREQ=DAILY;COUNT=3",
            ),
            "",
            [("10-23 21:00", "10-24 02:00"), ("10-24 21:00", "10-25 02:00"), ("10-25 22:00", "10-26 03:00")],
        ),
        (
            (
                "DTSTART;TZID=America/New_York:20261029T233000",
                "DTEND;TZID=America/New_York:20261030T010000",
                "RRULE:FREQ=DAILY;COUNT=4",
            ),
            "",
            [
                ("10-30 03:30", "10-30 05:00"),
                ("10-31 03:30", "10-31 05:00"),
                ("11-01 03:30", "11-01 05:00"),
                ("11-02 04:30", "11-02 06:00"),
            ],
        ),
        (
            ("DTSTART;TZID=Our Office:20261023T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4"),
            OWN_ZONE,
            [
                ("10-23 08:00", "10-23 09:00"),
                ("10-24 08:00", "10-24 09:00"),
                ("10-25 09:00", "10-25 10:00"),
                ("10-26 09:00", "10-26 10:00"),
            ],
        ),
        (("DTSTART;TZID=Fixed:20261026T100000", "DURATION:PT1H"), FIXED_ZONE, [("10-26 04:30", "10-26 05:30")]),
        (
            (
                "DTSTART;TZID=Pacific Standard Time:20261030T090000",
                "DURATION:PT1H",
                "RRULE:FREQ=WEEKLY;BYDAY=MO,FR;COUNT=2",
            ),
            "",
            [("10-30 16:00", "10-30 17:00"), ("11-02 17:00", "11-02 18:00")],
        ),
        # the window holds what began before it and runs into it
        (("DTSTART:20261020T060000Z", "DTEND:20261020T100000Z"), "", [("10-20 06:00", "10-20 10:00")]),
        (("DTSTART:20261020T060000Z", "DTEND:20261020T083000Z"), "", []),
    ],
)
async def test_when_it_is(tmp_path: Path, lines: tuple[str, ...], head: str, expected: list[tuple[str, str]]) -> None:
    assert spans(await events_of(calendar_of(event_of("UID:t", *lines), head=head), tmp_path)) == expected


NIGHTLY = ("UID:n", "DTSTART;TZID=Europe/Warsaw:20261023T230000")
FIVE_HOURS = [("10-23 21:00", "10-24 02:00"), ("10-24 21:00", "10-25 02:00"), ("10-25 22:00", "10-26 03:00")]


def nightly(*lines: str) -> str:
    return event_of(*NIGHTLY, "RRULE:FREQ=DAILY;COUNT=3", *lines)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # five hours are five hours, also in the night that is longer
        (
            [nightly("DURATION:PT5H", "RDATE;TZID=Europe/Warsaw:20261027T230000")],
            [*FIVE_HOURS, ("10-27 22:00", "10-28 03:00")],
        ),
        (
            [
                nightly("DTEND;TZID=Europe/Warsaw:20261024T040000", "EXDATE:20261024T210000Z",
                        "RDATE;TZID=Europe/Warsaw:20261024T220000")
            ],
            [FIVE_HOURS[0], ("10-24 20:00", "10-25 01:00"), FIVE_HOURS[2]],
        ),
        # one that was changed, and one and all that follow
        (
            [
                nightly("DURATION:PT1H"),
                event_of("UID:n", "RECURRENCE-ID:20261024T210000Z", "DTSTART;TZID=Europe/Warsaw:20261024T230000",
                         "DURATION:PT5H"),
            ],
            [("10-23 21:00", "10-23 22:00"), FIVE_HOURS[1], ("10-25 22:00", "10-25 23:00")],
        ),
        (
            [
                nightly("DURATION:PT1H"),
                event_of("UID:n", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261023T210000Z",
                         "DTSTART;TZID=Europe/Warsaw:20261023T230000", "DURATION:PT5H"),
            ],
            FIVE_HOURS,
        ),
        (
            [
                nightly("DURATION:PT1H"),
                event_of("UID:n", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Warsaw:20261024T230000",
                         "DTSTART;TZID=Europe/Warsaw:20261024T230000", "DTEND;TZID=Europe/Warsaw:20261025T040000"),
            ],
            [("10-23 21:00", "10-23 22:00"), ("10-24 21:00", "10-25 03:00"), ("10-25 22:00", "10-26 04:00")],
        ),
        # a date that is added with its own length
        (
            [nightly("DURATION:PT1H", "EXDATE:20261024T210000Z",
                     "RDATE;VALUE=PERIOD;TZID=Europe/Warsaw:20261024T220000/PT6H")],
            [("10-23 21:00", "10-23 22:00"), ("10-24 20:00", "10-25 02:00"), ("10-25 22:00", "10-25 23:00")],
        ),
        (
            [nightly("DURATION:PT1H", "EXDATE:20261024T210000Z",
                     "RDATE;VALUE=PERIOD;TZID=Europe/Warsaw:20261024T220000/20261025T040000")],
            [("10-23 21:00", "10-23 22:00"), ("10-24 20:00", "10-25 03:00"), ("10-25 22:00", "10-25 23:00")],
        ),
        # a day is one of the wall clock, 24 hours are not
        ([nightly("DURATION:P1D")], [(FIVE_HOURS[0][0], "10-24 21:00"), ("10-24 21:00", "10-25 22:00"),
                                     ("10-25 22:00", "10-26 22:00")]),
        ([nightly("DURATION:PT24H")], [(FIVE_HOURS[0][0], "10-24 21:00"), ("10-24 21:00", "10-25 21:00"),
                                       ("10-25 22:00", "10-26 22:00")]),
        ([event_of(*NIGHTLY, "DURATION:P1W")], [("10-23 21:00", "10-30 22:00")]),
        ([event_of(*NIGHTLY, "DURATION;X-A=B:+P2DT2H")], [("10-23 21:00", "10-26 00:00")]),
    ],
)  # fmt: skip
async def test_how_long_it_is(tmp_path: Path, events: list[str], expected: list[tuple[str, str]]) -> None:
    page = await events_of(calendar_of(*events), tmp_path)
    assert (spans(page), page.broken) == (expected, 0)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("EXDATE:20261022T080000Z",), ["21", "23", "24"]),
        (("EXDATE;TZID=Europe/Warsaw:20261022T100000,20261023T100000",), ["21", "24"]),
        (("EXDATE;TZID=Europe/Warsaw:20261022T100000", "EXDATE:20261023T080000Z"), ["21", "24"]),
        (("EXDATE;TZID=America/New_York:20261022T040000",), ["21", "23", "24"]),
        (("EXDATE:20261022T090000Z",), ["21", "22", "23", "24"]),
        (("RDATE;TZID=Europe/Warsaw:20261027T100000",), ["21", "22", "23", "24", "27"]),
        (("RDATE:20261027T090000Z,20261028T090000Z",), ["21", "22", "23", "24", "27", "28"]),
        (("RDATE;VALUE=PERIOD:20261027T090000Z/PT1H",), ["21", "22", "23", "24", "27"]),
        (("RDATE:20261022T080000Z",), ["21", "22", "23", "24"]),
        (("RDATE:20261027T090000Z", "EXDATE:20261027T090000Z"), ["21", "22", "23", "24"]),
    ],
)
async def test_dates_left_out_and_added(tmp_path: Path, lines: tuple[str, ...], expected: list[str]) -> None:
    text = calendar_of(
        event_of(
            "UID:s",
            "DTSTART;TZID=Europe/Warsaw:20261021T100000",
            "DTEND;TZID=Europe/Warsaw:20261021T103000",
            "RRULE:FREQ=DAILY;COUNT=4",
            *lines,
        )
    )
    page = await events_of(text, tmp_path)
    assert page.broken == 0
    assert [at[3:5] for at in starts(page)] == expected
    assert len({event.occurrence_key for event in page.events}) == len(expected)


@pytest.mark.parametrize(
    ("lines", "more", "expected"),
    [
        ("EXDATE;TZID=Europe/Warsaw:20261022T090000", [], ["10-22 09:00", "10-23 07:00", "10-23 09:00"]),
        ("EXDATE:20261022T090000Z", [], ["10-22 07:00", "10-23 07:00", "10-23 09:00"]),
        (
            "CLASS:PUBLIC",
            [event_of("UID:t", "RECURRENCE-ID;TZID=Europe/Warsaw:20261022T090000", "DTSTART:20261021T090000Z")],
            ["10-21 09:00", "10-22 09:00", "10-23 07:00", "10-23 09:00"],
        ),
        (
            "CLASS:PUBLIC",
            [event_of("UID:t", "RECURRENCE-ID:20261022T090000Z", "DTSTART:20261021T090000Z")],
            ["10-21 09:00", "10-22 07:00", "10-23 07:00", "10-23 09:00"],
        ),
        # without a zone: on the wall clock of its series
        ("EXDATE:20261022T110000", [], ["10-22 07:00", "10-23 07:00", "10-23 09:00"]),
    ],
)
async def test_one_of_two_a_day_is_left_out_or_moved_and_the_other_stays(
    tmp_path: Path, lines: str, more: list[str], expected: list[str]
) -> None:
    """At 9:00 and at 11:00 in Warsaw, where 11:00 is 9:00 in UTC."""
    twice_a_day = "RRULE:FREQ=DAILY;COUNT=4;BYHOUR=9,11"
    text = calendar_of(event_of("UID:t", "DTSTART;TZID=Europe/Warsaw:20261022T090000", twice_a_day, lines), *more)
    page = await events_of(text, tmp_path)
    assert (starts(page), page.broken) == (expected, 0)


WEEKLY = ("UID:w", "DTSTART;TZID=Europe/Warsaw:20260902T100000", "DURATION:PT30M", "RRULE:FREQ=WEEKLY;BYDAY=WE")


def exception(original: str, moved: str, *more: str) -> str:
    times = (f"RECURRENCE-ID;TZID=Europe/Warsaw:{original}", f"DTSTART;TZID=Europe/Warsaw:{moved}")
    return event_of("UID:w", *times, "DURATION:PT30M", *more)


@pytest.mark.parametrize(
    ("exceptions", "expected"),
    [
        ([], ["10-21 08:00", "10-28 09:00", "11-04 09:00"]),
        # into the window from outside of it, and out of it
        (
            [exception("20261202T100000", "20261022T150000")],
            ["10-21 08:00", "10-22 13:00", "10-28 09:00", "11-04 09:00"],
        ),
        (
            [exception("20260909T100000", "20261022T150000")],
            ["10-21 08:00", "10-22 13:00", "10-28 09:00", "11-04 09:00"],
        ),
        ([exception("20261028T100000", "20261223T150000")], ["10-21 08:00", "11-04 09:00"]),
        # two change places
        (
            [exception("20261021T100000", "20261028T100000"), exception("20261028T100000", "20261021T100000")],
            ["10-21 08:00", "10-28 09:00", "11-04 09:00"],
        ),
        # the later revision of the same exception counts
        (
            [
                exception("20261028T100000", "20261028T120000", "SEQUENCE:1"),
                exception("20261028T100000", "20261028T140000", "SEQUENCE:2"),
            ],
            ["10-21 08:00", "10-28 13:00", "11-04 09:00"],
        ),
        (
            [
                exception("20261028T100000", "20261028T140000", "SEQUENCE:2"),
                exception("20261028T100000", "20261028T120000", "SEQUENCE:1"),
            ],
            ["10-21 08:00", "10-28 13:00", "11-04 09:00"],
        ),
    ],
)
async def test_exceptions(tmp_path: Path, exceptions: list[str], expected: list[str]) -> None:
    text = calendar_of(event_of(*WEEKLY), *exceptions)
    page = await events_of(text, tmp_path)
    assert (starts(page), page.broken) == (expected, 0)
    assert len({event.occurrence_key for event in page.events}) == len(expected)
    backwards = await events_of(calendar_of(*reversed(exceptions), event_of(*WEEKLY)), tmp_path)
    assert {e.occurrence_key: e.starts_at for e in backwards.events} == {
        e.occurrence_key: e.starts_at for e in page.events
    }


async def test_this_and_following_and_then_one_of_the_following(tmp_path: Path) -> None:
    following = event_of(
        "UID:w", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Warsaw:20261028T100000",
        "DTSTART;TZID=Europe/Warsaw:20261028T150000", "DURATION:PT45M",
    )  # fmt: skip
    before = await events_of(calendar_of(event_of(*WEEKLY)), tmp_path)
    page = await events_of(calendar_of(event_of(*WEEKLY), following), tmp_path)
    assert spans(page) == [
        ("10-21 08:00", "10-21 08:30"), ("10-28 14:00", "10-28 14:45"), ("11-04 14:00", "11-04 14:45")
    ]  # fmt: skip
    assert {e.occurrence_key for e in page.events} == {e.occurrence_key for e in before.events}
    moved = exception("20261104T100000", "20261104T083000")
    page = await events_of(calendar_of(event_of(*WEEKLY), following, moved), tmp_path)
    assert starts(page) == ["10-21 08:00", "10-28 14:00", "11-04 07:30"]
    assert {e.occurrence_key for e in page.events} == {e.occurrence_key for e in before.events}


async def test_whole_days(tmp_path: Path) -> None:
    text = calendar_of(
        event_of("UID:d", "DTSTART;VALUE=DATE:20261023", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20261024"),
        event_of("UID:l", "DTSTART;VALUE=DATE:20261030", "DTEND;VALUE=DATE:20261102"),
    )
    page = await events_of(text, tmp_path, zone="Europe/Warsaw")
    assert {event.is_all_day for event in page.events} == {True}
    assert spans(page) == [
        ("10-22 22:00", "10-23 22:00"), ("10-24 22:00", "10-25 23:00"), ("10-29 23:00", "11-01 23:00")
    ]  # fmt: skip


async def test_floating_times_follow_summer_time_where_the_host_is(tmp_path: Path) -> None:
    text = calendar_of(
        event_of("UID:f", "DTSTART:20261024T100000", "DTEND:20261024T110000", "RRULE:FREQ=DAILY;COUNT=2")
    )
    assert starts(await events_of(text, tmp_path, zone="Europe/Warsaw")) == ["10-24 08:00", "10-25 09:00"]
    assert starts(await events_of(text, tmp_path)) == ["10-24 10:00", "10-25 10:00"]
