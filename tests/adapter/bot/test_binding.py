"""A code typed in the chat: the page's answers become those of the seat, each under the text that the page showed."""

from __future__ import annotations

import pytest

from bot.binding import PageBinding
from bot.facts import NoticeRef
from consent_notice.decisions import Act
from consent_notice.events import NoticeDelivered
from consent_notice.notice import Notice, NoticeFacts, render
from consent_notice.words import Purpose, Rule, SeatId, VisitId
from tests.adapter.bot.conftest import CLOCK, WORDINGS, BotAtWork

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
    choices: dict[Purpose, bool] | None = None,
) -> str:
    store = binding.store
    page = await store.pages.open(binding.visit)
    if notice is not None:
        await store.notices.keep(notice)
    sha256 = "" if notice is None else notice.text_sha256
    await store.pages.choose(page.page_id, choices or SOUND_ONLY, alone, notice_sha256=sha256)
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
async def test_a_yes_from_a_device_that_is_shared_opens_nothing(binding: PageBinding, alone: bool | None) -> None:
    bound = await binding.bind(await page_code(binding, alone=alone), ANN, 5_000)
    assert bound is not None
    assert bound.is_shared
    assert dict(bound.acts) == {Purpose.TRANSCRIPTION: Act.REFUSE}


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
