"""The log on a real disk: durable, whole, idempotent, shared by processes, honest about failure."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from consent_notice.checkpoint import open_checkpoint
from consent_notice.clock import Clock
from consent_notice.merkle import verify_consistency, verify_inclusion
from consent_notice.words import Rule, VisitId
from storage.consent_log import ConsentLog, Fence
from storage.errors import LogWriteFailed, NotStored, StaleEpoch
from storage.store import Store
from storage.vault import verify_signature
from tests.adapter.storage.events import read_by
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.processes import lines_of, rest_of, start


def check_log(log: ConsentLog) -> int:
    """Every entry reads, is in the tree of the last checkpoint, and every checkpoint leads to it. Returns the size."""
    last = open_checkpoint(log.latest_checkpoint(), log.key, verify_signature)
    entries = log.read(-1, 100_000)
    assert [entry.index for entry in entries] == list(range(last.size))
    for entry in entries:
        size, path = log.inclusion(entry.index)
        assert size == last.size
        assert verify_inclusion(entry.leaf_hash, entry.index, size, path, last.root)
        try:
            earlier = open_checkpoint(log.checkpoint(entry.index + 1), log.key, verify_signature)
        except NotStored:
            continue
        assert verify_consistency(entry.index + 1, size, log.consistency(entry.index + 1)[1], earlier.root, last.root)
    return last.size


async def test_an_empty_log_has_a_checkpoint(store: Store) -> None:
    assert store.log.size() == check_log(store.log) == 0
    assert store.log.latest_checkpoint().startswith(store.log.origin + "\n0\n")
    assert store.log.vkey.startswith(store.log.origin + "+")


async def test_what_is_appended_is_read_after_a_restart(
    store: Store, data_dir: Path, clock: HandClock, new_id: Callable[[], str]
) -> None:
    entries = [await store.log.append(read_by(n), event_id=f"e{n}") for n in range(5)]
    store.close()
    again = Store.open(data_dir, clock, new_id)
    assert again.log.read(-1, 100) == entries
    assert again.log.read(2, 1) == entries[3:4]
    assert again.log.get(4) == entries[4]
    assert check_log(again.log) == 5
    await again.log.append(read_by(9), event_id="e9")
    assert check_log(again.log) == 6
    again.close()


async def test_an_event_id_counts_once(store: Store, clock: HandClock) -> None:
    first = await store.log.append(read_by(1), event_id="same")
    clock.pass_ms(1_000)
    assert await store.log.append(read_by(2), event_id="same") == first
    both = await store.log.append_all([(read_by(3), "new"), (read_by(3), "new"), (read_by(3), "same")])
    assert [entry.index for entry in both] == [1, 1, 0]
    assert check_log(store.log) == 2


async def test_many_at_once_share_commits(store: Store) -> None:
    entries = await asyncio.gather(*(store.log.append(read_by(n), event_id=f"e{n}") for n in range(300)))
    assert sorted(entry.index for entry in entries) == list(range(300))
    assert check_log(store.log) == 300
    (checkpoints,) = store.log._rows("SELECT count(*) FROM log_checkpoints")[0]
    assert checkpoints < 100


async def test_an_old_epoch_is_refused_and_its_neighbours_are_not(store: Store) -> None:
    host = await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")
    meeting = await store.meetings.add_by_hand(host.id, "link", "Talk")
    assert await store.meetings.claim(meeting.id, "bot", 0) == 1
    visit = await store.visits.open_visit(meeting.id, 1, Rule.EVERYONE, "en")
    await store.meetings.finish(meeting.id, 1, "x")
    old = store.log.submit([(read_by(1), "old")], fence=Fence(visit=visit.id, epoch=0))
    good = store.log.submit([(read_by(2), "good")], fence=Fence(visit=visit.id, epoch=1))
    unknown = store.log.submit([(read_by(3), "none")], fence=Fence(visit=VisitId("none"), epoch=1))
    with pytest.raises(StaleEpoch):
        await asyncio.wrap_future(old)
    with pytest.raises(StaleEpoch):
        await asyncio.wrap_future(unknown)
    assert (await asyncio.wrap_future(good))[0].index == 0
    assert check_log(store.log) == 1


async def test_rows_beside_an_entry_stand_or_fall_with_it(store: Store) -> None:
    await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")

    def twice(connection: sqlite3.Connection, indices: object) -> None:
        connection.execute("INSERT INTO users SELECT * FROM users")

    failing = store.log.submit([(read_by(1), "a"), (read_by(2), "b")], companion=twice)
    fine = store.log.submit([(read_by(3), "c")])
    with pytest.raises(LogWriteFailed):
        await asyncio.wrap_future(failing)
    assert (await asyncio.wrap_future(fine))[0].index == 0
    assert check_log(store.log) == 1


async def test_a_cancelled_caller_does_not_take_the_entry_back(store: Store) -> None:
    task = asyncio.ensure_future(store.log.append(read_by(1), event_id="no"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.log.close()
    assert store.log.size() == 1
    with pytest.raises(LogWriteFailed, match="closed"):
        await store.log.append(read_by(2), event_id="late")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log_frontier SET frontier = replace(frontier, 'a', 'b')",
        "UPDATE log_frontier SET frontier = '{}'",
        "DELETE FROM log_frontier",
        "DELETE FROM log_checkpoints WHERE size = 3",
        "UPDATE log_checkpoints SET note = replace(note, '3', '4')",
        "DELETE FROM log_bodies; DELETE FROM log_leaves WHERE idx = 2",
    ],
)
async def test_a_changed_head_is_never_signed_over(
    change: str, store: Store, data_dir: Path, clock: Clock, new_id: Callable[[], str]
) -> None:
    await store.log.append_all([(read_by(n), f"e{n}") for n in range(3)])
    store.close()
    connection = sqlite3.connect(data_dir / "onrecord.db")
    connection.executescript(change)
    connection.close()
    again = Store.open(data_dir, clock, new_id)
    with pytest.raises(LogWriteFailed, match="onrecord verify"):
        await again.log.append(read_by(4), event_id="e4")
    assert again.log._rows("SELECT count(*) FROM log_leaves WHERE idx >= 3") == [(0,)]
    again.close()


def acknowledged(lines: list[str]) -> dict[str, int]:
    return {line.split()[2]: int(line.split()[1]) for line in lines if line.startswith("kept")}


async def test_processes_append_side_by_side(store: Store, data_dir: Path) -> None:
    processes = [start("log_appender", data_dir, f"p{n}", 240, 0) for n in range(3)]
    own = [await store.log.append(read_by(n), event_id=f"own/{n}") for n in range(200)]
    kept: dict[str, int] = {entry.event_id: entry.index for entry in own}
    for process in processes:
        kept |= acknowledged(rest_of(process))
        assert process.returncode == 0
    assert len(kept) == 200 + 3 * 480
    assert sorted(kept.values()) == list(range(len(kept)))
    assert {entry.event_id: entry.index for entry in store.log.read(-1, 10_000)} == kept
    check_log(store.log)


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.nightly)])
async def test_nothing_acknowledged_is_lost_to_kill_9(kills: int, store: Store, data_dir: Path) -> None:
    draw = random.Random(7)
    for round_number in range(kills):
        processes = [start("log_appender", data_dir, f"r{round_number}p{n}", 0, 0) for n in range(2)]
        for process in processes:
            assert lines_of(process, 1) == ["ready"]
        time.sleep(draw.uniform(0.05, 0.4))
        kept: dict[str, int] = {}
        for process in processes:
            process.kill()
        for process in processes:
            kept |= acknowledged(rest_of(process)[:-1])  # the last line may be cut
        await store.log.append(read_by(round_number), event_id=f"after/{round_number}")
        stored = {entry.event_id: entry.index for entry in store.log.read(-1, 100_000)}
        assert kept.items() <= stored.items()
        check_log(store.log)
        by_wave: dict[str, set[str]] = {}
        for event_id in stored:
            if event_id.startswith("r"):
                by_wave.setdefault(event_id.rpartition("/")[0], set()).add(event_id)
        for wave, members in by_wave.items():
            assert len(members) == 1 + int(wave.rpartition("/")[2]) % 3  # whole, or not there


async def test_a_full_disk_fails_the_append_and_leaves_the_log_whole(store: Store, data_dir: Path) -> None:
    await store.log.append(read_by(0), event_id="before")
    process = start("log_appender", data_dir, "full", 0, 600_000)
    lines = rest_of(process)
    assert process.returncode == 0
    assert "free disk space" in lines[-1]
    failed_wave = f"full/{lines[-1].split()[1]}/"
    kept = acknowledged(lines)
    assert len(kept) > 10
    stored = {entry.event_id: entry.index for entry in store.log.read(-1, 10_000)}
    assert kept.items() <= stored.items()
    assert not [event_id for event_id in stored if event_id.startswith(failed_wave)]
    await store.log.append(read_by(0), event_id="after")
    check_log(store.log)
