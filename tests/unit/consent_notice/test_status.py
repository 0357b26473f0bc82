"""What a recording is said to hold, from who was there and whose yes held when."""

from __future__ import annotations

import pytest

from consent_notice.status import PersonFacts, Span, consent_status
from consent_notice.words import ConsentStatus, Rule, SeatId

COMPLETE, NONE = ConsentStatus.COMPLETE, ConsentStatus.NONE
VOICES, TIME, WITHDRAWN = ConsentStatus.VOICES_MISSING, ConsentStatus.TIME_MISSING, ConsentStatus.WITHDRAWN


def person(
    seat: str, agreed: tuple[Span, ...], *, present: Span = (0, 100), kept_ms: int = 10, was_erased: bool = False
) -> PersonFacts:
    return PersonFacts(
        seat=SeatId(seat), present=(present,), agreed=agreed, kept_ms=kept_ms if agreed else 0, was_erased=was_erased
    )


ALL_TIME = ((5, 1_000),)
CASES: list[tuple[Rule, int | None, list[PersonFacts], tuple[ConsentStatus, ...]]] = [
    (Rule.EACH_VOICE, None, [person("a", ())], (NONE,)),
    (Rule.EACH_VOICE, 10, [person("a", ALL_TIME), person("b", ALL_TIME)], (COMPLETE,)),
    (Rule.EACH_VOICE, 10, [person("a", ALL_TIME), person("b", ())], (VOICES,)),
    (Rule.EACH_VOICE, 10, [person("a", ALL_TIME), person("b", ((20, 60),))], (TIME,)),
    (Rule.EACH_VOICE, 10, [person("a", ((20, 60),)), person("b", ())], (TIME, VOICES)),
    (Rule.EVERYONE, 10, [person("a", ALL_TIME), person("b", ())], (TIME,)),
    (Rule.EVERYONE, 10, [person("a", ALL_TIME), person("b", ALL_TIME)], (COMPLETE,)),
    # Who left before recording began is not missing from it.
    (Rule.EACH_VOICE, 50, [person("a", ALL_TIME), person("b", (), present=(0, 50))], (COMPLETE,)),
    (Rule.EACH_VOICE, 10, [person("a", ALL_TIME, was_erased=True)], (WITHDRAWN,)),
]


@pytest.mark.parametrize(("rule", "began_ms", "people", "expected"), CASES)
def test_of_the_recording(
    rule: Rule, began_ms: int | None, people: list[PersonFacts], expected: tuple[ConsentStatus, ...]
) -> None:
    assert consent_status(rule, began_ms, people)[0] == expected


def test_of_each_person() -> None:
    people = [person("a", ALL_TIME), person("b", ()), person("c", ((20, 60),)), person("d", ALL_TIME, was_erased=True)]
    assert consent_status(Rule.EACH_VOICE, 10, people)[1] == {"a": COMPLETE, "b": NONE, "c": TIME, "d": WITHDRAWN}
