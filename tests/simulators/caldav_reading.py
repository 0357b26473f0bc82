"""A host's account at a real CalDAV server, read through its front door as a synchronization would."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from calendar_sync.accounts import Credentials, Granted
from calendar_sync.caldav import CaldavCalendars
from calendar_sync.fetching import FetchLimits
from calendar_sync.planning import CalendarEvent
from calendar_sync.sync import CalendarSource, Page, Window
from tests.simulators.ics_reading import WINDOW
from tests.simulators.radicale import CalendarProgram, Front, Radicale, front_of

LIMITS = FetchLimits(allow_private_addresses=True, total_s=5, max_bytes=2_000_000)
PASSWORD = "four-short-words"
_numbers = itertools.count()


async def keep_nothing(_text: str) -> None:
    raise AssertionError("a password does not change by being used")


def held(granted: Granted) -> Credentials:
    return Credentials(text=granted.credentials, save=keep_nothing)


@dataclass(slots=True, kw_only=True)
class Account:
    server: Radicale
    front: Front
    program: CalendarProgram
    provider: CaldavCalendars
    user: str
    granted: Granted
    calendar: str  # as its program knows it
    state: str | None = None
    window: Window = WINDOW
    time_zone: str = "UTC"
    events: dict[str, CalendarEvent] = field(default_factory=dict)  # what is known of it, after all passes

    @property
    def credentials(self) -> Credentials:
        return held(self.granted)

    @property
    def source(self) -> CalendarSource:
        return CalendarSource(
            address=self.front.through(self.calendar),
            own_addresses=self.granted.own_addresses,
            time_zone=self.time_zone,
            credentials=self.credentials,
        )

    async def put(self, name: str, text: str) -> None:
        await self.program.put(self.calendar, name, text)

    async def delete(self, name: str) -> None:
        await self.program.delete(self.calendar, name)

    async def read(self, *, again: bool = False) -> Page:
        """One pass, all its pages as one; `again`: as if we had died before the place was kept."""
        changed: dict[str, CalendarEvent] = {}
        removed: set[str] = set()
        last = None
        async for page in self.provider.pages(self.source, self.state, self.window):
            assert last is None, "nothing comes after the last page"
            assert page.is_last == (page.next_state is not None)
            for event in page.events:
                changed[event.occurrence_key] = event
                removed.discard(event.occurrence_key)
            for key in page.removed:
                changed.pop(key, None)
                removed.add(key)
            last = page if page.is_last else None
        assert last is not None
        if last.is_complete:
            self.events.clear()
        for key in removed:
            self.events.pop(key, None)
        self.events.update(changed)
        if not again:
            self.state = last.next_state
        return Page(
            events=tuple(changed.values()),
            removed=frozenset(removed),
            broken=last.broken,
            next_state=last.next_state,
            is_last=True,
            is_complete=last.is_complete,
        )

    async def from_scratch(self) -> dict[str, CalendarEvent]:
        """What the calendar holds in the window, whatever was known."""
        pages = [page async for page in self.provider.pages(self.source, None, self.window)]
        return {event.occurrence_key: event for page in pages for event in page.events}

    def later(self, **by: float) -> None:
        starts_at, ends_at = self.window.starts_at, self.window.ends_at
        self.window = Window(starts_at=starts_at + timedelta(**by), ends_at=ends_at + timedelta(**by))

    def starts(self) -> list[str]:
        return sorted(event.starts_at.strftime("%m-%d %H:%M") for event in self.events.values())


@asynccontextmanager
async def account_at(
    server: Radicale, *, user: str = "", limits: FetchLimits = LIMITS, properties: str = ""
) -> AsyncIterator[Account]:
    """One of its own, with one calendar."""
    user = user or f"ann{next(_numbers)}"
    server.set_password(user, PASSWORD)
    program = CalendarProgram(server, user)
    async with front_of(server) as front:
        try:
            calendar = await program.make_calendar("work", "Work", properties)
            provider = CaldavCalendars(limits)
            yield Account(
                server=server,
                front=front,
                program=program,
                provider=provider,
                user=user,
                granted=await provider.connect(front.url, user, PASSWORD),
                calendar=calendar,
            )
        finally:
            program.close()
