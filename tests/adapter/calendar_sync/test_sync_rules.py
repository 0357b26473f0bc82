"""What the host and the calendar want of each meeting reaches the plan, also what is planned already."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from calendar_sync.errors import CalendarUnreachable
from calendar_sync.links import LinkTexts
from calendar_sync.planning import OUTSIDERS, OUTSIDERS_UNKNOWN, TITLE_BARRED, WILL_JOIN, CalendarEvent
from calendar_sync.sync import CalendarSync
from consent_notice.words import Rule
from storage.calendars import CalendarRow
from storage.host_rules import HostRules
from storage.meetings import MeetingRow
from tests.adapter.calendar_sync.conftest import POLICY, ROOM, Installation
from tests.simulators.calendar_provider import SimulatedCalendar

NO_HR = HostRules(never_titled=("HR",))
NO_GUESTS = HostRules(never_with_outsiders=True)


@pytest.fixture
def simulated() -> SimulatedCalendar:
    return SimulatedCalendar()


@pytest.fixture
def sync(here: Installation, simulated: SimulatedCalendar) -> CalendarSync:
    return CalendarSync(here.store, {"ics": simulated}, here.clock, POLICY)


def event(
    here: Installation, key: str, title: str = "Weekly", *domains: str, series: str = "", minutes: int = 60
) -> CalendarEvent:
    starts_at = here.clock.now().replace(microsecond=0) + timedelta(minutes=minutes)
    return CalendarEvent(
        occurrence_key=key,
        title=title,
        organiser="Bob",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        domains=frozenset(domains),
        series=series,
        texts=LinkTexts(location=f"{ROOM}-{key}"),
    )


async def meetings(here: Installation, calendar: CalendarRow) -> dict[str, MeetingRow]:
    return {row.occurrence_key: row for row in await here.store.meetings.of_calendar(calendar.id)}


async def reasons(here: Installation, calendar: CalendarRow) -> dict[str, str]:
    return {key: row.reason for key, row in (await meetings(here, calendar)).items()}


async def test_a_new_rule_reaches_what_an_unchanged_calendar_planned_before(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(event(here, "a", "HR talk"), event(here, "b", "Weekly", "other.example"), event(here, "c"))
    await sync.read(calendar.id)
    await here.store.users.set_host_rules(here.host.id, NO_HR)
    assert (await sync.read(calendar.id)).changes == 1
    assert await reasons(here, calendar) == {"a": TITLE_BARRED, "b": WILL_JOIN, "c": WILL_JOIN}
    await here.store.users.set_host_rules(here.host.id, NO_GUESTS)
    assert (await sync.read(calendar.id)).changes == 2
    assert await reasons(here, calendar) == {"a": WILL_JOIN, "b": OUTSIDERS, "c": WILL_JOIN}
    await here.store.users.set_host_rules(
        here.host.id, HostRules(never_with_outsiders=True, own_domains=("other.example",))
    )
    await sync.read(calendar.id)
    assert set((await reasons(here, calendar)).values()) == {WILL_JOIN}
    assert simulated.passes == [None] * 4
    await sync.read(calendar.id)
    assert simulated.passes[-1] == "3", "the same rules ask for no more than what changed"


async def test_an_override_stands_above_a_rule(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(event(here, "a", "HR", minutes=-1), event(here, "b", "HR", minutes=-1))
    await sync.read(calendar.id)
    await here.store.meetings.override((await meetings(here, calendar))["a"].id, "record")
    await here.store.users.set_host_rules(here.host.id, NO_HR)
    await sync.read(calendar.id)
    found = await meetings(here, calendar)
    assert [found[key].decision for key in "ab"] == ["skip", "skip"]
    assert [row.occurrence_key for row in await here.store.meetings.due(here.clock.now(), 0)] == ["a"]


async def test_while_the_calendar_fails_new_rules_are_kept_in_doubt_and_settled_after(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(event(here, "a", "HR"), event(here, "b"), event(here, "c", "Begun", minutes=-1))
    await sync.read(calendar.id)
    await here.store.meetings.claim((await meetings(here, calendar))["c"].id, "bot", 1000)
    simulated.error = CalendarUnreachable()
    assert (await sync.read(calendar.id)).error
    assert await reasons(here, calendar) == dict.fromkeys("abc", WILL_JOIN), "no new rules: the plan stays"
    await here.store.users.set_host_rules(here.host.id, NO_HR)
    await sync.read(calendar.id)
    assert await reasons(here, calendar) == {"a": TITLE_BARRED, "b": WILL_JOIN, "c": WILL_JOIN}
    await here.store.users.set_host_rules(here.host.id, NO_GUESTS)
    await sync.read(calendar.id)
    assert await reasons(here, calendar) == {"a": TITLE_BARRED, "b": OUTSIDERS_UNKNOWN, "c": WILL_JOIN}
    simulated.error = None
    await sync.read(calendar.id)
    assert set((await reasons(here, calendar)).values()) == {WILL_JOIN}
    # looser rules about people leave what was judged by stricter ones
    simulated.error = CalendarUnreachable()
    wider = HostRules(never_with_outsiders=True, own_domains=("more.example",))
    await here.store.users.set_host_rules(here.host.id, wider)
    await sync.read(calendar.id)
    assert set((await reasons(here, calendar)).values()) == {WILL_JOIN}


async def test_nothing_of_the_invited_lies_in_the_store_or_the_log(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar, caplog: pytest.LogCaptureFixture
) -> None:
    calendar = await here.connect("x")
    await here.store.users.set_host_rules(here.host.id, NO_GUESTS)
    simulated.put(event(here, "a", "Weekly", "very-other.example"))
    with caplog.at_level(logging.DEBUG):
        await sync.read(calendar.id)
        simulated.error = ValueError("very-other.example")
        await sync.read(calendar.id)
    row = (await meetings(here, calendar))["a"]
    stored = repr(row) + repr(await here.row(calendar))
    assert row.reason == OUTSIDERS
    assert "very-other" not in stored + caplog.text
    here.store.close()
    assert not [
        path for path in here.store.data_dir.rglob("*") if path.is_file() and b"very-other" in path.read_bytes()
    ]


async def test_a_series_has_a_name_of_its_own_in_each_calendar(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    simulated.put(event(here, "a", series="s"), event(here, "b", series="s", minutes=120), event(here, "c", series="t"))
    simulated.put(event(here, "d"))
    names = []
    for address in ("x", "y"):
        calendar = await here.connect(address)
        await sync.read(calendar.id)
        found = await meetings(here, calendar)
        assert found["a"].series == found["b"].series
        assert found["d"].series == ""
        names += [found["a"].series, found["c"].series]
        simulated.put(event(here, "a", series="s", minutes=240))
        await sync.read(calendar.id)
        assert (await meetings(here, calendar))["a"].series == found["a"].series
        assert (await sync.read(calendar.id, from_scratch=True)).changes == 0
    assert len(set(names)) == 4


async def test_a_fallback_is_a_term_of_the_calendar_like_its_rule(
    here: Installation, sync: CalendarSync, simulated: SimulatedCalendar
) -> None:
    calendar = await here.connect("x")
    simulated.put(event(here, "a"))
    await sync.read(calendar.id)
    assert (await meetings(here, calendar))["a"].fallback is None
    await here.store.calendars.set_rule(calendar.id, Rule.EVERYONE, Rule.EACH_VOICE)
    assert (await sync.read(calendar.id)).changes == 1
    simulated.put(event(here, "b"))
    await sync.read(calendar.id)
    assert {row.fallback for row in (await meetings(here, calendar)).values()} == {Rule.EACH_VOICE}
    await here.store.calendars.set_rule(calendar.id, Rule.EVERYONE)
    await sync.read(calendar.id)
    assert {row.fallback for row in (await meetings(here, calendar)).values()} == {None}
