"""Somebody who dialled in: no chat reaches them, their keys reach bots alone, and they are known by nothing else."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio

from bot.ports import DigitsPressed, Joined, Post
from consent_notice.words import IdentityLevel
from tests.simulators.practice_people import Enter, enter, room, tasks
from tests.simulators.practice_stay import NewStay, new_stay, seat


async def test_a_telephone_is_told_as_one_and_its_keys_reach_the_bot_alone(enter: Enter, new_stay: NewStay) -> None:
    heard: list[str] = []
    ann = await enter("Ann", on_message=lambda message: heard.append(message["t"]))
    phone = await enter("+48 22 000", is_phone=True)
    stay = await new_stay()
    joined = {event.seat: event for event in stay.all(Joined)}
    assert joined[seat(phone)].is_phone
    assert joined[seat(phone)].identity_level is IdentityLevel.SHARED_OR_ANONYMOUS
    assert not joined[seat(ann)].is_phone
    phone.press("1")
    pressed = await stay.until(DigitsPressed)
    assert (pressed.seat, pressed.digits) == (seat(phone), "1")
    assert "digits" not in heard


async def test_a_telephone_reads_and_writes_no_chat(enter: Enter, new_stay: NewStay) -> None:
    ann, phone = await enter("Ann"), await enter("Tel", is_phone=True)
    stay = await new_stay()
    await stay.room.post(Post(text="to all"))
    await ann.wait_for_chat(lambda read: read.text == "to all")
    await asyncio.sleep(0.2)
    assert not phone.messages
    assert await phone.chat("record yes") is None


async def test_only_a_telephone_has_keys(enter: Enter, new_stay: NewStay) -> None:
    ann = await enter("Ann")
    stay = await new_stay()
    ann.press("1")
    await asyncio.sleep(0.3)
    assert stay.all(DigitsPressed) == []
    assert list(ann.errors) == ["bad"]
