"""The laws of recording, written down once more as plainly as possible: one question a millisecond, facts as they came.

Shares no code with `consent_notice.rules` and `gate`; slow on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NO_ANSWERS = ("unknown", "requested", "deferred")


@dataclass
class Said:
    standing: str
    from_ms: int  # counts from here
    said_ms: int
    entry: int | None


@dataclass
class NaiveRecord:
    everyone_must_agree: bool
    moves: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # seat: (when, "join" | "leave"), as noted
    persons: set[str] = field(default_factory=set)
    said: dict[tuple[str, str], list[Said]] = field(default_factory=dict)  # as noted
    doubts: list[tuple[str, str, int]] = field(default_factory=list)  # (about, "from" | "until", when), as noted
    voice_doubts: list[tuple[str, int, int]] = field(default_factory=list)  # (seat, from, to)

    def is_present(self, seat: str, at_ms: int) -> bool:
        moves = self.moves.get(seat, [])
        there = False
        for moment in sorted({when for when, _ in moves if when <= at_ms}):
            kinds = [kind for when, kind in moves if when == moment]
            # Both at once: a rejoin, or for who was not there the last word counts.
            there = (there and "join" in kinds) or kinds[-1] == "join"
        return there

    def is_doubtful(self, at_ms: int) -> bool:
        for about in {about for about, _, _ in self.doubts}:
            begun: int | None = None
            for _, kind, when in [doubt for doubt in self.doubts if doubt[0] == about]:
                if kind == "from":
                    begun = when if begun is None else min(begun, when)
                elif begun is not None:
                    if begun <= at_ms < when:
                        return True
                    begun = None
            if begun is not None and begun <= at_ms:
                return True
        return False

    def yeses_at(self, seat: str, purpose: str, at_ms: int) -> set[int]:
        """Entries of the yeses that count in this millisecond."""
        facts = [fact for fact in self.said.get((seat, purpose), []) if fact.standing != "attested"]
        counting: set[int] = set()
        for place, yes in enumerate(facts):
            if yes.standing != "given" or yes.from_ms > at_ms:
                continue
            shut_later = any(no.standing != "given" and no.from_ms <= at_ms for no in facts[place + 1 :])
            said_before_a_no = any(
                no.standing not in ("given", *NO_ANSWERS) and no.from_ms >= yes.said_ms for no in facts[:place]
            )
            not_yet = any(ask.standing in NO_ANSWERS and ask.from_ms > at_ms for ask in facts[:place])
            if not (shut_later or said_before_a_no or not_yet):
                assert yes.entry is not None
                counting.add(yes.entry)
        return counting

    def may_use(self, speakers: set[str] | None, from_ms: int, to_ms: int, purpose: str) -> bool:
        if not speakers or from_ms >= to_ms:
            return False
        span = range(from_ms, to_ms)
        if any(self.is_doubtful(at_ms) for at_ms in span):
            return False
        if not all(seat in self.persons and self.is_present(seat, at_ms) for seat in speakers for at_ms in span):
            return False
        if any(
            seat in speakers and from_at <= at_ms < to_at
            for seat, from_at, to_at in self.voice_doubts
            for at_ms in span
        ):
            return False
        # Sound of any millisecond needs the yes, over the whole span, of whoever may be in it (law 1).
        needed = set(speakers)
        if self.everyone_must_agree:
            needed |= {seat for seat in self.persons if any(self.is_present(seat, at_ms) for at_ms in span)}
        return all(self.yeses_at(seat, "recording", at_ms) for seat in needed for at_ms in span) and all(
            self.yeses_at(seat, purpose, at_ms) for seat in speakers for at_ms in span
        )
