"""A WebRTC peer that deals in packets: what comes is handed on undecoded, what goes out is sent as given.

The only importer of aiortc. It reaches below aiortc's public API (pinned to 1.16.0; a test checks that the places are
still there), because the stock path decodes everything in threads and adds about 80 ms. Knows nothing of rooms.
"""
# ruff: noqa: SLF001 - the private places are this module's secret

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import aioice.ice
import aioice.stun
import aiortc.rtp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver, RTCSessionDescription
from aiortc.clock import datetime_to_ntp
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.sdp import SessionDescription

from bot.rtp import SAMPLES_PER_MS, RtpPacket, read_packet, write_packet
from consent_notice.clock import Clock

OPUS_ONLY = [RTCRtpCodecCapability(mimeType="audio/opus", clockRate=48_000, channels=2, parameters={})]
REPORT_EVERY_S = 1.0  # sender and receiver reports
CHECK_PATH_EVERY_S = 1.0
MISSED_CHECKS = 3  # with the 0.5 s that aioice waits for each answer: lost after 4.5 s at most
CLOSE_WITHIN_S = 2.0


class PeerError(Exception):
    """Couldn't agree on media with the other side. Check that it offers Opus on the expected number of lines."""


def media_addresses(host: str) -> tuple[str, ...] | None:
    """Where to receive media, for a server bound to (or reached at) `host`; None: on every address but loopback."""
    if host == "localhost":
        return ("127.0.0.1",)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.is_unspecified:
        return (*aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False), "127.0.0.1")
    return ("127.0.0.1",) if address.is_loopback and address.version == 4 else (host,)


class OutgoingLine:
    """One line that we send on: fixed source and payload type, and counts for the sender reports."""

    def __init__(self, transport: RTCDtlsTransport, ssrc: int, payload_type: int) -> None:
        self._transport = transport
        self.ssrc = ssrc
        self._payload_type = payload_type
        self.packets = 0
        self.octets = 0
        self.last_timestamp = 0
        self.last_sent_ms = 0

    async def send(self, payload: bytes, *, sequence_number: int, timestamp: int, marker: bool, now_ms: int) -> None:
        """Sends nothing while the peer is not connected. Never waits: the datagram is given to the socket at once."""
        packet = RtpPacket(
            payload_type=self._payload_type,
            marker=marker,
            sequence_number=sequence_number & 0xFFFF,
            timestamp=timestamp & 0xFFFF_FFFF,
            ssrc=self.ssrc,
            payload=payload,
        )
        try:
            await self._transport._send_rtp(write_packet(packet))
        except ConnectionError:
            return
        self.packets += 1
        self.octets += len(payload)
        self.last_timestamp = packet.timestamp
        self.last_sent_ms = now_ms


