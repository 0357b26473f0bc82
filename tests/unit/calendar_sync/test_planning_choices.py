"""What a host chose for one calendar, what calls a running visit off, and which meetings are on at the same time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from calendar_sync.host_rules import NO_WISHES, wishes_of
from calendar_sync.links import LinkTexts
from calendar_sync.planning import (
    CHOICE_UNKNOWN,
    DECLINED,
    NOBODY_OUTSIDE,
    NOT_ACCEPTED,
    NOT_ORGANISED,
    OUTSIDERS,
    WILL_JOIN,
    WORD_SKIPPED,
    Cancel,
    KnownMeeting,
    Move,
    OwnAnswer,
    Progress,
    decide,
    hold,
    overlapping,
    plan,
)
from storage.calendar_policy import CalendarPolicy, Externals, Recorded
from storage.host_rules import HostRules
from tests.unit.calendar_sync.test_planning import NOW, POLICY, ROOM, event

ACCEPTED = {"own_answer": OwnAnswer.ACCEPTED}
OWN = {"is_organised_by_host": True}
INSIDE, OUTSIDE, UNKNOWN = frozenset({"example.org"}), frozenset({"example.org", "other.example"}), frozenset({""})


@pytest.mark.parametrize(
    ("policy", "changes", "reason"),
    [
        (CalendarPolicy(recorded=Recorded.ORGANISED), OWN, WILL_JOIN),
        (CalendarPolicy(recorded=Recorded.ORGANISED), ACCEPTED, NOT_ORGANISED),
        (CalendarPolicy(recorded=Recorded.ORGANISED), {"organiser": ""}, WILL_JOIN),  # nobody else is in it
        (CalendarPolicy(recorded=Recorded.ORGANISED), {"organiser": "", "domains": INSIDE}, NOT_ORGANISED),
        (CalendarPolicy(recorded=Recorded.ACCEPTED), OWN, WILL_JOIN),
        (CalendarPolicy(recorded=Recorded.ACCEPTED), ACCEPTED, WILL_JOIN),
        (CalendarPolicy(recorded=Recorded.ACCEPTED), {"own_answer": OwnAnswer.TENTATIVE}, NOT_ACCEPTED),
        (CalendarPolicy(recorded=Recorded.ACCEPTED), {}, NOT_ACCEPTED),
        (CalendarPolicy(recorded=Recorded.ACCEPTED), {"own_answer": OwnAnswer.DECLINED}, DECLINED),
        (CalendarPolicy(skip_words=("week*",)), {}, WORD_SKIPPED),
        (CalendarPolicy(skip_words=("week",)), {}, WILL_JOIN),
        (CalendarPolicy(externals=Externals.WITHOUT), {"domains": INSIDE}, WILL_JOIN),
        (CalendarPolicy(externals=Externals.WITHOUT), {"domains": OUTSIDE}, OUTSIDERS),
        (CalendarPolicy(externals=Externals.WITHOUT), {"domains": UNKNOWN}, OUTSIDERS),
        (CalendarPolicy(externals=Externals.ONLY), {"domains": INSIDE}, NOBODY_OUTSIDE),
        (CalendarPolicy(externals=Externals.ONLY), {"domains": OUTSIDE}, WILL_JOIN),
        (CalendarPolicy(externals=Externals.ONLY), {"domains": UNKNOWN}, NOBODY_OUTSIDE),
        (CalendarPolicy(join_early_s=60), {}, WILL_JOIN),
    ],
)
def test_a_calendars_own_choices(policy: CalendarPolicy, changes: dict[str, object], reason: str) -> None:
    wishes = wishes_of(HostRules(), "ann@example.org", policy)
    assert decide(event(**changes), POLICY, wishes).reason == reason  # type: ignore[arg-type]


def test_other_choices_have_another_mark_and_how_early_is_none() -> None:
    marks = {
        wishes_of(HostRules(), "ann@example.org", policy).mark
        for policy in (
            CalendarPolicy(),
            CalendarPolicy(recorded=Recorded.ACCEPTED),
            CalendarPolicy(skip_words=("a",)),
            CalendarPolicy(externals=Externals.ONLY),
        )
    }
    assert len(marks) == 4
    assert wishes_of(HostRules(), "ann@example.org", CalendarPolicy(join_early_s=9)).mark in marks


def test_new_choices_hold_a_plan_that_cannot_be_judged_anew() -> None:
    meeting = decide(event(), POLICY)
    skipping = wishes_of(HostRules(), "ann@example.org", CalendarPolicy(skip_words=("weekly",)))
    assert hold(meeting, skipping, people_were_judged=True).reason == WORD_SKIPPED
    assert hold(meeting, NO_WISHES, people_were_judged=True, choices_were_judged=False).reason == CHOICE_UNKNOWN
    assert hold(meeting, NO_WISHES, people_were_judged=True) == meeting


def test_a_running_meeting_is_called_off_by_a_word_of_the_calendar_and_never_by_its_silence() -> None:
    running = {"k": KnownMeeting(meeting=decide(event(minutes=-10), POLICY), progress=Progress.RUNNING)}
    assert plan([], running, NOW, POLICY, is_complete=True) == []
    assert plan([], running, NOW, POLICY, removed=frozenset("k"), is_complete=False) == [Cancel(occurrence_key="k")]
    cancelled = event(minutes=-10, is_cancelled=True)
    assert plan([cancelled], running, NOW, POLICY, is_complete=False) == [Cancel(occurrence_key="k")]
    for told in (event(minutes=60), event(minutes=-10, texts=LinkTexts(location=f"{ROOM}-new"))):
        assert plan([told], running, NOW, POLICY, is_complete=True) == [Move(meeting=decide(told, POLICY))]
    declined = event(minutes=-10, own_answer=OwnAnswer.DECLINED)
    assert plan([declined], running, NOW, POLICY, is_complete=True) == [Move(meeting=decide(declined, POLICY))]
    for same in (event(minutes=-10), event(minutes=-10, texts=LinkTexts())):
        assert plan([same], running, NOW, POLICY, is_complete=True) == []


def test_meetings_at_one_time_are_found_whatever_their_order() -> None:
    def at(start: int, end: int) -> tuple[datetime, datetime]:
        return NOW + timedelta(minutes=start), NOW + timedelta(minutes=end)

    times = {"long": at(0, 120), "in it": at(30, 40), "later": at(40, 50), "next": at(120, 130), "alone": at(200, 219)}
    assert overlapping(times) == {"long", "in it", "later"}
    assert overlapping(dict(reversed(times.items()))) == {"long", "in it", "later"}
    assert overlapping({}) == set()
