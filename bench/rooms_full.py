"""How many meetings of five people one process of bots carries natively before a frame is lost, and what limits it.

Needs Debian's `janus`. Each visit hears all five people of one Janus room, as it would in a meeting of its own; their
number is doubled until more than one frame of two hundred is missing or the process has no more of its core.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench.figure import Figure
from bench.room_watch import Watched, talking, watch
from tests.simulators.janus_server import ROOM, janus_server

PEOPLE = 5
LOST = 0.005  # what comes at the two edges of the time is counted in one and not in the other


def figures(size: int = 128) -> Iterable[Figure]:
    """`size`: the most meetings that are tried."""
    with tempfile.TemporaryDirectory() as folder:
        watched = asyncio.run(_measure(Path(folder), size))
    found = [
        Figure(
            name=f"rooms full, {visits} meetings of five in one process: {what}", value=value, unit=unit, floor=floor
        )
        for visits, one in watched.items()
        for what, value, unit, floor in (
            ("frames heard", one.frames, "frames", one.sent * visits),
            ("processor", one.core, "core", None),
            ("memory", one.own_mb, "MB", None),
        )
    ]
    carried = [visits for visits, one in watched.items() if not _loses(visits, one)]
    most = Figure(name="rooms full: meetings that lost no frame", value=max(carried, default=0), unit="meetings")
    return [*found, most]


async def _measure(folder: Path, most: int) -> dict[int, Watched]:
    watched: dict[int, Watched] = {}
    async with janus_server(folder) as server, talking(server, PEOPLE) as people:
        visits = 1
        while visits <= most:
            one = watched[visits] = await watch("native", server, str(ROOM), people, visits)
            if _loses(visits, one):
                break
            visits *= 2
    return watched


def _loses(visits: int, one: Watched) -> bool:
    return one.frames < one.sent * visits * (1 - LOST)
