"""Texts over one WebRTC data channel that the other side offers, such as Janus' TextRoom; no sound.

A second importer of aiortc beside `webrtc`, which deals in packets and knows no channels.
"""
# ruff: noqa: SLF001 - as in `webrtc`: aioice offers no way to name the addresses

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from bot.webrtc import PeerError

CLOSE_WITHIN_S = 2.0
LARGEST_TEXT = 100_000  # characters


class TextChannel:
    """`on_text` gets each text; `on_lost` is called once when it closes, and never after `close`."""

    def __init__(
        self, *, addresses: Sequence[str] | None, on_text: Callable[[str], None], on_lost: Callable[[], None]
    ) -> None:
        self._addresses = addresses
        self._on_text = on_text
        self._on_lost = on_lost
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._pc.on("datachannel", self._opened)
        self._pc.on("connectionstatechange", self._state_changed)
        self._channel: RTCDataChannel | None = None
        self._over = False
        self.ready = asyncio.Event()

    async def answer(self, offer: str) -> str:
        """The SDP of our answer. The side that offers opens the channel, or we do: both work. Raises PeerError."""
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
            channel = self._pc.createDataChannel("JanusDataChannel")
            channel.on("open", lambda: self._opened(channel))
            channel.on("message", self._take)
            await self._gather()
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except Exception as error:  # the vendor's parser raises whatever it stumbles over
            raise PeerError from error
        return str(self._pc.localDescription.sdp)

    def send(self, text: str) -> None:
        """Nothing happens while there is no channel."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(text)

    async def close(self) -> None:
        """Safe to call twice."""
        self._over = True
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._pc.close()
        except TimeoutError:
            return

    def _opened(self, channel: RTCDataChannel) -> None:
        if self._channel is None:
            self._channel = channel
            channel.on("close", self._lose)
        self.ready.set()

    def _take(self, text: object) -> None:
        if isinstance(text, str) and len(text) <= LARGEST_TEXT and not self._over:
            self._on_text(text)

    def _state_changed(self) -> None:
        if self._pc.connectionState in ("failed", "closed"):
            self._lose()

    def _lose(self) -> None:
        if not self._over:
            self._over = True
            self._on_lost()

    async def _gather(self) -> None:
        if self._addresses is None or self._pc.sctp is None:
            return
        connection = self._pc.sctp.transport.transport.iceGatherer._connection
        if not connection._local_candidates_start:
            connection._local_candidates_start = True
            connection._local_candidates += await connection.get_component_candidates(
                component=1, addresses=list(self._addresses)
            )
            connection._local_candidates_end = True
