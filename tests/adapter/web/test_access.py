"""Who may call what. Another's page does not exist; a form that is not ours is not taken."""

from __future__ import annotations

import pytest

from consent_notice.decisions import Act
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Meeting, Site

ADMIN_PAGES = ["/review", "/log", "/users", "/settings"]


async def test_without_sign_in_every_page_leads_to_it(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    visit = meeting.visit.id
    for path in [
        "/",
        "/meetings",
        "/recordings",
        f"/recordings/{visit}",
        "/calendars",
        f"/review/{visit}",
        *ADMIN_PAGES,
    ]:
        async with site.browser() as browser:
            await browser.open(path)
            assert browser.place == "/sign-in"
            assert "Quarterly planning" not in browser.text


async def test_a_fragment_says_so_instead(site: Site) -> None:
    async with site.browser() as browser:
        await browser.open("/meetings/live", headers={"X-Fragment": "1"})
        assert browser.status == 403


async def test_admin_pages_do_not_exist_for_a_host(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    seat = await meeting.join("Ada")
    index = await meeting.decide(seat, Act.REFUSE)
    async with site.browser(people.ingrid) as browser:
        visit = meeting.visit.id
        for path in [*ADMIN_PAGES, f"/review/{visit}", f"/review/{visit}/entries/{index}"]:
            await browser.open(path)
            assert browser.status == 404, path
            assert "Ada" not in browser.text
        await browser.open("/account")
        token = browser.hidden("/account")
        for path in [f"/review/{visit}/verify", "/log/verify", "/users"]:
            await browser.send(path, token)
            assert browser.status == 404, path


async def test_another_hosts_things_do_not_exist(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    seat = await meeting.join("Ada")
    calendar = await site.store.calendars.add(
        host_id=people.ingrid.id, provider="ics", title="Work", address="https://c.example/x.ics",
        rule=meeting.visit.rule, language="en",
    )  # fmt: skip
    for other in (people.omar, people.admin):
        async with site.browser(other) as browser:
            for path in [f"/recordings/{meeting.visit.id}", f"/recordings/{meeting.visit.id}/voices/{seat}.ogg"]:
                await browser.open(path)
                assert browser.status == 404, path
            await browser.open("/account")
            token = browser.hidden("/account")
            for path in [
                f"/meetings/{meeting.row.id}/stop",
                f"/meetings/{meeting.row.id}/override",
                f"/calendars/{calendar.id}/enabled",
                f"/calendars/{calendar.id}/rule",
                f"/calendars/{calendar.id}/delete",
            ]:
                fields = {**token, "enabled": "yes", "override": "skip"}
                await browser.send(path, fields)
                assert browser.status == 404, path
    assert not await site.store.meetings.is_stopped(meeting.row.id)
    assert [row.enabled for row in await site.store.calendars.list()] == [False]


@pytest.mark.parametrize("path", ["/sign-in", "/meetings", "/calendars", "/account", "/sign-out"])
async def test_a_form_without_the_token_is_not_taken(site: Site, people: People, path: str) -> None:
    async with site.browser(people.ingrid) as browser:
        for fields in ({}, {"csrf": ""}, {"csrf": "guessed"}):
            await browser.send(path, fields)
            assert browser.status == 403
        await browser.open("/meetings")
        assert browser.place == "/meetings"  # still signed in


async def test_another_browsers_token_is_not_ours(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as first, site.browser(people.omar) as second:
        await first.open("/account")
        await second.send("/sign-out", first.hidden("/sign-out"))
        assert second.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_from_another_site_is_not_taken(site: Site, people: People, headers: dict[str, str]) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/account")
        await browser.send("/sign-out", browser.hidden("/sign-out"), headers=headers)
        assert browser.status == 403


async def test_our_own_origin_is_taken(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/account")
        headers = {"Origin": site.url, "Sec-Fetch-Site": "same-origin"}
        await browser.send("/sign-out", browser.hidden("/sign-out"), headers=headers)
        assert (browser.status, browser.place) == (200, "/sign-in")


async def test_a_sign_in_ends_after_half_a_day(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        site.clock.pass_s(11.9 * 3600)
        await browser.open("/meetings")
        assert browser.place == "/meetings"
        site.clock.pass_s(0.2 * 3600)
        await browser.open("/meetings")
        assert browser.place == "/sign-in"
