"""Any history of edits, faults and restarts: what is planned is what stands in the calendar, each meeting once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calendar_sync.sync import LOOK_AHEAD, CalendarSync
from tests.adapter.calendar_sync.conftest import Installation, WallClock
from tests.adapter.calendar_sync.test_google import ME, POLICY, soon
from tests.simulators.google_calendar import GoogleCalendarServer, google_calendar_server
from tests.simulators.google_events import GoogleEvents, moment
from tests.simulators.google_host import GoogleHost, google_calendars, google_event

STEPS = 30
RULES = (
    "RRULE:FREQ=DAILY",
    "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "RRULE:FREQ=DAILY;BYHOUR=9,15",
    "RRULE:FREQ=DAILY;INTERVAL=2",
)
FAULTS = ("", "", "", "410", "429", "503", "truncated", "hangs up", "429 after 60")


def edit(calendar: GoogleEvents, dice: random.Random, number: int) -> None:
    """One thing that a person does."""
    at = soon(dice.randint(0, 16), dice.choice((8, 9, 13, 15)))
    hours = {"start": moment(at, "Europe/Berlin"), "end": moment(at + timedelta(minutes=30), "Europe/Berlin")}
    occurrences = sorted(calendar.occurrences())
    series = sorted(key for key, event in calendar.stored.items() if "recurrence" in event)
    kind = dice.choice(("put", "series", "move", "cancel", "whole", "split", "end", "title"))
    if kind == "put" or not occurrences:
        calendar.put(google_event(f"single{number}", at, hangoutLink=link(number)))
    elif kind == "series" and len(series) < 4:
        calendar.put(
            google_event(f"series{number}", at, hangoutLink=link(number), recurrence=[dice.choice(RULES)]),
        )
    elif kind == "move":
        calendar.change(dice.choice(occurrences), **hours)
    elif kind == "title":
        calendar.change(dice.choice(occurrences), summary=f"Title of step {number}")
    elif kind == "cancel":
        calendar.cancel(dice.choice(occurrences))
    elif series and kind == "whole":
        calendar.change(dice.choice(series), **hours)
    elif series and kind == "end":
        calendar.cancel(dice.choice(series))
    elif series and kind == "split":
        key = dice.choice(series)
        starts = sorted(one["originalStartTime"]["dateTime"] for one in calendar.occurrences().values()
                        if one.get("recurringEventId") == key)  # fmt: skip
        if starts and "UNTIL" not in calendar.stored[key]["recurrence"][0]:
            at = datetime.fromisoformat(dice.choice(starts))
            calendar.split(key, at, summary=f"Split at step {number}")


def link(number: int) -> str:
    letters = "".join(chr(ord("a") + int(digit)) for digit in f"{number:010}")
    return f"https://meet.google.com/{letters[:3]}-{letters[3:7]}-{letters[7:]}"


def standing(calendar: GoogleEvents, now: datetime) -> list[tuple[datetime, str]]:
    """The naive answer: what is there, not over, and not further than we look."""
    found = []
    for event in calendar.occurrences().values():
        starts_at = datetime.fromisoformat(event["start"]["dateTime"]).astimezone(UTC)
        ends_at = datetime.fromisoformat(event["end"]["dateTime"])
        if ends_at > now and starts_at < now + LOOK_AHEAD:
            found.append((starts_at, event["summary"]))
    return sorted(found)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_planned_is_what_stands_in_the_calendar(here: Installation, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    async with google_calendar_server(tmp_path / "ca") as server:
        mine = server.add(GoogleEvents(id=ME, summary=ME))
        server.page_size = 50
        ann = GoogleHost(server=server, google=google_calendars(server, here.clock))
        await ann.connect()
        row = await here.connect(ME, provider="google")
        sync = CalendarSync(here.store, {"google": ann}, here.clock, POLICY)
        for number in range(STEPS):
            for _ in range(dice.randint(1, 2)):
                edit(mine, dice, number)
            mine.tells_ids_only, server.is_told_twice = dice.random() < 0.5, dice.random() < 0.5
            await misfortune(server, ann, dice)
            result = await sync.read(row.id, from_scratch=dice.random() < 0.1)
            server.faults.clear()
            if result.error is not None:
                result = await sync.read(row.id)
            assert result.error is None
            now = here.clock.now()
            planned = sorted(
                (meeting.starts_at, meeting.title)
                for meeting in await here.store.meetings.of_calendar(row.id)
                if meeting.state.value in ("planned", "due")
                and meeting.starts_at < now + LOOK_AHEAD
                and (meeting.ends_at or meeting.starts_at) > now
            )
            assert planned == standing(mine, now), f"after step {number}"


async def misfortune(server: GoogleCalendarServer, ann: GoogleHost, dice: random.Random) -> None:
    server.faults.extend(dice.choice(FAULTS) for _ in range(3))
    if dice.random() < 0.1:
        server.forget_sync_tokens()
    if dice.random() < 0.1:
        server.identity.expire_access_tokens()
    if dice.random() < 0.1:  # a restart
        ann.google = google_calendars(server, WallClock())
