"""Checkpoints on their way out: only what is new, every failure shown and tried again, nothing copied over a break."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage.bucket_copies import BucketPlace
from storage.continuity import continues
from storage.copies import (
    STATE_NAME,
    CheckpointCopies,
    Copy,
    CopyFailed,
    Place,
    folder_of,
    lost_entries,
    read_states,
)
from storage.folder_copies import FolderPlace
from storage.log_reader import open_log
from storage.store import Store
from storage.timestamps import TimestampService, check_stamp, read_roots
from tests.adapter.storage.events import read_by
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.test_continuity import rewrite
from tests.simulators.object_server import CREDENTIALS, object_server
from tests.simulators.server import free_port
from tests.simulators.timestamp_service import TimestampResponder, timestamp_responder

NewId = Callable[[], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "elsewhere"
    made.mkdir()
    return made


@pytest.fixture
async def responder(tmp_path: Path) -> AsyncIterator[TimestampResponder]:
    async with timestamp_responder(tmp_path / "service") as made:
        yield made


def copier(store: Store, clock: HandClock, *places: Place, stamper: TimestampService | None = None) -> CheckpointCopies:
    return CheckpointCopies(
        store.log, store.data_dir, clock, places=places, stamper=stamper, interval_s=0.02, first_wait_s=0.001
    )


def place_in(folder: Path, store: Store) -> FolderPlace:
    return FolderPlace(folder, folder_of(store.log))


def copied(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.rglob("*.checkpoint"))


async def log_entries(store: Store, count: int) -> None:
    for _ in range(count):
        size = store.log.size()
        await store.log.append(read_by(size), event_id=f"e{size}")


async def test_only_new_checkpoints_are_copied_and_the_admin_sees_when(
    store: Store, clock: HandClock, folder: Path
) -> None:
    copies = copier(store, clock, place_in(folder, store))
    await log_entries(store, 3)
    (state,) = await copies.copy_once()
    assert (state.kind, state.where, state.size, state.problem) == ("folder", str(next(folder.iterdir())), 3, "")
    assert state.at == clock.now()
    clock.pass_ms(60_000)
    assert await copies.copy_once() == [state], "nothing new, nothing copied"
    await log_entries(store, 2)
    (later,) = await copies.copy_once()
    assert (later.size, later.at) == (5, clock.now())
    assert copied(folder) == [3, 5]
    assert read_states(store.data_dir) == [later]
    with open_log(store.data_dir) as log:
        for path in folder.rglob("*.checkpoint"):
            assert continues(log, path.read_text()).old.size == int(path.stem)


async def test_it_runs_by_itself_until_it_is_cancelled(store: Store, clock: HandClock, folder: Path) -> None:
    running = asyncio.create_task(copier(store, clock, place_in(folder, store)).run())
    for size in (1, 2, 3):
        await log_entries(store, 1)
        async with asyncio.timeout(10):
            while size not in copied(folder):
                await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_failure_is_shown_and_made_good_and_holds_up_no_other_place(
    store: Store, clock: HandClock, folder: Path, tmp_path: Path
) -> None:
    """Nothing is lost by it: the next copy proves all that came before."""
    missing = tmp_path / "mount"
    copies = copier(store, clock, place_in(missing, store), place_in(folder, store))
    await log_entries(store, 2)
    bad, good = await copies.copy_once()
    assert "no such folder" in bad.problem
    assert (bad.size, bad.problem_since, bad.is_alarm) == (None, clock.now(), False)
    assert (good.size, good.problem) == (2, "")
    since = clock.now()
    clock.pass_ms(60_000)
    bad, _ = await copies.copy_once()
    assert bad.problem_since == since
    missing.mkdir()
    healed, _ = await copies.copy_once()
    assert (healed.size, healed.problem, healed.problem_since) == (2, "", None)
    assert copied(missing) == [2]


@dataclass
class Flaky:
    """A place that fails some times before it does what it should."""

    inner: FolderPlace
    fails: int
    kind: str = "folder"
    where: str = "flaky"
    asked: list[int] = field(default_factory=list)

    async def newest(self) -> str | None:
        return await self.inner.newest()

    async def put(self, copy: Copy) -> bool:
        self.asked.append(copy.size)
        if self.fails:
            self.fails -= 1
            raise CopyFailed("the line dropped")
        return await self.inner.put(copy)


@pytest.mark.parametrize(("fails", "problem"), [(2, ""), (3, "the line dropped")])
async def test_it_is_tried_three_times_at_once_and_then_later(
    store: Store, clock: HandClock, folder: Path, fails: int, problem: str
) -> None:
    flaky = Flaky(place_in(folder, store), fails)
    await log_entries(store, 1)
    copies = copier(store, clock, flaky)
    (state,) = await copies.copy_once()
    assert (state.problem, len(flaky.asked)) == (problem, 3)
    (state,) = await copies.copy_once()
    assert (state.problem, state.size) == ("", 1)


async def test_a_backup_that_was_put_back_is_told_and_nothing_is_copied_over_it(
    store: Store, clock: HandClock, folder: Path, tmp_path: Path, new_id: NewId
) -> None:
    await log_entries(store, 4)
    with closing(sqlite3.connect(store.data_dir / "onrecord.db")) as source:
        backup = sqlite3.connect(tmp_path / "backup.db")
        source.backup(backup)
        backup.close()
    await log_entries(store, 4)
    await copier(store, clock, place_in(folder, store)).copy_once()
    store.close()
    for left in store.data_dir.glob("onrecord.db*"):
        left.unlink()
    shutil.copy(tmp_path / "backup.db", store.data_dir / "onrecord.db")
    again = Store.open(store.data_dir, clock, new_id)
    (state,) = await copier(again, clock, place_in(folder, again)).copy_once()
    assert state.is_alarm
    assert "signed over 8 entries, and the log here ends after 4" in state.problem
    lost, unseen = await lost_entries(again.log, [place_in(folder, again)])
    assert (len(lost), unseen) == (1, [])
    # Signed on all the same, it grows past the copy: still no continuation, and still not copied.
    await log_entries(again, 9)
    (state,) = await copier(again, clock, place_in(folder, again)).copy_once()
    assert state.is_alarm
    assert copied(folder) == [8]
    again.close()


async def test_a_rewritten_log_is_told(store: Store, clock: HandClock, folder: Path, new_id: NewId) -> None:
    await log_entries(store, 6)
    await copier(store, clock, place_in(folder, store)).copy_once()
    store.close()
    rewrite(store.data_dir, index=2)
    again = Store.open(store.data_dir, clock, new_id)
    (state,) = await copier(again, clock, place_in(folder, again)).copy_once()
    assert state.is_alarm
    assert "rewritten" in state.problem
    lost, _ = await lost_entries(again.log, [place_in(folder, again)])
    assert lost
    again.close()


async def test_a_file_that_this_log_never_signed_is_told_and_stops_no_server(
    store: Store, clock: HandClock, folder: Path
) -> None:
    """Anybody who can write there could put it there."""
    await log_entries(store, 2)
    place = place_in(folder, store)
    copies = copier(store, clock, place)
    await copies.copy_once()
    forged = store.log.latest_checkpoint().replace("\n2\n", "\n900\n")
    await place.put(Copy(size=900, note=forged))
    (state,) = await copies.copy_once()
    assert "not signed by this log" in state.problem
    assert not state.is_alarm
    lost, unseen = await lost_entries(store.log, [place])
    assert (lost, len(unseen)) == ([], 1)


async def test_copies_that_are_gone_are_missed(store: Store, clock: HandClock, folder: Path) -> None:
    """An empty mount point looks like a place that never had a copy."""
    copies = copier(store, clock, place_in(folder, store))
    await log_entries(store, 2)
    await copies.copy_once()
    shutil.rmtree(next(folder.iterdir()))
    (state,) = await copies.copy_once()
    assert "are gone" in state.problem
    assert copied(folder) == []
    (store.data_dir / STATE_NAME).unlink()
    (state,) = await copies.copy_once()
    assert (state.problem, copied(folder)) == ("", [2])


async def test_a_timestamp_lies_beside_the_checkpoint_wherever_it_is_copied(
    store: Store, clock: HandClock, folder: Path, responder: TimestampResponder
) -> None:
    service = TimestampService(responder.url, responder.roots)
    copies = copier(store, clock, place_in(folder, store), stamper=service)
    await log_entries(store, 3)
    stamped, in_folder = await copies.copy_once()
    assert (stamped.kind, stamped.size, in_folder.size) == ("timestamps", 3, 3)
    await copies.copy_once()
    assert len(responder.asked) == 1, "one checkpoint is stamped once"
    for where in (folder, store.data_dir / "timestamps"):
        note, stamp = next(where.rglob("*3.checkpoint")), next(where.rglob("*3.tsr"))
        assert check_stamp(stamp.read_bytes(), note.read_text(), read_roots(responder.roots)).is_trusted
        assert responder.openssl_says(note.read_bytes(), stamp.read_bytes())


async def test_without_the_service_the_copy_goes_without_a_timestamp_and_gets_it_later(
    store: Store, clock: HandClock, folder: Path, responder: TimestampResponder
) -> None:
    responder.answers = "busy"
    copies = copier(store, clock, place_in(folder, store), stamper=TimestampService(responder.url))
    await log_entries(store, 3)
    stamped, in_folder = await copies.copy_once()
    assert "answered 503" in stamped.problem
    assert (in_folder.size, copied(folder)) == (3, [3])
    responder.answers = "well"
    stamped, _ = await copies.copy_once()
    assert (stamped.problem, stamped.size) == ("", 3)
    assert [path.name for path in folder.rglob("*.tsr")] == ["000000000003.tsr"]


async def test_three_ways_out_at_once(
    store: Store, clock: HandClock, folder: Path, responder: TimestampResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with object_server(folder.parent / "objects") as server:
        await BucketPlace("copies", "other", endpoint=server.endpoint).put(Copy(size=1, note="another log's"))
        bucket = BucketPlace("copies", folder_of(store.log), endpoint=server.endpoint)
        dead = BucketPlace("copies", folder_of(store.log), endpoint=f"http://127.0.0.1:{free_port()}")
        service = TimestampService(responder.url)
        copies = copier(store, clock, place_in(folder, store), bucket, dead, stamper=service)
        await log_entries(store, 5)
        states = await copies.copy_once()
        assert [state.size for state in states] == [5, 5, 5, None]
        assert "can't be reached" in states[3].problem
        note = await bucket.newest()
        assert note is not None
        assert continues(store.log, note).old.size == 5
        await log_entries(store, 1)
        assert [state.size for state in await copies.copy_once()] == [6, 6, 6, None]


async def test_no_place_no_state(store: Store, clock: HandClock, folder: Path) -> None:
    await copier(store, clock, place_in(folder, store)).copy_once()
    assert read_states(store.data_dir)
    assert await copier(store, clock).copy_once() == []
    assert read_states(store.data_dir) == []


@pytest.mark.parametrize("written", ["", "{}", "[]", '{"places": [{}]}', '{"places": [{"kind": "x", "at": 1}]}'])
def test_a_damaged_state_is_as_none(tmp_path: Path, written: str) -> None:
    (tmp_path / STATE_NAME).write_text(written)
    assert read_states(tmp_path) == []


async def test_a_state_that_can_not_be_written_stops_no_copy(store: Store, clock: HandClock, folder: Path) -> None:
    (store.data_dir / f"{STATE_NAME}.new").mkdir()
    running = asyncio.create_task(copier(store, clock, place_in(folder, store)).run())
    await log_entries(store, 1)
    async with asyncio.timeout(10):
        while 1 not in copied(folder):
            await asyncio.sleep(0.005)
    await log_entries(store, 1)
    async with asyncio.timeout(10):
        while 2 not in copied(folder):
            await asyncio.sleep(0.005)
    running.cancel()
