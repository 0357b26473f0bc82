"""What people do with their page in a real Chromium: three at one microphone, a telephone, second thoughts, under 18.

With and without scripts; a console message of warning or worse fails the test, as does a page that scrolls sideways.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from consent_notice.events import Decided, RecordingBarred
from consent_notice.words import SeatId, Standing
from storage.replay import latest_standings
from storage.users import User
from storage.verify import verify
from tests.acceptance.test_pages import CHROMIUM, DESK, FLAGS, PHONE, a_page, fits
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Meeting, Site, open_site

pytestmark = pytest.mark.browser

SOUND = opus_packets(tone(440, 400))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def host(site: Site) -> User:
    return await site.person("host", "Ingrid Solberg", "ingrid@example.org")


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


def standing(meeting: Meeting, seat: SeatId) -> Standing:
    found = latest_standings(meeting.site.store.log.entries_of(meeting.visit.id))
    return next(
        (one for (of, purpose), one in found.items() if of == seat and purpose == "recording"), Standing.UNKNOWN
    )


async def heading(page: Page, text: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(text)


async def agree(page: Page, people: int | None = None) -> str:
    """Returns the code. Whoever came by the picture finds the number there already."""
    await page.get_by_role("checkbox", name=re.compile("^Recording")).check()
    if people is None:
        await page.get_by_label("Only me").check()
    elif not await page.get_by_label("Others too").is_checked():
        await page.get_by_label("Others too").check()
        await page.get_by_label("how many are you").fill(str(people))
    await page.get_by_role("button", name="Agree to what I ticked").click()
    await heading(page, "One more step")
    await fits(page)
    return (await page.locator(".page-code").inner_text()).strip()


async def refresh(page: Page, scripts: bool) -> None:
    """With scripts the page looks by itself."""
    if not scripts:
        await page.reload()


@pytest.mark.parametrize("scripts", [True, False])
async def test_three_at_one_microphone(site: Site, host: User, chromium: Browser, scripts: bool) -> None:
    meeting = await Meeting.begin(site, host)
    room = await meeting.join("Room Oslo")
    async with (
        a_page(chromium, site, viewport=DESK, scripts=scripts) as first,
        a_page(chromium, site, viewport=PHONE, scripts=scripts, scheme="dark") as second,
        a_page(chromium, site, viewport=PHONE, scripts=scripts) as third,
    ):
        await first.goto(meeting.link)
        await expect(first.get_by_label("how many are you")).to_be_hidden()
        codes = [await agree(first, 3)]
        picture = first.get_by_role("img", name="QR code that leads to this page")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("image => image.complete && image.naturalWidth > 0")
        for page in (second, third):  # they scan it
            await page.goto(f"{meeting.link}?people=3")
            assert await page.locator("input[type=checkbox]:checked").count() == 0
            codes.append(await agree(page, 3))
        for number, (page, code) in enumerate(zip((first, second, third), codes, strict=True), 1):
            assert standing(meeting, room) is not Standing.GIVEN
            await meeting.type_code(code, room)
            await refresh(page, scripts)
            await heading(page, "You agreed")
            await expect(page.locator("#shared-head")).to_have_text(f"{number} of 3 at your microphone have agreed")
            await fits(page)
        assert standing(meeting, room) is Standing.GIVEN
        await refresh(first, scripts)
        await expect(first.locator("#shared-head")).to_have_text("3 of 3 at your microphone have agreed")
        await second.get_by_role("button", name="Stop, keep nothing more of me").click()
        await heading(second, "You took it back")
        assert standing(meeting, room) is Standing.WITHDRAWN
        await refresh(first, scripts)
        await expect(first.locator("#shared-head")).to_have_text("2 of 3 at your microphone have agreed")


@pytest.mark.parametrize("scripts", [True, False])
async def test_stop_and_erase_in_one_click(site: Site, host: User, chromium: Browser, scripts: bool) -> None:
    meeting = await Meeting.begin(site, host)
    ada = await meeting.join("Ada")
    async with a_page(chromium, site, viewport=PHONE, scripts=scripts) as page:
        await page.goto(meeting.link)
        await meeting.type_code(await agree(page), ada)
        await meeting.speak(ada, SOUND)
        await page.goto(meeting.link)
        stop = page.get_by_role("button", name="Stop, keep nothing more of me")
        erase = page.get_by_role("button", name="Stop, and erase what was kept of me")
        sizes = [await one.bounding_box() for one in (stop, erase)]
        assert sizes[0] is not None
        assert sizes[1] is not None
        assert sizes[0]["width"] == sizes[1]["width"], "one is as easy as the other"
        await erase.click()
        await heading(page, "You took it back")
        await expect(page.get_by_role("status")).to_contain_text("is being erased")
        site.clock.pass_s(5)
        await site.store.erasure_wishes.carry_out()
        await refresh(page, scripts)
        await expect(page.get_by_role("status")).to_contain_text("was erased on")  # by itself, with scripts
        await fits(page)
    assert await site.store.tracks.segments(meeting.visit.id) == []
    await meeting.end()
    assert verify(site.store.data_dir).faults == []


async def test_under_18_by_keyboard_alone(site: Site, host: User, chromium: Browser) -> None:
    meeting = await Meeting.begin(site, host)
    async with a_page(chromium, site) as page:
        await page.goto(meeting.link)
        for _ in range(40):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.textContent") == "I am under 18":
                break
        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await page.keyboard.press("Enter")
        await heading(page, "Nothing of you is kept")
        await expect(page.get_by_role("status")).to_have_count(0)
    events = [entry.event for entry in site.store.log.entries_of(meeting.visit.id)]
    assert len([event for event in events if isinstance(event, RecordingBarred)]) == 1


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_telephone(site: Site, host: User, chromium: Browser, scripts: bool) -> None:
    meeting = await Meeting.begin(site, host)
    line = await meeting.join("+47 ··· 112")
    digits = await site.store.seat_codes.make(meeting.visit.id, line)
    async with a_page(chromium, site, viewport=PHONE, scripts=scripts) as page:
        await page.goto(meeting.link)
        await agree(page)
        await page.get_by_text("I am here by telephone").click()
        await page.get_by_label("The six digits").fill("111 111")
        await page.get_by_role("button", name="This is my line").click()
        await expect(page.get_by_role("alert")).to_contain_text("No telephone in this meeting")
        await fits(page)
        await page.get_by_label("The six digits").fill(" ".join(digits))
        await page.get_by_role("button", name="This is my line").click()
        await heading(page, "You agreed")
    said = [entry.event for entry in site.store.log.entries_of(meeting.visit.id) if isinstance(entry.event, Decided)]
    assert [one.matched_by for one in said] == ["code heard on the telephone"]


async def test_the_choices_come_in_reading_order_and_each_has_a_name(site: Site, host: User, chromium: Browser) -> None:
    """What the keyboard reaches, one after the other, on the page as it first shows."""
    meeting = await Meeting.begin(site, host)
    async with a_page(chromium, site) as page:
        await page.goto(meeting.link)
        reached = []
        for _ in range(14):
            await page.keyboard.press("Tab")
            reached.append(
                await page.evaluate("(one => one.name || one.className || one.tagName)(document.activeElement)")
            )
        order = ["purpose_recording", "purpose_transcription", "alone", "decision", "decision"]
        places = [reached.index(name) for name in dict.fromkeys(order)]
        assert places == sorted(places), reached
        nameless = await page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, button')]"
            ".filter(one => !one.labels?.length && !one.textContent.trim()).length"
        )
        assert nameless == 0
