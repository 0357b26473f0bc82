"""Any changed, missing or moved row of the log is named."""

from __future__ import annotations

import random
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from storage.log_entries import commitment
from tests.adapter.storage.kept import COLUMNS, Kept, changed_values, columns_of
from tests.adapter.storage.test_continuity import rewrite

CHECKED = {"log_checkpoints": "checkpoint", "log_frontier": "edge of its tree"}


@pytest.mark.parametrize(("table", "column"), columns_of("log_leaves", "log_bodies"))
def test_any_changed_value_of_an_entry_is_named(table: str, column: str, kept: Kept) -> None:
    for index, faults in changed_values(kept, table, column):
        if column != "idx":
            assert any(fault.startswith(f"log entry {index}:") for fault in faults)
        assert any(fault.startswith("log") for fault in faults)


@pytest.mark.parametrize(("table", "column"), columns_of("log_checkpoints", "log_frontier"))
def test_any_changed_value_of_a_head_is_named(table: str, column: str, kept: Kept) -> None:
    for _, faults in changed_values(kept, table, column):
        assert any(CHECKED[table] in fault for fault in faults)


def log_content(kept: Kept) -> list[Any] | None:
    """All that is logged and tagged; None where it can't be read."""
    try:
        with kept.database() as connection:
            return [
                connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY rowid").fetchall()
                for table, names in COLUMNS.items()
            ]
    except (sqlite3.Error, UnicodeDecodeError):
        return None


@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_byte_of_the_database_file_is_seen_wherever_it_changes_the_log(seed: int, kept: Kept) -> None:
    draw = random.Random(seed)
    path = kept.folder / "onrecord.db"
    whole, content = path.read_bytes(), log_content(kept)
    hits = 0
    for _ in range(40):
        at = draw.randrange(100, len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << draw.randrange(8)]) + whole[at + 1 :])
        if log_content(kept) != content:
            hits += 1
            assert kept.faults(), f"byte {at} was changed, and nobody saw it"
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    path.write_bytes(whole)
    assert hits
    assert kept.faults() == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM log_bodies WHERE idx = 3; DELETE FROM log_leaves WHERE idx = 3", "log entry 3: missing"),
        ("DELETE FROM log_leaves WHERE idx = 0; DELETE FROM log_bodies WHERE idx = 0", "log entry 0: missing"),
        ("DELETE FROM log_bodies WHERE idx = 2", "log entry 2: its body is gone"),
        ("DELETE FROM log_leaves WHERE idx = (SELECT max(idx) FROM log_leaves)", "log: it ends at entry"),
        ("DELETE FROM log_checkpoints WHERE size = (SELECT max(size) FROM log_checkpoints)", "under no checkpoint"),
        ("DELETE FROM log_frontier", "edge of its tree"),
        ("INSERT INTO log_bodies VALUES (999, x'00', x'00')", "log body 999"),
    ],
)
def test_a_row_that_is_taken_away_is_named(statement: str, named: str, kept: Kept) -> None:
    with kept.database() as connection:
        connection.executescript(statement)
    assert any(named in fault for fault in kept.faults())


@pytest.mark.parametrize("value", ["1", "x'00'", "2.5"])
def test_a_checkpoint_that_is_no_text_is_named(value: str, kept: Kept) -> None:
    with kept.database() as connection:
        connection.execute(f"UPDATE log_checkpoints SET note = {value} WHERE size = 3")
    assert any("checkpoint of size 3" in fault for fault in kept.faults())


def test_two_entries_cannot_change_places(kept: Kept) -> None:
    with kept.database() as connection:
        connection.executescript(
            "UPDATE log_leaves SET idx = -1 WHERE idx = 2; UPDATE log_leaves SET idx = 2 WHERE idx = 3;"
            "UPDATE log_leaves SET idx = 3 WHERE idx = -1;"
            "UPDATE log_bodies SET idx = -1 WHERE idx = 2; UPDATE log_bodies SET idx = 2 WHERE idx = 3;"
            "UPDATE log_bodies SET idx = 3 WHERE idx = -1"
        )
    assert any("checkpoint of size 3" in fault for fault in kept.faults())


@pytest.mark.parametrize(
    "body", [b'{"kind":"unheard_of","visit":"%b"}', b'{"kind": "record_read"}', b"[]", b"no JSON", b""]
)
def test_a_body_that_says_nothing_is_named_though_every_hash_and_signature_fits(body: bytes, kept: Kept) -> None:
    """As only somebody with the key, or another version, can write it."""
    body = body.replace(b"%b", kept.visit.encode())
    with kept.database() as connection:
        (index, salt) = connection.execute("SELECT idx, salt FROM log_bodies ORDER BY idx DESC LIMIT 1").fetchone()
        connection.execute("UPDATE log_bodies SET body = ? WHERE idx = ?", (body, index))
        (leaf,) = connection.execute("SELECT leaf FROM log_leaves WHERE idx = ?", (index,)).fetchone()
    old = re.search(rb'"commitment":"([0-9a-f]{64})"', leaf)
    assert old is not None
    rewrite(kept.folder, index, old=old[1], new=commitment(salt, body).hex().encode())
    assert any(fault.startswith(f"log entry {index}: ") and "can be read" in fault for fault in kept.faults())
