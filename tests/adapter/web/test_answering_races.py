"""The page while the meeting goes on beside it: a code typed at the very moment of another answer, a second thought."""

from __future__ import annotations

from typing import Any

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Decided
from consent_notice.words import Purpose
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import YES, code_on, decisions, standing
from tests.simulators.web_site import Browser, Meeting, Site


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid)


def bind_when_the_next_choice_is_kept(meeting: Meeting, browser: Browser, seat: Any, monkeypatch: Any) -> None:
    """The bot sees the code after the form was read and before what is ticked is kept."""
    pages, code = meeting.site.store.pages, code_on(browser)
    choose = pages.choose

    async def typed_meanwhile(*arguments: Any, **more: Any) -> Any:
        monkeypatch.undo()
        assert await pages.bind(meeting.visit.id, code, seat) is not None
        return await choose(*arguments, **more)

    monkeypatch.setattr(pages, "choose", typed_meanwhile)


def last_of(meeting: Meeting) -> Decided:
    return decisions(meeting)[-1]


async def test_a_no_is_logged_when_the_code_of_an_earlier_yes_is_typed_at_that_moment(
    meeting: Meeting, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        bind_when_the_next_choice_is_kept(meeting, browser, seat, monkeypatch)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, decision="no")
    assert dict(last_of(meeting).acts)[Purpose.RECORDING] is Act.REFUSE
    assert last_of(meeting).seat == seat


async def test_what_is_not_ticked_any_more_is_logged_when_the_code_is_typed_at_that_moment(
    meeting: Meeting, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        bind_when_the_next_choice_is_kept(meeting, browser, seat, monkeypatch)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, purpose_recording="on", alone="yes", decision="yes")
    assert last_of(meeting).acts == ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.REFUSE))


@pytest.mark.parametrize(("before", "now"), [("", "2"), ("2", "")])
async def test_who_shares_a_microphone_is_one_of_them_when_the_code_is_typed_at_that_moment(
    meeting: Meeting, site: Site, monkeypatch: pytest.MonkeyPatch, before: str, now: str
) -> None:
    """Whichever of the two the bot has bound, "only me" or "two of us": doubt is a no."""

    def form(people: str) -> dict[str, str]:
        return {**YES, "alone": "no", "people": people} if people else YES

    seat = await meeting.join("Room")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **form(before))
        bind_when_the_next_choice_is_kept(meeting, browser, seat, monkeypatch)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **form(now))
        assert "1 of 2 at your microphone have agreed" in browser.text
    assert last_of(meeting).person
    assert standing(meeting, seat).value == "requested"


async def test_the_code_of_a_page_that_others_share_since_opens_nothing(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        code = code_on(browser)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **{**YES, "alone": "no"})
    row = await site.store.pages.bind(meeting.visit.id, code, seat)
    assert row is not None
    assert row.alone_on_device is False  # the bot takes no yes from it
    assert standing(meeting, seat).value == "unknown"
