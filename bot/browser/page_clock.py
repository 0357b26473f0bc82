"""PURE: when a page said what it says, on our clock, and until when it had told all that it knew.

What waits on its way, for the page's worker, the socket or our loop, is not younger for it. A page says each time what
its own clock shows; how far that is behind ours is known by the message that took the least of the last minute.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LATEST_MS = 1e12  # no page is that old
KNOWN_FOR_MS = 30_000  # to twice as long: a server that slept has another distance


class PageClock:
    def __init__(self) -> None:
        self._behind: dict[object, _Least] = {}  # by page: each counts from when it was loaded
        self.alive_ms = self.settled_ms = self._beat_ms = 0

    def said_ms(self, told: Mapping[str, Any], now_ms: int) -> int:
        """`told["at"]`: milliseconds on the clock of `told["page"]`; where a page says none, it was just now."""
        at = told.get("at")
        if not isinstance(at, int | float) or isinstance(at, bool) or not 0 <= at < LATEST_MS:
            return now_ms
        least = self._behind.setdefault(told.get("page"), _Least())
        return min(now_ms, int(at + least.of(now_ms - at, now_ms)))

    def begins(self, at_ms: int) -> None:
        """To be waited for."""
        self.alive_ms = self.settled_ms = self._beat_ms = at_ms

    def beats(self, said_ms: int, now_ms: int) -> None:
        """A sign of life. The first after a standstill may come before what had waited to be told: so all was told at
        the one before."""
        self.settled_ms, self._beat_ms, self.alive_ms = self._beat_ms, said_ms, now_ms


class _Least:
    def __init__(self) -> None:
        self._now = self._before = math.inf
        self._since_ms = 0

    def of(self, value: float, now_ms: int) -> float:
        if now_ms - self._since_ms > KNOWN_FOR_MS:
            self._now, self._before, self._since_ms = math.inf, self._now, now_ms
        self._now = min(self._now, value)
        return min(self._now, self._before)
