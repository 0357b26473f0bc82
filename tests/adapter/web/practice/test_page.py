"""The practice room's page in a real Chromium, against the room's real server; a console error fails any test."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Playwright, expect

from tests.simulators.page_people import LINK, PHONE, ask, bring_bot, tile_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HEARD_ENERGY = """async () => {
  let energy = 0;
  for (const peer of window.peersForTest.filter((peer) => peer.connectionState === 'connected'))
    for (const report of (await peer.getStats()).values())
      if (report.type === 'inbound-rtp') energy += report.totalAudioEnergy ?? 0;
  return energy;
}"""
# What is under the middle of the strip is the strip: it is on the screen and nothing covers it.
STRIP_IS_IN_SIGHT = """() => {
  const strip = document.getElementById('voice');
  const box = strip.getBoundingClientRect();
  const inside = box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
  return inside && strip.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2));
}"""


# ---- coming in ---------------------------------------------------------------------------------------------------


async def test_the_start_page_makes_a_room_and_takes_codes_and_links(pages: Any, page_room: Any) -> None:
    page = await pages.open("/")
    await page.click("#create")
    await expect(page).to_have_url(re.compile(r"/room/([bdfgklmnprstvz][aeiou]){2}(-([bdfgklmnprstvz][aeiou]){2}){3}$"))
    await page.goto(page_room.url)
    await page.fill("#code", "x")
    await page.keyboard.press("Enter")
    await expect(page.locator("#code-problem")).to_contain_text("not a room code")
    await page.fill("#code", f" {page_room.url}/room/Team-42?x=1 ")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{page_room.url}/room/team-42")


async def test_a_browser_is_known_again_in_another_room_and_another_browser_is_not(pages: Any, come_in: Any) -> None:
    bots = [await bring_bot(come_in, code) for code in ("first-room", "second-room")]
    page = await pages.join("first-room", "Ann")
    again = await pages.tab(page.context, "/room/second-room")
    await pages.come_in(again, "Annabel")
    await pages.join("first-room", "Bob")
    seen = {}
    for bot, name in ((bots[0], "Ann"), (bots[1], "Annabel"), (bots[0], "Bob")):
        joined = await bot.until_true(lambda said, name=name: said["t"] == "joined" and said["person"]["name"] == name)
        seen[name] = joined["person"]["platform_id"]
    assert seen["Ann"] == seen["Annabel"] != seen["Bob"]
    assert await page.evaluate("localStorage.getItem('onrecord.person').length") == 32


async def test_the_lobby_shows_that_the_microphone_works(pages: Any) -> None:
    page = await pages.open("/room/lobby")
    await expect(page.locator("#mic-hint")).to_have_text("Your microphone works.")
    await expect(page.locator("#mic-device option")).not_to_have_count(0)
    await page.fill("#name", "   ")
    await page.click("#join")
    await expect(page.locator("#name-problem")).to_contain_text("Write the name")
    await expect(page.locator("#name")).to_be_focused()


async def test_without_a_microphone_one_is_told_why_and_may_listen(playwright: Playwright, pages: Any) -> None:
    speaker = await pages.join("listeners", "Speaker")
    browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    try:
        page = await (await browser.new_context()).new_page()
        await page.goto(speaker.url)
        await page.click("#mic-check")
        await expect(page.locator("#mic-problem")).to_contain_text("microphone")
        await expect(page.locator("#join")).to_have_text("Join without a microphone")
        await page.fill("#name", "Listener")
        await page.click("#join")
        await expect(page.locator("#mute")).to_have_text("No microphone")
        await expect(tile_of(page, "Speaker")).to_have_class(re.compile("speaking"))
        await expect(tile_of(speaker, "Listener").locator(".muted-mark")).to_be_visible()
    finally:
        await browser.close()


async def test_a_full_room_and_an_unreadable_name_are_refused_in_words(pages: Any, come_in: Any) -> None:
    for number in range(8):
        await come_in("full", f"Guest {number}")
    page = await pages.open("/room/full")
    await page.fill("#name", "Ninth")
    await page.click("#join")
    await expect(page.locator("#join-problem")).to_contain_text("All eight seats are taken")
    await page.evaluate("document.getElementById('name').removeAttribute('maxlength')")
    await page.fill("#name", "🎉" * 300)
    await page.click("#join")
    await expect(page.locator("#name-problem")).to_contain_text("1 to 80 characters")
    await expect(page.locator("#join")).to_be_enabled()


# ---- the call ----------------------------------------------------------------------------------------------------


async def test_two_people_hear_and_see_each_other_until_one_mutes(pages: Any) -> None:
    ada, ben = await pages.join("talk", "Ada Long"), await pages.join("talk", "Ben")
    await expect(tile_of(ada, "Ben")).to_have_class(re.compile("speaking"))
    await expect(tile_of(ben, "Ada Long")).to_have_class(re.compile("speaking"))
    await pages.until(ada, f"({HEARD_ENERGY})().then((energy) => energy > 1e-4)")
    await ben.click("#mute")
    await expect(tile_of(ada, "Ben").locator(".muted-mark")).to_be_visible()
    await expect(tile_of(ada, "Ben")).not_to_have_class(re.compile("speaking"))
    await asyncio.sleep(0.5)
    before = await ada.evaluate(HEARD_ENERGY)
    await asyncio.sleep(0.5)
    assert await ada.evaluate(HEARD_ENERGY) - before < 1e-6


async def test_a_microphone_that_never_sends_is_noticed(pages: Any) -> None:
    page = await pages.open("/room/dead")
    await page.evaluate("""() => {
      const silent = new AudioContext().createMediaStreamDestination().stream;
      navigator.mediaDevices.getUserMedia = async () => silent;
    }""")
    await pages.until(page, "document.getElementById('mic-device').options.length > 0")
    await page.dispatch_event("#mic-device", "change")
    await pages.come_in(page, "Ada")
    await expect(page.locator("#mic-trouble-words")).to_contain_text("has sent nothing so far", timeout=10_000)


async def test_a_closed_tab_leaves_at_once(pages: Any, come_in: Any) -> None:
    watcher = await come_in("closing", "Watcher")
    page = await pages.join("closing", "Passing")
    seat = await watcher.seat_of("Passing")
    async with asyncio.timeout(2):
        await page.close(run_before_unload=False)
        await watcher.until("left", seat=seat)


async def test_a_second_tab_takes_the_seat_over_and_the_first_says_so(pages: Any) -> None:
    first = await pages.join("twice", "Ada")
    kept = await first.evaluate("sessionStorage.getItem('onrecord.token.twice')")
    copied = f"sessionStorage.setItem('onrecord.token.twice', {kept!r})"
    second = await pages.tab(first.context, "/room/twice", copied)
    await pages.come_in(second, "Ada")
    await expect(first.locator("#ended-head")).to_have_text("You joined from another tab")
    await asyncio.sleep(1.5)
    await expect(second.locator("#call")).to_be_visible()
    await expect(second.locator("#people .person")).to_have_count(1)


async def test_leaving_ends_the_call_and_one_can_come_back(pages: Any, come_in: Any) -> None:
    bot = await bring_bot(come_in, "leaving")
    page = await pages.join("leaving", "Ada")
    await bot.say("tile", state="not_recording", text="NOT RECORDING", invited_by="Maya", link=LINK)
    await expect(page.locator(".bot-page a")).to_have_attribute("href", LINK)
    await page.click("#leave")
    await expect(page.locator("#ended-head")).to_have_text("You left the room")
    await expect(page.locator("#ended-link")).to_have_attribute("href", LINK)
    await page.click("#rejoin")
    await pages.come_in(page, "Ada")


# ---- my voice ----------------------------------------------------------------------------------------------------


async def test_the_strip_follows_the_room_and_one_click_stops(pages: Any, come_in: Any) -> None:
    ada, ben = await pages.join("voice", "Ada"), await pages.join("voice", "Ben")
    head, detail = ada.locator("#voice-head"), ada.locator("#voice-detail")
    await expect(detail).to_have_text("No recording bot is in this room.")
    bot = await bring_bot(come_in, "voice")
    await expect(detail).to_have_text("onrecord does not receive your sound.")
    seat = await bot.seat_of("Ada")
    await bot.say("kept", seat=seat, kept=True)
    await asyncio.sleep(0.3)
    await expect(head).to_have_text("Your voice is not being kept")  # the room forwards nothing, whatever the bot says
    await bot.say("subscribe", seat=seat, slot=0)
    await expect(head).to_have_text("Your voice is being kept")
    await expect(ben.locator("#voice-head")).to_have_text("Your voice is not being kept")
    await bot.say("kept", seat=seat, kept=False)
    await expect(detail).to_contain_text("keeps none of it now")
    await bot.say("kept", seat=seat, kept=True)
    await ada.click("#voice-stop")
    await bot.until("stop_voice", seat=seat)
    await expect(head).to_have_text("Your voice is not being kept")
    await expect(detail).to_have_text("onrecord does not receive your sound.")
    await expect(ada.locator("#voice-stop")).to_be_hidden()
    await expect(tile_of(ben, "Ada")).to_have_class(re.compile("speaking"))  # people still hear each other


async def test_a_stop_that_nobody_confirms_holds_the_microphone_back(pages: Any, come_in: Any) -> None:
    bot = await bring_bot(come_in, "deaf")
    page = await pages.open("/room/deaf")
    await page.evaluate("""() => {
      const send = WebSocket.prototype.send;
      WebSocket.prototype.send = function (text) { if (!text.includes('stop_voice')) send.call(this, text); };
    }""")
    await pages.come_in(page, "Ada")
    await bot.say("subscribe", seat=await bot.seat_of("Ada"), slot=0)
    await page.click("#voice-stop")
    await expect(page.locator("#voice-head")).to_have_text("Your microphone is held back")
    assert await page.evaluate("window.peersForTest.at(-1).getSenders()[0].track.enabled") is False


async def test_the_strip_is_in_sight_whatever_is_open_or_scrolled(pages: Any, come_in: Any) -> None:
    bot = await bring_bot(come_in, "sight")
    for number in range(5):
        await come_in("sight", f"Guest {number}")
    phone = await pages.join("sight", "Ada", **PHONE)
    seat = await bot.seat_of("Ada")
    await bot.say("tile", state="recording", text="RECORDING · write stop", invited_by="Maya", link=LINK)
    await ask(bot, "May I? " * 100)
    assert await phone.evaluate(STRIP_IS_IN_SIGHT)
    await phone.evaluate("document.getElementById('stage').scrollTop = 1e6")
    assert await phone.evaluate(STRIP_IS_IN_SIGHT)
    await expect(phone.locator("#unread")).to_contain_text("1")
    await phone.click("#chat-toggle")
    await expect(phone.locator("#unread")).to_be_hidden()
    await bot.say("subscribe", seat=seat, slot=0)
    await bot.say("kept", seat=seat, kept=True)
    await expect(phone.locator("#voice-stop")).to_be_visible()
    for width, height in ((390, 844), (390, 420), (320, 568), (844, 390), (1280, 800)):
        await phone.set_viewport_size({"width": width, "height": height})
        assert await phone.evaluate(STRIP_IS_IN_SIGHT), (width, height)
        stop = await phone.locator("#voice-stop").bounding_box()
        assert stop is not None
        assert stop["y"] + stop["height"] <= height, (width, height)
        assert stop["x"] + stop["width"] <= width, (width, height)
        assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, height)


# ---- the line ----------------------------------------------------------------------------------------------------


async def test_a_dropped_line_silences_says_so_and_comes_back_to_the_same_seat(
    pages: Any, page_room: Any, come_in: Any
) -> None:
    pages.expected.append("WebSocket connection to")
    bot = await bring_bot(come_in, "dropped")
    page = await pages.join("dropped", "Ada")
    seat = await bot.seat_of("Ada")
    await bot.say("subscribe", seat=seat, slot=0)
    await bot.say("kept", seat=seat, kept=True)
    await expect(page.locator("#voice-head")).to_have_text("Your voice is being kept")
    await page_room.stop()
    await expect(page.locator("#reconnecting")).to_be_visible()
    await expect(page.locator("#voice-head")).to_have_text("Nothing of yours is being sent")
    assert await page.evaluate("window.peersForTest.every((peer) => peer.connectionState === 'closed')")
    await page.fill("#chat-text", "still here")
    await page.press("#chat-text", "Enter")
    await expect(page.locator("#chat-problem")).to_contain_text("Not sent")
    await page.click("#voice-stop")  # while nobody can hear it
    await page_room.start()
    back = await bring_bot(come_in, "dropped")
    await expect(page.locator("#reconnecting")).to_be_hidden()
    assert await back.seat_of("Ada") == seat
    await back.until("stop_voice", seat=seat)
    await expect(page.locator("#voice-head")).to_have_text("Your voice is not being kept")
    await pages.until(page, "window.peersForTest.at(-1).connectionState === 'connected'")
    assert await page.evaluate("window.peersForTest.at(-1).getSenders()[0].track.enabled")


async def test_the_page_puts_nothing_on_window_and_loads_nothing_from_elsewhere(
    pages: Any, page_room: Any, browser: Browser
) -> None:
    context = await browser.new_context(permissions=["microphone"])
    plain = await context.new_page()
    asked_for: list[str] = []
    plain.on("request", lambda request: asked_for.append(request.url))
    answer = await plain.goto(f"{page_room.url}/room/plain")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    await expect(plain.locator("#mic-hint")).not_to_be_empty()
    blank = await context.new_page()
    await blank.goto(f"{page_room.url}/healthz")
    added = set(await plain.evaluate("Object.keys(window)")) - set(await blank.evaluate("Object.keys(window)"))
    ids = set(await plain.evaluate("[...document.querySelectorAll('[id]')].map((found) => found.id)"))
    assert added - ids == set()
    assert all(url.startswith(page_room.url) for url in asked_for)
    await context.close()
