"""Erased people leave every proof as it was; and nothing goes without an authority that the log bears out."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from consent_notice.checkpoint import Checkpoint, open_checkpoint
from consent_notice.events import Erased
from consent_notice.merkle import verify_consistency, verify_inclusion
from consent_notice.receipt import check_receipt
from consent_notice.words import SeatId, SegmentId
from storage.continuity import continues
from storage.log_entries import ErasedBody
from storage.receipts import entries_about, receipt_of
from storage.retention import REFUSALS_AUTHORITY
from storage.segments import LATE_REFUSAL, segment_folder
from storage.store import Store
from storage.vault import verify_signature
from storage.verify import verify
from tests.adapter.storage.events import NOTICE
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.test_erasure import Told
from tests.adapter.storage.test_receipts import facts

ANN, BOB, CLEO = SeatId("ann"), SeatId("bob"), SeatId("cleo")


@pytest.fixture
async def told(store: Store, clock: HandClock) -> Told:
    found = await Told.begin(store, clock)
    await found.end()
    return found


@dataclass(frozen=True)
class Proofs:
    """All that left the server before anybody was erased."""

    head: Checkpoint
    leaves: list[bytes]
    paths: list[list[bytes]]
    notes: list[str]
    receipts: list[bytes]

    @classmethod
    def of(cls, told: Told) -> Proofs:
        log = told.store.log
        with closing(sqlite3.connect(told.store.data_dir / "onrecord.db")) as connection:
            notes = [note for (note,) in connection.execute("SELECT note FROM log_checkpoints ORDER BY size")]
        entries = log.read(-1, 1_000)
        return cls(
            head=open_checkpoint(log.latest_checkpoint(), log.key, verify_signature),
            leaves=[entry.leaf_hash for entry in entries],
            paths=[log.inclusion(entry.index)[1] for entry in entries],
            notes=notes,
            receipts=[
                receipt_of(log, entries_about(log, told.visit, seat), facts(seat, NOTICE.exact_text))
                for seat in (ANN, BOB, CLEO)
            ],
        )

    def hold(self, store: Store) -> None:
        """Those of then by themselves, and every entry and every old head in the tree of now."""
        for index, (leaf, path) in enumerate(zip(self.leaves, self.paths, strict=True)):
            assert verify_inclusion(leaf, index, self.head.size, path, self.head.root)
        for receipt in self.receipts:
            assert check_receipt(receipt, store.log.key, verify_signature).checkpoint.size == self.head.size
        latest = open_checkpoint(store.log.latest_checkpoint(), store.log.key, verify_signature)
        assert latest.size > self.head.size
        now = store.log.read(-1, 1_000)
        assert [entry.leaf_hash for entry in now][: self.head.size] == self.leaves
        for entry in now:
            size, path = store.log.inclusion(entry.index)
            assert verify_inclusion(entry.leaf_hash, entry.index, size, path, latest.root)
        for note in self.notes:
            old = continues(store.log, note).old
            if old.size:
                path = store.log.consistency(old.size)[1]
                assert verify_consistency(old.size, latest.size, path, old.root, latest.root)


async def test_everybody_is_erased_and_every_proof_holds(told: Told, clock: HandClock, data_dir: Path) -> None:
    """Sound, words and all that the log says of three people; what they were given still proves what it proved."""
    proofs, erasure = Proofs.of(told), told.store.erasure
    await erasure.erase_never_agreed(told.visit, "asked for")
    await erasure.erase_person(told.visit, ANN, "letter of 2 November")
    await erasure.erase_recording(told.visit, "request, case 17")
    entries = told.store.log.entries_of(told.visit)
    about = [entry.index for entry in entries if getattr(entry.event, "seat", None) in (ANN, BOB)]
    erasable = [index for index in about if told.store.log.get(index).event.kind in ("seat_joined", "decided")]
    await erasure.erase_bodies(erasable, "request, case 17")
    erased = [entry for entry in told.store.log.read(-1, 1_000) if isinstance(entry.event, ErasedBody)]
    assert len(erased) >= 6
    report = verify(data_dir)
    assert report.faults == []
    assert report.erased >= len(erased) + 4  # two segments, two transcripts
    proofs.hold(told.store)
    told.store.close()
    again = Store.open(data_dir, clock, lambda: "id")
    proofs.hold(again)
    again.close()


# ---- without authority -----------------------------------------------------------------------------------------------

Deed = Callable[[Told], str]  # what it did by hand, and the word that the fault must hold


def _row_of_seat(told: Told, seat: SeatId) -> int:
    return next(e.index for e in told.store.log.entries_of(told.visit) if getattr(e.event, "seat", None) == seat)


def _run(told: Told, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(told.store.data_dir / "onrecord.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


def body_deleted(told: Told) -> str:
    index = _row_of_seat(told, CLEO)
    _run(told, "DELETE FROM log_bodies WHERE idx = ?", index)
    return f"log entry {index}: its body is gone, and no entry accounts"


def entry_deleted(told: Told) -> str:
    index = told.store.log.size() - 2
    _run(told, "DELETE FROM log_bodies WHERE idx = ?", index)
    _run(told, "DELETE FROM log_leaves WHERE idx = ?", index)
    return f"log entry {index}: missing"


def segment_key_destroyed(told: Told) -> str:
    header = segment_folder(told.store.data_dir / "tracks", told.visit, told.segments["ann"]) / "header.json"
    told.store.keys.destroy([json.loads(header.read_text())["key_id"]])
    return f"{told.segments['ann']}: its key can't be read"


def segment_folder_removed(told: Told) -> str:
    shutil.rmtree(segment_folder(told.store.data_dir / "tracks", told.visit, told.segments["ann"]))
    return f"{told.segments['ann']}/header.json: missing"


def part_removed(told: Told) -> str:
    folder = segment_folder(told.store.data_dir / "tracks", told.visit, told.segments["ann"])
    next(folder.glob("*.part")).unlink()
    return ".part: missing"


def transcript_row_deleted(told: Told) -> str:
    _run(told, "DELETE FROM transcripts WHERE seat = 'ann'")
    return "its tags are missing"


def transcript_file_removed(told: Told) -> str:
    for path in (told.store.data_dir / "transcripts").glob("*.sealed"):
        path.unlink()
    return ".sealed: "


def transcript_key_destroyed(told: Told) -> str:
    with closing(sqlite3.connect(told.store.data_dir / "onrecord.db")) as connection:
        told.store.keys.destroy([key for (key,) in connection.execute("SELECT key_id FROM transcripts")])
    return "destroyed"


def visit_row_deleted(told: Told) -> str:
    for table in ("transcripts", "seats", "pages", "visits"):
        with closing(sqlite3.connect(told.store.data_dir / "onrecord.db")) as connection, connection:
            column = "id" if table == "visits" else "visit_id"
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (told.visit,))
    return f"visit {told.visit}: it is in the log and not in the database"


@pytest.mark.parametrize(
    "deed",
    [
        body_deleted,
        entry_deleted,
        segment_key_destroyed,
        segment_folder_removed,
        part_removed,
        transcript_row_deleted,
        transcript_file_removed,
        transcript_key_destroyed,
        visit_row_deleted,
    ],
)
async def test_what_goes_without_an_entry_is_found(deed: Deed, told: Told, data_dir: Path) -> None:
    assert verify(data_dir).faults == []
    expected = deed(told)
    assert any(expected in fault for fault in verify(data_dir).faults)


@pytest.mark.parametrize(
    ("authority", "says"),
    [
        ("", "names no authority"),
        (" \t", "names no authority"),
        ("x" * 301, "in a form that this server never writes"),
        ("retention at night", "names an authority that is not known"),
        ("retention", "after the meeting began"),
        (REFUSALS_AUTHORITY, "after the meeting began"),
        (LATE_REFUSAL, "takes back sound and nothing else"),
    ],
)
async def test_an_entry_without_a_real_authority_is_found_though_it_did_what_it_says(
    authority: str, says: str, told: Told, data_dir: Path
) -> None:
    index = _row_of_seat(told, CLEO)
    claim = Erased(visit=told.visit, bodies=(index,), segments=(), transcripts=(), authority=authority)

    def forget(connection: sqlite3.Connection, _indices: Sequence[int]) -> None:
        connection.execute("DELETE FROM log_bodies WHERE idx = ?", (index,))

    told.store.log.submit([(claim, "claim")], companion=forget).result()
    faults = verify(data_dir).faults
    assert len(faults) == 1
    assert faults[0].startswith(f"log entry {told.store.log.by_event_id('claim').index}: it erases, and ")
    assert says in faults[0]


async def test_sound_that_goes_by_an_entry_without_authority_is_found(told: Told, data_dir: Path) -> None:
    segment = SegmentId(told.segments["ann"])
    claim = Erased(visit=told.visit, bodies=(), segments=(segment,), transcripts=(), authority="")
    segment_folder_removed(told)
    await told.store.log.append(claim, event_id="claim")
    await told.store.records.tag_recording(told.visit)
    assert any("names no authority" in fault for fault in verify(data_dir).faults)
