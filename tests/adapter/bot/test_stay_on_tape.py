"""What the bot says is on tape, in a track of its own, and only where somebody's voice would be."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.opus import FRAME_MS
from bot.ports import LeftReason, Speech
from consent_notice.words import Rule, VisitId
from tests.adapter.bot.conftest import CLOCK, BotAtWork, until
from tests.simulators.room import seat_of

SAYS_MS = 600


class Hum:
    """A voice that needs no model: every sentence is the same low sound."""

    async def say(self, text: str, language: str) -> Speech:
        return Speech(text=text, language=language, pcm=b"\x00\x10\x00\xf0" * (SAYS_MS * 24))


@pytest.fixture
def speaking(at_work: BotAtWork) -> BotAtWork:
    at_work.parts = replace(at_work.parts, voice=Hum())
    return at_work


async def own_words(at_work: BotAtWork, visit: VisitId) -> list[tuple[int, frozenset[int]]]:
    """When, and on whose yes each kept packet of the bot relies."""
    token = at_work.world.knocks[0].resume_token
    own = seat_of(token)
    return [
        (frame.captured_ms, frozenset(segment.relies_on))
        for segment in await at_work.store.tracks.segments(visit)
        if segment.seats == (own,)
        for frame in at_work.store.tracks.read(segment.id)[1]
    ]


async def test_the_announcement_is_on_tape_from_the_moment_that_recording_began(speaking: BotAtWork) -> None:
    world, meeting = speaking.world, await speaking.plan(rule=Rule.EVERYONE)
    ann, ben = world.joins("Ann"), world.joins("Ben")
    async with speaking.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await asyncio.sleep(SAYS_MS / 1000)
        agreed_ms = CLOCK.boot_ms()
        world.writes(ben, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(2 * SAYS_MS / 1000 + 0.5)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await speaking.visit_of(meeting)
    words = await own_words(speaking, visit.id)
    assert words, "the words with which recording began"
    assert words[0][0] - agreed_ms < 600
    assert len(words) * FRAME_MS >= SAYS_MS - 2 * FRAME_MS
    assert all(at_ms >= agreed_ms for at_ms, _ in words), "nothing of the notice, which was said before"
    assert {len(relies_on) for _, relies_on in words} == {2}, "on both who are here"


async def test_the_bots_words_go_with_the_yes_that_they_rely_on(speaking: BotAtWork) -> None:
    world, meeting = speaking.world, await speaking.plan(rule=Rule.EACH_VOICE)
    ann = world.joins("Ann")
    async with speaking.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(0.2)
        said_no_ms = CLOCK.boot_ms()
        world.writes(ann, "stop")
        await asyncio.sleep(SAYS_MS / 1000 + 0.6)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await speaking.visit_of(meeting)
    assert all(at_ms + FRAME_MS <= said_no_ms for at_ms, _ in await own_words(speaking, visit.id))
