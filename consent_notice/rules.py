"""The judgement: may sound of this span, in which these people can be heard, be kept under this rule?

A MeetingRecord holds what is known of presence, standings and doubt over time; `judge` is a pure question to it. The
gate asks it for each frame, the verifier asks it again for each stored part, and the pages ask it for what to show.
Enforcing the answer is not done here.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from enum import StrEnum

from consent_notice.attendance import FOREVER_MS, Attendance
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing, seat_of_voice

# Standings that are no answer: a yes said before them is still a yes. Any other that is not GIVEN is a no.
# A host's word about somebody is none of theirs, either way.
_NO_ANSWER = frozenset({Standing.UNKNOWN, Standing.REQUESTED, Standing.DEFERRED, Standing.ATTESTED})
_GIVEN = frozenset({Standing.GIVEN})
_REMEMBERED_VERDICTS = 256


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """From this moment on."""

    from_ms: int
    standing: Standing
    entry: int | None


class MeetingRecord:
    """Presence, standings and doubt over the boot clock, in half-open spans [from, to).

    Facts may arrive late and in any order; each takes effect at the time it carries.

    - A no reaches back: it ends every yes noted before it, from its own time on, even one that began later, since that
      one may have been said earlier. Only a yes noted after it opens again.
    - A yes never reaches back: it begins when it is known, not before an ask that was noted already, and not at all if
      it was said before a no that is known.
    - A host's word is no news where it opens nothing, or is about somebody who has answered.
    - Presence is what joins and leaves tell together, in whatever order they came. A leave without a stay is no news.
    - A seat keeps its standings when it leaves and comes back.
    - A seat with several people stands under each of them (`words.voice_of`); how many they are only grows. A no from
      the seat itself, by whoever of them, is a no of each.
    - A stricter rule holds from its own time on and ends each looser one noted before it; a looser one never reaches
      back.
    """

    def __init__(self, rule: Rule, *, attested_opens: bool = False, own_voice: SeatId | None = None) -> None:
        """`attested_opens`: a host's word counts for a seat whose person said nothing. `own_voice`: the bot's seat."""
        self._opening = frozenset({Standing.GIVEN, Standing.ATTESTED}) if attested_opens else _GIVEN
        self.own_voice = own_voice
        self._rules: list[tuple[int, Rule]] = [(-FOREVER_MS, rule)]
        self._people: dict[SeatId, list[tuple[int, int]]] = {}  # from when on how many sit there, growing
        self._voices: dict[SeatId, set[SeatId]] = {}
        self._seats: dict[SeatId, Attendance] = {}
        self._standings: dict[tuple[SeatId, Purpose], list[_Standing]] = {}
        self._doubts: list[tuple[int, int]] = []
        self._open_doubts: dict[str, int] = {}
        self._voice_doubts: list[tuple[SeatId, int, int]] = []
        # Between two neighbouring edges nothing changes, so a verdict found there holds for every span in between.
        self._edges: list[int] = [-FOREVER_MS, FOREVER_MS]
        self._verdicts: dict[tuple[frozenset[SeatId], Purpose], tuple[int, int, Grounds | Refusal]] = {}

    # ---- facts -------------------------------------------------------------------------------------------------------

    def joined(self, seat: SeatId, kind: SeatKind, at_ms: int) -> None:
        """Who was once told to be a person stays one: a doubt about it is no reason to leave them out."""
        known = self._seats.setdefault(seat, Attendance())
        if kind is SeatKind.PERSON and not known.is_person:
            known.is_person = True
            self._changed(at_ms)
        if known.note(at_ms, is_join=True):
            self._changed(at_ms)

    def left(self, seat: SeatId, at_ms: int) -> None:
        """A leave older than a join ends an earlier stay, not that one."""
        known = self._seats.get(seat)
        if known is not None and known.note(at_ms, is_join=False):
            self._changed(at_ms)

    def stands(
        self,
        seat: SeatId,
        purpose: Purpose,
        standing: Standing,
        from_ms: int,
        entry: int | None,
        *,
        said_ms: int | None = None,
    ) -> None:
        """`entry` is the log index of the decision; a GIVEN without one is refused as unprovable (law 4).

        A yes counts from `from_ms`, when it is known to be durable (law 3); `said_ms`, when the person said it, may be
        earlier and decides whether a no that is known came after it. A no counts from when it was said.
        """
        history = self._standings.setdefault((seat, purpose), [])
        parent = seat_of_voice(seat)
        noted, last = [*history], history[-1:]
        if parent != seat:
            self._voices.setdefault(parent, set()).add(seat)
            of_all = self._standings.get((parent, purpose), [])
            noted, last = noted + of_all, last + of_all[-1:]
        elif self._is_no(standing):
            for voice in self._voices.get(seat, ()):
                self.stands(voice, purpose, standing, from_ms, None)
        has_answered = any(own.standing not in _NO_ANSWER for own in last)
        if standing is Standing.ATTESTED and (has_answered or standing not in self._opening):
            return
        if standing in self._opening:
            if entry is None:
                raise ValueError("couldn't note a yes: expected the log index of its entry")
            said_ms = from_ms if said_ms is None else min(said_ms, from_ms)
            if any(self._is_no(earlier.standing) and earlier.from_ms >= said_ms for earlier in noted):
                return
            from_ms = max([from_ms, *(kept.from_ms for kept in history if kept.standing not in self._opening)])
        else:
            history[:] = [kept for kept in history if kept.standing not in self._opening or kept.from_ms < from_ms]
        insort(history, _Standing(from_ms=from_ms, standing=standing, entry=entry), key=_from_ms)
        self._changed(from_ms)

    def shares(self, seat: SeatId, people: int, from_ms: int) -> None:
        """So many people sit there: from now on each of them must have agreed on their own."""
        declared = self._people.setdefault(seat, [])
        if people > 1 and all(known < people or since_ms > from_ms for since_ms, known in declared):
            insort(declared, (from_ms, people))
            self._changed(from_ms)

    def rule_from(self, rule: Rule, from_ms: int) -> None:
        if rule is Rule.EVERYONE:
            self._rules = [known for known in self._rules if known[1] is rule or known[0] < from_ms]
        insort(self._rules, (from_ms, rule), key=_since_ms)  # of one moment, the last that was noted
        self._changed(from_ms)

    def doubt_from(self, from_ms: int, about: str = "") -> None:
        """Until `doubt_until` for the same `about`, nothing is kept: a silent feed, a stalled loop, a lost roster."""
        open_ms = self._open_doubts.get(about)
        if open_ms is None or from_ms < open_ms:
            self._open_doubts[about] = from_ms
            self._changed(from_ms)

    def doubt_until(self, to_ms: int, about: str = "") -> None:
        from_ms = self._open_doubts.pop(about, None)
        if from_ms is None:
            return
        if from_ms < to_ms:
            self._doubts.append((from_ms, to_ms))
        self._changed(to_ms)

    def doubt_voice(self, seat: SeatId, from_ms: int, to_ms: int) -> None:
        """What was heard as this seat's in that span may have been somebody else's."""
        self._voice_doubts.append((seat, from_ms, to_ms))
        self._changed(from_ms)
        self._changed(to_ms)

    def in_doubt_since(self, about: str) -> int | None:
        """Since when about that; None where it is in none now."""
        return self._open_doubts.get(about)

    def forget_before(self, at_ms: int) -> None:
        """Drops doubts that ended before `at_ms`, so that a long meeting costs no more than a short one."""
        self._doubts = [doubt for doubt in self._doubts if doubt[1] > at_ms]
        self._voice_doubts = [doubt for doubt in self._voice_doubts if doubt[2] > at_ms]

    # ---- questions ---------------------------------------------------------------------------------------------------

    def rule_over(self, from_ms: int, to_ms: int) -> Rule:
        """The strictest of those in force in the span."""
        first = max(0, bisect_right(self._rules, from_ms, key=_since_ms) - 1)
        in_force = [rule for since_ms, rule in self._rules[first:] if since_ms < to_ms]
        return Rule.EVERYONE if Rule.EVERYONE in in_force else in_force[-1]

    def people_on(self, seat: SeatId, to_ms: int) -> int:
        """How many were told to sit there before `to_ms`."""
        return max((people for since_ms, people in self._people.get(seat, ()) if since_ms < to_ms), default=1)

    def standing_at(self, seat: SeatId, purpose: Purpose, at_ms: int) -> Standing:
        current = self._at(seat, purpose, at_ms)
        return current.standing if current else Standing.UNKNOWN

    def present(self, from_ms: int, to_ms: int) -> frozenset[SeatId]:
        """Persons there at any time in the span; bots are no voices of persons."""
        return frozenset(
            seat for seat, known in self._seats.items() if known.is_person and known.overlaps(from_ms, to_ms)
        )

    def first_there_ms(self, seat: SeatId) -> int | None:
        known = self._seats.get(seat)
        return known.stays[0][0] if known is not None and known.stays else None

    def kind_of(self, seat: SeatId) -> SeatKind | None:
        known = self._seats.get(seat)
        if known is None:
            return None
        return SeatKind.PERSON if known.is_person else SeatKind.BOT

    def is_in_doubt(self, from_ms: int, to_ms: int) -> bool:
        return any(begin_ms < to_ms for begin_ms in self._open_doubts.values()) or any(
            begin_ms < to_ms and from_ms < end_ms for begin_ms, end_ms in self._doubts
        )

    def is_voice_in_doubt(self, seat: SeatId, from_ms: int, to_ms: int) -> bool:
        return any(
            whose == seat and begin_ms < to_ms and from_ms < end_ms for whose, begin_ms, end_ms in self._voice_doubts
        )

    def present_throughout(self, seat: SeatId, from_ms: int, to_ms: int) -> bool:
        known = self._seats.get(seat)
        return known is not None and known.covers(from_ms, to_ms)

    def yes_over(self, seat: SeatId, purpose: Purpose, from_ms: int, to_ms: int) -> frozenset[int] | None:
        """The entries of the yeses in force all through the span: one, or one of each of the people on that seat."""
        people = self.people_on(seat, to_ms)
        voices = self._voices.get(seat, ())
        if any(self._says_no(voice, purpose, from_ms, to_ms) for voice in voices):
            return None  # even where nobody told yet that there are several
        if people == 1:
            entry = self._entry_over(seat, purpose, from_ms, to_ms)
            return None if entry is None else frozenset({entry})
        heard = [voice for voice in voices if self._is_heard_of(voice, purpose, from_ms, to_ms)]
        found = [self._entry_over(voice, purpose, from_ms, to_ms) for voice in heard]
        entries = frozenset(entry for entry in found if entry is not None)
        return entries if None not in found and len(entries) >= people else None

    def verdict(self, speakers: frozenset[SeatId], from_ms: int, to_ms: int, purpose: Purpose) -> Grounds | Refusal:
        """`judge`, remembered between edges. Ask `judge`."""
        remembered = self._verdicts.get((speakers, purpose))
        if remembered is not None and remembered[0] <= from_ms and to_ms <= remembered[1]:
            return remembered[2]
        verdict = _judge(self, speakers, from_ms, to_ms, purpose)
        begin_ms, end_ms = self._between_edges(from_ms)
        if to_ms <= end_ms:
            if len(self._verdicts) >= _REMEMBERED_VERDICTS:
                self._verdicts.clear()
            self._verdicts[speakers, purpose] = (begin_ms, end_ms, verdict)
        return verdict

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _entry_over(self, voice: SeatId, purpose: Purpose, from_ms: int, to_ms: int) -> int | None:
        """Of the yes in force at the beginning of a span in which no other standing takes its place."""
        history = self._standings.get((voice, purpose))
        if not history:
            return None
        index = bisect_right(history, from_ms, key=_from_ms) - 1
        if index < 0 or history[index].standing not in self._opening:
            return None
        for place in range(index + 1, len(history)):
            later_ms = history[place].from_ms
            if later_ms >= to_ms:
                break
            is_overlaid = place + 1 < len(history) and history[place + 1].from_ms == later_ms
            if history[place].standing not in self._opening and not is_overlaid:
                return None
        return history[index].entry

    def _says_no(self, voice: SeatId, purpose: Purpose, from_ms: int, to_ms: int) -> bool:
        history = self._standings.get((voice, purpose), [])
        first = max(0, bisect_right(history, from_ms, key=_from_ms) - 1)
        return any(self._is_no(noted.standing) for noted in history[first:] if noted.from_ms < to_ms)

    def _is_heard_of(self, voice: SeatId, purpose: Purpose, from_ms: int, to_ms: int) -> bool:
        """Whether they had said anything by then, or say something in the span that is no yes."""
        history = self._standings.get((voice, purpose), [])
        return any(
            noted.from_ms <= from_ms or (noted.from_ms < to_ms and noted.standing not in self._opening)
            for noted in history
        )

    def _is_no(self, standing: Standing) -> bool:
        return standing not in self._opening and standing not in _NO_ANSWER

    def _at(self, seat: SeatId, purpose: Purpose, at_ms: int) -> _Standing | None:
        history = self._standings.get((seat, purpose), [])
        index = bisect_right(history, at_ms, key=_from_ms)
        return history[index - 1] if index else None

    def _changed(self, at_ms: int) -> None:
        """Every time that a fact carries is an edge for good; one that no longer matters only divides a span in two."""
        self._verdicts.clear()
        index = bisect_right(self._edges, at_ms)
        if self._edges[index - 1] != at_ms:
            self._edges.insert(index, at_ms)

    def _between_edges(self, at_ms: int) -> tuple[int, int]:
        index = bisect_right(self._edges, at_ms)
        return self._edges[index - 1], self._edges[index]


def judge(
    record: MeetingRecord, speakers: frozenset[SeatId] | None, from_ms: int, to_ms: int, purpose: Purpose
) -> Grounds | Refusal:
    """May sound of [from_ms, to_ms) in which `speakers` (None: unknown) can be heard be used for `purpose`?

    RECORDING is asked of those whom the rule names, another purpose of the speakers alone; none works without the
    first.
    """
    if not speakers:
        return Refusal(why=Why.UNKNOWN_SPEAKER)
    return record.verdict(speakers, from_ms, to_ms, purpose)


def whose_consent(
    record: MeetingRecord, speakers: frozenset[SeatId], rule: Rule, from_ms: int, to_ms: int
) -> frozenset[SeatId]:
    """Of whom each a yes has to be named by what is kept of that span."""
    others = record.present(from_ms, to_ms) if rule is Rule.EVERYONE else frozenset()
    return (speakers | others) - {record.own_voice}


def _judge(
    record: MeetingRecord, speakers: frozenset[SeatId], from_ms: int, to_ms: int, purpose: Purpose
) -> Grounds | Refusal:
    if from_ms >= to_ms or record.is_in_doubt(from_ms, to_ms):
        return Refusal(why=Why.DOUBT)
    if purpose is Purpose.RECORDING and record.own_voice is not None and speakers == {record.own_voice}:
        return _judge_own_voice(record, from_ms, to_ms)
    for seat in speakers:
        if record.kind_of(seat) is SeatKind.BOT:
            return Refusal(why=Why.NOT_A_PERSON)
        if not record.present_throughout(seat, from_ms, to_ms):
            return Refusal(why=Why.NOT_PRESENT)
        if record.is_voice_in_doubt(seat, from_ms, to_ms):
            return Refusal(why=Why.DOUBT)
    others: frozenset[SeatId] = frozenset()
    if record.rule_over(from_ms, to_ms) is Rule.EVERYONE:
        others = record.present(from_ms, to_ms) - speakers
    entries: set[int] = set()
    for seat in speakers:
        for asked in {Purpose.RECORDING, purpose}:
            yes = record.yes_over(seat, asked, from_ms, to_ms)
            if yes is None:
                return Refusal(why=Why.NO_CONSENT)
            entries |= yes
    for seat in others:
        yes = record.yes_over(seat, Purpose.RECORDING, from_ms, to_ms)
        if yes is None:
            return Refusal(why=Why.SOMEONE_HAS_NOT_AGREED)
        entries |= yes
    return Grounds(entries=frozenset(entries))


def _judge_own_voice(record: MeetingRecord, from_ms: int, to_ms: int) -> Grounds | Refusal:
    """What the bot itself says is nobody's voice, and is kept only where somebody's would be."""
    present = record.present(from_ms, to_ms)
    if not present:
        return Refusal(why=Why.NOBODY_PRESENT)
    agreed = {seat: record.yes_over(seat, Purpose.RECORDING, from_ms, to_ms) for seat in present}
    needs_all = record.rule_over(from_ms, to_ms) is Rule.EVERYONE
    if (needs_all and None in agreed.values()) or not any(agreed.values()):
        return Refusal(why=Why.SOMEONE_HAS_NOT_AGREED)
    return Grounds(entries=frozenset().union(*(yes for yes in agreed.values() if yes)))


def _since_ms(known: tuple[int, Rule]) -> int:
    return known[0]


def _from_ms(noted: _Standing) -> int:
    return noted.from_ms
