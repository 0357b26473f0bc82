"""A bot's stay in a page replica, and what it was told there."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from bot.browser.driver import Chromium
from bot.browser.room import BrowserRoom
from bot.browser.script import PageScript
from bot.ports import Admitted, Heard, JoinRequest, PageSnapshot, Speech
from config.clock import SystemClock
from consent_notice.words import SeatId
from tests.simulators.page_replica import PageReplica, each_sign
from tests.simulators.told import Told
from tests.simulators.tones import decoded, level_db
from web.practice.participant import sine

CLOCK = SystemClock()
SPOKEN_HZ = 700.0
CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")


class PageStay(Told):
    def __init__(self, script: PageScript, replica: PageReplica, tasks: asyncio.TaskGroup) -> None:
        super().__init__()
        self.replica = replica
        self.steps: list[str] = []
        self.snapshots: list[PageSnapshot] = []
        self.frames_out = 0  # which left the browser
        self.request = JoinRequest(
            link=replica.ADDRESS,
            name="onrecord (asks before recording)",
            invited_by="Hana",
            resume_token="token",
            tell_step=self.steps.append,
            keep_snapshot=self.snapshots.append,
        )
        self.room = BrowserRoom(
            script=script,
            program=CHROMIUM,
            token="t0ken",
            clock=CLOCK,
            tasks=tasks,
            flags=replica.flags,
            checks_certificates=False,
        )
        take = self.room._tap._on_frame

        def count(tapped: Any) -> None:
            self.frames_out += 1
            take(tapped)

        self.room._tap._on_frame = count

    async def enter(self, content: str, *, clicked: str = "") -> None:
        """`clicked`: what the bot presses before it is let in."""
        joining = asyncio.ensure_future(self.room.join(self.request, self.push))
        if clicked:
            await self.replica.until("clicked", clicked)
        else:
            await self.replica.is_open()
        await self.replica.enter(content)
        await joining
        await self.until(Admitted)

    def sound_of(self, *seats: SeatId) -> list[bytes]:
        return [event.frame.payload for event in self.all(Heard) if event.frame.speakers == frozenset(seats)]


async def hears_the_bot(stay: PageStay) -> None:
    """The page's outgoing sound while the bot speaks is what it says."""
    await asyncio.sleep(0.5)
    stay.replica.heard.clear()
    await stay.room.speak(Speech(text="beep", language="en", pcm=sine(SPOKEN_HZ, 1.0, 0.25)))
    await asyncio.sleep(0.3)  # until the last of it came
    sound = decoded(stay.replica.heard)
    levels = [level_db(sound[at : at + 24_000], SPOKEN_HZ) for at in range(0, len(sound) - 24_000, 4_800)]
    assert max(levels) > -20


async def recognises_each_sign(script: PageScript, replica: PageReplica) -> None:
    """Every look of the script, by each of its signs, in the page that shows nothing but that sign."""
    chromium = Chromium(program=CHROMIUM, on_gone=lambda: None, flags=replica.flags, ca=False)
    await chromium.open(replica.ADDRESS, tap="ws://127.0.0.1:9/none", hooks="")
    try:
        await replica.is_open()
        assert await chromium.look(script.looks) is None
        for look in script.looks:
            for page in each_sign(look):
                await replica.show(page)
                async with asyncio.timeout(5):
                    while await chromium.look(script.looks) != look.name:
                        await asyncio.sleep(0.05)
    finally:
        await chromium.close()
