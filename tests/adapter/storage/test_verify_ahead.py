"""A changed row of what was said ahead is named, and so is a yes that repeats what nobody said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consent_notice.ahead import BY_PLATFORM_ID, Covers
from consent_notice.decisions import Act
from consent_notice.events import NO_VISIT, AgreedAhead, Decided, Means
from consent_notice.words import IdentityLevel, Purpose, VisitId
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.ahead import NO, YES, StandUp
from tests.adapter.storage.events import NOTICE, joined, read_by
from tests.adapter.storage.hand_clock import HandClock

DAY_MS = 24 * 3_600_000


@pytest.fixture
async def stand_up(store: Store, clock: HandClock) -> StandUp:
    return await StandUp.plan(store, clock)


def faults(stand_up: StandUp) -> list[str]:
    return verify(stand_up.store.data_dir).faults


def change(stand_up: StandUp, statement: str, *values: Any) -> None:
    stand_up.store._database.write_now(lambda connection: connection.exec_driver_sql(statement, values))


async def test_what_is_whole_passes(stand_up: StandUp, clock: HandClock) -> None:
    said = await stand_up.say(YES)
    await stand_up.say(NO, "page of bob", name="")
    visit = await stand_up.begin()
    await stand_up.counts(visit, said.id)
    await stand_up.store.agreements.withdraw("page of ada", "nonce")
    await stand_up.counts(visit, said.id, Act.WITHDRAW)
    assert faults(stand_up) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("choices", '{"recording": true, "transcription": true}'),
        ("choices", "[]"),
        ("about", "another series"),
        ("covers", "meeting"),
        ("name", "Somebody Else"),
        ("until", "2036-01-01"),
        ("notice_version", "2"),
        ("notice_language", "pl"),
        ("notice_sha256", "0" * 64),
        ("withdrawn_at", None),
        ("log_index", 0),
        ("id", "another"),
    ],
)
async def test_a_changed_row_is_named(stand_up: StandUp, column: str, value: Any) -> None:
    await stand_up.say(YES)
    await stand_up.store.agreements.withdraw("page of ada", "nonce")
    change(stand_up, f"UPDATE agreements SET {column} = ?", value)
    assert any("it does not follow from the log" in fault for fault in faults(stand_up))


async def test_a_row_that_is_taken_away_or_put_in_is_named(stand_up: StandUp) -> None:
    said = await stand_up.say(YES)
    change(stand_up, "DELETE FROM agreements")
    assert faults(stand_up) == [f"agreement {said.id}: it is in the log and not in the database"]


async def test_the_text_that_was_agreed_to_ahead_is_retained_too(stand_up: StandUp) -> None:
    await stand_up.say(YES)
    change(stand_up, "DELETE FROM notices")
    assert any(NOTICE.text_sha256 in fault and "not retained" in fault for fault in faults(stand_up))


async def test_a_yes_that_nobody_said_ahead_is_named(stand_up: StandUp, clock: HandClock) -> None:
    store = stand_up.store
    no, partly = await stand_up.say(NO), await stand_up.say({**YES, Purpose.TRANSCRIPTION: False}, "page of bob")
    one_day = await stand_up.say(YES, "page of cleo", reach=stand_up.reach(Covers.MEETING, 1))
    over = await stand_up.say(YES, "page of dora", until=clock.now().date() - timedelta(days=1))
    good = await stand_up.say(YES, "page of emil")
    visit = await stand_up.begin()
    wrong = [await stand_up.counts(visit, one.id) for one in (no, partly, one_day, over)]
    wrong.append(await stand_up.counts(visit, "nobody's"))
    await stand_up.counts(visit, good.id)
    await store.agreements.withdraw("page of emil", "nonce")
    wrong.append(await stand_up.counts(visit, good.id))
    await stand_up.counts(visit, no.id, Act.REFUSE)
    assert faults(stand_up) == [f"log entry {index}: it repeats a yes that was not said ahead" for index in wrong]


async def test_one_that_was_found_before_midnight_may_be_logged_after_it(stand_up: StandUp, clock: HandClock) -> None:
    said = await stand_up.say(YES, until=clock.now().date())
    visit = await stand_up.begin()
    clock.pass_ms(15 * 3_600_000 + 30_000)
    await stand_up.counts(visit, said.id)
    assert faults(stand_up) == []
    clock.pass_ms(3_600_000)
    assert await stand_up.counts(visit, said.id) == stand_up.store.log.size() - 1
    assert len(faults(stand_up)) == 1


async def test_once_it_was_erased_its_repetition_stands(stand_up: StandUp) -> None:
    said, visit = await stand_up.say(YES), await stand_up.begin()
    await stand_up.counts(visit, said.id)
    await stand_up.store.erasure.erase_agreements([said.id], "asked for")
    assert faults(stand_up) == []


async def test_each_entry_is_where_it_belongs(stand_up: StandUp) -> None:
    log = stand_up.store.log
    visit = await stand_up.begin()
    before = log.size()
    ahead = AgreedAhead(
        visit=visit,
        agreement="agreement",
        covers="series",
        about="stand-up",
        acts=(),
        until="2036-01-01",
        identity_level=IdentityLevel.DISPLAY_NAME,
        notice="notice",
        notice_version="1",
        notice_language="en",
        notice_sha256=NOTICE.text_sha256,
        message_id="",
    )
    strays: list[Any] = [ahead, read_by(1, NO_VISIT), replace(stand_up.repeats(visit, ""), visit=NO_VISIT)]
    for number, event in enumerate(strays):
        await log.append(event, event_id=f"stray {number}")
    found = faults(stand_up)
    assert f"log entry {before}: an entry of that kind belongs to no visit" in found
    assert f"log entry {before + 1}: an entry of that kind belongs to a visit" in found
    assert f"log entry {before + 2}: an entry of that kind belongs to a visit" in found
    assert isinstance(strays[2], Decided)
    assert (strays[2].means, strays[2].visit) == (Means.AHEAD, VisitId(""))


async def test_a_platform_s_id_that_no_code_and_no_tap_tied_is_named(stand_up: StandUp) -> None:
    """A row put in by hand would have a stranger's voice kept in Ada's name."""
    store, said = stand_up.store, await stand_up.say(YES)

    async def present(day: int, platform_id: str) -> VisitId:
        visit = await stand_up.begin(day)
        seat = joined(visit, "ada", stand_up.clock.boot_ms(), boot_id=stand_up.clock.boot_id)
        seat = replace(seat, platform_id=platform_id)
        await store.log.append(seat, event_id=f"{visit}/with id")
        return visit

    async def found_by_id(visit: VisitId) -> int:
        event = replace(stand_up.repeats(visit, said.id), matched_by=BY_PLATFORM_ID)
        return (await store.log.append(event, event_id=f"{visit}/found")).index

    await stand_up.counts(await present(0, "id-of-ada"), said.id)  # by a code
    await found_by_id(await present(1, "id-of-ada"))
    assert faults(stand_up) == []
    wrong = await found_by_id(await present(2, "id-of-mallory"))
    assert faults(stand_up) == [
        f"log entry {wrong}: it takes somebody for a person who agreed ahead, and nothing tied the two"
    ]
