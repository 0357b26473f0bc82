"""A client of the built-in practice room: connects, joins, agrees on media, passes messages and packets both ways.

Hides the handshake and the ways a connection can die. What the messages mean is for the bot's room and the scripted
participant to know.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.rtp import RtpPacket
from bot.webrtc import OutgoingLine, PacketPeer, PeerError, media_addresses
from bot.wire_json import read_json
from consent_notice.clock import Clock

SLOTS = 8
JOIN_WITHIN_S = 10.0
HEARTBEAT_S = 3.0
LONGEST_OUTBOX = 512
LONGEST_MESSAGE_BYTES = 256 * 1024
ROOM_PATH = re.compile(r"/room/[a-z0-9-]{3,40}/?")

Message = dict[str, Any]


class PracticeError(Exception):
    """Couldn't get into the practice room."""


class NotAPracticeLink(PracticeError):
    """That is no practice room's link: it should end in /room/ and a code of 3 to 40 small letters, digits, hyphens."""


class NotReached(PracticeError):
    """The practice room does not answer. Check that it runs and that the link is right."""


class JoinRefused(PracticeError):
    """The practice room said no."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The practice room said no: {code}.")
        self.code = code


class NoMedia(PracticeError):
    """The practice room answers, but no sound can pass. Check that UDP packets can reach it."""


class PracticeClient:
    """One connection; `on_message` and `on_packet(slot, packet, arrival_ms)` are called in order, on the loop's thread.

    `on_over(reason)` is called once, when the connection ends without `close` having been called.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        on_message: Callable[[Message], None],
        on_packet: Callable[[int, RtpPacket, int], None],
        on_over: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._on_message = on_message
        self._on_packet = on_packet
        self._on_over = on_over
        self._outbox: asyncio.Queue[Message | None] = asyncio.Queue(LONGEST_OUTBOX)
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._helpers: list[asyncio.Task[None]] = []
        self._early: list[Message] = []
        self._joined = False
        self._over = False
        self.peer: PacketPeer | None = None
        self.microphone: OutgoingLine | None = None

    async def join(self, link: str, said: Message) -> Message:
        """Returns the welcome, once sound can pass; later messages come after that. Raises PracticeError."""
        address = urlsplit(link)
        if address.scheme not in ("http", "https") or not address.hostname or not ROOM_PATH.fullmatch(address.path):
            raise NotAPracticeLink
        try:
            async with asyncio.timeout(JOIN_WITHIN_S):
                welcome = await self._shake_hands(
                    address._replace(query="", fragment="").geturl().rstrip("/") + "/ws", said
                )
                await self._agree_on_media(address.hostname)
        except TimeoutError as error:
            await self.close()
            raise (NoMedia if self.peer is not None else NotReached) from error
        except (aiohttp.ClientError, OSError, LookupError, ValueError, TypeError) as error:
            await self.close()
            raise NotReached from error
        except BaseException:
            await self.close()
            raise
        self._joined = True
        self._helpers.append(self._tasks.create_task(self._write()))
        self._helpers.append(self._tasks.create_task(self._read()))
        return welcome

    def send(self, message: Message) -> None:
        """Queued; nothing happens once the connection is over."""
        if self._over:
            return
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self._end("too_slow")

    async def vanish(self) -> None:
        """As a closed tab or a dead machine does: without goodbye."""
        self._over = True
        await self.close()

    async def close(self) -> None:
        """Says goodbye, then closes everything. Safe to call twice and after the connection died."""
        if not self._over and self._socket is not None and not self._socket.closed:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await self._socket.send_json({"t": "leave"})
        self._over = True
        for helper in self._helpers:
            if helper is not asyncio.current_task():
                helper.cancel()
        if self.peer is not None:
            await self.peer.close()
        if self._socket is not None:
            await self._socket.close()
        if self._session is not None:
            await self._session.close()

    async def _shake_hands(self, address: str, said: Message) -> Message:
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._session.ws_connect(
                address, heartbeat=HEARTBEAT_S, max_msg_size=LONGEST_MESSAGE_BYTES
            )
        except aiohttp.WSServerHandshakeError as error:
            raise JoinRefused("not_found") if error.status == 404 else NotReached from error
        await self._socket.send_json({"t": "join", **said})
        return await self._receive("welcome")

    async def _agree_on_media(self, host: str) -> None:
        assert self._socket is not None
        self.peer = PacketPeer(
            clock=self._clock,
            tasks=self._tasks,
            addresses=media_addresses(host),
            lines=1 + SLOTS,
            on_packet=self._take_packet,
            on_lost=lambda: self._end("media_lost"),
        )
        await self._socket.send_json({"t": "offer", "sdp": await self.peer.offer()})
        answer = await self._receive("answer")
        try:
            await self.peer.accept(str(answer["sdp"]))
        except PeerError as error:
            raise NoMedia from error
        await self.peer.settled.wait()
        if not self.peer.is_connected:
            raise NoMedia
        self.microphone = self.peer.outgoing[0]

    async def _receive(self, expected: str) -> Message:
        """The next message of that kind; others are kept for later. Raises JoinRefused."""
        assert self._socket is not None
        while True:
            message: Message = read_json(await self._socket.receive_str())
            if message["t"] == expected:
                return message
            if message["t"] in ("error", "ended"):
                raise JoinRefused(str(message.get("code", message.get("reason"))))
            self._early.append(message)

    async def _take_packet(self, line: int, packet: RtpPacket, arrival_ms: int) -> None:
        if line > 0 and not self._over:
            self._on_packet(line - 1, packet, arrival_ms)

    async def _read(self) -> None:
        assert self._socket is not None
        reason = "connection_lost"
        for message in self._early:
            self._on_message(message)
        with suppress(aiohttp.ClientError, OSError):
            async for incoming in self._socket:
                if incoming.type is not aiohttp.WSMsgType.TEXT:
                    break
                message = read_json(incoming.data)
                if message["t"] == "ended":
                    reason = str(message["reason"])
                    break
                if self._over:
                    return
                self._on_message(message)
        self._end(reason)

    async def _write(self) -> None:
        assert self._socket is not None
        with suppress(aiohttp.ClientError, OSError):
            while (message := await self._outbox.get()) is not None:
                await self._socket.send_json(message)

    def _end(self, reason: str) -> None:
        if not self._over:
            self._over = True
            if self._joined:
                self._on_over(reason)
