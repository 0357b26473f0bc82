"""A clock that stands still until told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class HandClock:
    """Stands still until told."""

    def __init__(self, boot_id: str = "boot-1", boot_ms: int = 1_000_000) -> None:
        self.boot_id = boot_id
        self._boot_ms = boot_ms
        self._zero_ms = boot_ms

    def boot_ms(self) -> int:
        return self._boot_ms

    def now(self) -> datetime:
        return START + timedelta(milliseconds=self._boot_ms - self._zero_ms)

    def pass_ms(self, ms: int) -> None:
        self._boot_ms += ms
