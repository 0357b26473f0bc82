"""Peers of packets over loopback; and the places below aiortc's public API that they rest on."""

from __future__ import annotations

import asyncio
import inspect
from importlib.metadata import version
from typing import Any

import aioice.ice
import aiortc.rtp
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpreceiver import StreamStatistics

from bot.rtp import RtpPacket, write_packet
from bot.webrtc import OutgoingLine, PacketPeer, PeerError, media_addresses
from config.clock import SystemClock

CLOCK = SystemClock()
LOOPBACK = ("127.0.0.1",)

CHROMIUM_LINE = """m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=mid:{mid}
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a={direction}
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
"""


def chromium_offer(lines: int) -> str:
    """As a browser writes it: RED before all but Opus, in-band FEC wished for."""
    fingerprint = ":".join(["AB"] * 32)
    group = " ".join(str(mid) for mid in range(lines))
    session = f"v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE {group}\na=msid-semantic: WMS\n"
    described = [
        CHROMIUM_LINE.format(mid=mid, fingerprint=fingerprint, direction="recvonly" if mid else "sendonly")
        for mid in range(lines)
    ]
    return (session + "".join(described)).replace("\n", "\r\n")


class End:
    def __init__(self, tasks: asyncio.TaskGroup, lines: int = 3) -> None:
        self.heard: list[tuple[int, RtpPacket]] = []
        self.lost = 0
        self.peer = PacketPeer(
            clock=CLOCK, tasks=tasks, addresses=LOOPBACK, lines=lines, on_packet=self._hear, on_lost=self._lose
        )

    async def _hear(self, line: int, packet: RtpPacket, _arrival_ms: int) -> None:
        self.heard.append((line, packet))

    def _lose(self) -> None:
        self.lost += 1


async def connected(tasks: asyncio.TaskGroup) -> tuple[End, End]:
    caller, called = End(tasks), End(tasks)
    await caller.peer.accept(await called.peer.answer(await caller.peer.offer()))
    async with asyncio.timeout(5):
        await caller.peer.settled.wait()
        await called.peer.settled.wait()
    assert caller.peer.is_connected
    assert called.peer.is_connected
    return caller, called


async def send(line: OutgoingLine, number: int, payload: bytes = b"\x78sound") -> None:
    await line.send(payload, sequence_number=number, timestamp=960 * number, marker=number == 0, now_ms=CLOCK.boot_ms())


# ---- the pin ---------------------------------------------------------------------------------------------------------


def test_aiortc_is_the_version_whose_inside_we_know() -> None:
    """Moving on? Then read rtcdtlstransport, rtcrtpreceiver and ice anew, and change bot/webrtc.py with the pin."""
    assert version("aiortc") == "1.16.0"


def test_the_private_places_are_still_there() -> None:
    assert list(inspect.signature(RTCDtlsTransport._handle_rtp_data).parameters) == ["self", "data", "arrival_time_ms"]
    assert list(inspect.signature(RTCDtlsTransport._handle_rtcp_data).parameters) == ["self", "data"]
    assert list(inspect.signature(RTCDtlsTransport._send_rtp).parameters) == ["self", "data"]
    called = inspect.getsource(RTCDtlsTransport._recv_next)
    assert "await self._handle_rtp_data(data, arrival_time_ms=arrival_time_ms)" in called
    assert "await self._handle_rtcp_data(data)" in called
    # The stock way in, which all this goes around; while it is there, so is the transport's part of it.
    assert inspect.iscoroutinefunction(RTCRtpReceiver._handle_rtp_packet)
    assert inspect.iscoroutinefunction(RTCRtpReceiver.receive)
    assert inspect.iscoroutinefunction(RTCRtpSender.send)
    for name in ("get_component_candidates", "build_request"):
        assert hasattr(aioice.ice.Connection, name)
    for name in ("add", "fraction_lost", "packets_lost", "jitter"):
        assert hasattr(StreamStatistics, name)
    assert vars(StreamStatistics(48_000)).keys() >= {"cycles", "max_seq"}


async def test_candidates_are_gathered_where_we_say() -> None:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    transceiver = pc.addTransceiver("audio")
    connection = transceiver.receiver.transport.transport.iceGatherer._connection
    assert connection._local_candidates_start is False
    assert connection._local_candidates == []
    assert connection._nominated == {}
    await pc.close()


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ("127.0.0.1",)),
        ("localhost", ("127.0.0.1",)),
        ("192.0.2.7", ("192.0.2.7",)),
        ("meet.example", None),
    ],
)
def test_media_go_where_the_server_is(host: str, addresses: tuple[str, ...] | None) -> None:
    assert media_addresses(host) == addresses


