"""For the page: a room that can go down, a real Chromium that hears recorded speech, and bare wire clients."""

from __future__ import annotations

import asyncio
import itertools
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, async_playwright, expect

from bot.audio import CALL_RATE_HZ
from config.clock import SystemClock, new_id
from tests.simulators.speech import human_prompt
from web.practice.app import create_practice_app

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--autoplay-policy=user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WITHIN_S = 8.0

# The page shows nothing of itself on `window`, so the tests watch what it asks of the browser.
WATCH_PEERS = """
window.peersForTest = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.peersForTest.push(this); }
};
"""


class PracticeRoom:
    """The room's real server on one port, on which it comes back after `stop` and `start`."""

    def __init__(self) -> None:
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = create_practice_app(clock=SystemClock(), new_id=new_id, host="127.0.0.1")
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


class WireClient:
    """Somebody in the room without a browser: sends what a test says and keeps what it is told."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._news = asyncio.Condition()
        self.heard: list[dict[str, Any]] = []
        self.seat = ""

    async def listen(self) -> None:
        """Until closed; reading is also what answers the server's heartbeat."""
        async for message in self._socket:
            async with self._news:
                self.heard.append(message.json())
                self._news.notify_all()

    async def say(self, type_: str, **fields: Any) -> None:
        await self._socket.send_json({"t": type_, **fields})

    async def chat(self, text: str, **fields: Any) -> None:
        await self.say("chat", **{"text": text, "reply_to": None, "to": None, "nonce": new_id(), **fields})

    async def until(self, type_: str, **fields: Any) -> dict[str, Any]:
        """The first message so far, or to come, that is of this type and has these fields."""
        return await self.until_true(
            lambda message: message["t"] == type_ and all(message.get(name) == value for name, value in fields.items())
        )

    async def until_true(self, claim: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN_S), self._news:
            for index in itertools.count():
                while index >= len(self.heard):
                    await self._news.wait()
                if claim(self.heard[index]):
                    return self.heard[index]
        raise AssertionError("unreachable")

    async def seat_of(self, name: str) -> str:
        """Of somebody who is here or will come."""
        for person in (await self.until("welcome"))["people"]:
            if person["name"] == name:
                return str(person["seat"])
        came = await self.until_true(lambda said: said["t"] == "joined" and said["person"]["name"] == name)
        return str(came["person"]["seat"])

    async def close(self) -> None:
        await self._socket.close()


class Pages:
    """Opens the room's page as one person after another, each with a browser profile of their own."""

    def __init__(self, browser: Browser, room: PracticeRoom) -> None:
        self._browser = browser
        self._room = room
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.expected: list[str] = []

    async def open(self, path: str, **options: Any) -> Page:
        context = await self._browser.new_context(**{"permissions": ["microphone"], **options})
        self._contexts.append(context)
        return await self.tab(context, path)

    async def tab(self, context: BrowserContext, path: str, *scripts: str) -> Page:
        page = await context.new_page()
        page.set_default_timeout(WITHIN_S * 1000)
        for script in (WATCH_PEERS, *scripts):
            await page.add_init_script(script)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        await page.goto(self._room.url + path)
        return page

    async def join(self, code: str, name: str, **options: Any) -> Page:
        page = await self.open(f"/room/{code}", **options)
        await self.come_in(page, name)
        return page

    async def come_in(self, page: Page, name: str) -> None:
        await page.fill("#name", name)
        await self.until(page, "!document.getElementById('mic-check').disabled")
        await page.click("#join")
        await expect(page.locator("#call")).to_be_visible()
        await self.until(page, "window.peersForTest.some((peer) => peer.connectionState === 'connected')")

    async def until(self, page: Page, claim: str) -> None:
        """Playwright's own waiting for an expression needs eval, which the page's content policy rightly refuses."""
        async with asyncio.timeout(WITHIN_S):
            while not await page.evaluate(claim):
                await asyncio.sleep(0.05)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in self.expected):
            self.complaints.append(message.text)

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


@pytest.fixture(scope="module")
def speech_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person who hardly pauses: Chromium plays it over and over."""
    file = tmp_path_factory.mktemp("microphone") / "speech.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(CALL_RATE_HZ)
        out.writeframes(human_prompt("demo-congrats").pcm)
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as playwright:
        yield playwright


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(playwright: Playwright, speech_file: Path) -> AsyncIterator[Browser]:
    microphone = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={speech_file}"]
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *microphone])
    yield browser
    await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page_room() -> AsyncIterator[PracticeRoom]:
    room = PracticeRoom()
    await room.start()
    yield room
    await room.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def pages(browser: Browser, page_room: PracticeRoom) -> AsyncIterator[Pages]:
    """Fails a test in which any page complained: a content policy broken, a script error, a dialogue opened."""
    pages = Pages(browser, page_room)
    yield pages
    await pages.close()
    assert pages.complaints == []


@pytest_asyncio.fixture(loop_scope="module")
async def come_in(page_room: PracticeRoom) -> AsyncIterator[Callable[..., Awaitable[WireClient]]]:
    """Lets a client without a browser in."""
    clients: list[WireClient] = []
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:

        async def enter(code: str, name: str, *, kind: str = "person", **fields: Any) -> WireClient:
            client = WireClient(await http.ws_connect(f"{page_room.url}/room/{code}/ws"))
            clients.append(client)
            tasks.create_task(client.listen())
            await client.say("join", name=name, kind=kind, token=new_id(), **fields)
            client.seat = (await client.until("welcome"))["seat"]
            return client

        yield enter
        for client in clients:
            await client.close()
