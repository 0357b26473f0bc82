"""The demo's person on the real participant's page, and on pages that are not what they should be."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from config.page_form import CODE_LENGTH, PageNotAsExpected, fill_in_page
from consent_notice.words import Purpose, SeatId
from storage.pages import CODE_ALPHABET
from tests.simulators.web_site import Meeting, open_site


async def test_it_agrees_on_the_page_and_gets_the_code_that_binds_it(tmp_path: Path) -> None:
    async with open_site(tmp_path / "data") as site:
        meeting = await Meeting.begin(site, await site.person("host", "Ada", "ada@example.org"))
        seat = await meeting.join("Jonas")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            code = await fill_in_page(browser, site.url + meeting.link)
        assert len(code) == CODE_LENGTH
        assert set(code) <= set(CODE_ALPHABET)
        page = await site.store.pages.bind(meeting.visit.id, code, SeatId(seat))
        assert page is not None
        assert page.choices == {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: True}
        assert page.alone_on_device is True


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<p>not found",
        '<form action="/elsewhere"><input type="hidden" name="a" value="b"></form>',
        '<form action="/c/x"></form><p>no code</p>',
        '<form action="/c/x"></form><div data-wait="/s" data-state="ask">22222</div>',
        '<form action="/c/x"></form><div data-wait="/s" data-state="code">222</div>',
    ],
)
async def test_a_page_without_its_form_or_code_is_said_to_be_so(html: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/c/x", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as browser:
        with pytest.raises(PageNotAsExpected):
            await fill_in_page(browser, str(server.make_url("/c/x")))
