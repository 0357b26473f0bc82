"""A real store, the real clock, a host, and planning for the practice room."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calendar_sync.links import KnownHosts, Platform
from calendar_sync.planning import PlanningPolicy
from calendar_sync.reach import Reach
from consent_notice.words import Rule
from storage.calendars import CalendarRow
from storage.store import Store
from storage.users import User

PRACTICE_URL = "http://rooms.test"
ROOM = f"{PRACTICE_URL}/room/team-sync"
POLICY = PlanningPolicy(
    known_hosts=KnownHosts(practice_url=PRACTICE_URL), reach=Reach(joinable=frozenset({Platform.PRACTICE}))
)


class WallClock:
    boot_id = "this one"

    def boot_ms(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Installation:
    store: Store
    clock: WallClock
    host: User

    async def connect(self, address: str, *, provider: str = "ics", enabled: bool = True) -> CalendarRow:
        row = await self.store.calendars.add(
            host_id=self.host.id, provider=provider, title="Work", address=address, rule=Rule.EVERYONE, language="en"
        )
        if enabled:
            await self.store.calendars.set_enabled(row.id, True)
        return row

    async def row(self, calendar: CalendarRow) -> CalendarRow:
        found = await self.store.calendars.get(calendar.id)
        assert found is not None
        return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data", WallClock(), lambda: secrets.token_hex(13))
    yield opened
    opened.close()


@pytest.fixture
async def here(store: Store) -> Installation:
    host = await store.users.create(email="ann@example.org", name="Ann", role="host", password_hash="x")
    return Installation(store=store, clock=WallClock(), host=host)
