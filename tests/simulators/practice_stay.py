"""Fixtures: the bot's side of a practice room, and all that the room pushed. Test modules import those they use."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from bot.ports import Heard, JoinRequest, MeetingRoom, RoomEvent
from bot.rooms.practice import PracticeRoom
from config.clock import SystemClock
from consent_notice.frames import HeardFrame
from consent_notice.words import SeatId
from tests.simulators.practice_people import room, tasks
from web.practice.participant import ScriptedParticipant

E = TypeVar("E", bound=RoomEvent)
CLOCK = SystemClock()
NOBODY: frozenset[SeatId] = frozenset()


class StayInRoom:
    """A bot in a room, and all that the room pushed."""

    def __init__(self, tasks: asyncio.TaskGroup, link: str, token: str = "token-of-the-bot") -> None:
        self.room = PracticeRoom(clock=CLOCK, tasks=tasks)
        self.port: MeetingRoom = self.room
        self.request = JoinRequest(link=link, name="onrecord", invited_by="Hana", resume_token=token)
        self.events: list[RoomEvent] = []
        self.pushed_ms: list[int] = []

    def push(self, event: RoomEvent) -> None:
        self.events.append(event)
        self.pushed_ms.append(CLOCK.boot_ms())

    async def join(self) -> StayInRoom:
        await self.port.join(self.request, self.push)
        return self

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def frames(self) -> list[HeardFrame]:
        return [event.frame for event in self.all(Heard)]

    @property
    def packets(self) -> int:
        """All RTP that came through the bot's transport."""
        peer = self.room._client.peer
        assert peer is not None
        return peer.packets_received

    async def until(self, kind: type[E], within_s: float = 5, count: int = 1) -> E:
        async with asyncio.timeout(within_s):
            while len(self.all(kind)) < count:
                await asyncio.sleep(0.005)
        return self.all(kind)[count - 1]


NewStay = Callable[..., Awaitable[StayInRoom]]


@pytest.fixture
async def new_stay(room: str, tasks: asyncio.TaskGroup) -> AsyncIterator[NewStay]:
    stays: list[StayInRoom] = []

    async def new_stay(link: str = room, token: str = "token-of-the-bot") -> StayInRoom:
        stays.append(StayInRoom(tasks, link, token))
        return await stays[-1].join()

    yield new_stay
    for stay in stays:
        await stay.port.leave()


def seat(person: ScriptedParticipant) -> SeatId:
    return SeatId(person.seat)


def only(*people: ScriptedParticipant) -> frozenset[SeatId]:
    return frozenset(seat(person) for person in people)
