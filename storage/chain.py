"""The names under which a log was signed: one, until an admin declared that published entries are lost here.

From that entry on it is signed under another name with the same key, so that nobody takes what it signs for the log
that had those entries. Which names there were is read from the log itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from consent_notice.checkpoint import BadVerifierKey, VerifierKey
from consent_notice.events import NO_VISIT, ChainDeclared
from storage import log_entries
from storage.errors import BrokenRecord

DECLARED = f"{log_entries.SELECT} WHERE l.visit = '{NO_VISIT}' AND l.kind = '{ChainDeclared.kind}' ORDER BY l.idx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """One name, and the sizes from which on checkpoints are signed under it."""

    key: VerifierKey
    from_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    names: tuple[Name, ...]

    @classmethod
    def begun(cls, key: VerifierKey) -> Chain:
        return cls(names=(Name(key=key, from_size=0),))

    @property
    def first(self) -> VerifierKey:
        return self.names[0].key

    @property
    def current(self) -> VerifierKey:
        return self.names[-1].key

    def key_for(self, size: int) -> VerifierKey:
        """Under which a checkpoint of that size is signed."""
        return next(name.key for name in reversed(self.names) if name.from_size <= size)

    def key_named(self, origin: str) -> VerifierKey | None:
        return next((name.key for name in self.names if name.key.name == origin), None)

    def ended_at(self, key: VerifierKey) -> int | None:
        """The index of the entry that ended that name: entries from there on were never signed under it."""
        for name, following in zip(self.names, self.names[1:], strict=False):
            if name.key == key:
                return following.from_size - 1
        return None

    def after(self, index: int, declared: ChainDeclared) -> Chain:
        """Raises BadVerifierKey for a name that is none of this log's, or was used before."""
        if not declared.origin.startswith(f"{self.first.name}/") or self.key_named(declared.origin) is not None:
            raise BadVerifierKey("couldn't go on under that name: it is not of this log, or was used before")
        key = VerifierKey(name=declared.origin, public_key=self.first.public_key)
        return Chain(names=(*self.names, Name(key=key, from_size=index + 1)))


def read_chain(first: VerifierKey, rows: Iterable[tuple[Any, ...]]) -> Chain:
    """From the rows of DECLARED. One that is not what was logged is left out: `verify` names it."""
    chain = Chain.begun(first)
    for row in rows:
        try:
            entry = log_entries.read_row(row)
            assert isinstance(entry.event, ChainDeclared)
            chain = chain.after(entry.index, entry.event)
        except (BrokenRecord, BadVerifierKey, AssertionError):
            continue
    return chain


def chain_in(database: sqlite3.Connection, first: VerifierKey) -> Chain:
    return read_chain(first, database.execute(DECLARED).fetchall())
