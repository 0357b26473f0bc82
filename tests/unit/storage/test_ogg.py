"""Ogg/Opus: said at a time, heard at that time."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import pytest

from storage.errors import NotPlayable
from storage.ogg import TimedPacket, packet_samples, write_ogg

RATE_HZ = 48_000


def encoded(tone_hz: float, frames: int) -> list[bytes]:
    """A tone as Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate = RATE_HZ
    encoder.format = "s16"
    encoder.layout = "mono"
    encoder.options = {"application": "lowdelay", "frame_duration": "20"}
    packets: list[bytes] = []
    for number in range(frames):
        at = (np.arange(960) + number * 960) / RATE_HZ
        wave = (np.sin(2 * np.pi * tone_hz * at) * 12_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = number * 960
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets[:frames]


def decoded(file: bytes) -> np.ndarray:
    with av.open(io.BytesIO(file), "r") as container:
        pieces = [frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)]
    return np.concatenate(pieces)


def test_every_kind_of_packet_has_its_length() -> None:
    longest = {config: packet_samples(bytes([config << 3])) for config in range(32)}
    assert [longest[config] for config in (0, 1, 2, 3)] == [480, 960, 1920, 2880]
    assert [longest[config] for config in (12, 13, 14, 15)] == [480, 960, 480, 960]
    assert [longest[config] for config in (28, 29, 30, 31)] == [120, 240, 480, 960]
    assert packet_samples(bytes([31 << 3 | 1])) == 1920
    assert packet_samples(bytes([31 << 3 | 3, 6])) == 5760


@pytest.mark.parametrize("packet", [b"", b"\xfb"])
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(NotPlayable):
        packet_samples(packet)


@pytest.mark.parametrize("gap_ms", [0, 2.5, 20, 137.5, 3_000])
def test_gaps_are_filled_and_what_follows_is_heard_in_its_place(gap_ms: float) -> None:
    tone = encoded(440, 50)
    gap = int(gap_ms * 48)
    packets = [TimedPacket(at_sample=n * 960, packet=packet) for n, packet in enumerate(tone)]
    packets += [TimedPacket(at_sample=48_000 + gap + n * 960, packet=packet) for n, packet in enumerate(tone)]
    sound = decoded(write_ogg(packets))
    assert abs(len(sound) - (96_000 + gap)) <= 960
    if gap_ms == 3_000:
        loud = np.abs(sound) > np.abs(sound).max() / 50  # after silence the codec fades in
        (at,) = np.nonzero(loud[60_000:])
        assert abs(at[0] + 60_000 - (48_000 + gap)) < 960
        assert not loud[54_000 : 48_000 + gap - 960].any()


def test_a_late_beginning_is_silence() -> None:
    packets = [TimedPacket(at_sample=96_000 + n * 960, packet=packet) for n, packet in enumerate(encoded(440, 25))]
    sound = decoded(write_ogg(packets))
    assert abs(len(sound) - 120_000) <= 960
    assert np.abs(sound[:94_000]).max() < np.abs(sound[97_000:]).max() / 100


def test_one_that_overlaps_its_forerunner_follows_it() -> None:
    tone = encoded(440, 10)
    packets = [TimedPacket(at_sample=n * 900, packet=packet) for n, packet in enumerate(tone)]
    assert len(decoded(write_ogg(packets))) >= 9_600 - 960


def test_long_files_have_whole_pages_with_rising_numbers() -> None:
    packets = [TimedPacket(at_sample=n * 960, packet=b"\xf8" + bytes(600)) for n in range(1_000)]
    file, at, numbers = write_ogg(packets), 0, []
    while at < len(file):
        assert file[at : at + 4] == b"OggS"
        (number,) = struct.unpack_from("<I", file, at + 18)
        laces = file[at + 27 : at + 27 + file[at + 26]]
        numbers.append(number)
        at += 27 + len(laces) + sum(laces)
    assert numbers == list(range(len(numbers)))


def test_nothing_kept_is_an_empty_file_of_sound() -> None:
    assert write_ogg([]).count(b"OggS") == 3
