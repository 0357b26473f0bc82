"""The consent log: appends that are durable when they return, and reads with their proofs.

One thread writes, in batches: one transaction with one signed checkpoint, fsynced (WAL, FULL). Several processes may
append at once: size and frontier are read inside the transaction. Each append is a whole or nothing.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consent_notice.checkpoint import BadCheckpoint, Checkpoint, VerifierKey, open_checkpoint, sign_checkpoint
from consent_notice.clock import Clock
from consent_notice.events import Erased, Event
from consent_notice.merkle import BrokenFrontier, Frontier, Tree, leaf_hash
from consent_notice.receipt import ProvenEntry
from consent_notice.words import VisitId
from storage import log_entries
from storage.database import connect_raw
from storage.errors import DatabaseFailed, LogWriteFailed, NotStored, StaleEpoch, StorageError
from storage.log_entries import ErasedBody, LogEntry, Prepared
from storage.vault import Vault, verify_signature

QUEUE_LIMIT = 4_096
BATCH_LIMIT = 256
_CLOSE_TIMEOUT_S = 30
_FENCE = "SELECT m.epoch FROM visits v JOIN meetings m ON m.id = v.meeting_id WHERE v.id = ?"

Companion = Callable[[sqlite3.Connection, Sequence[int]], None]
_Result = concurrent.futures.Future[list[LogEntry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The append is refused unless this is still the meeting's last claim."""

    visit: VisitId
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    entries: list[Prepared]
    fence: Fence | None
    companion: Companion | None
    result: _Result = field(default_factory=concurrent.futures.Future)


