"""One and the same form, sent again with another answer in it: by a click on each of two buttons, or by going back."""

from __future__ import annotations

import pytest

from consent_notice.words import Purpose, Standing
from tests.adapter.web.conftest import People
from tests.simulators import ahead_site
from tests.simulators.ahead_site import Series, state_on
from tests.simulators.page_answers import YES, agree, decisions, standing
from tests.simulators.web_site import Meeting, Site


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid)


async def test_a_no_in_the_form_that_said_yes_counts(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        site.clock.pass_s(5)
        await browser.open(f"{meeting.link}?change")
        form = browser.hidden(meeting.link)
        await browser.send(meeting.link, {**form, **YES})
        assert standing(meeting, seat) is Standing.GIVEN
        site.clock.pass_s(1)
        await browser.send(meeting.link, {**form, "decision": "no"})
        assert standing(meeting, seat) is Standing.WITHDRAWN
        assert await browser.open(f"{meeting.link}/state") == '{"state": "withdrawn"}'


async def test_all_is_taken_back_right_after_one_purpose_in_the_same_form(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    path = f"{meeting.link}/withdraw"
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        form = browser.hidden(path)
        await browser.send(path, {**form, "purpose": Purpose.TRANSCRIPTION.value})
        assert standing(meeting, seat) is Standing.GIVEN
        site.clock.pass_s(1)
        await browser.send(path, form)
    assert standing(meeting, seat) is Standing.WITHDRAWN


async def test_a_no_that_is_sent_twice_is_one(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        form = {**browser.hidden(f"{meeting.link}/withdraw")}
        await browser.send(f"{meeting.link}/withdraw", form)
        said = len(decisions(meeting))
        await browser.send(f"{meeting.link}/withdraw", form)
    assert len(decisions(meeting)) == said


# ---- answers ahead -----------------------------------------------------------------------------------------------


async def test_a_no_in_the_form_that_said_yes_ahead_counts(site: Site, people: People) -> None:
    series = await Series.plan(site, people.ingrid)
    link = await series.link_for("Ada")
    path = f"/p/{link.token}"
    async with site.browser() as browser:
        await browser.open(path)
        form = browser.hidden(path)
        await browser.send(path, {**form, **ahead_site.YES, "name": "Ada"})
        await browser.open(path)
        assert state_on(browser) == "given"
        site.clock.pass_s(1)
        await browser.send(path, {**form, **ahead_site.NO, "name": "Ada"})
        await browser.open(path)
        assert state_on(browser) == "refused"
    series.check()


async def test_a_no_ahead_in_the_form_of_a_smaller_yes_counts_at_once_in_the_meeting(
    site: Site, people: People
) -> None:
    series = await Series.plan(site, people.ingrid)
    path = f"/p/{(await series.link_for('Ada')).token}"
    async with site.browser() as browser:
        await ahead_site.say(browser, path, ahead_site.YES, "Ada")
        meeting = await series.begin()
        seat = await meeting.join("Ada")
        await browser.open(path)
        await browser.submit(f"{path}/here", **ahead_site.ALONE)
        assert ahead_site.standing(meeting, seat) is Standing.GIVEN
        site.clock.pass_s(1)
        await browser.open(f"{path}?change")
        form = browser.hidden(path)
        await browser.send(path, {**form, **ahead_site.YES, "purpose_transcription": "", "name": "Ada"})
        assert ahead_site.standing(meeting, seat) is Standing.GIVEN
        site.clock.pass_s(1)
        await browser.send(path, {**form, **ahead_site.NO, "name": "Ada"})
        assert ahead_site.standing(meeting, seat) is Standing.WITHDRAWN
    await meeting.end()
    series.check()
