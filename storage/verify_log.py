"""The log's own checks: each leaf and body, the tree that they make, and every checkpoint signed over it.

`check_log` is about hashes alone and holds one row in memory at a time, so that a long log is checked in the time that
hashing it takes a few times over; what the bodies say is read by `read_entries`, for those that are what they were.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

from consent_notice.checkpoint import BadCheckpoint, BadVerifierKey, VerifierKey, open_checkpoint
from consent_notice.events import ChainDeclared
from consent_notice.merkle import BrokenFrontier, Frontier, leaf_hash
from storage import log_entries
from storage.chain import Chain, chain_in
from storage.errors import BrokenRecord
from storage.log_entries import LogEntry, is_intact
from storage.vault import Vault, verify_signature

_NO_HASH = bytes(32)  # of what is no leaf at all


@dataclass(slots=True, kw_only=True)
class CheckedLog:
    entries: int = 0
    checkpoints: int = 0
    broken: set[int] = field(default_factory=set)  # entries that are not what they were when they were logged


def check_log(database: sqlite3.Connection, vault: Vault, fault: Callable[[str], None]) -> CheckedLog:
    """In one pass over the rows."""
    notes: dict[int, object] = dict(database.execute("SELECT size, note FROM log_checkpoints ORDER BY size"))
    tree, checked = Frontier(), CheckedLog(checkpoints=len(notes))
    chain = chain_in(database, vault.verifier_key)
    waiting: list[bytes] = []  # leaves that are not in the tree yet
    _check_checkpoint(notes.get(0), tree, chain, fault)
    for expected, row in enumerate(database.execute(f"{log_entries.SELECT} ORDER BY l.idx")):
        index, leaf = row[0], row[4]
        if index != expected:
            fault(f"log entry {expected}: missing")
            break  # what follows hangs on it: the checkpoints would all fail for this one reason
        hashed = leaf_hash(leaf) if type(leaf) is bytes else _NO_HASH
        waiting.append(hashed)
        if type(leaf) is not bytes or not is_intact(row, hashed):
            checked.broken.add(index)
            fault(f"log entry {index}: changed; it does not match its seal")
        if index + 1 in notes:
            tree.extend(waiting)
            waiting.clear()
            _check_checkpoint(notes[index + 1], tree, chain, fault)
    tree.extend(waiting)
    checked.entries = tree.size
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
    return checked


def read_entries(
    database: sqlite3.Connection, broken: Container[int], fault: Callable[[str], None], up_to: int
) -> list[LogEntry]:
    """The first `up_to` entries, without the broken ones: those that `check_log` has seen."""
    entries: list[LogEntry] = []
    for row in database.execute(f"{log_entries.SELECT} WHERE l.idx < ? ORDER BY l.idx", (up_to,)):
        if row[0] in broken:
            continue
        try:
            entries.append(log_entries.read_row(row))
        except BrokenRecord:
            fault(f"log entry {row[0]}: it is what was logged, and says nothing that can be read")
    return entries


def check_names(entries: Iterable[LogEntry], first: VerifierKey, fault: Callable[[str], None]) -> None:
    """Each declaration names what came before it, and a checkpoint that was really lost."""
    chain = Chain.begun(first)
    for entry in entries:
        if not isinstance(entry.event, ChainDeclared):
            continue
        try:
            lost = open_checkpoint(entry.event.lost_checkpoint, chain.current, verify_signature)
            assert entry.event.before == chain.current.name
            assert lost.size > 0
            chain = chain.after(entry.index, entry.event)
        except (BadCheckpoint, BadVerifierKey, AssertionError):
            fault(f"log entry {entry.index}: it declares a new name of the log, and no checkpoint that was lost")


def _check_checkpoint(note: object, tree: Frontier, chain: Chain, fault: Callable[[str], None]) -> None:
    if note is None:
        return
    try:
        if not isinstance(note, str):
            raise BadCheckpoint
        checkpoint = open_checkpoint(note, chain.key_for(tree.size), verify_signature)
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
