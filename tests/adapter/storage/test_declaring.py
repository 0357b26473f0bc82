"""A loss that was declared: what the log still proves, what it says of the rest, and under which name it goes on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from consent_notice.checkpoint import open_checkpoint, read_verifier_key
from consent_notice.clock import Clock
from consent_notice.continuity import Break, DoesNotContinue
from consent_notice.events import NO_VISIT, ChainDeclared
from storage.continuity import continues
from storage.copies import folder_of
from storage.declaring import declare_lost
from storage.errors import LogWriteFailed, NothingLost
from storage.log_reader import open_log
from storage.store import Store
from storage.vault import verify_signature
from storage.verify import verify
from tests.adapter.storage.events import read_by
from tests.adapter.storage.test_consent_log import check_log
from tests.adapter.storage.test_continuity import grown, what_breaks

NewId = Callable[[], str]
UNKNOWN_VISIT = "visit visit: it is in the log and not in the database"  # of the events that these tests log


@pytest.fixture
async def put_back(
    store: Store, data_dir: Path, tmp_path: Path, clock: Clock, new_id: NewId
) -> tuple[Store, list[str]]:
    """A log of four entries, of which eight were published, and the notes of all sizes."""
    notes = await grown(store, 4)
    with (
        closing(sqlite3.connect(data_dir / "onrecord.db")) as source,
        closing(sqlite3.connect(tmp_path / "backup.db")) as backup,
    ):
        source.backup(backup)
    notes += (await grown(store, 8))[1:]
    store.close()
    for left in data_dir.glob("onrecord.db*"):
        left.unlink()
    shutil.copy(tmp_path / "backup.db", data_dir / "onrecord.db")
    return Store.open(data_dir, clock, new_id), notes


async def test_the_log_goes_on_under_another_name_and_says_what_was_lost(
    put_back: tuple[Store, list[str]], data_dir: Path, clock: Clock, new_id: NewId
) -> None:
    store, notes = put_back
    old_key, old_folder = store.log.key, folder_of(store.log)
    key = declare_lost(store.log, notes[8], "the disk\n died", "anew")
    assert key.name == f"{old_key.name}/anew"
    assert key.public_key == old_key.public_key
    assert key.key_id != old_key.key_id
    assert folder_of(store.log) == f"{old_folder}-anew"
    (declared,) = [entry.event for entry in store.log.read(-1, 100) if isinstance(entry.event, ChainDeclared)]
    assert (declared.lost_checkpoint, declared.why, declared.before) == (notes[8], "the disk died", old_key.name)
    for reopened in range(2):
        assert store.log.key == read_verifier_key(store.log.vkey) == key
        await store.log.append(read_by(9), event_id=f"after {reopened}")
        assert open_checkpoint(store.log.latest_checkpoint(), key, verify_signature).size == 6 + reopened
        assert verify(data_dir).faults == [UNKNOWN_VISIT]
        for size, note in enumerate(notes):
            if size <= 4:
                assert continues(store.log, note).old.size == size
            else:
                assert what_breaks(data_dir, note) is Break.DECLARED_LOST
        assert continues(store.log, store.log.latest_checkpoint()).old.size == 6 + reopened
        store.close()
        store = Store.open(data_dir, clock, new_id)
    store.close()


async def test_a_second_loss_is_declared_too(put_back: tuple[Store, list[str]], data_dir: Path) -> None:
    store, notes = put_back
    declare_lost(store.log, notes[8], "first", "x")
    with pytest.raises(DoesNotContinue) as caught:
        declare_lost(store.log, notes[7], "again", "y")
    assert caught.value.what is Break.DECLARED_LOST, "it is on the record already"
    await grown(store, 9)
    with open_log(data_dir) as log:
        assert [name.from_size for name in log.chain.names] == [0, 5]
    store.close()


async def test_without_proof_nothing_is_declared(store: Store, data_dir: Path) -> None:
    notes = await grown(store, 4)
    with pytest.raises(NothingLost):
        declare_lost(store.log, notes[2], "no reason", "x")
    for kept, what in (
        (notes[4].replace("\n4\n", "\n9\n"), Break.BAD_SIGNATURE),
        ("other\n9\nAAAA\n\n— other AAAA\n", Break.ANOTHER_LOG),
        ("", Break.NO_CHECKPOINT),
    ):
        with pytest.raises(DoesNotContinue) as caught:
            declare_lost(store.log, kept, "no reason", "x")
        assert caught.value.what is what
    with pytest.raises(ValueError, match="say why"):
        declare_lost(store.log, notes[2], " ", "x")
    assert store.log.size() == 4


async def test_a_process_that_has_the_old_name_signs_nothing_over_the_new(
    put_back: tuple[Store, list[str]], data_dir: Path, clock: Clock, new_id: NewId
) -> None:
    store, notes = put_back
    other = Store.open(data_dir, clock, new_id)
    await other.log.append(read_by(1), event_id="before")
    declare_lost(store.log, notes[8], "why", "x")
    with pytest.raises(LogWriteFailed):
        await other.log.append(read_by(2), event_id="late")
    other.close()
    await store.log.append(read_by(3), event_id="fine")
    assert store.log.size() == 7
    assert verify(data_dir).faults == [UNKNOWN_VISIT]
    store.close()


@pytest.mark.parametrize(
    "change",
    [
        {"before": "another"},
        {"lost_checkpoint": "no note"},
        {"origin": "onrecord.local/log/other"},
    ],
)
async def test_a_declaration_that_proves_nothing_is_named_by_verify(
    change: dict[str, str], put_back: tuple[Store, list[str]], data_dir: Path
) -> None:
    """As only somebody with the key can write it."""
    store, notes = put_back
    fields = {"origin": f"{store.log.origin}/x", "before": store.log.origin, "lost_checkpoint": notes[8], "why": "why"}
    event = ChainDeclared(visit=NO_VISIT, **(fields | change))
    future = store.log.submit([(event, "chain")])
    if future.exception(timeout=10) is None:
        assert any("declares a new name" in fault for fault in verify(data_dir).faults)
    else:
        assert "origin" in change
        assert store.log.size() == 4
    store.close()


async def test_an_ordinary_log_has_one_name(store: Store) -> None:
    await grown(store, 3)
    assert check_log(store.log) == 3
    assert len(store.log.chain.names) == 1
