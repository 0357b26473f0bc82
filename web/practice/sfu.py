"""Who hears whom: packets of one peer's microphone passed on to others, never decoded, mixed or stored.

A route is cut the moment `disconnect` returns: no packet that arrives later takes it. Who may hear whom is decided by
`signalling`.
"""

from __future__ import annotations

from bot.rtp import SAMPLES_PER_MS, RtpPacket
from bot.webrtc import PacketPeer

RESTART_AFTER_JUMP = 1_000


class _Outlet:
    """One receiving line of one peer: whichever source feeds it, its counters run on without a break."""

    def __init__(self, peer: PacketPeer, line: int) -> None:
        self._peer = peer
        self._line = line
        self._ssrc: int | None = None
        self._next_number = 0
        self._last_number_in = 0
        self._number_shift = 0
        self._last_timestamp = 0
        self._last_ms = 0
        self._timestamp_shift = 0

    def begin(self) -> None:
        """What comes next is a new source."""
        self._ssrc = None

    async def pass_on(self, packet: RtpPacket, now_ms: int) -> None:
        outgoing = self._peer.outgoing.get(self._line)
        if outgoing is None:
            return
        jumped = _distance(packet.sequence_number, self._last_number_in) > RESTART_AFTER_JUMP
        marker = packet.marker
        if packet.ssrc != self._ssrc or jumped:
            self._ssrc = packet.ssrc
            self._number_shift = self._next_number - packet.sequence_number
            elapsed = (now_ms - self._last_ms) * SAMPLES_PER_MS
            self._timestamp_shift = self._last_timestamp + elapsed - packet.timestamp
            marker = True
        self._last_number_in = packet.sequence_number
        number = (packet.sequence_number + self._number_shift) & 0xFFFF
        timestamp = (packet.timestamp + self._timestamp_shift) & 0xFFFF_FFFF
        if (number - self._next_number) & 0xFFFF < 0x8000:  # not one that was overtaken on its way
            self._next_number = (number + 1) & 0xFFFF
            self._last_timestamp, self._last_ms = timestamp, now_ms
        await outgoing.send(packet.payload, sequence_number=number, timestamp=timestamp, marker=marker, now_ms=now_ms)


class Switchboard:
    """The routes of one room, from a seat's microphone to another seat's receiving slots."""

    def __init__(self) -> None:
        self._peers: dict[str, PacketPeer] = {}
        self._outlets: dict[tuple[str, int], _Outlet] = {}
        self._source_of: dict[tuple[str, int], str] = {}
        self._routes: dict[str, tuple[_Outlet, ...]] = {}

    def attach(self, seat: str, peer: PacketPeer, slots: int) -> None:
        self._peers[seat] = peer
        for slot in range(slots):
            self._outlets[seat, slot] = _Outlet(peer, slot + 1)
        self._rebuild()

    def detach(self, seat: str) -> None:
        """Forgets the seat as a listener and as a source."""
        self._peers.pop(seat, None)
        self._outlets = {place: outlet for place, outlet in self._outlets.items() if place[0] != seat}
        self._source_of = {place: source for place, source in self._source_of.items() if seat not in (place[0], source)}
        self._rebuild()

    def connect(self, source: str, target: str, slot: int) -> None:
        self._source_of[target, slot] = source
        outlet = self._outlets.get((target, slot))
        if outlet is not None:
            outlet.begin()
        self._rebuild()

    def disconnect(self, target: str, slot: int) -> None:
        self._source_of.pop((target, slot), None)
        self._rebuild()

    async def forward(self, source: str, packet: RtpPacket, now_ms: int) -> None:
        for outlet in self._routes.get(source, ()):
            await outlet.pass_on(packet, now_ms)

    def _rebuild(self) -> None:
        routes: dict[str, tuple[_Outlet, ...]] = {}
        for place, source in self._source_of.items():
            if place in self._outlets:
                routes[source] = (*routes.get(source, ()), self._outlets[place])
        self._routes = routes


def _distance(a: int, b: int) -> int:
    return min((a - b) & 0xFFFF, (b - a) & 0xFFFF)
