"""The practice room's process: its pages and the WebSocket of each client. A room lives while somebody is in it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from bot.webrtc import media_addresses
from consent_notice.clock import Clock
from web.practice import wire
from web.practice.qr import link_as_svg
from web.practice.signalling import Participant, Refused, Room

STATIC = Path(__file__).parent / "static"
HEARTBEAT_S = 3.0  # and half as long for the answer: a vanished client is gone after 4.5 s
ALIVE_EVERY_S = 0.05
MOST_ROOMS = 200
MOST_BAD_MESSAGES = 20
MOST_MESSAGES = 150  # of any kind within MESSAGES_WINDOW_MS; a bot may say more, since it answers everybody
MOST_BOT_MESSAGES = 600
MESSAGES_WINDOW_MS = 5_000
JOIN_WITHIN_S = 10.0
GOODBYE_WITHIN_S = 1.0

HTML_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "Permissions-Policy": "microphone=(self), camera=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class PracticeServer:
    def __init__(self, *, clock: Clock, new_id: Callable[[], str], addresses: Sequence[str] | None) -> None:
        self._clock = clock
        self._new_id = new_id
        self._addresses = addresses
        self._rooms: dict[str, Room] = {}

    async def start_page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "start.html", headers=HTML_HEADERS)

    async def room_page(self, request: web.Request) -> web.StreamResponse:
        _code(request)
        return web.FileResponse(STATIC / "room.html", headers=HTML_HEADERS)

    async def tile_code(self, request: web.Request) -> web.StreamResponse:
        room = self._rooms.get(_code(request))
        if room is None or room.tile is None or not room.tile["link"]:
            raise web.HTTPNotFound(text="This room shows no link now.")
        return web.Response(body=link_as_svg(room.tile["link"]), content_type="image/svg+xml")

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def end_all(self, _app: web.Application) -> None:
        for room in self._rooms.values():
            room.end("room_closed")
        await asyncio.sleep(0.1)  # so that the goodbyes go out

    async def socket(self, request: web.Request) -> web.StreamResponse:
        code = _code(request)
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="Open the room from its own address.")
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=wire.LONGEST_OFFER_BYTES + 1024)
        await socket.prepare(request)
        try:
            async with asyncio.timeout(JOIN_WITHIN_S):
                joined = await self._let_in(code, socket)
        except TimeoutError:
            joined = None
        if joined is None:
            await socket.close()
            return socket
        room, participant = joined
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(_write(participant, socket))
                teller = tasks.create_task(_keep_telling(room, participant)) if participant.is_bot else None
                try:
                    await _read(room, participant, socket, tasks, self._clock)
                finally:
                    room.leave(participant)
                    if teller is not None:
                        teller.cancel()
                    if participant.connection.closing:  # the goodbye still has to go out
                        await asyncio.wait([writer], timeout=GOODBYE_WITHIN_S)
                    writer.cancel()
                    if participant.peer is not None:
                        await participant.peer.close()
        finally:
            if room.is_empty and self._rooms.get(code) is room:
                del self._rooms[code]
            await socket.close()
        return socket

    async def _let_in(self, code: str, socket: web.WebSocketResponse) -> tuple[Room, Participant] | None:
        """The first message must be a join; a refused one may be tried again with another name."""
        async for message in socket:
            try:
                if message.type is not WSMsgType.TEXT:
                    raise Refused("bad", "The room reads text messages only.")
                said = wire.read_message(message.data)
                if not isinstance(said, wire.Join):
                    raise Refused("bad", "Join first.")
                return self._join(code, said)
            except wire.WireError as error:
                await socket.send_json({"t": "error", "code": "bad", "text": str(error) or str(error.__doc__)})
            except Refused as error:
                await socket.send_json({"t": "error", "code": error.code, "text": error.text})
            return None
        return None

    def _join(self, code: str, said: wire.Join) -> tuple[Room, Participant]:
        room = self._rooms.get(code)
        if room is None:
            if len(self._rooms) >= MOST_ROOMS:
                raise Refused("full", "Too many practice rooms are open. Try again later.")
            room = Room(code=code, clock=self._clock, new_id=self._new_id, media_addresses=self._addresses)
        participant = room.join(said)
        self._rooms[code] = room
        return room, participant


async def _read(
    room: Room, sender: Participant, socket: web.WebSocketResponse, tasks: asyncio.TaskGroup, clock: Clock
) -> None:
    bad_messages = 0
    came_ms: deque[int] = deque(maxlen=MOST_BOT_MESSAGES if sender.is_bot else MOST_MESSAGES)
    async for message in socket:
        now_ms = clock.boot_ms()
        if len(came_ms) == came_ms.maxlen and now_ms - came_ms[0] < MESSAGES_WINDOW_MS:
            sender.connection.end("flood")
            return
        came_ms.append(now_ms)
        said: wire.Said | None = None
        try:
            if message.type is not WSMsgType.TEXT:
                raise Refused("bad", "The room reads text messages only.")
            said = wire.read_message(message.data)
            match said:
                case wire.Leave():
                    sender.connection.end("left")
                    return
                case wire.Offer():
                    await room.offer(sender, said.sdp, tasks)
                case _:
                    room.take(sender, said)
        except wire.WireError as error:
            bad_messages += 1
            sender.connection.send({"t": "error", "code": "bad", "text": str(error) or str(error.__doc__)})
        except Refused as error:
            bad_messages += error.code == "bad"
            told: dict[str, str | None] = {"t": "error", "code": error.code, "text": error.text}
            if isinstance(said, wire.Chat):
                told["nonce"] = said.nonce
            sender.connection.send(told)
        if bad_messages >= MOST_BAD_MESSAGES:
            sender.connection.end("bad")
            return


async def _write(sender: Participant, socket: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):
        while (message := await sender.connection.outbox.get()) is not None:
            await socket.send_json(message)
        await socket.close()


async def _keep_telling(room: Room, bot: Participant) -> None:
    while True:
        room.alive(bot)
        await asyncio.sleep(ALIVE_EVERY_S)


def _code(request: web.Request) -> str:
    code = request.match_info["code"]
    if not wire.CODE.fullmatch(code):
        raise web.HTTPNotFound(text="There is no such room: a code has 3 to 40 small letters, digits or hyphens.")
    return code


@web.middleware
async def _no_store(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("Cache-Control", "no-cache")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def create_practice_app(*, clock: Clock, new_id: Callable[[], str], host: str) -> web.Application:
    """`host` is what the server binds to: media are received there too."""
    server = PracticeServer(clock=clock, new_id=new_id, addresses=media_addresses(host))
    app = web.Application(middlewares=[_no_store])
    app.router.add_get("/", server.start_page)
    app.router.add_get("/healthz", server.health)
    app.router.add_get("/room/{code}", server.room_page)
    app.router.add_get("/room/{code}/ws", server.socket)
    app.router.add_get("/room/{code}/qr.svg", server.tile_code)
    app.router.add_static("/static", STATIC)
    app.on_shutdown.append(server.end_all)
    return app
