"""How many decisions become durable a second: one after another, and from 50 meetings at once.

Ours makes canonical JSON, salts, hashes, grows the tree and signs a checkpoint with each commit. The floor is bare
SQLite in the same mode (WAL, FULL) on the same disk in the same run: the very rows that ours wrote, into tables of the
same shape, from a plain loop, with as many entries in each commit as ours had.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import statistics
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.figure import Figure
from bench.kept_meeting import KeptMeeting, decided, kept_meeting
from config.clock import SystemClock
from consent_notice.decisions import Act
from consent_notice.events import Decided
from consent_notice.words import SeatId
from storage.consent_log import ConsentLog
from storage.data_dir import DATABASE_NAME
from storage.database import connect_raw

ROUNDS = 15
ALONE = 60  # a round
MEETINGS = 50
FROM_EACH = 20  # a round


def figures() -> Iterable[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    async with kept_meeting(SystemClock()) as meeting:
        path = meeting.store.data_dir / "floor.db"
        with closing(connect_raw(path)) as floor:
            for statement in _shape_of_the_log(meeting.store.data_dir):
                floor.execute(statement)
            alone, alone_floor = await _alone(meeting, floor)
            together, together_floor, rows = await _together(meeting, floor)
        _forget(path)
    return [
        Figure(
            name="durable decisions, one after another",
            value=alone,
            unit="/s",
            floor=alone_floor,
            goal=0.4,
            higher_is_better=True,
        ),
        Figure(
            name=f"durable decisions, from {MEETINGS} meetings at once ({rows:.0f} a commit)",
            value=together,
            unit="/s",
            floor=together_floor,
            goal=0.8,
            higher_is_better=True,
        ),
    ]


async def _alone(meeting: KeptMeeting, floor: sqlite3.Connection) -> tuple[float, float]:
    """In turns, so that both meet the same disk; the middle round of each."""
    log, ours, floors = meeting.store.log, [], []
    for number in range(ROUNDS):
        before = log.size()
        events = [(_decision(meeting, index), f"alone {number} {index}") for index in range(ALONE)]
        began = time.perf_counter()
        for event, event_id in events:
            await log.append(event, event_id=event_id)
        ours.append(ALONE / (time.perf_counter() - began))
        floors.append(_insert(floor, _written(meeting.store.data_dir, before)))
    return statistics.median(ours), statistics.median(floors)


async def _together(meeting: KeptMeeting, floor: sqlite3.Connection) -> tuple[float, float, float]:
    ours, floors, commits = [], [], 0
    for number in range(ROUNDS):
        before = meeting.store.log.size()
        ours.append(await _from_meetings(meeting.store.log, meeting, number))
        batches = _written(meeting.store.data_dir, before)
        floors.append(_insert(floor, batches))
        commits += len(batches)
    return statistics.median(ours), statistics.median(floors), ROUNDS * MEETINGS * FROM_EACH / commits


async def _from_meetings(log: ConsentLog, meeting: KeptMeeting, number: int) -> float:
    """Each meeting logs its next decision when its last is durable."""
    events = [
        [(_decision(meeting, index), f"together {number} {one} {index}") for index in range(FROM_EACH)]
        for one in range(MEETINGS)
    ]

    async def one_meeting(decisions: list[tuple[Decided, str]]) -> None:
        for event, event_id in decisions:
            await log.append(event, event_id=event_id)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for decisions in events:
            tasks.create_task(one_meeting(decisions))
    return MEETINGS * FROM_EACH / (time.perf_counter() - began)


Batch = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]  # rows of leaves, rows of bodies


def _written(data_dir: Path, after: int) -> list[Batch]:
    """What the log wrote since then, commit by commit."""
    with closing(connect_raw(data_dir / DATABASE_NAME, read_only=True)) as database:
        sizes = database.execute("SELECT size FROM log_checkpoints WHERE size >= ? ORDER BY size", (after,)).fetchall()
        leaves = database.execute("SELECT * FROM log_leaves WHERE idx >= ? ORDER BY idx", (after,)).fetchall()
        bodies = database.execute("SELECT * FROM log_bodies WHERE idx >= ? ORDER BY idx", (after,)).fetchall()
    return [
        (leaves[first - after : end - after], bodies[first - after : end - after])
        for (first,), (end,) in itertools.pairwise(sizes)
    ]


def _shape_of_the_log(data_dir: Path) -> list[str]:
    with closing(connect_raw(data_dir / DATABASE_NAME, read_only=True)) as database:
        found = database.execute("SELECT sql FROM sqlite_master WHERE tbl_name IN ('log_leaves', 'log_bodies')")
        return [statement for (statement,) in found if statement]


def _insert(floor: sqlite3.Connection, batches: list[Batch]) -> float:
    began = time.perf_counter()
    for leaves, bodies in batches:
        floor.execute("BEGIN IMMEDIATE")
        floor.executemany("INSERT INTO log_leaves VALUES (?, ?, ?, ?, ?, ?)", leaves)
        floor.executemany("INSERT INTO log_bodies VALUES (?, ?, ?)", bodies)
        floor.execute("COMMIT")
    return sum(len(leaves) for leaves, _ in batches) / (time.perf_counter() - began)


def _decision(meeting: KeptMeeting, number: int) -> Decided:
    return decided(meeting.opened, SeatId(f"seat{number:08d}"), Act.GIVE)


def _forget(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
