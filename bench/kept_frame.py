"""What a frame costs from the gate to the disk, and what one costs that is refused.

Floors, in the same run, on the same disk: the same bytes sealed in the same chunks and appended without a buffer, and
synced at the same places. Ours holds all that goes with it: judging, threads, log entries, parts that close. The
processor's time alone, with nothing synced on either side, is the stricter figure: it is bound by the interpreter.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.figure import Figure
from bench.kept_meeting import FRAME_MS, KeptMeeting, SetClock, kept_meeting
from consent_notice.gate import AdmittedFrame
from storage.parts import encode_frames
from storage.track_writer import TrackWriter, _Settle

FRAMES_A_CHUNK = 240 // FRAME_MS
FRAMES_A_SYNC = 3 * FRAMES_A_CHUNK  # when the third chunk comes, the first has waited for half a second
ROUNDS = 90
FRAMES_A_BURST = 1_200
BURSTS = 15
REFUSED = 20_000
_LOOK_AGAIN_S = 0.00002
_BOUND = bytes(45)  # as long as what a chunk is bound to


def figures() -> Iterable[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    clock = SetClock()
    async with kept_meeting(clock) as meeting:
        faults: list[object] = []
        loop = asyncio.get_running_loop()
        writer = meeting.store.tracks.writer(meeting.visit, meeting.epoch, loop=loop, on_fault=faults.append)
        durable_us, durable_floor_us = _durable(meeting, writer, clock)
        busy_us, busy_floor_us = _busy(meeting, writer, clock)
        refused_us = _refused(meeting)
        await writer.settle_and_close()
        assert not faults, faults
    return [
        Figure(name="kept frame, gate to durable", value=durable_us, unit="µs", floor=durable_floor_us, goal=3),
        Figure(
            name="kept frame, processor time, keep() to file", value=busy_us, unit="µs", floor=busy_floor_us, goal=3
        ),
        Figure(name="refused frame", value=refused_us, unit="µs"),
    ]


def _durable(meeting: KeptMeeting, writer: TrackWriter, clock: SetClock) -> tuple[float, float]:
    """In real order: 600 ms of sound, then all of it in the file and synced; parts close and are logged on the way."""
    heard = meeting.frames("ann", 1, FRAMES_A_SYNC * ROUNDS)
    folder = meeting.store.data_dir / "tracks"
    ours, floors = 0.0, 0.0
    with _Floor(folder.parent / "floor") as floor:
        for first in range(0, len(heard), FRAMES_A_SYNC):
            some = heard[first : first + FRAMES_A_SYNC]
            admitted = [frame for frame in map(meeting.gate.admit, some) if isinstance(frame, AdmittedFrame)]
            began = time.perf_counter()
            for frame in some:
                judged = meeting.gate.admit(frame)
                if isinstance(judged, AdmittedFrame):
                    writer.keep(judged)
            _on_disk(writer, clock)
            ours += time.perf_counter() - began
            chunks = _chunks(admitted)
            began = time.perf_counter()
            floor.append(chunks)
            floor.sync()
            floors += time.perf_counter() - began
    return ours * 1e6 / len(heard), floors * 1e6 / len(heard)


def _busy(meeting: KeptMeeting, writer: TrackWriter, clock: SetClock) -> tuple[float, float]:
    """Bursts of 24 s within one part: the processor's time of this process, which waits for nothing else."""
    heard = meeting.frames("ann", 1, FRAMES_A_CHUNK + FRAMES_A_BURST)
    admitted = [frame for frame in map(meeting.gate.admit, heard) if isinstance(frame, AdmittedFrame)]
    some, rest = admitted[:FRAMES_A_CHUNK], admitted[FRAMES_A_CHUNK:]
    chunks = _chunks(rest)
    ours: list[float] = []
    floors: list[float] = []
    with _Floor(meeting.store.data_dir / "floor") as floor:
        for _ in range(BURSTS):
            for frame in some:
                writer.keep(frame)
            _on_disk(writer, clock)
            began = time.process_time()
            for frame in rest:
                writer.keep(frame)
            writer._wake.set()
            while writer._queue:
                time.sleep(0.05)
            ours.append((time.process_time() - began) * 1e6 / len(rest))
            began = time.process_time()
            floor.append(chunks)
            floors.append((time.process_time() - began) * 1e6 / len(rest))
            writer._hand_over_all()
            _end_part(writer)
    return statistics.median(ours), statistics.median(floors)


def _refused(meeting: KeptMeeting) -> float:
    heard = meeting.frames("bob", 1, REFUSED)
    admit = meeting.gate.admit
    began = time.process_time()
    kept = [frame for frame in heard if isinstance(admit(frame), AdmittedFrame)]
    spent = time.process_time() - began
    assert not kept
    return spent * 1e6 / len(heard)


def _on_disk(writer: TrackWriter, clock: SetClock) -> None:
    """Lets the writer do what it does by itself after half a second, and waits for it."""
    writer._hand_over_all()
    writer._wake.set()
    while writer._queue or not writer._open:
        time.sleep(_LOOK_AGAIN_S)
    clock.pass_ms(FRAMES_A_SYNC * FRAME_MS)
    writer._wake.set()
    while any(held.unsynced_since_ms is not None for held in writer._open.values()):
        time.sleep(_LOOK_AGAIN_S)


def _end_part(writer: TrackWriter) -> None:
    """Lets the next burst begin a part of its own."""
    writer._queue.append(ended := _Settle(track="ann:1"))
    writer._wake.set()
    ended.done.result()


def _chunks(frames: list[AdmittedFrame]) -> list[bytes]:
    return [encode_frames(frames[first : first + FRAMES_A_CHUNK])[0] for first in range(0, len(frames), FRAMES_A_CHUNK)]


class _Floor:
    """The least that must be done: seal, append, and sync where it is to be durable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._aead = AESGCM(bytes(32))
        self._count = 0

    def append(self, chunks: list[bytes]) -> None:
        for chunk in chunks:
            self._count += 1
            os.write(self._descriptor, self._aead.encrypt(self._count.to_bytes(12, "big"), chunk, _BOUND))

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        self._path.unlink()
