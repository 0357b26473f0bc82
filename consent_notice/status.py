"""What a recording may be told to hold: its consent status, from who was there, whose yes held when, and what was kept.

Measured from the moment at which recording first began, since before it nobody had been able to agree. Says nothing of
why somebody is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from consent_notice.words import ConsentStatus, Rule, SeatId

Span = tuple[int, int]  # milliseconds, half-open


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """One person over the visit; spans in ascending order, on one clock."""

    seat: SeatId
    present: tuple[Span, ...]
    agreed: tuple[Span, ...]  # their yes to recording was in force
    kept_ms: int
    was_erased: bool  # something that was kept of them is gone again


def consent_status(
    rule: Rule, began_ms: int | None, people: Sequence[PersonFacts]
) -> tuple[tuple[ConsentStatus, ...], Mapping[SeatId, ConsentStatus]]:
    """Of the recording, and of each person. `began_ms`: when sound was first kept; None: never."""
    of_person = {person.seat: _of_person(person, began_ms) for person in people}
    if began_ms is None:
        return (ConsentStatus.NONE,), of_person
    found = set()
    for person in people:
        if ConsentStatus.WITHDRAWN is of_person[person.seat]:
            found.add(ConsentStatus.WITHDRAWN)
        there_ms = _length(_after(person.present, began_ms))
        agreed_ms = _length(_common(_after(person.present, began_ms), person.agreed))
        if agreed_ms == there_ms:
            continue
        # Under `everyone` nobody's voice is left out: while one has not agreed, nothing of anybody is kept.
        voice_is_missing = agreed_ms == 0 and rule is not Rule.EVERYONE
        found.add(ConsentStatus.VOICES_MISSING if voice_is_missing else ConsentStatus.TIME_MISSING)
    return tuple(sorted(found)) or (ConsentStatus.COMPLETE,), of_person


def _of_person(person: PersonFacts, began_ms: int | None) -> ConsentStatus:
    if person.was_erased:
        return ConsentStatus.WITHDRAWN
    if began_ms is None:
        return ConsentStatus.NONE
    there = _after(person.present, began_ms)
    agreed_ms = _length(_common(there, person.agreed))
    if agreed_ms == 0 and person.kept_ms == 0:
        return ConsentStatus.NONE
    return ConsentStatus.COMPLETE if agreed_ms == _length(there) else ConsentStatus.TIME_MISSING


def _after(spans: Iterable[Span], from_ms: int) -> tuple[Span, ...]:
    return tuple((max(start, from_ms), end) for start, end in spans if end > from_ms)


def _common(one: Iterable[Span], other: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(
        (max(start, begin), min(end, stop))
        for start, end in one
        for begin, stop in other
        if max(start, begin) < min(end, stop)
    )


def _length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)