def test_a_server_for_everybody_takes_media_on_loopback_too() -> None:
    assert "127.0.0.1" in (media_addresses("0.0.0.0") or ())


# ---- agreeing --------------------------------------------------------------------------------------------------------


async def test_nothing_but_opus_is_agreed_on_no_red_and_no_fec() -> None:
    async with asyncio.TaskGroup() as tasks:
        end = End(tasks, lines=9)
        answer = await end.peer.answer(chromium_offer(9))
        assert answer.count("m=audio") == 9
        for line in answer.splitlines():
            if line.startswith("m="):
                assert line.endswith(" UDP/TLS/RTP/SAVPF 111")
            if line.startswith("a=candidate"):
                assert " 127.0.0.1 " in line
        assert {line for line in answer.splitlines() if line.startswith("a=rtpmap")} == {"a=rtpmap:111 opus/48000/2"}
        for unwanted in ("red/", "telephone-event", "useinbandfec=1", "ulpfec", "rtx"):
            assert unwanted not in answer
        await end.peer.close()


@pytest.mark.parametrize(
    "offer", ["", "nonsense", "v=0\r\n", chromium_offer(2), chromium_offer(3).replace("opus", "g729")]
)
async def test_an_offer_that_does_not_fit_is_a_peer_error(offer: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        end = End(tasks)
        with pytest.raises(PeerError):
            await end.peer.answer(offer)
        await end.peer.close()


async def test_an_answer_that_does_not_fit_is_a_peer_error() -> None:
    async with asyncio.TaskGroup() as tasks:
        end = End(tasks)
        await end.peer.offer()
        with pytest.raises(PeerError):
            await end.peer.accept("v=0\r\n")
        await end.peer.close()


# ---- packets ---------------------------------------------------------------------------------------------------------


async def test_packets_go_both_ways_on_their_lines_as_they_were() -> None:
    async with asyncio.TaskGroup() as tasks:
        caller, called = await connected(tasks)
        for number in range(3):
            await send(caller.peer.outgoing[0], number)
            await send(called.peer.outgoing[2], 100 + number)
        await asyncio.sleep(0.1)
        assert [(line, packet.sequence_number) for line, packet in called.heard] == [(0, 0), (0, 1), (0, 2)]
        assert [(line, packet.sequence_number) for line, packet in caller.heard] == [(2, 100), (2, 101), (2, 102)]
        assert called.heard[0][1].payload == b"\x78sound"
        await caller.peer.close()
        await called.peer.close()


async def test_what_is_not_the_agreed_opus_is_dropped() -> None:
    async with asyncio.TaskGroup() as tasks:
        caller, called = await connected(tasks)
        for number, (payload_type, payload) in enumerate(((63, b"\x78sound"), (0, b"\x78sound"), (96, b""))):
            packet = RtpPacket(
                payload_type=payload_type, marker=False, sequence_number=number, timestamp=1, ssrc=7, payload=payload
            )
            await caller.peer._transport._send_rtp(write_packet(packet))
        await asyncio.sleep(0.1)
        assert called.peer.packets_received == 3
        assert called.heard == []
        await caller.peer.close()
        await called.peer.close()


async def test_reports_go_both_ways() -> None:
    """A receiver report names the source, with the loss; browsers steer by it."""
    async with asyncio.TaskGroup() as tasks:
        caller, called = await connected(tasks)
        for number in (0, 1, 2, 4):
            await send(caller.peer.outgoing[0], number)
        seen: list[Any] = []
        take = caller.peer._take_rtcp

        async def watch(data: bytes) -> None:
            seen.extend(aiortc.rtp.RtcpPacket.parse(data))
            await take(data)

        caller.peer._transport._handle_rtcp_data = watch  # type: ignore[method-assign]
        async with asyncio.timeout(4):
            while not [report for packet in seen for report in packet.reports if report.lsr]:
                await asyncio.sleep(0.05)
        (report,) = next(packet.reports for packet in seen if packet.reports)
        assert report.ssrc == caller.peer.outgoing[0].ssrc
        assert report.packets_lost == 1
        await caller.peer.close()
        await called.peer.close()


# ---- the end ---------------------------------------------------------------------------------------------------------


async def test_the_other_side_closing_is_told_once_and_ones_own_never() -> None:
    async with asyncio.TaskGroup() as tasks:
        caller, called = await connected(tasks)
        await caller.peer.close()
        async with asyncio.timeout(2):
            while not called.lost:
                await asyncio.sleep(0.01)
        await called.peer.close()
        await called.peer.close()
        assert (caller.lost, called.lost) == (0, 1)
        await send(called.peer.outgoing[1], 1)  # goes nowhere, and says nothing
