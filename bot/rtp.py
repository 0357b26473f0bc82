"""RTP packets (RFC 3550) of Opus sound (RFC 6716, RFC 7587) before any jitter buffer: order, loss, time of capture.

Hides the wrapping of 16- and 32-bit counters and the guess from arrival times at the boot time of a sound. It never
decodes, and it never fills a gap: what was lost stays a hole between two timestamps.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from consent_notice.frames import Encoding, HeardFrame
from consent_notice.words import SeatId

SAMPLES_PER_MS = 48  # RFC 7587: the RTP clock of Opus is always 48 kHz
HOLD_MS = 40  # how long a packet waits for one before it
WARM_UP_MS = 200  # so long a track's first packets wait until it is known how quick a packet can be
DOUBTFUL_AFTER_MS = 300  # later than the quickest packet by this much: no one can say when it was spoken
REANCHOR_AFTER_MS = 1_000  # only doubtful packets for so long: the sender's clock stood still or jumped
WINDOW_MS = 10_000  # the quickest packet is sought in the last three windows, so that two clocks may drift apart
WINDOWS = 3
MOST_HELD = 32
RESTART_AFTER_JUMP = 1_000  # a sequence number so far away is a new stream
LONGEST_PACKET_SAMPLES = 120 * SAMPLES_PER_MS  # RFC 6716 section 3.2.5

_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPacket:
    payload_type: int
    marker: bool
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes


def read_packet(datagram: bytes) -> RtpPacket | None:
    """None for what is not a whole RTP packet. Header extensions and padding are left behind."""
    if len(datagram) < 12 or datagram[0] >> 6 != 2:
        return None
    first, second, sequence_number, timestamp, ssrc = _HEADER.unpack_from(datagram)
    begins = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if len(datagram) < begins + 4:
            return None
        begins += 4 + 4 * int.from_bytes(datagram[begins + 2 : begins + 4], "big")
    ends = len(datagram)
    if first & 0x20:
        ends -= datagram[-1]
        if datagram[-1] == 0:
            return None
    if ends < begins:
        return None
    return RtpPacket(
        payload_type=second & 0x7F,
        marker=bool(second & 0x80),
        sequence_number=sequence_number,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=datagram[begins:ends],
    )


def write_packet(packet: RtpPacket) -> bytes:
    second = (0x80 if packet.marker else 0) | packet.payload_type
    return _HEADER.pack(0x80, second, packet.sequence_number, packet.timestamp, packet.ssrc) + packet.payload


def opus_duration_samples(payload: bytes) -> int | None:
    """How long the packet sounds, from its first bytes (RFC 6716 section 3.1); None if it is no Opus packet."""
    if not payload:
        return None
    configuration = payload[0] >> 3
    if configuration < 12:
        frame_samples = (480, 960, 1920, 2880)[configuration & 3]
    elif configuration < 16:
        frame_samples = (480, 960)[configuration & 1]
    else:
        frame_samples = (120, 240, 480, 960)[configuration & 3]
    code = payload[0] & 3
    if code == 3:
        if len(payload) < 2:
            return None
        frames = payload[1] & 0x3F
    else:
        frames = (1, 2, 2)[code]
    samples = frames * frame_samples
    return samples if 0 < samples <= LONGEST_PACKET_SAMPLES else None


class CaptureClock:
    """When a sound was captured, on the boot clock: its RTP time plus the smallest delay seen lately.

    A packet cannot be sent before its last sample was captured, so the answer is never earlier than the truth as long
    as the sender's clock runs evenly, and later by the quickest packet's way to us at most.
    """

    def __init__(self) -> None:
        self._windows: deque[tuple[int, int]] = deque(maxlen=WINDOWS)  # (began at ms, smallest transit in samples)
        self._doubtful_since_ms: int | None = None

    def observe(self, timestamp: int, duration_samples: int, arrival_ms: int) -> None:
        """Learns from a packet; its timestamp is unwrapped."""
        transit = self._transit(timestamp, duration_samples, arrival_ms)
        if self._windows and transit - self._delay > DOUBTFUL_AFTER_MS * SAMPLES_PER_MS:
            if self._doubtful_since_ms is None:
                self._doubtful_since_ms = arrival_ms
            if arrival_ms - self._doubtful_since_ms < REANCHOR_AFTER_MS:
                return
            self._windows.clear()
        self._doubtful_since_ms = None
        self._remember(transit, arrival_ms)

    def captured_ms(self, timestamp: int, duration_samples: int, arrival_ms: int) -> int | None:
        """Of a packet that was observed; None when it came so late that its time is in doubt."""
        late_samples = self._transit(timestamp, duration_samples, arrival_ms) - self._delay
        if late_samples > DOUBTFUL_AFTER_MS * SAMPLES_PER_MS:
            return None
        return -(-(timestamp + self._delay) // SAMPLES_PER_MS)

    @property
    def _delay(self) -> int:
        return min(smallest for _, smallest in self._windows)

    def _transit(self, timestamp: int, duration_samples: int, arrival_ms: int) -> int:
        # Boot time is cut to whole milliseconds: the packet came before the next one.
        return (arrival_ms + 1) * SAMPLES_PER_MS - timestamp - duration_samples

    def _remember(self, transit: int, arrival_ms: int) -> None:
        if not self._windows or arrival_ms - self._windows[-1][0] >= WINDOW_MS:
            self._windows.append((arrival_ms, transit))
        elif transit < self._windows[-1][1]:
            self._windows[-1] = (self._windows[-1][0], transit)


class Unwrapped:
    """A counter that wraps, counted on: the nearest value to the last one."""

    def __init__(self, bits: int) -> None:
        self._span = 1 << bits
        self._last: int | None = None

    def of(self, value: int) -> int:
        if self._last is None:
            self._last = value
            return value
        step = (value - self._last) % self._span
        if step >= self._span // 2:
            step -= self._span
        found = self._last + step
        self._last = max(self._last, found)
        return found


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A packet in its place; only the time of its sound is still being learnt."""

    timestamp: int
    samples: int
    arrival_ms: int
    payload: bytes


