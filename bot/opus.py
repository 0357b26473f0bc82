"""Opus to be sent: PCM made into 20 ms packets once, and put on a line at the pace of speech."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import Iterator

import av
from av.audio.codeccontext import AudioCodecContext

from bot.rtp import SAMPLES_PER_MS
from bot.webrtc import OutgoingLine
from consent_notice.clock import Clock
from consent_notice.frames import Encoding, HeardFrame
from consent_notice.words import SeatId

FRAME_MS = 20
FRAME_SAMPLES = FRAME_MS * SAMPLES_PER_MS
FRAME_BYTES = 2 * FRAME_SAMPLES
BIT_RATE = 32_000


def encode(pcm_48k: bytes) -> list[bytes]:
    """Mono 16-bit little-endian PCM at 48 kHz; the last packet is filled up with silence. No FEC, no DTX."""
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, AudioCodecContext)
    codec.sample_rate = SAMPLES_PER_MS * 1_000
    codec.layout = "mono"
    codec.format = "s16"
    codec.bit_rate = BIT_RATE
    codec.time_base = fractions.Fraction(1, codec.sample_rate)
    codec.options = {"application": "voip", "frame_duration": str(FRAME_MS), "fec": "0", "dtx": "0"}
    packets: list[bytes] = []
    for begins in range(0, len(pcm_48k), FRAME_BYTES):
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.sample_rate = codec.sample_rate
        frame.pts = begins // 2
        frame.planes[0].update(pcm_48k[begins : begins + FRAME_BYTES].ljust(FRAME_BYTES, b"\0"))
        packets += [bytes(packet) for packet in codec.encode(frame)]
    packets += [bytes(packet) for packet in codec.encode(None)]
    return packets


def as_frames(packets: list[bytes], *, track: str, speaker: SeatId, starts_ms: int) -> Iterator[HeardFrame]:
    """What `encode` made, as heard from `starts_ms` on the boot clock on."""
    for number, payload in enumerate(packets):
        yield HeardFrame(
            track=track,
            speakers=frozenset({speaker}),
            captured_ms=starts_ms + number * FRAME_MS,
            duration_ms=FRAME_MS,
            rtp_timestamp=number * FRAME_SAMPLES,
            encoding=Encoding.OPUS,
            payload=payload,
        )


class SpokenLine:
    """What one speaker says on one line: sequence numbers without holes, timestamps that go on through pauses."""

    def __init__(self, line: OutgoingLine, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        # The lower half: a wrap within the first packets would break SRTP if the first of them were lost.
        self._sequence_number = clock.boot_ms() & 0x7FFF
        self._ends_ms = 0
        self._silenced = False

    def silence(self) -> None:
        """For good: what is being said breaks off, and nothing more is sent."""
        self._silenced = True

    async def say(self, packets: list[bytes]) -> tuple[int, int]:
        """Returns when the last was sent; [start, end) in boot ms of the sound itself, as if spoken live."""
        starts_ms = max(self._clock.boot_ms(), self._ends_ms)
        self._ends_ms = starts_ms + len(packets) * FRAME_MS
        for index, payload in enumerate(packets):
            due_ms = starts_ms + (index + 1) * FRAME_MS  # a live frame can leave once its last sample was spoken
            early_ms = due_ms - self._clock.boot_ms()
            if early_ms > 0:
                await asyncio.sleep(early_ms / 1_000)
            if self._silenced:
                self._ends_ms = due_ms - FRAME_MS
                break
            await self._line.send(
                payload,
                sequence_number=self._sequence_number,
                timestamp=(due_ms - FRAME_MS) * SAMPLES_PER_MS,
                marker=index == 0,
                now_ms=self._clock.boot_ms(),
            )
            self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        return starts_ms, self._ends_ms
