"""A log at rest against checkpoints that left it: grown, put back from an old copy, cut off, rewritten with its key."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from consent_notice.checkpoint import Checkpoint, sign_checkpoint
from consent_notice.clock import Clock
from consent_notice.continuity import Break, DoesNotContinue
from consent_notice.merkle import Frontier, leaf_hash
from storage.continuity import continues
from storage.errors import KeyFileMissing, WrongKeyFile
from storage.key_file import read_key_file
from storage.log_reader import open_log
from storage.store import Store
from storage.vault import Vault
from tests.adapter.storage.events import read_by

NewId = Callable[[], str]


async def grown(store: Store, to_size: int) -> list[str]:
    """The checkpoint after each entry."""
    notes = [store.log.latest_checkpoint()]
    for number in range(store.log.size(), to_size):
        await store.log.append(read_by(number), event_id=f"e{number}")
        notes.append(store.log.latest_checkpoint())
    return notes


def what_breaks(data_dir: Path, note: str) -> Break:
    with open_log(data_dir) as log, pytest.raises(DoesNotContinue) as caught:
        continues(log, note)
    return caught.value.what


async def test_every_checkpoint_that_left_is_continued(store: Store, data_dir: Path) -> None:
    notes = await grown(store, 21)
    with open_log(data_dir) as log:  # beside the server that writes it
        for size, note in enumerate(notes):
            assert continues(log, note).old.size == size
    more = await grown(store, 25)
    with open_log(data_dir) as log:
        assert continues(log, more[-1]).latest.size == 25


async def test_a_copy_of_the_data_that_was_put_back_is_seen(store: Store, data_dir: Path, tmp_path: Path) -> None:
    await grown(store, 6)
    with (
        closing(sqlite3.connect(data_dir / "onrecord.db")) as source,
        closing(sqlite3.connect(tmp_path / "backup.db")) as backup,
    ):
        source.backup(backup)
    newer = (await grown(store, 9))[-1]
    store.close()
    for left in data_dir.glob("onrecord.db*"):
        left.unlink()
    shutil.copy(tmp_path / "backup.db", data_dir / "onrecord.db")
    assert what_breaks(data_dir, newer) is Break.LOG_SHORTER


async def test_two_that_go_on_with_one_log_are_a_fork(
    store: Store, data_dir: Path, tmp_path: Path, clock: Clock, new_id: NewId
) -> None:
    before = (await grown(store, 6))[-1]
    store.close()
    shutil.copytree(data_dir, tmp_path / "twin")
    heads = []
    for folder, reader in ((data_dir, 1), (tmp_path / "twin", 2)):
        opened = Store.open(folder, clock, new_id)
        await opened.log.append(read_by(reader), event_id="next")
        heads.append(opened.log.latest_checkpoint())
        opened.close()
    with open_log(data_dir) as log:
        assert continues(log, heads[0]).old.size == 7
        assert continues(log, before).old.size == 6
    assert what_breaks(data_dir, heads[1]) is Break.REWRITTEN


async def test_a_log_that_is_rewritten_with_its_key_is_seen_by_a_copy_alone(store: Store, data_dir: Path) -> None:
    """Whoever holds the key can make a log in which `verify` finds nothing; the copy elsewhere is what they lack."""
    kept = (await grown(store, 8))[4]
    store.close()
    rewrite(data_dir, index=2)
    with open_log(data_dir) as log:
        assert continues(log, log.latest_checkpoint()).old.size == 8, "by itself it is whole"
    assert what_breaks(data_dir, kept) is Break.REWRITTEN


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log_leaves SET leaf = CAST(replace(leaf, 'record', 'rec0rd') AS BLOB) WHERE idx = 1",
        "UPDATE log_leaves SET leaf = CAST(leaf AS TEXT) WHERE idx = 1",
        "DELETE FROM log_bodies; DELETE FROM log_leaves WHERE idx = 4",
        "DELETE FROM log_checkpoints WHERE size = (SELECT max(size) FROM log_checkpoints)",
        "UPDATE log_checkpoints SET note = replace(note, '8', '9') WHERE size = 8",
    ],
)
async def test_a_changed_leaf_or_head_proves_nothing(change: str, store: Store, data_dir: Path) -> None:
    """The hash beside a leaf is not believed: it was left as it was here."""
    notes = await grown(store, 8)
    store.close()
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection:
        connection.executescript(change)
    expected = Break.LOG_SHORTER if "DELETE FROM log_checkpoints" in change else Break.LOG_BROKEN
    assert what_breaks(data_dir, notes[8]) is expected


async def test_without_its_own_key_nothing_is_said(store: Store, data_dir: Path) -> None:
    key_file = data_dir / "onrecord.key"
    content = json.loads(key_file.read_text())
    key_file.write_text(json.dumps({**content, "name": "another"}))
    with pytest.raises(WrongKeyFile), open_log(data_dir):
        pass
    key_file.unlink()
    with pytest.raises(KeyFileMissing), open_log(data_dir):
        pass


def rewrite(data_dir: Path, index: int, *, old: bytes = b'"v":1', new: bytes = b'"v":2') -> None:
    """As somebody with the key file would: one leaf is another, and everything above it is signed anew."""
    vault, frontier = Vault(read_key_file(data_dir)), Frontier()
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
        for at, leaf in connection.execute("SELECT idx, leaf FROM log_leaves ORDER BY idx").fetchall():
            other = leaf.replace(old, new) if at == index else leaf
            connection.execute(
                "UPDATE log_leaves SET leaf = ?, leaf_hash = ? WHERE idx = ?", (other, leaf_hash(other), at)
            )
            frontier.append(leaf_hash(other))
            head = Checkpoint(origin=vault.verifier_key.name, size=frontier.size, root=frontier.root())
            note = sign_checkpoint(head, vault.verifier_key, vault.sign)
            connection.execute("UPDATE log_checkpoints SET note = ? WHERE size = ?", (note, frontier.size))
        connection.execute("UPDATE log_frontier SET frontier = ?", (json.dumps(frontier.to_json()),))
