"""Random walks through a meeting whose log is the real one, on a disk: its writer, its fence, its ids, its proofs.

What the bots are told comes from what the log itself gave back.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from consent_notice.checkpoint import open_checkpoint
from consent_notice.events import Event
from consent_notice.merkle import verify_inclusion
from consent_notice.words import Rule
from storage.consent_log import Fence
from storage.data_dir import DATABASE_NAME
from storage.store import Store
from storage.vault import verify_signature
from tests.simulators.world_log import Entry, WorldLog
from tests.simulators.world_pages import VISIT
from tests.simulators.world_walk import run, walk_of

STEPS = 200


class DiskLog(WorldLog):
    def __init__(self, store: Store, database: Path) -> None:
        super().__init__(lambda: 0)
        self._log = store.log
        self._database = database

    def claim(self) -> int:
        with closing(sqlite3.connect(self._database)) as connection, connection:
            connection.execute("UPDATE meetings SET epoch = epoch + 1")
            self.epoch = connection.execute("SELECT epoch FROM meetings").fetchone()[0]
        return self.epoch

    def _persist(self, event: Event, event_id: str, fenced_epoch: int | None) -> Entry:
        fence = None if fenced_epoch is None else Fence(visit=VISIT, epoch=fenced_epoch)
        (logged,) = self._log.submit([(event, event_id)], fence=fence).result()
        if logged.index < len(self.entries):
            return self.entries[logged.index]
        assert logged.index == len(self.entries)
        written = self._log.get(logged.index)
        assert written.event_id == event_id
        assert isinstance(written.event, Event)
        return self._note(written.event, event_id)


@pytest.mark.parametrize("seed", ["1", "5", "9"])
async def test_the_laws_hold_over_a_log_on_a_disk(seed: str, store: Store, data_dir: Path) -> None:
    host = await store.users.create(email="host@example.org", name="Host", role="host", password_hash="-")
    meeting = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/abc", "Talk", rule=Rule.EACH_VOICE)
    epoch = await store.meetings.claim(meeting.id, "bot", 5_000)
    assert epoch is not None
    await store.visits.open_visit(meeting.id, epoch, Rule.EACH_VOICE, "en")
    database = data_dir / DATABASE_NAME
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE visits SET id = ?", (VISIT,))
    log = DiskLog(store, database)
    counts: Counter[str] = Counter()
    assert run(walk_of(seed, STEPS), counts, log) is None
    assert counts["kept"] > 0
    read = store.log.read(-1, 100_000)
    assert [(entry.index, entry.event_id, entry.event) for entry in read] == [
        (entry.index, entry.event_id, entry.event) for entry in log.entries
    ]
    head = open_checkpoint(store.log.latest_checkpoint(), store.log.key, verify_signature)
    assert head.size == len(read)
    for entry in read:
        size, path = store.log.inclusion(entry.index)
        assert verify_inclusion(entry.leaf_hash, entry.index, size, path, head.root)
