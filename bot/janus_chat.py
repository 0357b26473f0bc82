"""Janus' TextRoom beside a VideoRoom of the same id: who is there under which shown name, and what they write.

Messages have no ids there: one is made of sender, date, text and how often that came, so that what the room tells again
to a bot that comes back is the same message.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.data_channel import TextChannel
from bot.janus_api import Handle, JanusApi, JanusRefused, JanusUnreachable
from bot.wire_json import read_json

PLUGIN = "janus.plugin.textroom"
ANSWERED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    message_id: str
    username: str
    name: str  # as shown; empty: the server named nobody
    text: str
    to_bot_only: bool


class JanusChat:
    """`on_lost` is called once when nothing can be written or read any more, and never after `close`."""

    def __init__(
        self,
        *,
        api: JanusApi,
        addresses: Sequence[str] | None,
        on_written: Callable[[Written], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._api = api
        self._on_written = on_written
        self._channel = TextChannel(addresses=addresses, on_text=self._take, on_lost=on_lost)
        self._handle: Handle | None = None
        self._room: int | str = 0
        self._username = ""
        self._names: dict[str, str] = {}  # username -> shown name
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._told: Counter[str] = Counter()

    async def join(self, room: int | str, *, username: str, shown_name: str, pin: str) -> None:
        """Raises JanusError, PeerError, TimeoutError."""
        self._room, self._username = room, username
        self._handle = await self._api.attach(PLUGIN)
        _, offer = await self._handle.ask({"request": "setup"})
        if offer is None:
            raise JanusUnreachable
        await self._handle.ask({"request": "ack"}, {"type": "answer", "sdp": await self._channel.answer(offer["sdp"])})
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            await self._channel.ready.wait()
        wanted = {"textroom": "join", "room": room, "username": username, "display": shown_name}
        joined = await self._ask(wanted | ({"pin": pin} if pin else {}))
        for one in joined.get("participants", ()):
            self._came(one)

    def readers(self, name: str) -> list[str]:
        """The usernames that show this name now, in the order in which they came."""
        return [username for username, shown in self._names.items() if shown == name and username != self._username]

    async def write(self, text: str, *, to_name: str | None) -> str:
        """The message's id, once the server took it. `to_name`: to those alone who show it. Raises JanusError."""
        wanted: dict[str, Any] = {"textroom": "message", "room": self._room, "text": text}
        if to_name is not None:
            names = self.readers(to_name)
            if not names:
                raise JanusRefused(0, "nobody of that name reads the chat")
            wanted["tos"] = names
        await self._ask(wanted)
        return f"bot:{self._username}:{next(self._numbers)}"

    async def close(self) -> None:
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(JanusUnreachable())
        await self._channel.close()

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        transaction = str(next(self._numbers))
        self._asked[transaction] = asyncio.get_running_loop().create_future()
        self._channel.send(json.dumps({**message, "transaction": transaction}))
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                answer = await self._asked[transaction]
        except TimeoutError as error:
            raise JanusUnreachable from error
        finally:
            del self._asked[transaction]
        if answer.get("textroom") == "error":
            raise JanusRefused(int(answer.get("error_code", 0)), str(answer.get("error", "")))
        return answer

    def _take(self, text: str) -> None:
        try:
            told = read_json(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        asked = self._asked.get(str(told.get("transaction")))
        match told.get("textroom"):
            case "message" if asked is None:
                self._said(told)
            case "join":
                self._came(told)
            case "leave" | "kicked":
                self._names.pop(str(told.get("username")), None)
            case "success" | "error" if asked is not None and not asked.done():
                asked.set_result(told)

    def _came(self, one: Any) -> None:
        if isinstance(one, dict) and isinstance(one.get("username"), str):
            self._names[one["username"]] = str(one.get("display") or "")

    def _said(self, told: dict[str, Any]) -> None:
        sender, text = str(told.get("from")), str(told.get("text"))
        if sender == self._username or told.get("room") != self._room:
            return
        mark = hashlib.sha256("\x00".join((sender, str(told.get("date")), text)).encode()).hexdigest()[:24]
        self._told[mark] += 1
        self._on_written(
            Written(
                message_id=f"{mark}-{self._told[mark]}",
                username=sender,
                name=self._names.get(sender, ""),
                text=text,
                to_bot_only=bool(told.get("whisper")),
            )
        )
