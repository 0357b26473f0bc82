"""How fast decisions become durable, against a bare SQLite table in the same mode (WAL, FULL) in the same run.

Ours hashes, commits to a salted body, grows the tree and signs a checkpoint with each commit; the floor inserts as many
bytes and commits as often.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from bench.figure import Figure
from bench.kept_meeting import KeptMeeting, kept_meeting
from config.clock import SystemClock
from consent_notice.events import RecordRead
from storage.consent_log import ConsentLog
from storage.database import connect_raw

ALONE = 300
TOGETHER = 100
ROUNDS = 20
_ENTRY_BYTES = 700  # a leaf, its hash, a salt and a body


def figures() -> Iterable[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    async with kept_meeting(SystemClock()) as meeting:
        path = meeting.store.data_dir / "floor.db"
        with closing(connect_raw(path)) as floor:
            floor.execute("CREATE TABLE entries (idx INTEGER PRIMARY KEY, entry BLOB)")
            alone, alone_floor = await _alone(meeting, floor)
            together, together_floor = await _together(meeting, floor)
        _forget(path)
    return [
        Figure(name="log append, one at a time", value=alone, unit="ms", floor=alone_floor, goal=3),
        Figure(name="log append, 100 at a time", value=together, unit="ms", floor=together_floor),
    ]


async def _alone(meeting: KeptMeeting, floor: sqlite3.Connection) -> tuple[float, float]:
    """In turns, so that both meet the same disk."""
    log, ours, floors = meeting.store.log, 0.0, 0.0
    for number in range(ALONE):
        began = time.perf_counter()
        await log.append(_read(meeting, number), event_id=f"alone {number}")
        ours += time.perf_counter() - began
        floors += _insert(floor, 1)
    return ours * 1_000 / ALONE, floors * 1_000 / ALONE


async def _together(meeting: KeptMeeting, floor: sqlite3.Connection) -> tuple[float, float]:
    ours, floors = 0.0, 0.0
    for number in range(ROUNDS):
        ours += await _append_many(meeting.store.log, meeting, number)
        floors += _insert(floor, TOGETHER)
    entries = ROUNDS * TOGETHER
    return ours * 1_000 / entries, floors * 1_000 / entries


async def _append_many(log: ConsentLog, meeting: KeptMeeting, number: int) -> float:
    events = [(_read(meeting, number), f"together {number} {part}") for part in range(TOGETHER)]
    began = time.perf_counter()
    await log.append_all(events)
    return time.perf_counter() - began


def _insert(floor: sqlite3.Connection, rows: int) -> float:
    began = time.perf_counter()
    floor.execute("BEGIN IMMEDIATE")
    for _ in range(rows):
        floor.execute("INSERT INTO entries (entry) VALUES (?)", (bytes(_ENTRY_BYTES),))
    floor.execute("COMMIT")
    return time.perf_counter() - began


def _read(meeting: KeptMeeting, number: int) -> RecordRead:
    return RecordRead(visit=meeting.visit, reader=f"reader {number}", what="recording")


def _forget(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
