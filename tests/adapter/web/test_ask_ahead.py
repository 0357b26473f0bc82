"""The host's page for asking ahead: a text without a title, links that can be revoked, and nobody's answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from consent_notice.ahead import Covers
from consent_notice.decisions import Act
from consent_notice.events import Means
from consent_notice.words import Standing
from tests.adapter.web.conftest import People
from tests.simulators.ahead_site import ALONE, NO, TITLE, YES, Series, decisions, say, standing, state_on
from tests.simulators.web_site import Browser, Site


@pytest.fixture
async def series(site: Site, people: People) -> AsyncIterator[Series]:
    opened = await Series.plan(site, people.ingrid)
    yield opened
    opened.check()


@pytest.fixture
async def host(site: Site, people: People) -> AsyncIterator[Browser]:
    async with site.browser(people.ingrid) as browser:
        yield browser


def page_of(series: Series, day: int = 0) -> str:
    return f"/meetings/{series.rows[day].id}/ahead"


def text_on(browser: Browser) -> str:
    return browser.text.split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0]


def links_on(browser: Browser) -> list[str]:
    return re.findall(r'value="http://[^"]*(/p/[^"]+)"', browser.text)


async def make(series: Series, host: Browser, **fields: str) -> str:
    """The new link's path."""
    await host.open(page_of(series))
    known = set(links_on(host))
    await host.submit(f"/meetings/{series.rows[0].id}/links", **{"name": "Ada", "covers": "series", **fields})
    assert host.status == 200
    (made,) = set(links_on(host)) - known
    return made


async def test_the_text_says_what_is_asked_what_silence_means_and_what_a_no_costs(
    series: Series, host: Browser
) -> None:
    await host.open(page_of(series))
    text = text_on(host)
    assert "Ingrid Solberg (Northwind Cooperative) would like to record these meetings" in text
    assert "Recording, Transcript" in text
    assert "No answer means no" in text
    assert "costs you nothing" in text
    assert TITLE not in text
    assert await series.invitation() in text


async def test_every_meeting_of_a_series_has_the_same_text(series: Series, host: Browser) -> None:
    texts = set()
    for day in range(3):
        await host.open(page_of(series, day))
        texts.add(text_on(host))
    assert len(texts) == 1


async def test_it_is_in_the_meetings_language(site: Site, people: People, host: Browser) -> None:
    row = await site.store.meetings.add_by_hand(people.ingrid.id, "http://127.0.0.1:8481/room/x", TITLE, language="pl")
    await host.open(f"/meetings/{row.id}/ahead")
    assert "Brak odpowiedzi oznacza" in text_on(host)
    assert 'lang="pl"' in host.text


async def test_another_hosts_meeting_has_no_such_page(series: Series, site: Site, people: People) -> None:
    link = await series.link_for("Ada")
    async with site.browser(people.omar) as browser:
        await browser.open(page_of(series))
        assert browser.status == 404
        await browser.open("/meetings")
        form = browser.hidden("/meetings")
        for path in ("links", f"links/{link.reference}/revoke"):
            await browser.send(f"/meetings/{series.rows[0].id}/{path}", {**form, "name": "Ada"})
            assert browser.status == 404
    (known,) = await site.store.personal_links.list(series.reach())
    assert known.revoked_at is None
    async with site.browser() as stranger:
        await stranger.open(page_of(series))
        assert stranger.place == "/sign-in"


async def test_the_page_is_linked_from_the_meetings(series: Series, host: Browser) -> None:
    await host.open("/meetings")
    assert all(f'href="{page_of(series, day)}"' in host.text for day in range(3))


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"name": " ", "email": ""}, "whom the link is for"), ({"name": "", "email": "ada"}, "no e-mail address")],
)
async def test_a_link_says_whom_it_is_for(series: Series, host: Browser, fields: dict[str, str], words: str) -> None:
    await host.open(page_of(series))
    await host.submit(f"/meetings/{series.rows[0].id}/links", **fields)
    assert host.status == 422
    assert words in host.text
    assert await series.site.store.personal_links.list(series.reach()) == []


