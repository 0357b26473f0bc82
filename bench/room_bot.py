"""Bots in a Janus room in a process of their own, natively or by browser; its processor time and memory are theirs.

A part of `rooms` and `rooms_full`. Prints a JSON line when it is ready (`ready_ms`) and one when it hears everybody
(`first_ms` after it asked, at the latest person). A line on its standard input is answered by the frames that came so
far (`frames`), the line "stop" by `last_ms` after it asked to hear nobody; then it ends.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

from bot.ports import Heard, Joined, JoinRequest, MeetingRoom, RoomEvent
from config.clock import SystemClock, new_id
from consent_notice.words import SeatId

CLOCK = SystemClock()
ALL_WITHIN_S = 60


class Bot:
    def __init__(self, room: MeetingRoom, link: str, number: int) -> None:
        self.room = room
        self.request = JoinRequest(link=link, name=f"bot{number}", invited_by="", resume_token=new_id())
        self.people: set[SeatId] = set()
        self.first_ms: dict[SeatId, int] = {}
        self.last_ms = 0
        self.frames = 0
        self.happened = asyncio.Event()

    def take(self, event: RoomEvent) -> None:
        match event:
            case Joined(seat=seat, name=name) if name.startswith("person"):
                self.people.add(seat)
            case Heard(frame=frame):
                self.frames += 1
                for seat in frame.speakers or ():
                    self.first_ms.setdefault(seat, CLOCK.boot_ms())
                self.last_ms = frame.ends_ms
            case _:
                return
        self.happened.set()

    async def wait_for(self, known: set[SeatId] | dict[SeatId, int], people: int) -> None:
        while len(known) < people:
            self.happened.clear()
            await self.happened.wait()

    async def hear_all(self) -> int:
        asked_ms = CLOCK.boot_ms()
        await self.room.hear(frozenset(self.people))
        await self.wait_for(self.first_ms, len(self.people))
        return max(self.first_ms.values()) - asked_ms


def rooms(kind: str, server: str, tasks: asyncio.TaskGroup, visits: int) -> list[MeetingRoom]:
    if kind == "native":
        from bot.rooms.janus import JanusRoom

        return [
            JanusRoom(server=server, secret="", room_of=lambda link: link, clock=CLOCK, tasks=tasks)
            for _ in range(visits)
        ]
    from bot.browser.driver import Pilot
    from bot.browser.room import BrowserRoom
    from tests.simulators.janus_page import SCRIPT

    program, pilot = Path(shutil.which("chromium") or "/usr/bin/chromium"), Pilot()
    return [
        BrowserRoom(script=SCRIPT, program=program, token=new_id(), clock=CLOCK, tasks=tasks, pilot=pilot)
        for _ in range(visits)
    ]


async def main(kind: str, server: str, link: str, people: int, visits: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        bots = [Bot(room, link, number) for number, room in enumerate(rooms(kind, server, tasks, visits))]
        began_ms = CLOCK.boot_ms()
        for bot in bots:
            await bot.room.join(bot.request, bot.take)
        say(ready_ms=CLOCK.boot_ms() - began_ms)
        async with asyncio.timeout(ALL_WITHIN_S):
            for bot in bots:
                await bot.wait_for(bot.people, people)
            say(first_ms=max([await bot.hear_all() for bot in bots]))
        while (await asyncio.to_thread(sys.stdin.readline)).strip() != "stop":
            say(frames=sum(bot.frames for bot in bots))
        asked_ms = CLOCK.boot_ms()
        for bot in bots:
            await bot.room.hear(frozenset())
        await asyncio.sleep(1)
        say(last_ms=max(bot.last_ms for bot in bots) - asked_ms)
        for bot in bots:
            await bot.room.leave()


def say(**figures: int) -> None:
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
