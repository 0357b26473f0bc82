"""The bot's one door to the store: what it writes besides the log, and what a stale bot may not write."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.ledger import VisitLedger
from consent_notice.ahead import Covers
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, SeatJoined, SeatLeft
from consent_notice.words import IdentityLevel, MeetingId, Purpose, Rule, SeatId, SeatKind, VisitId
from storage.agreements import Said
from storage.invitations import Reach
from tests.adapter.bot.conftest import CLOCK, BotAtWork
from tests.adapter.storage.ahead import always
from tests.adapter.storage.events import NOTICE

ANN = SeatId("a" * 12)


@pytest.fixture
async def opened(at_work: BotAtWork) -> tuple[VisitLedger, MeetingId, VisitId]:
    store, meeting = at_work.store, await at_work.plan()
    epoch = await store.meetings.claim(meeting.id, "this bot", 3_000)
    assert epoch is not None
    visit = await store.visits.open_visit(meeting.id, epoch, Rule.EACH_VOICE, "en")
    writer = store.tracks.writer(visit.id, epoch, loop=asyncio.get_running_loop(), on_fault=lambda fault: None)
    return (
        VisitLedger(store, writer, visit=visit.id, meeting=meeting.id, epoch=epoch, boot_id=CLOCK.boot_id),
        meeting.id,
        visit.id,
    )


Opened = tuple[VisitLedger, MeetingId, VisitId]


async def test_presence_is_in_the_log_and_in_the_hosts_list(at_work: BotAtWork, opened: Opened) -> None:
    ledger, _, visit = opened
    joined_ms = CLOCK.boot_ms()
    joined = SeatJoined(
        visit=visit,
        epoch=1,
        seat=ANN,
        name="Ann",
        seat_kind=SeatKind.PERSON,
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id=CLOCK.boot_id,
        at_ms=joined_ms,
    )
    await ledger.append(joined, "one")
    await ledger.append(joined, "one")
    left = SeatLeft(visit=visit, epoch=1, seat=ANN, boot_id=CLOCK.boot_id, at_ms=joined_ms + 5)
    await ledger.append(left, "two")
    assert [entry.event for entry in at_work.store.log.entries_of(visit)] == [joined, left]
    (seat,) = await at_work.store.visits.seats(visit)
    assert (seat.seat, seat.name, seat.is_present) == (ANN, "Ann", False)


async def test_the_heartbeat_says_when_another_bot_has_the_meeting(at_work: BotAtWork, opened: Opened) -> None:
    ledger, meeting, visit = opened
    assert await ledger.beat(CLOCK.boot_ms(), "in_room")
    row = await at_work.store.visits.get(visit)
    assert row is not None
    assert row.state == "in_room"
    assert await at_work.store.meetings.claim(meeting, "another bot", 3_000) is None
    assert await at_work.store.meetings.claim(meeting, "another bot", 0) == 2
    assert not await ledger.beat(CLOCK.boot_ms(), "leaving")
    row = await at_work.store.visits.get(visit)
    assert row is not None
    assert row.state == "in_room"


async def test_a_host_stop_is_seen(at_work: BotAtWork, opened: Opened) -> None:
    ledger, meeting, _ = opened
    assert not await ledger.host_stopped()
    await at_work.store.meetings.stop(meeting)
    assert await ledger.host_stopped()


# ---- what was said ahead ---------------------------------------------------------------------------------------------


def joined(visit: VisitId, seat: SeatId, platform_id: str, name: str = "Ann") -> SeatJoined:
    return SeatJoined(
        visit=visit,
        epoch=1,
        seat=seat,
        name=name,
        seat_kind=SeatKind.PERSON,
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id=CLOCK.boot_id,
        at_ms=CLOCK.boot_ms(),
        platform_id=platform_id,
    )


def repeated(visit: VisitId, seat: SeatId, agreement: str, means: Means = Means.AHEAD) -> Decided:
    return Decided(
        visit=visit,
        epoch=1,
        seat=seat,
        acts=((Purpose.RECORDING, Act.GIVE),),
        means=means,
        identity_level=IdentityLevel.PAGE_BOUND_BY_CODE,
        matched_by="page code",
        notice="notice",
        notice_version="1",
        notice_language="en",
        notice_sha256=NOTICE.text_sha256,
        message_id=f"{agreement}:{seat}",
        verbatim="",
        reader_version="1",
        boot_id=CLOCK.boot_id,
        at_ms=CLOCK.boot_ms(),
        agreement=agreement,
    )


async def said(at_work: BotAtWork, meeting: MeetingId, choice: bool) -> str:
    """One page's answer to that meeting; its id."""
    row = await at_work.store.meetings.get(meeting)
    assert row is not None
    await at_work.store.notices.keep(NOTICE)
    at_work.store.agreements.is_still_valid = always
    answer = Said(
        reach=Reach(host_id=row.host_id, covers=Covers.MEETING, about=meeting),
        name="Ann",
        choices={Purpose.RECORDING: choice},
        until=CLOCK.now().date(),
        notice=NOTICE,
        link=None,
    )
    return (await at_work.store.agreements.say("page", answer, f"nonce {CLOCK.boot_ms()}", seen=None)).id


