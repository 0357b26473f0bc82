"""A meeting that came and went while nothing read its calendar: its host is told, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from calendar_sync.links import LinkTexts
from calendar_sync.planning import CalendarEvent
from calendar_sync.sync import CalendarSync
from config.clock import new_id
from consent_notice.words import Rule, UserId
from storage.calendars import CalendarRow
from storage.claims import NO_BOT_IN_TIME
from storage.meeting_rows import UNSEEN
from storage.store import Store
from tests.adapter.calendar_sync.conftest import POLICY, ROOM
from tests.adapter.storage.hand_clock import HandClock
from tests.simulators.calendar_provider import SimulatedCalendar


class Office:
    """A host with a calendar, a service that tells it, and a server that runs or does not."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.store = Store.open(folder, self.clock, new_id)
        self.service = SimulatedCalendar()
        self.sync = CalendarSync(self.store, {"ics": self.service}, self.clock, POLICY)

    async def open(self) -> CalendarRow:
        host = await self.store.users.create(email="ann@example.org", name="Ann", role="host", password_hash="x")
        self.host_id: UserId = host.id
        calendar = await self.store.calendars.add(
            host_id=host.id, provider="ics", title="Work", address="x", rule=Rule.EVERYONE, language="en"
        )
        await self.store.calendars.set_enabled(calendar.id, True)
        return calendar

    def puts_in(self, key: str, *, in_hours: float) -> None:
        starts_at = self.clock.now() + timedelta(hours=in_hours)
        self.service.put(
            CalendarEvent(
                occurrence_key=key,
                title=key,
                organiser="Bob",
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=30),
                texts=LinkTexts(location=f"{ROOM}-{key}"),
            )
        )

    def pass_time(self, by: timedelta) -> None:
        self.clock.pass_ms(int(by.total_seconds() * 1_000))

    async def told(self) -> list[tuple[str, str | None]]:
        await self.store.meetings.mark_missed(self.clock.now())
        return [(row.title, row.outcome) for row in await self.store.meetings.missed(self.host_id)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "data")
    yield office
    office.store.close()


@pytest.mark.parametrize("down_for", [timedelta(hours=4), timedelta(days=5)])
async def test_it_is_told_as_missed_with_the_reason_once(office: Office, down_for: timedelta) -> None:
    calendar = await office.open()
    office.puts_in("before", in_hours=-3)
    await office.sync.read(calendar.id)
    assert await office.told() == []
    office.puts_in("unseen", in_hours=1)
    office.puts_in("next week", in_hours=24 * 7)
    office.pass_time(down_for)
    await office.sync.read(calendar.id, from_scratch=True)
    assert await office.told() == [("unseen", UNSEEN)]
    office.pass_time(timedelta(hours=1))
    office.service.forget_tokens()
    await office.sync.read(calendar.id, from_scratch=True)
    assert await office.told() == [("unseen", UNSEEN)]
    assert [row.title for row in await office.store.meetings.upcoming(office.host_id, office.clock.now())] == [
        "next week"
    ]


@pytest.mark.parametrize("down_for", [timedelta(hours=4), timedelta(days=5)])
async def test_what_was_planned_keeps_its_own_reason(office: Office, down_for: timedelta) -> None:
    calendar = await office.open()
    office.puts_in("planned", in_hours=1)
    await office.sync.read(calendar.id)
    office.pass_time(down_for)
    assert await office.told() == [("planned", NO_BOT_IN_TIME)]
    await office.sync.read(calendar.id, from_scratch=True)
    assert await office.told() == [("planned", NO_BOT_IN_TIME)]


async def test_what_was_on_while_the_calendar_was_off_was_not_missed(office: Office) -> None:
    calendar = await office.open()
    await office.sync.read(calendar.id)
    await office.store.calendars.set_enabled(calendar.id, False)
    office.puts_in("while off", in_hours=1)
    office.pass_time(timedelta(hours=4))
    await office.store.calendars.set_enabled(calendar.id, True)
    await office.sync.read(calendar.id, from_scratch=True)
    assert await office.told() == []


async def test_switching_on_what_is_on_hides_nothing(office: Office) -> None:
    calendar = await office.open()
    await office.sync.read(calendar.id)
    office.puts_in("unseen", in_hours=1)
    office.pass_time(timedelta(hours=4))
    await office.store.calendars.set_enabled(calendar.id, True)
    await office.sync.read(calendar.id, from_scratch=True)
    assert await office.told() == [("unseen", UNSEEN)]
