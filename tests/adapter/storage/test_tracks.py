"""What can be heard of kept sound: which segments there are, and one seat's sound as a file with its gaps."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import av
import pytest

from consent_notice.words import SegmentId
from storage.errors import NotPlayable, NotStored
from storage.store import Store
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import FRAME_MS, NO, YES, Meeting, begin


@pytest.fixture
async def meeting(store: Store, clock: HandClock) -> Meeting:
    """Ann is kept for two seconds, withdraws for two, and is kept for one more; Bob for one."""
    meeting = await begin(store, clock)
    await meeting.joins("ann", "bob")
    await meeting.says("ann", *YES)
    await meeting.says("bob", *YES)
    loop = asyncio.get_running_loop()
    writer = store.tracks.writer(meeting.visit, meeting.meeting_epoch, loop=loop, on_fault=lambda fault: None)
    gate = meeting.gate()
    for frame in meeting.admitted(gate, "ann", range(1, 101)) + meeting.admitted(gate, "bob", range(1, 51)):
        writer.keep(frame)
    await meeting.says("ann", *NO, at_ms=2_020)
    await meeting.says("ann", *YES, at_ms=4_000)
    for frame in meeting.admitted(meeting.gate(), "ann", range(202, 252)):
        writer.keep(frame)
    await writer.settle_and_close()
    return meeting


async def test_a_row_a_segment_with_its_owner_its_span_and_what_is_kept(meeting: Meeting) -> None:
    rows = await meeting.store.tracks.segments(meeting.visit)
    assert [(row.seats, row.kept_ms) for row in rows] == [(("ann",), 2_000), (("bob",), 1_000), (("ann",), 1_000)]
    for row in rows:
        header, frames = meeting.store.tracks.read(row.id)
        told = [frame.captured_ms for frame in frames]
        assert (row.from_ms, row.to_ms) == (told[0], told[-1] + FRAME_MS)
        assert header.seats == row.seats
        assert header.relies_on == row.relies_on
    assert rows[0].relies_on != rows[2].relies_on
    assert await meeting.store.tracks.segments(type(meeting.visit)("another")) == []


async def test_the_file_of_a_person_has_their_gaps(meeting: Meeting) -> None:
    rows = [row for row in await meeting.store.tracks.segments(meeting.visit) if row.seats == ("ann",)]
    for begin_ms, expected_s in ((None, 5.02), (meeting.started_ms, 5.04)):
        sound = meeting.store.tracks.ogg(rows, begin_ms)
        with av.open(io.BytesIO(sound), "r") as container:
            (stream,) = container.streams
            assert stream.codec_context.name == "opus"
            assert container.duration is not None
            assert abs(container.duration / 1_000_000 - expected_s) < 0.03


async def test_order_of_the_rows_does_not_matter(meeting: Meeting) -> None:
    rows = [row for row in await meeting.store.tracks.segments(meeting.visit) if row.seats == ("ann",)]
    assert meeting.store.tracks.ogg(rows) == meeting.store.tracks.ogg(rows[::-1])


async def test_what_can_not_be_played_in_one_piece_is_said_to_be_so(meeting: Meeting) -> None:
    rows = await meeting.store.tracks.segments(meeting.visit)
    with pytest.raises(NotPlayable, match="restarted"):
        meeting.store.tracks.ogg([rows[0], replace(rows[2], boot_id="boot-2")])


@pytest.mark.parametrize("unknown", ["nobody", ""])
async def test_an_unknown_segment_is_an_error(meeting: Meeting, unknown: str) -> None:
    with pytest.raises(NotStored):
        meeting.store.tracks.read(SegmentId(unknown))