async def test_a_link_holds_as_long_and_for_what_was_chosen(series: Series, host: Browser, site: Site) -> None:
    await make(series, host, days="7", email="Ada@Example.org")
    await make(series, host, days="9999")
    await make(series, host, covers="meeting", days="7")
    (alone,) = await site.store.personal_links.list(series.reach(Covers.MEETING))
    longer, shorter = sorted(
        await site.store.personal_links.list(series.reach()), key=lambda one: one.expires_at, reverse=True
    )
    now = site.clock.now()
    assert (shorter.name, shorter.email) == ("Ada", "ada@example.org")
    assert shorter.expires_at == now + timedelta(days=7)
    assert longer.expires_at == now + timedelta(days=90)
    assert alone.expires_at == series.rows[0].starts_at + timedelta(days=7)


async def test_the_host_sees_counts_and_nobodys_answer(series: Series, host: Browser, site: Site) -> None:
    """Refused, taken back and never opened look alike, whatever the host opens."""

    def alike(text: str) -> str:
        return re.sub(r'name="csrf" value="[^"]*"', "", text)

    await make(series, host)
    path = await make(series, host, name="Grace")
    await host.open(page_of(series))  # what is told once is told
    before = alike(await host.open(page_of(series)))
    assert "Nobody has agreed ahead yet" in before
    async with site.browser() as browser:
        await say(browser, path, NO, "Grace")
        assert alike(await host.open(page_of(series))) == before
        await say(browser, path, YES, "Grace")
        agreed = alike(await host.open(page_of(series)))
        assert agreed.replace("1 guest has agreed ahead.", "Nobody has agreed ahead yet.") == before
        await browser.submit(f"{path}/withdraw")
        assert alike(await host.open(page_of(series))) == before


async def test_a_revoked_link_is_so_at_once_and_shuts_what_it_opened(series: Series, host: Browser, site: Site) -> None:
    path = await make(series, host)
    async with site.browser() as browser:
        await say(browser, path, YES)
        meeting = await series.begin()
        ada, bob = await meeting.join("Ada"), await meeting.join("Bob")
        await meeting.decide(bob, Act.GIVE)
        await browser.open(path)
        await browser.submit(f"{path}/here", **ALONE)
        assert state_on(browser) == "here"
        (link,) = await site.store.personal_links.list(series.reach())
        await host.open(page_of(series))
        await host.submit(f"/meetings/{series.rows[0].id}/links/{link.reference}/revoke")
        assert "Revoked" in host.text
        assert links_on(host) == []
        await browser.open(path)
        assert browser.status == 410
    assert (standing(meeting, ada), standing(meeting, bob)) == (Standing.REVOKED, Standing.GIVEN)
    last = decisions(meeting)[-1]
    assert (last.means, last.seat, last.matched_by) == (Means.HOST, ada, "personal link revoked")
    await meeting.end()


async def test_revoking_undoes_no_refusal(series: Series, host: Browser, site: Site) -> None:
    path = await make(series, host)
    async with site.browser() as browser:
        await say(browser, path, NO)
        meeting = await series.begin()
        ada = await meeting.join("Ada")
        await say(browser, path, NO)
    (link,) = await site.store.personal_links.list(series.reach())
    await host.open(page_of(series))
    await host.submit(f"/meetings/{series.rows[0].id}/links/{link.reference}/revoke")
    assert standing(meeting, ada) is Standing.REFUSED
    found = await site.store.agreements.find(series.rows[1].id, "stand-up", "", "Ada")
    assert found is not None
    assert all(act is Act.REFUSE for _, act in found.acts)
    await host.send(f"/meetings/{series.rows[0].id}/links/{'0' * 64}/revoke", host.hidden("/sign-out"))
    assert host.status == 404
    await meeting.end()


async def test_names_are_text(series: Series, host: Browser) -> None:
    await make(series, host, name="<script>alert(1)</script>\u202e")
    assert "<script>alert" not in host.text
    assert "\u202e" not in host.text


async def test_the_log_shows_an_answer_ahead_without_a_way_into_a_meeting(
    series: Series, site: Site, people: People
) -> None:
    async with site.browser() as browser:
        await say(browser, await series.invitation(), NO)
    async with site.browser(people.admin) as admin:
        await admin.open("/log")
        assert "Answer ahead" in admin.text
        assert "/review//" not in admin.text
