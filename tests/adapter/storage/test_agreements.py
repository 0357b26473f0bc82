"""Answers ahead at rest: the last one is a row, each one an entry, and whose they are is looked up by the rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from consent_notice.ahead import BY_NAME, BY_PLATFORM_ID, SERIES_DAYS, Covers
from consent_notice.decisions import Act
from consent_notice.events import NO_VISIT, AgreedAhead
from consent_notice.words import IdentityLevel, Purpose, SeatId
from storage.agreements import still_said
from storage.errors import AnsweredMeanwhile, LogWriteFailed, NotStored
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.ahead import NO, SERIES, YES, StandUp, always
from tests.adapter.storage.events import decided
from tests.adapter.storage.hand_clock import HandClock

DAY_MS = 24 * 3_600_000


@pytest.fixture
async def stand_up(store: Store, clock: HandClock) -> AsyncIterator[StandUp]:
    """Whatever a test does, the log bears it out."""
    yield await StandUp.plan(store, clock)
    assert verify(store.data_dir).faults == []


def entries(store: Store) -> list[AgreedAhead]:
    return [entry.event for entry in store.log.entries_of(NO_VISIT) if isinstance(entry.event, AgreedAhead)]


# ---- what a page says ------------------------------------------------------------------------------------------------


async def test_an_answer_is_an_entry_and_a_row_and_outlives_a_restart(
    stand_up: StandUp, clock: HandClock, new_id: Callable[[], str], data_dir: Path
) -> None:
    said = await stand_up.say({**YES, Purpose.TRANSCRIPTION: False})
    (event,) = entries(stand_up.store)
    assert event.acts == ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.REFUSE))
    assert (event.agreement, event.covers, event.about) == (said.id, "series", SERIES)
    assert (event.name, event.identity_level) == ("Ada", IdentityLevel.SHARED_OR_ANONYMOUS)
    assert event.until == (clock.now().date() + timedelta(days=SERIES_DAYS)).isoformat()
    await stand_up.store.agreements.bind_platform_id(said.id, "id-1", "Ada")
    again = Store.open(data_dir, clock, new_id)
    again.agreements.is_still_valid = always
    try:
        found = await again.agreements.by_page("page of ada")
        counted = await again.agreements.find(stand_up.meetings[1], SERIES, "id-1", "Ada")
    finally:
        again.close()
    assert found == replace(said, tied=found.tied if found else {})
    assert counted is not None
    assert (counted.agreement, counted.matched_by) == (said.id, BY_PLATFORM_ID)
    assert counted.identity_level is IdentityLevel.PAGE_BOUND_BY_CODE


async def test_the_page_s_secret_and_the_platform_s_id_lie_nowhere_in_the_clear(
    stand_up: StandUp, data_dir: Path
) -> None:
    said = await stand_up.say(YES, "secret-page-id-of-ada")
    await stand_up.store.agreements.bind_platform_id(said.id, "platform-id-of-ada", "Ada")
    raw = b"".join(path.read_bytes() for path in data_dir.glob("onrecord.db*"))
    assert b"secret-page-id-of-ada" not in raw
    assert b"platform-id-of-ada" not in raw
    assert b'"agreement"' in raw


async def test_the_last_answer_of_a_page_is_what_counts(stand_up: StandUp) -> None:
    said = await stand_up.say(YES)
    await stand_up.store.agreements.bind_platform_id(said.id, "id-1", "Ada")
    assert await stand_up.finds() == "yes"
    assert (await stand_up.say(NO)).id == said.id
    assert await stand_up.finds() == "no"
    await stand_up.say(YES)
    assert await stand_up.finds() == "yes"
    assert len(entries(stand_up.store)) == 3


async def test_taken_back_nothing_was_said(stand_up: StandUp) -> None:
    said = await stand_up.say({**YES, Purpose.TRANSCRIPTION: False})
    await stand_up.store.agreements.bind_platform_id(said.id, "id-1", "Ada")
    back = await stand_up.store.agreements.withdraw("page of ada", "nonce")
    assert back.withdrawn_at is not None
    assert await stand_up.finds() == "nothing"
    assert entries(stand_up.store)[-1].acts == ((Purpose.RECORDING, Act.WITHDRAW), (Purpose.TRANSCRIPTION, Act.RESET))
    assert await stand_up.store.agreements.withdraw("page of ada", "other nonce") == back
    assert len(entries(stand_up.store)) == 2
    with pytest.raises(NotStored):
        await stand_up.store.agreements.withdraw("page of nobody", "nonce")


async def test_a_no_can_be_taken_back_too_and_by_its_own_page_alone(stand_up: StandUp) -> None:
    await stand_up.say(NO)
    await stand_up.say(YES, "page of somebody else")
    assert await stand_up.finds() == "no"
    await stand_up.store.agreements.withdraw("page of ada", "nonce")
    assert await stand_up.finds() == "nothing"


async def test_a_form_that_is_sent_again_changes_nothing(stand_up: StandUp) -> None:
    await stand_up.say(YES, nonce="first", seen=-1)
    await stand_up.say(YES, nonce="first", seen=-1)
    assert (await stand_up.say(NO, nonce="first")).says_no  # another button of that form, and so another answer
    await stand_up.store.agreements.withdraw("page of ada", "second")
    again = await stand_up.say(YES, nonce="first", seen=-1)
    assert again.withdrawn_at is not None
    await stand_up.store.agreements.withdraw("page of ada", "second")
    await stand_up.say(NO, nonce="first")
    assert len(entries(stand_up.store)) == 3


async def test_an_answer_to_an_older_sight_of_the_page_is_refused(stand_up: StandUp) -> None:
    first = await stand_up.say(YES, seen=-1)
    await stand_up.say(NO)
    for seen in (-1, first.log_index, 999):
        with pytest.raises(AnsweredMeanwhile):
            await stand_up.say(YES, seen=seen)
    assert len(entries(stand_up.store)) == 2
    assert await stand_up.finds() == "no"


async def test_of_two_first_answers_at_once_one_is_taken(stand_up: StandUp) -> None:
    answers = await asyncio.gather(
        *(stand_up.say(choices, seen=-1) for choices in (YES, NO, YES, NO)), return_exceptions=True
    )
    assert sum(isinstance(answer, AnsweredMeanwhile) for answer in answers) == 3
    assert len(entries(stand_up.store)) == 1


async def test_what_cannot_be_logged_is_not_kept(stand_up: StandUp) -> None:
    stand_up.store.log.close()
    with pytest.raises(LogWriteFailed):
        await stand_up.say(YES)
    assert await stand_up.store.agreements.by_page("page of ada") is None


# ---- what counts in a meeting ----------------------------------------------------------------------------------------


async def test_a_name_alone_gives_no_yes_and_does_give_a_no(stand_up: StandUp) -> None:
    await stand_up.say(YES)
    assert await stand_up.finds("") == "nothing"
    assert await stand_up.finds("id-1") == "nothing"
    await stand_up.say(NO, "another page")
    counted = await stand_up.store.agreements.find(stand_up.meetings[0], SERIES, "", "ada")
    assert counted is not None
    assert (counted.matched_by, counted.identity_level) == (BY_NAME, IdentityLevel.DISPLAY_NAME)
    assert await stand_up.finds("id-1", "Bob") == "nothing"


async def test_a_series_reaches_no_other_host_and_no_other_series(stand_up: StandUp, clock: HandClock) -> None:
    """The same event stands in the calendars of two hosts, under the same series."""
    other_host = await StandUp.plan(stand_up.store, clock, email="other@example.org")
    other_series = await StandUp.plan(stand_up.store, clock, series="planning")
    none = await StandUp.plan(stand_up.store, clock, series="")
    for page, choices in (("ada", YES), ("bob", NO)):
        said = await stand_up.say(choices, page, name=page)
        await stand_up.store.agreements.bind_platform_id(said.id, page, page)
    for day in range(3):
        assert (await stand_up.finds("ada", "ada", day=day), await stand_up.finds("", "bob", day=day)) == ("yes", "no")
    for elsewhere in (other_host, other_series, none):
        assert await elsewhere.finds("ada", "ada") == await elsewhere.finds("bob", "bob") == "nothing"


async def test_what_is_said_for_one_meeting_counts_in_it_alone(stand_up: StandUp) -> None:
    said = await stand_up.say(YES, reach=stand_up.reach(Covers.MEETING, 1))
    await stand_up.store.agreements.bind_platform_id(said.id, "id-1", "Ada")
    assert [await stand_up.finds(day=day) for day in range(3)] == ["nothing", "yes", "nothing"]
    await stand_up.say(NO, "page of bob", name="Bob", reach=stand_up.reach(Covers.MEETING, 2))
    assert [await stand_up.finds("", "Bob", day=day) for day in range(3)] == ["nothing", "nothing", "no"]


async def test_ninety_days_end_with_their_last_day(stand_up: StandUp, clock: HandClock) -> None:
    said = await stand_up.say(YES)
    await stand_up.say(NO, "page of bob", name="Bob")
    await stand_up.store.agreements.bind_platform_id(said.id, "id-1", "Ada")
    clock.pass_ms(91 * DAY_MS - 9 * 3_600_000 - 1)  # it was nine in the morning
    assert clock.now().date() == said.until
    assert (await stand_up.finds(), await stand_up.finds("", "Bob")) == ("yes", "no")
    clock.pass_ms(1)
    assert (await stand_up.finds(), await stand_up.finds("", "Bob")) == ("nothing", "nothing")


async def test_a_yes_to_a_text_that_no_longer_holds_is_none(stand_up: StandUp) -> None:
    said = await stand_up.say(YES)
    await stand_up.store.agreements.bind_platform_id(said.id, "id-1", "Ada")
    asked: list[str] = []

    async def is_still_valid(version: str) -> bool:
        asked.append(version)
        return False

    stand_up.store.agreements.is_still_valid = is_still_valid
    assert await stand_up.finds() == "nothing"
    assert asked == ["1"]
    await stand_up.say(NO)
    assert await stand_up.finds() == "no"


async def test_a_revoked_link_gives_no_yes(stand_up: StandUp, clock: HandClock) -> None:
    links, reach = stand_up.store.personal_links, stand_up.reach()
    link = await links.make(reach, name="Ada", email="", expires_at=clock.now() + timedelta(days=90))
    said = await stand_up.say(YES, link=link.reference)
    await stand_up.store.agreements.bind_platform_id(said.id, "id-1", "Ada")
    counted = await stand_up.store.agreements.find(stand_up.meetings[0], SERIES, "id-1", "Ada")
    assert counted is not None
    assert counted.identity_level is IdentityLevel.SIGNED_PERSONAL_LINK
    await links.revoke(reach, link.reference)
    assert await stand_up.finds() == "nothing"
    assert [one.id for one in await stand_up.store.agreements.under_link(link.reference)] == [said.id]


async def test_tying_is_repeatable_and_of_what_there_is(stand_up: StandUp) -> None:
    said = await stand_up.say(YES)
    for _ in range(2):
        await stand_up.store.agreements.bind_platform_id(said.id, "id-1", "Ada")
    await stand_up.store.agreements.bind_platform_id(said.id, "id-2", "Ada")
    await stand_up.store.agreements.bind_platform_id(said.id, "")
    found = await stand_up.store.agreements.by_page("page of ada")
    assert found is not None
    assert len(found.tied) == 2
    with pytest.raises(NotStored):
        await stand_up.store.agreements.bind_platform_id("nobody's", "id-1")


async def test_the_host_is_told_how_many_agreed_and_no_more(stand_up: StandUp, clock: HandClock) -> None:
    counts = []
    for page, choices in (("ada", YES), ("bob", NO), ("cleo", YES), ("ada", NO)):
        await stand_up.say(choices, page)
        counts.append(await stand_up.store.agreements.count_agreed(stand_up.meetings[0], SERIES))
    assert counts == [1, 1, 2, 1]
    await stand_up.store.agreements.withdraw("cleo", "nonce")
    assert await stand_up.store.agreements.count_agreed(stand_up.meetings[0], SERIES) == 0


# ---- a yes on its way into a meeting's log ---------------------------------------------------------------------------


async def test_a_yes_is_not_repeated_once_it_was_taken_back(stand_up: StandUp, clock: HandClock) -> None:
    store = stand_up.store
    link = await store.personal_links.make(stand_up.reach(), name="", email="", expires_at=clock.now() + timedelta(9))
    said, visit = await stand_up.say(YES, link=link.reference), await stand_up.begin()
    event = stand_up.repeats(visit, said.id)

    async def repeat(event_id: str) -> None:
        await asyncio.wrap_future(store.log.submit([(event, event_id)], companion=still_said(event)))

    await repeat("said")
    await stand_up.say({**YES, Purpose.TRANSCRIPTION: False})
    with pytest.raises(AnsweredMeanwhile):
        await repeat("partly taken back")
    await stand_up.say(NO)
    with pytest.raises(AnsweredMeanwhile):
        await repeat("refused")
    await stand_up.say(YES, link=link.reference)
    await store.personal_links.revoke(stand_up.reach(), link.reference)
    with pytest.raises(AnsweredMeanwhile):
        await repeat("revoked")
    await store.agreements.withdraw("page of ada", "nonce")
    with pytest.raises(AnsweredMeanwhile):
        await repeat("withdrawn")
    event = stand_up.repeats(visit, said.id, Act.REFUSE)
    await repeat("a no is taken whatever there is")
    assert not store.log.has("withdrawn")


async def test_a_tap_does_not_overtake_an_answer_in_the_meeting(stand_up: StandUp, clock: HandClock) -> None:
    said, visit = await stand_up.say(YES), await stand_up.begin()
    last = stand_up.store.log.size() - 1
    no = decided(visit, "ada", clock.boot_ms(), (Purpose.RECORDING, Act.REFUSE), boot_id=clock.boot_id)
    await stand_up.store.log.append(no, event_id="a no in the chat")
    entry = (stand_up.repeats(visit, said.id), "tap")
    with pytest.raises(AnsweredMeanwhile):
        await stand_up.store.agreements.count([entry], visit, last)
    assert not stand_up.store.log.has("tap")
    await stand_up.store.agreements.count([entry], visit, stand_up.store.log.size() - 1)
    assert stand_up.store.log.by_event_id("tap").event == entry[0]
    assert entry[0].seat == SeatId("ada")
