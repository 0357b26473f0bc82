"""The data keys: wrapped at rest, gone for good when destroyed, and never mistaken for one another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.errors import BrokenRecord, DatabaseFailed, KeyDestroyed, NewerVersion
from storage.store import Store
from tests.adapter.storage.hand_clock import HandClock


def rows(data_dir: Path) -> dict[str, bytes]:
    with closing(sqlite3.connect(data_dir / "keys.db")) as connection:
        return dict(connection.execute("SELECT id, wrapped FROM data_keys"))


def bytes_on_disk(data_dir: Path) -> bytes:
    return b"".join(path.read_bytes() for path in data_dir.glob("keys.db*") if not path.name.endswith("-shm"))


def test_a_key_is_there_after_a_restart_and_never_in_the_clear(
    store: Store, data_dir: Path, clock: HandClock, new_id: Callable[[], str]
) -> None:
    made = [store.keys.make() for _ in range(3)]
    assert len({key.key for key in made}) == 3
    assert all(len(key.key) == 32 for key in made)
    assert not [key for key in made if key.key in bytes_on_disk(data_dir)]
    assert not [key for key in made if str(key.key) in repr(key)]
    store.close()
    again = Store.open(data_dir, clock, new_id)
    assert [again.keys.get(key.id) for key in made] == made
    again.close()


def test_a_destroyed_key_is_overwritten_and_the_others_stay(store: Store, data_dir: Path) -> None:
    gone, stays = store.keys.make(), store.keys.make()
    wrapped = rows(data_dir)[gone.id]
    assert wrapped in bytes_on_disk(data_dir)
    store.keys.destroy([gone.id])
    store.keys.destroy([gone.id, "unknown"])
    assert wrapped not in bytes_on_disk(data_dir)
    with pytest.raises(KeyDestroyed):
        store.keys.get(gone.id)
    assert store.keys.get(stays.id) == stays


def test_while_somebody_reads_a_key_is_not_called_overwritten(store: Store, data_dir: Path) -> None:
    gone = store.keys.make()
    wrapped = rows(data_dir)[gone.id]
    with closing(sqlite3.connect(data_dir / "keys.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM data_keys").fetchall()
        with pytest.raises(DatabaseFailed, match="try again"):
            store.keys.destroy([gone.id])
    store.keys.destroy([gone.id])
    assert wrapped not in bytes_on_disk(data_dir)


def test_a_changed_or_exchanged_key_is_refused(store: Store, data_dir: Path) -> None:
    one, other = store.keys.make(), store.keys.make()
    wrapped = rows(data_dir)
    with closing(sqlite3.connect(data_dir / "keys.db", isolation_level=None)) as connection:
        for changed in (wrapped[other.id], wrapped[one.id][:-1] + bytes([wrapped[one.id][-1] ^ 1])):
            connection.execute("UPDATE data_keys SET wrapped = ? WHERE id = ?", (changed, one.id))
            with pytest.raises(BrokenRecord):
                store.keys.get(one.id)
    assert store.keys.get(other.id) == other


def test_a_file_of_a_newer_version_is_refused(
    store: Store, data_dir: Path, clock: HandClock, new_id: Callable[[], str]
) -> None:
    store.close()
    with closing(sqlite3.connect(data_dir / "keys.db")) as connection:
        connection.execute("PRAGMA user_version=2")
    with pytest.raises(NewerVersion):
        Store.open(data_dir, clock, new_id)
