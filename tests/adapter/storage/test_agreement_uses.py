"""What became of an answer ahead is told from the log, and decides when it may be forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from consent_notice.ahead import Covers
from consent_notice.decisions import Act
from consent_notice.words import Purpose
from storage.store import Store
from tests.adapter.storage.ahead import NO, SERIES, YES, StandUp
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.test_meetings import PLANNED

DAY_MS = 24 * 3_600_000


@pytest.fixture
async def stand_up(store: Store, clock: HandClock) -> StandUp:
    return await StandUp.plan(store, clock)


async def test_each_meeting_that_repeated_it_is_told_newest_first(stand_up: StandUp, clock: HandClock) -> None:
    store = stand_up.store
    said, other = await stand_up.say(YES), await stand_up.say(YES, "page of bob")
    visits = []
    for day in range(2):
        visits.append(await stand_up.begin(day))
        await stand_up.counts(visits[-1], said.id)
        clock.pass_ms(DAY_MS)
    await stand_up.counts(visits[1], said.id, Act.WITHDRAW)
    await stand_up.begin(2)
    await store.visits.end_visit(visits[0], 1, "meeting_ended")
    second, first = await store.agreement_uses.of(stand_up.host, said.id)
    assert (first.visit, first.has_ended, first.seat) == (visits[0], True, "ada")
    assert (second.visit, second.has_ended) == (visits[1], False)
    assert (Purpose.RECORDING, Act.GIVE) in first.acts
    assert (Purpose.RECORDING, Act.WITHDRAW) in second.acts
    assert first.started_at < second.started_at
    found = await store.visits.by_page_token(first.page_token)
    assert found is not None
    assert found.id == visits[0]
    assert await store.agreement_uses.of(stand_up.host, other.id) == []
    stranger = await StandUp.plan(store, clock, email="other@example.org")
    assert await store.agreement_uses.of(stranger.host, said.id) == []


async def test_its_name_in_another_field_is_no_use_of_it(stand_up: StandUp) -> None:
    said, visit = await stand_up.say(YES), await stand_up.begin()
    entry = replace(stand_up.repeats(visit, "another"), message_id=said.id)
    await stand_up.store.log.append(entry, event_id="entry")
    assert await stand_up.store.agreement_uses.of(stand_up.host, said.id) == []


async def test_due_thirty_days_after_its_last_day_to_the_millisecond(stand_up: StandUp, clock: HandClock) -> None:
    said = await stand_up.say(YES, until=clock.now().date() + timedelta(days=2))
    clock.pass_ms(33 * DAY_MS - 9 * 3_600_000 - 1)  # it was nine in the morning; the last day ends with midnight
    assert await stand_up.store.agreement_uses.due() == []
    clock.pass_ms(1)
    assert await stand_up.store.agreement_uses.due() == [said.id]
    await stand_up.say(NO, until=clock.now().date())
    assert await stand_up.store.agreement_uses.due() == []


async def test_a_no_to_a_meeting_that_was_moved_waits_for_it(stand_up: StandUp, clock: HandClock) -> None:
    """Whoever said no to it must not be asked in it again (law 8)."""
    said = await stand_up.say(NO, reach=stand_up.reach(Covers.MEETING), until=clock.now().date())
    calendar = (await stand_up.store.calendars.list(stand_up.host))[0]
    moved = replace(
        PLANNED, occurrence_key=f"{SERIES}/0", starts_at=clock.now() + timedelta(days=60), ends_at=None, series=SERIES
    )
    await stand_up.store.meetings.apply_plan(calendar.id, [moved])
    for days_ms in (45 * DAY_MS, 45 * DAY_MS - 1):
        clock.pass_ms(days_ms)
        assert await stand_up.store.agreement_uses.due() == []
        assert await stand_up.finds("") == "no"
    clock.pass_ms(1)
    assert await stand_up.store.agreement_uses.due() == [said.id]


async def test_as_long_as_something_is_kept_because_of_it_it_stays(stand_up: StandUp, clock: HandClock) -> None:
    said, other = await stand_up.say(YES), await stand_up.say(YES, "page of bob")
    visit = await stand_up.begin()
    await stand_up.counts(visit, said.id)
    for page in ("page of ada", "page of bob"):
        await stand_up.store.agreements.withdraw(page, "nonce")
    clock.pass_ms(30 * DAY_MS)

    def kept(ms: int) -> None:
        stand_up.store._database.write_now(
            lambda connection: connection.exec_driver_sql("UPDATE visits SET kept_ms = ? WHERE id = ?", (ms, visit))
        )

    kept(20)
    assert await stand_up.store.agreement_uses.due() == [other.id]
    kept(0)
    assert set(await stand_up.store.agreement_uses.due()) == {said.id, other.id}
