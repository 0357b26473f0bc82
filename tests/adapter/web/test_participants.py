"""The participant's page: who sees what, whose page it is; without an account and without JavaScript."""

from __future__ import annotations

import pytest

from tests.adapter.web.conftest import People
from tests.simulators.page_answers import agree
from tests.simulators.web_site import Meeting, Site


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid, "Secret merger with Fabrikam")


async def test_it_says_who_asks_and_nothing_is_ticked(meeting: Meeting, site: Site) -> None:
    await meeting.join("Ada Lovelace")
    async with site.browser() as browser:
        await browser.open(meeting.link)
    assert "Ingrid Solberg would like to record" in browser.text
    assert "Northwind Cooperative" in browser.text
    assert "90 days" in browser.text
    assert "checked" not in browser.text
    assert "onrecord-notice" in browser.text


async def test_no_title_and_nobody_elses_name_is_on_it(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada Lovelace")
    await meeting.join("Grace Hopper")
    async with site.browser() as browser:
        seen = [await browser.open(meeting.link)]
        seen.append(await browser.submit(meeting.link, decision="no"))
        seen.append(await browser.submit(meeting.link, name="Somebody Else"))
        seen.append(await browser.open(f"{meeting.link}/state"))
        await agree(meeting, browser, seat)
        seen.append(browser.text)
        seen.append(await browser.open(f"{meeting.link}?change"))
    for text in seen:
        assert "merger" not in text
        assert "Grace" not in text
    assert all("Ada" not in text for text in seen[:4])  # not even one's own, before the code was typed
    assert "Ada Lovelace" in seen[4]


async def test_a_link_preview_opens_nothing(meeting: Meeting, site: Site) -> None:
    for _ in range(3):
        async with site.browser() as browser:
            await browser.open(meeting.link)
    assert site.store._database.read_now(lambda c: c.exec_driver_sql("SELECT count(*) FROM pages").scalar_one()) == 0


@pytest.mark.parametrize(
    "path", ["/c/unknown", "/c/..%2f..", "/c/" + "x" * 300, "/c/unknown/state", "/c/unknown/receipt.json"]
)
async def test_an_unknown_link_is_a_clear_page(site: Site, path: str) -> None:
    async with site.browser() as browser:
        await browser.open(path)
        assert browser.status == 404
        assert "<h1>" in browser.text


async def test_the_page_is_in_the_persons_language(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link, headers={"Accept-Language": "pl-PL,pl;q=0.9,en;q=0.8"})
        assert 'lang="pl"' in browser.text
        assert "chce nagrać" in browser.text
        await browser.submit(meeting.link, decision="no")
        assert "Nic z Twojego głosu" in browser.text


async def test_names_are_text(site: Site, people: People) -> None:
    host = await site.person("host", "<script>alert(1)</script>", "x@example.org")
    meeting = await Meeting.begin(site, host)
    seat = await meeting.join("<img src=x onerror=alert(1)>\u202e" + "🎉" * 300)
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        assert "<script>alert" not in browser.text
        assert "<img" not in browser.text
        assert "\u202e" not in browser.text
        await browser.open(f"{meeting.link}?change")
        assert "&lt;script&gt;" in browser.text
