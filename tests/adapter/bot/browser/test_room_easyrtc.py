"""The browser bot in a second page and over a second server that others wrote: Open-EasyRTC, among real Chromiums."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio

import pytest

from bot.browser.room import BrowserRoom
from bot.ports import Admitted, ChatSaid, Heard, Joined, JoinRequest, Left, Post, Speech
from config.clock import SystemClock
from tests.simulators.easyrtc_page import CHROMIUM, FLAGS, SCRIPT, EasyPerson, chromium, easyrtc_page
from tests.simulators.practice_people import tasks
from tests.simulators.told import Told
from tests.simulators.tones import decoded, level_db
from web.practice.participant import sine

ANN_HZ, BEN_HZ, BOT_HZ = 517.3, 1_131.7, 1_749.1
pytestmark = [pytest.mark.browser, pytest.mark.nightly, pytest.mark.timeout(400)]


async def test_each_is_heard_once_wanted_and_reads_and_hears_the_bot(tasks: asyncio.TaskGroup) -> None:
    async with easyrtc_page() as link, chromium() as browser:
        ann, ben = EasyPerson(await browser.new_page()), EasyPerson(await browser.new_page())
        await ann.join(link, ANN_HZ)
        await ben.join(link, BEN_HZ)
        told, out = Told(), list[object]()
        room = BrowserRoom(
            script=SCRIPT, program=CHROMIUM, token="t0ken", clock=SystemClock(), tasks=tasks, flags=FLAGS
        )
        take = room._tap._on_frame
        room._tap._on_frame = lambda tapped: (out.append(tapped), take(tapped))[1]  # type: ignore[func-returns-value]
        try:
            await room.join(JoinRequest(link=link, name="onrecord", invited_by="", resume_token="t"), told.push)
            await told.until(Admitted)
            await told.until(Joined, count=2)
            await asyncio.sleep(3)  # until everybody is connected to everybody
            assert (out, told.all(Heard)) == ([], [])
            await room.hear(frozenset({ann.seat}))
            await told.until(Heard, count=150)
            assert {event.frame.speakers for event in told.all(Heard)} == {frozenset({ann.seat})}
            sound = decoded([event.frame.payload for event in told.all(Heard)])
            assert level_db(sound[len(sound) // 2 :], ANN_HZ) > -30
            assert level_db(sound, BEN_HZ) < level_db(sound, ANN_HZ) - 50

            await room.post(Post(text="May I record?"))
            await asyncio.gather(ann.reads("May I record?"), ben.reads("May I record?"))
            await ann.write("record yes")
            said = await told.until(ChatSaid)
            assert (said.seat, said.text) == (ann.seat, "record yes")

            before_db = await ann.hears(BOT_HZ)  # the skirts of the others' tones
            speaking = asyncio.ensure_future(
                room.speak(Speech(text="beep", language="en", pcm=sine(BOT_HZ, 2.0, 0.25)))
            )
            await asyncio.sleep(0.5)
            assert await ann.hears(BOT_HZ) > before_db + 15
            await speaking

            await room.hear(frozenset())
            heard = len(told.all(Heard))
            await asyncio.sleep(1)
            assert len(told.all(Heard)) == heard
            await ann.leave()
            assert (await told.until(Left)).seat == ann.seat
        finally:
            await room.leave()
