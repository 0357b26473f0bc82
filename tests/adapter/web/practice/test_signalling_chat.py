"""Seats, chat and limits: what one client may say, and what reaches the others."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.simulators.practice_people import room


@pytest.fixture
async def raw(room: str) -> AsyncIterator[Callable[[], Awaitable[aiohttp.ClientWebSocketResponse]]]:
    async with aiohttp.ClientSession() as session:
        yield lambda: session.ws_connect(room + "/ws")


Message = dict[str, Any]
Raw = Callable[[], Awaitable[aiohttp.ClientWebSocketResponse]]


async def joined(raw: Raw, name: str, **more: Any) -> tuple[aiohttp.ClientWebSocketResponse, Message]:
    socket = await raw()
    await socket.send_json({"t": "join", "name": name, "token": f"token-of-{name[:60]}".ljust(16, "."), **more})
    return socket, await socket.receive_json(timeout=5)


async def next_said(socket: aiohttp.ClientWebSocketResponse, kind: str) -> Message:
    while True:
        message: Message = await socket.receive_json(timeout=5)
        if message["t"] == kind:
            return message


# ---- seats -----------------------------------------------------------------------------------------------------------


async def test_a_token_has_one_seat_whatever_the_name(raw: Raw) -> None:
    first, welcome = await joined(raw, "Ann", token="the-token-of-ann")
    assert welcome["seat"] == hashlib.sha256(b"test-room|the-token-of-ann").hexdigest()[:12]
    await first.close()
    _, again = await joined(raw, "Ann B.", token="the-token-of-ann")
    assert again["seat"] == welcome["seat"]


async def test_the_same_token_again_replaces_the_earlier_connection(raw: Raw) -> None:
    watcher, _ = await joined(raw, "Bob")
    first, welcome = await joined(raw, "Ann")
    _, again = await joined(raw, "Ann")
    assert await next_said(first, "ended") == {"t": "ended", "reason": "replaced"}
    assert [person["name"] for person in again["people"]] == ["Bob"]
    await next_said(watcher, "joined")
    assert (await next_said(watcher, "left"))["seat"] == welcome["seat"]
    assert (await next_said(watcher, "joined"))["person"]["seat"] == welcome["seat"]


async def test_eight_sit_and_the_ninth_is_told_that_the_room_is_full(raw: Raw) -> None:
    sockets = []
    for number in range(8):
        socket, welcome = await joined(raw, f"person {number}")
        sockets.append(socket)
        assert len(welcome["people"]) == number
    _, refusal = await joined(raw, "one more")
    assert (refusal["t"], refusal["code"]) == ("error", "full")
    _, back_in = await joined(raw, "person 3")  # a reload while the room is full
    assert back_in["t"] == "welcome"


async def test_two_people_may_have_one_name(raw: Raw) -> None:
    _one, first = await joined(raw, "Sam", token="token-of-one-sam")
    _, second = await joined(raw, "Sam", token="token-of-other-sam")
    assert first["seat"] != second["seat"]
    assert second["people"][0]["name"] == "Sam"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "Bob\u202e\u2066\x00\x1b", "🙂" * 80])
async def test_hostile_names_arrive_as_text(raw: Raw, name: str) -> None:
    watcher, _ = await joined(raw, "Ann")
    _other, welcome = await joined(raw, name)
    assert welcome["t"] == "welcome"
    told = (await next_said(watcher, "joined"))["person"]["name"]
    assert told == name.replace("\u202e\u2066\x00\x1b", "")


async def test_a_name_of_300_emoji_is_refused_with_what_to_do(raw: Raw) -> None:
    _, refusal = await joined(raw, "🙂" * 300)
    assert (refusal["code"], refusal["text"]) == ("name", "Use a name of at most 80 characters.")


async def test_the_age_of_those_present_is_told(raw: Raw) -> None:
    _ann, _ = await joined(raw, "Ann")
    await asyncio.sleep(0.2)
    _, welcome = await joined(raw, "Bob")
    assert 200 <= welcome["people"][0]["age_ms"] < 600


# ---- chat ------------------------------------------------------------------------------------------------------------


async def test_threads_whispers_and_acknowledgements(raw: Raw) -> None:
    ann, _ = await joined(raw, "Ann")
    bob, bobs = await joined(raw, "Bob")
    cia, _ = await joined(raw, "Cia")
    await ann.send_json({"t": "chat", "text": "to all", "nonce": "n1"})
    own = await next_said(ann, "chat")
    seen = await next_said(bob, "chat")
    assert (own["nonce"], seen["nonce"]) == ("n1", None)
    assert own["id"] == seen["id"]
    await bob.send_json({"t": "chat", "text": "reply", "reply_to": own["id"]})
    assert (await next_said(ann, "chat"))["reply_to"] == own["id"]
    await ann.send_json({"t": "chat", "text": "for Bob", "to": bobs["seat"]})
    await ann.send_json({"t": "chat", "text": "to all again", "notice": True})
    await next_said(bob, "chat")
    assert (await next_said(bob, "chat"))["text"] == "for Bob"
    texts = [(await next_said(cia, "chat"))["text"] for _ in range(3)]
    assert texts == ["to all", "reply", "to all again"]
    last = await next_said(bob, "chat")
    assert last["notice"] is False  # only a bot's message can be one


async def test_a_flood_is_dropped_and_said_so(raw: Raw) -> None:
    ann, _ = await joined(raw, "Ann")
    bob, _ = await joined(raw, "Bob")
    for number in range(14):
        await ann.send_json({"t": "chat", "text": f"{number}", "nonce": f"n{number}"})
    refusal = await next_said(ann, "error")
    assert (refusal["code"], refusal["nonce"]) == ("flood", "n10")
    await ann.send_json({"t": "mic", "on": False})
    seen = []
    while (message := await bob.receive_json(timeout=5))["t"] != "mic":
        seen += [message["text"]] if message["t"] == "chat" else []
    assert seen == [str(number) for number in range(10)]


@pytest.mark.parametrize("text", ["{", '{"t":"dance"}', json.dumps({"t": "chat", "text": "x" * 2_001}), "[" * 2_000])
async def test_bad_messages_are_refused_and_the_connection_stays(raw: Raw, text: str) -> None:
    ann, _ = await joined(raw, "Ann")
    await ann.send_str(text)
    assert (await next_said(ann, "error"))["code"] == "bad"
    await ann.send_json({"t": "chat", "text": "still here"})
    assert (await next_said(ann, "chat"))["text"] == "still here"


async def test_bytes_are_refused_and_too_many_bad_messages_end_it(raw: Raw) -> None:
    ann, _ = await joined(raw, "Ann")
    for _ in range(20):
        await ann.send_bytes(b"\0")
    assert (await next_said(ann, "ended"))["reason"] == "bad"


async def test_a_client_that_floods_with_anything_is_closed_and_nobody_else(raw: Raw) -> None:
    bob, _ = await joined(raw, "Bob")
    ann, welcome = await joined(raw, "Ann")
    for number in range(160):
        await ann.send_json({"t": "mic", "on": bool(number % 2)})
    assert (await next_said(ann, "ended"))["reason"] == "flood"
    assert (await next_said(bob, "left"))["seat"] == welcome["seat"]
    await bob.send_json({"t": "chat", "text": "still here"})
    assert (await next_said(bob, "chat"))["text"] == "still here"


async def test_an_oversized_message_ends_only_its_own_connection(raw: Raw) -> None:
    bob, _ = await joined(raw, "Bob")
    ann, welcome = await joined(raw, "Ann")
    await ann.send_str(json.dumps({"t": "chat", "text": "x" * 200_000}))
    assert (await next_said(bob, "left"))["seat"] == welcome["seat"]


async def test_only_a_bot_may_do_what_bots_do(raw: Raw) -> None:
    ann, anns = await joined(raw, "Ann")
    for said in (
        {"t": "subscribe", "seat": anns["seat"], "slot": 0},
        {"t": "tile", "state": "recording", "text": "", "invited_by": "", "link": ""},
        {"t": "kept", "seat": anns["seat"], "kept": True},
    ):
        await ann.send_json(said)
        assert (await next_said(ann, "error"))["code"] == "bad"


async def test_a_bad_offer_is_an_error_and_no_crash(raw: Raw) -> None:
    ann, _ = await joined(raw, "Ann")
    await ann.send_json({"t": "offer", "sdp": "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"})
    assert (await next_said(ann, "error"))["code"] == "bad"
    await ann.send_json({"t": "chat", "text": "still here"})
    assert (await next_said(ann, "chat"))["text"] == "still here"


async def test_kept_and_tile_reach_whom_they_concern(raw: Raw) -> None:
    ann, anns = await joined(raw, "Ann")
    bob, _ = await joined(raw, "Bob")
    bot, bots = await joined(raw, "bot", kind="bot", invited_by="Hana")
    await bot.send_json({"t": "kept", "seat": anns["seat"], "kept": True})
    shown = {
        "t": "tile",
        "state": "recording",
        "text": "write stop",
        "invited_by": "Hana",
        "link": "https://a.test/c/1",
    }
    await bot.send_json(shown)
    assert await next_said(ann, "kept") == {"t": "kept", "kept": True}
    seen = []
    while (message := await bob.receive_json(timeout=5))["t"] != "tile":
        seen.append(message["t"])
    assert "kept" not in seen
    assert message == {**shown, "seat": bots["seat"]}
    _, late = await joined(raw, "Cia")
    assert late["tile"] == message
    assert next(person for person in late["people"] if person["kind"] == "bot")["invited_by"] == "Hana"
    await bot.close()
    assert (await next_said(bob, "tile"))["state"] is None
