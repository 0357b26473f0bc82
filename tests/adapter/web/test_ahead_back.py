"""Taken back, an answer ahead counts no more at once, in every meeting that is on; and what became of it afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from consent_notice.ahead import BY_NAME
from consent_notice.decisions import Act
from consent_notice.events import Means
from consent_notice.words import IdentityLevel, Purpose, SeatId, Standing
from tests.adapter.web.conftest import People
from tests.simulators.ahead_site import ALONE, NO, YES, Series, code_on, decisions, say, standing, state_on
from tests.simulators.web_site import BOTH, Browser, Meeting, Site


@pytest.fixture
async def series(site: Site, people: People) -> AsyncIterator[Series]:
    """Whatever a test does, the log bears it out."""
    opened = await Series.plan(site, people.ingrid)
    yield opened
    for meeting in opened.begun:
        if (await site.store.visits.get(meeting.visit.id)) is not None:
            await meeting.end()
    opened.check()


async def agreed_by_link(series: Series, browser: Browser, name: str = "Ada", invitee: str = "Ada") -> str:
    link = await series.link_for(invitee)
    await say(browser, f"/p/{link.token}", YES, name)
    assert state_on(browser) == "given"
    return f"/p/{link.token}"


async def tap(browser: Browser, path: str) -> str:
    """The state that the page is in after it."""
    await browser.open(path)
    await browser.submit(f"{path}/here", **ALONE)
    return state_on(browser)


# ---- taking back counts at once --------------------------------------------------------------------------------------


async def repeated_by_the_bot(meeting: Meeting, seat: SeatId, agreement: str) -> None:
    """As the bot does for whom it knows by the platform's id."""
    await meeting.ask(seat)
    await meeting.decide(seat, Act.GIVE)
    plain = decisions(meeting)[-1]
    await meeting.log(replace(plain, means=Means.AHEAD, agreement=agreement, message_id=f"ahead-{seat}"))


@pytest.mark.parametrize("by_tap", [True, False])
async def test_one_click_takes_it_back_in_the_meeting_that_is_on(series: Series, site: Site, by_tap: bool) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        if by_tap:
            await tap(browser, path)
        else:
            await repeated_by_the_bot(meeting, ada, series.said[0].agreement)
            await browser.open(path)
        assert state_on(browser) == "here"
        await browser.submit(f"{path}/withdraw")
        assert state_on(browser) == "withdrawn"
    last = decisions(meeting)[-1]
    assert last.acts == tuple((purpose, Act.WITHDRAW) for purpose in BOTH)
    assert (last.means, last.agreement) == (Means.AHEAD, series.said[0].agreement)
    assert standing(meeting, ada) is Standing.WITHDRAWN


async def test_a_no_said_ahead_while_it_is_on_counts_at_once_for_all_of_that_name(series: Series, site: Site) -> None:
    async with site.browser() as browser:
        meeting = await series.begin()
        first, second, other = await meeting.join("Ada"), await meeting.join("ada"), await meeting.join("Bob")
        await meeting.decide(second, Act.GIVE)
        await say(browser, await series.invitation(), NO, "Ada")
        assert "Bob" not in browser.text
    assert (standing(meeting, first), standing(meeting, second)) == (Standing.REFUSED, Standing.WITHDRAWN)
    assert standing(meeting, other) is Standing.UNKNOWN
    assert {one.matched_by for one in decisions(meeting)[1:]} == {BY_NAME}
    assert decisions(meeting)[-1].identity_level is IdentityLevel.DISPLAY_NAME


async def test_what_is_ticked_no_more_ends_at_once_and_the_rest_goes_on(series: Series, site: Site) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        await tap(browser, path)
        await say(browser, path, YES, purpose_transcription="")
        assert state_on(browser) == "here"
    assert standing(meeting, ada) is Standing.GIVEN
    assert standing(meeting, ada, Purpose.TRANSCRIPTION) is Standing.WITHDRAWN


async def test_taking_back_reaches_every_meeting_that_is_on(series: Series, site: Site) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        first, second = await series.begin(0), await series.begin(1)
        seats = []
        for meeting in (first, second):
            seats.append(await meeting.join("Ada"))
            await repeated_by_the_bot(meeting, seats[-1], series.said[0].agreement)
        await browser.open(path)
        await browser.submit(f"{path}/withdraw")
    assert [standing(meeting, seat) for meeting, seat in zip((first, second), seats, strict=True)] == [
        Standing.WITHDRAWN, Standing.WITHDRAWN,
    ]  # fmt: skip


async def test_a_code_typed_after_taking_back_opens_nothing(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, YES)
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        await tap(browser, path)
        code = code_on(browser)
        await browser.submit(f"{path}/withdraw")
        await meeting.type_code(code, ada)
    assert standing(meeting, ada) is Standing.REFUSED


async def test_taking_back_a_no_says_nothing_in_the_meeting(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        await say(browser, path, NO)
        await browser.submit(f"{path}/withdraw")
    assert standing(meeting, ada) is Standing.REFUSED
    assert len(decisions(meeting)) == 1


# ---- afterwards ------------------------------------------------------------------------------------------------------


async def test_afterwards_it_tells_where_it_was_counted_and_opens_ones_page_there(series: Series, site: Site) -> None:
    async with site.browser() as browser, site.browser() as other:
        path = await agreed_by_link(series, browser)
        await browser.open(path)
        assert "It has not been counted in a meeting yet" in browser.text
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        await repeated_by_the_bot(meeting, ada, series.said[0].agreement)
        await meeting.end()
        await browser.open(path)
        assert "Counted as your yes" in browser.text
        visit_path = f"{path}/visits/{meeting.visit.id}"
        form = browser.hidden(visit_path)
        await browser.submit(visit_path)
        assert browser.place == meeting.link
        assert "You agreed" in browser.text
        await browser.submit(f"{meeting.link}/withdraw")
        await browser.open(path)
        assert "Counted as your yes" in browser.text  # on the meeting's own page they said otherwise later
        await other.open(path)
        await other.send(visit_path, {**form, "csrf": other.hidden(path)["csrf"]})
        assert other.status == 404
    assert standing(meeting, ada) is Standing.WITHDRAWN


async def test_a_no_by_name_opens_nobodys_page(series: Series, site: Site) -> None:
    """It was counted for everybody of that name, whoever said it."""
    path = await series.invitation()
    async with site.browser() as browser:
        meeting = await series.begin()
        await meeting.join("Ada")
        await say(browser, path, NO)
        assert "Counted as your no" in browser.text
        await meeting.end()
        await browser.open(path)
        form = browser.hidden(f"{path}/withdraw") if f"{path}/withdraw" in browser.text else {}
        assert f"{path}/visits/" not in browser.text
        await browser.open(f"{path}?change")
        await browser.send(f"{path}/visits/{meeting.visit.id}", {**browser.hidden(path), **form})
        assert browser.status == 404


async def test_after_a_tap_the_meetings_page_is_ones_own_too(series: Series, site: Site) -> None:
    """With everything that it can do: take back, and a receipt."""
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        await tap(browser, path)
        await browser.open(meeting.link)
        assert "You agreed" in browser.text
        await browser.submit(f"{meeting.link}/withdraw")
        assert standing(meeting, ada) is Standing.WITHDRAWN
        await browser.open(path)
        assert state_on(browser) == "no_here"
