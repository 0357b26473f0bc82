"""The way to a calendar service in a real Chromium: the pages' content policy lets it go, and nothing is cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.simulators.browsers import CHROMIUM
from tests.simulators.calendar_account import AUTHORIZE, SimulatedService
from tests.simulators.web_site import PASSWORD, Site, open_site
from web.services import CalendarServices

pytestmark = pytest.mark.browser


@pytest.fixture
async def service() -> SimulatedService:
    return SimulatedService()


@pytest.fixture
async def site(tmp_path: Path, service: SimulatedService) -> AsyncIterator[Site]:
    async with open_site(tmp_path / "data", CalendarServices(sign_in={"google": service})) as opened:
        await opened.person("host", "Ingrid Solberg", "ingrid@example.org")
        yield opened


@pytest.fixture
async def page(site: Site) -> AsyncIterator[Page]:
    """Signed in, on a telephone; fails a test in which the page complained."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await chromium.new_context(viewport={"width": 360, "height": 740})
        opened = await context.new_page()
        opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        await opened.route(f"{AUTHORIZE}**", lambda route: route.fulfill(status=200, body="the service's page"))
        await opened.goto(f"{site.url}/sign-in")
        await opened.fill("[name=email]", "ingrid@example.org")
        await opened.fill("[name=password]", PASSWORD)
        await opened.click("main button")
        yield opened
        await chromium.close()
    assert complaints == []


async def fits(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


async def test_a_host_goes_there_comes_back_and_switches_one_calendar_on(
    site: Site, page: Page, service: SimulatedService
) -> None:
    await page.goto(f"{site.url}/calendars")
    assert await fits(page)
    await page.click("text=Google Calendar")
    await expect(page.get_by_text("What never happens")).to_be_visible()
    assert await fits(page)
    await page.get_by_role("button", name="Go on to Google").click()
    await page.wait_for_url(f"{AUTHORIZE}**")  # by itself, from a page whose forms may go nowhere else
    await page.goto(f"{site.url}/calendars/connect/google?code=c&state={service.began[0]['state']}")
    await expect(page.get_by_text("Every calendar is off")).to_be_visible()
    assert await fits(page)
    switch = page.get_by_role("switch", name="Read “Work”")
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await page.locator(".choices-of summary").first.click()
    await page.get_by_label("Which meetings").first.select_option("organised")
    assert await fits(page)
    await page.get_by_role("button", name="Save the choices").first.click()
    await expect(page.locator(".choices-of summary").first).to_contain_text("only what I organise")
