"""The clock as a value that is passed in; only `config` owns a real one."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    boot_id: str  # changes when the machine restarts; boot times compare only within one

    def boot_ms(self) -> int:
        """Milliseconds since the machine started, suspended time included; the same in every process of the machine."""
        ...

    def now(self) -> datetime:
        """Aware UTC; for people, never for judging."""
        ...
