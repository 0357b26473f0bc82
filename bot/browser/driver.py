"""One Chromium with one page, driven by Playwright as an ordinary guest: opened, looked at, clicked, gone at the end.

The only importer of Playwright. Nothing here hides that the browser is driven; its language is English, since pages are
recognised by their words. A vendor's error never leaves: what could not be done is `PageFailed`.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ElementHandle, Page, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from bot.browser.script import Do, Look, Sign, Step

TAP = Path(__file__).with_name("tap.js")
LOOK = Path(__file__).with_name("look.js")
ANSWERS_WITHIN_S = 4.0
OPENS_WITHIN_MS = 45_000
CLICKS_WITHIN_MS = 3_000
CLOSES_WITHIN_S = 5.0
FLAGS = (
    "--headless=new",
    "--use-fake-ui-for-media-stream",  # answers the browser's own question for the microphone; the tap is what it gets
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-gpu",
    "--lang=en-US",
    "--accept-lang=en-US,en",
)


class PageFailed(Exception):
    """The meeting's page did not do that in time, or is gone."""


class NoBrowser(PageFailed):
    """There is no Chromium on this server. Install Debian's package chromium, or set `chromium_path`."""


class NoDriver(PageFailed):
    """The program that drives Chromium does not start. Install Debian's package libatomic1."""


class Pilot:
    """One Playwright for all the browsers of a process, while there are any: it takes as much memory as half a browser.

    One with which a launch failed gets no further browsers: should it have died, its browsers are gone with it; and a
    browser that came up after nobody waited for it goes when the others of that Playwright have landed.
    """

    def __init__(self) -> None:
        self._playwright: Playwright | None = None  # for the next browser
        self._flown: dict[Playwright, int] = {}  # how many browsers each has
        self._of: dict[Browser, Playwright] = {}
        self._changing = asyncio.Lock()

    async def launch(self, program: Path, flags: Sequence[str]) -> Browser:
        """Land it afterwards. Raises NoDriver, and whatever Playwright does."""
        async with self._changing:
            if self._playwright is None:
                try:
                    self._playwright = await async_playwright().start()
                except Exception as error:  # of no class of its own
                    raise NoDriver from error
            playwright = self._playwright
            self._flown[playwright] = self._flown.get(playwright, 0) + 1
        try:
            # Playwright's own idea of headless is another program; the flag makes this one show no window
            browser = await playwright.chromium.launch(
                executable_path=program, args=list(flags), headless=False, handle_sigint=False, handle_sigterm=False
            )
        except BaseException:
            if self._playwright is playwright:
                self._playwright = None
            await self._landed(playwright)
            raise
        self._of[browser] = playwright
        return browser

    async def land(self, browser: Browser) -> None:
        await _closed(browser.close())
        await self._landed(self._of.pop(browser))

    async def _landed(self, playwright: Playwright) -> None:
        async with self._changing:
            self._flown[playwright] -= 1
            if self._flown[playwright]:
                return
            del self._flown[playwright]
            if self._playwright is playwright:
                self._playwright = None
        await _closed(playwright.stop())


async def _closed(closing: Awaitable[None]) -> None:
    with suppress(Exception):  # of no class of its own where Playwright's program died
        async with asyncio.timeout(CLOSES_WITHIN_S):
            await closing


