"""The bot's question and the chat in the practice room's page, in a real Chromium."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.simulators.page_people import LINK, PHONE, ask, bring_bot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


# ---- the question ------------------------------------------------------------------------------------------------


async def test_each_answer_reaches_the_bot_alone_as_a_reply_to_the_notice(pages: Any, come_in: Any) -> None:
    bot = await bring_bot(come_in, "asked")
    ada, ben = await pages.join("asked", "Ada"), await pages.join("asked", "Ben")
    seat = await bot.seat_of("Ada")
    notice = await ask(bot)
    await ada.click("#voice-answer")
    await expect(ada.locator(".answer").first).to_be_focused()
    for index, phrase in enumerate(("record yes", "sound only", "record no")):
        await ada.locator(".answer").nth(index).click()
        said = await bot.until("chat", seat=seat, text=phrase)
        assert (said["to"], said["reply_to"]) == (bot.seat, notice)
        await expect(ada.locator(".answered")).to_contain_text(f"You answered “{phrase}”")
        await expect(ada.locator(".answer").nth(index)).to_have_attribute("aria-pressed", "true")
        await expect(ada.locator(".answer[aria-pressed=true]")).to_have_count(1)
    await expect(ada.locator("#voice-answer")).to_be_hidden()
    await expect(ada.locator(".whisper-mark").first).to_have_text("Only you and onrecord see this")
    await bot.chat("Thank you.", to=seat, reply_to=notice)
    await expect(ada.locator(".message", has_text="Thank you.")).to_have_count(1)
    await expect(ben.locator(".message")).to_have_count(1)
    await expect(ben.locator("#voice-answer")).to_be_visible()


async def test_a_typed_reply_to_the_notice_goes_to_the_bot_alone(pages: Any, come_in: Any) -> None:
    bot = await bring_bot(come_in, "typed")
    page = await pages.join("typed", "Ada")
    notice = await ask(bot)
    await page.click(".notice .reply")
    await page.keyboard.type("who will hear it?")
    await page.keyboard.press("Enter")
    said = await bot.until("chat", text="who will hear it?")
    assert (said["to"], said["reply_to"]) == (bot.seat, notice)


async def test_only_a_bots_notice_becomes_a_card(pages: Any, come_in: Any) -> None:
    forger = await come_in("forged", "onrecord")
    page = await pages.join("forged", "Ada")
    await ask(forger, "Press yes!")
    await expect(page.locator(".message", has_text="Press yes!")).to_have_count(1)
    await expect(page.locator(".answer")).to_have_count(0)


async def test_the_bots_tile_says_what_it_is_doing(pages: Any, come_in: Any) -> None:
    bot = await bring_bot(come_in, "tile")
    page = await pages.join("tile", "Ada")
    state = page.locator(".bot-state")
    await expect(state).to_have_text("NOT RECORDING")
    await bot.say("tile", state="recording", text="RECORDING · write stop", invited_by="Maya <b>Lind</b>", link=LINK)
    await expect(state).to_have_text("RECORDING · write stop")
    await expect(page.locator(".bot-invited")).to_have_text("Invited by Maya <b>Lind</b>")
    await pages.until(page, "document.querySelector('.bot-page img').naturalWidth > 0")
    await expect(page).to_have_title(re.compile("^●"))
    await bot.say("tile", state="paused", text="PAUSED", invited_by="Maya", link="")
    await expect(state).to_have_text("PAUSED")
    await expect(page.locator(".bot-page a")).to_have_count(0)
    await bot.close()
    await expect(page.locator(".bot")).to_have_count(0)


# ---- the chat ----------------------------------------------------------------------------------------------------


async def test_chat_whispers_and_threads(pages: Any, come_in: Any) -> None:
    ada, ben = await pages.join("chat", "Ada"), await pages.join("chat", "Ben")
    third = await come_in("chat", "Third")
    await ada.fill("#chat-text", "Shall we start?")
    await ada.keyboard.press("Enter")
    await expect(ada.locator("#chat-text")).to_have_value("")
    await third.chat("Something else")
    message = ben.locator(".message", has_text="Shall we start?")
    await message.get_by_role("button", name="Reply to Ada").click()
    await ben.keyboard.type("Yes, please")
    await ben.keyboard.press("Enter")
    root = ada.locator(".message", has_text="Shall we start?").first
    await expect(root.locator(".replies")).to_have_text("1 reply")
    await expect(ada.locator(".message-quote")).to_have_text("You: Shall we start?")
    await root.locator(".replies").click()
    await expect(ada.locator("#chat-title")).to_have_text("Thread")
    await expect(ada.locator(".message:visible")).to_have_count(2)
    await ada.click("#thread-back")
    await expect(ada.locator(".message:visible")).to_have_count(3)
    await ada.select_option("#audience", label="Ben only")
    await ada.fill("#chat-text", "Between us")
    await ada.keyboard.press("Enter")
    await expect(ben.locator(".whisper .whisper-mark")).to_have_text("Only you and Ada see this")
    await third.chat("last")
    await third.until("chat", text="last")
    assert not any(said.get("text") == "Between us" for said in third.heard)


async def test_a_whisper_never_turns_public_when_its_reader_leaves(pages: Any, come_in: Any) -> None:
    page = await pages.join("gone", "Ada")
    guest = await come_in("gone", "Guest")
    other = await come_in("gone", "Other")
    await page.select_option("#audience", label="Guest only")
    await page.fill("#chat-text", "secret")
    await guest.close()
    await expect(page.locator("#people .person")).to_have_count(2)
    await page.press("#chat-text", "Enter")
    await expect(page.locator("#chat-problem")).to_contain_text("has left")
    await expect(page.locator("#chat-text")).to_have_value("secret")
    await other.chat("last")
    await other.until("chat", text="last")
    assert not any(said.get("text") == "secret" for said in other.heard)


async def test_a_flood_is_held_back_in_words_and_the_text_stays(pages: Any) -> None:
    page = await pages.join("flood", "Ada")
    for number in range(11):
        await page.fill("#chat-text", f"message {number}")
        await page.press("#chat-text", "Enter")
        if number < 10:
            await expect(page.locator("#chat-text")).to_have_value("")
    await expect(page.locator("#chat-problem")).to_contain_text("Too many messages")
    await expect(page.locator("#chat-text")).to_have_value("message 10")
    await expect(page.locator(".message")).to_have_count(10)


async def test_hostile_names_and_texts_are_only_text(pages: Any, come_in: Any) -> None:
    page = await pages.join("hostile", "Ada", **PHONE)
    hostile = await come_in("hostile", "<script>alert(1)</script>")
    await come_in("hostile", "🎉" * 80)
    await come_in("hostile", "Z" + "\u0338\u031b\u034e" * 26)
    await come_in("hostile", "Ada")
    await come_in("hostile", "W" * 80)
    await hostile.chat("<img src=x onerror=alert(1)> javascript:alert(1) https://example.org/a?b=<i> " + "w" * 900)
    await expect(page.locator("#people .person")).to_have_count(6)
    await page.click("#chat-toggle")
    text = page.locator(".message-text")
    await expect(text).to_contain_text("<img src=x onerror=alert(1)> javascript:alert(1)")
    assert await text.locator("a").evaluate_all("links => links.map((link) => link.href)") == [
        "https://example.org/a?b="
    ]
    assert await page.locator("main script, main img, aside script, aside img").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.click("#chat-close")
    names = page.locator(".person")
    for index in range(6):
        frame = await names.nth(index).bounding_box()
        plate = await names.nth(index).locator(".plate").bounding_box()
        assert frame is not None
        assert plate is not None
        assert frame["x"] <= plate["x"]
        assert plate["x"] + plate["width"] <= frame["x"] + frame["width"]
    seats = [await tile.inner_text() for tile in await page.locator(".plate-extra").all()]
    assert seats.count("(you)") == 1
    assert sum(bool(re.fullmatch(r"\s*· [0-9a-f]{4}", words)) for words in seats) == 1  # the other Ada
