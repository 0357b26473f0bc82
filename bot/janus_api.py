"""Janus' own API over a WebSocket (janus.conf.meetecho.com/docs/rest.html): session, plugin handles, transactions.

Hides transactions, keep-alives and the ways in which a connection dies. What a plugin's messages mean is for the room
to know. A server with an API secret gets it in each message.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

from bot.wire_json import read_json

Message = dict[str, Any]

ANSWERED_WITHIN_S = 5.0
KEEP_ALIVE_EVERY_S = 4.0  # a session without any message ends after 60 s, or as much sooner as the server is set to
HEARTBEAT_S = 3.0
LARGEST_MESSAGE_BYTES = 1_000_000


class JanusError(Exception):
    """The Janus server did not do that."""


class JanusUnreachable(JanusError):
    """The Janus server does not answer. Check that it runs and that its address in the settings is right."""


class JanusRefused(JanusError):
    """The Janus server said no; its code says why (videoroom.c and janus.h name them)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"Janus answered {code}")
        self.code = code
        self.reason = reason  # the server's words; may hold ids, so not for logs


MALFORMED = (KeyError, TypeError, ValueError, AttributeError)  # what reading an answer of another form may raise


class Handle:
    """One plugin handle. `on_event(data, jsep)` gets what comes without having been asked for."""

    def __init__(self, api: JanusApi, number: int, on_event: Callable[[Message, Message | None], None]) -> None:
        self._api = api
        self._number = number
        self.on_event = on_event

    async def ask(self, body: Message, jsep: Message | None = None) -> tuple[Message, Message | None]:
        """The plugin's answer and its SDP, if any. Raises JanusError."""
        message: Message = {"janus": "message", "body": body, "handle_id": self._number}
        if jsep is not None:
            message["jsep"] = jsep
        answer = await self._api.ask(message)
        found = answer.get("plugindata", {}).get("data", {})
        if "error_code" in found or "error" in found:
            raise JanusRefused(int(found.get("error_code", 0)), str(found.get("error", "")))
        return found, answer.get("jsep")

    async def detach(self) -> None:
        """On return the server sends nothing more to it. Raises JanusUnreachable."""
        self._api.forget(self._number)
        with suppress(JanusRefused):  # it knows no such handle any more
            await self._api.ask({"janus": "detach", "handle_id": self._number})


class JanusApi:
    """One session. `on_over` is called once, when it ends without `close` having been called."""

    def __init__(self, *, tasks: asyncio.TaskGroup, on_over: Callable[[], None], secret: str = "") -> None:
        self._tasks = tasks
        self._on_over = on_over
        self._secret = secret
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Message]] = {}
        self._handles: dict[int, Handle] = {}
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._session_id: int | None = None
        self._helpers: list[asyncio.Task[None]] = []
        self._over = False

    async def connect(self, address: str) -> None:
        """`ws://…` or `wss://…`. Raises JanusError."""
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                self._http = aiohttp.ClientSession()
                self._socket = await self._http.ws_connect(
                    address, protocols=["janus-protocol"], heartbeat=HEARTBEAT_S, max_msg_size=LARGEST_MESSAGE_BYTES
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            await self.close()
            raise JanusUnreachable from error
        self._helpers.append(self._tasks.create_task(self._read(self._socket)))
        self._session_id = int((await self.ask({"janus": "create"}))["data"]["id"])
        self._helpers.append(self._tasks.create_task(self._keep_alive()))

    async def attach(self, plugin: str, on_event: Callable[[Message, Message | None], None] | None = None) -> Handle:
        """Raises JanusError."""
        number = int((await self.ask({"janus": "attach", "plugin": plugin}))["data"]["id"])
        handle = self._handles[number] = Handle(self, number, on_event or _ignore)
        return handle

    async def ask(self, message: Message) -> Message:
        """The answer that is none of the mere acknowledgements. Raises JanusError."""
        if self._over or self._socket is None:
            raise JanusUnreachable
        transaction = str(next(self._numbers))
        whole = {**message, "transaction": transaction}
        if self._session_id is not None:
            whole["session_id"] = self._session_id
        if self._secret:
            whole["apisecret"] = self._secret
        self._asked[transaction] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await self._socket.send_json(whole)
                answer = await self._asked[transaction]
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise JanusUnreachable from error
        finally:
            del self._asked[transaction]
        if answer.get("janus") == "error":
            failure = answer.get("error", {})
            raise JanusRefused(int(failure.get("code", 0)), str(failure.get("reason", "")))
        return answer

    def forget(self, number: int) -> None:
        self._handles.pop(number, None)

    async def close(self) -> None:
        """Ends the session on the server too, so that its seat is free. Safe to call twice and after it died."""
        if not self._over and self._session_id is not None:
            with suppress(JanusError):
                async with asyncio.timeout(1):
                    await self.ask({"janus": "destroy"})
        self._end()
        for helper in self._helpers:
            if helper is not asyncio.current_task():
                helper.cancel()
        if self._socket is not None:
            await self._socket.close()
        if self._http is not None:
            await self._http.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        with suppress(aiohttp.ClientError, OSError):
            async for incoming in socket:
                if incoming.type is not aiohttp.WSMsgType.TEXT:
                    break
                try:
                    message = incoming.json(loads=read_json)
                except ValueError:
                    break
                if isinstance(message, dict):
                    self._take(message)
        if not self._over:
            self._end()
            self._on_over()

    def _take(self, message: Message) -> None:
        kind, asked = message.get("janus"), self._asked.get(str(message.get("transaction")))
        if kind == "ack":
            return
        if asked is not None:
            if not asked.done():
                asked.set_result(message)
            return
        handle = self._handles.get(message.get("sender", 0))
        if handle is not None and kind in ("event", "hangup"):
            with suppress(*MALFORMED):
                handle.on_event(message.get("plugindata", {}).get("data", {}), message.get("jsep"))
        elif kind == "timeout" and not self._over:  # the session is gone
            self._end()
            self._on_over()

    async def _keep_alive(self) -> None:
        while not self._over:
            await asyncio.sleep(KEEP_ALIVE_EVERY_S)
            with suppress(JanusError):
                await self.ask({"janus": "keepalive"})

    def _end(self) -> None:
        self._over = True
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(JanusUnreachable())


def _ignore(data: Message, jsep: Message | None) -> None:
    del data, jsep
