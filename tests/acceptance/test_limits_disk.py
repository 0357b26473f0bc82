"""The disk fills up in the middle of a recording: the room is told, nothing kept is lost, and the books close later."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from consent_notice.words import Rule, SeatId
from storage.verify import verify
from tests.simulators.people import agrees, comes, is_told, keeps_packets, kept_of, onrecord, recording_status, talks
from tests.simulators.server import running_server

SIZE = "48m"
SETTLED_LOSS_MS = 1_000  # law 10
SETTLES_MS = 400


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "onrecord-test", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small file system can't be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """To the last byte."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(100_000))
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(512))
    return ballast


@pytest.mark.timeout(120)
async def test_a_full_disk_stops_the_recording_in_words_and_loses_nothing_kept(small_disk: Path) -> None:
    data_dir = small_disk / "data"
    async with running_server(data_dir, roles=("web", "bots", "practice")) as server:
        meeting = await server.meeting(Rule.EACH_VOICE)
        person = await comes(server, meeting, "Maria")
        await agrees(person)
        talking = server.tasks.create_task(talks(person))
        visit = await server.visit(meeting.id, lambda visit: visit.state == "in_room")
        await keeps_packets(server, visit.id, person.seat)
        await asyncio.sleep(2)
        full_ms = server.clock.boot_ms()
        ballast = await asyncio.to_thread(fill, small_disk)
        await is_told(person, "storage_failed", alone=False)
        await person.wait_until(lambda: person.bot_seat is None)
        await asyncio.sleep(5)  # longer than a bot that showed no life waits to be replaced
        assert person.bot_seat is None, "it does not come back to a recording that it can't keep"
        assert len([read for read in person.messages if read.is_notice]) == 1
        talking.cancel()
        await person.leave()
        ballast.unlink()
        ended = await server.ended(meeting.id)
        assert ended.left_reason == "storage_failed"
        assert ended.detail, "the host reads why"
        frames = (await kept_of(server, visit.id))[SeatId(person.seat)]
        assert full_ms - frames[-1].ends_ms <= SETTLED_LOSS_MS + SETTLES_MS
        status = await recording_status(data_dir, visit.id)
        assert status["participants"][0]["kept_s"] > 1
        assert (await onrecord(data_dir, "verify"))[0] == 0
    report = await asyncio.to_thread(verify, data_dir)
    assert (report.faults, report.parts > 0) == ([], True)