class TrackReader:
    """Packets of one track in, HeardFrames in order out. One reader for one owner: the next owner gets a new one.

    What comes in the first `warm_up_ms` is held back until then: were the very first packet a slow one, its sound would
    be dated too late, after a yes perhaps that came after it was spoken.
    """

    def __init__(self, *, track: str, speakers: frozenset[SeatId], warm_up_ms: int = WARM_UP_MS) -> None:
        self.track = track
        self._speakers = speakers
        self._warm_up_ms = warm_up_ms
        self._warm_ms: int | None = None  # when the first packets may go
        self._clock = CaptureClock()
        self._sequence = Unwrapped(16)
        self._timestamps = Unwrapped(32)
        self._held: dict[int, tuple[RtpPacket, int]] = {}  # sequence number -> packet, arrival
        self._next: int | None = None
        self._last_timestamp: int | None = None
        self._waiting: list[_Waiting] = []

    @property
    def due_ms(self) -> int | None:
        """When `release` should be called, if no packet comes before."""
        due = [arrival_ms + HOLD_MS for _, arrival_ms in self._held.values()]
        if self._waiting and self._warm_ms is not None:
            due.append(self._warm_ms)
        return min(due, default=None)

    def put(self, packet: RtpPacket, arrival_ms: int) -> list[HeardFrame]:
        number = self._sequence.of(packet.sequence_number)
        if self._next is None or self._warm_ms is None:
            self._next = number
            self._warm_ms = arrival_ms + self._warm_up_ms
        if abs(number - self._next) > RESTART_AFTER_JUMP:
            self._held.clear()
            self._sequence = Unwrapped(16)
            number = self._next = self._sequence.of(packet.sequence_number)
        if number >= self._next:
            self._held.setdefault(number, (packet, arrival_ms))
        return self.release(arrival_ms)

    def release(self, now_ms: int) -> list[HeardFrame]:
        """What no longer waits, neither for an earlier packet nor for the first moments to pass."""
        for packet, arrival_ms in self._in_order(now_ms):
            self._place(packet, arrival_ms)
        if self._warm_ms is None or now_ms < self._warm_ms:
            return []
        frames = [frame for waiting in self._waiting if (frame := self._frame(waiting)) is not None]
        self._waiting.clear()
        return frames

    def _in_order(self, now_ms: int) -> Iterator[tuple[RtpPacket, int]]:
        while self._held and self._next is not None:
            if self._next not in self._held:
                first_ms = min(arrival_ms for _, arrival_ms in self._held.values())
                if now_ms < first_ms + HOLD_MS and len(self._held) < MOST_HELD:
                    return
                self._next = min(self._held)
            found = self._held.pop(self._next)
            self._next += 1
            yield found

    def _place(self, packet: RtpPacket, arrival_ms: int) -> None:
        samples = opus_duration_samples(packet.payload)
        if samples is None:
            return
        timestamp = self._timestamps.of(packet.timestamp)
        if self._last_timestamp is not None and timestamp <= self._last_timestamp:
            return
        self._last_timestamp = timestamp
        self._clock.observe(timestamp, samples, arrival_ms)
        self._waiting.append(_Waiting(timestamp, samples, arrival_ms, packet.payload))

    def _frame(self, waiting: _Waiting) -> HeardFrame | None:
        captured_ms = self._clock.captured_ms(waiting.timestamp, waiting.samples, waiting.arrival_ms)
        if captured_ms is None:
            return None
        return HeardFrame(
            track=self.track,
            speakers=self._speakers,
            captured_ms=captured_ms,
            duration_ms=-(-waiting.samples // SAMPLES_PER_MS),
            rtp_timestamp=waiting.timestamp,
            encoding=Encoding.OPUS,
            payload=waiting.payload,
        )
