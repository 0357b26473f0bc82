"""How long the check of a long log takes: every leaf, body, salt and hash, the tree over them, every signed checkpoint.

The floor hashes the same bytes, from memory: each leaf, each body with its salt, each node of the tree, nothing else;
before and after, since a machine is not equally busy all the time. Ours also reads them from disk, builds what each
must be and compares, and checks a signature for every 50 entries. The whole of `onrecord verify` over the same
directory replays every meeting besides; it is told, and held against nothing.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from bench.big_log import grow
from bench.figure import Figure
from bench.kept_meeting import kept_meeting
from config.clock import SystemClock
from storage.data_dir import DATABASE_NAME
from storage.database import connect_raw
from storage.key_file import read_key_file
from storage.vault import Vault
from storage.verify import readable, verify
from storage.verify_log import check_log

SIZE = 1_000_000
_PAGE = 20_000
_NODE = b"\x01" + bytes(64)


def figures(size: int = SIZE) -> Iterable[Figure]:
    return asyncio.run(_measure(size))


async def _measure(size: int) -> list[Figure]:
    async with kept_meeting(SystemClock()) as meeting:
        await asyncio.to_thread(meeting.store.close)
        grow(meeting, size)
        folder = meeting.store.data_dir
        before, checked_s, after = _hashed(folder), _checked(folder), _hashed(folder)
        floor_s, stream_s = (statistics.mean(pair) for pair in zip(before, after, strict=True))
        began = time.perf_counter()
        report = verify(folder)
        whole_s = time.perf_counter() - began
    assert not report.faults, report.faults[:3]
    assert report.entries >= size
    name = f"verify {report.entries} entries with {report.checkpoints} checkpoints"
    return [
        Figure(name=name, value=checked_s, unit="s", floor=floor_s, goal=8),
        Figure(name=f"{name}, against one hash over all bytes", value=checked_s, unit="s", floor=stream_s),
        Figure(name="the whole of onrecord verify over them", value=whole_s, unit="s", floor=floor_s),
    ]


def _checked(folder: Path) -> float:
    vault = Vault(read_key_file(folder))
    faults: list[str] = []
    with closing(connect_raw(folder / DATABASE_NAME, read_only=True)) as database:
        database.text_factory = readable
        database.execute("BEGIN")
        began = time.perf_counter()
        check_log(database, vault, faults.append)
        spent = time.perf_counter() - began
    assert not faults, faults[:3]
    return spent


def _hashed(folder: Path) -> tuple[float, float]:
    """Each thing by itself, as the check must; and all the same bytes as one stream. What reads them is not timed."""
    each = stream = 0.0
    with closing(connect_raw(folder / DATABASE_NAME, read_only=True)) as database:
        rows = database.execute(
            "SELECT l.leaf, b.salt, b.body FROM log_leaves l JOIN log_bodies b ON b.idx = l.idx ORDER BY l.idx"
        )
        one = sha256()
        while page := rows.fetchmany(_PAGE):
            began = time.perf_counter()
            for leaf, salt, body in page:
                sha256(b"\x00" + leaf).digest()
                sha256(salt + body).digest()
                sha256(_NODE).digest()
            each += time.perf_counter() - began
            joined = b"".join(part for leaf, salt, body in page for part in (leaf, salt, body, _NODE))
            began = time.perf_counter()
            one.update(joined)
            stream += time.perf_counter() - began
    return each, stream
