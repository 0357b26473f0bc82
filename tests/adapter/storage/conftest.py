"""A data directory of one's own, a clock that is set by hand, and ids that count."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.kept import Kept, keep_a_meeting
from tests.adapter.storage.running import Running


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


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return asyncio.run(keep_a_meeting(tmp_path_factory.mktemp("original") / "data"))


@pytest.fixture
def kept(original: Kept, tmp_path: Path) -> Kept:
    """A copy of one's own to change."""
    shutil.copytree(original.folder, tmp_path / "data")
    return Kept(folder=tmp_path / "data", visit=original.visit, transcript=original.transcript)


@pytest.fixture
async def running(store: Store, clock: HandClock) -> AsyncIterator[Running]:
    found = await Running.begin(store, clock)
    yield found
    await found.writer.settle_and_close()
