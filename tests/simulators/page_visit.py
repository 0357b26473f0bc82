"""One person's visit to the participant's page without JavaScript: tick, agree, read the code, take it back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiohttp import ClientSession, CookieJar

from config.page_form import fill_in_page

_LINK = re.compile(r"https?://\S+/c/\w+")
_FORM = re.compile(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def link_in(text: str) -> str:
    found = _LINK.search(text)
    assert found is not None, "the notice holds no link to the page"
    return found.group()


class PageVisit:
    def __init__(self, link: str, browser: ClientSession) -> None:
        self._link = link
        self._browser = browser
        self._withdrawal: dict[str, str] = {}

    async def agree(self) -> str:
        """To sound and transcript, alone on the device. The code counts once it is written in the chat."""
        return await fill_in_page(self._browser, self._link)

    async def refuse_as(self, name: str) -> None:
        """A no counts at once, for whoever is there under that name."""
        form = await self._form(self._link)
        await self._send(self._link, form | {"decision": "no", "name": name})

    async def find_withdrawal(self) -> None:
        """Has the button on the screen, so that pressing it is one request."""
        self._withdrawal = await self._form(f"{self._link}/withdraw")

    async def press_withdraw(self) -> None:
        await self._send(f"{self._link}/withdraw", self._withdrawal)

    async def agree_again(self) -> None:
        """On a page that is bound to a seat already: counts without another code."""
        form = await self._form(self._link, "?change")
        ticked = {"purpose_recording": "on", "purpose_transcription": "on", "alone": "yes", "decision": "yes"}
        await self._send(self._link, form | ticked)

    async def _form(self, target: str, query: str = "") -> dict[str, str]:
        async with self._browser.get(self._link + query) as response:
            html = await response.text()
        for action, inside in _FORM.findall(html):
            if action == urlsplit(target).path:
                return dict(_HIDDEN.findall(inside))
        raise AssertionError("the page does not show that form")

    async def _send(self, target: str, form: dict[str, str]) -> None:
        address = urlsplit(self._link)
        origin = {"Origin": f"{address.scheme}://{address.netloc}"}
        async with self._browser.post(target, data=form, headers=origin, allow_redirects=False) as response:
            assert response.status in (302, 303), response.status


@asynccontextmanager
async def visit_page(link: str) -> AsyncIterator[PageVisit]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:  # cookies for a bare address
        yield PageVisit(link, browser)
