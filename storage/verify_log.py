"""The log's own checks: each leaf and body, the tree that they make, and every checkpoint signed over it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from consent_notice.checkpoint import BadCheckpoint, open_checkpoint
from consent_notice.merkle import BrokenFrontier, Frontier, leaf_hash
from storage import log_entries
from storage.errors import BrokenRecord
from storage.log_entries import LogEntry
from storage.vault import Vault, verify_signature


def check_log(database: sqlite3.Connection, vault: Vault, fault: Callable[[str], None]) -> tuple[list[LogEntry], int]:
    """The entries that are what they were when they were logged, and how many checkpoints there are."""
    notes: dict[int, str] = dict(database.execute("SELECT size, note FROM log_checkpoints ORDER BY size"))
    tree = Frontier()
    entries: list[LogEntry] = []
    _check_checkpoint(notes.get(0), tree, vault, fault)
    for expected, row in enumerate(database.execute(f"{log_entries.SELECT} ORDER BY l.idx")):
        index, leaf = row[0], row[4]
        if index != expected:
            fault(f"log entry {expected}: missing")
            break  # what follows hangs on it: the checkpoints would all fail for this one reason
        tree.append(leaf_hash(leaf) if isinstance(leaf, bytes) else b"\0" * 32)
        try:
            entries.append(log_entries.read_row(row))
        except BrokenRecord:
            fault(f"log entry {index}: changed; it does not match its seal")
        if tree.size in notes:
            _check_checkpoint(notes[tree.size], tree, vault, fault)
    newest = max(notes, default=0)
    if newest > tree.size:
        fault(f"log: it ends at entry {tree.size}, and a checkpoint was signed over {newest}")
    elif newest < tree.size:
        fault(f"log: entries from {newest} on are under no checkpoint")
    if 0 not in notes:
        fault("checkpoint of size 0: missing")
    strays = database.execute(
        "SELECT b.idx FROM log_bodies b LEFT JOIN log_leaves l ON l.idx = b.idx WHERE l.idx IS NULL"
    ).fetchall()
    for (index,) in strays:
        fault(f"log body {index}: it belongs to no entry")
    _check_frontier(database, tree, fault)
    return entries, len(notes)


def _check_checkpoint(note: str | None, tree: Frontier, vault: Vault, fault: Callable[[str], None]) -> None:
    if note is None:
        return
    try:
        checkpoint = open_checkpoint(note, vault.verifier_key, verify_signature)
    except BadCheckpoint:
        fault(f"checkpoint of size {tree.size}: changed; its signature does not fit")
        return
    if (checkpoint.size, checkpoint.root) != (tree.size, tree.root()):
        fault(f"checkpoint of size {tree.size}: the entries before it are not the ones it was signed over")


def _check_frontier(database: sqlite3.Connection, tree: Frontier, fault: Callable[[str], None]) -> None:
    try:
        (size, text) = database.execute("SELECT size, frontier FROM log_frontier").fetchone()
        saved = Frontier.from_json(json.loads(text))
        assert size == saved.size == tree.size
        assert saved.root() == tree.root()
        assert json.dumps(saved.to_json(), separators=(",", ":")) == text
    except (BrokenFrontier, AssertionError, TypeError, ValueError):
        fault("log: the saved edge of its tree was changed; nothing can be appended until it is restored")
