"""What reloading the page, or a second bot, must not undo."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

from tests.adapter.web.practice.test_signalling import NewBot, new_bot
from tests.simulators.practice_people import Enter, enter, room, tasks


async def test_a_stop_outlives_a_reload_of_the_page_while_no_bot_is_there(enter: Enter, new_bot: NewBot) -> None:
    await enter("Cia")  # the room goes on
    ann = await enter("Ann")
    bot = await new_bot()
    await bot.client.close()
    ann.stop_voice()
    await ann.wait_until(lambda: bool(ann.forwarding), 2)
    await ann.leave()
    again = await enter("Ann")
    assert again.seat == ann.seat
    back = await new_bot()
    described = {person["seat"]: person for person in back.said[0]["people"]}
    stop_id = described[again.seat]["stop_id"]
    back.client.send({"t": "subscribe", "seat": again.seat, "slot": 0, "seen_stop": None})
    await back.until_said("unsubscribed")
    back.client.send({"t": "subscribe", "seat": again.seat, "slot": 0, "seen_stop": stop_id})
    await back.until_said("subscribed")


async def test_a_second_bot_cannot_change_the_tile_of_the_first(enter: Enter, new_bot: NewBot) -> None:
    await enter("Ann")
    first, second = await new_bot(), await new_bot("token-of-another")
    tile = {"t": "tile", "text": "", "invited_by": "Ada", "link": "http://127.0.0.1/c/token"}
    first.client.send({**tile, "state": "recording"})
    assert (await second.until_said("tile"))["state"] == "recording"
    second.client.send({**tile, "state": "not_recording", "link": "http://127.0.0.1/elsewhere"})
    assert (await second.until_said("error"))["code"] == "bad"
    late = await new_bot("token-of-a-third")
    assert late.said[0]["tile"]["state"] == "recording"
