"""Pages for answers ahead: who sees what was answered, and what personal links and texts that changed do to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent_notice.ahead import Covers
from consent_notice.decisions import Act
from consent_notice.publication import Text
from consent_notice.words import IdentityLevel, Purpose
from tests.adapter.web.conftest import People
from tests.simulators.ahead_site import NO, YES, Series, say, state_on
from tests.simulators.web_site import Site, open_site

DAY_S = 24 * 3_600


@pytest.fixture
async def series(site: Site, people: People) -> AsyncIterator[Series]:
    """Whatever a test does, the log bears it out."""
    opened = await Series.plan(site, people.ingrid)
    yield opened
    opened.check()


# ---- to whom it is shown ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [YES, NO])
async def test_whoever_else_opens_the_link_sees_an_unanswered_page(
    series: Series, site: Site, people: People, answer: dict[str, str]
) -> None:
    """The host has the personal link too, and must not learn from it who agreed or refused."""
    link = await series.link_for("Ada")

    def alike(text: str) -> str:
        return re.sub(r'name="(csrf|nonce)" value="[^"]*"', "", text)

    async with site.browser() as browser, site.browser(people.ingrid) as host:
        for path in (await series.invitation(), f"/p/{link.token}"):
            before = alike(await host.open(path))
            before_state = await host.open(f"{path}/state")
            await say(browser, path, answer)
            assert alike(await host.open(path)) == before
            assert await host.open(f"{path}/state") == before_state


async def test_a_yes_from_elsewhere_does_not_undo_a_no_under_the_same_link(series: Series, site: Site) -> None:
    """Whoever has the link could try: the invitee's no stands, and the page does not tell."""
    link = await series.link_for("Ada")
    path = f"/p/{link.token}"
    async with site.browser() as ada, site.browser() as other:
        await say(ada, path, NO, "A. Lovelace")
        await say(other, path, YES, "Ada")
        assert state_on(other) == "given"
        yes = (await site.store.agreements.under_link(link.reference))[-1]
        await site.store.agreements.bind_platform_id(yes.id, "id-1", "Ada")
        found = await site.store.agreements.find(series.rows[0].id, "stand-up", "id-1", "Ada")
        assert found is not None
        assert all(act is Act.REFUSE for _, act in found.acts)


async def test_an_invitation_of_one_host_is_none_of_another(series: Series, site: Site, people: People) -> None:
    """Both have the same event in their calendars."""
    other = await Series.plan(site, people.omar)
    async with site.browser() as browser:
        await say(browser, await series.invitation(), NO)
        await browser.open(await other.invitation())
        assert state_on(browser) == "ask"
        assert "Omar Haddad" in browser.text
    assert await site.store.agreements.find(other.rows[0].id, "stand-up", "", "Ada") is None
    assert await site.store.agreements.find(series.rows[0].id, "stand-up", "", "Ada") is not None


# ---- personal links --------------------------------------------------------------------------------------------------


async def test_a_personal_link_ends_and_so_does_what_was_said_under_it(series: Series, site: Site) -> None:
    link = await series.link_for("Ada", days=30)
    path = f"/p/{link.token}"
    async with site.browser() as browser:
        await say(browser, path, YES)
        assert series.said[0].until == link.expires_at.date().isoformat()
        assert series.said[0].identity_level is IdentityLevel.SIGNED_PERSONAL_LINK
        site.clock.pass_s(30 * DAY_S)
        await browser.open(path)
        assert browser.status == 410
        assert "no longer holds" in browser.text
        await browser.open(path, headers={"Accept-Language": "pl"})
        assert "już nie obowiązuje" in browser.text


async def test_a_revoked_link_is_gone_for_everybody(series: Series, site: Site) -> None:
    link = await series.link_for("Ada")
    path = f"/p/{link.token}"
    async with site.browser() as browser:
        await say(browser, path, YES)
        form = browser.hidden(f"{path}/withdraw")
        await site.store.personal_links.revoke(series.reach(), link.reference)
        await browser.open(path)
        assert browser.status == 410
        await browser.send(f"{path}/withdraw", form)
        assert browser.status == 410
    async with site.browser() as stranger:
        await stranger.open(path)
        assert stranger.status == 410


