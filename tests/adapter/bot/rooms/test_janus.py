"""Janus as the bot's MeetingRoom, against the server itself: what comes to the socket, and every end by its name."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from bot import janus_ears
from bot.ports import (
    Admitted,
    ChatSaid,
    Ended,
    Heard,
    Joined,
    JoinRequest,
    Left,
    LeftReason,
    Post,
    RoomError,
    RoomEvent,
    RoomRefused,
    RoomUnreachable,
    RosterKnownUntil,
    Speech,
)
from bot.rooms.janus import JanusRoom
from bot.webrtc import PacketPeer
from config.clock import SystemClock
from consent_notice.words import SeatId
from tests.simulators.janus_server import PIN, PIN_ROOM, ROOM, JanusPerson, JanusServer, janus_server
from tests.simulators.practice_people import tasks
from tests.simulators.told import Told
from web.practice.participant import sine

CLOCK = SystemClock()
pytestmark = pytest.mark.janus
NOBODY: frozenset[SeatId] = frozenset()


class Stay(Told):
    """A bot in the room, and all that it was told."""

    def __init__(self, server: JanusServer, tasks: asyncio.TaskGroup, room: object, token: str) -> None:
        super().__init__()
        self.request = JoinRequest(link=f"x?pin={PIN}", name="onrecord", invited_by="Hana", resume_token=token)
        self.port = JanusRoom(server=server.api, secret="", room_of=lambda link: str(room), clock=CLOCK, tasks=tasks)

    async def join(self) -> None:
        await self.port.join(self.request, self.push)


NewStay = Callable[..., Awaitable[Stay]]
Enter = Callable[..., Awaitable[JanusPerson]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("janus")


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[JanusServer]:
    async with janus_server(folder) as running:
        yield running


@pytest.fixture
async def new_stay(server: JanusServer, tasks: asyncio.TaskGroup) -> AsyncIterator[NewStay]:
    stays: list[Stay] = []

    async def new(room: object = ROOM, *, token: str = "token", joins: bool = True) -> Stay:
        stays.append(Stay(server, tasks, room, token))
        if joins:
            await stays[-1].join()
        return stays[-1]

    yield new
    for stay in stays:
        await stay.port.leave()


@pytest.fixture
async def enter(server: JanusServer, tasks: asyncio.TaskGroup) -> AsyncIterator[Enter]:
    inside: list[JanusPerson] = []

    async def enter(name: str, *, joins: dict[str, Any] | None = None, **options: Any) -> JanusPerson:
        inside.append(JanusPerson(server, name, tasks, **options))
        await inside[-1].join(**(joins or {}))
        return inside[-1]

    yield enter
    for person in inside:
        await person.leave()


class CountingPeer(PacketPeer):
    """Notes when each RTP packet came to its socket, before anything looked at it."""

    arrivals: ClassVar[list[tuple[int, int]]] = []  # boot ms, number of the peer
    made: ClassVar[int] = 0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        CountingPeer.made += 1
        self.number = CountingPeer.made

    async def _take_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        CountingPeer.arrivals.append((CLOCK.boot_ms(), self.number))
        await super()._take_rtp(data, arrival_time_ms)


async def test_of_who_never_agreed_no_packet_comes_and_of_who_withdrew_none_after(
    enter: Enter, new_stay: NewStay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janus_ears, "PacketPeer", CountingPeer)
    CountingPeer.arrivals, CountingPeer.made = [], 0
    ann, ben, cia = await enter("Ann"), await enter("Ben"), await enter("Cia")
    for person, hz in ((ann, 440.0), (ben, 880.0), (cia, 1320.0)):
        person.talk(hz)
    stay = await new_stay()
    assert stay.port._microphone is not None
    await asyncio.sleep(1)
    assert (CountingPeer.arrivals, CountingPeer.made) == ([], 0)
    await stay.port.hear(frozenset({SeatId(ann.seat), SeatId(ben.seat)}))
    async with asyncio.timeout(8):
        while len({event.frame.speakers for event in stay.all(Heard)}) < 2:
            await asyncio.sleep(0.05)
    assert CountingPeer.made == 2  # none for Cia
    began_ms = CLOCK.boot_ms()
    await stay.port.hear(frozenset({SeatId(ben.seat)}))
    took_ms = CLOCK.boot_ms() - began_ms
    await asyncio.sleep(1)
    last_of_first, last_of_second = sorted(
        max(at_ms for at_ms, number in CountingPeer.arrivals if number == peer) for peer in (1, 2)
    )
    assert last_of_first <= began_ms + took_ms + 200
    assert last_of_second >= began_ms + 800
    assert stay.port._microphone.packets_received == 0
    heard = {event.frame.speakers for event in stay.all(Heard)}
    assert heard == {frozenset({SeatId(ann.seat)}), frozenset({SeatId(ben.seat)})}


async def test_whoever_sends_anew_is_heard_under_a_new_track(enter: Enter, new_stay: NewStay) -> None:
    ann = await enter("Ann")
    ann.talk(440)
    stay = await new_stay()
    await stay.port.hear(frozenset({SeatId(ann.seat)}))
    await stay.until(Heard, count=20)
    await ann.unpublish()
    await asyncio.sleep(0.5)
    quiet_since = len(stay.all(Heard))
    await asyncio.sleep(0.5)
    assert len(stay.all(Heard)) == quiet_since
    await ann.publish()
    ann.talk(880)
    await stay.until(Heard, count=quiet_since + 20)
    assert len({event.frame.track for event in stay.all(Heard)}) == 2
    assert not stay.all(Left)


async def test_whoever_takes_an_id_that_became_free_comes_as_somebody_new(enter: Enter, new_stay: NewStay) -> None:
    """And is not heard on the other's yes before the session named them."""
    ann = await enter("Ann", own_id=77)
    ann.talk(440)
    stay = await new_stay()
    await stay.port.hear(frozenset({SeatId("77")}))
    await stay.until(Heard, count=10)
    await ann.leave()
    await stay.until(Left)
    cia = await enter("Cia", own_id=77)
    joined = await stay.until(Joined, count=2)
    assert (joined.seat, joined.name) == (SeatId("77"), "Cia")
    kinds = [type(event) for event in stay.events if isinstance(event, Joined | Left)]
    assert kinds == [Joined, Left, Joined]
    assert cia.seat == "77"