class PacketPeer:
    """One peer connection with a fixed number of audio lines; line 0 carries the offering side's microphone.

    `on_packet(line, packet, arrival_ms)` gets each Opus packet as it arrives. `on_lost` is called once when the path
    breaks or the other side closes, and never after `close`.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        addresses: Sequence[str] | None,
        lines: int,
        on_packet: Callable[[int, RtpPacket, int], Awaitable[None]],
        on_lost: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._addresses = addresses
        self._lines = lines
        self._on_packet = on_packet
        self._on_lost = on_lost
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._pc.on("connectionstatechange", self._state_changed)
        self._line_of_ssrc: dict[int, int] = {}
        self._default_line: int | None = None
        self._payload_type = -1
        self._incoming: dict[int, StreamStatistics] = {}
        self._last_report: dict[int, tuple[int, int]] = {}  # ssrc -> middle of its NTP time, boot ms at arrival
        self._watchers: list[asyncio.Task[None]] = []
        self._over = False
        self.settled = asyncio.Event()  # connected, or lost before it ever was
        self.outgoing: dict[int, OutgoingLine] = {}
        self.packets_received = 0  # every RTP packet that came through the transport, wanted or not

    # ---- agreeing ------------------------------------------------------------------------------------------------

    async def offer(self) -> str:
        """The SDP of an offer: line 0 to send on, the others to receive on."""
        self._add_lines(first="sendonly", others="recvonly")
        await self._gather()
        await self._pc.setLocalDescription(await self._pc.createOffer())
        return str(self._pc.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        """The other side's answer to our offer. Raises PeerError."""
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
            described = SessionDescription.parse(answer)
        except Exception as error:  # the vendor's parser raises whatever it stumbles over
            raise PeerError from error
        self._note_sources(described)
        self._start(sending=[0])

    async def answer(self, offer: str) -> str:
        """The SDP of our answer: line 0 to receive on, the others to send on. Raises PeerError."""
        described = await self._answer(offer, others="sendonly")
        self._default_line = 0
        self._start(sending=list(range(1, len(described.media))))
        return str(self._pc.localDescription.sdp)

    async def listen(self, offer: str) -> str:
        """The SDP of our answer: every line to receive on. Raises PeerError."""
        described = await self._answer(offer, others="recvonly")
        self._note_sources(described)
        self._default_line = 0 if len(described.media) == 1 else None
        self._start(sending=[])
        return str(self._pc.localDescription.sdp)

    async def _answer(self, offer: str, *, others: str) -> SessionDescription:
        self._add_lines(first="recvonly", others=others)
        try:
            described = SessionDescription.parse(offer)
            if [media.kind for media in described.media] != ["audio"] * self._lines:
                raise PeerError
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
            await self._gather()
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except PeerError:
            raise
        except Exception as error:  # the vendor's parser raises whatever it stumbles over
            raise PeerError from error
        return described

    def _note_sources(self, described: SessionDescription) -> None:
        for line, media in enumerate(described.media):
            for source in media.ssrc:
                self._line_of_ssrc[source.ssrc] = line

    def _add_lines(self, *, first: str, others: str) -> None:
        for line in range(self._lines):
            transceiver = self._pc.addTransceiver("audio", direction=first if line == 0 else others)
            transceiver.setCodecPreferences(OPUS_ONLY)  # so: no RED, no comfort noise, nothing but Opus
            # The stock sender and receiver would each start a task, and the receiver a decoding thread as well.
            transceiver.sender.send = _nothing  # type: ignore[method-assign]
            transceiver.receiver.receive = _nothing  # type: ignore[method-assign]
        transport = self._transport
        transport._handle_rtp_data = self._take_rtp  # type: ignore[method-assign]
        transport._handle_rtcp_data = self._take_rtcp  # type: ignore[method-assign]

    async def _gather(self) -> None:
        connection = self._ice
        if self._addresses is None or connection._local_candidates_start:
            return
        # What gather_candidates() does, but on our addresses: aioice itself never offers loopback.
        connection._local_candidates_start = True
        connection._local_candidates += await connection.get_component_candidates(
            component=1, addresses=list(self._addresses)
        )
        connection._local_candidates_end = True

    def _start(self, *, sending: list[int]) -> None:
        transceivers: list[RTCRtpTransceiver] = self._pc.getTransceivers()
        self._payload_type = int(transceivers[0]._codecs[0].payloadType or 0)
        for line in sending:
            self.outgoing[line] = OutgoingLine(self._transport, transceivers[line].sender._ssrc, self._payload_type)
        self._watchers = [self._tasks.create_task(self._report()), self._tasks.create_task(self._check_path())]

    @property
    def is_connected(self) -> bool:
        return not self._over and self._pc.connectionState == "connected"

    @property
    def _transport(self) -> RTCDtlsTransport:
        transport: RTCDtlsTransport = self._pc.getTransceivers()[0].receiver.transport
        return transport

    @property
    def _ice(self) -> aioice.ice.Connection:
        return self._transport.transport.iceGatherer._connection

    # ---- while it lasts ------------------------------------------------------------------------------------------

    async def _take_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        self.packets_received += 1
        packet = read_packet(data)
        if packet is None or packet.payload_type != self._payload_type or not packet.payload:
            return
        line = self._line_of_ssrc.get(packet.ssrc, self._default_line)
        if line is None or self._over:
            return
        if packet.ssrc not in self._incoming:
            if len(self._incoming) > 2 * self._lines:
                return  # no honest peer has so many sources
            self._incoming[packet.ssrc] = StreamStatistics(SAMPLES_PER_MS * 1_000)
        self._incoming[packet.ssrc].add(cast(aiortc.rtp.RtpPacket, packet))
        await self._on_packet(line, packet, self._clock.boot_ms())

    async def _take_rtcp(self, data: bytes) -> None:
        try:
            packets = aiortc.rtp.RtcpPacket.parse(data)
        except ValueError:
            return
        for packet in packets:
            if isinstance(packet, aiortc.rtp.RtcpSrPacket) and packet.ssrc in self._incoming:
                middle = (packet.sender_info.ntp_timestamp >> 16) & 0xFFFF_FFFF
                self._last_report[packet.ssrc] = (middle, self._clock.boot_ms())

    async def _report(self) -> None:
        """Sender and receiver reports (RFC 3550 section 6.4), which browsers need to judge the path."""
        own_ssrc = self._pc.getTransceivers()[0].sender._ssrc
        while not self._over:
            await asyncio.sleep(REPORT_EVERY_S)
            now_ms = self._clock.boot_ms()
            reports = [self._reception(ssrc, stream, now_ms) for ssrc, stream in self._incoming.items()]
            sent = [
                aiortc.rtp.RtcpSrPacket(ssrc=line.ssrc, sender_info=self._sending(line, now_ms))
                for line in self.outgoing.values()
                if line.packets and now_ms - line.last_sent_ms < 5_000
            ]
            received = aiortc.rtp.RtcpRrPacket(ssrc=own_ssrc, reports=reports[:31])
            try:
                await self._transport._send_rtp(b"".join(bytes(report) for report in sent) + bytes(received))
            except ConnectionError:
                continue

    def _sending(self, line: OutgoingLine, now_ms: int) -> aiortc.rtp.RtcpSenderInfo:
        return aiortc.rtp.RtcpSenderInfo(
            ntp_timestamp=datetime_to_ntp(self._clock.now()),
            rtp_timestamp=(line.last_timestamp + (now_ms - line.last_sent_ms) * SAMPLES_PER_MS) & 0xFFFF_FFFF,
            packet_count=line.packets & 0xFFFF_FFFF,
            octet_count=line.octets & 0xFFFF_FFFF,
        )

    def _reception(self, ssrc: int, stream: StreamStatistics, now_ms: int) -> aiortc.rtp.RtcpReceiverInfo:
        middle, arrived_ms = self._last_report.get(ssrc, (0, now_ms))
        return aiortc.rtp.RtcpReceiverInfo(
            ssrc=ssrc,
            fraction_lost=stream.fraction_lost,
            packets_lost=stream.packets_lost,
            highest_sequence=(stream.cycles + (stream.max_seq or 0)) & 0xFFFF_FFFF,
            jitter=stream.jitter & 0xFFFF_FFFF,
            lsr=middle,
            dlsr=((now_ms - arrived_ms) * 65_536 // 1_000) & 0xFFFF_FFFF,
        )

    async def _check_path(self) -> None:
        """Notices a broken path in 5 s; aioice itself takes 30 s, and nobody should stay in the roster for so long."""
        await self.settled.wait()
        missed = 0
        while not self._over and missed < MISSED_CHECKS:
            await asyncio.sleep(CHECK_PATH_EVERY_S)
            missed = 0 if await self._path_answers() else missed + 1
        self._lose()

    async def _path_answers(self) -> bool:
        pair = self._ice._nominated.get(1)
        if pair is None:
            return False
        try:
            await pair.protocol.request(
                self._ice.build_request(pair, nominate=False),
                pair.remote_addr,
                integrity_key=(self._ice.remote_password or "").encode(),
                retransmissions=0,
            )
        except (aioice.stun.TransactionError, OSError):
            return False
        return True

    # ---- the end -------------------------------------------------------------------------------------------------

    def _state_changed(self) -> None:
        if self._pc.connectionState == "connected":
            self.settled.set()
        elif self._pc.connectionState in ("failed", "closed"):
            self._lose()

    def _lose(self) -> None:
        if not self._over:
            self._over = True
            self.settled.set()
            self._on_lost()

    async def close(self) -> None:
        """Safe to call twice."""
        self._over = True
        for watcher in self._watchers:
            watcher.cancel()
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._pc.close()
        except TimeoutError:
            return


async def _nothing(parameters: object) -> None:
    del parameters
