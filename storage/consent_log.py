"""The consent log: appends that are durable when they return. `log_reader` reads it and proves what is in it.

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
from dataclasses import dataclass
from pathlib import Path

from consent_notice.checkpoint import BadCheckpoint, Checkpoint, VerifierKey, open_checkpoint, sign_checkpoint
from consent_notice.clock import Clock
from consent_notice.events import ChainDeclared, Event
from consent_notice.merkle import BrokenFrontier, Frontier
from consent_notice.words import VisitId
from storage import log_entries
from storage.database import connect_raw
from storage.errors import LogWriteFailed, StaleEpoch, StorageError
from storage.log_answers import Answer, HeldAnswers, Waiting, tell
from storage.log_batch import LogBatch
from storage.log_entries import LogEntry, Prepared
from storage.log_reader import LogReader
from storage.vault import Vault, verify_signature

QUEUE_LIMIT = 4_096
BATCH_LIMIT = 256
# Of more than this, half is written at once: those who were answered get their next ready while the disk has the rest.
SHARE_FROM = 32
_CLOSE_TIMEOUT_S = 30
_FENCE = "SELECT m.epoch FROM visits v JOIN meetings m ON m.id = v.meeting_id WHERE v.id = ?"

Companion = Callable[[sqlite3.Connection, Sequence[int]], None]
_Result = concurrent.futures.Future[list[LogEntry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The append is refused unless this is still the meeting's last claim."""

    visit: VisitId
    epoch: int


@dataclass(slots=True, kw_only=True)
class _Request:
    entries: list[Prepared]
    fence: Fence | None
    companion: Companion | None
    result: Waiting


