"""The practice room's addresses."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import aiohttp
import pytest

from tests.simulators.practice_people import room


@pytest.fixture
def origin(room: str) -> str:
    return room.split("/room/", maxsplit=1)[0]


async def test_pages_are_served_with_a_strict_policy(origin: str, room: str) -> None:
    async with aiohttp.ClientSession() as session:
        for address in (origin + "/", room):
            async with session.get(address) as answer:
                assert answer.status == 200
                assert answer.content_type == "text/html"
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
                assert "unsafe" not in answer.headers["Content-Security-Policy"]
                assert answer.headers["Referrer-Policy"] == "no-referrer"
        async with session.get(origin + "/healthz") as answer:
            assert await answer.json() == {"ok": True}


@pytest.mark.parametrize("code", ["ab", "ABC", "a" * 41, "a_b", "..%2f..%2fetc"])
async def test_a_code_that_is_none_is_not_found(origin: str, code: str) -> None:
    async with aiohttp.ClientSession() as session:
        for address in (f"{origin}/room/{code}", f"{origin}/room/{code}/ws", f"{origin}/room/{code}/qr.svg"):
            async with session.get(address) as answer:
                assert answer.status == 404


async def test_another_site_cannot_open_a_room_in_a_visitors_name(room: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(room + "/ws", headers={"Origin": "https://elsewhere.test"})
        assert caught.value.status == 403


async def test_the_tiles_link_can_be_photographed_while_a_bot_shows_it(room: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(room + "/qr.svg") as answer:
            assert answer.status == 404
        socket = await session.ws_connect(room + "/ws")
        await socket.send_json({"t": "join", "name": "bot", "kind": "bot", "token": "t" * 16})
        await socket.receive_json()
        link = "https://example.test/c/abc"
        await socket.send_json({"t": "tile", "state": "recording", "text": "", "invited_by": "", "link": link})
        while (await socket.receive_json())["t"] != "tile":
            pass
        async with session.get(room + "/qr.svg") as answer:
            assert answer.content_type == "image/svg+xml"
            assert b"<svg" in await answer.read()
