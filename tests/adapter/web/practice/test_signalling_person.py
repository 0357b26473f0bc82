"""Whom a bot knows again: by the hash of the browser's secret, and nobody else in the room is told it."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.adapter.web.practice.test_signalling import Ears, NewBot, new_bot
from tests.simulators.practice_people import Enter, enter, room, tasks
from web.practice.signalling import platform_id

ANN = "secret-of-anns-browser"


async def test_bots_are_told_a_hash_of_it_and_nobody_else_is(enter: Enter, new_bot: NewBot) -> None:
    told: list[dict[str, Any]] = []
    bob = await enter("Bob", on_message=told.append)
    early = await new_bot()
    ann = await enter("Ann", person=ANN)
    late = await new_bot("token-of-the-late-bot")
    cia = await enter("Cia", person="secret-of-cias-browser")
    joined = [(await early.until_said("joined"))["person"] for _ in range(2)]
    described = {person["seat"]: person for person in late.said[0]["people"]} | {one["seat"]: one for one in joined}
    assert described[ann.seat]["platform_id"] == platform_id(ANN)
    assert "platform_id" not in described[bob.seat]  # who keeps no secret is nobody known
    cias = (await late.until_said("joined"))["person"]
    assert cias["platform_id"] not in ("", platform_id(ANN))
    await bob.wait_until(lambda: cia.seat in bob.people)
    everything = json.dumps([told, bob.people, ann.people, cia.people])
    assert "platform_id" not in everything
    assert ANN not in everything + json.dumps([early.said, late.said])
    assert platform_id(ANN) not in everything


async def test_the_same_browser_is_the_same_in_another_room_and_under_another_name(
    enter: Enter, room: str, tasks: asyncio.TaskGroup, new_bot: NewBot
) -> None:
    here = await new_bot()
    await enter("Ann", person=ANN)
    other_room = room.rpartition("/")[0] + "/another-room"
    there = Ears(tasks)
    await there.client.join(other_room, {"name": "bot", "kind": "bot", "token": "token-of-the-bot"})
    await enter("Annabel", room_link=other_room, person=ANN, token="another-token-of-ann")
    ids = {(await bot.until_said("joined"))["person"]["platform_id"] for bot in (here, there)}
    assert ids == {platform_id(ANN)}
    await there.client.close()


async def test_a_bot_has_none(enter: Enter, new_bot: NewBot, room: str, tasks: asyncio.TaskGroup) -> None:
    first = await new_bot()
    other = Ears(tasks)
    said = {"name": "bot", "kind": "bot", "token": "token-of-another", "person": "secret-of-a-bot...."}
    await other.client.join(room, said)
    assert "platform_id" not in (await first.until_said("joined"))["person"]
    await other.client.close()
