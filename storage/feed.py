"""The decision feed: tells a loop of every log entry soon after it is durable, whichever process wrote it.

Polls in a thread of its own. Each delivery says until when everything is known; where the database can't be read, or
an entry can't be trusted, it says nothing, and its silence shuts the gate (law 2).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from consent_notice.clock import Clock
from storage import log_entries
from storage.database import connect_raw
from storage.errors import BrokenRecord
from storage.log_entries import LogEntry

OnBatch = Callable[[list[LogEntry], int], None]
PAGE = 500
_STOP_TIMEOUT_S = 5


class DecisionFeed:
    """`on_batch(entries, known_until_ms)` is called on the loop at every poll, with or without entries.

    All that was committed before `known_until_ms` (boot clock; the moment at which that poll's read began) has then
    been delivered. While the loop is stalled no calls pile up: the next one carries all of it.
    """

    def __init__(self, log_path: Path, after: int, clock: Clock, interval_ms: int = 50) -> None:
        self._path = log_path
        self._after = after
        self._clock = clock
        self._interval_s = interval_ms / 1000
        self._stopping = threading.Event()
        self._taken = threading.Event()
        self._taken.set()
        self._thread: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop, on_batch: OnBatch) -> None:
        self._thread = threading.Thread(target=self._poll, args=(loop, on_batch), name="decision-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nothing is delivered after it returns, if called on the loop's thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def _poll(self, loop: asyncio.AbstractEventLoop, on_batch: OnBatch) -> None:
        connection: sqlite3.Connection | None = None
        while not self._stopping.wait(self._interval_s):
            if not self._taken.is_set():
                continue
            try:
                connection = connection or connect_raw(self._path, read_only=True)
                known_until_ms = self._clock.boot_ms()  # before the read: a commit after this line may be missed by it
                entries = self._read(connection)
            except (sqlite3.Error, UnicodeDecodeError, BrokenRecord):
                if connection is not None:
                    connection.close()
                    connection = None
                continue
            self._taken.clear()
            try:
                loop.call_soon_threadsafe(self._deliver, on_batch, entries, known_until_ms)
            except RuntimeError:  # the loop is closed
                break
        if connection is not None:
            connection.close()

    def _read(self, connection: sqlite3.Connection) -> list[LogEntry]:
        """All there is, in one snapshot."""
        entries: list[LogEntry] = []
        after = self._after
        connection.execute("BEGIN")
        try:
            while True:
                rows = connection.execute(
                    f"{log_entries.SELECT} WHERE l.idx > ? ORDER BY l.idx LIMIT ?", (after, PAGE)
                ).fetchall()
                entries += [log_entries.read_row(row) for row in rows]
                if len(rows) < PAGE:
                    break
                after = entries[-1].index
        finally:
            connection.execute("COMMIT")
        if entries:
            if [entry.index for entry in entries] != list(range(self._after + 1, entries[-1].index + 1)):
                raise BrokenRecord
            self._after = entries[-1].index
        return entries

    def _deliver(self, on_batch: OnBatch, entries: list[LogEntry], known_until_ms: int) -> None:
        if not self._stopping.is_set():
            on_batch(entries, known_until_ms)
        self._taken.set()