async def test_whoever_typed_a_page_s_code_is_known_by_the_platform_from_then_on(
    at_work: BotAtWork, opened: Opened
) -> None:
    ledger, meeting, visit = opened
    agreement = await said(at_work, meeting, True)
    assert await ledger.find_agreement(ANN, "id-of-ann", "Ann") is None
    page = await at_work.store.pages.open(visit)
    await at_work.store.pages.choose(page.page_id, {Purpose.RECORDING: True}, True)
    await at_work.store.pages.continue_agreement(page.page_id, agreement)
    await ledger.append(joined(visit, ANN, "id-of-ann"), "joined")
    bound = await ledger.bind_page(page.code, ANN, CLOCK.boot_ms())
    assert bound is not None
    assert bound.agreement == agreement
    assert await ledger.find_agreement(ANN, "id-of-ann", "Ann") is None  # not before the yes is in the log
    await ledger.append(repeated(visit, ANN, agreement, Means.PAGE), "yes")
    found = await ledger.find_agreement(ANN, "id-of-ann", "Ann")
    assert found is not None
    assert (found.agreement, found.acts) == (agreement, ((Purpose.RECORDING, Act.GIVE),))
    assert await ledger.find_agreement(ANN, "id-of-bob", "Ann") is None
    assert await ledger.find_agreement(ANN, "id-of-ann", "Bob") is None
    at_work.check()


async def test_choices_made_anew_on_a_page_continue_no_agreement(at_work: BotAtWork, opened: Opened) -> None:
    ledger, meeting, visit = opened
    agreement = await said(at_work, meeting, True)
    page = await at_work.store.pages.open(visit)
    await at_work.store.pages.continue_agreement(page.page_id, agreement)
    await at_work.store.pages.choose(page.page_id, {Purpose.RECORDING: True}, True)
    bound = await ledger.bind_page(page.code, ANN, CLOCK.boot_ms())
    assert bound is not None
    assert bound.agreement == ""


async def test_a_yes_that_was_taken_back_since_it_was_found_is_not_logged(at_work: BotAtWork, opened: Opened) -> None:
    """The bot tells a person what they said ahead; meanwhile they take it back on their page."""
    ledger, meeting, visit = opened
    agreement = await said(at_work, meeting, True)
    await ledger.append(joined(visit, ANN, "id-of-ann"), "joined")
    await at_work.store.agreements.withdraw("page", "nonce")
    await ledger.append(repeated(visit, ANN, agreement), "yes")
    assert not at_work.store.log.has("yes")
    assert await said(at_work, meeting, False) == agreement
    found = await ledger.find_agreement(ANN, "", "ann")
    assert found is not None
    assert found.acts == ((Purpose.RECORDING, Act.REFUSE),)
    await ledger.append(replace(repeated(visit, ANN, agreement), acts=found.acts), "no")
    assert at_work.store.log.has("no")
    assert await ledger.find_agreement(ANN, "id-of-ann", "Somebody") is None  # a no ties nobody
    at_work.check()


async def test_what_was_erased_meanwhile_ties_nobody(at_work: BotAtWork, opened: Opened) -> None:
    ledger, meeting, visit = opened
    agreement = await said(at_work, meeting, True)
    await ledger.append(joined(visit, ANN, "id-of-ann"), "joined")
    await at_work.store.erasure.erase_agreements([agreement], "asked for")
    await ledger.append(repeated(visit, ANN, agreement, Means.PAGE), "yes")
    assert at_work.store.log.has("yes")
    at_work.check()
