"""Reads the consent log, with the proofs that its entries are in it and that it only grew. Blocking, from any thread.

Makes and changes nothing, so that a command can look at a log that a server writes. What it proves is made from the
leaves themselves, never from a hash that lies beside them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from consent_notice.checkpoint import VerifierKey
from consent_notice.events import Erased
from consent_notice.merkle import Tree, leaf_hash
from consent_notice.receipt import ProvenEntry
from consent_notice.words import VisitId
from storage import log_entries
from storage.chain import DECLARED, Chain, read_chain
from storage.data_dir import DATABASE_NAME
from storage.database import connect_raw
from storage.errors import BrokenRecord, DatabaseFailed, NotStored, WrongKeyFile
from storage.key_file import read_key_file
from storage.log_entries import ErasedBody, LogEntry
from storage.vault import Vault

_LEAVES = "SELECT leaf FROM log_leaves WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT 10000"


class LogReader:
    """Methods raise DatabaseFailed where the database can't be read."""

    def __init__(self, path: Path, first_key: VerifierKey) -> None:
        self._path = path
        self.chain = Chain.begun(first_key)  # until `read_names` has looked
        self._reading = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._tree = Tree()

    @property
    def key(self) -> VerifierKey:
        return self.chain.current

    @property
    def vkey(self) -> str:
        """The published verifier key (C2SP)."""
        return str(self.key)

    @property
    def origin(self) -> str:
        return self.key.name

    def is_of_this_key(self) -> bool:
        """By what its first start wrote."""
        return self._rows("SELECT log_vkey FROM installation") == [(str(self.chain.first),)]

    def read_names(self) -> None:
        """Under which it was signed; whoever opens a log does it once."""
        self.chain = read_chain(self.chain.first, self._rows(DECLARED))

    def close(self) -> None:
        with self._reading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def read(self, after: int, limit: int) -> list[LogEntry]:
        """Entries above index `after` (-1: from the first), in order. Raises BrokenRecord."""
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

    # ---- heads and proofs ------------------------------------------------------------------------------------------

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

    def root(self, size: int) -> bytes:
        """Of the first `size` leaves as they are now. Raises NotStored."""
        with self._reading:
            if not 0 <= size <= self._grow_tree():
                raise NotStored
            return self._tree.root(size)

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

    def consistency(self, old_size: int, size: int | None = None) -> tuple[int, list[bytes]]:
        """The size of the latest checkpoint (or `size`), and the proof that it only added to `old_size`.

        Raises NotStored.
        """
        with self._reading:
            latest = self._grow_tree()
            size = latest if size is None else size
            if not 0 < old_size <= size <= latest:
                raise NotStored
            return size, self._tree.consistency(old_size, size)

    def _grow_tree(self) -> int:
        """By the leaves that came since; the size of the latest checkpoint. Raises BrokenRecord."""
        size = int(self._run("SELECT max(size) FROM log_checkpoints")[0][0])
        while self._tree.size < size:
            leaves = self._run(_LEAVES, self._tree.size, size)
            if not leaves or not all(isinstance(leaf, bytes) for (leaf,) in leaves):
                raise BrokenRecord("the log does not hold the entries of its last checkpoint; run `onrecord verify`")
            for (leaf,) in leaves:
                self._tree.append(leaf_hash(leaf))
        return size

    # ---- rows ------------------------------------------------------------------------------------------------------

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


@contextmanager
def open_log(data_dir: Path) -> Iterator[LogReader]:
    """The log of a data directory as it is, whether or not a server runs on it; nothing is made or brought up to date.

    Raises KeyFileMissing, KeyFileExposed, KeyFileUnreadable, WrongKeyFile, DatabaseFailed.
    """
    log = LogReader(data_dir / DATABASE_NAME, Vault(read_key_file(data_dir)).verifier_key)
    try:
        if not log.is_of_this_key():
            raise WrongKeyFile
        log.read_names()
        yield log
    finally:
        log.close()
