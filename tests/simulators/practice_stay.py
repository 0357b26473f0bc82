"""Fixtures: the bot's side of a practice room, and all that the room pushed. Test modules import those they use."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.ports import Heard, JoinRequest, MeetingRoom
from bot.rooms.practice import PracticeRoom
from config.clock import SystemClock
from consent_notice.frames import HeardFrame
from consent_notice.words import SeatId
from tests.simulators.practice_people import room, tasks
from tests.simulators.told import Told
from web.practice.participant import ScriptedParticipant

CLOCK = SystemClock()
NOBODY: frozenset[SeatId] = frozenset()


class StayInRoom(Told):
    """A bot in a room, and all that the room pushed."""

    def __init__(self, tasks: asyncio.TaskGroup, link: str, token: str = "token-of-the-bot") -> None:
        super().__init__()
        self.room = PracticeRoom(clock=CLOCK, tasks=tasks)
        self.port: MeetingRoom = self.room
        self.request = JoinRequest(link=link, name="onrecord", invited_by="Hana", resume_token=token)

    async def join(self) -> StayInRoom:
        await self.port.join(self.request, self.push)
        return self

    @property
    def frames(self) -> list[HeardFrame]:
        return [event.frame for event in self.all(Heard)]

    @property
    def packets(self) -> int:
        """All RTP that came through the bot's transport."""
        peer = self.room._client.peer
        assert peer is not None
        return peer.packets_received


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
