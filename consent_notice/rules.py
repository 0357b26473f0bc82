"""The judgement: may sound of this span, in which these people can be heard, be kept under this rule?

A MeetingRecord holds what is known of presence, standings and doubt over time; `judge` is a pure question to it. The
gate asks it for each frame, the verifier asks it again for each stored part, and the pages ask it for what to show.
Enforcing the answer is not done here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing

FOREVER_MS = 1 << 62


class Why(StrEnum):
    """Why a span may not be kept. Doubt is a no (law 2)."""

    UNKNOWN_SPEAKER = "unknown_speaker"
    NOT_PRESENT = "not_present"
    NO_CONSENT = "no_consent"
    SOMEONE_HAS_NOT_AGREED = "someone_has_not_agreed"
    NOBODY_PRESENT = "nobody_present"
    DOUBT = "doubt"
    NOT_A_PERSON = "not_a_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """The log entries (by index) that a kept span relies on: one yes a person."""

    entries: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A value, not an error: the span is not kept."""

    why: Why


@dataclass(slots=True, kw_only=True)
class _Standing:
    """From this moment on."""

    from_ms: int
    standing: Standing
    entry: int | None


@dataclass(slots=True, kw_only=True)
class _Presence:
    from_ms: int
    to_ms: int = FOREVER_MS


class MeetingRecord:
    """Presence, standings and doubt over the boot clock, in half-open spans [from, to).

    Facts may arrive late and in any order: each takes effect at the time it carries. A standing other than GIVEN that
    arrives late reaches back over what was written after its time; a GIVEN one never reaches over a later no.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._presence: dict[SeatId, list[_Presence]] = {}
        self._kinds: dict[SeatId, SeatKind] = {}
        self._standings: dict[tuple[SeatId, Purpose], list[_Standing]] = {}
        self._doubts: list[_Presence] = []

    def joined(self, seat: SeatId, kind: SeatKind, at_ms: int) -> None:
        """A second join of a seat that never left only moves its beginning back, if it is earlier."""
        self._kinds[seat] = kind
        spans = self._presence.setdefault(seat, [])
        if spans and spans[-1].to_ms > at_ms:
            spans[-1].from_ms = min(spans[-1].from_ms, at_ms)
            return
        spans.append(_Presence(from_ms=at_ms))

    def left(self, seat: SeatId, at_ms: int) -> None:
        """Ends the open stay; a leave without a join is no news."""
        spans = self._presence.get(seat)
        if spans and spans[-1].to_ms == FOREVER_MS:
            spans[-1].to_ms = max(at_ms, spans[-1].from_ms)

    def stands(self, seat: SeatId, purpose: Purpose, standing: Standing, from_ms: int, entry: int | None) -> None:
        """`entry` is the log index of the decision; a GIVEN without one is refused as unprovable (law 4)."""
        if standing is Standing.GIVEN and entry is None:
            raise ValueError("couldn't note a yes: expected the log index of its entry")
        history = self._standings.setdefault((seat, purpose), [])
        if standing is Standing.GIVEN and history:
            # A yes that was learnt of after a later no begins, at the earliest, when that no was known.
            from_ms = max(from_ms, history[-1].from_ms)
        while standing is not Standing.GIVEN and history and history[-1].from_ms >= from_ms:
            history.pop()
        history.append(_Standing(from_ms=from_ms, standing=standing, entry=entry))

    def doubt_from(self, from_ms: int) -> None:
        """Until `doubt_until`, nothing is kept: a silent feed, a stalled loop, a roster that is not known."""
        if self._doubts and self._doubts[-1].to_ms >= from_ms:
            self._doubts[-1].from_ms = min(self._doubts[-1].from_ms, from_ms)
            self._doubts[-1].to_ms = FOREVER_MS
            return
        self._doubts.append(_Presence(from_ms=from_ms))

    def doubt_until(self, to_ms: int) -> None:
        if self._doubts and self._doubts[-1].to_ms == FOREVER_MS:
            self._doubts[-1].to_ms = max(to_ms, self._doubts[-1].from_ms)

    def standing_at(self, seat: SeatId, purpose: Purpose, at_ms: int) -> Standing:
        current = self._at(seat, purpose, at_ms)
        return current.standing if current else Standing.UNKNOWN

    def present(self, from_ms: int, to_ms: int) -> frozenset[SeatId]:
        """Persons there at any time in the span; bots are no voices of persons."""
        return frozenset(
            seat
            for seat, spans in self._presence.items()
            if self._kinds[seat] is SeatKind.PERSON and any(s.from_ms < to_ms and from_ms < s.to_ms for s in spans)
        )

    def kind_of(self, seat: SeatId) -> SeatKind | None:
        return self._kinds.get(seat)

    def is_in_doubt(self, from_ms: int, to_ms: int) -> bool:
        return any(doubt.from_ms < to_ms and from_ms < doubt.to_ms for doubt in self._doubts)

    def present_throughout(self, seat: SeatId, from_ms: int, to_ms: int) -> bool:
        return any(s.from_ms <= from_ms and to_ms <= s.to_ms for s in self._presence.get(seat, ()))

    def yes_over(self, seat: SeatId, purpose: Purpose, from_ms: int, to_ms: int) -> int | None:
        """The entry of the one yes in force over the whole span, or None."""
        first = self._at(seat, purpose, from_ms)
        if first is None or first.standing is not Standing.GIVEN:
            return None
        history = self._standings[seat, purpose]
        for later in history:
            if from_ms < later.from_ms < to_ms and later.standing is not Standing.GIVEN:
                return None
        return first.entry

    def forget_before(self, at_ms: int) -> None:
        """Drops doubts that ended before `at_ms`, so that a long meeting costs no more a frame than a short one."""
        self._doubts = [doubt for doubt in self._doubts if doubt.to_ms > at_ms]

    def _at(self, seat: SeatId, purpose: Purpose, at_ms: int) -> _Standing | None:
        history = self._standings.get((seat, purpose))
        if not history:
            return None
        index = bisect_right(history, at_ms, key=lambda standing: standing.from_ms)
        return history[index - 1] if index else None


def judge(
    record: MeetingRecord, speakers: frozenset[SeatId] | None, from_ms: int, to_ms: int, purpose: Purpose
) -> Grounds | Refusal:
    """May sound of [from_ms, to_ms) in which `speakers` (None: unknown) can be heard be used for `purpose`?

    The purpose is asked of the same people as RECORDING is, and none works without RECORDING.
    """
    if not speakers:
        return Refusal(why=Why.UNKNOWN_SPEAKER)
    if record.is_in_doubt(from_ms, to_ms):
        return Refusal(why=Why.DOUBT)
    for seat in speakers:
        if record.kind_of(seat) is SeatKind.BOT:
            return Refusal(why=Why.NOT_A_PERSON)
        if not record.present_throughout(seat, from_ms, to_ms):
            return Refusal(why=Why.NOT_PRESENT)
    needed: Iterable[SeatId] = speakers
    if record.rule is Rule.EVERYONE:
        needed = speakers | record.present(from_ms, to_ms)
    entries = set()
    for seat in needed:
        for asked in {Purpose.RECORDING, purpose}:
            entry = record.yes_over(seat, asked, from_ms, to_ms)
            if entry is None:
                return Refusal(why=Why.NO_CONSENT if seat in speakers else Why.SOMEONE_HAS_NOT_AGREED)
            entries.add(entry)
    return Grounds(entries=frozenset(entries))
