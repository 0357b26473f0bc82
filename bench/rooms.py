"""The native bot against the browser bot, in the same Janus room in one run: what they cost, how soon they hear, stop.

Needs Debian's `janus` and `chromium`. The processor is that of the bot's whole process tree over eight seconds in which
it hears everybody; memory is what is its own (USS). The floor of the native bot is the browser bot. The page of
janus-demos shows five people at most.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench.figure import Figure
from bench.room_watch import Watched, talking, watch
from tests.simulators.janus_page import janus_pages
from tests.simulators.janus_server import ROOM, janus_server


def figures(size: int = 5) -> Iterable[Figure]:
    """`size`: how many people, up to five."""
    with tempfile.TemporaryDirectory() as folder:
        native, two, browser, browsers = asyncio.run(_measure(Path(folder), min(size, 5)))
    of = f"rooms, {min(size, 5)} people: "
    return [
        Figure(name=f"{of}native bot's processor", value=native.core, unit="core", floor=browser.core, goal=1 / 3),
        Figure(name=f"{of}browser bot's processor", value=browser.core, unit="core", goal=0.5),
        Figure(name=f"{of}browser bot's memory", value=browser.own_mb, unit="MB", goal=300),
        Figure(name=f"{of}a further browser visit", value=browsers.own_mb - browser.own_mb, unit="MB"),
        Figure(name=f"{of}native bot's memory", value=native.own_mb, unit="MB"),
        Figure(name=f"{of}a further native visit", value=two.own_mb - native.own_mb, unit="MB", goal=30),
        Figure(name=f"{of}native: join to ready", value=native.ready_ms, unit="ms"),
        Figure(name=f"{of}browser: join to ready", value=browser.ready_ms, unit="ms"),
        Figure(name=f"{of}native: wanted to first frame of the last", value=native.first_ms, unit="ms"),
        Figure(name=f"{of}browser: wanted to first frame of the last", value=browser.first_ms, unit="ms"),
        Figure(name=f"{of}native: unwanted to last sound", value=native.last_ms, unit="ms"),
        Figure(name=f"{of}browser: unwanted to last sound", value=browser.last_ms, unit="ms"),
        Figure(name=f"{of}native: frames heard", value=native.frames, unit="frames", floor=native.sent),
        Figure(name=f"{of}browser: frames heard", value=browser.frames, unit="frames", floor=browser.sent),
    ]


async def _measure(folder: Path, size: int) -> tuple[Watched, Watched, Watched, Watched]:
    async with janus_server(folder) as server, janus_pages(server) as page, talking(server, size) as people:
        native = await watch("native", server, str(ROOM), people, 1)
        two = await watch("native", server, str(ROOM), people, 2)
        browser = await watch("browser", server, page, people, 1)
        browsers = await watch("browser", server, page, people, 2)
    return native, two, browser, browsers
