"""The real clock and the real ids: the only place that asks the machine for them."""

from __future__ import annotations

import base64
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """Boot time is CLOCK_BOOTTIME: one for all processes of the machine, and it counts the time asleep."""

    __slots__ = ("boot_id",)

    def __init__(self) -> None:
        self.boot_id = _BOOT_ID.read_text(encoding="ascii").strip()

    def boot_ms(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def now(self) -> datetime:
        return datetime.now(UTC)


def new_id() -> str:
    """128 random bits as 26 characters of a to z and 2 to 7."""
    return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()
