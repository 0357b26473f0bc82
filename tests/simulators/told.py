"""All that a room pushed, in order, and when."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from bot.ports import RoomEvent
from config.clock import SystemClock

E = TypeVar("E", bound=RoomEvent)
CLOCK = SystemClock()


class Told:
    def __init__(self) -> None:
        self.events: list[RoomEvent] = []
        self.pushed_ms: list[int] = []

    def push(self, event: RoomEvent) -> None:
        self.events.append(event)
        self.pushed_ms.append(CLOCK.boot_ms())

    @property
    def dated(self) -> list[tuple[int, RoomEvent]]:
        return list(zip(self.pushed_ms, self.events, strict=True))

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type[E], within_s: float = 20, count: int = 1) -> E:
        async with asyncio.timeout(within_s):
            while len(self.all(kind)) < count:
                await asyncio.sleep(0.005)
        return self.all(kind)[count - 1]
