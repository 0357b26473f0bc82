"""PURE: Opus packets with their times to a playable Ogg/Opus file (RFC 7845), gaps filled with Opus silence.

Written by hand since muxers close gaps or move packets across them; what is said at a time is heard at that time.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from storage.errors import NotPlayable

SAMPLES_PER_MS = 48
_PAGE_SAMPLES = 48_000
_MAX_LACES = 255
_PAGE_HEAD = struct.Struct("<4sBBqIIIB")
_FIRST, _LAST = 2, 4
_SERIAL = 1

# Full-band CELT frames of 20, 10, 5 and 2.5 ms that decode to silence (RFC 6716 section 3.1: configs 31 to 28, mono).
_SILENCES = ((960, b"\xf8\xff\xfe"), (480, b"\xf0\xff\xfe"), (240, b"\xe8\xff\xfe"), (120, b"\xe0\xff\xfe"))

_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPacket:
    at_sample: int  # from the beginning of the file, at 48 kHz
    packet: bytes


def write_ogg(packets: Iterable[TimedPacket]) -> bytes:
    """Packets in the order of their times; one that begins before its forerunner ended follows it at once."""
    timed = list(packets)
    channels = 2 if any(packet.packet[:1] and packet.packet[0] & 4 for packet in timed) else 1
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, 0, 48_000, 0, 0)
    vendor = b"onrecord"
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
    pages = [_page([head], 0, 0, _FIRST), _page([tags], 0, 1, 0)]
    gathered: list[bytes] = []
    laces = page_samples = position = 0
    for packet in _without_gaps(timed):
        needed = len(packet) // 255 + 1
        if gathered and (laces + needed > _MAX_LACES or page_samples >= _PAGE_SAMPLES):
            pages.append(_page(gathered, position, len(pages), 0))
            gathered, laces, page_samples = [], 0, 0
        samples = packet_samples(packet)
        gathered.append(packet)
        laces += needed
        page_samples += samples
        position += samples
    pages.append(_page(gathered, position, len(pages), _LAST))
    return b"".join(pages)


def packet_samples(packet: bytes) -> int:
    """How long it lasts, from its first bytes (RFC 6716 section 3.1). Raises NotPlayable for what is no packet."""
    if not packet:
        raise NotPlayable("couldn't play the sound: an empty packet is kept in it")
    config = packet[0] >> 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    code = packet[0] & 3
    if code == 3 and len(packet) < 2:
        raise NotPlayable("couldn't play the sound: a packet in it is cut off")
    return frame * ((1, 2, 2)[code] if code < 3 else packet[1] & 0x3F)


def _without_gaps(packets: list[TimedPacket]) -> Iterator[bytes]:
    position = 0
    for timed in packets:
        for samples, silence in _SILENCES:
            while timed.at_sample - position >= samples:
                yield silence
                position += samples
        yield timed.packet
        position += packet_samples(timed.packet)


def _page(packets: list[bytes], position: int, number: int, flags: int) -> bytes:
    laces = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    head = _PAGE_HEAD.pack(b"OggS", 0, flags, position, _SERIAL, number, 0, len(laces))
    page = head + laces + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(page: bytes) -> int:
    """Ogg's CRC (RFC 3533) runs bit by bit the other way round than zlib's: so turn bytes and result around."""
    turned = zlib.crc32(page.translate(_REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{turned:032b}"[::-1], 2)
