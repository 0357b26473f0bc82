"""Which bot may go where: what changed up to the last second counts, and one room gets one bot, whoever invited it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from consent_notice.words import CalendarId, MeetingId, Rule
from storage.calendar_policy import CalendarPolicy
from storage.claims import KEPT_AWAY, NO_BOT_IN_TIME, UNDECIDED
from storage.meetings import Cancelled, MeetingState
from storage.store import Store
from tests.adapter.storage.hand_clock import START, HandClock
from tests.adapter.storage.test_meetings import PLANNED

HALF = timedelta(minutes=30)


async def plan_for(store: Store, name: str, **changes: object) -> tuple[CalendarId, MeetingId]:
    """A host of that name with an enabled calendar that has the meeting."""
    host = await store.users.create(email=f"{name}@example.org", name=name, role="host", password_hash="-")
    calendar = await store.calendars.add(
        host_id=host.id, provider="ics", title="Work", address="file:///w.ics", rule=Rule.EVERYONE, language="en"
    )
    await store.calendars.set_enabled(calendar.id, True)
    await store.meetings.apply_plan(calendar.id, [replace(PLANNED, **changes)])  # type: ignore[arg-type]
    (row,) = await store.meetings.of_calendar(calendar.id)
    return calendar.id, row.id


async def claim(store: Store, meeting_id: MeetingId) -> int | None:
    return await store.meetings.claim(meeting_id, "bot", 3_000, due_within_s=5)


async def due(store: Store, clock: HandClock) -> list[str]:
    return [meeting.id for meeting in await store.meetings.due(clock.now(), 5)]


@pytest.mark.parametrize("change", ["switched off", "skipped", "cancelled", "moved", "no link", "declined", "deleted"])
async def test_what_changed_after_it_was_found_due_still_keeps_the_bot_away(
    store: Store, clock: HandClock, change: str
) -> None:
    calendar, meeting = await plan_for(store, "ann")
    assert await due(store, clock) == [meeting]
    later = {"starts_at": START + HALF, "ends_at": START + 2 * HALF}
    match change:
        case "switched off":
            await store.calendars.set_enabled(calendar, False)
        case "skipped":
            await store.meetings.override(meeting, "skip")
        case "cancelled":
            await store.meetings.apply_plan(calendar, [Cancelled(occurrence_key=PLANNED.occurrence_key)])
        case "moved":
            await store.meetings.apply_plan(calendar, [replace(PLANNED, **later)])  # type: ignore[arg-type]
        case "no link":
            await store.meetings.apply_plan(calendar, [replace(PLANNED, link=None, decision="skip")])
        case "declined":
            await store.meetings.apply_plan(calendar, [replace(PLANNED, decision="skip", reason="you declined")])
        case _:
            await store.calendars.delete(calendar)
    assert await claim(store, meeting) is None


@pytest.mark.parametrize(("early_s", "is_due"), [(None, False), (0, False), (59, False), (60, True), (600, True)])
async def test_a_calendar_says_how_early_its_meetings_are_joined(
    store: Store, clock: HandClock, early_s: int | None, is_due: bool
) -> None:
    minute = timedelta(minutes=1)
    calendar, meeting = await plan_for(store, "ann", starts_at=START + minute, ends_at=START + HALF)
    await store.calendars.set_policy(calendar, CalendarPolicy(join_early_s=early_s))
    assert (await due(store, clock) == [meeting]) is is_due
    assert (await claim(store, meeting) is not None) is is_due


async def test_a_meeting_of_two_hosts_gets_one_bot_and_both_are_told(store: Store, clock: HandClock) -> None:
    _, anns = await plan_for(store, "Ann", room="room 1", link="https://meet.example/room?pwd=1")
    _, bobs = await plan_for(store, "Bob", room="room 1", link="https://meet.example/room")
    assert set(await due(store, clock)) == {anns, bobs}
    assert await claim(store, anns) == 1
    assert await claim(store, bobs) is None
    assert await due(store, clock) == []
    assert await store.meetings.visited_for([bobs, anns]) == {bobs: "Ann"}
    await store.visits.open_visit(anns, 1, Rule.EVERYONE, "en")
    await store.meetings.finish(anns, 1, "meeting_ended")
    assert await due(store, clock) == []  # once, and not once for each
    clock.pass_ms(3_600_000)
    assert await store.meetings.mark_missed(clock.now()) == 0
    row = await store.meetings.get(bobs)
    assert row is not None
    assert (row.state, row.outcome) == (MeetingState.DONE, "the bot was there for Ann, who has this meeting too")


async def test_a_stop_holds_for_the_other_host_too(store: Store, clock: HandClock) -> None:
    _, anns = await plan_for(store, "Ann")
    _, bobs = await plan_for(store, "Bob")
    assert await claim(store, anns) == 1
    await store.visits.open_visit(anns, 1, Rule.EVERYONE, "en")
    await store.meetings.stop(anns)
    assert await due(store, clock) == []
    assert await claim(store, bobs) is None


async def test_who_does_not_want_it_takes_it_from_nobody(store: Store, clock: HandClock) -> None:
    _, anns = await plan_for(store, "Ann")
    _, bobs = await plan_for(store, "Bob")
    await store.meetings.stop(anns)  # before any bot was there: Ann's own matter
    assert await due(store, clock) == [bobs]


async def test_meetings_one_after_the_other_in_one_room_are_visited_both(store: Store, clock: HandClock) -> None:
    _, first = await plan_for(store, "Ann", ends_at=START + HALF)
    _, second = await plan_for(store, "Bob", starts_at=START + HALF, ends_at=START + 2 * HALF)
    assert await claim(store, first) == 1
    await store.visits.open_visit(first, 1, Rule.EVERYONE, "en")
    clock.pass_ms(1_800_000)
    assert await due(store, clock) == []  # its bot is still there
    await store.meetings.finish(first, 1, "meeting_ended")
    assert await due(store, clock) == [second]


async def test_a_host_sends_the_bot_back_by_hand_where_it_was_before_but_no_second_one(
    store: Store, clock: HandClock
) -> None:
    _, anns = await plan_for(store, "Ann")
    row = await store.meetings.get(anns)
    assert row is not None
    assert await claim(store, anns) == 1
    await store.visits.open_visit(anns, 1, Rule.EVERYONE, "en")
    by_hand = await store.meetings.add_by_hand(row.host_id, PLANNED.link or "", "Again")
    assert await due(store, clock) == []
    await store.meetings.stop(anns)
    assert await due(store, clock) == [by_hand.id]
    assert await claim(store, by_hand.id) == 1


async def test_two_claims_of_one_room_at_once_are_one(store: Store) -> None:
    _, anns = await plan_for(store, "Ann")
    _, bobs = await plan_for(store, "Bob")
    claims = [await claim(store, meeting) for meeting in (anns, bobs, anns, bobs)]
    assert claims == [1, None, None, None]


async def test_a_missed_meeting_says_why(store: Store, clock: HandClock) -> None:
    _, meeting = await plan_for(store, "Ann")
    clock.pass_ms(3_600_000)
    assert await store.meetings.mark_missed(clock.now()) == 1
    row = await store.meetings.get(meeting)
    assert row is not None
    assert (row.state, row.outcome) == (MeetingState.MISSED, NO_BOT_IN_TIME)


@pytest.mark.parametrize("change", ["switched off", "skipped", "cancelled", "declined", "deleted"])
async def test_a_running_visit_is_called_off(store: Store, clock: HandClock, change: str) -> None:
    calendar, meeting = await plan_for(store, "ann")
    assert await claim(store, meeting) == 1
    assert await store.meetings.called_off(meeting) is None
    match change:
        case "switched off":
            await store.calendars.set_enabled(calendar, False)
        case "skipped":
            await store.meetings.override(meeting, "skip")
        case "cancelled":
            await store.meetings.apply_plan(calendar, [Cancelled(occurrence_key=PLANNED.occurrence_key)])
        case "declined":
            await store.meetings.apply_plan(calendar, [replace(PLANNED, decision="skip", reason="you declined")])
        case _:
            await store.calendars.delete(calendar)
    assert await store.meetings.called_off(meeting)
    assert await store.meetings.claim(meeting, "bot", -1) is None  # nor does it go back in
    assert await store.meetings.claim(meeting, "bot", -1, to_close=True) == 2


async def test_what_a_host_asked_for_by_hand_is_not_called_off(store: Store) -> None:
    calendar, meeting = await plan_for(store, "ann")
    await store.meetings.override(meeting, "record")
    assert await claim(store, meeting) == 1
    await store.calendars.set_enabled(calendar, False)
    await store.meetings.apply_plan(calendar, [Cancelled(occurrence_key=PLANNED.occurrence_key)])
    await store.meetings.apply_plan(calendar, [replace(PLANNED, decision="skip", reason="you declined")])
    assert await store.meetings.called_off(meeting) is None


@pytest.mark.parametrize(
    "changes", [{"starts_at": START + HALF, "ends_at": START + 2 * HALF}, {"link": "https://meet.example/other"}]
)
async def test_a_running_meeting_that_is_moved_or_gets_a_new_link_is_visited_anew(
    store: Store, clock: HandClock, changes: dict[str, object]
) -> None:
    calendar, meeting = await plan_for(store, "ann")
    await store.meetings.override(meeting, "record")
    assert await claim(store, meeting) == 1
    clock.pass_ms(60_000)
    changed = replace(PLANNED, **changes)  # type: ignore[arg-type]
    for _ in range(2):
        await store.meetings.apply_plan(calendar, [changed])
    assert await store.meetings.called_off(meeting)
    before, after = sorted(await store.meetings.of_calendar(calendar), key=lambda row: row.epoch, reverse=True)
    assert (before.id, before.state, before.ends_at) == (meeting, MeetingState.VISITING, clock.now())
    assert (after.occurrence_key, after.state, after.override) == ("standup/1", MeetingState.PLANNED, "record")
    assert (after.starts_at, after.link) == (changed.starts_at, changed.link)
    await store.visits.open_visit(meeting, 1, Rule.EVERYONE, "en")
    await store.meetings.finish(meeting, 1, "called_off")
    clock.pass_ms(1_800_000)
    if "link" in changes:
        clock.pass_ms(-1_740_000)
    assert await due(store, clock) == [after.id]


async def test_a_bot_that_came_early_to_a_meeting_that_is_moved_ahead_comes_again(
    store: Store, clock: HandClock
) -> None:
    minute = timedelta(minutes=1)
    calendar, meeting = await plan_for(store, "ann", starts_at=START + 5 * minute, ends_at=START + HALF)
    await store.calendars.set_policy(calendar, CalendarPolicy(join_early_s=300))
    assert await claim(store, meeting) == 1
    ahead = replace(PLANNED, starts_at=START + 3 * minute, ends_at=START + HALF)
    await store.meetings.apply_plan(calendar, [ahead])
    await store.visits.open_visit(meeting, 1, Rule.EVERYONE, "en")
    await store.meetings.finish(meeting, 1, "called_off")
    (after,) = [row for row in await store.meetings.of_calendar(calendar) if row.id != meeting]
    assert await due(store, clock) == [after.id]


async def test_a_running_meeting_that_is_only_longer_goes_on(store: Store) -> None:
    calendar, meeting = await plan_for(store, "ann")
    assert await claim(store, meeting) == 1
    await store.meetings.apply_plan(calendar, [replace(PLANNED, ends_at=START + 4 * HALF, title="Longer")])
    row = await store.meetings.get(meeting)
    assert row is not None
    assert (row.ends_at, row.title, row.recall) == (START + 4 * HALF, "Longer", None)


async def test_what_a_host_decides_later_waits_for_them(store: Store, clock: HandClock) -> None:
    calendar, meeting = await plan_for(store, "Ann")
    await store.meetings.override(meeting, "later")
    assert await due(store, clock) == []
    await store.meetings.apply_plan(calendar, [replace(PLANNED, title="Moved by its calendar")])
    assert await due(store, clock) == []
    clock.pass_ms(3_600_000)
    await store.meetings.mark_missed(clock.now())
    row = await store.meetings.get(meeting)
    assert row is not None
    assert (row.state, row.outcome) == (MeetingState.MISSED, UNDECIDED)


@pytest.mark.parametrize("no", ["skip", "later", "stop"])
@pytest.mark.parametrize("ends_at", [None, START + HALF])
async def test_a_no_holds_for_the_meeting_in_all_of_a_hosts_calendars(
    store: Store, clock: HandClock, no: str, ends_at: datetime | None
) -> None:
    calendar_id, first = await plan_for(store, "Ann", ends_at=ends_at)
    calendar = await store.calendars.get(calendar_id)
    assert calendar is not None
    twin_in = await store.calendars.add(
        host_id=calendar.host_id, provider="ics", title="Team", address="file:///t", rule=Rule.EVERYONE, language="en"
    )
    await store.calendars.set_enabled(twin_in.id, True)
    if no == "stop":
        await store.meetings.stop(first)
    else:
        await store.meetings.override(first, "skip" if no == "skip" else "later")
    await store.meetings.apply_plan(twin_in.id, [replace(PLANNED, ends_at=ends_at)])
    (twin,) = await store.meetings.of_calendar(twin_in.id)
    assert await due(store, clock) == []
    assert await claim(store, twin.id) is None
    assert await store.meetings.kept_away([first, twin.id]) == (set() if no == "stop" else {twin.id})
    _, bobs = await plan_for(store, "Bob", ends_at=ends_at)
    assert await due(store, clock) == [bobs]  # another host's own choice

    if no != "stop":
        await store.meetings.override(twin.id, "record")
        assert twin.id in await due(store, clock)
        await store.meetings.override(twin.id, None)
        await store.meetings.mark_missed(START + timedelta(hours=5))
        missed = await store.meetings.get(twin.id)
        assert missed is not None
        assert missed.outcome == KEPT_AWAY