async def test_people_are_told_never_later_than_they_came_and_listeners_too(enter: Enter, new_stay: NewStay) -> None:
    stay = await new_stay()
    await stay.until(RosterKnownUntil)
    came_ms = []
    for name, publishes in (("Ann", True), ("Ben", False)):
        await enter(name, joins={"publishes": publishes})
        came_ms.append(CLOCK.boot_ms())
    await stay.until(Joined, count=2)
    assert all(joined.at_ms <= at_ms for joined, at_ms in zip(stay.all(Joined), came_ms, strict=True))
    known_ms = 0
    for event in stay.events:
        if isinstance(event, RosterKnownUntil):
            known_ms = event.at_ms
        if isinstance(event, Joined):
            assert event.at_ms >= known_ms
    await asyncio.sleep(1)
    pushed = [(at_ms, event.at_ms) for at_ms, event in stay.dated if isinstance(event, RosterKnownUntil)]
    assert len(pushed) >= 10
    assert all(known_ms <= at_ms for at_ms, known_ms in pushed)


async def test_chat_goes_both_ways_and_a_name_that_nobody_shows_is_nobody(enter: Enter, new_stay: NewStay) -> None:
    ann, ben = await enter("Ann"), await enter("Ben")
    stay = await new_stay()
    await stay.until(Joined, count=2)
    await stay.port.post(Post(text="May I record?", is_notice=True))
    await stay.port.post(Post(text="Thank you", to_seat=SeatId(ann.seat)))
    await ann.write("record yes")
    said = await stay.until(ChatSaid)
    assert (said.seat, said.text, said.to_bot_only) == (SeatId(ann.seat), "record yes", False)
    assert ben.chat is not None
    await ben.chat.write("record no", to_name="onrecord, invited by Hana")
    assert (await stay.until(ChatSaid, count=2)).to_bot_only
    assert [written.text for written in ann.read][:2] == ["May I record?", "Thank you"]
    assert [written.text for written in ben.read] == ["May I record?", "record yes"]
    stranger = await enter("Cia", joins={"publishes": False})
    await stay.until(Joined, count=3)
    await stranger.handle.ask({"request": "leave"})
    await stay.until(Left)
    await stranger.write("record no")
    await asyncio.sleep(0.3)
    assert len(stay.all(ChatSaid)) == 2
    with pytest.raises(RoomError):
        await stay.port.post(Post(text="for one who left", to_seat=SeatId(stranger.seat)))


async def test_who_shows_somebodys_name_in_the_chat_is_somebody_else(enter: Enter, new_stay: NewStay) -> None:
    """So that their yes is not taken for that person's: the session sends namesakes to the page."""
    ann = await enter("Ann")
    stay = await new_stay()
    await stay.until(Joined)
    other = await enter("Ann", joins={"publishes": False})
    await other.handle.ask({"request": "leave"})
    await other.write("record yes")
    said = await stay.until(ChatSaid)
    assert said.seat not in (SeatId(ann.seat), SeatId(other.seat))
    told = [joined for joined in stay.all(Joined) if joined.seat == said.seat]
    assert [joined.name for joined in told] == ["Ann"]
    assert stay.events.index(told[0]) < stay.events.index(said)
    await ann.write("stop")
    assert (await stay.until(ChatSaid, count=2)).seat == SeatId(ann.seat)
    await other.leave()
    async with asyncio.timeout(5):
        while said.seat not in {left.seat for left in stay.all(Left)}:
            await asyncio.sleep(0.02)