async def test_a_forged_link_is_no_page(series: Series, site: Site) -> None:
    link = await series.link_for("Ada")
    link_id, expiry, signature = link.token.split(".")
    async with site.browser() as browser:
        for forged in (
            f"{link_id}.{int(expiry, 16) + 86_400:x}.{signature}",
            f"{link_id[:-1]}a.{expiry}.{signature}",
            f"{link_id}.{expiry}.{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}",
            f"{link_id}.{expiry}.",
            link_id,
        ):
            await browser.open(f"/p/{forged}")
            assert browser.status == 404


async def test_a_link_to_one_meeting_gives_no_answer_to_its_series(series: Series, site: Site) -> None:
    link = await series.link_for("Ada", covers=Covers.MEETING)
    async with site.browser() as browser:
        await say(browser, f"/p/{link.token}", YES, scope="series")
    assert (series.said[0].covers, series.said[0].about) == ("meeting", series.rows[0].id)


# ---- texts and purposes ----------------------------------------------------------------------------------------------


async def test_a_yes_to_a_text_that_holds_no_more_asks_again(tmp_path: Path) -> None:
    """A new text is in use; until an admin has said that older agreements stay, they do not."""
    async with open_site(tmp_path / "data", publication=1) as site:
        host, publications = await site.person("host", "Ingrid", "ingrid@example.org"), site.store.publications
        still_valid = site.store.agreements.is_still_valid
        series = await Series.plan(site, host)
        site.store.agreements.is_still_valid = still_valid
        await publications.in_use(Text(content=b"{}"))
        path = await series.invitation()
        async with site.browser() as browser:

            async def state_of_the_page() -> str:
                await browser.open(path)
                return state_on(browser)

            await say(browser, path, YES)
            assert await state_of_the_page() == "given"
            await publications.in_use(Text(content=b"[]"))
            assert await state_of_the_page() == "outdated"
            await publications.publish(2, renews=False, by=host.id)
            assert await state_of_the_page() == "given"
            await publications.in_use(Text(content=b"0"))
            await publications.publish(3, renews=True, by=host.id)
            assert await state_of_the_page() == "outdated"
            await say(browser, path, NO)
            assert state_on(browser) == "refused"
        series.check()


async def test_a_yes_that_ran_out_can_be_given_again(series: Series, site: Site) -> None:
    path = await series.invitation(Covers.MEETING)
    async with site.browser() as browser:
        await say(browser, path, YES)
        site.clock.pass_s(2 * DAY_S)
        await browser.open(path)
        assert state_on(browser) == "ended"
        assert series.said[0].until in browser.text
        await say(browser, path, YES)
        assert state_on(browser) == "given"
    assert series.said[1].until > series.said[0].until


async def test_a_purpose_that_the_page_cannot_reach_is_shown_and_not_asked(tmp_path: Path) -> None:
    purposes = (Purpose.RECORDING, Purpose.TRANSCRIPTION, Purpose.AI_NOTES, Purpose.INSIGHTS)
    async with open_site(tmp_path / "data", purposes=purposes) as site:
        host = await site.person("host", "Ingrid Solberg", "ingrid@example.org")
        series = await Series.plan(site, host)
        path, link = await series.invitation(), await series.link_for("Ada")
        more = {**YES, "purpose_ai_notes": "on", "purpose_insights": "on"}
        async with site.browser() as browser:
            await browser.open(path)
            assert 'name="purpose_ai_notes"' in browser.text
            assert 'name="purpose_insights"' not in browser.text
            assert "needs a personal link from Ingrid Solberg" in browser.text
            assert "checked" not in browser.text
            await say(browser, path, more)
            await browser.open(f"/p/{link.token}")
            assert 'name="purpose_insights"' in browser.text
            assert "personal link from" not in browser.text
            await say(browser, f"/p/{link.token}", more)
        public, personal = series.said
        assert [purpose for purpose, _ in public.acts] == list(purposes[:3])
        assert all(act is Act.GIVE for _, act in (*public.acts, *personal.acts))
        assert [purpose for purpose, _ in personal.acts] == list(purposes)
        series.check()
