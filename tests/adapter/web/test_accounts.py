"""Signing in, passwords, accounts."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.adapter.web.conftest import People
from tests.simulators.web_site import PASSWORD, Site
from web.accounts import ensure_first_admin


async def test_the_first_admin_gets_a_password_once(site: Site) -> None:
    password = await ensure_first_admin(site.store, site.new_id, email="root@example.org")
    assert password is not None
    assert re.fullmatch(r"[a-z2-7uvwx0-9]{4}(-[a-z2-7uvwx0-9]{4}){4}", password)
    assert await ensure_first_admin(site.store, site.new_id) is None
    async with site.browser() as browser:
        await browser.sign_in("root@example.org", password)
        assert browser.place == "/review"


async def test_wrong_password_and_unknown_account_look_alike(site: Site, people: People) -> None:
    answers = []
    for email in ("ingrid@example.org", "nobody@example.org"):
        async with site.browser() as browser:
            await browser.sign_in(email, "wrong-password")
            answers.append(
                (browser.status, browser.text.replace(email, "").replace(browser.hidden("/sign-in")["csrf"], ""))
            )
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


async def test_tries_are_limited_for_one_account_without_locking_others_out(site: Site, people: People) -> None:
    async with site.browser() as browser:
        statuses = []
        for _ in range(9):
            await browser.sign_in("ingrid@example.org", "wrong-password")
            statuses.append(browser.status)
        assert statuses == [401] * 8 + [429]
        await browser.sign_in("ingrid@example.org")
        assert browser.status == 429  # the right one, too: nobody learns by trying on
        await browser.sign_in("omar@example.org")
        assert browser.place == "/meetings"


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/%2f/evil.example"]
)
async def test_signing_in_leads_nowhere_else(site: Site, people: People, place: str) -> None:
    async with site.browser() as browser:
        await browser.open("/sign-in")
        fields = {**browser.hidden("/sign-in"), "email": "ingrid@example.org", "password": PASSWORD, "next": place}
        await browser.send("/sign-in", fields, allow_redirects=False)
        assert browser.headers["Location"] == "/"


async def test_signing_in_leads_back(site: Site, people: People) -> None:
    async with site.browser() as browser:
        await browser.open("/calendars")
        await browser.submit("/sign-in", email="ingrid@example.org", password=PASSWORD)
        assert browser.place == "/calendars"


async def test_changing_the_password_ends_every_other_session(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as here, site.browser(people.ingrid) as elsewhere:
        await here.open("/account")
        await here.submit("/account", current="wrong", new="a-new-password", again="a-new-password")
        assert here.status == 422
        await here.submit("/account", current=PASSWORD, new="short", again="short")
        assert "at least 10" in here.text
        await here.submit("/account", current=PASSWORD, new="a-new-password", again="a-new-passwort")
        assert "not the same" in here.text
        await here.submit("/account", current=PASSWORD, new="a-new-password", again="a-new-password")
        assert "is changed" in here.text
        await elsewhere.open("/meetings")
        assert elsewhere.place == "/sign-in"
        await elsewhere.submit("/sign-in", email="ingrid@example.org", password="a-new-password")
        assert elsewhere.place == "/meetings"


async def test_signing_out_ends_it(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.submit("/sign-out")
        await browser.open("/meetings")
        assert browser.place == "/sign-in"


async def test_an_admin_adds_a_host_who_can_sign_in(site: Site, people: People) -> None:
    async with site.browser(people.admin) as browser:
        await browser.open("/users")
        await browser.submit("/users", name="Lea <b>Klein</b>", email="LEA@example.org", role="host")
        found = re.search(r'<p class="mono"><strong>([^<]+)</strong>', browser.text)
        assert found
        assert "<b>Klein" not in browser.text
        await browser.submit("/users", name="Lea", email="lea@example.org", role="host")
        assert (browser.status, "already" in browser.text) == (422, True)
        for wrong in ({"email": "no"}, {"role": "owner"}, {"name": " "}):
            await browser.submit("/users", **{"name": "X", "email": "x@example.org", "role": "host", **wrong})
            assert browser.status == 422
    async with site.browser() as lea:
        await lea.sign_in("lea@example.org", found[1])
        assert lea.place == "/meetings"


async def test_many_at_once_are_all_answered(site: Site, people: People) -> None:
    async def sign_in() -> str:
        async with site.browser() as browser:
            await browser.sign_in("omar@example.org")
            return browser.place

    assert await asyncio.gather(*(sign_in() for _ in range(6))) == ["/meetings"] * 6
