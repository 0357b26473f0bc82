"""What tests of the room's page share: the bot that they bring in, its question, and where a person's tile is."""

from __future__ import annotations

from typing import Any, Protocol

from playwright.async_api import Page

LINK = "http://127.0.0.1:8480/c/3kf9a2"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Wire(Protocol):
    seat: str
    heard: list[dict[str, Any]]

    async def say(self, type_: str, **fields: Any) -> None: ...
    async def chat(self, text: str, **fields: Any) -> None: ...
    async def until(self, type_: str, **fields: Any) -> dict[str, Any]: ...
    async def until_true(self, claim: Any) -> dict[str, Any]: ...
    async def seat_of(self, name: str) -> str: ...
    async def close(self) -> None: ...


async def bring_bot(come_in: Any, code: str) -> Wire:
    bot: Wire = await come_in(code, "onrecord (asks before recording)", kind="bot", invited_by="Maya Lind")
    return bot


async def ask(bot: Wire, text: str = "Hello, I am onrecord. May I record? Details: " + LINK) -> str:
    await bot.chat(text, notice=True, nonce="the-notice")
    return str((await bot.until("chat", nonce="the-notice"))["id"])


def tile_of(page: Page, name: str) -> Any:
    return page.locator(".person", has=page.locator(".plate-name", has_text=name))
