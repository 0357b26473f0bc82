"""Sound for tests: recorded human speech with its transcript, tones, and Opus packets as a browser would send them.

The prompts are those of Debian's asterisk-core-sounds-en-wav (8 kHz, one speaker, CC-BY-SA 3.0), the transcripts of
asterisk-core-sounds-en; `make setup` installs both.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
from fractions import Fraction
from pathlib import Path

import av
import jiwer
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from bot.audio import CALL_RATE_HZ, Sound, from_wav, resample

PROMPTS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TRANSCRIPTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
PACKET_MS = 20


def human_prompt(name: str) -> Sound:
    """At 48 kHz."""
    return from_wav((PROMPTS / f"{name}.wav").read_bytes(), CALL_RATE_HZ)


def human_words(name: str) -> str:
    for line in gzip.decompress(TRANSCRIPTS.read_bytes()).decode("utf-8").splitlines():
        if line.startswith(f"{name}: "):
            return line.removeprefix(f"{name}: ")
    raise LookupError(name)


def tone(hz: float, duration_ms: int, *, amplitude: float = 0.25) -> Sound:
    count = duration_ms * CALL_RATE_HZ // 1000
    peak = amplitude * 32767
    step = 2 * math.pi * hz / CALL_RATE_HZ
    pcm = struct.pack(f"<{count}h", *(round(peak * math.sin(step * index)) for index in range(count)))
    return Sound(pcm=pcm, rate_hz=CALL_RATE_HZ)


def opus_packets(sound: Sound, *, bit_rate: int = 32_000) -> list[bytes]:
    """20 ms each; the last is filled up with silence."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = CALL_RATE_HZ, "mono", "s16"
    encoder.bit_rate = bit_rate
    encoder.time_base = Fraction(1, CALL_RATE_HZ)
    samples = CALL_RATE_HZ * PACKET_MS // 1000
    pcm = resample(sound, CALL_RATE_HZ).pcm
    packets: list[bytes] = []
    for index, at in enumerate(range(0, len(pcm), samples * 2)):
        frame = AudioFrame(format="s16", layout="mono", samples=samples)
        frame.planes[0].update(pcm[at : at + samples * 2].ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts = CALL_RATE_HZ, index * samples
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def word_error_rate(said: str, heard: str) -> float:
    """Case, punctuation and spelling of hyphens aside."""
    return float(jiwer.wer(" ".join(plain_words(said)), " ".join(plain_words(heard))))


def plain_words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.casefold().replace("-", " "))
