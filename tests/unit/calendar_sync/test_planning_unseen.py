"""What came and went while nobody read the calendar is told as missed, and nothing else that is over is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from calendar_sync.links import KnownHosts, LinkTexts, Platform
from calendar_sync.planning import (
    CalendarEvent,
    Change,
    KnownMeeting,
    Move,
    OwnAnswer,
    PlanningPolicy,
    Progress,
    Schedule,
    decide,
    plan,
)
from calendar_sync.reach import Reach
from storage.meeting_rows import UNSEEN

POLICY = PlanningPolicy(
    known_hosts=KnownHosts(practice_url="http://rooms.test"), reach=Reach(joinable=frozenset({Platform.PRACTICE}))
)
NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
READ = NOON - timedelta(hours=3)  # and then the server was down until noon
EVENT = CalendarEvent(
    occurrence_key="k",
    title="Planning",
    organiser="ann@example.org",
    starts_at=NOON - timedelta(hours=2),
    ends_at=NOON - timedelta(hours=1),
    texts=LinkTexts(location="http://rooms.test/room/abc"),
)


def planned(event: CalendarEvent, read_until: datetime | None = READ, **known: KnownMeeting) -> list[Change]:
    return plan([event], known, NOON, POLICY, is_complete=True, read_until=read_until)


def test_it_is_scheduled_with_the_reason() -> None:
    (change,) = planned(EVENT)
    assert isinstance(change, Schedule)
    assert (change.meeting.decision, change.meeting.reason) == ("record", UNSEEN)


@pytest.mark.parametrize(
    "event",
    [
        replace(
            EVENT, starts_at=READ - timedelta(hours=1), ends_at=READ
        ),  # over when the calendar was read: known, or put in afterwards
        replace(EVENT, is_cancelled=True),
        replace(EVENT, own_answer=OwnAnswer.DECLINED),
        replace(EVENT, texts=LinkTexts()),
        replace(EVENT, is_all_day=True),
    ],
)
def test_what_no_bot_would_have_gone_to_was_not_missed(event: CalendarEvent) -> None:
    assert planned(event) == []


def test_before_the_first_reading_nothing_was_missed() -> None:
    assert planned(EVENT, read_until=None) == []


@pytest.mark.parametrize("progress", [Progress.GONE, Progress.FIXED, Progress.RUNNING])
def test_what_was_known_is_not_told_again(progress: Progress) -> None:
    assert planned(EVENT, k=KnownMeeting(meeting=decide(EVENT, POLICY), progress=progress)) == []


def test_one_that_was_planned_as_it_was_is_left_to_be_marked() -> None:
    assert planned(EVENT, k=KnownMeeting(meeting=decide(EVENT, POLICY), progress=Progress.WAITING)) == []


def test_one_that_was_moved_ahead_meanwhile_is_missed_at_its_new_time_and_not_called_cancelled() -> None:
    tomorrow = replace(EVENT, starts_at=NOON + timedelta(days=1), ends_at=NOON + timedelta(days=1, hours=1))
    (change,) = planned(EVENT, k=KnownMeeting(meeting=decide(tomorrow, POLICY), progress=Progress.WAITING))
    assert isinstance(change, Move)
    assert (change.meeting.starts_at, change.meeting.reason) == (EVENT.starts_at, UNSEEN)
