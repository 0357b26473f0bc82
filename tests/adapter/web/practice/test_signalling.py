"""The promise of law 1: nobody's packets reach a bot before it subscribed, or after; and how one goes away."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from bot.practice_client import JoinRefused, PracticeClient
from bot.rtp import RtpPacket
from config.clock import SystemClock
from tests.simulators.practice_people import Enter, enter, room, tasks
from web.practice.participant import ScriptedParticipant

Message = dict[str, Any]


class Ears:
    """A bot's side of the wire, bare: what the room says and what comes through its transport."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.said: list[Message] = []
        self.slots: list[int] = []
        self.arrivals_ms: list[int] = []
        self.client = PracticeClient(
            clock=SystemClock(),
            tasks=tasks,
            on_message=self._take,
            on_packet=self._hear,
            on_over=lambda reason: self.said.append({"t": "over", "reason": reason}),
        )

    def _take(self, message: Message) -> None:
        if message["t"] != "alive":
            self.said.append(message)

    def _hear(self, slot: int, _packet: RtpPacket, arrival_ms: int) -> None:
        self.slots.append(slot)
        self.arrivals_ms.append(arrival_ms)

    @property
    def packets(self) -> int:
        """All RTP that came through the transport, whatever it was."""
        assert self.client.peer is not None
        return self.client.peer.packets_received

    async def until_said(self, kind: str) -> Message:
        async with asyncio.timeout(5):
            while not (found := [message for message in self.said if message["t"] == kind]):
                await asyncio.sleep(0.005)
        self.said.remove(found[0])
        return found[0]


NewBot = Callable[..., Awaitable[Ears]]


@pytest.fixture
async def new_bot(room: str, tasks: asyncio.TaskGroup) -> AsyncIterator[NewBot]:
    bots: list[Ears] = []

    async def new_bot(token: str = "token-of-the-bot") -> Ears:
        ears = Ears(tasks)
        bots.append(ears)
        ears.said.append(await ears.client.join(room, {"name": "bot", "kind": "bot", "token": token}))
        return ears

    yield new_bot
    for ears in bots:
        await ears.client.close()


# ---- who hears whom --------------------------------------------------------------------------------------------------


async def test_no_packet_of_anyone_reaches_a_bot_before_it_subscribed(enter: Enter, new_bot: NewBot) -> None:
    ann, bob = await enter("Ann", sends_silence=True), await enter("Bob", sends_silence=True)
    bot = await new_bot()
    await asyncio.gather(ann.tone(500, 1.0), bob.tone(900, 1.0))
    assert bot.packets == 0

    bot.client.send({"t": "subscribe", "seat": ann.seat, "slot": 5})
    assert await bot.until_said("subscribed") == {"t": "subscribed", "seat": ann.seat, "slot": 5}
    await asyncio.gather(ann.tone(500, 0.5), bob.tone(900, 0.5))
    assert bot.packets >= 20
    assert set(bot.slots) == {5}
    assert [told.on for told in ann.forwarding] == [True]
    assert not bob.forwarding


async def test_nothing_is_sent_after_the_unsubscription_is_acknowledged(enter: Enter, new_bot: NewBot) -> None:
    ann, bot = await enter("Ann", sends_silence=True), await new_bot()
    bot.client.send({"t": "subscribe", "seat": ann.seat, "slot": 0})
    await bot.until_said("subscribed")
    await ann.tone(500, 0.5)
    bot.client.send({"t": "unsubscribe", "slot": 0})
    await bot.until_said("unsubscribed")
    await asyncio.sleep(0.05)  # what was sent before the acknowledgement may overtake nothing, but may still arrive
    heard = bot.packets
    assert heard >= 20
    await ann.tone(500, 0.5)
    assert bot.packets == heard
    await ann.wait_until(lambda: [told.on for told in ann.forwarding] == [True, False], 2)


async def test_stop_voice_cuts_in_the_room_and_tells_the_bot_and_the_person(enter: Enter, new_bot: NewBot) -> None:
    ann, bob, bot = await enter("Ann", sends_silence=True), await enter("Bob", sends_silence=True), await new_bot()
    for slot, person in enumerate((ann, bob)):
        bot.client.send({"t": "subscribe", "seat": person.seat, "slot": slot})
    await ann.wait_until(lambda: bool(ann.forwarding), 2)
    await asyncio.sleep(0.3)
    ann.stop_voice()
    stop = await bot.until_said("stop_voice")
    assert stop["seat"] == ann.seat
    await ann.wait_until(lambda: not ann.forwarding[-1].on, 2)
    cut_ms = ann.forwarding[-1].at_ms
    await ann.tone(500, 0.5)
    late = [at_ms for slot, at_ms in zip(bot.slots, bot.arrivals_ms, strict=True) if slot == 0 and at_ms > cut_ms + 20]
    assert late == []
    assert bot.arrivals_ms[-1] > cut_ms + 400  # Bob goes on

    bot.client.send({"t": "subscribe", "seat": ann.seat, "slot": 3, "seen_stop": None})
    assert (await bot.until_said("unsubscribed"))["slot"] == 3  # it asked without knowing of the stop
    bot.client.send({"t": "subscribe", "seat": ann.seat, "slot": 3, "seen_stop": stop["id"]})
    await bot.until_said("subscribed")


