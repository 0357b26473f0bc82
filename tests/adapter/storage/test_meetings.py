"""Planned meetings: off until switched on, one owner at a time, a stop is final."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from consent_notice.words import CalendarId, MeetingId, Rule
from storage.errors import NotStored, StaleEpoch
from storage.meetings import BY_HAND, Cancelled, MeetingState, PlannedMeeting
from storage.store import Store
from tests.adapter.storage.hand_clock import START, HandClock

PLANNED = PlannedMeeting(
    occurrence_key="standup/1",
    title="Stand-up",
    organiser="Ann",
    starts_at=START,
    ends_at=START + timedelta(minutes=30),
    link="https://meet.example/secret-link",
    platform="practice",
    decision="record",
    reason="enabled calendar",
    rule=Rule.EVERYONE,
    fallback=Rule.EACH_VOICE,
    series="standup",
    language="en",
)


@pytest.fixture
async def calendar_id(store: Store) -> CalendarId:
    host = await store.users.create(email="Host@Example.org", name="Host", role="host", password_hash="-")
    calendar = await store.calendars.add(
        host_id=host.id, provider="ics", title="Work", address="file:///w.ics", rule=Rule.EVERYONE, language="en"
    )
    return calendar.id


@pytest.fixture
async def meeting_id(store: Store, calendar_id: CalendarId, clock: HandClock) -> MeetingId:
    await store.calendars.set_enabled(calendar_id, True)
    await store.meetings.apply_plan(calendar_id, [PLANNED])
    (meeting,) = await store.meetings.due(clock.now(), 5)
    return meeting.id


async def test_nothing_is_due_until_the_host_enables_the_calendar(
    store: Store, calendar_id: CalendarId, clock: HandClock
) -> None:
    await store.meetings.apply_plan(calendar_id, [PLANNED])
    assert await store.meetings.due(clock.now(), 5) == []
    await store.calendars.set_enabled(calendar_id, True)
    (meeting,) = await store.meetings.due(clock.now(), 5)
    assert (meeting.link, meeting.fallback, meeting.series) == (PLANNED.link, PLANNED.fallback, PLANNED.series)
    await store.calendars.set_enabled(calendar_id, False)
    assert await store.meetings.due(clock.now(), 5) == []


async def test_an_override_decides_for_one_meeting(store: Store, meeting_id: MeetingId, clock: HandClock) -> None:
    await store.meetings.override(meeting_id, "skip")
    assert await store.meetings.due(clock.now(), 5) == []
    await store.meetings.override(meeting_id, None)
    assert len(await store.meetings.due(clock.now(), 5)) == 1


@pytest.mark.parametrize(("early_s", "due"), [(4, 0), (5, 1), (6, 1)])
async def test_due_begins_early_s_before_the_start(
    early_s: int, due: int, store: Store, calendar_id: CalendarId, clock: HandClock
) -> None:
    await store.calendars.set_enabled(calendar_id, True)
    await store.meetings.apply_plan(calendar_id, [replace(PLANNED, starts_at=START + timedelta(seconds=5))])
    assert len(await store.meetings.due(clock.now(), early_s)) == due


async def test_a_moved_meeting_stays_one_and_keeps_its_override(
    store: Store, calendar_id: CalendarId, meeting_id: MeetingId
) -> None:
    await store.meetings.override(meeting_id, "record")
    later = START + timedelta(days=1)
    await store.meetings.apply_plan(calendar_id, [replace(PLANNED, starts_at=later, decision="skip")])
    meeting = await store.meetings.get(meeting_id)
    assert meeting is not None
    assert (meeting.starts_at, meeting.override, meeting.will_record) == (later, "record", True)


async def test_cancelled_and_planned_again(
    store: Store, calendar_id: CalendarId, meeting_id: MeetingId, clock: HandClock
) -> None:
    await store.meetings.apply_plan(calendar_id, [Cancelled(occurrence_key=PLANNED.occurrence_key)])
    assert await store.meetings.due(clock.now(), 5) == []
    await store.meetings.apply_plan(calendar_id, [PLANNED])
    assert [meeting.id for meeting in await store.meetings.due(clock.now(), 5)] == [meeting_id]


async def test_a_plan_is_applied_whole_or_not_at_all(store: Store, calendar_id: CalendarId) -> None:
    broken = replace(PLANNED, occurrence_key="2", starts_at=START.replace(tzinfo=None))
    with pytest.raises(Exception, match="aware"):
        await store.meetings.apply_plan(calendar_id, [PLANNED, broken])
    with pytest.raises(NotStored):
        await store.meetings.apply_plan(CalendarId("none"), [PLANNED])
    await store.calendars.set_enabled(calendar_id, True)
    assert await store.meetings.due(START, 5) == []


async def test_one_of_many_claims_wins(store: Store, meeting_id: MeetingId) -> None:
    claims = await asyncio.gather(*(store.meetings.claim(meeting_id, f"bot {n}", 5_000) for n in range(12)))
    assert sorted(epoch for epoch in claims if epoch is not None) == [1]


async def test_a_silent_owner_is_taken_over_and_fenced_off(
    store: Store, meeting_id: MeetingId, clock: HandClock
) -> None:
    assert await store.meetings.claim(meeting_id, "first", 5_000) == 1
    clock.pass_ms(5_000)
    assert await store.meetings.claim(meeting_id, "second", 5_000) is None
    assert await store.meetings.heartbeat(meeting_id, 1, clock.boot_ms())
    clock.pass_ms(5_001)
    assert [meeting.id for meeting in await store.meetings.abandoned(5_000)] == [meeting_id]
    assert await store.meetings.claim(meeting_id, "second", 5_000) == 2
    assert not await store.meetings.heartbeat(meeting_id, 1, clock.boot_ms())
    assert not await store.meetings.finish(meeting_id, 1, "done")
    with pytest.raises(StaleEpoch):
        await store.visits.open_visit(meeting_id, 1, Rule.EVERYONE, "en")
    assert await store.meetings.finish(meeting_id, 2, "done")


async def test_a_restart_of_the_machine_leaves_every_meeting_abandoned(
    store: Store, meeting_id: MeetingId, clock: HandClock
) -> None:
    assert await store.meetings.claim(meeting_id, "first", 5_000) == 1
    clock.boot_id = "boot-2"
    assert await store.meetings.claim(meeting_id, "second", 5_000) == 2


@pytest.mark.parametrize("begun", [False, True])
async def test_a_stop_is_final(
    begun: bool, store: Store, calendar_id: CalendarId, meeting_id: MeetingId, clock: HandClock
) -> None:
    if begun:
        await store.meetings.claim(meeting_id, "bot", 5_000)
    await store.meetings.stop(meeting_id)
    assert await store.meetings.is_stopped(meeting_id)
    assert not await store.meetings.heartbeat(meeting_id, 1, clock.boot_ms())
    await store.meetings.apply_plan(calendar_id, [replace(PLANNED, starts_at=START + timedelta(minutes=1))])
    await store.meetings.override(meeting_id, "record")
    clock.pass_ms(60_000)
    assert await store.meetings.due(clock.now(), 5) == []
    assert await store.meetings.abandoned(0) == []
    assert await store.meetings.claim(meeting_id, "other", 0) is None
    assert await store.meetings.is_stopped(meeting_id)


async def test_what_was_begun_is_known_to_planning_long_after_the_rest(
    store: Store, calendar_id: CalendarId, meeting_id: MeetingId, clock: HandClock
) -> None:
    """An old occurrence that somebody moves ahead must be known for what became of it."""
    await store.meetings.apply_plan(calendar_id, [replace(PLANNED, occurrence_key="other")])
    await store.meetings.stop(meeting_id)
    day_ms = 86_400_000
    seen = []
    for days in (0, 2, 60, 40):
        clock.pass_ms(days * day_ms)
        seen.append({row.occurrence_key for row in await store.meetings.of_calendar(calendar_id)})
    assert seen == [{PLANNED.occurrence_key, "other"}, {PLANNED.occurrence_key}, {PLANNED.occurrence_key}, set()]


async def test_by_hand_is_due_at_once_and_missed_when_over(store: Store, clock: HandClock) -> None:
    host = await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")
    meeting = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/abc", "Quick talk")
    assert [row.id for row in await store.meetings.due(clock.now(), 0)] == [meeting.id]
    assert [row.id for row in await store.meetings.upcoming(host.id, clock.now())] == [meeting.id]
    clock.pass_ms(5 * 3_600_000)
    assert await store.meetings.due(clock.now(), 0) == []
    assert await store.meetings.mark_missed(clock.now()) == 1
    missed = await store.meetings.get(meeting.id)
    assert missed is not None
    assert missed.state is MeetingState.MISSED
    assert await store.meetings.missed(host.id) == [missed]


async def test_meetings_of_a_host_at_one_link_are_one_series(store: Store) -> None:
    ann, ben = [
        await store.users.create(email=f"{name}@example.org", name=name, role="host", password_hash="-")
        for name in ("ann", "ben")
    ]
    link = "http://127.0.0.1/room/abc"
    first = await store.meetings.add_by_hand(ann.id, link, "Daily")
    again = await store.meetings.add_by_hand(ann.id, link, "Daily, day two", fallback=Rule.EACH_VOICE)
    elsewhere = await store.meetings.add_by_hand(ann.id, f"{link}d", "Daily")
    of_ben = await store.meetings.add_by_hand(ben.id, link, "Daily")
    assert first.series == again.series
    assert len({first.series, elsewhere.series, of_ben.series}) == 3
    assert (first.fallback, again.fallback) == (None, Rule.EACH_VOICE)
    guesses = [sha256(text.encode()).hexdigest()[:12] for text in (link, ann.id + link, f'["{ann.id}", "{link}"]')]
    assert not [guess for guess in guesses if guess in first.series], "a link can't be tried out on its series"


async def test_by_hand_a_rule_of_the_host_skips_until_they_say_otherwise(store: Store, clock: HandClock) -> None:
    host = await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")
    meeting = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/abc", "HR", skipped_because="a rule")
    assert (meeting.decision, meeting.reason) == ("skip", "a rule")
    assert await store.meetings.due(clock.now(), 0) == []
    await store.meetings.decide(meeting.id, "record", BY_HAND)
    assert len(await store.meetings.due(clock.now(), 0)) == 1
    await store.meetings.decide(meeting.id, "skip", "a rule")
    await store.meetings.override(meeting.id, "record")
    assert len(await store.meetings.due(clock.now(), 0)) == 1
    await store.meetings.claim(meeting.id, "bot", 5_000)
    with pytest.raises(NotStored):
        await store.meetings.decide(meeting.id, "skip", "too late")
