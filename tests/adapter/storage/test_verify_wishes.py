"""What people asked to have erased: verify says what waits, and finds what was forgotten or is only said to be done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from storage.data_dir import serving
from storage.verify import verify
from tests.adapter.storage.running import ANN, Running


async def test_verify_knows_what_waits_and_names_what_was_forgotten(running: Running, data_dir: Path) -> None:
    await running.asks(ANN)
    with serving(data_dir):
        report = verify(data_dir)
        assert (report.waiting, report.faults) == (1, [])
    await running.ends()
    assert [fault for fault in verify(data_dir).faults if "an erasure was asked for and is not done" in fault]
    await running.store.erasure_wishes.carry_out()
    assert verify(data_dir).faults == []


async def test_verify_finds_a_wish_that_is_only_said_to_be_done(running: Running, data_dir: Path) -> None:
    await running.asks(ANN)
    await running.ends()
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
        connection.execute("UPDATE erasure_wishes SET erased_at = 1, is_settled = 1")
    assert [fault for fault in verify(data_dir).faults if "something of that person is still there" in fault]
