"""Each person sends tones of their own through real WebRTC; what is on disk afterwards is opened and measured.

A person sends one tone before their yes, a second from the yes on, and a third from the moment of their withdrawal on:
on disk there may be the second alone, at most 40 ms of the third, and everybody else's 50 dB below. How much may be
missing is judged mildly (a stalled machine shuts the gate, by law); what may be there is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage.verify import verify
from tests.simulators.server import RunningServer, running_server
from tests.simulators.tone_people import Sender, Way, measure, play_schedule
from tests.simulators.tone_story import play_late_joiners

ISOLATION_DB = 50.0
LATEST_END_MS = 40
CLOCK_READING_MS = 2  # of the log's wall time against the boot clock
STARTS_EVERY_S = 7.0


@dataclass(slots=True)
class Findings:
    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def check(self, seed: int, senders: list[Sender]) -> None:
        for sender in senders:
            line = f"seed {seed:3}  {sender.name}  "
            if sender.agrees is Way.NEVER:
                self.lines.append(f"{line}never agreed ({sender.refuses}): {len(sender.kept)} segments")
                self.expect(sender.kept == [], "nobody without a yes has a segment")
                continue
            found = measure(sender, senders)
            begins_ms = found.first_ms - sender.yes_logged_ms
            line += (
                f"kept {found.kept_ms / 1000:4.2f} of {sender.agreed_s:3.1f} s  isolation {found.isolation_db:4.1f} dB"
            )
            line += f"  begins {begins_ms:4} ms after the yes was logged ({sender.agrees})"
            ends_ms = None if sender.no_ms is None else found.last_ms - sender.no_ms
            if ends_ms is not None:
                line += f"  ends {ends_ms:4} ms after the withdrawal ({sender.withdraws})"
            self.lines.append(line)
            self.expect(found.early_ms == 0, f"none of the tone before the yes is kept, got {found.early_ms} ms")
            self.expect(begins_ms >= -CLOCK_READING_MS, "nothing is kept from before the yes was logged")
            self.expect(found.isolation_db >= ISOLATION_DB, "everybody else's tone is far below")
            self.expect(found.kept_ms >= 500 * sender.agreed_s, "most of what was agreed is kept")
            if ends_ms is not None:
                self.expect(found.late_ms <= LATEST_END_MS, f"the tone after a no is not kept, got {found.late_ms} ms")
                self.expect(ends_ms <= LATEST_END_MS, "nothing is kept that was said after a no")

    def expect(self, holds: bool, claim: str) -> None:
        if not holds:
            self.faults.append(f"{self.lines[-1]}: {claim}")


def check_raw_bytes(data_dir: Path, senders: list[Sender]) -> None:
    """No packet of anybody lies anywhere in the clear, and no sound in a usual container."""
    blobs = [path.read_bytes() for path in data_dir.rglob("*") if path.is_file()]
    for blob in blobs:
        assert not any(mark in blob for mark in (b"OggS", b"OpusHead", b"RIFF", b"fLaC"))
        for sender in senders:
            assert not any(packet in blob for packet in sender.mouth.packets[::7])


async def play_all(server: RunningServer, seeds: Iterable[int]) -> dict[int, list[Sender]]:
    """Schedules in rooms of their own, overlapping; by seed."""
    played: dict[int, list[Sender]] = {}

    async def one(seed: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        played[seed] = await play_schedule(server, seed)

    async with asyncio.TaskGroup() as schedules:
        for index, seed in enumerate(seeds):
            schedules.create_task(one(seed, index * STARTS_EVERY_S))
    return played


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with running_server(tmp_path / "data", roles=("web", "bots", "practice")) as running:
        yield running


async def check_schedules(server: RunningServer, seeds: Iterable[int], capsys: pytest.CaptureFixture[str]) -> None:
    findings = Findings()
    played = await play_all(server, seeds)
    for seed, senders in played.items():
        await asyncio.to_thread(findings.check, seed, senders)
    with capsys.disabled():
        print("", *findings.lines, sep="\n")
    assert findings.faults == []
    report = await asyncio.to_thread(verify, server.settings.data_dir)
    assert report.faults == []
    assert report.parts > 0
    everybody = [sender for senders in played.values() for sender in senders]
    await asyncio.to_thread(check_raw_bytes, server.settings.data_dir, everybody)


@pytest.mark.timeout(240)
async def test_four_schedules(server: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    await check_schedules(server, range(4), capsys)


@pytest.mark.nightly
@pytest.mark.timeout(1_800)
async def test_thirty_schedules(server: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    await check_schedules(server, range(100, 130), capsys)


async def test_late_joiners_under_everyone(server: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of anybody is kept from a newcomer's coming until their yes or their going, nor after anybody's no."""
    played = await play_late_joiners(server)
    with capsys.disabled():
        print()
        for stretch in played.stretches:
            may = "kept" if stretch.may_be_kept else "must not be kept, kept"
            last = "" if stretch.last_after_ms is None else f", the last ends {stretch.last_after_ms} ms into it"
            print(f"{stretch.what}: {may} {stretch.kept_ms} ms{last}")
        print(f"isolation {played.isolation_db:.1f} dB")
    assert played.never_agreed.kept == []
    assert played.isolation_db >= ISOLATION_DB
    for stretch in played.stretches:
        if stretch.may_be_kept:
            assert stretch.kept_ms >= 0.4 * (stretch.ends_ms - stretch.begins_ms), stretch
        elif stretch.what.startswith("before"):
            assert stretch.kept_ms == 0, stretch
        else:
            assert stretch.last_after_ms is None or stretch.last_after_ms <= LATEST_END_MS, stretch
    report = await asyncio.to_thread(verify, server.settings.data_dir)
    assert report.faults == []
    await asyncio.to_thread(check_raw_bytes, server.settings.data_dir, played.everybody)
