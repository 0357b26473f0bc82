"""Real Chromium for story tests: people with a sound file as their microphone, and pages opened as users open them."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from bot.audio import CALL_RATE_HZ

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WITHIN_S = 20.0


class Browsers:
    """One Chromium; everybody has a profile of their own. `complaints` are what the pages' console said."""

    def __init__(self, chromium: Browser, pictures: Path) -> None:
        self._chromium = chromium
        self._pictures = pictures
        self.complaints: list[str] = []

    async def profile(self) -> BrowserContext:
        context = await self._chromium.new_context(
            permissions=["microphone"], viewport={"width": 1280, "height": 860}, reduced_motion="reduce"
        )
        context.set_default_timeout(WITHIN_S * 1000)
        context.on("console", self._listen)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        return context

    async def picture(self, page: Page, name: str, *, whole: bool = False) -> None:
        await page.screenshot(path=self._pictures / f"{name}.png", full_page=whole)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@asynccontextmanager
async def browsers(microphone: Path, pictures: Path) -> AsyncIterator[Browsers]:
    async with async_playwright() as playwright:
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield Browsers(chromium, pictures)
        finally:
            await chromium.close()


def write_microphone(file: Path, pcm_48k: bytes) -> None:
    """What Chromium then plays over and over."""
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(CALL_RATE_HZ)
        out.writeframes(pcm_48k)


async def come_in(profile: BrowserContext, room_link: str, name: str) -> Page:
    """By the room's own page, with a microphone."""
    page = await profile.new_page()
    await page.goto(room_link)
    await page.get_by_label("Your name").fill(name)
    await until(page, "!document.getElementById('mic-check').disabled")
    await page.click("#join")
    await expect(page.locator("#call")).to_be_visible()
    return page


async def write(page: Page, text: str) -> None:
    """In the room's chat, to everyone."""
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def sign_in(profile: BrowserContext, site: str, email: str, password: str) -> Page:
    page = await profile.new_page()
    await page.goto(f"{site}/sign-in")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


async def until(page: Page, claim: str, within_s: float = WITHIN_S) -> None:
    """Playwright's own waiting for an expression needs eval, which the pages' content policy rightly refuses."""
    async with asyncio.timeout(within_s):
        while not await page.evaluate(claim):
            await asyncio.sleep(0.05)
