"""Passes over calendars into the real storage: nothing twice, nothing lost, and the place is kept last."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from calendar_sync.errors import CalendarUnreachable
from calendar_sync.links import LinkTexts
from calendar_sync.planning import DECLINED, NO_LINK, WILL_JOIN, CalendarEvent, OwnAnswer
from calendar_sync.sync import CalendarSync
from consent_notice.words import Rule
from storage.calendars import CalendarRow
from storage.meetings import MeetingRow, MeetingState
from tests.adapter.calendar_sync.conftest import POLICY, ROOM, Installation
from tests.simulators.calendar_provider import SimulatedCalendar


@pytest.fixture
def simulated() -> SimulatedCalendar:
    return SimulatedCalendar()


@pytest.fixture
def sync(here: Installation, simulated: SimulatedCalendar) -> CalendarSync:
    return CalendarSync(here.store, {"ics": simulated}, here.clock, POLICY)


def event(here: Installation, key: str, minutes: int = 60, link: str | None = None) -> CalendarEvent:
    starts_at = here.clock.now().replace(microsecond=0) + timedelta(minutes=minutes)
    return CalendarEvent(
        occurrence_key=key,
        title=f"Title {key}",
        organiser="Bob",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        texts=LinkTexts(location=link if link is not None else f"{ROOM}-{key}"),
    )


async def meetings(here: Installation, calendar: CalendarRow) -> dict[str, MeetingRow]:
    return {row.occurrence_key: row for row in await here.store.meetings.of_calendar(calendar.id)}


async def states(here: Installation, calendar: CalendarRow) -> dict[str, str]:
    return {key: row.state.value for key, row in (await meetings(here, calendar)).items()}


async def test_a_calendar_that_is_off_is_not_even_fetched(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x", enabled=False)
    assert not (await sync.read(calendar.id)).was_read
    assert simulated.passes == []
    assert await meetings(here, calendar) == {}


async def test_changes_arrive_as_they_are_told(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(*(event(here, key) for key in "abc"), event(here, "d", link="Room 5"))
    assert (await sync.read(calendar.id)).changes == 4
    found = await meetings(here, calendar)
    assert {key: row.reason for key, row in found.items()} == dict.fromkeys("abc", WILL_JOIN) | {"d": NO_LINK}
    assert found["a"].link == f"{ROOM}-a"
    assert (found["a"].rule, found["a"].language) == (Rule.EVERYONE, "en")

    assert (await sync.read(calendar.id)).changes == 0
    moved = event(here, "a", minutes=90)
    simulated.put(moved)
    simulated.remove("b")
    assert (await sync.read(calendar.id)).changes == 2
    after = await meetings(here, calendar)
    assert after["a"].id == found["a"].id
    assert after["a"].starts_at == moved.starts_at
    assert (await states(here, calendar))["b"] == "cancelled"
    assert simulated.passes == [None, "4", "4"]
    row = await here.row(calendar)
    assert (row.last_error, row.broken_events) == (None, 0)
    assert row.last_synced_at is not None


async def test_replays_and_repetitions_change_nothing(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.tells_twice = True
    simulated.put(*(event(here, key) for key in "abc"))
    assert (await sync.read(calendar.id)).changes == 3
    assert (await sync.read(calendar.id, from_scratch=True)).changes == 0


async def test_an_expired_token_means_a_full_pass_without_gap_or_duplicate(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(*(event(here, key) for key in "abc"))
    await sync.read(calendar.id)
    simulated.remove("a")
    simulated.put(event(here, "d"))
    simulated.forget_tokens()
    assert (await sync.read(calendar.id)).changes == 2
    assert simulated.passes == [None, "3", None]
    assert await states(here, calendar) == {"a": "cancelled", "b": "planned", "c": "planned", "d": "planned"}


async def test_half_a_pass_is_none(here: Installation, sync: CalendarSync, simulated: SimulatedCalendar) -> None:
    calendar = await here.connect("x")
    simulated.put(*(event(here, key) for key in "abcd"))
    await sync.read(calendar.id)
    before = await here.row(calendar)
    simulated.remove("a")
    simulated.put(event(here, "e"), event(here, "f"), event(here, "g"))
    for fault in ({"fails_after_pages": 1}, {"loses_last_page": True}):
        for name, value in fault.items():
            setattr(simulated, name, value)
        result = await sync.read(calendar.id)
        assert result.error is not None
        row = await here.row(calendar)
        assert (row.sync_state, row.last_synced_at) == (before.sync_state, before.last_synced_at)
        assert row.last_error == result.error
        assert await states(here, calendar) == dict.fromkeys("abcd", "planned")
        simulated.fails_after_pages, simulated.loses_last_page = None, False
    assert (await sync.read(calendar.id)).changes == 4
    assert (await here.row(calendar)).last_error is None


async def test_a_crash_between_plan_and_place_repeats_the_pass_and_changes_nothing(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = await here.connect("x")
    simulated.put(*(event(here, key) for key in "abc"))

    async def dies(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(here.store.calendars, "save_sync", dies)
        with pytest.raises(KeyboardInterrupt):
            await sync.read(calendar.id)
    before = await meetings(here, calendar)
    assert len(before) == 3, "the plan came first"
    assert (await here.row(calendar)).sync_state is None, "the place was not kept"
    assert (await sync.read(calendar.id)).changes == 0
    assert await meetings(here, calendar) == before


async def test_a_failing_calendar_keeps_its_plan_and_says_why(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar, caplog: pytest.LogCaptureFixture
) -> None:
    calendar = await here.connect("https://secret.example/token.ics")
    simulated.put(event(here, "a"))
    await sync.read(calendar.id)
    for error, words in (
        (CalendarUnreachable(), "does not answer"),
        (ValueError("Title a: Bob's secret"), "we did not foresee (ValueError)"),
    ):
        simulated.error = error
        with caplog.at_level(logging.DEBUG):
            result = await sync.read(calendar.id)
        told = (await here.row(calendar)).last_error
        assert told == result.error
        assert told is not None
        assert words in told
        assert await states(here, calendar) == {"a": "planned"}
        for text in (told, caplog.text):
            assert "secret" not in text
            assert "Title" not in text
    assert calendar.id in caplog.text


async def test_what_was_switched_off_while_it_was_read_is_not_planned(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(event(here, "a"))
    simulated.during_pass = [lambda: here.store.calendars.set_enabled(calendar.id, False)]
    await sync.read(calendar.id)
    assert await meetings(here, calendar) == {}
    simulated.during_pass = [lambda: here.store.calendars.delete(calendar.id)]
    await here.store.calendars.set_enabled(calendar.id, True)
    await sync.read(calendar.id)
    assert await here.store.calendars.get(calendar.id) is None


async def test_switching_off_withdraws_all_but_what_was_asked_for_by_hand(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(*(event(here, key) for key in "abc"))
    await sync.read(calendar.id)
    await here.store.meetings.override((await meetings(here, calendar))["b"].id, "record")
    await here.store.calendars.set_enabled(calendar.id, False)
    await sync.withdraw(calendar.id)
    assert await states(here, calendar) == {"a": "cancelled", "b": "planned", "c": "cancelled"}
    await here.store.calendars.set_enabled(calendar.id, True)
    await sync.read(calendar.id, from_scratch=True)
    assert set((await states(here, calendar)).values()) == {"planned"}


async def test_a_hosts_stop_is_final_whatever_the_calendar_says(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(event(here, "a", minutes=-5))
    await sync.read(calendar.id)
    meeting = (await meetings(here, calendar))["a"]
    await here.store.meetings.claim(meeting.id, "bot", 1000)
    await here.store.meetings.stop(meeting.id)
    simulated.put(event(here, "a", minutes=-4), event(here, "twin", minutes=-3, link=f"{ROOM}-a"))
    await sync.read(calendar.id)
    await sync.read(calendar.id, from_scratch=True)
    assert (await meetings(here, calendar))["a"].state is MeetingState.STOPPED
    assert await here.store.meetings.due(here.clock.now(), 5) == []


async def test_overrides_and_own_rules_survive_a_move(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(event(here, "a"), event(here, "b"))
    await sync.read(calendar.id)
    meeting = (await meetings(here, calendar))["a"]
    await here.store.meetings.override(meeting.id, "skip")
    await here.store.meetings.set_rule(meeting.id, Rule.EACH_VOICE)
    simulated.put(event(here, "a", minutes=120), event(here, "b", minutes=130))
    await sync.read(calendar.id)
    await sync.read(calendar.id, from_scratch=True)
    found = await meetings(here, calendar)
    assert (found["a"].override, found["a"].rule) == ("skip", Rule.EACH_VOICE)
    assert (found["b"].override, found["b"].rule) == (None, Rule.EVERYONE)


async def test_a_new_rule_of_the_calendar_reaches_what_is_planned(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(event(here, "a"), event(here, "b", minutes=-1))
    await sync.read(calendar.id)
    await here.store.meetings.claim((await meetings(here, calendar))["b"].id, "bot", 1000)
    await here.store.calendars.set_rule(calendar.id, Rule.EACH_VOICE)
    assert (await sync.read(calendar.id)).changes == 1
    found = await meetings(here, calendar)
    assert (found["a"].rule, found["b"].rule) == (Rule.EACH_VOICE, Rule.EVERYONE)
    assert (await sync.read(calendar.id)).changes == 0


async def test_a_declined_meeting_is_skipped_with_the_reason(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    declined = event(here, "a")
    simulated.put(
        CalendarEvent(
            occurrence_key="a",
            title="t",
            organiser="",
            starts_at=declined.starts_at,
            ends_at=declined.ends_at,
            own_answer=OwnAnswer.DECLINED,
            texts=declined.texts,
        )
    )
    await sync.read(calendar.id)
    meeting = (await meetings(here, calendar))["a"]
    assert (meeting.decision, meeting.reason) == ("skip", DECLINED)


async def test_the_state_of_another_version_means_a_full_pass(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    for stored in ("not json", "[]", '{"provider": "7"}', '{"terms": 3, "provider": null}'):
        await here.store.calendars.save_sync(calendar.id, stored, None, 0)
        await sync.read(calendar.id)
    assert simulated.passes == [None] * 4


async def test_a_kind_that_is_not_known_is_explained(here: Installation, sync: CalendarSync) -> None:
    calendar = await here.connect("x", provider="carrier pigeon")
    assert "not supported" in ((await sync.read(calendar.id)).error or "")
