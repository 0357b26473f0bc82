"""The whole application answers, and says nothing it should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.store import Store
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Site, TestClock, settings_for
from web.app import create_app


async def test_it_says_that_it_is_well(site: Site) -> None:
    async with site.browser() as browser:
        assert await browser.open("/healthz") == '{"status": "ok"}'


def test_a_short_session_key_is_refused(tmp_path: Path) -> None:
    clock = TestClock()
    store = Store.open(tmp_path, clock, lambda: "x")
    with pytest.raises(ValueError, match="32 bytes"):
        create_app(store, settings_for(tmp_path), clock, lambda: "x", b"short")
    store.close()


async def test_every_page_of_every_role_opens(site: Site, people: People) -> None:
    pages = ["/meetings", "/meetings/live", "/recordings", "/calendars", "/account"]
    for user, more in ((people.ingrid, []), (people.admin, ["/review", "/log", "/users", "/settings"])):
        async with site.browser(user) as browser:
            for path in [*pages, *more]:
                await browser.open(path)
                assert (browser.status, browser.place) == (200, path)
