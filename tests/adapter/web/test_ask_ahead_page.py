"""The pages for asking and answering ahead in a real Chromium: what is copied is what is shown; a keyboard will do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

from tests.adapter.web.conftest import People
from tests.simulators.ahead_site import Series
from tests.simulators.browsers import CHROMIUM
from tests.simulators.web_site import PASSWORD, Site

pytestmark = pytest.mark.browser


@pytest.fixture
async def complaints() -> list[str]:
    return []


@pytest.fixture
async def page(site: Site, people: People, complaints: list[str]) -> AsyncIterator[Page]:
    """Signed in as the host; fails a test in which the page complained."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
        opened = await context.new_page()

        def listen(message: ConsoleMessage) -> None:
            if message.type == "error":
                complaints.append(message.text)

        opened.on("console", listen)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        await opened.goto(f"{site.url}/sign-in")
        await opened.fill("[name=email]", people.ingrid.email)
        await opened.fill("[name=password]", PASSWORD)
        await opened.click("main button")
        yield opened
        await chromium.close()
    assert complaints == []


async def test_the_text_and_a_link_are_copied_with_one_click(site: Site, people: People, page: Page) -> None:
    series = await Series.plan(site, people.ingrid)
    link = await series.link_for("Ada")
    await page.goto(f"{site.url}/meetings/{series.rows[0].id}/ahead")
    await page.click("text=Copy the text")
    await expect(page.locator("[data-copy='#invitation']")).to_have_text("Copied")
    shown = await page.input_value("#invitation")
    assert await page.evaluate("navigator.clipboard.readText()") == shown
    assert await series.invitation() in shown
    await page.click(f"[data-copy='#link-{link.reference[:12]}']")
    assert str(await page.evaluate("navigator.clipboard.readText()")).endswith(f"/p/{link.token}")


async def test_a_guest_answers_with_the_keyboard_alone(site: Site, people: People, page: Page) -> None:
    series = await Series.plan(site, people.ingrid)
    await page.goto(site.url + await series.invitation())
    await page.locator("[name=purpose_recording]").focus()
    await page.keyboard.press("Space")
    await page.locator("[name=scope][value=meeting]").focus()
    await page.keyboard.press("ArrowRight")
    await page.locator("#name").focus()
    await page.keyboard.type("Ada")
    await page.locator("button[value=yes]").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-state=given]").first).to_be_visible()
    assert [(one.covers, one.name) for one in series.said] == [("series", "Ada")]
