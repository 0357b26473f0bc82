"""THE CHOKE POINT: every heard frame passes here, settles, is judged by the gate, and goes to storage or nowhere.

A frame whose speakers have no yes in force when it arrives is not even held. A held frame is judged once everything
that could forbid it must be known: the decision feed and the room have both told all up to its end and the settling
time. Silence of the feed, silence of the room and a stalled loop put the record in doubt, and doubt keeps nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from consent_notice.frames import HeardFrame
from consent_notice.gate import AdmittedFrame, Gate, GateTimes
from consent_notice.rules import Grounds, MeetingRecord, Refusal, judge
from consent_notice.words import Purpose, SeatId

FEED_SILENT_MS = 500  # law 2
ROOM_SILENT_MS = 500
STALL_MS = 200  # law 2
HELD_FRAMES = 8 * 50 * 3  # eight voices for three seconds; more can only mean that nothing settles


@dataclass(slots=True, kw_only=True)
class CaptureCounts:
    """Of frames, for the log and for tests; says nothing about who."""

    heard: int = 0
    turned_away: int = 0  # no yes in force when it came
    admitted: int = 0
    refused: int = 0  # held, and judged no
    overflowed: int = 0
    stalls: int = 0  # of the loop, not frames
    silences: int = 0  # of the feed or the room


class Capture:
    """One per stay. Single-threaded: called from the loop that runs the visit."""

    def __init__(
        self, record: MeetingRecord, times: GateTimes, keep: Callable[[AdmittedFrame], None], now_ms: int
    ) -> None:
        """`keep` must not block."""
        self._record = record
        self._gate = Gate(record, times)
        self._keep = keep
        self._held: deque[HeardFrame] = deque()
        self.began_ms = now_ms  # what was kept before, another stay kept
        self._feed_known_ms = now_ms
        self._room_known_ms = now_ms
        self._last_tick_ms = now_ms
        self._is_in_doubt = False
        self._is_shut = False
        self._kept_until_ms: dict[SeatId, int] = {}
        self.counts = CaptureCounts()

    def heard(self, frame: HeardFrame) -> None:
        """Takes a frame into memory, or turns it away."""
        self.counts.heard += 1
        if self._is_shut or isinstance(self._verdict_on_arrival(frame), Refusal):
            self.counts.turned_away += 1
            return
        if len(self._held) >= HELD_FRAMES:
            self._held.popleft()
            self.counts.overflowed += 1
        self._held.append(frame)

    def feed_known(self, until_ms: int) -> None:
        """All decisions durable before this boot time have been noted in the record."""
        self._feed_known_ms = max(self._feed_known_ms, until_ms)

    def room_known(self, until_ms: int) -> None:
        """All that happened in the room before this boot time has been noted in the record."""
        self._room_known_ms = max(self._room_known_ms, until_ms)

    def tick(self, now_ms: int) -> None:
        """Doubts what must be doubted, then judges what has settled. To be called at least every 100 ms."""
        stalled = now_ms - self._last_tick_ms > STALL_MS
        silent_since_ms = self._silent_since_ms(now_ms)
        if stalled:
            self.counts.stalls += 1
            self._record.doubt_from(self._last_tick_ms, "a stalled loop")
            self._record.doubt_until(now_ms, "a stalled loop")
        if silent_since_ms is not None:
            self.counts.silences += not self._is_in_doubt
            self._record.doubt_from(silent_since_ms, "a silent feed or room")
        elif self._is_in_doubt:
            self._record.doubt_until(now_ms, "a silent feed or room")
        self._is_in_doubt = silent_since_ms is not None
        self._last_tick_ms = now_ms
        known_ms = min(self._feed_known_ms, self._room_known_ms)
        while self._held and self._gate.is_settled(self._held[0], known_ms):
            self._judge(self._held.popleft())
        if not self._is_in_doubt:
            oldest_ms = self._held[0].captured_ms if self._held else now_ms
            self._record.forget_before(min(oldest_ms, now_ms) - 60_000)

    def kept_after(self, seat: SeatId | None, at_ms: int) -> bool:
        """True where sound captured after `at_ms`, of this seat or of anybody, has already been handed to storage."""
        if seat is not None:
            return self._kept_until_ms.get(seat, 0) > at_ms
        return any(until_ms > at_ms for until_ms in self._kept_until_ms.values())

    def shut(self) -> None:
        """For good: what is held is dropped."""
        self._is_shut = True
        self._held.clear()

    def _verdict_on_arrival(self, frame: HeardFrame) -> Grounds | Refusal:
        return judge(self._record, frame.speakers, frame.captured_ms, frame.ends_ms, Purpose.RECORDING)

    def _silent_since_ms(self, now_ms: int) -> int | None:
        silent = [
            known_ms
            for known_ms, limit_ms in ((self._feed_known_ms, FEED_SILENT_MS), (self._room_known_ms, ROOM_SILENT_MS))
            if now_ms - known_ms > limit_ms
        ]
        return min(silent) if silent else None

    def _judge(self, frame: HeardFrame) -> None:
        verdict = self._gate.admit(frame)
        if isinstance(verdict, Refusal):
            self.counts.refused += 1
            return
        self.counts.admitted += 1
        for seat in verdict.speakers:
            self._kept_until_ms[seat] = max(frame.ends_ms, self._kept_until_ms.get(seat, 0))
        self._keep(verdict)
