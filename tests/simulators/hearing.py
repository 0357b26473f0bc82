"""What is in a sound: Opus packets decoded by FFmpeg, and how loud one frequency is in them."""

from __future__ import annotations

from collections.abc import Iterable

import av
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000


def decoded(packets: Iterable[bytes]) -> NDArray[np.float64]:
    """Mono samples in -1 to 1, packet after packet."""
    codec = av.CodecContext.create("libopus", "r")
    codec.sample_rate = RATE_HZ
    codec.layout = "mono"
    codec.format = "s16"
    frames = [frame for payload in packets for frame in codec.decode(av.Packet(payload))]
    if not frames:
        return np.zeros(0)
    whole = np.concatenate([np.frombuffer(bytes(frame.planes[0]), np.int16)[: frame.samples] for frame in frames])
    return whole.astype(np.float64) / 32_768


def level_db(sound: NDArray[np.float64], hz: float) -> float:
    """Of the strongest line within 20 Hz of `hz`, in dB of full scale."""
    if len(sound) == 0:
        return -120.0
    window = np.hanning(len(sound))
    spectrum = np.abs(np.fft.rfft(sound * window)) * 2 / window.sum()
    near = np.abs(np.fft.rfftfreq(len(sound), 1 / RATE_HZ) - hz) <= 20
    return float(20 * np.log10(max(spectrum[near].max(), 1e-6)))
