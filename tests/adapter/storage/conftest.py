"""A data directory of one's own, a clock that is set by hand, and ids that count."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.store import Store

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


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def new_id() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"id{next(numbers):024d}"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(data_dir: Path, clock: HandClock, new_id: Callable[[], str]) -> Iterator[Store]:
    opened = Store.open(data_dir, clock, new_id)
    yield opened
    opened.close()
