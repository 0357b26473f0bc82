"""What the demo takes for a fault: each way in which what was kept can differ from what was said and answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.outcome import Outcome, differences
from config.screen import ResultRow

MARIA = ResultRow(name="Maria", consent_status="given", spoken_s=10.0, kept_s=9.5, words=20)
JONAS = ResultRow(name="Jonas", consent_status="given", spoken_s=6.0, kept_s=6.0, words=12)
RAFAEL = ResultRow(name="Rafael", consent_status="refused", spoken_s=5.0, kept_s=0.0, words=0)
LENA = ResultRow(name="Lena", consent_status="withdrawn", spoken_s=14.0, kept_s=4.0, words=9)
AS_TOLD = (MARIA, JONAS, RAFAEL, LENA)


def test_a_story_that_went_as_told_has_no_fault() -> None:
    assert differences(AS_TOLD) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (replace(MARIA, consent_status="refused"), "Maria: expected given, got refused"),
        (replace(MARIA, kept_s=8.0), "Maria: said 10.0 s, and only 8.0 s were kept"),
        (replace(JONAS, words=2), "Jonas: only 2 words"),
        (replace(RAFAEL, kept_s=0.02), "Rafael: refused, and 0.02 s"),
        (replace(RAFAEL, words=1), "Rafael: refused, and 0.0 s and 1 words"),
        (replace(LENA, kept_s=13.5), "Lena: withdrew half-way, and 13.5 of 14.0 s"),
        (replace(LENA, kept_s=0.0), "Lena: withdrew half-way, and 0.0 of 14.0 s"),
    ],
)
def test_each_difference_is_named(wrong: ResultRow, says: str) -> None:
    (fault,) = differences(tuple(wrong if row.name == wrong.name else row for row in AS_TOLD))
    assert fault.startswith(says)


def test_somebody_who_is_missing_and_somebody_who_was_not_expected_are_named() -> None:
    stranger = replace(MARIA, name="Eve")
    faults = differences((JONAS, RAFAEL, LENA, stranger))
    assert faults == ["Maria: not in the recording's record", "Eve: expected None, got given"]


def test_the_report_has_the_figures_and_nothing_else() -> None:
    outcome = Outcome(
        rows=(replace(MARIA, kept_s=9.512),), consent_status="voices_missing", entries=40, is_verified=True, faults=()
    )
    assert outcome.report(75) == {
        "recording": {"consent_status": "voices_missing"},
        "participants": [
            {"name": "Maria", "consent_status": "given", "spoken_s": 10.0, "kept_s": 9.51, "words": 20},
        ],
        "log": {"entries": 40, "verified": True},
        "seconds": 75,
    }