class Chromium:
    """`on_gone` is called once when the page crashed or the browser ended without `close`."""

    def __init__(
        self,
        *,
        program: Path,
        on_gone: Callable[[], None],
        pilot: Pilot | None = None,
        flags: Sequence[str] = (),
        ca: bool = True,
    ) -> None:
        """`pilot`: None for one of its own. `ca`: False takes any certificate; for tests alone."""
        self._program = program
        self._pilot = pilot or Pilot()
        self._on_gone = on_gone
        self._flags = flags
        self._checks_certificates = ca
        self._browser: Browser | None = None
        self._page: Page | None = None
        self._look = LOOK.read_text(encoding="utf-8")
        self._over = False
        self.loads = 0  # grows with each page that was loaded, by whomever

    async def open(self, address: str, *, tap: str, hooks: str, origins: Sequence[str] = ()) -> None:
        """Until the page is there. `tap`: the address for its tap. Raises PageFailed."""
        if not self._program.is_file():
            raise NoBrowser
        flags = [*FLAGS, *self._flags, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        try:
            self._browser = await self._pilot.launch(self._program, flags)
            if self._over:
                raise PageFailed  # closed while it was launched: what follows lands it
            self._browser.on("disconnected", lambda _: self._gone())
            context = await self._browser.new_context(
                locale="en-US",
                viewport={"width": 1280, "height": 800},
                bypass_csp=True,  # the tap's worker comes from the tap, not from the page's server
                ignore_https_errors=not self._checks_certificates,
                service_workers="block",
            )
            parts = urlsplit(address)
            for origin in (f"{parts.scheme}://{parts.netloc}", *origins):
                await context.grant_permissions(["microphone", "camera", "local-network-access"], origin=origin)
            config = f'const CONFIG = {{ url: "{tap}" }};\n'
            await context.add_init_script(f"(() => {{ {config}{TAP.read_text(encoding='utf-8')} }})();\n{hooks}")
            self._page = await context.new_page()
            self._page.on("crash", lambda _: self._gone())
            self._page.on("domcontentloaded", lambda _: self._loaded())
            self._page.on("dialog", lambda dialog: dialog.dismiss())
            await self._page.goto(address, timeout=OPENS_WITHIN_MS, wait_until="domcontentloaded")
        except PageFailed:
            await self.close()
            raise
        except Exception as error:  # of no class of its own where Playwright's program died
            await self.close()
            raise PageFailed(f"couldn't open the meeting's page: {type(error).__name__}") from error

    async def look(self, looks: Sequence[Look]) -> str | None:
        """The name of the first that fits, in any frame of the page; None: none does. Raises PageFailed."""
        asked = [{"name": look.name, "signs": _signs(look.signs), "unless": _signs(look.unless)} for look in looks]
        found: list[str] = []
        for frame in self._there().frames:
            with suppress(PlaywrightError, PageFailed):
                name = await _in_time(frame.evaluate(f"(looks) => ({self._look}).first(looks)", asked))
                found += [name] if name else []
        if not found:
            await self.ask("1")  # that no frame answered is no answer
        return next((look.name for look in looks if look.name in found), None)

    async def do(self, step: Step) -> bool:
        """False where its target is not there. Raises PageFailed."""
        element = await self._find(step.target) if step.target else None
        if element is None and step.target:
            return False
        if step.do is Do.RELOAD:
            await self._doing(self._there().reload(timeout=OPENS_WITHIN_MS, wait_until="domcontentloaded"))
            return True
        if step.do is Do.RUN:
            return bool(await self.ask(f"{step.text}()"))
        if element is None:
            return False
        if step.do is Do.CLICK:
            await self._doing(element.click(timeout=CLICKS_WITHIN_MS))
        elif step.do is Do.CLICK_THROUGH:
            await self._doing(element.evaluate("(element) => element.click()"))
        elif step.do is Do.PRESS:
            await self._doing(element.press(step.text, timeout=CLICKS_WITHIN_MS))
        else:
            await self._doing(element.fill("", timeout=CLICKS_WITHIN_MS))
            await self._doing(element.type(step.text, timeout=CLICKS_WITHIN_MS * 3))
        return True

    async def write(self, box: Sequence[Sign], text: str, key: str) -> bool:
        """Into a box of the page and off. False where there is none. Raises PageFailed."""
        element = await self._find(box)
        if element is None:
            return False
        await self._doing(element.focus())
        await self._doing(self._there().keyboard.insert_text(text))
        await self._doing(element.press(key, timeout=CLICKS_WITHIN_MS))
        return True

    async def ask(self, expression: str, value: Any = None, within_s: float = ANSWERS_WITHIN_S) -> Any:
        """Of the page itself. Raises PageFailed, also where it does not answer in time."""
        try:
            return await _in_time(self._there().evaluate(expression, value), within_s)
        except PlaywrightError as error:
            raise PageFailed from error

    async def picture(self) -> bytes:
        """PNG with every word and picture blanked out; empty where none can be taken."""
        blank = "* { color: transparent !important; text-shadow: none !important; background-image: none !important; }"
        blank += " img, video, canvas, svg, iframe { visibility: hidden !important; }"
        blank += " input, textarea { -webkit-text-security: disc !important; } ::placeholder { color: transparent; }"
        try:
            return bytes(await _in_time(self._there().screenshot(style=blank, timeout=CLICKS_WITHIN_MS)))
        except (PlaywrightError, PageFailed):
            return b""

    async def outline(self) -> str:
        """The page's elements with their roles and states, without a word of it; empty where it does not answer."""
        with suppress(PageFailed):
            return str(await self.ask(f"() => ({self._look}).outline()"))
        return ""

    async def close(self) -> None:
        """Nothing of it is left behind. Safe to call twice."""
        self._over = True
        browser, self._browser, self._page = self._browser, None, None
        if browser is not None:
            await self._pilot.land(browser)

    async def _find(self, signs: Sequence[Sign]) -> ElementHandle | None:
        for frame in self._there().frames:
            with suppress(PlaywrightError):
                handle = await _in_time(frame.evaluate_handle(f"(signs) => ({self._look}).find(signs)", _signs(signs)))
                element: ElementHandle | None = handle.as_element()
                if element is not None:
                    return element
        return None

    async def _doing(self, work: Any) -> None:
        try:
            await work
        except PlaywrightError as error:
            raise PageFailed from error

    def _there(self) -> Page:
        if self._page is None:
            raise PageFailed
        return self._page

    def _loaded(self) -> None:
        self.loads += 1

    def _gone(self) -> None:
        if not self._over:
            self._over = True
            self._on_gone()


async def _in_time(work: Any, within_s: float = ANSWERS_WITHIN_S) -> Any:
    try:
        async with asyncio.timeout(within_s):
            return await work
    except TimeoutError as error:
        raise PageFailed from error


def _signs(signs: Sequence[Sign]) -> list[dict[str, Any]]:
    return [{"css": sign.css, "texts": list(sign.texts), "seen": sign.must_be_seen} for sign in signs]


def as_base64(pcm: bytes) -> str:
    return base64.b64encode(pcm).decode()
