"""The way to a calendar service and back: told first, once, in time, for the host who began it, and in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from yarl import URL

from calendar_sync.accounts import AdminMustConsent, SignInDenied, WrongTenant
from calendar_sync.errors import CalendarServerFailed
from storage.users import User
from tests.simulators.calendar_account import AUTHORIZE, OWN, PASSWORD, SimulatedService
from tests.simulators.web_site import Browser, Site, open_site
from web.connecting import Used
from web.services import CalendarServices

CONSENT = "https://sign-in.service.example/adminconsent?client_id=onrecord"


@dataclass(kw_only=True)
class Set:
    site: Site
    google: SimulatedService
    outlook: SimulatedService
    caldav: SimulatedService
    ann: User
    bob: User


@pytest.fixture
async def on(tmp_path: Path) -> AsyncIterator[Set]:
    google, outlook, caldav = SimulatedService(), SimulatedService(), SimulatedService()
    services = CalendarServices(
        sign_in={"google": google, "outlook": outlook},
        by_password={"caldav": caldav},
        push={"google": google},
        consent_links={"outlook": CONSENT},
    )
    async with open_site(tmp_path / "data", services) as site:
        ann = await site.person("host", "Ann", "ann@example.org")
        bob = await site.person("host", "Bob", "bob@example.org")
        yield Set(site=site, google=google, outlook=outlook, caldav=caldav, ann=ann, bob=bob)


async def begin(browser: Browser, provider: str = "google", **fields: str) -> str:
    await browser.open(f"/calendars/connect/{provider}")
    return await browser.submit(f"/calendars/connect/{provider}", **fields)


async def come_back(browser: Browser, provider: str = "google", state: str = "state-0", **query: str) -> str:
    answer = "&".join(f"{name}={value}" for name, value in {"code": "c", "state": state, **query}.items())
    return await browser.open(f"/calendars/connect/{provider}?{answer}")


async def test_what_is_read_is_said_before_anybody_is_sent_away(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        text = await browser.open("/calendars/connect/google")
        for words in ("What is read", "What never happens", "calendar.events.owned.readonly", "begins switched off"):
            assert words in text
        assert on.google.began == []
        text = await begin(browser)
        assert f"{AUTHORIZE}?state=state-0" in text.replace("&amp;", "&")
    (began,) = on.google.began
    assert began["redirect"] == f"{on.site.settings.public_url}/calendars/connect/google"
    assert not began["wider"]


async def test_an_account_comes_with_its_calendars_all_off_and_its_tokens_unseen(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        await begin(browser)
        text = await come_back(browser)
        assert "Every calendar is off" in text
        assert "ann@service.example" in text
        assert "token" not in text
    (account,) = await on.site.store.accounts.list(on.ann.id)
    rows = await on.site.store.calendars.list(on.ann.id)
    assert {(row.title, row.enabled, row.account_id) for row in rows} == {
        ("Work", False, account.id),
        ("Team", False, account.id),
    }
    assert {row.time_zone for row in rows} == {"Europe/Warsaw", "UTC"}


async def test_a_way_back_holds_once_ten_minutes_and_for_one_service(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        for provider, wait_s, began in (("google", 601, True), ("outlook", 0, True), ("google", 0, False)):
            if began:
                await begin(browser)
            on.site.clock.pass_s(wait_s)
            assert "Begin again" in await come_back(browser, provider, f"state-{len(on.google.began) - 1}")
        await begin(browser)
        state = f"state-{len(on.google.began) - 1}"
        on.site.clock.pass_s(599)
        assert "is connected" in await come_back(browser, state=state)
        assert "Begin again" in await come_back(browser, state=state)
    assert len(await on.site.store.accounts.list()) == 1


async def test_a_return_that_somebody_made_up_ends_no_way_that_is_open(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        await begin(browser)
        assert "Begin again" in await come_back(browser, state="made-up")
        assert "Begin again" in await browser.open("/calendars/connect/google?error=access_denied")
        assert "is connected" in await come_back(browser)


async def test_an_old_cookie_takes_no_way_twice(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        await begin(browser)
        jar = browser.session.cookie_jar
        before = {cookie.key: cookie.value for cookie in jar}
        await come_back(browser)
        jar.update_cookies(before, response_url=URL(on.site.url))
        assert "Begin again" in await come_back(browser)


async def test_what_one_host_began_no_other_finishes(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        await begin(browser)
        await browser.submit("/sign-out")
        await browser.sign_in(on.bob.email)
        assert "Begin again" in await come_back(browser)
    async with on.site.browser() as stranger:
        assert "Sign in" in await come_back(stranger)
    assert await on.site.store.accounts.list() == []


@pytest.mark.parametrize(
    ("error", "words"),
    [(SignInDenied(), "nothing was connected"), (WrongTenant(), "another organisation"), (AdminMustConsent(), CONSENT)],
)
async def test_a_sign_in_that_ends_otherwise_is_explained(on: Set, error: SignInDenied, words: str) -> None:
    async with on.site.browser(on.ann) as browser:
        await begin(browser, "outlook")
        on.outlook.fails = error
        text = await come_back(browser, "outlook")
        assert words in text
        assert str(error) in text
        assert "Go on to Outlook" in text  # the next step is on the same page
        assert "Your admin allowed it" in await browser.open("/calendars/connect/outlook?admin_consent=True&tenant=t")
    assert await on.site.store.accounts.list() == []


async def test_a_service_without_a_client_id_is_not_set_up(on: Set) -> None:
    async with open_site(on.site.settings.data_dir.parent / "bare") as bare:
        host = await bare.person("host", "Lea", "lea@example.org")
        async with bare.browser(host) as browser:
            assert (await browser.open("/calendars")).count("Not set up by your admin") == 3
            assert "Not set up by your admin" in await browser.open("/calendars/connect/google")
            assert "nothing here" in await browser.open("/calendars/connect/other")


async def test_caldav_is_connected_by_its_app_password(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        fields = {"address": "dav.example.org", "user": "ann@dav.example"}
        text = await begin(browser, "caldav", **fields, password="wrong")
        assert "did not take this user name and password" in text
        assert 'value="dav.example.org"' in text
        assert "wrong" not in text
        assert "CalDAV is connected" in await begin(browser, "caldav", **fields, password=PASSWORD)
        for _ in range(9):
            text = await begin(browser, "caldav", **fields, password="wrong")
        assert "Too many tries" in text


async def test_a_listing_that_fails_leaves_the_account_connected(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        await begin(browser)
        listing = on.google.calendars

        async def fails(credentials: object) -> list[object]:
            raise CalendarServerFailed

        on.google.calendars = fails  # type: ignore[assignment, method-assign]
        assert "could not be listed" in await come_back(browser)
        on.google.calendars = listing  # type: ignore[method-assign]
        (account,) = await on.site.store.accounts.list()
        await browser.submit(f"/accounts/{account.id}/calendars")
        assert OWN.title in browser.text


async def test_the_wider_permission_is_asked_for_only_when_it_is_wanted_and_says_why(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        await begin(browser)
        await come_back(browser)
        (account,) = await on.site.store.accounts.list()
        assert "See the wider permission" in browser.text  # a shared calendar is out of the narrow one's reach
        text = await browser.open(f"/calendars/connect/google?account={account.id}&wider=yes")
        for words in (
            "Also the calendars that others share with you",
            "calendar.events.readonly",
            "ann@service.example",
        ):
            assert words in text
        await browser.submit("/calendars/connect/google")
        assert (on.google.began[-1]["wider"], on.google.began[-1]["hint"]) == (True, "ann@service.example")
        await come_back(browser, state="state-1")
        assert "See the wider permission" not in browser.text
    (again,) = await on.site.store.accounts.list()
    assert (again.id, again.is_wider) == (account.id, True)
    assert not any(row.needs_wider for row in await on.site.store.calendars.list())


async def test_another_hosts_account_can_not_be_named(on: Set) -> None:
    async with on.site.browser(on.ann) as browser:
        await begin(browser)
        await come_back(browser)
    (account,) = await on.site.store.accounts.list()
    async with on.site.browser(on.bob) as browser:
        assert "nothing here" in await browser.open(f"/calendars/connect/google?account={account.id}")
        await browser.open("/calendars/connect/google")
        assert "nothing here" in await browser.submit("/calendars/connect/google", account=account.id)


def test_used_ways_are_forgotten_when_they_would_not_hold_anyhow(on: Set) -> None:
    used, now = Used(), on.site.clock.now()
    assert used.take("a", now)
    assert not used.take("a", now)
    on.site.clock.pass_s(601)
    assert used.take("b", on.site.clock.now())
    assert len(used._until) == 1
