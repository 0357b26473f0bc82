"""Whole visits to page replicas: asked in the chat, answered there, kept by the yes of each whom it takes, on disk."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.browser.room import BrowserRoom
from bot.browser.script import PageScript
from bot.ports import LeftReason, MeetingRoom
from bot.rooms import google_meet, jitsi, teams
from bot.runner import STALE_AFTER_MS, VisitRunner
from consent_notice.words import Rule, SeatId, VisitId
from storage.visits import VisitRow
from tests.adapter.bot.conftest import CLOCK, BotAtWork, until
from tests.adapter.bot.rooms import test_google_meet as meet_page
from tests.adapter.bot.rooms import test_teams as teams_page
from tests.simulators.jitsi_replica import JitsiReplica
from tests.simulators.meet_replica import MeetReplica
from tests.simulators.page_replica import PageReplica, shown
from tests.simulators.page_stay import CHROMIUM
from tests.simulators.practice_people import tasks
from tests.simulators.teams_replica import TeamsReplica
from tests.simulators.tones import decoded, level_db

ANN_HZ, BEN_HZ = 440.0, 1_320.0
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def kept(at_work: BotAtWork, visit: VisitId, *seats: SeatId) -> list[bytes]:
    packets: list[bytes] = []
    for segment in await at_work.store.tracks.segments(visit):
        if set(segment.seats) == set(seats):
            packets += [frame.payload for frame in at_work.store.tracks.read(segment.id)[1]]
    return packets


async def asked(replica: PageReplica) -> None:
    """The notice with its link stands in the chat."""
    await until(lambda: any("/c/" in done.get("chat", "") for done in replica.did), 20)
    await asyncio.sleep(1)


class Visiting:
    """A bot on its way to a page; `visit` once it is over."""

    def __init__(
        self,
        at_work: BotAtWork,
        script: PageScript,
        address: str,
        rule: Rule,
        *,
        flags: tuple[str, ...] = (),
        late_mix: bool = False,
    ) -> None:
        """`flags`: for the browser. `late_mix`: an admin accepted that a mix tells late who joined."""
        self._at_work = at_work
        places = at_work.parts.policy.places
        rules = replace(places.rules, late_roster_accepted=late_mix)
        self._policy = replace(at_work.parts.policy, places=replace(places, rules=rules))
        self._script = script
        self._address = address
        self._flags = flags
        self._rule = rule

    def _room_for(self, platform: str) -> Callable[[asyncio.TaskGroup], MeetingRoom]:
        assert platform == self._script.capabilities.platform
        return self._make

    def _make(self, group: asyncio.TaskGroup) -> BrowserRoom:
        self.room = BrowserRoom(
            script=self._script,
            program=CHROMIUM,
            token="t0ken",
            clock=CLOCK,
            tasks=group,
            flags=self._flags,
            checks_certificates=False,
        )
        return self.room

    async def begin(self, tasks: asyncio.TaskGroup) -> None:
        store, now = self._at_work.store, datetime.now(UTC)
        host = await store.users.create(email="host@example.org", name="Host", role="host", password_hash="-")
        self._meeting = await store.meetings.add_by_hand(
            host.id,
            self._address,
            "Talk",
            now,
            ends_at=now + timedelta(hours=1),
            rule=self._rule,
            platform=self._script.capabilities.platform,
        )
        epoch = await store.meetings.claim(self._meeting.id, "bot", STALE_AFTER_MS)
        assert epoch is not None
        parts = replace(self._at_work.parts, room_for=self._room_for, policy=self._policy)
        self._task = tasks.create_task(VisitRunner(parts, self._meeting, epoch).run())

    async def over(self) -> VisitRow:
        await asyncio.wait_for(self._task, 20)
        return await self._at_work.visit_of(self._meeting)


@pytest.mark.parametrize("rule", [Rule.EACH_VOICE, pytest.param(Rule.EVERYONE, marks=pytest.mark.nightly)])
async def test_in_meet_each_voice_is_kept_by_its_own_yes(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup, rule: Rule
) -> None:
    ann, ben = meet_page.ANN, meet_page.BEN
    async with MeetReplica.running(tmp_path / "ca", tasks, meet_page.BEFORE) as replica:
        replica.echoes = True
        visiting = Visiting(at_work, google_meet.SCRIPT, replica.ADDRESS, rule, flags=replica.flags)
        await visiting.begin(tasks)
        await replica.until("clicked", "Ask to join")
        await replica.enter(meet_page.IN_CALL)
        await replica.joins(ann, "Ann", 111)
        await replica.joins(ben, "Ben", 222)
        replica.speaks(0, ANN_HZ, (111,))
        replica.speaks(1, BEN_HZ, (222,))
        await asked(replica)
        assert all(len(done["chat"]) <= 500 for done in replica.did if "chat" in done)
        await replica.writes(ann, "record yes")
        await asyncio.sleep(4)
        await replica.writes(ann, "stop")
        await asyncio.sleep(1.5)
        await replica.show(shown(meet_page.LOOK["ended"]))
        visit = await visiting.over()
        assert visit.left_reason == LeftReason.MEETING_ENDED
        assert await kept(at_work, visit.id, ben) == []
        of_ann = await kept(at_work, visit.id, ann)
        if rule is Rule.EVERYONE:
            assert of_ann == []  # Ben never agreed
        else:
            assert 50 < len(of_ann) < 210
            sound = decoded(of_ann)
            assert level_db(sound, ANN_HZ) > -20
            assert level_db(sound, BEN_HZ) < level_db(sound, ANN_HZ) - 50
        at_work.check()


async def test_in_teams_the_mix_is_kept_while_all_agree(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    """Ann speaks all the time, at first alone in her yes; when Ben takes his back, nothing of hers is kept either."""
    ann, ben = teams_page.ANN, teams_page.BEN
    async with TeamsReplica.running(tmp_path / "ca", tasks, teams_page.BEFORE) as replica:
        replica.echoes = True
        wanted = Rule.EACH_VOICE  # which is not to be had here
        visiting = Visiting(at_work, teams.SCRIPT, replica.ADDRESS, wanted, flags=replica.flags, late_mix=True)
        await visiting.begin(tasks)
        await replica.until("clicked", "Join now")
        await replica.enter(teams_page.IN_CALL)
        await replica.joins(ann, "Ann", 111)
        await replica.joins(ben, "Ben", 222)
        replica.speaks(0, ANN_HZ, (111,))
        await asked(replica)
        await replica.writes(ann, "<p>record yes</p>")
        await asyncio.sleep(4)
        replica.speaks(0, BEN_HZ, (111, 222))  # from here on another tone, in both's name
        await asyncio.sleep(1)
        await replica.writes(ben, "<p>record yes</p>")
        await asyncio.sleep(5)
        await replica.writes(ben, "<p>stop</p>")
        await asyncio.sleep(0.3)
        replica.speaks(0, ANN_HZ, (111,))
        await asyncio.sleep(3)
        await replica.ends(0)
        visit = await visiting.over()
        assert visit.left_reason == LeftReason.MEETING_ENDED
        assert await kept(at_work, visit.id, ann) == await kept(at_work, visit.id, ben) == []
        of_both = await kept(at_work, visit.id, ann, ben)
        assert 50 < len(of_both) < 270
        sound = decoded(of_both)
        assert level_db(sound, BEN_HZ) > -20
        assert level_db(sound, ANN_HZ) < level_db(sound, BEN_HZ) - 50
        at_work.check()


async def test_in_teams_nothing_is_heard_where_no_admin_accepted_a_mix_that_tells_late_who_joined(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    async with TeamsReplica.running(tmp_path / "ca", tasks, teams_page.BEFORE) as replica:
        visiting = Visiting(at_work, teams.SCRIPT, replica.ADDRESS, Rule.EVERYONE, flags=replica.flags)
        await visiting.begin(tasks)
        visit = await visiting.over()
        assert visit.left_reason == LeftReason.NOT_ALLOWED_THERE
        assert replica.opened == []


async def test_in_jitsi_the_bridge_sends_a_voice_once_it_agreed(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    async with JitsiReplica.running(tmp_path / "ca", tasks) as replica:
        visiting = Visiting(at_work, jitsi.SCRIPT, replica.ADDRESS, Rule.EACH_VOICE, flags=replica.flags)
        await visiting.begin(tasks)
        await replica.until("followed")
        await replica.enter("")
        await replica.joins("ann", "Ann", 0)
        await replica.joins("ben", "Ben", 1)
        replica.speaks(0, ANN_HZ)
        replica.speaks(1, BEN_HZ)
        await asyncio.sleep(1)
        sent = replica.sent(0), replica.sent(1)
        await until(lambda: any("/c/" in done.get("whisper", "") + done.get("chat", "") for done in replica.did), 20)
        await asyncio.sleep(1)
        assert (replica.sent(0), replica.sent(1)) == sent
        await replica.writes("ann", "record yes")
        await asyncio.sleep(4)
        await replica.writes("ann", "stop")
        await asyncio.sleep(1.5)
        assert replica.sent(0) > sent[0]
        assert replica.sent(1) == sent[1]
        await replica.say(failed="conference.destroyed")
        visit = await visiting.over()
        assert visit.left_reason == LeftReason.MEETING_ENDED
        assert await kept(at_work, visit.id, SeatId("ben")) == []
        of_ann = await kept(at_work, visit.id, SeatId("ann"))
        assert 50 < len(of_ann) < 210
        assert level_db(decoded(of_ann), ANN_HZ) > -20
        at_work.check()