async def test_a_bot_that_was_away_learns_of_a_stop_that_it_missed(enter: Enter, new_bot: NewBot) -> None:
    ann = await enter("Ann")
    bot = await new_bot()
    await bot.client.close()
    ann.stop_voice()
    await ann.wait_until(lambda: bool(ann.forwarding), 2)
    back = await new_bot()
    (described,) = back.said[0]["people"]
    assert described["stop_id"]
    assert "stop_id" not in (await enter("Bob")).people[ann.seat]


async def test_a_bot_that_leaves_hears_nothing_more_and_the_person_is_told(enter: Enter, new_bot: NewBot) -> None:
    ann, bot = await enter("Ann"), await new_bot()
    bot.client.send({"t": "subscribe", "seat": ann.seat, "slot": 0})
    await ann.wait_until(lambda: bool(ann.forwarding) and ann.forwarding[-1].on, 2)
    await bot.client.close()
    await ann.wait_until(lambda: not ann.forwarding[-1].on, 2)


async def test_two_bots_are_two_routes(enter: Enter, new_bot: NewBot) -> None:
    ann = await enter("Ann", sends_silence=True)
    one, other = await new_bot("token-of-one-bot"), await new_bot("token-of-other-bot")
    one.client.send({"t": "subscribe", "seat": ann.seat, "slot": 0})
    await one.until_said("subscribed")
    await asyncio.sleep(0.3)
    assert one.packets > 5
    assert other.packets == 0


# ---- going away ------------------------------------------------------------------------------------------------------


def told_left(watcher: ScriptedParticipant, seat: str) -> Callable[[], bool]:
    return lambda: seat not in watcher.people


async def test_a_socket_that_is_killed_is_a_leave_at_once(enter: Enter) -> None:
    watcher, ann = await enter("Bob"), await enter("Ann")
    await watcher.wait_until(lambda: ann.seat in watcher.people, 2)
    socket = ann._client._socket
    assert socket is not None
    transport = socket._conn.transport  # type: ignore[union-attr]
    assert transport is not None
    transport.abort()
    await watcher.wait_until(told_left(watcher, ann.seat), 1)


async def test_a_client_that_answers_nothing_any_more_has_left_within_5_s(enter: Enter, room: str) -> None:
    """The laptop's lid closed: its socket is open, and silent."""
    watcher = await enter("Bob")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(room + "/ws", autoping=False) as socket,
    ):
        await socket.send_json({"t": "join", "name": "Ann", "token": "t" * 16})
        seat = (await socket.receive_json())["seat"]
        await watcher.wait_until(lambda: seat in watcher.people, 2)
        await watcher.wait_until(told_left(watcher, seat), 5)


async def test_a_broken_media_path_is_a_leave_within_5_s(enter: Enter) -> None:
    watcher, ann = await enter("Bob"), await enter("Ann")
    await watcher.wait_until(lambda: ann.seat in watcher.people, 2)
    peer = ann._client.peer
    assert peer is not None
    for protocol in peer._ice._protocols:
        protocol.datagram_received = lambda data, addr: None  # type: ignore[method-assign]
    await watcher.wait_until(told_left(watcher, ann.seat), 5.5)
    assert watcher.ended is None


async def test_a_microphone_that_never_sends_is_a_person_like_any_other(enter: Enter, new_bot: NewBot) -> None:
    ann, bot = await enter("Ann"), await new_bot()
    bot.client.send({"t": "subscribe", "seat": ann.seat, "slot": 0})
    await bot.until_said("subscribed")
    await asyncio.sleep(0.3)
    assert bot.packets == 0
    assert await ann.chat("I can write") is not None


async def test_links_that_are_none_are_refused(tasks: asyncio.TaskGroup, room: str) -> None:
    ears = Ears(tasks)
    with pytest.raises(JoinRefused, match="name"):
        await ears.client.join(room, {"name": "", "token": "t" * 16})
