"""The machine's own clock and randomness."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, timedelta

from config.clock import SystemClock, new_id


def test_boot_time_is_one_for_all_processes() -> None:
    clock = SystemClock()
    before = clock.boot_ms()
    program = "from config.clock import SystemClock as C; c = C(); print(c.boot_ms(), c.boot_id)"
    other = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert before <= int(other[0]) <= clock.boot_ms()
    assert other[1] == clock.boot_id
    assert len(clock.boot_id) == 36


def test_now_is_aware_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.utcoffset() == timedelta(0)


def test_ids_are_26_characters_and_never_the_same() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 26 and set(one) <= set("abcdefghijklmnopqrstuvwxyz234567") for one in ids)
