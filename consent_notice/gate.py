"""Makes AdmittedFrame, the only thing that storage keeps; nothing else in the program may make one.

A frame waits here until everything that could forbid it must have arrived (roster lag, decision feed), is judged once
over the span its sound can come from, and is then admitted or gone. Holds no frame itself and never looks at a clock.
"""

from __future__ import annotations

from consent_notice.frames import Encoding, GateTimes, HeardFrame, judged_from_ms
from consent_notice.rules import Grounds, MeetingRecord, Refusal, judge
from consent_notice.words import Purpose, Rule, SeatId

__all__ = ["AdmittedFrame", "Gate", "GateTimes"]

_MADE_HERE = object()


class AdmittedFrame:
    """A frame that was judged, with the log entries it relies on. Made by `Gate.admit` alone."""

    __slots__ = (
        "captured_ms",
        "duration_ms",
        "encoding",
        "payload",
        "relies_on",
        "rtp_timestamp",
        "rule",
        "speakers",
        "track",
    )

    def __init__(
        self, proof: object, frame: HeardFrame, speakers: frozenset[SeatId], grounds: Grounds, rule: Rule
    ) -> None:
        if proof is not _MADE_HERE:
            raise TypeError("couldn't make an admitted frame: only the gate makes them")
        self.track: str = frame.track
        self.speakers: frozenset[SeatId] = speakers
        self.captured_ms: int = frame.captured_ms
        self.duration_ms: int = frame.duration_ms
        self.rtp_timestamp: int = frame.rtp_timestamp
        self.encoding: Encoding = frame.encoding
        self.payload: bytes = frame.payload
        self.relies_on: frozenset[int] = grounds.entries
        self.rule: Rule = rule


class Gate:
    """Judges frames of one visit against its record."""

    def __init__(self, record: MeetingRecord, times: GateTimes) -> None:
        self._record = record
        self._times = times

    def is_settled(self, frame: HeardFrame, known_until_ms: int) -> bool:
        """True once all that was decided or seen before the frame's end and the settling time after it is known.

        `known_until_ms`: everything logged and seen in the room before this boot time has been noted in the record.
        """
        return frame.ends_ms + self._times.settle_ms <= known_until_ms

    def admit(self, frame: HeardFrame) -> AdmittedFrame | Refusal:
        """Judges a settled frame over the whole span that its sound can come from."""
        from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, self._times.path_delay_ms)
        verdict = judge(self._record, frame.speakers, from_ms, frame.ends_ms, Purpose.RECORDING)
        if isinstance(verdict, Refusal):
            return verdict
        assert frame.speakers is not None  # judge refuses unknown speakers
        rule = self._record.rule_over(from_ms, frame.ends_ms)
        return AdmittedFrame(_MADE_HERE, frame, frame.speakers, verdict, rule)
