"""Errors in words, with nothing internal in them; logs without names."""

from __future__ import annotations

import logging

import pytest

from tests.adapter.web.conftest import People
from tests.simulators.web_site import Meeting, Site


async def test_an_unknown_page_says_so(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        for path in ("/nothing", "/recordings/x/y/z", "/%00", "/static/nothing.css", "/static/../app.py"):
            await browser.open(path)
            assert browser.status in (400, 404), path
            assert "Traceback" not in browser.text
        await browser.send("/recordings", {})
        assert browser.status in (403, 405)


async def test_a_bug_is_a_page_with_a_reference_and_the_log_holds_no_names(
    site: Site, people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    meeting = await Meeting.begin(site, people.ingrid, "Secret merger")
    await meeting.join("Ada Lovelace")

    async def broken(*_: object) -> None:
        raise RuntimeError("Ada Lovelace broke the Secret merger")

    monkeypatch.setattr(site.store.meetings, "get", broken)
    caplog.set_level(logging.INFO)
    async with site.browser(people.ingrid) as browser:
        await browser.open(f"/recordings/{meeting.visit.id}")
        assert browser.status == 500
        assert "It was noted under" in browser.text
        assert "merger" not in browser.text
        await browser.open(meeting.link)
    assert "page failed" in caplog.text
    for secret in ("Ada", "merger", meeting.visit.page_token, str(meeting.visit.id)):
        assert secret not in caplog.text


async def test_forms_that_are_not_forms_are_refused(site: Site) -> None:
    async with site.browser() as browser:
        await browser.send("/sign-in", b"\x00\xff", headers={"Content-Type": "application/json"})
        assert browser.status == 403
        await browser.send("/sign-in", b"--x", headers={"Content-Type": "multipart/form-data"})
        assert browser.status in (400, 403)
