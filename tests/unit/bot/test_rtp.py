"""Packets in, frames out: order, loss, wrapping, and never a sound dated before it was spoken."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.rtp import (
    DOUBTFUL_AFTER_MS,
    HOLD_MS,
    REANCHOR_AFTER_MS,
    SAMPLES_PER_MS,
    WARM_UP_MS,
    CaptureClock,
    RtpPacket,
    TrackReader,
    Unwrapped,
    opus_duration_samples,
    read_packet,
    write_packet,
)
from consent_notice.frames import Encoding, HeardFrame
from consent_notice.words import SeatId

TWENTY_MS = b"\x78spoken"  # CELT-only, 20 ms, one frame
SAMPLES = 960
ANN = SeatId("ann")


def packet(number: int, *, timestamp: int | None = None, payload: bytes = TWENTY_MS) -> RtpPacket:
    return RtpPacket(
        payload_type=96,
        marker=False,
        sequence_number=number & 0xFFFF,
        timestamp=(number * SAMPLES if timestamp is None else timestamp) & 0xFFFF_FFFF,
        ssrc=7,
        payload=payload,
    )


def reader() -> TrackReader:
    return TrackReader(track="ann:1", speakers=frozenset({ANN}), warm_up_ms=0)


def dated(clock: CaptureClock, timestamp: int, arrival_ms: int) -> int | None:
    clock.observe(timestamp, SAMPLES, arrival_ms)
    return clock.captured_ms(timestamp, SAMPLES, arrival_ms)


def read(track: TrackReader, arrivals: list[tuple[int, int]]) -> list[HeardFrame]:
    """(sequence number, arrival) pairs."""
    return [frame for number, arrival_ms in arrivals for frame in track.put(packet(number), arrival_ms)]


# ---- one packet ------------------------------------------------------------------------------------------------------


def test_a_packet_is_read_as_it_was_written() -> None:
    sent = replace(packet(65_535), marker=True)
    assert read_packet(write_packet(sent)) == sent


def test_header_extensions_sources_and_padding_are_left_behind() -> None:
    header = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 2, 96, 1, 2, 3)
    sources, extension, padding = b"\0" * 8, b"\xbe\xde\0\x01\x10\xff\0\0", b"\0\0\x03"
    found = read_packet(header + sources + extension + b"sound" + padding)
    assert found is not None
    assert found.payload == b"sound"


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + b"\0" * 20,
        struct.pack("!BBHII", 0x90, 96, 1, 2, 3) + b"\xbe\xde",
        struct.pack("!BBHII", 0x90, 96, 1, 2, 3) + b"\xbe\xde\xff\xff",
        struct.pack("!BBHII", 0xA0, 96, 1, 2, 3) + b"\xff",
        struct.pack("!BBHII", 0xA0, 96, 1, 2, 3) + b"\0",
        struct.pack("!BBHII", 0x8F, 96, 1, 2, 3),
    ],
)
def test_what_is_no_whole_packet_is_none(datagram: bytes) -> None:
    assert read_packet(datagram) is None


@given(st.binary(max_size=64))
def test_reading_never_raises(datagram: bytes) -> None:
    found = read_packet(datagram)
    if found is not None:
        opus_duration_samples(found.payload)


@pytest.mark.parametrize(
    ("payload", "milliseconds"),
    [
        (b"\x00", 10),
        (b"\x08", 20),
        (b"\x18", 60),
        (b"\x60", 10),
        (b"\x68", 20),
        (b"\x80", 2.5),
        (b"\x88", 5),
        (b"\x90", 10),
        (b"\xf8", 20),
        (b"\xf9", 40),
        (b"\xfa", 40),
        (b"\xfb\x03", 60),
        (b"\x1b\x02", 120),
    ],
)
def test_an_opus_packet_says_how_long_it_is(payload: bytes, milliseconds: float) -> None:
    assert opus_duration_samples(payload) == milliseconds * SAMPLES_PER_MS


@pytest.mark.parametrize("payload", [b"", b"\xfb", b"\xfb\x00", b"\x1b\x03", b"\xfb\x3f"])
def test_what_opus_does_not_allow_has_no_length(payload: bytes) -> None:
    assert opus_duration_samples(payload) is None


def test_a_counter_goes_on_over_its_end_and_back() -> None:
    count = Unwrapped(16)
    assert [count.of(value) for value in (65_534, 65_535, 1, 0, 2)] == [65_534, 65_535, 65_537, 65_536, 65_538]


# ---- order and loss --------------------------------------------------------------------------------------------------


def test_frames_say_whose_and_what_they_are() -> None:
    (frame,) = reader().put(packet(5), 10_000)
    assert (frame.track, frame.speakers, frame.encoding) == ("ann:1", frozenset({ANN}), Encoding.OPUS)
    assert (frame.payload, frame.duration_ms) == (TWENTY_MS, 20)


def test_overtaken_packets_come_out_in_order() -> None:
    frames = read(reader(), [(1, 20), (3, 60), (2, 61), (4, 80)])
    assert [frame.rtp_timestamp // SAMPLES for frame in frames] == [1, 2, 3, 4]


def test_a_lost_packet_is_a_hole_between_timestamps_and_holds_others_up_for_a_moment_only() -> None:
    track = reader()
    assert len(read(track, [(1, 20), (3, 60)])) == 1
    assert track.due_ms == 60 + HOLD_MS
    assert track.release(60 + HOLD_MS - 1) == []
    (late,) = track.release(60 + HOLD_MS)
    assert late.rtp_timestamp == 3 * SAMPLES
    assert track.put(packet(2), 101) == []  # its turn is over
    assert track.due_ms is None


def test_at_two_percent_loss_nothing_stalls() -> None:
    track, lost = reader(), set(range(17, 1_000, 50))
    delays_ms = []
    for number in (number for number in range(1_000) if number not in lost):
        now_ms = 20 * number
        delays_ms += [now_ms - frame.rtp_timestamp // SAMPLES_PER_MS for frame in track.put(packet(number), now_ms)]
    assert len(delays_ms) == 1_000 - len(lost)
    assert max(delays_ms) <= HOLD_MS + 20


def test_a_packet_that_comes_twice_is_heard_once() -> None:
    assert len(read(reader(), [(1, 20), (1, 21), (2, 40), (1, 41)])) == 2


def test_counters_wrap_without_a_break() -> None:
    track, last_timestamp = reader(), (1 << 32) - SAMPLES
    frames = [
        frame
        for step in range(4)
        for frame in track.put(packet(65_534 + step, timestamp=last_timestamp + step * SAMPLES), 20 * step)
    ]
    stamps = [frame.rtp_timestamp for frame in frames]
    assert [later - earlier for earlier, later in pairwise(stamps)] == [SAMPLES] * 3
    assert len({frame.captured_ms - 20 * index for index, frame in enumerate(frames)}) == 1


def test_a_far_jump_of_the_sequence_is_a_new_beginning() -> None:
    track = reader()
    frames = [*track.put(packet(1), 20), *track.put(packet(30_000, timestamp=2 * SAMPLES), 40)]
    assert len(frames) == 2


def test_timestamps_only_grow() -> None:
    track = reader()
    track.put(packet(1, timestamp=9_600), 20)
    assert track.put(packet(2, timestamp=9_600), 40) == []
    assert track.put(packet(3, timestamp=960), 60) == []


def test_what_is_no_opus_packet_is_dropped() -> None:
    track = reader()
    assert track.put(packet(1, payload=b"\xfb\x00"), 20) == []
    assert len(track.put(packet(2), 40)) == 1


# ---- when it was said ------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(
    delays_ms=st.lists(st.integers(0, 250), min_size=1, max_size=80),
    first_timestamp=st.integers(0, 2**32 - 1),
    spoken_from_ms=st.integers(0, 10**10),
)
def test_no_sound_is_dated_before_it_was_spoken(
    delays_ms: list[int], first_timestamp: int, spoken_from_ms: int
) -> None:
    clock = CaptureClock()
    for index, delay_ms in enumerate(delays_ms):
        truth_ms = spoken_from_ms + 20 * index
        captured_ms = dated(clock, first_timestamp + index * SAMPLES, truth_ms + 20 + delay_ms)
        assert captured_ms is not None
        assert captured_ms >= truth_ms
        assert captured_ms <= truth_ms + min(delays_ms[: index + 1]) + 1


def test_two_clocks_that_drift_apart_stay_together() -> None:
    """100 ppm either way, over an hour."""
    for ppm in (-100, 100):
        clock = CaptureClock()
        for index in range(0, 180_000, 5):
            truth_ms = index * 20 * (1 + ppm / 1e6)
            captured_ms = dated(clock, index * SAMPLES, int(truth_ms) + 25)
            assert captured_ms is not None
            assert -4 <= captured_ms - truth_ms <= 10


def test_a_packet_that_was_stuck_on_its_way_is_in_doubt() -> None:
    clock = CaptureClock()
    assert dated(clock, 0, 20) is not None
    assert dated(clock, SAMPLES, 40 + DOUBTFUL_AFTER_MS + 2) is None
    assert dated(clock, 2 * SAMPLES, 60 + 5) is not None


def test_a_sender_whose_clock_stood_still_is_believed_again_after_a_while_and_not_dated_back() -> None:
    """A laptop that slept 5 s: without this all its sound would be dated 5 s early, before a withdrawal perhaps."""
    clock = CaptureClock()
    for index in range(100):
        dated(clock, index * SAMPLES, 20 * index + 20)
    after = [dated(clock, (100 + index) * SAMPLES, 7_020 + 20 * index) for index in range(100)]
    silent = REANCHOR_AFTER_MS // 20
    assert after[:silent] == [None] * silent
    for index in range(silent, 100):
        captured_ms = after[index]
        assert captured_ms is not None
        assert captured_ms >= 7_000 + 20 * index


def test_one_packet_from_the_future_does_not_date_the_others_back() -> None:
    clock = CaptureClock()
    dated(clock, 0, 20)
    dated(clock, 500 * SAMPLES, 40)  # pretends to be 10 s ahead
    assert dated(clock, 2 * SAMPLES, 60) is None


# ---- the first moments -----------------------------------------------------------------------------------------------


def test_the_first_packets_wait_and_then_come_all_at_once() -> None:
    track = TrackReader(track="ann:1", speakers=frozenset({ANN}))
    assert read(track, [(number, 20 * number + 20) for number in range(9)]) == []
    due_ms = track.due_ms
    assert due_ms == 20 + WARM_UP_MS
    assert track.release(due_ms - 1) == []
    frames = track.release(due_ms)
    assert [frame.rtp_timestamp for frame in frames] == [number * SAMPLES for number in range(9)]
    assert track.due_ms is None
    assert len(track.put(packet(9), 20 + WARM_UP_MS + 1)) == 1


def test_a_slow_first_packet_is_dated_by_the_quicker_ones_after_it() -> None:
    """Fifteen packets got stuck for 280 ms and came at once, just after a yes: they were spoken before it."""
    track = TrackReader(track="ann:1", speakers=frozenset({ANN}))
    stuck = [(number, 300) for number in range(15)]
    quick = [(number, 20 * number + 20) for number in range(15, 30)]
    frames = read(track, stuck + quick)
    assert len(frames) == 30
    assert all(0 <= frame.captured_ms - frame.rtp_timestamp // SAMPLES_PER_MS <= 1 for frame in frames)


def test_a_first_packet_that_was_stuck_for_too_long_is_dropped() -> None:
    track = TrackReader(track="ann:1", speakers=frozenset({ANN}))
    frames = read(track, [(0, 420), *((number, 421 + number) for number in range(1, 21)), (21, 640), (22, 660)])
    assert frames
    assert frames[0].rtp_timestamp > 0
