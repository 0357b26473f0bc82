"""What a room hands over: one packet's worth of sound with who can be in it and when it was captured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from consent_notice.words import SeatId


class Encoding(StrEnum):
    """How the payload is coded: an Opus packet as it came (RFC 6716), or 16-bit little-endian mono PCM at 48 kHz."""

    OPUS = "opus"
    PCM_S16LE_48K = "pcm_s16le_48k"


OPUS_LOOK_AHEAD_MS = 7  # 312 samples at 48 kHz (RFC 7845 section 5.1, pre-skip), rounded up


def judged_from_ms(captured_ms: int, duration_ms: int, encoding: Encoding, path_delay_ms: int) -> int:
    """The earliest moment of which a packet can hold sound; the span that must be consented to begins here.

    An Opus packet may carry the frame before it again (in-band FEC, RFC 6716 section 2.1.7), so its span begins one
    duration earlier, and at least the encoder's look-ahead; this is also what drops the first packet after an opening.
    """
    earlier_ms = max(duration_ms, OPUS_LOOK_AHEAD_MS) if encoding is Encoding.OPUS else 0
    return captured_ms - path_delay_ms - earlier_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTimes:
    """How long sound settles, from what the room and the feed promise."""

    path_delay_ms: int  # the sound may be that much older than its captured time
    settle_ms: int  # at least the room's roster lag and twice the feed's interval


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardFrame:
    """Sound that nothing has judged yet; it lives in memory only."""

    track: str  # one seat's track or "mix", unique within a visit's epoch; a new owner is a new track
    speakers: frozenset[SeatId] | None  # who can be in it; None: unknown, which is never kept
    captured_ms: int  # boot clock, by minimum delay: never earlier than the true time of the sound + path delay
    duration_ms: int  # from the packet itself
    rtp_timestamp: int  # 48 kHz units, unwrapped: it only grows within a track
    encoding: Encoding
    payload: bytes

    @property
    def ends_ms(self) -> int:
        return self.captured_ms + self.duration_ms
