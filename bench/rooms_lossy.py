"""How much of what five people say is missing where the network loses packets of it: natively and by browser.

Needs Debian's `janus`, `janus-demos` and `chromium` (`make setup-test`). Packets are lost between each person and the
server, evenly spread and the same ones in each run; the floor is what was lost. What is missing beyond it was lost by
the bot.
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

PEOPLE = 5
LOSSES = (0.0, 0.02, 0.05)
EDGES = 1.15  # packets on their way at the two edges of the time are counted in one and not in the other


def figures() -> Iterable[Figure]:
    for loss in LOSSES:
        with tempfile.TemporaryDirectory() as folder:
            for bot, one in asyncio.run(_measure(Path(folder), loss)).items():
                lost = 100 * (1 - one.sent / one.spoken)
                yield Figure(
                    name=f"rooms lossy, {100 * loss:.0f} % lost, {bot}: time missing",
                    value=100 * (1 - one.frames / one.spoken),
                    unit="%",
                    floor=lost or None,
                    goal=EDGES if lost else 0.5,
                )


async def _measure(folder: Path, loss: float) -> dict[str, Watched]:
    async with janus_server(folder) as server, janus_pages(server) as page, talking(server, PEOPLE, loss) as here:
        return {
            "native": await watch("native", server, str(ROOM), here, 1),
            "browser": await watch("browser", server, page, here, 1),
        }