async def test_who_comes_to_the_chat_after_the_question_is_told_to_come_again(enter: Enter, new_stay: NewStay) -> None:
    """They could not read it; and they are heard all the same once they agreed."""
    ann = await enter("Ann", joins={"writes": False})
    ann.talk(440)
    stay = await new_stay()
    await stay.until(Joined)
    await stay.port.post(Post(text="May I record?", is_notice=True))
    with pytest.raises(RoomError):
        await stay.port.post(Post(text="May I record?", to_seat=SeatId(ann.seat), is_notice=True))
    await ann.open_chat()
    await stay.until(Joined, count=2)
    assert [type(event) for event in stay.events if isinstance(event, Joined | Left)] == [Joined, Left, Joined]
    await stay.port.post(Post(text="May I record?", to_seat=SeatId(ann.seat), is_notice=True))
    await stay.port.hear(frozenset({SeatId(ann.seat)}))
    await stay.until(Heard, count=20)
    await asyncio.sleep(0.3)
    assert len(stay.all(Joined)) == 2


async def test_a_server_that_answers_otherwise_than_janus_does_is_unreachable(tasks: asyncio.TaskGroup) -> None:
    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["janus-protocol"])
        await socket.prepare(request)
        async for message in socket:
            asked = message.json()["transaction"]
            await socket.send_json({"janus": "event", "sender": 1, "plugindata": []})
            await socket.send_json({"janus": "success", "transaction": asked, "data": {}})
        return socket

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    room = JanusRoom(server=server, secret="", room_of=lambda link: "1", clock=CLOCK, tasks=tasks)
    with pytest.raises(RoomUnreachable):
        request = JoinRequest(link="x", name="onrecord", invited_by="", resume_token="t")
        await room.join(request, lambda event: None)
    await room.hear(NOBODY)
    await runner.cleanup()


async def test_everybody_hears_the_bot(enter: Enter, new_stay: NewStay) -> None:
    ann = await enter("Ann")
    stay = await new_stay()
    await ann.listen_to(int(stay.all(Admitted)[0].own_seat))
    await stay.port.speak(Speech(text="beep", language="en", pcm=sine(700, 1.0, 0.25)))
    await asyncio.sleep(0.3)
    assert 45 <= len(ann.heard) <= 51


@pytest.mark.parametrize(
    ("room", "reason"),
    [(99, LeftReason.NOT_FOUND), ("no-room", LeftReason.NOT_FOUND), (5555, LeftReason.NOT_FOUND)],
)
async def test_where_there_is_no_room_or_no_chat_it_says_so(
    new_stay: NewStay, room: object, reason: LeftReason
) -> None:
    stay = await new_stay(room, joins=False)
    with pytest.raises(RoomRefused) as refused:
        await stay.join()
    assert refused.value.reason is reason
    assert stay.events == []


async def test_a_pin_from_the_link_opens_and_a_full_room_does_not(enter: Enter, new_stay: NewStay) -> None:
    assert (await new_stay(PIN_ROOM)).all(Admitted)
    locked = await new_stay(PIN_ROOM, joins=False)
    locked.request = JoinRequest(link="x", name="onrecord", invited_by="Hana", resume_token="other")
    with pytest.raises(RoomRefused) as refused:
        await locked.join()
    assert refused.value.reason is LeftReason.SIGN_IN_REQUIRED
    await enter("Ann", room=6666)
    full = await new_stay(6666, joins=False)
    with pytest.raises(RoomRefused) as refused:
        await full.join()
    assert refused.value.reason is LeftReason.ROOM_FULL


async def test_a_server_that_is_not_there_is_unreachable(server: JanusServer, new_stay: NewStay) -> None:
    await server.kill()
    stay = await new_stay(joins=False)
    with pytest.raises(RoomUnreachable):
        await stay.join()


async def test_a_server_that_dies_ends_it_and_nothing_is_pushed_after(
    server: JanusServer, enter: Enter, new_stay: NewStay
) -> None:
    ann = await enter("Ann")
    ann.talk(440)
    stay = await new_stay()
    await stay.port.hear(frozenset({SeatId(ann.seat)}))
    await stay.until(Heard)
    await server.kill()
    assert (await stay.until(Ended)).reason is LeftReason.CONNECTION_LOST
    await asyncio.sleep(0.3)
    assert isinstance(stay.events[-1], Ended)


async def test_a_kick_and_a_room_that_is_closed_are_told_apart(enter: Enter, new_stay: NewStay) -> None:
    ann = await enter("Ann")
    stay = await new_stay()
    own = int(stay.all(Admitted)[0].own_seat)
    await ann.handle.ask({"request": "kick", "room": ROOM, "secret": "adminpwd", "id": own})
    assert (await stay.until(Ended)).reason is LeftReason.REMOVED
    other = await new_stay(token="another")
    await ann.handle.ask({"request": "destroy", "room": ROOM, "secret": "adminpwd"})
    assert (await other.until(Ended)).reason is LeftReason.MEETING_ENDED


async def test_what_is_left_of_an_earlier_stay_is_no_person(new_stay: NewStay) -> None:
    first = await new_stay()
    second = await new_stay()  # the same token, while the first has not been missed yet
    await asyncio.sleep(0.5)
    assert first.all(Admitted)[0].own_seat != second.all(Admitted)[0].own_seat
    assert not second.all(Joined)
