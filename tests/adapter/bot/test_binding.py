"""A code typed in the chat: the page's answers become those of the seat, each under the text that the page showed."""

from __future__ import annotations

import asyncio

import pytest

from bot.binding import PageBinding
from bot.entries import Entries
from bot.facts import NoticeRef
from bot.ports import LeftReason
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.notice import Notice, NoticeFacts, render
from consent_notice.words import Purpose, Rule, SeatId, VisitId
from tests.adapter.bot.conftest import CLOCK, WORDINGS, BotAtWork, until

ANN = SeatId("a" * 12)
BEN = SeatId("b" * 12)
SOUND_ONLY = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: False}
POLISH = render(
    WORDINGS["pl"],
    NoticeFacts(
        host="Ada",
        organisation="",
        purposes=(Purpose.RECORDING,),
        rule=Rule.EACH_VOICE,
        page_link="http://127.0.0.1/c/x",
        retention_days=7,
        bot_name="onrecord",
        speakable=False,
    ),
)


@pytest.fixture
async def binding(at_work: BotAtWork) -> PageBinding:
    store, meeting = at_work.store, await at_work.plan()
    epoch = await store.meetings.claim(meeting.id, "this bot", 3_000)
    assert epoch is not None
    visit = await store.visits.open_visit(meeting.id, epoch, Rule.EACH_VOICE, "en")
    return PageBinding(store=store, visit=VisitId(visit.id), epoch=epoch, boot_id=CLOCK.boot_id)


async def page_code(
    binding: PageBinding,
    *,
    alone: bool | None = True,
    notice: Notice | None = None,
    people: int = 1,
) -> str:
    store = binding.store
    page = await store.pages.open(binding.visit)
    if notice is not None:
        await store.notices.keep(notice)
    sha256 = "" if notice is None else notice.text_sha256
    await store.pages.choose(page.page_id, SOUND_ONLY, alone, people=people, notice_sha256=sha256)
    return page.code


async def test_a_page_is_bound_once_and_says_what_was_ticked(binding: PageBinding) -> None:
    code = await page_code(binding)
    bound = await binding.bind(code, ANN, 5_000)
    assert bound is not None
    assert dict(bound.acts) == {Purpose.RECORDING: Act.GIVE, Purpose.TRANSCRIPTION: Act.REFUSE}
    assert not bound.is_shared
    assert await binding.bind(code, BEN, 5_000) is None
    assert await binding.bind("22222", ANN, 5_000) is None


@pytest.mark.parametrize("alone", [False, None])
async def test_where_nobody_said_how_many_share_it_a_yes_opens_nothing(
    binding: PageBinding, alone: bool | None
) -> None:
    bound = await binding.bind(await page_code(binding, alone=alone), ANN, 5_000)
    assert bound is not None
    assert bound.is_shared
    assert dict(bound.acts) == {Purpose.TRANSCRIPTION: Act.REFUSE}


async def test_one_of_several_answers_as_that_person(binding: PageBinding) -> None:
    code = await page_code(binding, alone=False, people=3)
    bound = await binding.bind(code, ANN, 5_000)
    assert bound is not None
    (page,) = await binding.store.pages.by_seat(binding.visit, ANN)
    assert (bound.person, bound.people) == (page.reference, 3)
    assert dict(bound.acts) == {Purpose.RECORDING: Act.GIVE, Purpose.TRANSCRIPTION: Act.REFUSE}


async def test_only_me_on_a_seat_that_others_share_is_one_of_them(binding: PageBinding) -> None:
    append = Entries(
        visit=binding.visit,
        epoch=1,
        boot_id=CLOCK.boot_id,
        notice=NoticeRef(notice="n", version="1", language="en", text_sha256="0"),
    ).headcount(ANN, 3, "7KQX2", 5_000)
    await binding.store.log.append(append.event, event_id=append.event_id)
    for seat, is_one_of_many in ((ANN, True), (BEN, False)):
        bound = await binding.bind(await page_code(binding), seat, 6_000)
        assert bound is not None
        assert bool(bound.person) is is_one_of_many
        assert bound.people == 1


async def test_it_names_the_text_that_the_page_showed_and_logs_once_that_it_was_shown(binding: PageBinding) -> None:
    code = await page_code(binding, notice=POLISH)
    for _ in range(2):
        bound = await binding.bind(code, ANN, 5_000)
        assert bound is not None
        assert bound.notice == NoticeRef(
            notice=POLISH.id, version=POLISH.version, language="pl", text_sha256=POLISH.text_sha256
        )
    (entry,) = binding.store.log.entries_of(binding.visit)
    assert isinstance(entry.event, NoticeDelivered)
    assert (entry.event.text_sha256, entry.event.at_ms) == (POLISH.text_sha256, 5_000)


async def test_a_page_that_knows_no_text_names_none(binding: PageBinding) -> None:
    """One that was opened by an earlier version: the visit's own text stands for it."""
    bound = await binding.bind(await page_code(binding), ANN, 5_000)
    assert bound is not None
    assert bound.notice is None
    assert binding.store.log.entries_of(binding.visit) == []


async def test_a_seat_of_three_is_kept_only_after_the_third_code_and_until_one_of_them_says_no(
    at_work: BotAtWork,
) -> None:
    world, meeting, store = at_work.world, await at_work.plan(), at_work.store
    room = world.joins("Room Oslo")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(room))
        visit = await at_work.visit_of(meeting)
        codes = []
        for _ in range(3):
            page = await store.pages.open(visit.id)
            await store.pages.choose(page.page_id, SOUND_ONLY, alone=False, people=3)
            codes.append(page.code)
        for code in codes[:2]:
            world.writes(room, code)
        await asyncio.sleep(1)
        assert not world.is_kept(room)
        third_ms = CLOCK.boot_ms()
        world.writes(room, codes[2])
        await until(lambda: world.is_kept(room))
        await asyncio.sleep(0.5)
        world.writes(room, "stop")
        await until(lambda: not world.is_kept(room))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    kept = await at_work.kept(visit.id, room)
    assert kept
    assert min(kept) >= third_ms
    people = {
        entry.event.person
        for entry in store.log.entries_of(visit.id)
        if isinstance(entry.event, Decided) and entry.event.means is Means.PAGE
    }
    assert len(people) == 3
