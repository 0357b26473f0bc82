"""Fills in the participant's page as a browser without JavaScript would, and reads the code that it then shows.

For the demo's person who answers on the page. Knows the page only by its form and by the mark on its code.
"""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

from aiohttp import ClientSession

from config.errors import ConfigError, ExitCode

CODE_LENGTH = 5


class PageNotAsExpected(ConfigError):
    """The participant's page did not show its form or its code. Open it in a browser to see why."""

    exit_code = ExitCode.FAILED


async def fill_in_page(browser: ClientSession, link: str) -> str:
    """Ticks sound and transcript, says "only me on this device", agrees. Returns the code to write in the chat."""
    form = await form_on_page(browser, link)
    form |= {"purpose_recording": "on", "purpose_transcription": "on", "alone": "yes", "decision": "yes"}
    origin = link.split("/c/", 1)[0]
    async with browser.post(link, data=form, headers={"Origin": origin}) as response:
        code = _read(await response.text()).code
    if len(code) != CODE_LENGTH:
        raise PageNotAsExpected
    return code


async def form_on_page(browser: ClientSession, link: str, to: str = "") -> dict[str, str]:
    """The hidden fields of the form that goes to `to` below the page; a browser sends them with it."""
    async with browser.get(link) as response:
        return _read(await response.text()).form_to(link + to)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.code = ""
        self._forms: list[tuple[str, dict[str, str]]] = []
        self._in_code = False

    def form_to(self, link: str) -> dict[str, str]:
        """The hidden fields of the form that answers at `link`."""
        for action, fields in self._forms:
            if urljoin(link, action) == link:
                return dict(fields)
        raise PageNotAsExpected

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._forms.append((given.get("action", ""), {}))
        elif tag == "input" and given.get("type") == "hidden" and self._forms:
            self._forms[-1][1][given.get("name", "")] = given.get("value", "")
        self._in_code = "data-wait" in given and given.get("data-state") == "code"

    def handle_data(self, data: str) -> None:
        if self._in_code and not self.code:
            self.code = data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._in_code = False


def _read(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    return page
