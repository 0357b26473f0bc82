"""Somebody says on their page where they are: kept for them, stricter at once, and told to nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consent_notice.events import Decided, RuleSettled
from consent_notice.words import Rule
from storage.errors import LogWriteFailed
from tests.adapter.web.conftest import People
from tests.adapter.web.test_places import opened, rule_now, settled
from tests.simulators.web_site import Meeting, open_site
from web.notices import page_words


@pytest.fixture
async def meeting(tmp_path: Path) -> AsyncIterator[Meeting]:
    async with open_site(tmp_path / "data", one_sided_accepted=True) as site:
        host = await site.person("host", "Ingrid Solberg", "ingrid@example.org")
        yield await opened(site, People(ingrid=host, omar=host, admin=host))


async def test_it_is_asked_without_a_choice_made_beforehand_and_kept_for_this_browser(meeting: Meeting) -> None:
    async with meeting.site.browser() as browser:
        await browser.open(meeting.link)
        chosen = browser.text.split('id="place"')[1].split("</select>")[0]
        assert "selected" not in chosen
        await browser.submit(f"{meeting.link}/place", place="FR")
        assert browser.status == 200
        assert '<option value="FR" selected>France</option>' in browser.text
        await browser.submit(f"{meeting.link}/place", place="")
        assert "selected" not in browser.text.split('id="place"')[1].split("</select>")[0]
    assert rule_now(meeting) is Rule.EACH_VOICE
    async with meeting.site.browser() as other:
        await other.open(meeting.link)
        assert "selected" not in other.text.split('id="place"')[1].split("</select>")[0]


async def test_a_place_that_forbids_single_voices_tightens_the_meeting_and_answers_nothing(meeting: Meeting) -> None:
    async with meeting.site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/place", place="DE")
        assert 'data-state="ask"' in browser.text
        assert "Everyone present must agree" in browser.text
    assert rule_now(meeting) is Rule.EVERYONE
    events = [entry.event for entry in meeting.site.store.log.entries_of(meeting.visit.id)]
    assert not [event for event in events if isinstance(event, Decided)]
    assert ("DE", "participant (declared)") in settled(meeting)[-1].places


@pytest.mark.parametrize("language", ["en", "pl", "uk"])
async def test_a_place_that_there_is_not_is_refused_in_the_persons_language(meeting: Meeting, language: str) -> None:
    async with meeting.site.browser() as browser:
        await browser.open(f"{meeting.link}?lang={language}")
        await browser.submit(f"{meeting.link}/place", place="XX")
        assert browser.status == 400
        assert page_words(language)["problem_place"] in browser.text
    assert len(settled(meeting)) == 1


async def test_after_the_meeting_nothing_is_taken(meeting: Meeting) -> None:
    async with meeting.site.browser() as browser:
        await browser.open(meeting.link)
        hidden = browser.hidden(f"{meeting.link}/place")
        await meeting.end()
        await browser.send(f"{meeting.link}/place", {**hidden, "place": "DE"})
        assert f'action="{meeting.link}/place"' not in browser.text
    assert await meeting.site.store.pages.places(meeting.visit.id) == ()


async def test_a_write_that_failed_is_told(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise LogWriteFailed

    async with meeting.site.browser() as browser:
        await browser.open(meeting.link)
        monkeypatch.setattr(meeting.site.store.log, "append_all", fails)
        await browser.submit(f"{meeting.link}/place", place="DE")
        assert browser.status == 503
    monkeypatch.undo()
    assert not [event for event in settled(meeting) if event.rule is Rule.EVERYONE]
    assert all(isinstance(event, RuleSettled) for event in settled(meeting))
