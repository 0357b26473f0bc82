"""Entries of one transaction: each id once, places without a gap, and what is undone leaves nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from consent_notice.merkle import Frontier, root
from storage.database import connect_raw
from storage.log_batch import LogBatch
from storage.log_entries import Prepared, prepare
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.events import read_by
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.test_consent_log import check_log


@pytest.fixture
def database(store: Store) -> Iterator[sqlite3.Connection]:
    with closing(connect_raw(store.data_dir / "onrecord.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("ROLLBACK")


def event(name: str) -> Prepared:
    return prepare(read_by(1), name)


def batch_over(database: sqlite3.Connection, *names: str) -> LogBatch:
    return LogBatch(database, Frontier(), HandClock(), names)


def rows(database: sqlite3.Connection) -> list[tuple[int, str]]:
    return database.execute("SELECT idx, event_id FROM log_leaves ORDER BY idx").fetchall()


def test_an_id_counts_once_whether_it_is_there_or_just_added(database: sqlite3.Connection) -> None:
    first = batch_over(database, "a", "b")
    assert [first.add(event(name)).index for name in ("a", "b", "a")] == [0, 1, 0]
    first.write()
    second = LogBatch(database, first.frontier, HandClock(), ["b", "c", "b"])
    assert [second.add(event(name)).index for name in ("b", "c", "b", "c")] == [1, 2, 1, 2]
    second.write()
    assert rows(database) == [(0, "a"), (1, "b"), (2, "c")]


def test_what_is_undone_leaves_no_gap_and_may_come_again(database: sqlite3.Connection) -> None:
    batch = batch_over(database, *"abcd")
    batch.add(event("a"))
    mark = batch.mark()
    batch.add(event("b"))
    batch.add(event("c"))
    batch.undo(mark)
    assert [batch.add(event(name)).index for name in ("d", "b")] == [1, 2]
    batch.write()
    assert rows(database) == [(0, "a"), (1, "d"), (2, "b")]
    hashes = [hashed for (hashed,) in database.execute("SELECT leaf_hash FROM log_leaves ORDER BY idx")]
    assert (batch.frontier.size, batch.frontier.root()) == (3, root(hashes))


def test_the_callers_frontier_stays_as_it_is(database: sqlite3.Connection) -> None:
    frontier = Frontier()
    batch = LogBatch(database, frontier, HandClock(), ["a"])
    batch.add(event("a"))
    assert (frontier.size, batch.frontier.size) == (0, 1)


def test_requests_of_one_batch_stand_and_fall_each_by_itself(store: Store) -> None:
    """Queued while the writer is kept waiting, so that they meet in one transaction."""

    def refuse(connection: sqlite3.Connection, _indices: Sequence[int]) -> None:
        connection.execute("INSERT INTO log_frontier VALUES (2, 0, '')")

    def see(seen: list[int]) -> object:
        return lambda _connection, indices: seen.extend(indices)

    seen: list[int] = []
    with closing(connect_raw(store.data_dir / "onrecord.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = [
            store.log.submit([(read_by(1), "a"), (read_by(2), "b")]),
            store.log.submit([(read_by(3), "c"), (read_by(3), "a")], companion=refuse),
            store.log.submit([(read_by(4), "c")]),
            store.log.submit([(read_by(5), "d"), (read_by(5), "b")], companion=see(seen)),  # type: ignore[arg-type]
            store.log.submit([(read_by(6), "a")]),
        ]
        other.execute("COMMIT")
    assert isinstance(waiting[1].exception(timeout=10), Exception)
    assert [entry.index for future in waiting if not future.exception() for entry in future.result()] == [
        0, 1, 2, 3, 1, 0
    ]  # fmt: skip
    assert seen == [3, 1]
    assert check_log(store.log) == 4
    assert verify(store.data_dir).faults == ["visit visit: it is in the log and not in the database"]
