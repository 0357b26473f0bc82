"""PURE: when a page said what it says, on our clock.

What waits on its way, for the page's worker, the socket or our loop, is not younger for it. A page says each time what
its own clock shows; how far that is behind ours is known by the message that took the least.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class PageClock:
    def __init__(self) -> None:
        self._behind_ms: dict[object, float] = {}  # by page: each counts from when it was loaded

    def said_ms(self, told: Mapping[str, Any], now_ms: int) -> int:
        """`told["at"]`: milliseconds on the clock of `told["page"]`; where a page says none, it was just now."""
        at = told.get("at")
        if not isinstance(at, int | float) or isinstance(at, bool) or not math.isfinite(at):
            return now_ms
        page = told.get("page")
        behind_ms = min(now_ms - at, self._behind_ms.get(page, now_ms - at))
        self._behind_ms[page] = behind_ms
        return min(now_ms, int(at + behind_ms))