class ConsentLog(LogReader):
    def __init__(self, path: Path, vault: Vault, clock: Clock) -> None:
        super().__init__(path, vault.verifier_key)
        self._vault = vault
        self._clock = clock
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._starting = threading.Lock()
        self._trusted = ("", Frontier())  # the last one that this process wrote, as saved and as it is

    def sign(self, message: bytes) -> bytes:
        """With the log's own key: for receipts, whose text can't be taken for a checkpoint."""
        return self._vault.sign(message)

    def is_current(self, fence: Fence) -> bool:
        """Whether an append under this fence would be taken now."""
        rows = self._rows(_FENCE, fence.visit)
        return bool(rows) and rows[0][0] == fence.epoch

    async def append(self, event: Event, *, event_id: str) -> LogEntry:
        """Durable on return, checkpoint included. An event id that is there already returns the entry it has.

        Cancelling the caller does not take back what was queued. Raises LogWriteFailed: nothing of it is there. After
        a power cut an append that failed on a dying disk may yet turn up; its id makes a repeat harmless.
        """
        return (await self.append_all([(event, event_id)]))[0]

    async def append_all(
        self, events: Sequence[tuple[Event, str]], *, fence: Fence | None = None, companion: Companion | None = None
    ) -> list[LogEntry]:
        """All in one transaction, in order. Raises as `append` does, StaleEpoch, and what `companion` raises."""
        waiting: asyncio.Future[list[LogEntry]] = asyncio.get_running_loop().create_future()
        self._enqueue(events, fence, companion, waiting)
        return await waiting

    def submit(
        self, events: Sequence[tuple[Event, str]], *, fence: Fence | None = None, companion: Companion | None = None
    ) -> _Result:
        """For threads. `companion` writes rows in the same transaction, and is told the entries' indices."""
        result: _Result = concurrent.futures.Future()
        result.set_running_or_notify_cancel()  # what was queued is written, whoever still waits for it
        self._enqueue(events, fence, companion, result)
        return result

    def _enqueue(
        self,
        events: Sequence[tuple[Event, str]],
        fence: Fence | None,
        companion: Companion | None,
        result: Waiting,
    ) -> None:
        prepared = [log_entries.prepare(event, event_id) for event, event_id in events]
        request = _Request(entries=prepared, fence=fence, companion=companion, result=result)
        with self._starting:
            if self._is_closed:
                raise LogWriteFailed("couldn't write the log: it is closed; open the store again")
            if self._queue.qsize() >= QUEUE_LIMIT:
                raise LogWriteFailed("couldn't write the log: its queue is full; the disk is too slow")
            self._queue.put(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_batches, name="consent-log", daemon=True)
                self._thread.start()

    def begin(self, connection: sqlite3.Connection) -> None:
        """The empty log's checkpoint, once for a data directory; inside the caller's transaction."""
        self._write_head(connection, Frontier(), self.key)

    def close(self) -> None:
        """Writes what is queued, then ends."""
        with self._starting:
            self._is_closed = True
            thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join(_CLOSE_TIMEOUT_S)
        super().close()

    def _write_batches(self) -> None:
        connection: sqlite3.Connection | None = None
        held = HeldAnswers()
        is_last = False
        while not is_last:
            batch, is_last = self._next_batch()
            if not batch:
                continue
            try:
                connection = connection or connect_raw(self._path)
                answers = self._write(connection, batch, held.release)
            except Exception as error:  # noqa: BLE001  every waiting caller must be told, whatever it was
                if connection is not None:
                    connection.close()
                    connection = None
                failure = error if isinstance(error, StorageError) else LogWriteFailed(_message(error))
                answers = [failure] * len(batch)
            answered = [(request.result, answer) for request, answer in zip(batch, answers, strict=True)]
            if self._queue.empty():
                tell(answered)
            else:
                held.hold(answered)
        held.close()
        if connection is not None:
            connection.close()

    def _next_batch(self) -> tuple[list[_Request], bool]:
        """Waits for one request and takes what else is there, or a fair half of it; True with the last one."""
        batch: list[_Request] = []
        request = self._queue.get()
        limit = min(BATCH_LIMIT, max(SHARE_FROM, self._queue.qsize() // 2))
        while request is not None:
            batch.append(request)
            if len(batch) >= limit:
                return batch, False
            try:
                request = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(
        self, connection: sqlite3.Connection, batch: list[_Request], before_commit: Callable[[], None]
    ) -> list[Answer]:
        """One transaction. If we die before its commit returns, no caller has been told of anything in it."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            frontier = self._frontier(connection)
            size = frontier.size
            ids = (prepared.event_id for request in batch for prepared in request.entries)
            rows = LogBatch(connection, frontier, self._clock, ids)
            answers = [_write_request(connection, rows, request) for request in batch]
            rows.write()
            trusted, chain = self._trusted, self.chain
            for entry in rows.added():
                if isinstance(entry.event, ChainDeclared):
                    chain = chain.after(entry.index, entry.event)
            if rows.frontier.size > size:
                trusted = self._write_head(connection, rows.frontier, chain.current)
            before_commit()
            connection.execute("COMMIT")
            self._trusted, self.chain = trusted, chain
            return answers
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _write_head(self, connection: sqlite3.Connection, frontier: Frontier, key: VerifierKey) -> tuple[str, Frontier]:
        text = json.dumps(frontier.to_json(), separators=(",", ":"))
        checkpoint = Checkpoint(origin=key.name, size=frontier.size, root=frontier.root())
        note = sign_checkpoint(checkpoint, key, self._vault.sign)
        connection.execute("INSERT INTO log_checkpoints (size, note) VALUES (?, ?)", (frontier.size, note))
        changed = connection.execute(
            "UPDATE log_frontier SET size = ?, frontier = ? WHERE id = 1", (frontier.size, text)
        )
        if changed.rowcount == 0:
            connection.execute("INSERT INTO log_frontier (id, size, frontier) VALUES (1, ?, ?)", (frontier.size, text))
        return text, frontier

    def _frontier(self, connection: sqlite3.Connection) -> Frontier:
        """The saved edge of the tree, held against the last signed checkpoint: a changed one is never signed over."""
        row = connection.execute(
            "SELECT f.frontier, c.note, (SELECT max(idx) FROM log_leaves)"
            " FROM log_frontier f LEFT JOIN log_checkpoints c ON c.size = (SELECT max(size) FROM log_checkpoints)"
        ).fetchone()
        try:
            text, note, last_index = row
            trusted_text, trusted = self._trusted
            frontier = trusted.copy() if text == trusted_text else Frontier.from_json(json.loads(text))
            if (-1 if last_index is None else last_index) + 1 != frontier.size:
                raise BrokenFrontier
            if text != trusted_text:
                signed = open_checkpoint(note, self.key, verify_signature)
                if (signed.size, signed.root) != (frontier.size, frontier.root()):
                    raise BrokenFrontier
        except (BrokenFrontier, BadCheckpoint, TypeError, ValueError, AttributeError):
            raise LogWriteFailed(
                "couldn't write the log: it does not match its last checkpoint; run `onrecord verify`"
            ) from None
        return frontier


def _write_request(connection: sqlite3.Connection, rows: LogBatch, request: _Request) -> Answer:
    """All of it or nothing; what others of the batch add stays as it is."""
    is_alone = request.companion is not None
    if is_alone:
        rows.write()
        connection.execute("SAVEPOINT request")
    mark = rows.mark()
    try:
        if request.fence is not None:
            _check_fence(connection, request.fence)
        entries = [rows.add(prepared) for prepared in request.entries]
        if request.companion is not None:
            rows.write()
            request.companion(connection, [entry.index for entry in entries])
        answer: Answer = entries
    except (StorageError, sqlite3.IntegrityError) as refusal:
        rows.undo(mark)
        if is_alone:
            connection.execute("ROLLBACK TO request")
        answer = refusal if isinstance(refusal, StorageError) else LogWriteFailed(_message(refusal))
    if is_alone:
        connection.execute("RELEASE request")
    return answer


def _check_fence(connection: sqlite3.Connection, fence: Fence) -> None:
    row = connection.execute(_FENCE, (fence.visit,)).fetchone()
    if row is None or row[0] != fence.epoch:
        raise StaleEpoch


def _message(error: BaseException) -> str:
    return f"couldn't write the log ({error}); free disk space and check the disk; nothing opens until then"
