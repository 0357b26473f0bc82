"""Whose page it is in this browser, and for nobody else."""

from __future__ import annotations

import pytest

from consent_notice.words import Standing
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import agree, standing
from tests.simulators.web_site import Meeting, Site


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid, "Secret merger with Fabrikam")


async def test_another_browser_sees_and_changes_nothing_of_it(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser, site.browser() as other:
        await agree(meeting, browser, seat)
        await other.open(meeting.link)
        assert "Ada" not in other.text
        assert await other.open(f"{meeting.link}/state") == '{"state": "ask"}'
        await other.open(f"{meeting.link}/receipt.json")
        assert other.status == 404
        await other.open(meeting.link)
        await other.send(f"{meeting.link}/withdraw", other.hidden(meeting.link))
    assert standing(meeting, seat) is Standing.GIVEN


async def test_a_forged_session_is_a_new_browser(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        row = (await site.store.pages.by_seat(meeting.visit.id, seat))[0]
        for cookie in (row.page_id, f'{{"session": {{"pages": "{row.page_id}"}}}}', "gAAAAA"):
            async with site.browser() as forger:
                await forger.open(meeting.link, cookies={"onrecord": cookie, "page": row.page_id})
                assert 'data-state="ask"' in forger.text


async def test_a_page_of_one_meeting_is_none_of_another(meeting: Meeting, site: Site, people: People) -> None:
    seat = await meeting.join("Ada")
    second = await Meeting.begin(site, people.omar)
    await second.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.open(second.link)
        assert 'data-state="ask"' in browser.text


async def test_somebody_else_on_this_device_begins_anew(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.submit(f"{meeting.link}/anew")
        assert 'data-state="ask"' in browser.text
    assert standing(meeting, seat) is Standing.GIVEN


async def test_without_the_token_no_answer_is_taken(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        for path in (meeting.link, f"{meeting.link}/withdraw"):
            await browser.send(path, {"decision": "no"}, headers={"Origin": "https://evil.example"})
            assert browser.status == 403
            await browser.send(path, {"decision": "no"})
            assert browser.status == 403
    assert standing(meeting, seat) is Standing.GIVEN
