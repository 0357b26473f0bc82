"""Taking back on the participant's page what was given, in the meeting and after it."""

from __future__ import annotations

import pytest

from consent_notice.decisions import Act
from consent_notice.words import Purpose, Standing
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import YES, agree, decisions, standing
from tests.simulators.web_site import BOTH, Meeting, Site


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid, "Secret merger with Fabrikam")


async def test_one_click_takes_everything_back(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.submit(f"{meeting.link}/withdraw")
        assert "You took it back" in browser.text
    assert decisions(meeting)[-1].acts == tuple((purpose, Act.WITHDRAW) for purpose in BOTH)


async def test_one_purpose_can_be_taken_back_alone(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.submit(f"{meeting.link}/withdraw", purpose="transcription")
        assert "You agreed" in browser.text
    assert standing(meeting, seat) is Standing.GIVEN
    assert standing(meeting, seat, Purpose.TRANSCRIPTION) is Standing.WITHDRAWN


async def test_what_was_given_in_the_chat_is_taken_back_on_the_page(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await meeting.decide(seat, Act.WITHDRAW)
        await meeting.decide(seat, Act.GIVE, verbatim="record yes")
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw")
    assert standing(meeting, seat) is Standing.WITHDRAWN


async def test_a_replayed_withdrawal_does_not_undo_a_later_yes(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        form = browser.hidden(f"{meeting.link}/withdraw")
        await browser.send(f"{meeting.link}/withdraw", form)
        site.clock.pass_s(1)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **YES)
        assert standing(meeting, seat) is Standing.GIVEN
        await browser.send(f"{meeting.link}/withdraw", form)
    assert standing(meeting, seat) is Standing.GIVEN


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


async def test_an_answer_that_cannot_be_stored_says_what_to_do(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        site.store.log.close()
        await browser.submit(f"{meeting.link}/withdraw")
        assert browser.status == 503
        assert "in the meeting&#39;s chat" in browser.text
