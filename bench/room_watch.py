"""People who talk in a Janus room, and what bots there cost and hear. A part of `rooms` and `rooms_full`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psutil

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


@asynccontextmanager
async def talking(server: JanusServer, people: int) -> AsyncIterator[list[JanusPerson]]:
    async with asyncio.TaskGroup() as tasks:
        here = [JanusPerson(server, f"person{number}", tasks) for number in range(people)]
        for person, hz in zip(here, HZ, strict=False):
            await person.join(writes=False)
            person.talk(hz)
        yield here
        for person in here:
            await person.leave()


async def watch(kind: str, server: JanusServer, link: str, people: list[JanusPerson], visits: int) -> Watched:
    """`visits` bots in one process, once they hear all. Raises RuntimeError where they do not come to that."""
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.room_bot", kind, server.api, link, str(len(people)), str(visits)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        told = await _said(bot) | await _said(bot)
        tree = [psutil.Process(bot.pid), *psutil.Process(bot.pid).children(recursive=True)]
        before_s, sent, frames = _cpu_s(tree), _sent(people), (await _asked(bot, "count"))["frames"]
        await asyncio.sleep(WATCHED_S)
        core, own_mb = (_cpu_s(tree) - before_s) / WATCHED_S, _own_mb(tree)
        sent, frames = _sent(people) - sent, (await _asked(bot, "count"))["frames"] - frames
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
        sent=sent,
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


def _sent(people: list[JanusPerson]) -> int:
    return sum(person.peers[0].outgoing[0].packets for person in people)


def _cpu_s(tree: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in tree if process.is_running())


def _own_mb(tree: list[psutil.Process]) -> float:
    return sum(process.memory_full_info().uss for process in tree if process.is_running()) / 1e6
