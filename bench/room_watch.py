"""People who talk in a Janus room, and what bots there cost and hear. A part of the figures of rooms."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import psutil

from bot.opus import SpokenLine
from bot.webrtc import OutgoingLine
from tests.simulators.janus_server import JanusPerson, JanusServer

WATCHED_S = 8.0
HZ = (310.0, 470.0, 630.0, 790.0, 950.0, 1_110.0, 1_270.0, 1_430.0, 1_590.0, 1_750.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Of all the bots of one process."""

    ready_ms: int
    first_ms: int
    last_ms: int
    core: float  # of one core, of the whole process tree
    own_mb: float  # of the whole process tree, shared with nobody (USS)
    frames: int  # that they heard
    sent: int  # that people sent in that time, to one of them
    spoken: int  # what they would have sent, had none been lost on its way to the server


class LossyLine(OutgoingLine):
    """Of what is sent on it, that share never arrives; which packets these are is the same in each run."""

    def __init__(self, line: OutgoingLine, share: float, seed: str) -> None:
        super().__init__(line._transport, line.ssrc, line._payload_type)
        self._share = share
        self._chance = Random(seed)
        self.spoken = 0

    async def send(self, payload: bytes, **told: Any) -> None:
        self.spoken += 1
        if self._chance.random() >= self._share:
            await super().send(payload, **told)


@asynccontextmanager
async def talking(server: JanusServer, people: int, loss: float = 0.0) -> AsyncIterator[list[LossyLine]]:
    """`loss`: the share of packets that the network loses between each person and the server."""
    async with asyncio.TaskGroup() as tasks:
        here = [JanusPerson(server, f"person{number}", tasks) for number in range(people)]
        lines = []
        for person, hz in zip(here, HZ, strict=False):
            await person.join(writes=False)
            peer = person.peers[0]
            peer.outgoing[0] = line = LossyLine(peer.outgoing[0], loss, person.name)
            person.voice = SpokenLine(line, person.clock)
            person.talk(hz)
            lines.append(line)
        yield lines
        for person in here:
            await person.leave()


async def watch(kind: str, server: JanusServer, link: str, people: list[LossyLine], visits: int) -> Watched:
    """`visits` bots in one process, once they hear all. Raises RuntimeError where they do not come to that."""
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.room_bot", kind, server.api, link, str(len(people)), str(visits)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        told = await _said(bot) | await _said(bot)
        tree = [psutil.Process(bot.pid), *psutil.Process(bot.pid).children(recursive=True)]
        before_s, begin, frames = _cpu_s(tree), _counts(people), (await _asked(bot, "count"))["frames"]
        await asyncio.sleep(WATCHED_S)
        core, own_mb = (_cpu_s(tree) - before_s) / WATCHED_S, _own_mb(tree)
        end, frames = _counts(people), (await _asked(bot, "count"))["frames"] - frames
        told |= await _asked(bot, "stop")
        await bot.wait()
    finally:
        if bot.returncode is None:
            bot.kill()
            await bot.wait()
    return Watched(
        ready_ms=told["ready_ms"],
        first_ms=told["first_ms"],
        last_ms=told["last_ms"],
        core=core,
        own_mb=own_mb,
        frames=frames,
        sent=end[1] - begin[1],
        spoken=end[0] - begin[0],
    )


async def _asked(bot: asyncio.subprocess.Process, line: str) -> dict[str, Any]:
    assert bot.stdin is not None
    bot.stdin.write(f"{line}\n".encode())
    return await _said(bot)


async def _said(bot: asyncio.subprocess.Process) -> dict[str, Any]:
    assert bot.stdout is not None
    while line := await asyncio.wait_for(bot.stdout.readline(), 90):
        if line.startswith(b"{"):
            said: dict[str, Any] = json.loads(line)
            return said
    raise RuntimeError("the bot ended early")


def _counts(people: list[LossyLine]) -> tuple[int, int]:
    """Spoken, and sent."""
    return sum(line.spoken for line in people), sum(line.packets for line in people)


def _cpu_s(tree: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in tree if process.is_running())


def _own_mb(tree: list[psutil.Process]) -> float:
    return sum(process.memory_full_info().uss for process in tree if process.is_running()) / 1e6
