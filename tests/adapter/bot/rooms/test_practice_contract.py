"""What `bot.ports.MeetingRoom` promises, kept by the practice room and by the simulated room of other tests."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

import pytest

from bot.ports import (
    Admitted,
    ChatSaid,
    Ended,
    Heard,
    Joined,
    JoinRequest,
    Left,
    LeftReason,
    MeetingRoom,
    Post,
    RoomEvent,
    RosterKnownUntil,
    StopPressed,
    Tile,
    TileState,
)
from bot.rooms.practice import PracticeRoom
from config.clock import SystemClock
from consent_notice.words import SeatId, SeatKind
from tests.simulators.practice_people import Enter, enter, room, tasks
from tests.simulators.room import SimulatedMeeting
from web.practice.participant import ScriptedParticipant

CLOCK = SystemClock()
E = TypeVar("E", bound=RoomEvent)


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody in the meeting, by what they can do there."""

    seat: SeatId
    write: Callable[[str], Awaitable[object]]
    press_stop: Callable[[], object]
    leave: Callable[[], Awaitable[object]]


@dataclass(slots=True, kw_only=True)
class World:
    new_room: Callable[[], MeetingRoom]
    enter: Callable[[str], Awaitable[Person]]
    link: str
    events: list[RoomEvent] = field(default_factory=list)
    inside: list[MeetingRoom] = field(default_factory=list)

    async def join(self) -> MeetingRoom:
        room = self.new_room()
        self.inside.append(room)
        request = JoinRequest(link=self.link, name="onrecord", invited_by="Hana", resume_token="token-of-the-bot")
        await room.join(request, self.events.append)
        return room

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, claim: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not claim():
                await asyncio.sleep(0.01)


@pytest.fixture(params=["practice", "simulated"])
async def world(
    request: pytest.FixtureRequest, room: str, tasks: asyncio.TaskGroup, enter: Enter
) -> AsyncIterator[World]:
    made = _practice(room, tasks, enter) if request.param == "practice" else _simulated(tasks)
    yield made
    for inside in made.inside:
        await inside.leave()


def _practice(link: str, tasks: asyncio.TaskGroup, enter: Enter) -> World:
    async def person(name: str) -> Person:
        one: ScriptedParticipant = await enter(name, sends_silence=True)
        return Person(seat=SeatId(one.seat), write=one.chat, press_stop=one.stop_voice, leave=one.leave)

    return World(new_room=lambda: PracticeRoom(clock=CLOCK, tasks=tasks), enter=person, link=link)


def _simulated(tasks: asyncio.TaskGroup) -> World:
    meeting = SimulatedMeeting(CLOCK)
    tasks.create_task(meeting.talk())

    async def person(name: str) -> Person:
        seat = meeting.joins(name)

        async def write(text: str) -> None:
            meeting.writes(seat, text)

        async def leave() -> None:
            meeting.leaves(seat)

        return Person(seat=seat, write=write, press_stop=lambda: meeting.presses_stop(seat), leave=leave)

    return World(new_room=lambda: meeting.room(tasks), enter=person, link="simulated")


async def test_it_is_admitted_first_and_then_told_who_else_is_there(world: World) -> None:
    ann = await world.enter("Ann")
    before_ms = CLOCK.boot_ms()
    await world.join()
    await world.until(lambda: world.all(Joined))
    told = [event for event in world.events if not isinstance(event, RosterKnownUntil)]
    assert isinstance(told[0], Admitted)
    (joined,) = world.all(Joined)
    assert (joined.seat, joined.name, joined.seat_kind) == (ann.seat, "Ann", SeatKind.PERSON)
    assert joined.seat != told[0].own_seat
    assert joined.at_ms <= before_ms


async def test_the_roster_is_known_all_the_time_and_never_ahead(world: World) -> None:
    await world.join()
    await asyncio.sleep(1)
    known = [event.at_ms for event in world.all(RosterKnownUntil)]
    assert len(known) >= 10
    assert known == sorted(known)
    gaps = sorted(later - earlier for earlier, later in pairwise(known))
    assert gaps[len(gaps) // 2] < 250  # the machine may be busy for once
    assert known[-1] <= CLOCK.boot_ms()


async def test_people_and_their_words_come_in_order(world: World) -> None:
    await world.join()
    ann = await world.enter("Ann")
    await world.until(lambda: [one for one in world.all(Joined) if one.seat == ann.seat])
    for text in ("one", "two"):
        await ann.write(text)
    await world.until(lambda: len(world.all(ChatSaid)) == 2)
    await ann.leave()
    await world.until(lambda: world.all(Left))
    said = world.all(ChatSaid)
    assert [(one.seat, one.text) for one in said] == [(ann.seat, "one"), (ann.seat, "two")]
    assert len({one.message_id for one in said}) == 2
    assert world.all(Left)[0].seat == ann.seat


async def test_only_those_named_are_heard_and_nobody_after_a_removal(world: World) -> None:
    ann, ben = await world.enter("Ann"), await world.enter("Ben")
    room = await world.join()
    await asyncio.sleep(0.3)
    assert not world.all(Heard)
    await room.hear(frozenset({ann.seat}))
    await world.until(lambda: len(world.all(Heard)) > 20)
    assert {one.frame.speakers for one in world.all(Heard)} == {frozenset({ann.seat})}
    await room.hear(frozenset({ben.seat}))
    count = len(world.all(Heard))
    await world.until(lambda: len(world.all(Heard)) > count + 20)
    assert {one.frame.speakers for one in world.all(Heard)[count:]} == {frozenset({ben.seat})}


async def test_the_rooms_stop_button_shuts_before_it_tells(world: World) -> None:
    ann = await world.enter("Ann")
    room = await world.join()
    await room.hear(frozenset({ann.seat}))
    await world.until(lambda: len(world.all(Heard)) > 10)
    ann.press_stop()
    await world.until(lambda: world.all(StopPressed))
    assert world.all(StopPressed)[0].seat == ann.seat
    told_at = next(place for place, event in enumerate(world.events) if isinstance(event, StopPressed))
    await asyncio.sleep(0.3)
    assert not [event for event in world.events[told_at:] if isinstance(event, Heard)]


async def test_posts_have_ids_of_their_own(world: World) -> None:
    ann = await world.enter("Ann")
    room = await world.join()
    await world.until(lambda: world.all(Joined))
    ids = [await room.post(Post(text=text, to_seat=to)) for text, to in (("to all", None), ("to Ann", ann.seat))]
    assert len(set(ids)) == 2


async def test_after_leaving_nothing_is_told_and_every_order_does_nothing(world: World) -> None:
    ann = await world.enter("Ann")
    room = await world.join()
    await room.hear(frozenset({ann.seat}))
    await world.until(lambda: world.all(Heard))
    await room.leave()
    told = len(world.events)
    await room.leave()
    await room.hear(frozenset({ann.seat}))
    await room.show(
        Tile(state=TileState.NOT_RECORDING, text="", invited_by="Hana", page_link="", kept={ann.seat: True})
    )
    await ann.write("are you there?")
    await asyncio.sleep(0.3)
    assert len(world.events) == told


async def test_a_second_bot_of_the_same_token_has_the_same_seat(world: World) -> None:
    first = await world.join()
    await first.leave()
    await world.join()
    await world.until(lambda: len(world.all(Admitted)) == 2)
    assert len({event.own_seat for event in world.all(Admitted)}) == 1
    assert not [event for event in world.all(Ended) if event.reason is not LeftReason.TAKEN_OVER]
