"""PCM in, Opus out at the pace of speech, and the same sound in it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from bot.opus import FRAME_MS, SpokenLine, encode
from bot.rtp import opus_duration_samples
from config.clock import SystemClock
from tests.simulators.hearing import decoded, level_db
from web.practice.participant import sine

CLOCK = SystemClock()


class Line:
    """Takes what an OutgoingLine would send."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int, bool, int]] = []

    async def send(self, payload: bytes, *, sequence_number: int, timestamp: int, marker: bool, now_ms: int) -> None:
        self.sent.append((sequence_number, timestamp, marker, now_ms))


def spoken_line() -> tuple[SpokenLine, Line]:
    line = Line()
    return SpokenLine(line, CLOCK), line  # type: ignore[arg-type]


def test_the_tone_is_in_the_packets_and_no_other() -> None:
    packets = encode(sine(500, 1.0, 0.25))
    assert {opus_duration_samples(packet) for packet in packets} == {960}
    sound = decoded(packets)
    assert abs(level_db(sound, 500) - -12) < 1.5
    assert level_db(sound, 1_300) < -70


def test_a_last_piece_is_filled_up() -> None:
    assert len(encode(bytes(10))) in (1, 2)
    assert encode(b"") == []


async def test_speech_is_paced_and_its_timestamps_go_on_through_a_pause() -> None:
    voice, line = spoken_line()
    start_ms, end_ms = await voice.say([b"\x78"] * 10)
    assert end_ms - start_ms == 10 * FRAME_MS
    assert abs(CLOCK.boot_ms() - end_ms) < 100
    await asyncio.sleep(0.2)
    await voice.say([b"\x78"])
    numbers = [number for number, *_ in line.sent]
    assert numbers == list(range(numbers[0], numbers[0] + 11))
    stamps = [stamp for _, stamp, *_ in line.sent]
    assert {later - earlier for earlier, later in pairwise(stamps[:10])} == {960}
    assert stamps[10] - stamps[9] >= 0.2 * 48_000
    assert [marker for _, _, marker, _ in line.sent] == [True] + [False] * 9 + [True]


async def test_who_was_silenced_says_no_more() -> None:
    voice, line = spoken_line()
    async with asyncio.TaskGroup() as group:
        saying = group.create_task(voice.say([b"\x78"] * 100))
        await asyncio.sleep(0.1)
        voice.silence()
    start_ms, end_ms = saying.result()
    assert end_ms - start_ms == len(line.sent) * FRAME_MS
    assert len(line.sent) < 20
