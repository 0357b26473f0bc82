"""Sealed transcripts: one a person, tagged and logged, whole or not there, and unreadable once changed or erased."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from consent_notice.events import TranscriptSealed
from consent_notice.words import SeatId, SegmentId
from storage.errors import BrokenRecord, KeyDestroyed, TranscriptNotStored
from storage.store import Store
from storage.transcripts import TranscriptRow, Utterance
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import Meeting, begin

ANN, BOB = SeatId("ann"), SeatId("bob")
SEGMENT = SegmentId("segment")


def said(text: str, seat: SeatId = ANN) -> Utterance:
    words = len(text.split())
    return Utterance(seat=seat, start_ms=1_000, end_ms=2_500, text=text, segment=SEGMENT, words=words)


async def put(meeting: Meeting, seat: SeatId, *utterances: Utterance) -> TranscriptRow:
    return await meeting.store.transcripts.put(
        meeting.visit, seat, utterances, language="en", model="model", segments=[SEGMENT], relies_on=[3]
    )


@pytest.fixture
async def meeting(store: Store, clock: HandClock) -> Meeting:
    return await begin(store, clock)


def entries(meeting: Meeting) -> list[TranscriptSealed]:
    events = [entry.event for entry in meeting.store.log.entries_of(meeting.visit)]
    return [event for event in events if isinstance(event, TranscriptSealed)]


async def test_it_is_read_back_after_a_restart_word_for_word(
    meeting: Meeting, data_dir: Path, clock: HandClock, new_id: Callable[[], str]
) -> None:
    words = (said("Grüße an alle 🙂"), said('and "quotes", too'))
    row = await put(meeting, ANN, *words)
    assert (row.utterances, row.words) == (2, 7)
    meeting.store.close()
    content = (data_dir / "transcripts" / f"{row.id}.sealed").read_bytes()
    assert b"quotes" not in content
    again = Store.open(data_dir, clock, new_id)
    assert tuple(again.transcripts.read(row.id)) == words
    assert await again.transcripts.of_visit(meeting.visit) == [row]
    again.close()


async def test_its_entry_holds_it_to_its_tags_and_its_file(meeting: Meeting, data_dir: Path) -> None:
    row = await put(meeting, ANN, said("hello"))
    (event,) = entries(meeting)
    assert (event.transcript, event.seat, event.sha256, event.tags_sha256) == (
        row.id,
        ANN,
        row.sha256,
        row.tags_sha256(),
    )
    assert (event.segments, event.relies_on, event.words) == ((SEGMENT,), (3,), 1)


async def test_a_person_has_one_and_the_second_putting_changes_nothing(meeting: Meeting, data_dir: Path) -> None:
    first = await put(meeting, ANN, said("hello"))
    assert await put(meeting, ANN, said("something else")) == first
    other = await put(meeting, BOB, said("two words", BOB))
    assert await meeting.store.transcripts.of_visit(meeting.visit) == [first, other]
    assert len(entries(meeting)) == 2
    assert len(list((data_dir / "transcripts").iterdir())) == 2
    visit = await meeting.store.visits.get(meeting.visit)
    assert visit is not None
    assert visit.words == 3


async def test_what_the_disk_does_not_take_is_not_there_and_can_be_put_again(meeting: Meeting, data_dir: Path) -> None:
    (data_dir / "transcripts").write_text("in the way")
    with pytest.raises(TranscriptNotStored, match="tried again"):
        await put(meeting, ANN, said("hello"))
    assert await meeting.store.transcripts.of_visit(meeting.visit) == []
    assert entries(meeting) == []
    (data_dir / "transcripts").unlink()
    row = await put(meeting, ANN, said("hello"))
    assert meeting.store.transcripts.read(row.id) == [said("hello")]


async def test_files_that_a_crash_left_are_swept_away_and_no_other(meeting: Meeting, data_dir: Path) -> None:
    assert await meeting.store.transcripts.sweep() == 0
    row = await put(meeting, ANN, said("hello"))
    for name in ("stray.sealed", "half.unfinished"):
        (data_dir / "transcripts" / name).write_bytes(b"left over")
    assert await meeting.store.transcripts.sweep() == 2
    assert [path.name for path in (data_dir / "transcripts").iterdir()] == [f"{row.id}.sealed"]


async def test_any_changed_byte_a_cut_and_another_ones_file_are_refused(meeting: Meeting, data_dir: Path) -> None:
    row, other = await put(meeting, ANN, said("hello")), await put(meeting, BOB, said("no", BOB))
    path = meeting.store.transcripts.path_of(row.id)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(BrokenRecord):
            meeting.store.transcripts.read(row.id)
    path.write_bytes(whole[:-1])
    with pytest.raises(BrokenRecord):
        meeting.store.transcripts.read(row.id)
    shutil.copy(meeting.store.transcripts.path_of(other.id), path)
    with pytest.raises(BrokenRecord):
        meeting.store.transcripts.read(row.id)
    path.unlink()
    with pytest.raises(BrokenRecord, match="missing"):
        meeting.store.transcripts.read(row.id)


@pytest.mark.parametrize(("column", "value"), [("segments", "{"), ("relies_on", '["x"]'), ("segments", "7")])
async def test_tags_that_are_none_are_refused(meeting: Meeting, data_dir: Path, column: str, value: Any) -> None:
    row = await put(meeting, ANN, said("hello"))
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
        connection.execute(f"UPDATE transcripts SET {column} = ?", (value,))
    with pytest.raises(BrokenRecord):
        meeting.store.transcripts.read(row.id)


async def test_with_its_key_its_words_are_gone(meeting: Meeting) -> None:
    row = await put(meeting, ANN, said("hello"))
    meeting.store.keys.destroy([row.key_id])
    with pytest.raises(KeyDestroyed):
        meeting.store.transcripts.read(row.id)


async def test_an_unknown_one_is_an_error(meeting: Meeting) -> None:
    with pytest.raises(BrokenRecord, match="not in the database"):
        meeting.store.transcripts.read("nobody")
