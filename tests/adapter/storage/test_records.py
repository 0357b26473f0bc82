"""The recording's tag: computed from the log, written with its row in one transaction, the same whoever computes it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Means, RecordingTagged, SeatLeft
from consent_notice.words import ConsentStatus, Purpose, Rule, SeatId, VisitId
from storage.errors import NotStored
from storage.records import tagged
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.events import decided, joined
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import NO, YES, Meeting, begin

REFUSED = ((Purpose.RECORDING, Act.REFUSE), (Purpose.TRANSCRIPTION, Act.REFUSE))


async def keep(meeting: Meeting, seat: str, numbers: range) -> None:
    loop = asyncio.get_running_loop()
    writer = meeting.store.tracks.writer(meeting.visit, meeting.meeting_epoch, loop=loop, on_fault=lambda fault: None)
    for frame in meeting.admitted(meeting.gate(), seat, numbers):
        writer.keep(frame)
    await writer.settle_and_close()


def tags(meeting: Meeting) -> list[RecordingTagged]:
    events = [entry.event for entry in meeting.store.log.entries_of(meeting.visit)]
    return [event for event in events if isinstance(event, RecordingTagged)]


async def ended(meeting: Meeting, clock: HandClock, at_ms: int = 3_000) -> int:
    clock.pass_ms(at_ms)
    await meeting.ends(at_ms)
    return await meeting.store.records.tag_recording(meeting.visit)


async def test_everybodys_whole_yes_is_complete(store: Store, clock: HandClock, data_dir: Path) -> None:
    meeting = await begin(store, clock, rule=Rule.EVERYONE)
    await meeting.joins("ann", "bob")
    for seat in ("ann", "bob"):
        await meeting.says(seat, *YES)
    await keep(meeting, "ann", range(1, 101))
    assert await ended(meeting, clock) == 2_000
    (tag,) = tags(meeting)
    assert tag.consent_status == (ConsentStatus.COMPLETE,)
    assert [(seat, kept_ms) for seat, _, kept_ms in tag.per_seat] == [("ann", 2_000), ("bob", 0)]
    row = await store.visits.get(meeting.visit)
    assert row is not None
    assert (row.consent_status, row.kept_ms) == (tag.consent_status, 2_000)
    assert verify(data_dir).faults == []


async def test_a_tag_names_nobody_who_never_agreed(store: Store, clock: HandClock, data_dir: Path) -> None:
    meeting = await begin(store, clock)
    await meeting.joins("ann", "bob", "cleo")
    await meeting.says("ann", *YES)
    await meeting.says("bob", *REFUSED)  # and cleo says nothing
    await keep(meeting, "ann", range(1, 101))
    await ended(meeting, clock)
    (tag,) = tags(meeting)
    assert ConsentStatus.VOICES_MISSING in tag.consent_status
    assert [seat for seat, _, _ in tag.per_seat] == ["ann"]
    assert verify(data_dir).faults == []


@pytest.mark.parametrize(
    ("rule", "who_speaks"), [(Rule.EVERYONE, "ann"), (Rule.EACH_VOICE, "ann"), (Rule.EACH_VOICE, "bob")]
)
async def test_with_a_hosts_word_in_it_a_recording_is_never_complete(
    store: Store, clock: HandClock, data_dir: Path, rule: Rule, who_speaks: str
) -> None:
    meeting = await begin(store, clock, rule=rule, attested_opens=True)
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    word = decided(meeting.visit, "bob", meeting.started_ms, (Purpose.RECORDING, Act.ATTEST), boot_id=clock.boot_id)
    await meeting.log(replace(word, means=Means.HOST, matched_by="said by the host"))
    await keep(meeting, who_speaks, range(1, 101))
    assert await ended(meeting, clock) == 2_000, "the host's word opened"
    (tag,) = tags(meeting)
    assert ConsentStatus.COMPLETE not in tag.consent_status
    assert ConsentStatus.COMPLETE not in {status for seat, status, _ in tag.per_seat if seat == "bob"}
    assert verify(data_dir).faults == []


async def test_who_withdraws_leaves_time_missing_and_keeps_what_was_agreed(
    store: Store, clock: HandClock, data_dir: Path
) -> None:
    meeting = await begin(store, clock)
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    await keep(meeting, "ann", range(1, 51))
    await meeting.says("ann", *NO, at_ms=1_020)
    assert await ended(meeting, clock) == 1_000
    (tag,) = tags(meeting)
    assert tag.consent_status == (ConsentStatus.TIME_MISSING,)
    assert verify(data_dir).faults == []


async def test_without_a_yes_nothing_is_kept_and_the_tag_says_none(
    store: Store, clock: HandClock, data_dir: Path
) -> None:
    meeting = await begin(store, clock)
    await meeting.joins("ann")
    await keep(meeting, "ann", range(1, 51))
    assert await ended(meeting, clock) == 0
    (tag,) = tags(meeting)
    assert (tag.consent_status, tag.per_seat) == ((ConsentStatus.NONE,), ())
    assert verify(data_dir).faults == []


async def test_who_was_there_again_after_a_pause_is_judged_by_the_time_of_their_presence(
    store: Store, clock: HandClock
) -> None:
    meeting = await begin(store, clock)
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    await keep(meeting, "ann", range(1, 51))
    left_ms = meeting.started_ms + 1_020
    await meeting.log(SeatLeft(visit=meeting.visit, epoch=1, seat=SeatId("ann"), boot_id=clock.boot_id, at_ms=left_ms))
    await meeting.log(joined(meeting.visit, "ann", left_ms + 1_000, boot_id=clock.boot_id))
    await ended(meeting, clock)
    (tag,) = tags(meeting)
    assert tag.consent_status == (ConsentStatus.COMPLETE,)


async def test_tagging_again_writes_only_what_is_new(store: Store, clock: HandClock) -> None:
    meeting = await begin(store, clock)
    await meeting.joins("ann")
    await meeting.says("ann", *YES)
    await keep(meeting, "ann", range(1, 51))
    for _ in range(3):
        assert await store.records.tag_recording(meeting.visit) == 1_000
    assert len(tags(meeting)) == 1
    await keep(meeting, "ann", range(51, 101))
    assert await store.records.tag_recording(meeting.visit) == 2_000
    assert [tag.per_seat[0][2] for tag in tags(meeting)] == [1_000, 2_000]


async def test_a_tag_can_be_computed_again_from_the_entries_before_it(store: Store, clock: HandClock) -> None:
    meeting = await begin(store, clock)
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    await meeting.says("bob", *REFUSED)
    await keep(meeting, "ann", range(1, 101))
    await ended(meeting, clock)
    entries = store.log.entries_of(meeting.visit)
    at = next(place for place, entry in enumerate(entries) if isinstance(entry.event, RecordingTagged))
    assert tagged(meeting.visit, entries[:at]) == entries[at].event


async def test_a_changed_row_is_found(store: Store, clock: HandClock, data_dir: Path) -> None:
    meeting = await begin(store, clock)
    await meeting.joins("ann")
    await ended(meeting, clock)
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
        connection.execute("UPDATE visits SET consent_status = 'complete'")
    (fault,) = verify(data_dir).faults
    assert meeting.visit in fault


async def test_a_visit_without_a_beginning_has_no_tag(store: Store) -> None:
    with pytest.raises(NotStored, match="no beginning"):
        await store.records.tag_recording(VisitId("nobody"))
