"""Whom the bot hears in a Janus VideoRoom: nobody is subscribed to before they are wanted.

Each publisher comes over a handle and a peer connection of its own (aiortc gives no sound on a line that is used
again), closed when they are not wanted, stop sending, leave, or send on other lines: the next time is another stint.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bot.ears import Ear
from bot.janus_api import MALFORMED, Handle, JanusApi, JanusError
from bot.rtp import RtpPacket
from bot.webrtc import PacketPeer, PeerError
from consent_notice.clock import Clock
from consent_notice.frames import HeardFrame
from consent_notice.words import SeatId

PLUGIN = "janus.plugin.videoroom"


@dataclass(slots=True)
class _Subscription:
    handle: Handle
    peer: PacketPeer
    ears: list[Ear]  # one a line

    def deafen(self) -> None:
        for ear in self.ears:
            ear.close()


class JanusEars:
    """`on_lost` is called where the server does not acknowledge that it sends somebody no more."""

    def __init__(
        self,
        *,
        api: JanusApi,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        addresses: Sequence[str] | None,
        push: Callable[[HeardFrame], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._api = api
        self._clock = clock
        self._tasks = tasks
        self._addresses = addresses
        self._push = push
        self._on_lost = on_lost
        self._room: int | str = 0
        self._feeds: dict[SeatId, tuple[int | str, tuple[str, ...]]] = {}  # who sends sound: own id, ids of lines
        self._wanted: frozenset[SeatId] = frozenset()
        self._subscriptions: dict[SeatId, _Subscription] = {}
        self._closing: list[_Subscription] = []  # deaf already, and still to be ended on the server
        self._stints = 0
        self._turn = asyncio.Lock()
        self._over = False

    def begin(self, room: int | str, publishers: Any) -> None:
        self._room = room
        self._note(publishers)

    def publish(self, publishers: Any) -> None:
        """Somebody sends, or sends otherwise: `publishers` is as the server told it."""
        self._note(publishers)
        self._tasks.create_task(self._catch_up())

    def stopped(self, seat: SeatId) -> None:
        """They send no more; what still comes is not heard."""
        self._feeds.pop(seat, None)
        if self._drop(seat):
            self._tasks.create_task(self._catch_up())

    async def hear(self, seats: frozenset[SeatId]) -> None:
        """On return the server has acknowledged every removal. Raises JanusError."""
        self._wanted = seats
        for seat in [seat for seat in self._subscriptions if seat not in seats]:
            self._drop(seat)
        async with self._turn:
            await self._settle()

    def deafen(self) -> None:
        """Nothing more is pushed."""
        self._over = True
        for subscription in self._subscriptions.values():
            subscription.deafen()

    async def close(self) -> None:
        """The server's side ends with the session."""
        self.deafen()
        for subscription in [*self._subscriptions.values(), *self._closing]:
            await subscription.peer.close()

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _note(self, publishers: Any) -> None:
        for one in publishers or ():
            seat = seat_of(one["id"])
            lines = tuple(
                str(stream["mid"])
                for stream in one.get("streams", ())
                if stream.get("type") == "audio" and not stream.get("disabled")
            )
            self._drop(seat)  # told once more: it may come on other lines, or from another machine
            self._feeds.pop(seat, None)
            if lines:
                self._feeds[seat] = (one["id"], lines)

    def _drop(self, seat: SeatId) -> bool:
        subscription = self._subscriptions.pop(seat, None)
        if subscription is None:
            return False
        subscription.deafen()
        self._closing.append(subscription)
        return True

    async def _catch_up(self) -> None:
        with suppress(JanusError, *MALFORMED):
            async with self._turn:
                await self._settle()

    async def _settle(self) -> None:
        """Ends what is to end, then begins what is to begin. Raises JanusError."""
        while self._closing:
            subscription = self._closing.pop(0)
            try:
                await subscription.handle.detach()
            except JanusError:
                self._on_lost()
                raise
            finally:
                await subscription.peer.close()
        for seat in sorted(self._wanted):
            if not self._over and seat in self._feeds and seat not in self._subscriptions:
                with suppress(JanusError, PeerError, *MALFORMED):  # they may have left or stopped sending meanwhile
                    await self._subscribe(seat)

    async def _subscribe(self, seat: SeatId) -> None:
        feed, lines = self._feeds[seat]
        handle = await self._api.attach(PLUGIN)
        streams = [{"feed": feed, "mid": mid} for mid in lines]
        wanted = {"request": "join", "ptype": "subscriber", "room": self._room, "streams": streams}
        _, offer = await handle.ask(wanted)
        if offer is None or self._over or seat not in self._wanted or self._feeds.get(seat) != (feed, lines):
            await handle.detach()
            return
        ears = [self._ear(seat) for _ in lines]

        async def take(line: int, packet: RtpPacket, arrival_ms: int) -> None:
            ears[line].put(packet, arrival_ms)

        peer = PacketPeer(
            clock=self._clock,
            tasks=self._tasks,
            addresses=self._addresses,
            lines=len(lines),
            on_packet=take,
            on_lost=lambda: self.stopped(seat),
        )
        self._subscriptions[seat] = _Subscription(handle, peer, ears)
        try:
            answer = {"type": "answer", "sdp": await peer.listen(str(offer["sdp"]))}
            await handle.ask({"request": "start"}, answer)
        except (JanusError, PeerError):
            self._drop(seat)
            raise

    def _ear(self, seat: SeatId) -> Ear:
        self._stints += 1
        return Ear(track=f"{seat}:{self._stints}", speakers=frozenset({seat}), clock=self._clock, push=self._push)


def seat_of(own_id: object) -> SeatId:
    """Of a participant's id, which is a number or a text by the server's configuration."""
    return SeatId(str(own_id))
