"""How getting into a practice room can fail, and that each way has a name of its own."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from bot import practice_client
from bot.practice_client import JoinRefused, NoMedia, NotAPracticeLink, NotReached, PracticeClient, PracticeError
from config.clock import SystemClock
from tests.simulators.practice_people import room, tasks

PERSON = {"name": "Ann", "token": "token-of-ann...."}


def client(tasks: asyncio.TaskGroup) -> PracticeClient:
    return PracticeClient(
        clock=SystemClock(),
        tasks=tasks,
        on_message=lambda message: None,
        on_packet=lambda slot, packet, arrival_ms: None,
        on_over=lambda reason: None,
    )


async def served(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/room/abc"


@pytest.mark.parametrize(
    "link", ["", "abc", "http://", "http://127.0.0.1/meet/abc", "http://127.0.0.1/room/ABC", "ws://127.0.0.1/room/abc"]
)
async def test_a_link_of_something_else_is_not_tried(tasks: asyncio.TaskGroup, link: str) -> None:
    with pytest.raises(NotAPracticeLink):
        await client(tasks).join(link, PERSON)


async def test_a_server_that_is_not_there_is_not_reached(tasks: asyncio.TaskGroup) -> None:
    with pytest.raises(NotReached):
        await client(tasks).join("http://127.0.0.1:9/room/abc", PERSON)


async def test_a_server_that_is_something_else_is_not_reached(tasks: asyncio.TaskGroup) -> None:
    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>hello</html>", content_type="text/html")

    async def stranger(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str('["who", "are", "you"]')
        await socket.close()
        return socket

    for handler in (page, stranger):
        runner, link = await served(handler)
        with pytest.raises(NotReached):
            await client(tasks).join(link, PERSON)
        await runner.cleanup()


async def test_a_refusal_has_its_code(room: str, tasks: asyncio.TaskGroup) -> None:
    with pytest.raises(JoinRefused) as caught:
        await client(tasks).join(room, {"name": " ", "token": "token-of-ann...."})
    assert caught.value.code == "name"


async def test_without_a_way_for_sound_there_is_no_joining(
    room: str, tasks: asyncio.TaskGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice_client, "JOIN_WITHIN_S", 1.5)
    monkeypatch.setattr(practice_client, "media_addresses", lambda host: ("203.0.113.1",))  # none of this machine's
    with pytest.raises(NoMedia):
        await client(tasks).join(room, PERSON)


async def test_closing_twice_or_before_joining_does_nothing(room: str, tasks: asyncio.TaskGroup) -> None:
    unused = client(tasks)
    await unused.close()
    used = client(tasks)
    await used.join(room + "?from=calendar#top", PERSON)
    await used.close()
    await used.close()
    used.send({"t": "chat", "text": "to nobody"})


def test_every_error_says_what_to_do() -> None:
    for error in (NotAPracticeLink, NotReached, NoMedia):
        assert issubclass(error, PracticeError)
        assert error.__doc__
