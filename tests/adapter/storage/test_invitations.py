"""The public page of a meeting or a series: one secret token each, and which meeting it is about now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from consent_notice.ahead import Covers
from storage.invitations import Reach
from storage.meetings import Cancelled
from storage.store import Store
from tests.adapter.storage.ahead import SERIES, StandUp
from tests.adapter.storage.hand_clock import HandClock

DAY_MS = 24 * 3_600_000


async def test_each_has_one_token_and_none_opens_another(
    store: Store, clock: HandClock, new_id: Callable[[], str], data_dir: Path
) -> None:
    ours, theirs = await StandUp.plan(store, clock), await StandUp.plan(store, clock, email="other@example.org")
    reaches = [ours.reach(), ours.reach(Covers.MEETING, 0), ours.reach(Covers.MEETING, 1), theirs.reach()]
    tokens = [await store.invitations.token_of(reach) for reach in reaches]
    assert len(set(tokens)) == 4
    again = Store.open(data_dir, clock, new_id)
    try:
        assert [await again.invitations.token_of(reach) for reach in reaches] == tokens
        assert [await again.invitations.by_token(token) for token in tokens] == reaches
    finally:
        again.close()
    for guess in ("", "guess", tokens[0][:-1]):
        assert await store.invitations.by_token(guess) is None
    raw = b"".join(path.read_bytes() for path in data_dir.glob("onrecord.db*"))
    assert not any(token.encode() in raw for token in tokens)


async def test_a_series_is_about_the_meeting_that_runs_or_comes_next(store: Store, clock: HandClock) -> None:
    stand_up = await StandUp.plan(store, clock)
    first, second, third = stand_up.meetings
    reach = stand_up.reach()
    assert await store.invitations.meeting_now(reach, clock.now()) == first
    clock.pass_ms(3 * 3_600_000)  # it was not visited
    assert await store.invitations.meeting_now(reach, clock.now()) == second
    clock.pass_ms(DAY_MS)
    epoch = await store.meetings.claim(third, "bot", 5_000)
    assert epoch is not None
    assert await store.invitations.meeting_now(reach, clock.now()) == third
    clock.pass_ms(2 * DAY_MS)  # and goes on and on
    assert await store.invitations.meeting_now(reach, clock.now()) == third
    await store.meetings.finish(third, epoch, "meeting_ended")
    assert await store.invitations.meeting_now(reach, clock.now()) == third


async def test_a_cancelled_meeting_is_passed_over(store: Store, clock: HandClock) -> None:
    stand_up = await StandUp.plan(store, clock)
    calendar = (await store.calendars.list(stand_up.host))[0]
    await store.meetings.apply_plan(calendar.id, [Cancelled(occurrence_key=f"{SERIES}/0")])
    assert await store.invitations.meeting_now(stand_up.reach(), clock.now()) == stand_up.meetings[1]
    only = stand_up.reach(Covers.MEETING, 0)
    assert await store.invitations.meeting_now(only, clock.now()) == stand_up.meetings[0]


async def test_no_series_is_none(store: Store, clock: HandClock) -> None:
    stand_up = await StandUp.plan(store, clock, series="")
    assert await store.invitations.meeting_now(stand_up.reach(), clock.now() - timedelta(days=1)) is None
    meeting = await store.meetings.get(stand_up.meetings[0])
    assert meeting is not None
    alone = Reach.of_meeting(stand_up.host, meeting.id, meeting.series)
    assert alone == stand_up.reach(Covers.MEETING, 0)
    assert Reach.of_meeting(stand_up.host, meeting.id, SERIES).covers is Covers.SERIES
