"""Reads calendar text through the ICS provider as a synchronization would, at one moment of one week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from calendar_sync.fetching import FetchLimits
from calendar_sync.ics import IcsCalendar
from calendar_sync.planning import CalendarEvent
from calendar_sync.sync import CalendarSource, Page, Window
from tests.simulators.calendar_server import CalendarServer

NOW = datetime(2026, 10, 21, 9, 0, tzinfo=UTC)  # a Wednesday; summer time ends in Europe on the 25th
WINDOW = Window(starts_at=NOW - timedelta(days=1), ends_at=NOW + timedelta(days=14))
ROOM = "http://rooms.test/room/team-sync"
LIMITS = FetchLimits(allow_private_addresses=True, total_s=1.5, max_bytes=2_000_000)


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
