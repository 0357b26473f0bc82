"""The pages in a real Chromium: main flows, with and without JavaScript, wide and narrow, light and dark.

Every console message of warning or worse fails the test: a page that breaks its own content policy would write one.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from consent_notice.decisions import Act
from consent_notice.words import Rule, SeatKind, Standing
from storage.replay import latest_standings
from storage.transcripts import Utterance
from storage.users import User
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import PASSWORD, Meeting, Site, open_site

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-background-networking"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


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


@asynccontextmanager
async def a_page(
    chromium: Browser, site: Site, *, viewport: dict[str, int] = DESK, scripts: bool = True, scheme: str = "light"
) -> AsyncIterator[Page]:
    context = await chromium.new_context(
        base_url=site.url,
        viewport=viewport,  # type: ignore[arg-type]
        java_script_enabled=scripts,
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="en-GB",
        timezone_id="Europe/Oslo",
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said.type, said.text) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert complaints == []


def is_complaint(kind: str, text: str) -> bool:
    """A form that is shown again is answered with 422, which Chromium notes."""
    return kind in ("error", "warning") and "status of 422" not in text


async def sign_in(page: Page, user: User) -> None:
    await page.goto("/sign-in")
    await page.fill("#email", user.email)
    await page.fill("#password", PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(re.compile("/(meetings|review)$"))


async def fits(page: Page) -> None:
    """Nothing scrolls sideways."""
    assert await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_participant_agrees_and_takes_it_back(site: Site, host: User, chromium: Browser, scripts: bool) -> None:
    meeting = await Meeting.begin(site, host)
    seat = await meeting.join("Ada")
    async with a_page(chromium, site, viewport=PHONE, scripts=scripts) as page:
        await page.goto(meeting.link)
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "Ingrid Solberg would like to record this meeting"
        )
        assert await page.locator("input:checked").count() == 0
        await page.get_by_role("button", name="Agree to what I ticked").click()
        await expect(page.get_by_role("alert")).to_contain_text("You ticked nothing")
        await page.get_by_role("checkbox", name=re.compile("^Recording")).check()
        await page.get_by_role("checkbox", name=re.compile("^Transcript")).check()
        await page.get_by_label("Only me").check()
        await page.get_by_role("button", name="Agree to what I ticked").click()
        code = (await page.locator(".page-code").inner_text()).strip()
        assert re.fullmatch("[2-9A-Z]{5}", code)
        await meeting.type_code(code, seat)
        if not scripts:
            await page.get_by_role("link", name="I have typed it").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("You agreed")  # by itself, with scripts
        await fits(page)
        await page.get_by_role("button", name="Stop, keep nothing more of me").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("You took it back")
    standings = latest_standings(site.store.log.entries_of(meeting.visit.id))
    assert set(standings.values()) == {Standing.WITHDRAWN}


async def test_a_no_by_name_without_scripts_and_in_polish(site: Site, host: User, chromium: Browser) -> None:
    meeting = await Meeting.begin(site, host)
    await meeting.join("Łukasz Żak")
    async with a_page(chromium, site, viewport=PHONE, scripts=False) as page:
        await page.goto(meeting.link)
        await page.locator(".languages summary").click()
        await page.get_by_role("link", name="polski").click()
        await page.get_by_role("button", name="Nie, niczego nie zachowujcie").click()
        await page.get_by_label("Twoja nazwa na spotkaniu").fill("łukasz żak")
        await page.get_by_role("button", name="Zapisz moją odmowę").click()
        await expect(page.get_by_text("Twoja odmowa jest zapisana")).to_be_visible()
    assert set(latest_standings(site.store.log.entries_of(meeting.visit.id)).values()) == {Standing.REFUSED}


async def test_a_host_sends_the_bot_and_watches_the_counts(site: Site, host: User, chromium: Browser) -> None:
    async with a_page(chromium, site) as page:
        await sign_in(page, host)
        await page.get_by_label("Meeting link").fill("http://127.0.0.1:8481/room/weekly")
        await page.get_by_label("Title").fill("Weekly")
        await page.get_by_role("button", name="Send the bot").click()
        await expect(page.get_by_role("status")).to_contain_text("The bot joins now")
        await expect(page.get_by_text("Your time zone: Europe/Oslo")).to_be_visible()
        meeting = await Meeting.begin(site, host, "Running", Rule.EVERYONE)
        ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
        await meeting.decide(ada, Act.GIVE)
        live = page.get_by_label("Running meeting")
        await expect(live.locator(".count")).to_have_text(["1", "1"], timeout=8_000)  # without a reload
        await meeting.decide(grace, Act.GIVE)
        await expect(live.locator(".count")).to_have_text(["2", "0"], timeout=8_000)
        await expect(live).not_to_contain_text("Ada")
        await live.get_by_role("button", name="Stop for good").click()
        await expect(page.get_by_role("status")).to_contain_text("does not come back")
    assert await site.store.meetings.is_stopped(meeting.row.id)


async def test_a_host_hears_what_was_kept(site: Site, host: User, chromium: Browser) -> None:
    meeting = await Meeting.begin(site, host)
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    site.clock.pass_s(1)
    for seat, hz in ((ada, 440), (grace, 660)):
        await meeting.decide(seat, Act.GIVE)
        await meeting.speak(seat, opus_packets(tone(hz, 3_000)))
    await meeting.end()
    segments = [row.id for row in await site.store.tracks.segments(meeting.visit.id)]
    said = [Utterance(seat=ada, start_ms=1_500, end_ms=2_500, text="Good morning", segment=segments[0], words=2)]
    await site.store.transcripts.put(
        meeting.visit.id, ada, said, language="en", model="test", segments=segments, relies_on=()
    )
    async with a_page(chromium, site) as page:
        await sign_in(page, host)
        await page.goto(f"/recordings/{meeting.visit.id}")
        voice = page.locator(f"[data-voice='{ada}']")
        await expect(voice).to_have_js_property("readyState", 4, timeout=10_000)
        assert 3.9 < await voice.evaluate("audio => audio.duration") < 4.4
        await page.get_by_role("link", name="0:01").click()  # the transcript's line
        await expect(page.get_by_role("button", name="Pause")).to_be_visible()
        heard = 0.0
        while heard < 1.8:  # the test's own time limit ends it
            await page.wait_for_timeout(100)
            heard = await voice.evaluate("audio => audio.currentTime")
        await expect(page.locator(".words li.now")).to_contain_text("Good morning")
        await page.get_by_role("button", name="Pause").click()
        assert await voice.evaluate("audio => audio.paused")
        await page.locator("[data-lane]").first.click(position={"x": 5, "y": 20})
        assert float(await page.locator("[data-seek]").input_value()) < 500


async def test_without_scripts_each_voice_has_its_own_controls(site: Site, host: User, chromium: Browser) -> None:
    meeting = await Meeting.begin(site, host)
    ada = await meeting.join("Ada")
    await meeting.decide(ada, Act.GIVE)
    await meeting.speak(ada, opus_packets(tone(440, 1_000)))
    await meeting.end()
    async with a_page(chromium, site, scripts=False) as page:
        await sign_in(page, host)
        await page.goto(f"/recordings/{meeting.visit.id}")
        await expect(page.locator("audio[controls]")).to_be_visible()
        await expect(page.locator("[data-controls]")).to_be_hidden()


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "light"), (PHONE, "dark")])
async def test_every_page_fits_with_difficult_names(
    site: Site, host: User, chromium: Browser, viewport: dict[str, int], scheme: str
) -> None:
    admin = await site.person("admin", "Marek Nowak", "marek@example.org")
    meeting = await Meeting.begin(site, admin, "W" * 200)
    await meeting.join("onrecord", SeatKind.BOT)
    index = 0
    for name in ("🎉" * 300, "<script>alert(1)</script>", "\u202eمرحبا", "x" * 300):
        seat = await meeting.join(name)
        await meeting.ask(seat)
        site.clock.pass_s(400)
        index = await meeting.decide(seat, Act.GIVE, verbatim="yes " * 400)
    await meeting.end()
    async with a_page(chromium, site, viewport=viewport, scheme=scheme) as page:
        await sign_in(page, admin)
        review = f"/review/{meeting.visit.id}"
        for path in [
            "/meetings", "/recordings", f"/recordings/{meeting.visit.id}", "/calendars", "/account", "/review", review,
            f"{review}/entries/{index}", "/log", "/settings", "/users", meeting.link,
        ]:  # fmt: skip
            answer = await page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            await fits(page)
        await page.goto(review)
        await page.get_by_role("button", name="Verify now").click()
        await expect(page.get_by_text("Everything checks out.")).to_be_visible()
        await fits(page)


async def test_the_keyboard_alone_is_enough_to_refuse(site: Site, host: User, chromium: Browser) -> None:
    meeting = await Meeting.begin(site, host)
    async with a_page(chromium, site) as page:
        await page.goto(meeting.link)
        for _ in range(12):
            await page.keyboard.press("Tab")
            if (
                await page.evaluate("document.activeElement.value") == "no"
                and await page.evaluate("document.activeElement.tagName") == "BUTTON"
            ):
                break
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Nothing of you is kept")


def test_every_pair_of_text_and_ground_has_contrast() -> None:
    """WCAG 2.2 AA: 4.5 to 1, in both schemes."""
    text = Path("web/static/style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    pairs = [
        ("ink", "paper"), ("ink", "sheet"), ("muted", "paper"), ("muted", "sheet"), ("muted", "sunken"),
        ("accent", "paper"), ("accent", "sheet"), ("accent-ink", "accent"), ("ink", "accent-soft"),
        ("kept-text", "kept-soft"), ("refused-text", "refused-soft"), ("wait", "wait-soft"), ("gone", "gone-soft"),
        ("quiet", "quiet-soft"), ("live", "live-soft"), ("live", "paper"), ("ink", "live-soft"), ("ink", "kept-soft"),
    ]  # fmt: skip
    for block in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for front, back in pairs:
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back, block is dark)


def contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
