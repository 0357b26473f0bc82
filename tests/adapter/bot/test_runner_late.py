"""What a page tells late of whose a source is: the sound of before it was told is on disk as nobody's."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.rooms import google_meet, jitsi
from consent_notice.words import Rule, SeatId, VisitId
from tests.adapter.bot.conftest import BotAtWork, until
from tests.adapter.bot.rooms import test_google_meet as meet_page
from tests.adapter.bot.test_runner_pages import ANN_HZ, BEN_HZ, Visiting, asked, kept
from tests.simulators.jitsi_replica import JitsiReplica
from tests.simulators.meet_replica import MeetReplica
from tests.simulators.page_replica import shown
from tests.simulators.practice_people import tasks
from tests.simulators.tones import decoded, level_db

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def is_anns_alone(at_work: BotAtWork, visit: VisitId, ann: SeatId, ben: SeatId) -> None:
    assert await kept(at_work, visit, ben) == []
    of_ann = await kept(at_work, visit, ann)
    assert len(of_ann) > 50
    sound = decoded(of_ann)
    assert level_db(sound, ANN_HZ) > -20
    assert level_db(sound, BEN_HZ) < level_db(sound, ANN_HZ) - 50
    at_work.check()


async def test_in_meet_what_came_under_anns_number_before_the_page_told_that_it_is_bens(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    ann, ben = meet_page.ANN, meet_page.BEN
    async with MeetReplica.running(tmp_path / "ca", tasks, meet_page.BEFORE) as replica:
        replica.echoes = True
        visiting = Visiting(at_work, google_meet.SCRIPT, replica.ADDRESS, Rule.EACH_VOICE, flags=replica.flags)
        await visiting.begin(tasks)
        await replica.until("clicked", "Ask to join")
        await replica.enter(meet_page.IN_CALL)
        await replica.joins(ann, "Ann", 111)
        await replica.joins(ben, "Ben", 222)
        replica.speaks(0, ANN_HZ, (111,))
        await asked(replica)
        await replica.writes(ann, "record yes")
        await asyncio.sleep(4)
        replica.speaks(0, BEN_HZ, (111,))
        await asyncio.sleep(1.5)
        await replica.joins(ben, "Ben", 111)
        await asyncio.sleep(3)
        await replica.show(shown(meet_page.LOOK["ended"]))
        visit = await visiting.over()
        await is_anns_alone(at_work, visit.id, ann, ben)


async def test_in_jitsi_what_came_on_anns_track_before_the_page_told_that_she_has_none_and_then_that_it_is_bens(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    async with JitsiReplica.running(tmp_path / "ca", tasks) as replica:
        visiting = Visiting(at_work, jitsi.SCRIPT, replica.ADDRESS, Rule.EACH_VOICE, flags=replica.flags)
        await visiting.begin(tasks)
        await replica.until("followed")
        await replica.enter("")
        await replica.joins("ann", "Ann", 0)
        await replica.say(person={"id": "ben", "name": "Ben", "tracks": []})
        replica.speaks(0, ANN_HZ)
        await until(lambda: any("/c/" in done.get("whisper", "") + done.get("chat", "") for done in replica.did), 20)
        await asyncio.sleep(1)
        await replica.writes("ann", "record yes")
        await asyncio.sleep(4)
        replica.speaks(0, BEN_HZ)
        await asyncio.sleep(0.6)
        await replica.say(person={"id": "ann", "name": "Ann", "tracks": []})
        await asyncio.sleep(0.1)
        await replica.joins("ben", "Ben", 0)
        await asyncio.sleep(2)
        await replica.say(failed="conference.destroyed")
        visit = await visiting.over()
        await is_anns_alone(at_work, visit.id, SeatId("ann"), SeatId("ben"))
