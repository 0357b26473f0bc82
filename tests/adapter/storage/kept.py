"""A data directory with a whole meeting in it, for tests that change it at rest."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consent_notice.decisions import Act
from consent_notice.words import Purpose, SeatId
from storage.store import Store
from storage.transcripts import Utterance
from storage.verify import verify
from tests.adapter.storage.events import read_by
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import NO, YES, begin

# All that is logged, tagged or retained as evidence.
COLUMNS = {
    "log_leaves": ("idx", "event_id", "visit", "kind", "leaf", "leaf_hash"),
    "log_bodies": ("idx", "salt", "body"),
    "log_checkpoints": ("size", "note"),
    "log_frontier": ("size", "frontier"),
    "transcripts": (
        "id",
        "visit_id",
        "seat",
        "language",
        "model",
        "utterances",
        "words",
        "segments",
        "relies_on",
        "key_id",
        "sha256",
    ),
    "visits": ("id", "consent_status", "kept_ms", "words"),
    "notices": ("text_sha256", "notice", "version", "language", "spoken_sealed", "post_sealed", "page_sealed"),
    "installation": ("key_fingerprint", "log_vkey"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A data directory that nobody has open, and what is in it."""

    folder: Path
    visit: str
    transcript: str

    def database(self) -> closing[sqlite3.Connection]:
        connection = sqlite3.connect(self.folder / "onrecord.db", isolation_level=None)
        return closing(connection)

    def parts(self) -> list[Path]:
        return sorted(self.folder.rglob("*.part"))

    def faults(self) -> list[str]:
        return verify(self.folder).faults


async def keep_a_meeting(folder: Path) -> Kept:
    """Ann agrees, withdraws and agrees again; Bob refuses; one transcript; a tag; somebody reads it."""
    numbers = itertools.count()
    clock = HandClock()
    store = Store.open(folder, clock, lambda: f"id{next(numbers):06d}")
    meeting = await begin(store, clock)
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    await meeting.says("bob", (Purpose.RECORDING, Act.REFUSE))
    loop = asyncio.get_running_loop()
    writer = store.tracks.writer(meeting.visit, meeting.meeting_epoch, loop=loop, on_fault=lambda fault: None)
    for frame in meeting.admitted(meeting.gate(), "ann", range(1_700)):
        writer.keep(frame)
    await meeting.says("ann", *NO, at_ms=34_000)
    again = await meeting.says("ann", *YES, at_ms=36_000)
    gate = meeting.gate()
    for frame in meeting.admitted(gate, "ann", range(1_700, 1_900)) + meeting.admitted(gate, "bob", range(1_900)):
        writer.keep(frame)
    await writer.settle_and_close()
    clock.pass_ms(40_000)
    await meeting.ends(at_ms=40_000)
    segments = await store.tracks.segments(meeting.visit)
    said = [
        Utterance(seat=SeatId("ann"), start_ms=36_100, end_ms=37_000, text="Good morning", segment=row.id, words=2)
        for row in segments[-1:]
    ]
    transcript = await store.transcripts.put(
        meeting.visit,
        SeatId("ann"),
        said,
        language="en",
        model="model",
        segments=[segments[-1].id],
        relies_on=[again],
    )
    await store.records.tag_recording(meeting.visit)
    await store.log.append(read_by(1, meeting.visit), event_id="read")
    await store.visits.end_visit(meeting.visit, meeting.meeting_epoch, "meeting_ended")
    store.close()
    with closing(sqlite3.connect(folder / "onrecord.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Kept(folder=folder, visit=meeting.visit, transcript=transcript.id)


def sealed_files(kept: Kept) -> Iterator[Path]:
    yield from kept.parts()
    yield from sorted(kept.folder.rglob("header.json"))
    yield from sorted((kept.folder / "transcripts").iterdir())


def changed(value: Any, draw: random.Random) -> Any:
    """Another value of the same kind."""
    if isinstance(value, int):
        return value ^ (1 << draw.randrange(12))
    content = bytearray(value.encode() if isinstance(value, str) else value)
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(5)
    return content.decode(errors="replace") if isinstance(value, str) else bytes(content)


def changed_values(kept: Kept, table: str, column: str) -> Iterator[tuple[int, list[str]]]:
    """Changes some values of a column, one at a time: the row's id, and the faults that are found."""
    draw = random.Random(f"{table}.{column}")
    with kept.database() as connection:
        rows = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
        for _ in range(6):
            rowid, value = draw.choice(rows)
            new = changed(value, draw)
            try:
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, rowid))
            except sqlite3.IntegrityError:
                continue  # there is one of that name already
            faults = kept.faults()
            assert faults, f"{table}.{column}: {value!r} became {new!r}, and nobody saw it"
            yield rowid, faults
            moved = (table, column) in {("log_leaves", "idx"), ("log_bodies", "idx"), ("log_checkpoints", "size")}
            where = new if moved else rowid
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, where))
    assert kept.faults() == []


def columns_of(*tables: str) -> list[tuple[str, str]]:
    return [(table, column) for table in tables for column in COLUMNS[table]]
