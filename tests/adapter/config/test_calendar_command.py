"""`onrecord calendar preview` as a person runs it, on files as real calendar programs write them and over real HTTP."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from calendar_sync.planning import ALL_DAY, DECLINED, NO_LINK, TWICE, WILL_JOIN
from config.cli import commands
from config.errors import ExitCode
from tests.adapter.config.test_cli import run
from tests.simulators.calendar_files import calendar_of, event_of, meeting
from tests.simulators.calendar_server import CalendarServer, calendar_server

PRODUCERS = Path(__file__).parents[2] / "simulators" / "producers"
SPAN = ("--from", "2026-11-01T00:00:00Z", "--to", "2026-11-15T00:00:00Z")
NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
ROOM = "http://127.0.0.1:8481/room/team-sync"
TEAMS = (
    "https://teams.microsoft.com/l/meetup-join/19%3ameeting_NjA5ZTk1%40thread.v2/0"
    "?context=%7b%22Tid%22%3a%22d6b1%22%2c%22Oid%22%3a%22a1f2%22%7d"
)

# title, start, end, platform, link, the reason's beginning
WRITTEN: dict[str, list[tuple[str, str, str, str | None, str | None, str]]] = {
    "google": [
        ("Weekly (moved)", "03T13:30", "03T14:00", "google_meet", "https://meet.google.com/abc-defg-hij", WILL_JOIN),
        ("Client call", "04T13:00", "04T14:00", "zoom",
         "https://us02web.zoom.us/j/81234567890?pwd=Q1dFRVJU", WILL_JOIN),
        ("Independence Day", "10T23:00", "11T23:00", None, None, ALL_DAY),
    ],
    "outlook": [
        ("Over midnight", "05T04:30", "05T05:30", "webex", "https://acme.webex.com/meet/jane.doe", "Webex"),
        ("Standup", "05T14:30", "05T15:00", "teams", TEAMS, WILL_JOIN),
        ("Standup", "12T14:30", "12T15:00", "teams", TEAMS, WILL_JOIN),
    ],
    "exchange": [
        ("Handover with Pune", "03T04:00", "03T04:30", None, None, "Whereby is not supported yet"),
        ("Quarterly review", "04T15:00", "04T16:00", "zoom",
         "https://us02web.zoom.us/j/81234567890?pwd=Q1dFRVJUWVVJT1A", WILL_JOIN),
    ],
    "apple": [
        ("Design daily", "01T16:00", "01T17:00", "jitsi", "https://meet.jit.si/OurWeekly", WILL_JOIN),
        ("Design daily", "03T18:00", "03T19:00", "jitsi", "https://meet.jit.si/OurWeekly", WILL_JOIN),
        ("Design daily", "04T18:00", "04T19:00", "jitsi", "https://meet.jit.si/OurWeekly", WILL_JOIN),
        ("Breakfast, wherever you are", "05T08:00", "05T09:00", None, None, "FaceTime is not supported yet"),
        ("Office hours", "06T20:00", "06T20:45", None, None, NO_LINK),
        ("Office hours", "09T20:00", "09T20:45", None, None, NO_LINK),
        ("Office hours", "10T22:00", "10T22:45", None, None, NO_LINK),
    ],
    "zoho": [
        ("Monthly numbers", "02T14:00", "02T15:00", None, None, "Zoho Meeting is not supported yet"),
        ("Interview", "03T12:30", "03T13:00", "teams", "https://teams.live.com/meet/9312345678901?p=xYzAbC", WILL_JOIN),
    ],
    "fastmail": [
        ("Sydney sync", "01T22:00", "01T22:30", "zoom", "https://acme.zoom.us/j/98765432101?pwd=abc.1", WILL_JOIN),
        ("Lunch talk", "04T12:00", "04T13:00", "practice", "http://127.0.0.1:8481/room/lunch-talk", WILL_JOIN),
    ],
}  # fmt: skip


def preview(what: Path | str, *more: str) -> Result:
    return CliRunner().invoke(commands, ["calendar", "preview", str(what), *(more or SPAN)])


def listed(what: Path | str, *more: str) -> list[dict[str, Any]]:
    ended = preview(what, *(more or SPAN), "--json")
    assert ended.exit_code == 0, ended.output
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def written(tmp_path: Path, *events: str) -> Path:
    path = tmp_path / "calendar.ics"
    path.write_text(calendar_of(*events), encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("producer", WRITTEN)
def test_files_as_calendar_programs_write_them(producer: str) -> None:
    expected = [
        {
            "title": title,
            "start": f"2026-11-{start}:00Z",
            "end": f"2026-11-{end}:00Z",
            "platform": platform,
            "link": link,
            "decision": "record" if reason == WILL_JOIN else "skip",
        }
        for title, start, end, platform, link, reason in WRITTEN[producer]
    ]
    found = listed(PRODUCERS / f"{producer}.ics")
    reasons = [meeting.pop("reason") for meeting in found]
    assert found == expected
    for reason, row in zip(reasons, WRITTEN[producer], strict=True):
        assert reason.startswith(row[-1])


def test_it_needs_no_data_directory_and_makes_none(tmp_path: Path) -> None:
    """As a command of its own, in an empty folder."""
    ended = run(tmp_path, "calendar", "preview", str(PRODUCERS / "google.ics"), *SPAN, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [list(meeting) for meeting in json.loads(ended.stdout)] == [
        ["title", "start", "end", "platform", "link", "decision", "reason"]
    ] * 3
    assert list(tmp_path.iterdir()) == []


def test_the_span_holds_what_runs_in_it(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        *(event_of(f"UID:{n}", f"DTSTART:20261103T{n}0000Z", "DURATION:PT1H", f"SUMMARY:{n}") for n in range(10, 15)),
    )
    found = listed(path, "--from", "2026-11-03T11:30Z", "--to", "2026-11-03T14:00:00+01:00")
    assert [meeting["title"] for meeting in found] == ["11", "12"]
    found = listed(path, "--from", "2026-11-03T06:00", "--to", "2026-11-03T08:00", "--zone", "America/New_York")
    assert [meeting["title"] for meeting in found] == ["11", "12"]
    assert len(listed(path, "--from", "2026-11-03", "--to", "2026-11-04")) == 5
    assert listed(path, "--from", "2026-11-04") == []


def test_a_time_without_a_zone_means_the_one_given(tmp_path: Path) -> None:
    path = written(tmp_path, event_of("UID:f", "DTSTART:20261103T090000", "SUMMARY:Floating"))
    assert [(one["start"], one["end"]) for one in listed(path)] == [("2026-11-03T09:00:00Z", None)]
    assert [one["start"] for one in listed(path, *SPAN, "--zone", "Asia/Tokyo")] == ["2026-11-03T00:00:00Z"]


def test_it_judges_as_the_server_would(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        meeting("a", NOON, "ATTENDEE;PARTSTAT=DECLINED:mailto:Ann@example.org", link=ROOM, title="Declined"),
        meeting("b", NOON.replace(hour=13), link=ROOM, title="Wanted"),
        meeting("c", NOON.replace(hour=13, minute=10), link=ROOM, title="Twin"),
        meeting("d", NOON.replace(hour=14), "STATUS:CANCELLED", link=ROOM, title="Cancelled"),
    )
    assert [(one["title"], one["reason"]) for one in listed(path, *SPAN, "--me", "ann@example.org")] == [
        ("Declined", DECLINED),
        ("Wanted", WILL_JOIN),
        ("Twin", TWICE),
    ]
    assert listed(path)[0]["decision"] == "record"


def test_rooms_of_this_installation_come_from_its_settings(tmp_path: Path) -> None:
    path = written(tmp_path, meeting("a", NOON, link="https://rooms.example.org/room/team-sync"))
    config = tmp_path / "settings.toml"
    config.write_text('practice_url = "https://rooms.example.org"\n')
    assert listed(path)[0]["platform"] is None
    assert listed(path, *SPAN, "--config", str(config))[0]["platform"] == "practice"


def test_in_words(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        meeting("a", NOON, link=ROOM, title="[red]Plan\x1b[31m B[/red]"),
        meeting("b", NOON.replace(hour=23, minute=45), title="Late"),
        event_of("UID:c", "DTSTART;VALUE=DATE:20261105", "SUMMARY:Holiday"),
    )
    ended = preview(path)
    assert ended.exit_code == 0
    lines = ended.stdout.splitlines()
    assert lines[1].strip() == "Tue 2026-11-03"
    assert "12:00–12:30" in lines[2]
    assert "[red]Plan[31m B[/red]" in lines[2]
    assert "the practice room" in lines[2]
    assert "23:45–00:15 +1d" in ended.stdout
    assert "all day" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert "3 in all, 1 with the bot" in lines[-1]
    assert preview(path, "--from", "2026-12-01").stdout == "no meetings in that time\n"


def test_what_cant_be_read_is_counted_and_the_rest_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, event_of("UID:x", "DTSTART:garbage"), meeting("a", NOON, link=ROOM))
    ended = preview(path, *SPAN, "--json")
    assert (ended.exit_code, len(json.loads(ended.stdout))) == (0, 1)
    assert ended.stderr.startswith("1 entry of the calendar can't be read")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nowhere.ics", "no calendar file at that path"),
        (".", "no calendar file at that path"),
        ("ftp://calendar.example/c.ics", "no calendar address"),
        ("https://user:x@calendar.example/c.ics", "secret address"),
        ("http://127.0.0.1:9/c.ics", "private network"),
        ("http://169.254.169.254/latest/meta-data/", "--allow-private"),
        (f"https://{'a' * 300}.example/", "no calendar address"),
        ("https://" + "a" * 5000, "no calendar address"),
        (str(Path(__file__)), "not a calendar"),
    ],
)
def test_what_goes_wrong_is_one_line(what: str, words: str) -> None:
    ended = preview(what)
    assert (ended.exit_code, ended.stdout) == (ExitCode.FAILED, "")
    assert len(ended.stderr.splitlines()) == 1
    assert words in ended.stderr


@pytest.mark.parametrize(
    "more",
    [
        ("--from", "yesterday"),
        ("--to", "2026-13-01"),
        ("--from", "2026-11-02", "--to", "2026-11-02"),
        ("--from", "0001-01-01T00:00:00+14:00"),
        ("--zone", "Mars/Phobos"),
        ("--zone", "../../etc/passwd"),
    ],
)
def test_a_wrong_command_line(more: tuple[str, ...]) -> None:
    ended = preview(PRODUCERS / "google.ics", *more)
    assert (ended.exit_code, ended.stdout) == (ExitCode.USAGE, "")


async def test_an_address_is_asked_only_where_it_may_be() -> None:
    async with calendar_server(calendar_of(meeting("a", NOON, link=ROOM))) as server:
        await asyncio.to_thread(_over_http, server)


def _over_http(server: CalendarServer) -> None:
    assert preview(server.url).exit_code == ExitCode.FAILED
    assert server.asked == []
    assert len(listed(server.url, *SPAN, "--allow-private")) == 1
    server.fault = "500"
    ended = preview(server.url, *SPAN, "--allow-private")
    assert ended.exit_code == ExitCode.FAILED
    assert ended.stderr == "Error: the calendar server answers with a fault (500).\n"
    assert {asked.method for asked in server.asked} == {"GET"}
