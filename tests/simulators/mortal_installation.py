"""A store with a clock that stands still, which lives through many histories and dies on a line when told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storage.store import Store
from tests.simulators.calendar_truth import FIRST_DAY
from tests.simulators.delta_service import Killed

BEGINNING = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, 6, 0, tzinfo=UTC)


class StoppedClock:
    boot_id = "boot"

    def __init__(self) -> None:
        self.at = BEGINNING

    def boot_ms(self) -> int:
        return int((self.at - BEGINNING).total_seconds() * 1000) + 1_000_000

    def now(self) -> datetime:
        return self.at


class Installation:
    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self._ids = folder, StoppedClock(), 0
        self.dies_at = ""
        self.open()

    def open(self) -> None:
        self.store = Store.open(self.folder, self.clock, self.new_id)
        meetings, calendars = self.store.meetings, self.store.calendars
        meetings.apply_plan = self._mortal("plan", meetings.apply_plan)  # type: ignore[method-assign]
        calendars.save_sync = self._mortal("place", calendars.save_sync)  # type: ignore[method-assign]

    def reopen(self) -> None:
        self.store.close()
        self.open()

    def new_id(self) -> str:
        self._ids += 1
        return f"id{self._ids:024d}"

    def _mortal(self, name: str, write: Callable[..., Awaitable[None]]) -> Callable[..., Coroutine[Any, Any, None]]:
        async def mortal(*arguments: Any) -> None:
            if self.dies_at == f"before {name}":
                raise Killed
            await write(*arguments)
            if self.dies_at == f"after {name}":
                raise Killed

        return mortal
