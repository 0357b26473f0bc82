"""Which authority of an erasure is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from consent_notice.events import Erased
from consent_notice.words import SegmentId, VisitId
from storage.authorities import LONGEST_AUTHORITY, authority_problem
from storage.retention import RECORDING_AUTHORITY, REFUSALS_AUTHORITY
from storage.segments import LATE_REFUSAL

BEGAN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def problem(authority: str, *, after: timedelta = timedelta(days=40), bodies: tuple[int, ...] = ()) -> str | None:
    erased = Erased(visit=VisitId("v"), bodies=bodies, segments=(SegmentId("s"),), transcripts=(), authority=authority)
    return authority_problem(erased, BEGAN + after, BEGAN)


@pytest.mark.parametrize(
    "authority",
    ["request of 3 November", LATE_REFUSAL, RECORDING_AUTHORITY, REFUSALS_AUTHORITY, "late, sorry"],
)
def test_what_was_stated_and_what_the_server_does_by_itself_are_known(authority: str) -> None:
    assert problem(authority) is None


@pytest.mark.parametrize(
    "authority",
    ["", " ", "\u2003", " request", "two\nlines", "x" * (LONGEST_AUTHORITY + 1), "retention by hand", "retentions",
     "retention: 30 days", "retention: some days without a yes"],
)  # fmt: skip
def test_an_empty_or_unknown_one_is_none(authority: str) -> None:
    assert problem(authority)


def test_a_late_refusal_takes_back_sound_alone() -> None:
    assert problem(LATE_REFUSAL, bodies=(3,))
    assert problem("request", bodies=(3,)) is None


@pytest.mark.parametrize(
    ("authority", "days", "is_due"),
    [
        (RECORDING_AUTHORITY, 0.5, False),
        (RECORDING_AUTHORITY, 1, True),
        (REFUSALS_AUTHORITY, 29, False),
        (REFUSALS_AUTHORITY, 30, True),
        ("retention: 7 days of something", 6, False),
    ],
)
def test_retention_must_be_as_old_as_it_says(authority: str, days: float, is_due: bool) -> None:
    assert (problem(authority, after=timedelta(days=days)) is None) is is_due


def test_where_no_meeting_began_its_age_can_not_be_told() -> None:
    erased = Erased(visit=VisitId(""), bodies=(1,), segments=(), transcripts=(), authority=REFUSALS_AUTHORITY)
    assert authority_problem(erased, BEGAN, None) is None
