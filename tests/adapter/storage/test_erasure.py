"""What was erased can't be read by anybody, is on the record, and leaves every other proof as it was."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consent_notice.checkpoint import open_checkpoint
from consent_notice.decisions import Act
from consent_notice.events import Erased, RecordingTagged, SegmentOpened
from consent_notice.merkle import verify_inclusion
from consent_notice.words import ConsentStatus, Purpose, Rule, SeatId, SeatKind, SegmentId
from storage.errors import KeyDestroyed, NotStored, StillNeeded, StillRecording
from storage.log_entries import ErasedBody
from storage.segments import segment_folder
from storage.store import Store
from storage.transcripts import TranscriptRow, Utterance
from storage.vault import verify_signature
from storage.verify import verify
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.kept import keep_a_meeting
from tests.adapter.storage.meeting import YES, Meeting, begin
from tests.adapter.storage.processes import rest_of, start

NO_TO_ALL = ((Purpose.RECORDING, Act.REFUSE), (Purpose.TRANSCRIPTION, Act.REFUSE))


class Told:
    """Ann and Bob were recorded and transcribed; Cleo refused, came and went."""

    def __init__(self, meeting: Meeting, clock: HandClock) -> None:
        self.meeting, self.clock, self.store, self.visit = meeting, clock, meeting.store, meeting.visit
        self.said: dict[str, int] = {}
        self.segments: dict[str, SegmentId] = {}

    @classmethod
    async def begin(cls, store: Store, clock: HandClock, *, rule: Rule = Rule.EACH_VOICE) -> Told:
        told = cls(await begin(store, clock, rule=rule), clock)
        meeting = told.meeting
        await meeting.joins("ann", "bob", *(["cleo"] if rule is Rule.EACH_VOICE else []))
        for seat in ("ann", "bob"):
            await store.visits.upsert_seat(told.visit, SeatId(seat), f"Name of {seat}", SeatKind.PERSON, 1)
            told.said[seat] = await meeting.says(seat, *YES)
        if rule is Rule.EACH_VOICE:
            await store.visits.upsert_seat(told.visit, SeatId("cleo"), "Name of cleo", SeatKind.PERSON, 1)
            told.said["cleo"] = await meeting.says("cleo", *NO_TO_ALL)
        loop = asyncio.get_running_loop()
        writer = store.tracks.writer(told.visit, meeting.meeting_epoch, loop=loop, on_fault=lambda _fault: None)
        gate = meeting.gate()
        for seat in ("ann", "bob"):
            for frame in meeting.admitted(gate, seat, range(1, 200)):
                writer.keep(frame)
        await writer.settle_and_close()
        clock.pass_ms(10_000)
        for row in await store.tracks.segments(told.visit):
            told.segments[row.seats[0]] = row.id
        return told

    async def end(self) -> None:
        await self.meeting.ends(at_ms=10_000)
        await self.store.visits.end_visit(self.visit, self.meeting.meeting_epoch, "meeting_ended")
        for seat in ("ann", "bob"):
            await self.put(seat)
        await self.store.records.tag_recording(self.visit)

    async def put(self, seat: str) -> TranscriptRow:
        said = Utterance(
            seat=SeatId(seat), start_ms=0, end_ms=900, text="Good morning", segment=self.segments[seat], words=2
        )
        return await self.store.transcripts.put(
            self.visit, SeatId(seat), [said], language="en", model="model",
            segments=[self.segments[seat]], relies_on=[self.said[seat]],
        )  # fmt: skip

    def is_readable(self, seat: str) -> bool:
        try:
            return len(list(self.store.tracks.read(self.segments[seat])[1])) > 0
        except (NotStored, KeyDestroyed):
            return False

    def wrapped(self, seat: str) -> bytes:
        folder = segment_folder(self.store.data_dir / "tracks", self.visit, self.segments[seat])
        key_id = json.loads((folder / "header.json").read_text())["key_id"]
        return wrapped_key(self.store.data_dir, key_id)

    def events(self) -> list[object]:
        return [entry.event for entry in self.store.log.entries_of(self.visit)]

    async def row(self) -> tuple[tuple[ConsentStatus, ...], int, int]:
        row = await self.store.visits.get(self.visit)
        assert row is not None
        return row.consent_status, row.kept_ms, row.words


def wrapped_key(data_dir: Path, key_id: str) -> bytes:
    with closing(sqlite3.connect(data_dir / "keys.db")) as connection:
        return bytes(connection.execute("SELECT wrapped FROM data_keys WHERE id = ?", (key_id,)).fetchone()[0])


def bytes_of(data_dir: Path, name: str) -> bytes:
    """With the journal, and without leave of the database."""
    return b"".join(path.read_bytes() for path in sorted(data_dir.glob(f"{name}*")) if not path.name.endswith("-shm"))


@pytest.fixture
async def told(store: Store, clock: HandClock) -> Told:
    found = await Told.begin(store, clock)
    await found.end()
    return found


async def test_a_person_is_erased_and_the_others_stay(told: Told, data_dir: Path) -> None:
    key, others_key = told.wrapped("ann"), told.wrapped("bob")
    rows = {row.seat: row for row in await told.store.transcripts.of_visit(told.visit)}
    text_key = wrapped_key(data_dir, rows[SeatId("ann")].key_id)
    assert key in bytes_of(data_dir, "keys.db")
    await told.store.erasure.erase_person(told.visit, SeatId("ann"), "letter of 2 November")
    assert not told.is_readable("ann")
    assert told.is_readable("bob")
    left = bytes_of(data_dir, "keys.db")
    assert key not in left
    assert text_key not in left
    assert others_key in left
    assert [row.seat for row in await told.store.transcripts.of_visit(told.visit)] == ["bob"]
    assert not told.store.transcripts.path_of(rows[SeatId("ann")].id).exists()
    assert not segment_folder(data_dir / "tracks", told.visit, told.segments["ann"]).exists()
    status, kept_ms, words = await told.row()
    assert ConsentStatus.WITHDRAWN in status
    assert (kept_ms, words) == (199 * 20, 2)
    (entry,) = [event for event in told.events() if isinstance(event, Erased)]
    assert (entry.authority, entry.segments) == ("letter of 2 November", (told.segments["ann"],))
    assert entry.transcripts == (rows[SeatId("ann")].id,)
    report = verify(data_dir)
    assert report.faults == []
    assert (report.parts, report.erased) == (1, 2)


async def test_under_everyone_only_segments_that_hold_the_person_go(store: Store, clock: HandClock) -> None:
    told = await Told.begin(store, clock, rule=Rule.EVERYONE)
    await told.end()
    opened = {event.segment: event for event in told.events() if isinstance(event, SegmentOpened)}
    assert set(opened[told.segments["bob"]].relies_on) == {told.said["ann"], told.said["bob"]}
    await store.erasure.erase_person(told.visit, SeatId("ann"), "asked for")
    assert not told.is_readable("ann")
    assert told.is_readable("bob")
    with pytest.raises(StillNeeded):  # Bob's sound is lawful because Ann agreed as well
        await store.erasure.erase_bodies([told.said["ann"]], "asked for")
    assert verify(store.data_dir).faults == []


async def test_a_recording_is_erased_as_a_whole_and_once(told: Told, data_dir: Path) -> None:
    first = await told.store.erasure.erase_recording(told.visit, "asked for")
    assert (len(first.segments), len(first.transcripts)) == (2, 2)
    again = await told.store.erasure.erase_recording(told.visit, "asked for")
    assert not again
    assert await told.store.tracks.segments(told.visit) == []
    assert await told.store.transcripts.of_visit(told.visit) == []
    assert not (data_dir / "tracks" / told.visit).exists()
    assert list((data_dir / "transcripts").iterdir()) == []
    assert len([event for event in told.events() if isinstance(event, Erased)]) == 1
    status, kept_ms, words = await told.row()
    assert ConsentStatus.WITHDRAWN in status
    assert (kept_ms, words) == (0, 0)
    assert verify(data_dir).faults == []


async def test_no_transcript_comes_after_its_sound_was_erased(store: Store, clock: HandClock) -> None:
    told = await Told.begin(store, clock)
    await told.meeting.ends(at_ms=10_000)
    await store.visits.end_visit(told.visit, told.meeting.meeting_epoch, "meeting_ended")
    await store.erasure.erase_person(told.visit, SeatId("ann"), "asked for")
    keys = len(bytes_of_keys(store))
    with pytest.raises(KeyDestroyed):
        await told.put("ann")
    assert list((store.data_dir / "transcripts").iterdir()) == []
    assert len(bytes_of_keys(store)) == keys, "the key of the refused transcript is still there"
    await told.put("bob")
    assert verify(store.data_dir).faults == []


def bytes_of_keys(store: Store) -> list[bytes]:
    with closing(sqlite3.connect(store.data_dir / "keys.db")) as connection:
        return [row[0] for row in connection.execute("SELECT wrapped FROM data_keys")]


async def test_a_running_meeting_is_not_erased(store: Store, clock: HandClock) -> None:
    told = await Told.begin(store, clock)
    with pytest.raises(StillRecording):
        await store.erasure.erase_recording(told.visit, "asked for")
    assert told.is_readable("ann")
    clock.pass_ms(25 * 3_600_000)  # left behind by a crash
    await store.erasure.erase_recording(told.visit, "asked for")
    assert not told.is_readable("ann")


@pytest.mark.parametrize("authority", ["", "  ", "x" * 301])
async def test_an_erasure_needs_an_authority(told: Told, authority: str) -> None:
    with pytest.raises(ValueError, match="authority"):
        await told.store.erasure.erase_recording(told.visit, authority)
    assert told.is_readable("ann")


# ---- bodies ----------------------------------------------------------------------------------------------------------


async def test_bodies_go_and_every_proof_stays(told: Told, data_dir: Path) -> None:
    log = told.store.log
    about = [entry for entry in log.entries_of(told.visit) if getattr(entry.event, "seat", None) == "cleo"]
    assert len(about) == 2
    assert b"Name of cleo" in bytes_of(data_dir, "onrecord.db")
    salts = salts_of(data_dir, [entry.index for entry in about])
    await told.store.erasure.erase_bodies([entry.index for entry in about], "asked for")
    left = bytes_of(data_dir, "onrecord.db")
    assert left.count(b"Name of cleo") == 1  # the row in seats, which goes with `erase_never_agreed`
    assert not [salt for salt in salts if salt in left], "a guess could be held against the leaf"
    for entry in about:
        now = log.get(entry.index)
        assert isinstance(now.event, ErasedBody)
        size, path = log.inclusion(entry.index)
        assert now.leaf_hash == entry.leaf_hash
        root = checkpoint_root(told.store)
        assert verify_inclusion(now.leaf_hash, entry.index, size, path, root)
    report = verify(data_dir)
    assert report.faults == []
    assert report.erased == 2
    assert ConsentStatus.VOICES_MISSING in (await told.row())[0]
    await told.store.records.tag_recording(told.visit)
    assert ConsentStatus.VOICES_MISSING in (await told.row())[0], "somebody was there whom nobody remembers now"
    assert verify(data_dir).faults == []


def salts_of(data_dir: Path, indices: list[int]) -> list[bytes]:
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection:
        query = "SELECT salt FROM log_bodies WHERE idx = ?"
        return [bytes(connection.execute(query, (index,)).fetchone()[0]) for index in indices]


def checkpoint_root(store: Store) -> bytes:
    return open_checkpoint(store.log.latest_checkpoint(), store.log.key, verify_signature).root


async def test_a_body_that_kept_sound_relies_on_stays_until_the_sound_is_gone(told: Told, data_dir: Path) -> None:
    with pytest.raises(StillNeeded):
        await told.store.erasure.erase_bodies([told.said["ann"]], "asked for")
    opened = next(e.index for e in told.store.log.entries_of(told.visit) if isinstance(e.event, SegmentOpened))
    with pytest.raises(StillNeeded):
        await told.store.erasure.erase_bodies([opened], "asked for")
    assert verify(data_dir).faults == []
    await told.store.erasure.erase_person(told.visit, SeatId("ann"), "asked for")
    about = [e.index for e in told.store.log.entries_of(told.visit) if getattr(e.event, "seat", None) == "ann"]
    mine = [index for index in about if told.store.log.get(index).event.kind in ("seat_joined", "decided")]
    await told.store.erasure.erase_bodies(mine, "asked for")
    assert ConsentStatus.WITHDRAWN in (await told.row())[0]
    assert verify(data_dir).faults == []


async def test_an_erasure_that_nothing_accounts_for_is_found(told: Told, data_dir: Path) -> None:
    joined = next(e for e in told.store.log.entries_of(told.visit) if getattr(e.event, "seat", None) == "cleo")
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
        connection.execute("DELETE FROM log_bodies WHERE idx = ?", (joined.index,))
    faults = verify(data_dir).faults
    assert any(f"log entry {joined.index}: its body is gone" in fault for fault in faults)


async def test_an_accounted_erasure_hides_no_other_one(told: Told, data_dir: Path) -> None:
    """A lawful erasure in the same meeting is no licence: the no of a kept person goes with a fault."""
    await told.store.erasure.erase_bodies([told.said["cleo"]], "asked for")
    tag = next(e.index for e in told.store.log.entries_of(told.visit) if isinstance(e.event, RecordingTagged))
    for index in (told.said["bob"], tag):
        with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
            row = connection.execute("SELECT * FROM log_bodies WHERE idx = ?", (index,)).fetchone()
            connection.execute("DELETE FROM log_bodies WHERE idx = ?", (index,))
        assert any(f"log entry {index}:" in fault for fault in verify(data_dir).faults)
        with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
            connection.execute("INSERT INTO log_bodies VALUES (?, ?, ?)", row)
    assert verify(data_dir).faults == []


async def test_an_entry_can_account_only_for_what_is_about_a_person_and_before_it(told: Told, data_dir: Path) -> None:
    opened = told.store.log.entries_of(told.visit)[0].index
    claim = Erased(visit=told.visit, bodies=(opened, 10_000), segments=(), transcripts=(), authority="none")
    await told.store.log.append(claim, event_id="claim")
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
        connection.execute("DELETE FROM log_bodies WHERE idx = ?", (opened,))
    faults = verify(data_dir).faults
    assert any(f"log entry {opened}: it says nothing about one person" in fault for fault in faults)
    assert any("erases entry 10000" in fault for fault in faults)


async def test_a_claimed_erasure_that_did_not_happen_is_found(told: Told, data_dir: Path) -> None:
    segment = told.segments["ann"]
    claim = Erased(visit=told.visit, bodies=(told.said["cleo"],), segments=(segment,), transcripts=(), authority="none")
    await told.store.log.append(claim, event_id="claim")
    await told.store.records.tag_recording(told.visit)
    faults = verify(data_dir).faults
    assert any(f"segment {segment}: its erasure is logged, and its key is still there" in fault for fault in faults)
    assert any(f"log entry {told.said['cleo']}: its erasure is logged" in fault for fault in faults)


async def test_sound_that_goes_without_an_entry_is_found(told: Told, data_dir: Path) -> None:
    folder = segment_folder(data_dir / "tracks", told.visit, told.segments["ann"])
    told.store.keys.destroy([json.loads((folder / "header.json").read_text())["key_id"]])
    assert any(told.segments["ann"] in fault for fault in verify(data_dir).faults)


async def test_a_changed_header_points_no_erasure_at_another_key(told: Told, data_dir: Path) -> None:
    mine, other = (segment_folder(data_dir / "tracks", told.visit, told.segments[seat]) for seat in ("ann", "bob"))
    (mine / "header.json").write_bytes((other / "header.json").read_bytes())
    with pytest.raises(Exception, match="header was changed"):
        await told.store.erasure.erase_person(told.visit, SeatId("ann"), "asked for")
    assert told.is_readable("bob")


# ---- crashes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [24, pytest.param(10_000, marks=[pytest.mark.nightly, pytest.mark.timeout(1_800)])])
async def test_killed_at_any_line_it_is_completed(tmp_path: Path, cuts: int) -> None:
    kept = await keep_a_meeting(tmp_path / "data")
    found = [json.loads(line) for line in rest_of(start("cut_eraser", kept.folder, kept.visit, cuts))]
    assert len(found) >= min(cuts, 24)
    assert all(one["killed"] for one in found)
    for one in found:
        cut, end = one["cut"], one["end"]
        if cut["logged"]:
            assert (cut["keys_left"], cut["headers"]) == (0, 0), "claimed, and not done"
        if cut["headers"] != 2 or cut["keys_left"] != 2:
            assert cut["ordered"] or cut["logged"], "gone, and nothing says why"
        if not cut["logged"]:
            assert bool(cut["faults"]) == cut["ordered"], (
                "an unfinished erasure is named, a whole recording has no fault"
            )
        assert (end["ordered"], end["logged"], end["headers"], end["faults"]) == (False, True, 0, [])
    assert any(one["cut"]["ordered"] and not one["cut"]["logged"] for one in found)
