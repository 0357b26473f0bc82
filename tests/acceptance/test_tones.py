"""Each person sends tones of their own through real WebRTC; what is on disk afterwards is opened and measured.

A person plays one tone before their yes, a second from the yes on, and a third from the moment of their withdrawal on:
on disk there may be the second alone, at most 40 ms of the third, and nobody else's 50 dB below.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from consent_notice.words import Rule, SeatId, SegmentId
from storage.meetings import MeetingRow
from storage.verify import verify
from tests.simulators.server import RunningServer, running_server
from web.practice.participant import ScriptedParticipant

RATE_HZ = 48_000
FRAME = RATE_HZ // 50
BASES_HZ = (500.0, 1_100.0, 1_700.0, 2_300.0)
BEFORE, AGREED, AFTER = 0.0, 150.0, 300.0  # added to the base: which tone stands for which time
ISOLATION_DB = 50.0
LATEST_END_MS = 40
Samples = NDArray[np.float64]


@dataclass(slots=True)
class Part:
    """One person of a schedule, and what they did when, in boot milliseconds."""

    base_hz: float
    person: ScriptedParticipant
    answers: bool
    before_s: float
    agreed_s: float
    withdraws: bool
    yes_ms: int = 0
    no_ms: int | None = None
    kept: list[tuple[int, Samples]] = field(default_factory=list)  # captured_ms, 20 ms of sound

    async def play(self) -> None:
        clock = self.person._clock
        await self.person.wait_until(lambda: self.person.bot_seat is not None)
        await self.person.wait_for_chat(lambda message: message.is_notice)
        await self.person.tone(self.base_hz + BEFORE, self.before_s)
        self.yes_ms = clock.boot_ms()
        await self.person.chat("record yes" if self.answers else "record no", to=self.person.bot_seat)
        if not self.answers:
            await self.person.tone(self.base_hz + BEFORE, self.agreed_s + 2)
            return
        if not self.withdraws:
            await self.person.tone(self.base_hz + AGREED, self.agreed_s + 2)
            return
        await self.person.tone(self.base_hz + AGREED, self.agreed_s)
        self.no_ms = clock.boot_ms()
        async with asyncio.TaskGroup() as at_once:
            at_once.create_task(self.person.tone(self.base_hz + AFTER, 2.0))
            at_once.create_task(self.person.chat("stop", to=self.person.bot_seat))


def schedule(server: RunningServer, meeting: MeetingRow, seed: int) -> list[Part]:
    """One refuses, one stays, one withdraws, one does either; when, is drawn."""
    draw = random.Random(seed)
    kinds = [(False, False), (True, False), (True, True), (True, draw.random() < 0.5)]
    draw.shuffle(kinds)
    return [
        Part(
            base_hz=base_hz,
            person=server.person(meeting, f"Person {base_hz:.0f}"),
            answers=answers,
            before_s=draw.uniform(0.5, 2.0),
            agreed_s=draw.uniform(1.5, 3.5),
            withdraws=withdraws,
        )
        for base_hz, (answers, withdraws) in zip(BASES_HZ, kinds, strict=True)
    ]


def level_db(samples: Samples, hz: float) -> float:
    """Of one tone, by a windowed single-bin Fourier sum; 0 dB is full scale."""
    window = np.hanning(len(samples))
    turned = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE_HZ)
    return float(20 * np.log10(abs((samples * window * turned).sum()) * 2 / window.sum() + 1e-9))


def decoded(server: RunningServer, segment: SegmentId) -> Iterator[tuple[int, Samples]]:
    _, frames = server.store.tracks.read(segment)
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.format, decoder.layout = RATE_HZ, av.AudioFormat("s16"), av.AudioLayout("mono")
    for frame in frames:
        for sound in decoder.decode(av.Packet(frame.payload)):
            yield frame.captured_ms, sound.to_ndarray()[0].astype(np.float64) / 32768


async def read_back(server: RunningServer, meeting: MeetingRow, parts: list[Part]) -> None:
    visit = await server.ended(meeting.id)
    by_seat = {SeatId(part.person.seat): part for part in parts}
    for row in await server.store.tracks.segments(visit.id):
        (seat,) = row.seats
        by_seat[seat].kept += await asyncio.to_thread(list, decoded(server, row.id))


def check(part: Part, everybody: list[Part]) -> None:
    if not part.answers:
        assert part.kept == []
        return
    whole = np.concatenate([sound for _, sound in part.kept])
    own_db = level_db(whole, part.base_hz + AGREED)
    assert len(whole) / RATE_HZ > 0.7 * part.agreed_s, "most of what was said after the yes is kept"
    assert own_db > -25
    for other in everybody:
        for tone in (BEFORE, AGREED, AFTER):
            if other is not part:
                assert level_db(whole, other.base_hz + tone) < own_db - ISOLATION_DB
    # Opus codes 20 ms at a time, so the tones of two neighbouring frames overlap a little: count frames, not samples.
    early = [at for at, sound in part.kept if level_db(sound, part.base_hz + BEFORE) > own_db - 20]
    late = [at for at, sound in part.kept if level_db(sound, part.base_hz + AFTER) > own_db - 20]
    assert early == []
    assert len(late) * 20 <= LATEST_END_MS
    assert part.kept[0][0] >= part.yes_ms
    if part.no_ms is not None:
        assert part.kept[-1][0] + 20 <= part.no_ms + LATEST_END_MS


async def play(server: RunningServer, seed: int) -> None:
    meeting = await server.meeting(Rule.EACH_VOICE)
    parts = schedule(server, meeting, seed)
    for part in parts:
        await part.person.join()
    async with asyncio.TaskGroup() as together:
        for part in parts:
            together.create_task(part.play())
    await asyncio.sleep(0.5)
    for part in parts:
        await part.person.leave()
    await read_back(server, meeting, parts)
    for part in parts:
        check(part, parts)


@pytest.fixture
async def server(tmp_path: Path) -> RunningServer:  # type: ignore[misc]
    async with running_server(tmp_path / "data", roles=("bots", "practice")) as running:
        yield running


@pytest.mark.timeout(300)
async def test_six_schedules(server: RunningServer, tmp_path: Path) -> None:
    for seed in range(6):
        await play(server, seed)
    report = await asyncio.to_thread(verify, tmp_path / "data")
    assert report.faults == []


@pytest.mark.nightly
@pytest.mark.timeout(1_800)
async def test_thirty_schedules(server: RunningServer, tmp_path: Path) -> None:
    for seed in range(100, 130):
        await play(server, seed)
    report = await asyncio.to_thread(verify, tmp_path / "data")
    assert report.faults == []
