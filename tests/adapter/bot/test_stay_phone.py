"""Somebody on a telephone: asked by voice, answers by key; where no keys are heard, told a code for a page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bot.ports import LeftReason, Speech
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.words import Rule
from tests.adapter.bot.conftest import BotAtWork, until
from tests.simulators.room import CAPABILITIES


class Hum:
    """A voice that needs no model."""

    async def say(self, text: str, language: str) -> Speech:
        return Speech(text=text, language=language, pcm=bytes(96 * 200))


@contextmanager
def speaking(at_work: BotAtWork, *, keys: bool) -> Iterator[BotAtWork]:
    at_work.parts = replace(at_work.parts, voice=Hum())
    at_work.world.capabilities = replace(CAPABILITIES, hears_digits=keys)
    yield at_work


async def test_a_telephone_agrees_by_key_and_is_kept(at_work: BotAtWork) -> None:
    with speaking(at_work, keys=True):
        world, meeting = at_work.world, await at_work.plan(rule=Rule.EVERYONE)
        ann, tel = world.joins("Ann"), world.joins("+48 22 000", is_phone=True)
        async with at_work.visiting(meeting) as visiting:
            await until(lambda: world.notices_to(ann))
            await until(lambda: any("Press 1" in speech.text for _, speech in world.said_ms))
            world.writes(ann, "record yes")
            await asyncio.sleep(0.5)
            assert not world.is_kept(ann)
            world.presses_keys(tel, "1")
            await until(lambda: world.is_kept(ann) and world.is_kept(tel))
            await asyncio.sleep(0.5)
            world.ends(LeftReason.MEETING_ENDED)
            await visiting
        visit = await at_work.visit_of(meeting)
        entries = [entry.event for entry in at_work.store.log.entries_of(visit.id)]
        assert [e.means for e in entries if isinstance(e, NoticeDelivered) and e.seat == tel] == [Means.PHONE]
        (yes,) = [event for event in entries if isinstance(event, Decided) and event.seat == tel]
        assert (yes.means, yes.matched_by, yes.verbatim) == (Means.PHONE, "keys of this telephone", "1")
        seats = {seat for segment in await at_work.store.tracks.segments(visit.id) for seat in segment.seats}
        assert {ann, tel} <= seats


async def test_where_no_keys_are_heard_the_bot_says_a_code_that_is_that_seats(at_work: BotAtWork) -> None:
    with speaking(at_work, keys=False):
        world, meeting = at_work.world, await at_work.plan()
        tel = world.joins("+48 22 000", is_phone=True)
        async with at_work.visiting(meeting) as visiting:
            await until(lambda: any("code" in speech.text for _, speech in world.said_ms))
            spoken = next(speech.text for _, speech in world.said_ms if "code" in speech.text)
            code = "".join(character for character in spoken if character.isdigit())
            visit = await at_work.visit_of(meeting)
            assert await at_work.store.seat_codes.seat_of(visit.id, code) == tel
            world.writes(tel, "record yes")
            await asyncio.sleep(0.5)
            assert not world.is_kept(tel)
            world.ends(LeftReason.MEETING_ENDED)
            await visiting


async def test_a_telephone_that_nobody_can_speak_to_is_never_taken_as_asked(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    tel = world.joins("+48 22 000", is_phone=True)
    async with at_work.visiting(meeting) as visiting:
        await asyncio.sleep(1.0)
        world.presses_keys(tel, "1")
        await asyncio.sleep(0.5)
        assert not world.is_kept(tel)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await at_work.visit_of(meeting)
    assert not [e for e in at_work.store.log.entries_of(visit.id) if isinstance(e.event, NoticeDelivered)]
