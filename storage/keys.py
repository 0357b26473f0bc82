"""The data keys of sealed sound and text, wrapped, in a database of their own (`keys.db`).

Apart from the rest so that its backups can be kept short: what is erased is the key, really overwritten.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.database import connect_raw
from storage.errors import DatabaseFailed, KeyDestroyed, NewerVersion
from storage.vault import Vault

_VERSION = 1
_KEY_BYTES = 32  # AES-256


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    id: str
    key: bytes = field(repr=False)


class KeyStore:
    """Blocking, safe from any thread. Methods raise DatabaseFailed where the disk does not do its part."""

    def __init__(self, path: Path, vault: Vault, new_id: Callable[[], str], *, read_only: bool = False) -> None:
        self._vault = vault
        self._new_id = new_id
        self._lock = threading.Lock()
        try:
            self._connection = connect_raw(path, read_only=read_only)
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                self._connection.close()
                raise NewerVersion
            if not read_only and version < _VERSION:
                self._connection.execute(
                    "CREATE TABLE IF NOT EXISTS data_keys (id TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT"
                )
                self._connection.execute(f"PRAGMA user_version={_VERSION}")
        except sqlite3.Error as error:
            raise DatabaseFailed(f"couldn't open keys.db ({error}); check the disk, or restore its backup") from error

    def make(self) -> DataKey:
        """Durable on return: nothing sealed with it can outlive its key in a crash."""
        made = DataKey(id=self._new_id(), key=os.urandom(_KEY_BYTES))
        self._run("INSERT INTO data_keys VALUES (?, ?)", made.id, self._vault.wrap(made.id, made.key))
        return made

    def get(self, key_id: str) -> DataKey:
        """Raises KeyDestroyed, or BrokenRecord where the wrapped key was changed."""
        rows = self._run("SELECT wrapped FROM data_keys WHERE id = ?", key_id)
        if not rows:
            raise KeyDestroyed
        return DataKey(id=key_id, key=self._vault.unwrap(key_id, rows[0][0]))

    def destroy(self, key_ids: list[str]) -> None:
        """Overwrites them in the file and empties the journal; safe to repeat."""
        for key_id in key_ids:
            self._run("DELETE FROM data_keys WHERE id = ?", key_id)
        ((is_busy, *_),) = self._run("PRAGMA wal_checkpoint(TRUNCATE)")
        if is_busy:
            raise DatabaseFailed("couldn't overwrite a key in keys.db: something reads it; end what does and try again")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise DatabaseFailed(
                    f"couldn't use keys.db ({error}); free disk space, check the disk and try again"
                ) from error
