"""The native bot against the browser bot, in the same Janus room in one run: what they cost, how soon they hear, stop.

Needs Debian's `janus`, `janus-demos` and `chromium` (`make setup-test`). The processor is that of the bot's whole
process tree over eight seconds in which it hears everybody; memory is what is its own (USS). The floor of the native
bot is the browser bot. The page of janus-demos shows five people at most, so of more the native bot is measured alone.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.figure import Figure
from bench.room_watch import Watched, talking, watch
from tests.simulators.janus_page import janus_pages
from tests.simulators.janus_server import ROOM, janus_server

PEOPLE = (2, 5, 10)
ON_THE_PAGE = 5
GOALS_AT = 5


def figures(size: int = 10) -> Iterable[Figure]:
    """`size`: the most people."""
    for people in PEOPLE:
        if people <= size:
            with tempfile.TemporaryDirectory() as folder:
                yield from asyncio.run(_measure(Path(folder), people))


async def _measure(folder: Path, people: int) -> list[Figure]:
    """Native, two natives in a process, and where the page can show so many the same by browser."""
    async with janus_server(folder) as server, janus_pages(server) as page, talking(server, people) as here:
        native, two = [await watch("native", server, str(ROOM), here, visits) for visits in (1, 2)]
        if people > ON_THE_PAGE:
            return [*_of(people, "native", native, two)]
        browser, browsers = [await watch("browser", server, page, here, visits) for visits in (1, 2)]
    return [*_of(people, "native", native, two, floor=browser), *_of(people, "browser", browser, browsers)]


def _of(people: int, bot: str, one: Watched, two: Watched, floor: Watched | None = None) -> Iterator[Figure]:
    of = f"rooms, {people} people, {bot}: "
    goals = {"native": (1 / 3, None, 30), "browser": (0.5, 300, None)}[bot] if people == GOALS_AT else (None,) * 3
    core = None if floor is None else floor.core
    yield Figure(name=f"{of}processor", value=one.core, unit="core", floor=core, goal=goals[0])
    yield Figure(name=f"{of}memory", value=one.own_mb, unit="MB", goal=goals[1])
    yield Figure(name=f"{of}a further visit", value=two.own_mb - one.own_mb, unit="MB", goal=goals[2])
    yield Figure(name=f"{of}join to ready", value=one.ready_ms, unit="ms")
    yield Figure(name=f"{of}wanted to first frame of the last", value=one.first_ms, unit="ms")
    yield Figure(name=f"{of}unwanted to last sound", value=one.last_ms, unit="ms")
    yield Figure(name=f"{of}frames heard", value=one.frames, unit="frames", floor=one.sent)
