"""The page once the meeting is over, or when nothing can be stored."""

from __future__ import annotations

import pytest

from consent_notice.words import Standing
from tests.adapter.web.conftest import People
from tests.adapter.web.test_participants import YES, agree, decisions, standing
from tests.simulators.web_site import Meeting, Site


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid)


async def test_after_the_meeting_a_bound_page_still_withdraws(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await meeting.end()
        await browser.open(meeting.link)
        yes = {**browser.hidden(f"{meeting.link}/withdraw"), **YES}
        await browser.submit(f"{meeting.link}/withdraw")
        assert "You took it back" in browser.text
        before = len(decisions(meeting))
        last = site.store.log.entries_of(meeting.visit.id)[-1].index
        for revision in range(4):  # whatever an up-to-date form would carry
            await browser.send(meeting.link, {**yes, "nonce": "new", "seen": f"{revision}.{last}"})
        assert len(decisions(meeting)) == before
    assert standing(meeting, seat) is Standing.WITHDRAWN


async def test_after_the_meeting_nobody_new_can_answer(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        form = browser.hidden(meeting.link)
        await meeting.end()
        await browser.open(meeting.link)
        assert "This meeting is over" in browser.text
        assert "privacy@northwind.example" in browser.text
        await browser.send(meeting.link, {**form, **YES})
        assert "This meeting is over" in browser.text


async def test_an_answer_that_cannot_be_stored_says_what_to_do(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        site.store.log.close()
        await browser.submit(f"{meeting.link}/withdraw")
        assert browser.status == 503
        assert "in the meeting&#39;s chat" in browser.text