class ConsentLog:
    def __init__(self, path: Path, vault: Vault, clock: Clock) -> None:
        self._path = path
        self._vault = vault
        self._clock = clock
        self._queue: queue.Queue[_Request | None] = queue.Queue(QUEUE_LIMIT)
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._starting = threading.Lock()
        self._reading = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._tree = Tree()
        self._trusted_frontier = ""  # the last one that this process wrote or checked

    @property
    def key(self) -> VerifierKey:
        return self._vault.verifier_key

    @property
    def vkey(self) -> str:
        """The published verifier key (C2SP)."""
        return str(self.key)

    @property
    def origin(self) -> str:
        return self.key.name

    # ---- writing ---------------------------------------------------------------------------------------------------

    async def append(self, event: Event, *, event_id: str) -> LogEntry:
        """Durable on return, checkpoint included. An event id that is there already returns the entry it has.

        Cancelling the caller does not take back what was queued. Raises LogWriteFailed: nothing of it is there. After
        a power cut an append that failed on a dying disk may yet turn up; its id makes a repeat harmless.
        """
        return (await self.append_all([(event, event_id)]))[0]

    async def append_all(self, events: Sequence[tuple[Event, str]]) -> list[LogEntry]:
        """All in one transaction, in order. Raises as `append` does."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(events)))

    def submit(
        self, events: Sequence[tuple[Event, str]], *, fence: Fence | None = None, companion: Companion | None = None
    ) -> _Result:
        """For threads. `companion` writes rows in the same transaction, and is told the entries' indices."""
        prepared = [log_entries.prepare(event, event_id) for event, event_id in events]
        request = _Request(entries=prepared, fence=fence, companion=companion)
        with self._starting:
            if self._is_closed:
                raise LogWriteFailed("couldn't write the log: it is closed; open the store again")
            try:
                self._queue.put_nowait(request)
            except queue.Full:
                raise LogWriteFailed("couldn't write the log: its queue is full; the disk is too slow") from None
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_batches, name="consent-log", daemon=True)
                self._thread.start()
        return request.result

    def begin(self, connection: sqlite3.Connection) -> None:
        """The empty log's checkpoint, once for a data directory; inside the caller's transaction."""
        self._write_head(connection, Frontier())

    def close(self) -> None:
        """Writes what is queued, then ends."""
        with self._starting:
            self._is_closed = True
            thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join(_CLOSE_TIMEOUT_S)
        with self._reading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def _write_batches(self) -> None:
        connection: sqlite3.Connection | None = None
        is_last = False
        while not is_last:
            batch, is_last = self._next_batch()
            if not batch:
                continue
            try:
                connection = connection or connect_raw(self._path)
                answers = self._write(connection, batch)
            except Exception as error:  # noqa: BLE001  every waiting caller must be told, whatever it was
                if connection is not None:
                    connection.close()
                    connection = None
                failure = error if isinstance(error, StorageError) else LogWriteFailed(_message(error))
                for request in batch:
                    request.result.set_exception(failure)
                continue
            for request, answer in zip(batch, answers, strict=True):
                if isinstance(answer, BaseException):
                    request.result.set_exception(answer)
                else:
                    request.result.set_result(answer)
        if connection is not None:
            connection.close()

    def _next_batch(self) -> tuple[list[_Request], bool]:
        """Waits for one request and takes what else is there; True with the last one."""
        batch: list[_Request] = []
        request = self._queue.get()
        while request is not None:
            request.result.set_running_or_notify_cancel()
            batch.append(request)
            if len(batch) >= BATCH_LIMIT:
                return batch, False
            try:
                request = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, connection: sqlite3.Connection, batch: list[_Request]) -> list[list[LogEntry] | StorageError]:
        """One transaction. If we die before its commit returns, no caller has been told of anything in it."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            frontier = self._frontier(connection)
            size = frontier.size
            answers: list[list[LogEntry] | StorageError] = []
            for request in batch:
                before = frontier.copy()
                connection.execute("SAVEPOINT request")
                try:
                    answers.append(self._write_request(connection, frontier, request))
                except (StorageError, sqlite3.IntegrityError) as refusal:
                    connection.execute("ROLLBACK TO request")
                    frontier = before
                    answers.append(refusal if isinstance(refusal, StorageError) else LogWriteFailed(_message(refusal)))
                connection.execute("RELEASE request")
            trusted = self._trusted_frontier
            if frontier.size > size:
                trusted = self._write_head(connection, frontier)
            connection.execute("COMMIT")
            self._trusted_frontier = trusted
            return answers
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _write_request(self, connection: sqlite3.Connection, frontier: Frontier, request: _Request) -> list[LogEntry]:
        if request.fence is not None:
            _check_fence(connection, request.fence)
        written = [self._write_entry(connection, frontier, prepared) for prepared in request.entries]
        if request.companion is not None:
            request.companion(connection, [entry.index for entry in written])
        return written

    def _write_entry(self, connection: sqlite3.Connection, frontier: Frontier, prepared: Prepared) -> LogEntry:
        known = connection.execute(f"{log_entries.SELECT} WHERE l.event_id = ?", (prepared.event_id,)).fetchone()
        if known is not None:
            return log_entries.read_row(known)
        at = self._clock.now()
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        leaf, index = prepared.leaf(at), frontier.size
        hashed = leaf_hash(leaf)
        event = prepared.event
        connection.execute(
            "INSERT INTO log_leaves (idx, event_id, visit, kind, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?)",
            (index, prepared.event_id, event.visit, event.kind, leaf, hashed),
        )
        connection.execute(
            "INSERT INTO log_bodies (idx, salt, body) VALUES (?, ?, ?)", (index, prepared.salt, prepared.body)
        )
        frontier.append(hashed)
        return LogEntry(index=index, event=event, at=at, event_id=prepared.event_id, leaf_hash=hashed)

    def _write_head(self, connection: sqlite3.Connection, frontier: Frontier) -> str:
        text = json.dumps(frontier.to_json(), separators=(",", ":"))
        checkpoint = Checkpoint(origin=self.origin, size=frontier.size, root=frontier.root())
        note = sign_checkpoint(checkpoint, self.key, self._vault.sign)
        connection.execute("INSERT INTO log_checkpoints (size, note) VALUES (?, ?)", (frontier.size, note))
        connection.execute(
            "INSERT OR REPLACE INTO log_frontier (id, size, frontier) VALUES (1, ?, ?)", (frontier.size, text)
        )
        return text

    def _frontier(self, connection: sqlite3.Connection) -> Frontier:
        """The saved edge of the tree, held against the last signed checkpoint: a changed one is never signed over."""
        row = connection.execute(
            "SELECT f.frontier, c.note, (SELECT max(idx) FROM log_leaves)"
            " FROM log_frontier f LEFT JOIN log_checkpoints c ON c.size = (SELECT max(size) FROM log_checkpoints)"
        ).fetchone()
        try:
            text, note, last_index = row
            frontier = Frontier.from_json(json.loads(text))
            if (-1 if last_index is None else last_index) + 1 != frontier.size:
                raise BrokenFrontier
            if text != self._trusted_frontier:
                signed = open_checkpoint(note, self.key, verify_signature)
                if (signed.size, signed.root) != (frontier.size, frontier.root()):
                    raise BrokenFrontier
        except (BrokenFrontier, BadCheckpoint, TypeError, ValueError, AttributeError):
            raise LogWriteFailed(
                "couldn't write the log: it does not match its last checkpoint; run `onrecord verify`"
            ) from None
        return frontier

    # ---- reading: blocking, from any thread --------------------------------------------------------------------------

    def read(self, after: int, limit: int) -> list[LogEntry]:
        """Entries above index `after` (-1: from the first), in order. Raises BrokenRecord, DatabaseFailed."""
        return self._entries("WHERE l.idx > ? ORDER BY l.idx LIMIT ?", after, limit)

    def entries_of(self, visit: VisitId) -> list[LogEntry]:
        return self._entries("WHERE l.visit = ? ORDER BY l.idx", visit)

    def get(self, index: int) -> LogEntry:
        """Raises NotStored."""
        found = self._entries("WHERE l.idx = ?", index)
        if not found:
            raise NotStored
        return found[0]

    def has(self, event_id: str) -> bool:
        return bool(self._rows("SELECT 1 FROM log_leaves WHERE event_id = ?", event_id))

    def by_event_id(self, event_id: str) -> LogEntry:
        """Raises NotStored."""
        found = self._entries("WHERE l.event_id = ?", event_id)
        if not found:
            raise NotStored
        return found[0]

    def erased_segments(self, visit: VisitId) -> frozenset[str]:
        entries = self._entries("WHERE l.visit = ? AND l.kind = ? ORDER BY l.idx", visit, Erased.kind)
        return frozenset(
            segment for entry in entries if isinstance(entry.event, Erased) for segment in entry.event.segments
        )

    def is_current(self, fence: Fence) -> bool:
        """Whether an append under this fence would be taken now."""
        rows = self._rows(_FENCE, fence.visit)
        return bool(rows) and rows[0][0] == fence.epoch

    def size(self) -> int:
        return int(self._rows("SELECT max(size) FROM log_checkpoints")[0][0])

    def latest_checkpoint(self) -> str:
        """The signed note (C2SP tlog-checkpoint)."""
        return str(self._rows("SELECT note FROM log_checkpoints ORDER BY size DESC LIMIT 1")[0][0])

    def checkpoint(self, size: int) -> str:
        """The note for exactly that size, which a proof names. Raises NotStored: not every size has one."""
        rows = self._rows("SELECT note FROM log_checkpoints WHERE size = ?", size)
        if not rows:
            raise NotStored
        return str(rows[0][0])

    def inclusion(self, index: int) -> tuple[int, list[bytes]]:
        """The size of the latest checkpoint, and the path of that entry in its tree. Raises NotStored."""
        with self._reading:
            size = self._grow_tree()
            if not 0 <= index < size:
                raise NotStored
            return size, self._tree.inclusion(index, size)

    def proven(self, indices: Sequence[int]) -> tuple[str, list[ProvenEntry]]:
        """Those entries with all that proves them, and the checkpoint they are proven against. Raises NotStored."""
        with self._reading:
            size = self._grow_tree()
            note = str(self._run("SELECT note FROM log_checkpoints WHERE size = ?", size)[0][0])
            found = []
            for index in indices:
                rows = self._run(f"{log_entries.SELECT} WHERE l.idx = ?", index) if 0 <= index < size else []
                event = log_entries.read_row(rows[0]).event if rows else None
                if event is None or isinstance(event, ErasedBody):
                    raise NotStored("couldn't prove the entry: it is not there, or its body was erased")
                path = tuple(self._tree.inclusion(index, size))
                found.append(ProvenEntry(index=index, leaf=rows[0][4], salt=rows[0][6], event=event, path=path))
            return note, found

    def sign(self, message: bytes) -> bytes:
        """With the log's own key: for receipts, whose text can't be taken for a checkpoint."""
        return self._vault.sign(message)

    def consistency(self, old_size: int) -> tuple[int, list[bytes]]:
        """The size of the latest checkpoint, and the proof that it only added to `old_size`. Raises NotStored."""
        with self._reading:
            size = self._grow_tree()
            if not 0 < old_size <= size:
                raise NotStored
            return size, self._tree.consistency(old_size, size)

    def _grow_tree(self) -> int:
        size = int(self._run("SELECT max(size) FROM log_checkpoints")[0][0])
        missing = "SELECT leaf_hash FROM log_leaves WHERE idx >= ? AND idx < ? ORDER BY idx"
        for (hashed,) in self._run(missing, self._tree.size, size):
            self._tree.append(hashed)
        return size

    def _entries(self, which: str, *values: object) -> list[LogEntry]:
        return [log_entries.read_row(row) for row in self._rows(f"{log_entries.SELECT} {which}", *values)]

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._reading:
            return self._run(statement, *values)

    def _run(self, statement: str, *values: object) -> list[Any]:
        try:
            if self._reader is None:
                self._reader = connect_raw(self._path, read_only=True)
            return self._reader.execute(statement, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise DatabaseFailed(f"couldn't read the log ({error}); check the disk, then try again") from error


def _check_fence(connection: sqlite3.Connection, fence: Fence) -> None:
    row = connection.execute(_FENCE, (fence.visit,)).fetchone()
    if row is None or row[0] != fence.epoch:
        raise StaleEpoch


def _message(error: BaseException) -> str:
    return f"couldn't write the log ({error}); free disk space and check the disk; nothing opens until then"
