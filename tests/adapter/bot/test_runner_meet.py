"""A whole visit to Google Meet's replica: asked in its chat, answered there, each kept by their own yes, on disk."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.browser.room import BrowserRoom
from bot.ports import LeftReason, MeetingRoom
from bot.rooms.google_meet import SCRIPT
from bot.runner import STALE_AFTER_MS, VisitRunner
from consent_notice.words import Rule, SeatId, VisitId
from tests.adapter.bot.conftest import CLOCK, BotAtWork, until
from tests.adapter.bot.rooms.test_google_meet import ANN, ANN_HZ, BEFORE, BEN, BEN_HZ, IN_CALL, LOOK
from tests.simulators.meet_replica import MeetReplica
from tests.simulators.page_replica import shown
from tests.simulators.practice_people import tasks
from tests.simulators.tones import decoded, level_db

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def kept(at_work: BotAtWork, visit: VisitId, seat: SeatId) -> list[bytes]:
    packets: list[bytes] = []
    for segment in await at_work.store.tracks.segments(visit):
        if segment.seats == (seat,):
            packets += [frame.payload for frame in at_work.store.tracks.read(segment.id)[1]]
    return packets


@pytest.mark.parametrize("rule", [Rule.EACH_VOICE, pytest.param(Rule.EVERYONE, marks=pytest.mark.nightly)])
async def test_each_voice_is_kept_by_its_own_yes(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup, rule: Rule
) -> None:
    async with MeetReplica.running(tmp_path / "ca", tasks, BEFORE) as replica:
        replica.echoes = True

        def room_for(platform: str) -> Callable[[asyncio.TaskGroup], MeetingRoom]:
            assert platform == "google_meet"
            return lambda group: BrowserRoom(
                script=SCRIPT,
                program=Path(shutil.which("chromium") or "/usr/bin/chromium"),
                token="t0ken",
                clock=CLOCK,
                tasks=group,
                flags=replica.flags,
                checks_certificates=False,
            )

        store = at_work.store
        host = await store.users.create(email="host@example.org", name="Host", role="host", password_hash="-")
        now = datetime.now(UTC)
        meeting = await store.meetings.add_by_hand(
            host.id, replica.ADDRESS, "Talk", now, ends_at=now + timedelta(hours=1), rule=rule, platform="google_meet"
        )
        epoch = await store.meetings.claim(meeting.id, "bot", STALE_AFTER_MS)
        assert epoch is not None
        parts = replace(at_work.parts, room_for=room_for)
        visiting = tasks.create_task(VisitRunner(parts, meeting, epoch).run())
        await replica.until("clicked", "Ask to join")
        await replica.enter(IN_CALL)
        await replica.joins(ANN, "Ann", 111)
        await replica.joins(BEN, "Ben", 222)
        replica.speaks(0, ANN_HZ, (111,))
        replica.speaks(1, BEN_HZ, (222,))
        written = [done["chat"] for done in replica.did if "chat" in done]
        await until(lambda: any("/c/" in done.get("chat", "") for done in replica.did), 20)
        written = [done["chat"] for done in replica.did if "chat" in done]
        assert all(len(text) <= 500 for text in written)
        await asyncio.sleep(1)  # a bare yes could be anything; these are the notice's own words
        await replica.writes(ANN, "record yes")
        await asyncio.sleep(4)
        await replica.writes(ANN, "stop")
        await asyncio.sleep(1.5)
        await replica.show(shown(LOOK["ended"]))
        await asyncio.wait_for(visiting, 20)
        visit = await at_work.visit_of(meeting)
        assert visit.left_reason == LeftReason.MEETING_ENDED
        assert await kept(at_work, visit.id, BEN) == []
        of_ann = await kept(at_work, visit.id, ANN)
        if rule is Rule.EVERYONE:
            assert of_ann == []  # Ben never agreed
        else:
            assert 50 < len(of_ann) < 210
            sound = decoded(of_ann)
            assert level_db(sound, ANN_HZ) > -20
            assert level_db(sound, BEN_HZ) < level_db(sound, ANN_HZ) - 50
        at_work.check()
