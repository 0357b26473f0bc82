"""Tones for real WebRTC, in packets that each carry the packet before them again, and the measuring of what was kept.

The tones swell like syllables, or the encoder would take them for noise and leave the second copies (in-band FEC,
RFC 6716 section 2.1.7) out. No two packets of a timeline are alike, so that what is kept tells when it was spoken.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from ctypes.util import find_library
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from web.practice.participant import ScriptedParticipant

RATE_HZ = 48_000
FRAME_MS = 20
FRAME = RATE_HZ * FRAME_MS // 1_000
SWELL_HZ = 5.0
SWELL_PACKETS = 10
DRIFT_HZ_PER_S = 0.01  # a whole number of turns would make packets alike
LEVEL = 0.25
BIT_RATE = 32_000  # little enough that the encoder stays in the mode that can carry second copies
SILENT_DB = -120.0
Samples = NDArray[np.float64]


def timeline(spans: Sequence[tuple[float, float]]) -> list[bytes]:
    """Opus packets of one encoder over tones of (Hz, seconds), each span a whole number of packets."""
    waves = []
    for hz, seconds in spans:
        at = np.arange(round(seconds * 1_000 / FRAME_MS) * FRAME) / RATE_HZ
        swell = 0.5 + 0.5 * np.cos(2 * np.pi * SWELL_HZ * at)
        turns = hz * at + DRIFT_HZ_PER_S / 2 * at**2
        waves.append(LEVEL * 32_767 * swell * np.sin(2 * np.pi * turns))
    packets = _encoded(np.concatenate(waves).round().astype("<i2").tobytes())
    assert len(set(packets)) == len(packets)
    return packets


class Mouth:
    """Says a timeline piece by piece, and knows of each packet when it was spoken."""

    def __init__(self, person: ScriptedParticipant, packets: list[bytes]) -> None:
        self.person = person
        self.packets = packets
        self.spoken_ms: list[int] = []  # boot clock, of each packet said so far
        self._place = {packet: index for index, packet in enumerate(packets)}

    async def say(self, seconds: float | None = None) -> None:
        """The next piece, or all that is left; without a pause after the piece before it."""
        begin = len(self.spoken_ms)
        end = len(self.packets) if seconds is None else begin + round(seconds * 1_000 / FRAME_MS)
        piece = self.packets[begin:end]
        said = await self.person.say_packets(piece)
        self.spoken_ms += [said.start_ms + FRAME_MS * index for index in range(len(piece))]

    def spoken_at(self, payload: bytes) -> int | None:
        """When this very packet was spoken; None if it is none of this person's."""
        place = self._place.get(payload)
        return None if place is None or place >= len(self.spoken_ms) else self.spoken_ms[place]


def decoded(packets: Iterable[bytes]) -> Samples:
    """As a player hears packets that follow each other."""
    codec = av.CodecContext.create("libopus", "r")
    assert isinstance(codec, AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = RATE_HZ, "mono", "s16"
    frames = [frame.to_ndarray()[0] for packet in packets for frame in codec.decode(av.Packet(packet))]
    return np.concatenate(frames).astype(np.float64) / 32_768 if frames else np.zeros(0)


def tuned_in(packets: Sequence[bytes], said: Sequence[bytes]) -> Samples:
    """A stretch of what was said, as whoever had listened before it hears it. A decoder that begins with it, maybe in
    the middle of a swell, is 35 dB off at its worst for its first 200 ms.
    """
    first = said.index(packets[0])
    before = said[max(0, first - SWELL_PACKETS) : first]
    return decoded([*before, *packets])[len(before) * FRAME :]


def hidden(packet: bytes) -> Samples:
    """The second copy of the 20 ms before, which a packet may carry; silence where it carries none."""
    opus, failed = _libopus(), ctypes.c_int()
    decoder = ctypes.c_void_p(opus.opus_decoder_create(RATE_HZ, 1, ctypes.byref(failed)))
    sound = (ctypes.c_int16 * FRAME)()
    count = opus.opus_decode(decoder, packet, len(packet), sound, FRAME, 1)
    opus.opus_decoder_destroy(decoder)
    assert failed.value == 0
    assert count == FRAME
    return np.frombuffer(bytes(sound), np.int16).astype(np.float64) / 32_768


def level_db(sound: Samples, hz: float) -> float:
    """Of one frequency, by a single windowed Fourier sum; 0 dB is a full-scale sine."""
    if len(sound) == 0:
        return SILENT_DB
    window = np.hanning(len(sound))
    turned = np.exp(-2j * np.pi * hz * np.arange(len(sound)) / RATE_HZ)
    return float(20 * np.log10(max(abs((sound * window * turned).sum()) * 2 / window.sum(), 10 ** (SILENT_DB / 20))))


def loudest_db(sound: Samples) -> float:
    return float(20 * np.log10(max(np.abs(sound).max(initial=0.0), 10 ** (SILENT_DB / 20))))


def _encoded(pcm: bytes) -> list[bytes]:
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = RATE_HZ, "mono", "s16"
    codec.bit_rate, codec.time_base = BIT_RATE, Fraction(1, RATE_HZ)
    codec.options = {"application": "voip", "frame_duration": str(FRAME_MS), "fec": "1", "packet_loss": "20"}
    packets: list[bytes] = []
    for begins in range(0, len(pcm), 2 * FRAME):
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.sample_rate, frame.pts = RATE_HZ, begins // 2
        frame.planes[0].update(pcm[begins : begins + 2 * FRAME])
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


@cache
def _libopus() -> ctypes.CDLL:
    """The one inside PyAV, or the system's; FFmpeg's interface can't ask for second copies."""
    inside = sorted((Path(av.__file__).parents[1] / "av.libs").glob("libopus-*.so*"))
    name = str(inside[0]) if inside else find_library("opus")
    assert name is not None, "libopus is missing: apt-get install libopus0"
    opus = ctypes.CDLL(name)
    opus.opus_decoder_create.restype = ctypes.c_void_p
    return opus
