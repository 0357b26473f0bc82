"""The pages for answers ahead: what they show, and what they take."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from consent_notice.ahead import Covers
from consent_notice.decisions import Act
from consent_notice.words import IdentityLevel, Purpose
from tests.adapter.web.conftest import People
from tests.simulators.ahead_site import NO, TITLE, YES, Series, say, state_on
from tests.simulators.web_site import Site

DAY_S = 24 * 3_600


@pytest.fixture
async def series(site: Site, people: People) -> AsyncIterator[Series]:
    """Whatever a test does, the log bears it out."""
    opened = await Series.plan(site, people.ingrid)
    yield opened
    opened.check()


# ---- what is shown ---------------------------------------------------------------------------------------------------


async def test_it_says_who_asks_where_and_when_and_nothing_is_ticked(series: Series, site: Site) -> None:
    path, link = await series.invitation(), await series.link_for("Ada")
    async with site.browser() as browser:
        for page in (path, f"/p/{link.token}"):
            await browser.open(page)
            assert state_on(browser) == "ask"
            assert "Ingrid Solberg would like to record meetings with you" in browser.text
            assert "Practice room" in browser.text
            assert series.rows[0].starts_at.isoformat()[:16] in browser.text
            assert "onrecord-notice" in browser.text
            assert "checked" not in browser.text
            assert "No answer means no" in browser.text
            yes, no = re.findall(r'<button name="decision"[^>]*>', browser.text)
            assert yes.replace("yes", "") == no.replace("no", ""), "both are equally prominent"


async def test_no_title_and_nobody_s_name_is_on_any_of_it(series: Series, site: Site) -> None:
    path, link = await series.invitation(), await series.link_for("Ada Lovelace")
    for name in ("Ada Lovelace", "Grace Hopper"):
        async with site.browser() as other:
            await say(other, path, NO, name)
    seen = []
    async with site.browser() as browser:
        for page in (path, f"/p/{link.token}"):
            seen.append(await browser.open(page))
            seen.append(await say(browser, page, YES, "Zoe"))
            seen.append(await browser.open(f"{page}/state"))
            seen.append(await browser.submit(f"{page}/withdraw") if await browser.open(page) else "")
    meeting = await series.begin()
    await meeting.join("Grace Hopper")
    for page in (path, f"/p/{link.token}"):
        async with site.browser() as browser:
            seen.append(await say(browser, page, YES, "Grace"))
            seen.append(await browser.submit(f"{page}/here", alone="yes"))
    assert len(seen) == 12
    for text in seen:
        assert TITLE not in text
        assert "merger" not in text
        assert "Lovelace" not in text
        assert "Hopper" not in text


async def test_a_link_preview_makes_nothing(series: Series, site: Site) -> None:
    path = await series.invitation()
    for _ in range(3):
        async with site.browser() as browser:
            await browser.open(path)
            await browser.open(f"{path}/state")
    assert series.said == []
    count = "SELECT count(*) FROM agreements"
    assert site.store._database.read_now(lambda c: c.exec_driver_sql(count).scalar_one()) == 0


@pytest.mark.parametrize("path", ["/a/unknown", "/a/" + "x" * 300, "/a/unknown/state", "/p/unknown", "/p/a.b.c"])
async def test_an_unknown_link_is_a_clear_page(site: Site, path: str) -> None:
    async with site.browser() as browser:
        await browser.open(path)
        assert browser.status == 404
        assert "<h1>" in browser.text


async def test_the_page_is_in_the_person_s_language(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await browser.open(path, headers={"Accept-Language": "pl-PL,pl;q=0.9"})
        assert 'lang="pl"' in browser.text
        assert "chce nagrywać spotkania" in browser.text
        await browser.submit(path, **YES, name="Ada")
        assert "Zgoda wyrażona z góry" in browser.text
    assert series.said[0].notice_language == "pl"


async def test_a_series_shows_its_next_meeting_and_one_meeting_itself(series: Series, site: Site) -> None:
    alone, whole = await series.invitation(Covers.MEETING, 0), await series.invitation()
    async with site.browser() as browser:
        await browser.open(alone)
        assert "would like to record a meeting with you" in browser.text
        assert "Your answer holds for this meeting only" in browser.text
        assert 'name="scope"' not in browser.text
        meeting = await series.begin()
        await meeting.end()
        await browser.open(alone)
        assert state_on(browser) == "over"
        await browser.open(whole)
        assert series.rows[1].starts_at.isoformat()[:16] in browser.text
        assert state_on(browser) == "ask"


# ---- what is taken ---------------------------------------------------------------------------------------------------


async def test_a_yes_is_an_entry_that_says_what_how_long_and_to_which_text(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, YES, "Ada Lovelace", purpose_transcription="")
        assert state_on(browser) == "given"
        until = (site.clock.now() + timedelta(days=90)).date().isoformat()
        assert until in browser.text
        assert "as Ada Lovelace" in browser.text
    (said,) = series.said
    assert said.acts == ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.REFUSE))
    assert (said.covers, said.about, said.until, said.name) == ("series", "stand-up", until, "Ada Lovelace")
    assert said.identity_level is IdentityLevel.SHARED_OR_ANONYMOUS
    kept = await site.store.notices.get(said.notice_sha256)
    assert kept is not None
    assert kept.is_intact


async def test_this_meeting_only_ends_with_its_day(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, YES, scope="meeting")
    (said,) = series.said
    ends_at = series.rows[0].ends_at
    assert ends_at is not None
    assert (said.covers, said.about, said.until) == ("meeting", series.rows[0].id, ends_at.date().isoformat())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purpose_recording": "", "purpose_transcription": ""}, "You ticked nothing"),
        ({"purpose_recording": ""}, "needs that tick"),
        ({"scope": ""}, "for which meetings"),
        ({"scope": "forever"}, "for which meetings"),
        ({"name": " \u200b "}, "Give the name"),
        ({"notice": "0" * 64}, "notice has changed"),
        ({"seen": "7"}, "has changed since"),
        ({"seen": "x"}, "has changed since"),
    ],
)
async def test_a_yes_that_is_not_whole_is_shown_again(
    series: Series, site: Site, changes: dict[str, str], words: str
) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, YES, **changes)
        assert browser.status == 422
        assert words in browser.text
        assert "checked" not in browser.text
    assert series.said == []


async def test_a_no_is_always_taken(series: Series, site: Site) -> None:
    """Without a name, without saying how far it reaches, from a page of yesterday: for this meeting."""
    path = await series.invitation()
    async with site.browser() as browser:
        await browser.open(path)
        await browser.submit(path, decision="no", seen="7", notice="other", name="")
        assert state_on(browser) == "refused"
        assert "tell us the name" in browser.text
        await browser.submit(path, name="Ada")
        assert "is not asked" in browser.text
        assert browser.text.count('action="' + path + '"') == 0
    assert [(one.covers, one.name) for one in series.said] == [("meeting", ""), ("meeting", "Ada")]
    assert len({one.agreement for one in series.said}) == 1


async def test_a_no_to_the_series_names_its_end(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, NO)
        assert (site.clock.now() + timedelta(days=90)).date().isoformat() in browser.text
    found = await site.store.agreements.find(series.rows[2].id, "stand-up", "", "ada")
    assert found is not None
    assert found.acts == ((Purpose.RECORDING, Act.REFUSE), (Purpose.TRANSCRIPTION, Act.REFUSE))


async def test_what_was_said_can_be_changed_and_taken_back(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, YES)
        await say(browser, path, NO)
        assert state_on(browser) == "refused"
        await say(browser, path, YES, scope="meeting")
        assert state_on(browser) == "given"
        await browser.submit(f"{path}/withdraw")
        assert state_on(browser) == "withdrawn"
        assert "asked like everybody else" in browser.text
        await say(browser, path, NO)
        await browser.submit(f"{path}/withdraw")
        assert state_on(browser) == "withdrawn"
    assert len({one.agreement for one in series.said}) == 1
    assert [one.acts[0][1] for one in series.said] == [
        Act.GIVE, Act.REFUSE, Act.GIVE, Act.WITHDRAW, Act.REFUSE, Act.RESET,
    ]  # fmt: skip


async def test_every_form_sent_again_leaves_a_withdrawal_as_it_is(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        forms = []
        for _ in range(2):
            await browser.open(f"{path}?change")
            forms.append({**browser.hidden(path), **YES, "name": "Ada"})
            await browser.send(path, forms[-1])
        await browser.submit(f"{path}/withdraw")
        for form in forms:
            await browser.send(path, form)
            await browser.open(path)
            assert state_on(browser) == "withdrawn"
    assert len(series.said) == 3


async def test_a_form_that_is_sent_twice_at_once_makes_one_page(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser, site.browser() as impatient:
        await browser.open(path)
        cookies = {one.key: one.value for one in browser.session.cookie_jar}
        form = {**browser.hidden(path), **YES, "name": "Ada"}
        await browser.send(path, form)
        await impatient.send(path, form, cookies=cookies, allow_redirects=False)  # before the first answer came back
        await impatient.open(path)
        assert state_on(impatient) == "given"
    assert len(series.said) == 1


async def test_an_answer_that_cannot_be_stored_says_so(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await browser.open(path)
        site.store.log.close()
        await browser.submit(path, **YES, name="Ada")
        assert browser.status == 503
        assert "could not be stored" in browser.text


async def test_without_the_token_of_a_form_nothing_is_taken(series: Series, site: Site) -> None:
    path = await series.invitation()
    async with site.browser() as browser:
        await say(browser, path, YES)
        for target in (path, f"{path}/withdraw", f"{path}/here"):
            await browser.send(target, {"decision": "no"}, headers={"Origin": "https://evil.example"})
            assert browser.status == 403
            await browser.send(target, {"decision": "no"})
            assert browser.status == 403
    assert len(series.said) == 1
