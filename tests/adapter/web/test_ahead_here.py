"""An answer given ahead in the meeting itself: "I'm here", and the code where that can't tell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from consent_notice.ahead import BY_TAP
from consent_notice.decisions import Act
from consent_notice.events import Event, HeadcountDeclared, Means, NoticeDelivered
from consent_notice.words import IdentityLevel, Purpose, SeatKind, Standing, VisitId
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


# ---- a tap ties ------------------------------------------------------------------------------------------------------


async def test_one_tap_under_a_personal_link_is_a_yes_in_this_meeting(series: Series, site: Site) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        await browser.open(path)
        assert "I'm here".replace("'", "&#39;") not in browser.text  # nothing is on
        meeting = await series.begin()
        ada, bob = await meeting.join("Ada"), await meeting.join("Bob")
        assert await browser.open(f"{path}/state") == '{"state": "given.on"}'
        assert await tap(browser, path) == "here"
        assert "Bob" not in browser.text
    (yes,) = decisions(meeting)
    assert yes.acts == tuple((purpose, Act.GIVE) for purpose in BOTH)
    assert (yes.means, yes.matched_by, yes.seat) == (Means.AHEAD, BY_TAP, ada)
    assert yes.identity_level is IdentityLevel.SIGNED_PERSONAL_LINK
    assert yes.agreement == series.said[0].agreement
    entries = [entry.event for entry in site.store.log.entries_of(meeting.visit.id)]
    (shown,) = [one for one in entries if isinstance(one, NoticeDelivered)]
    assert (shown.seat, shown.text_sha256) == (ada, yes.notice_sha256)
    assert entries.index(shown) < entries.index(yes)
    assert (standing(meeting, ada), standing(meeting, bob)) == (Standing.GIVEN, Standing.UNKNOWN)


async def test_tapped_twice_or_at_once_it_is_one_yes(series: Series, site: Site) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        await meeting.join("Ada")
        await browser.open(path)
        form = {**browser.hidden(f"{path}/here"), **ALONE}
        for _ in range(3):
            await browser.send(f"{path}/here", form)
    assert len(decisions(meeting)) == 1


async def test_from_the_public_link_the_code_is_typed_once_and_then_a_tap_will_do(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, YES)
        first = await series.begin(0)
        ada = await first.join("Ada")
        assert await tap(browser, path) == "code"
        assert decisions(first) == []
        await first.type_code(code_on(browser), ada)
        await browser.open(path)
        assert state_on(browser) == "here"
        await first.end()
        second = await series.begin(1)
        ada = await second.join("Ada")
        assert await tap(browser, path) == "here"
        (yes,) = decisions(second)
        assert (yes.means, yes.identity_level) == (Means.AHEAD, IdentityLevel.MATCHED_TO_INVITEE)
        assert standing(second, ada) is Standing.GIVEN


async def test_what_was_not_ticked_is_a_no_in_the_meeting(series: Series, site: Site) -> None:
    link = await series.link_for("Ada")
    path = f"/p/{link.token}"
    async with site.browser() as browser:
        await say(browser, path, YES, purpose_transcription="")
        meeting = await series.begin()
        ada = await meeting.join("ada")  # as people type
        assert await tap(browser, path) == "here"
        assert "Not agreed" in browser.text
    assert standing(meeting, ada) is Standing.GIVEN
    assert standing(meeting, ada, Purpose.TRANSCRIPTION) is Standing.REFUSED


# ---- a tap does not tie ----------------------------------------------------------------------------------------------


async def twice(meeting: Meeting) -> None:
    await meeting.join("Ada")
    await meeting.join("Ada")


async def nobody(meeting: Meeting) -> None:
    await meeting.join("Bob")


async def has_left(meeting: Meeting) -> None:
    await meeting.leave(await meeting.join("Ada"))


async def a_bot(meeting: Meeting) -> None:
    await meeting.join("Ada", kind=SeatKind.BOT)


async def shared(meeting: Meeting) -> None:
    seat = await meeting.join("Ada")
    declared = HeadcountDeclared(
        visit=meeting.visit.id, epoch=1, seat=seat, people=2, means=Means.PAGE, message_id="m", **meeting.now
    )
    await meeting.log(declared)


async def refused(meeting: Meeting) -> None:
    await meeting.decide(await meeting.join("Ada"), Act.REFUSE)


@pytest.mark.parametrize("who_is_there", [twice, nobody, has_left, a_bot, shared, refused])
async def test_in_any_doubt_the_code_is_asked_for(series: Series, site: Site, who_is_there: Any) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        await who_is_there(meeting)
        before = len(decisions(meeting))
        assert await tap(browser, path) == "code"
    assert len(decisions(meeting)) == before


@pytest.mark.parametrize(("invitee", "typed"), [("Ada", "Bob"), ("", "Bob"), ("Ada Lovelace", "Ada")])
async def test_a_link_vouches_for_no_other_name(series: Series, site: Site, invitee: str, typed: str) -> None:
    """Who has a link of their own must not say yes for somebody else in the room."""
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser, typed, invitee)
        meeting = await series.begin()
        seat = await meeting.join(typed)
        assert await tap(browser, path) == "code"
        assert decisions(meeting) == []
        await meeting.type_code(code_on(browser), seat)
        assert standing(meeting, seat) is Standing.GIVEN


async def test_a_code_vouches_for_no_name_that_was_put_on_since(series: Series, site: Site) -> None:
    """Mallory ties her page by a code, then calls it Ada, or had called her seat both."""
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, YES, "Mallory")
        first = await series.begin(0)
        seat = await first.join("Mallory")
        await tap(browser, path)
        await first.type_code(code_on(browser), seat)
        await first.end()
        await say(browser, path, YES, "Ada")
        second = await series.begin(1)
        ada = await second.join("Ada")
        assert await tap(browser, path) == "code"
        assert standing(second, ada) is Standing.UNKNOWN
        await second.end()
        first.seats.clear()
        assert await first.join("Ada") == seat  # the same seat, by another name
        third = await series.begin(2)
        ada = await third.join("Ada")
        assert await tap(browser, path) == "code"
        assert standing(third, ada) is Standing.UNKNOWN


async def test_a_no_under_the_same_name_elsewhere_leaves_the_code(series: Series, site: Site) -> None:
    async with site.browser() as browser, site.browser() as other:
        path = await agreed_by_link(series, browser)
        await say(other, await series.invitation(), NO, " ada ")
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        assert await tap(browser, path) == "code"
        assert decisions(meeting) == []
        await meeting.type_code(code_on(browser), ada)  # her own word, from her own seat
    assert standing(meeting, ada) is Standing.GIVEN


async def test_with_others_at_the_microphone_one_is_sent_to_the_meetings_page(series: Series, site: Site) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        await meeting.join("Ada")
        await browser.open(path)
        await browser.submit(f"{path}/here", alone="no")
        assert browser.place == meeting.link
    assert decisions(meeting) == []


@pytest.mark.parametrize("state", ["joining", "waiting_room", "leaving", "left"])
async def test_there_is_nothing_to_tap_before_the_bot_is_in(series: Series, site: Site, state: str) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        await meeting.join("Ada")
        await browser.open(path)
        form = {**browser.hidden(f"{path}/here"), **ALONE}
        await site.store.visits.set_visit_state(meeting.visit.id, meeting.visit.epoch, state)
        await browser.send(f"{path}/here", form)
        assert state_on(browser) == "given"
    assert decisions(meeting) == []


async def test_without_a_yes_there_is_nothing_to_tie(series: Series, site: Site) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        await meeting.join("Ada")
        await browser.open(path)
        form = {**browser.hidden(f"{path}/here"), **ALONE}
        await browser.submit(f"{path}/withdraw")
        await browser.send(f"{path}/here", form)
        assert state_on(browser) == "withdrawn"
    assert decisions(meeting) == []


async def test_a_yes_to_one_hosts_series_counts_in_no_other(series: Series, site: Site, people: People) -> None:
    other = await Series.plan(site, people.omar)
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await other.begin()
        ada = await meeting.join("Ada")
        await browser.open(path)
        assert f"{path}/here" not in browser.text
    assert standing(meeting, ada) is Standing.UNKNOWN
    await meeting.end()


# ---- what is said in the meeting goes first --------------------------------------------------------------------------


async def test_a_stop_in_the_chat_is_not_undone_by_a_tap(series: Series, site: Site) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        await browser.open(path)
        form = {**browser.hidden(f"{path}/here"), **ALONE}
        await browser.send(f"{path}/here", form)
        await meeting.decide(ada, Act.WITHDRAW)
        await browser.open(path)
        assert state_on(browser) == "no_here"
        await browser.send(f"{path}/here", form)
        await say(browser, path, YES)  # a new answer ahead does not either
        await browser.send(f"{path}/here", form)
        assert state_on(browser) == "no_here"
    assert standing(meeting, ada) is Standing.WITHDRAWN


async def test_a_no_that_comes_in_while_the_tap_is_worked_on_stands(
    series: Series, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        count = site.store.agreements.count

        async def late(entries: Sequence[tuple[Event, str]], visit: VisitId, last_seen: int) -> None:
            if not decisions(meeting):
                await meeting.decide(ada, Act.REFUSE)
            await count(entries, visit, last_seen)

        monkeypatch.setattr(site.store.agreements, "count", late)
        assert await tap(browser, path) == "code"
    assert standing(meeting, ada) is Standing.REFUSED
    assert len(decisions(meeting)) == 1


async def test_somebody_else_who_answers_meanwhile_does_not_keep_the_tap(
    series: Series, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.browser() as browser:
        path = await agreed_by_link(series, browser)
        meeting = await series.begin()
        ada, bob = await meeting.join("Ada"), await meeting.join("Bob")
        count = site.store.agreements.count

        async def late(entries: Sequence[tuple[Event, str]], visit: VisitId, last_seen: int) -> None:
            if not decisions(meeting):
                await meeting.decide(bob, Act.GIVE)
            await count(entries, visit, last_seen)

        monkeypatch.setattr(site.store.agreements, "count", late)
        assert await tap(browser, path) == "here"
    assert standing(meeting, ada) is Standing.GIVEN
