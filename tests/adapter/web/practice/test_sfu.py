"""Routes between seats: what passes, how its counters run on, and that a cut is a cut."""

from __future__ import annotations

from typing import Any

from bot.rtp import RtpPacket
from web.practice.sfu import Switchboard


class Line:
    def __init__(self) -> None:
        self.sent: list[tuple[bytes, int, int, bool]] = []

    async def send(self, payload: bytes, *, sequence_number: int, timestamp: int, marker: bool, now_ms: int) -> None:
        self.sent.append((payload, sequence_number & 0xFFFF, timestamp & 0xFFFF_FFFF, marker))

    @property
    def numbers(self) -> list[int]:
        return [number for _, number, _, _ in self.sent]


class Peer:
    """What the switchboard needs of a PacketPeer: its lines."""

    def __init__(self) -> None:
        self.outgoing = {line: Line() for line in range(1, 9)}


def board(*seats: str) -> tuple[Any, dict[str, Peer]]:
    switchboard: Any = Switchboard()
    peers = {seat: Peer() for seat in seats}
    for seat, peer in peers.items():
        switchboard.attach(seat, peer, 8)
    return switchboard, peers


def packet(number: int, *, ssrc: int = 1, timestamp: int | None = None, payload: bytes = b"x") -> RtpPacket:
    return RtpPacket(
        payload_type=96,
        marker=False,
        sequence_number=number & 0xFFFF,
        timestamp=(960 * number if timestamp is None else timestamp) & 0xFFFF_FFFF,
        ssrc=ssrc,
        payload=payload,
    )


async def test_without_a_route_nothing_passes() -> None:
    switchboard, peers = board("ann", "bob")
    await switchboard.forward("ann", packet(1), 0)
    assert not any(line.sent for peer in peers.values() for line in peer.outgoing.values())


async def test_a_route_takes_one_source_to_one_line_of_one_seat() -> None:
    switchboard, peers = board("ann", "bob", "cia")
    switchboard.connect("ann", "bob", 2)
    await switchboard.forward("ann", packet(1, payload=b"ann"), 0)
    await switchboard.forward("cia", packet(1, payload=b"cia"), 0)
    sent = {(seat, line): out.sent for seat, peer in peers.items() for line, out in peer.outgoing.items() if out.sent}
    assert list(sent) == [("bob", 3)]
    assert [payload for payload, *_ in sent["bob", 3]] == [b"ann"]


async def test_after_disconnect_nothing_passes() -> None:
    switchboard, peers = board("ann", "bob")
    switchboard.connect("ann", "bob", 0)
    await switchboard.forward("ann", packet(1), 0)
    switchboard.disconnect("bob", 0)
    await switchboard.forward("ann", packet(2), 20)
    assert len(peers["bob"].outgoing[1].sent) == 1


async def test_loss_and_disorder_stay_visible() -> None:
    switchboard, peers = board("ann", "bob")
    switchboard.connect("ann", "bob", 0)
    for number in (65_534, 65_535, 65_537, 65_536, 65_540):
        await switchboard.forward("ann", packet(number), 0)
    numbers = peers["bob"].outgoing[1].numbers
    assert [(number - numbers[0]) & 0xFFFF for number in numbers] == [0, 1, 3, 2, 6]


async def test_a_new_source_on_a_line_goes_on_where_the_last_one_ended() -> None:
    switchboard, peers = board("ann", "bob", "cia")
    switchboard.connect("ann", "bob", 0)
    for number in range(500, 503):
        await switchboard.forward("ann", packet(number), 20 * number)
    switchboard.disconnect("bob", 0)
    switchboard.connect("cia", "bob", 0)
    for number in range(9_000, 9_003):
        await switchboard.forward(
            "cia", packet(number, ssrc=2, timestamp=7 + 960 * number), 11_040 + 20 * (number - 9_000)
        )
    sent = peers["bob"].outgoing[1].sent
    assert [(number - sent[0][1]) & 0xFFFF for _, number, _, _ in sent] == list(range(6))
    stamps = [(stamp - sent[0][2]) & 0xFFFF_FFFF for _, _, stamp, _ in sent]
    assert stamps == [0, 960, 1_920, 1_920 + 1_000 * 48, 1_920 + 1_000 * 48 + 960, 1_920 + 1_000 * 48 + 1_920]
    assert [marker for *_, marker in sent] == [True, False, False, True, False, False]


async def test_who_leaves_neither_hears_nor_is_heard() -> None:
    switchboard, peers = board("ann", "bob")
    switchboard.connect("ann", "bob", 0)
    switchboard.connect("bob", "ann", 0)
    switchboard.detach("ann")
    await switchboard.forward("ann", packet(1), 0)
    await switchboard.forward("bob", packet(1), 0)
    assert not any(line.sent for peer in peers.values() for line in peer.outgoing.values())


async def test_a_route_made_before_the_listener_has_sound_works_once_it_has() -> None:
    switchboard, _ = board("ann")
    switchboard.connect("ann", "bob", 0)
    await switchboard.forward("ann", packet(1), 0)
    late: Any = Peer()
    switchboard.attach("bob", late, 8)
    await switchboard.forward("ann", packet(2), 20)
    assert len(late.outgoing[1].sent) == 1
