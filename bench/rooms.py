"""The native bot against the browser bot, in the same Janus room in one run: what they cost, how soon they hear, stop.

Needs Debian's `janus` and `chromium`. The processor is that of the bot's whole process tree over eight seconds in which
it hears everybody; memory is what is its own (USS). The floor of the native bot is the browser bot.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.figure import Figure
from tests.simulators.janus_page import janus_pages
from tests.simulators.janus_server import ROOM, JanusPerson, JanusServer, janus_server

WATCHED_S = 8.0
HZ = (310.0, 470.0, 630.0, 790.0, 950.0, 1_110.0, 1_270.0, 1_430.0, 1_590.0, 1_750.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    ready_ms: int
    first_ms: int
    last_ms: int
    core: float  # of one core
    own_mb: float


def figures(size: int = 5) -> Iterable[Figure]:
    """`size`: how many people."""
    with tempfile.TemporaryDirectory() as folder:
        native, two, browser = asyncio.run(_measure(Path(folder), size))
    of = f"rooms, {size} people: "
    return [
        Figure(name=f"{of}native bot's processor", value=native.core, unit="core", floor=browser.core, goal=1 / 3),
        Figure(name=f"{of}browser bot's processor", value=browser.core, unit="core", goal=0.5),
        Figure(name=f"{of}browser bot's memory", value=browser.own_mb, unit="MB", goal=300),
        Figure(name=f"{of}native bot's memory", value=native.own_mb, unit="MB"),
        Figure(name=f"{of}a further native visit", value=two.own_mb - native.own_mb, unit="MB", goal=30),
        Figure(name=f"{of}native: join to ready", value=native.ready_ms, unit="ms"),
        Figure(name=f"{of}browser: join to ready", value=browser.ready_ms, unit="ms"),
        Figure(name=f"{of}native: wanted to first frame of the last", value=native.first_ms, unit="ms"),
        Figure(name=f"{of}browser: wanted to first frame of the last", value=browser.first_ms, unit="ms"),
        Figure(name=f"{of}native: unwanted to last sound", value=native.last_ms, unit="ms"),
        Figure(name=f"{of}browser: unwanted to last sound", value=browser.last_ms, unit="ms"),
    ]


async def _measure(folder: Path, size: int) -> tuple[Measured, Measured, Measured]:
    async with janus_server(folder) as server, janus_pages(server) as page, _talking(server, size):
        native = await _watch("native", server, str(ROOM), size, 1)
        two = await _watch("native", server, str(ROOM), size, 2)
        browser = await _watch("browser", server, page, size, 1)
    return native, two, browser


@asynccontextmanager
async def _talking(server: JanusServer, size: int) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        people = [JanusPerson(server, f"person{number}", tasks) for number in range(size)]
        for person, hz in zip(people, HZ, strict=False):
            await person.join(writes=False)
            person.talk(hz)
        yield
        for person in people:
            await person.leave()


async def _watch(kind: str, server: JanusServer, link: str, size: int, visits: int) -> Measured:
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.room_bot", kind, server.api, link, str(size), str(visits)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert bot.stdin is not None
    told: dict[str, Any] = await _said(bot) | await _said(bot)
    tree = [psutil.Process(bot.pid), *psutil.Process(bot.pid).children(recursive=True)]
    before_s = _cpu_s(tree)
    await asyncio.sleep(WATCHED_S)
    core, own_mb = (_cpu_s(tree) - before_s) / WATCHED_S, _own_mb(tree)
    bot.stdin.write(b"\n")
    told |= await _said(bot)
    await bot.wait()
    return Measured(
        ready_ms=told["ready_ms"], first_ms=told["first_ms"], last_ms=told["last_ms"], core=core, own_mb=own_mb
    )


async def _said(bot: asyncio.subprocess.Process) -> dict[str, Any]:
    assert bot.stdout is not None
    while True:
        line = await asyncio.wait_for(bot.stdout.readline(), 90)
        if not line:
            raise RuntimeError("the bot ended early")
        if line.startswith(b"{"):
            said: dict[str, Any] = json.loads(line)
            return said


def _cpu_s(tree: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in tree if process.is_running())


def _own_mb(tree: list[psutil.Process]) -> float:
    return sum(process.memory_full_info().uss for process in tree if process.is_running()) / 1e6
