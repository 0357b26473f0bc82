"""What the page's tap says and sends, over a WebSocket on loopback that only this page's own token opens.

The wire (see tap.js): texts are JSON, `{"t": "line" | "source" | "signal" | "beat" | "untapped", …}`, signals and beats
with `at`, the page's own clock in milliseconds; `page`, which frame of the page it was, is added here. A binary message
is one encoded audio frame: line, epoch, SSRC (32 bits each), sequence number (16), RTP timestamp (32), coding (8: 0
Opus, 1 RED, 2 another), number of CSRCs (8), 8 bits of nothing, the CSRCs (32 each), payload; all big-endian. To the
page go the names of the sources whose frames are wanted; of any other, nothing but that there is one leaves it. Frames
of a page that have a tap of their own count their lines from another thousand.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from bot.rtp import RtpPacket
from bot.wire_json import read_json

LARGEST_MESSAGE_BYTES = 2_000_000
_HEAD = struct.Struct("!IIIHIBBB")
_OPUS, _RED = 0, 1
LINES_A_FRAME = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TappedFrame:
    line: int
    epoch: int
    csrcs: tuple[int, ...]
    packet: RtpPacket


def read_frame(message: bytes, first_line: int = 0) -> TappedFrame | None:
    """None for what is no whole frame of Opus."""
    if len(message) < _HEAD.size:
        return None
    line, epoch, ssrc, sequence_number, timestamp, coding, count, _ = _HEAD.unpack_from(message)
    begins = _HEAD.size + 4 * count
    payload: bytes | None = message[begins:]
    if coding == _RED:
        payload = primary_of(message[begins:])
    if coding not in (_OPUS, _RED) or not payload or len(message) < begins:
        return None
    packet = RtpPacket(
        payload_type=0, marker=False, sequence_number=sequence_number, timestamp=timestamp, ssrc=ssrc, payload=payload
    )
    return TappedFrame(
        line=first_line + line, epoch=epoch, csrcs=struct.unpack_from(f"!{count}I", message, _HEAD.size), packet=packet
    )


def primary_of(payload: bytes) -> bytes | None:
    """The newest block of redundant audio (RFC 2198 section 3): what else is in it is of earlier moments."""
    at, earlier = 0, 0
    while at < len(payload) and payload[at] & 0x80:
        if at + 4 > len(payload):
            return None
        earlier += int.from_bytes(payload[at + 2 : at + 4], "big") & 0x3FF
        at += 4
    begins = at + 1 + earlier
    return payload[begins:] if begins < len(payload) else None


class Tap:
    """`on_text` and `on_frame` are called on the loop's thread, in order; `on_lost` whenever no page is connected any
    more: it was left for another, or is gone.
    """

    def __init__(
        self,
        *,
        token: str,
        on_text: Callable[[dict[str, Any]], None],
        on_frame: Callable[[TappedFrame], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._token = token
        self._on_text = on_text
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._runner: web.AppRunner | None = None
        self._sockets: dict[int, web.WebSocketResponse] = {}  # by the line that it counts from
        self._wanted: list[str] = []
        self._taken = 0
        self._over = False

    async def open(self) -> str:
        """The address for the page; secret, as the token is in it."""
        app = web.Application()
        app.router.add_get("/{token}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"ws://127.0.0.1:{self._runner.addresses[0][1]}/{self._token}"

    async def want(self, sources: Iterable[str]) -> None:
        """The complete list. On return it was given to every frame of the page that is connected."""
        self._wanted = sorted(sources)
        for first_line, socket in list(self._sockets.items()):
            with suppress(ConnectionError):
                await socket.send_json({"wanted": self._wanted_of(first_line)})

    def _wanted_of(self, first_line: int) -> list[str]:
        mark = f"{first_line}:"
        return [name.removeprefix(mark) for name in self._wanted if name.startswith(mark)]

    async def close(self) -> None:
        self._over = True
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.match_info["token"].encode(), self._token.encode()):
            raise web.HTTPNotFound
        socket = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_MESSAGE_BYTES)
        await socket.prepare(request)
        first_line = LINES_A_FRAME * self._taken
        self._taken += 1
        self._sockets[first_line] = socket
        try:
            async for message in socket:
                if self._over:
                    break
                if message.type is WSMsgType.BINARY:
                    frame = read_frame(message.data, first_line)
                    if frame is not None:
                        self._on_frame(frame)
                elif message.type is WSMsgType.TEXT:
                    self._text(message.data, first_line)
        finally:
            del self._sockets[first_line]
            if not self._sockets and not self._over:
                self._on_lost()
        return socket

    def _text(self, text: str, first_line: int) -> None:
        try:
            told = read_json(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        told["page"] = first_line
        if isinstance(told.get("number"), int):
            told["number"] += first_line
        if "name" in told:
            told["name"] = f"{first_line}:{told['name']}"
        self._on_text(told)
