"""The feed: everything in order, whoever wrote it, with a heartbeat that never promises too much."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.feed import PAGE, DecisionFeed
from storage.log_entries import LogEntry
from storage.store import Store
from tests.adapter.storage.events import read_by
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.processes import rest_of, start


class Heard:
    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.known_until_ms: list[int] = []

    def __call__(self, entries: list[LogEntry], known_until_ms: int) -> None:
        self.entries += entries
        self.known_until_ms.append(known_until_ms)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.entries) < count:
                await asyncio.sleep(0.005)

    async def beats(self, count: int) -> None:
        goal = len(self.known_until_ms) + count
        async with asyncio.timeout(20):
            while len(self.known_until_ms) < goal:
                await asyncio.sleep(0.005)


@pytest.fixture
async def heard(store: Store, data_dir: Path, clock: HandClock) -> AsyncIterator[Heard]:
    heard = Heard()
    feed = DecisionFeed(data_dir / "onrecord.db", -1, clock, interval_ms=5)
    feed.start(asyncio.get_running_loop(), heard)
    yield heard
    feed.stop()


async def test_entries_of_other_processes_arrive_in_order(store: Store, data_dir: Path, heard: Heard) -> None:
    process = start("log_appender", data_dir, "other", 21, 0)
    for number in range(20):
        await store.log.append(read_by(number), event_id=f"own/{number}")
    await asyncio.to_thread(rest_of, process)
    await heard.until(20 + 42)
    assert heard.entries == store.log.read(-1, 1_000)


async def test_it_beats_without_entries_and_carries_the_moment_its_read_began(
    store: Store, heard: Heard, clock: HandClock
) -> None:
    await heard.beats(2)
    clock.pass_ms(777)
    await store.log.append(read_by(1), event_id="e")  # durable before the clock goes on
    at_ms = clock.boot_ms()
    clock.pass_ms(1)
    await heard.beats(2)
    for position, known_until_ms in enumerate(heard.known_until_ms):
        if known_until_ms > at_ms:
            assert heard.entries, f"beat {position} promised more than it had delivered"
    assert max(heard.known_until_ms) == clock.boot_ms()


async def test_it_starts_after_what_is_known(store: Store, data_dir: Path, clock: HandClock) -> None:
    await store.log.append_all([(read_by(n), f"e{n}") for n in range(PAGE + 20)])
    heard = Heard()
    feed = DecisionFeed(data_dir / "onrecord.db", 4, clock, interval_ms=5)
    feed.start(asyncio.get_running_loop(), heard)
    await heard.until(PAGE + 15)
    feed.stop()
    assert [entry.index for entry in heard.entries] == list(range(5, PAGE + 20))


async def test_a_stalled_loop_gets_one_call_with_all_of_it(store: Store, heard: Heard) -> None:
    await heard.beats(1)
    futures = [store.log.submit([(read_by(n), f"e{n}")]) for n in range(10)]
    beats = len(heard.known_until_ms)
    for future in futures:
        future.result(10)
    time.sleep(0.1)  # the loop stands still
    await heard.until(10)
    assert len(heard.known_until_ms) - beats <= 3


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log_bodies SET body = replace(body, 'recording', 'receipt') WHERE idx = 1",
        "DELETE FROM log_bodies; DELETE FROM log_leaves WHERE idx = 0",
    ],
)
async def test_it_falls_silent_when_an_entry_cannot_be_trusted(
    change: str, store: Store, data_dir: Path, clock: HandClock
) -> None:
    await store.log.append_all([(read_by(n), f"e{n}") for n in range(2)])
    connection = sqlite3.connect(data_dir / "onrecord.db")
    connection.executescript(change)
    connection.close()
    heard = Heard()
    feed = DecisionFeed(data_dir / "onrecord.db", -1, clock, interval_ms=5)
    feed.start(asyncio.get_running_loop(), heard)
    await asyncio.sleep(0.1)
    feed.stop()
    assert heard.known_until_ms == []


async def test_it_falls_silent_when_the_database_is_gone(tmp_path: Path, clock: HandClock) -> None:
    heard = Heard()
    feed = DecisionFeed(tmp_path / "none.db", -1, clock, interval_ms=5)
    feed.start(asyncio.get_running_loop(), heard)
    await asyncio.sleep(0.05)
    feed.stop()
    assert heard.known_until_ms == []


async def test_nothing_comes_after_stop(store: Store, data_dir: Path, clock: HandClock) -> None:
    heard = Heard()
    feed = DecisionFeed(data_dir / "onrecord.db", -1, clock, interval_ms=1)
    feed.start(asyncio.get_running_loop(), heard)
    await heard.beats(3)
    feed.stop()
    beats = len(heard.known_until_ms)
    await asyncio.sleep(0.05)
    assert len(heard.known_until_ms) == beats
