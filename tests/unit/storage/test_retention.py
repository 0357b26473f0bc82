"""What is due to be erased, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from consent_notice.words import VisitId
from storage.retention import REFUSALS_DAYS, Due, HeldVisit, due

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def held(name: str, days: float, *, recording: bool = True, refusals: bool = True) -> HeldVisit:
    return HeldVisit(
        visit=VisitId(name),
        started_at=NOW - timedelta(days=days),
        holds_recording=recording,
        holds_refusals=refusals,
    )


def test_nothing_is_due_before_its_day() -> None:
    assert due(NOW, [held("young", 29.9)], 90) == Due()


def test_a_recording_is_due_from_its_day_on() -> None:
    visits = [held("a", 90), held("b", 89.999), held("c", 400)]
    assert due(NOW, visits, 90).recordings == ("c", "a")


def test_refusals_have_thirty_days_whatever_recordings_have() -> None:
    visits = [held("a", 30), held("b", 29.999), held("c", 3)]
    assert due(NOW, visits, 2) == Due(recordings=(VisitId("a"), VisitId("b"), VisitId("c")), refusals=(VisitId("a"),))
    assert due(NOW, visits, 3650) == Due(refusals=(VisitId("a"),))


def test_what_is_gone_is_not_due_again() -> None:
    assert due(NOW, [held("a", 500, recording=False, refusals=False)], 90) == Due()


@given(st.lists(st.tuples(st.integers(0, 5_000), st.booleans(), st.booleans())), st.integers(1, 3650))
def test_due_is_exactly_what_is_held_and_old_enough(ages: list[tuple[int, bool, bool]], retention_days: int) -> None:
    visits = [held(str(n), age, recording=rec, refusals=ref) for n, (age, rec, ref) in enumerate(ages)]
    found = due(NOW, visits, retention_days)
    assert set(found.recordings) == {str(n) for n, (age, rec, _) in enumerate(ages) if rec and age >= retention_days}
    assert set(found.refusals) == {str(n) for n, (age, _, ref) in enumerate(ages) if ref and age >= REFUSALS_DAYS}
