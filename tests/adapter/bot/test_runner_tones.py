"""Five people with tones of their own at once, heard by a browser bot in a page replica whose bridge sends all: what is
on disk is each one's by their own yes, byte for byte as they sent it.
"""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bot.opus import SpokenLine
from bot.ports import LeftReason
from bot.rooms import jitsi
from consent_notice.words import Rule
from tests.adapter.bot.conftest import CLOCK, BotAtWork, until
from tests.adapter.bot.test_runner_pages import Visiting
from tests.simulators.jitsi_replica import JitsiReplica
from tests.simulators.practice_people import tasks
from tests.simulators.tone_people import BASES_HZ, Sender, Way, measure, read_back
from tests.simulators.tones import Mouth, timeline
from web.practice.participant import Spoken

HZ = (*BASES_HZ, 2_911.3)
BEFORE_S, SPEAKS_S, AFTER_S = 1.0, 4.0, 2.0
ISOLATION_DB = 50.0
LATEST_END_MS = 40
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


class FiveLines(JitsiReplica):
    LINES: ClassVar[list[tuple[str, str]]] = [(f"s{line}", f"track-{line}") for line in range(5)]

    def __init__(self, tasks: Any, first: str) -> None:
        super().__init__(tasks, first)
        self.is_old = True
        self.voices: dict[int, SpokenLine] = {}  # a line goes on whoever speaks on it

    def voice(self, line: int) -> SpokenLine:
        assert self.peer is not None
        if line not in self.voices:
            self.voices[line] = SpokenLine(self.peer.outgoing[line + 1], CLOCK)
        return self.voices[line]


class Person:
    def __init__(self, replica: FiveLines, name: str, line: int) -> None:
        self.name = self.seat = name
        self._replica, self._line = replica, line

    async def say_packets(self, packets: list[bytes]) -> Spoken:
        starts_ms, ends_ms = await self._replica.voice(self._line).say(packets)
        return Spoken(start_ms=starts_ms, end_ms=ends_ms, sent_ms=ends_ms - starts_ms)


def sender(replica: FiveLines, name: str, line: int, *, hz: float, agrees: bool = True, leaves: bool = False) -> Sender:
    """A tone before the yes, another from it on, a third from the withdrawal on."""
    spans = [(hz, BEFORE_S), (hz + 200, SPEAKS_S), (hz + 400, AFTER_S)]
    if not agrees:
        spans = [(hz, BEFORE_S + SPEAKS_S + AFTER_S)]
    elif not leaves:
        spans = [(hz, BEFORE_S), (hz + 200, SPEAKS_S + AFTER_S)]
    return Sender(
        base_hz=hz,
        mouth=Mouth(Person(replica, name, line), timeline(spans)),  # type: ignore[arg-type]
        agrees=Way.CHAT if agrees else Way.NEVER,
        withdraws=Way.CHAT if leaves else Way.NEVER,
        before_s=BEFORE_S,
        agreed_s=SPEAKS_S,
    )


async def play(replica: FiveLines, one: Sender) -> None:
    await one.mouth.say(BEFORE_S)
    if one.agrees is Way.NEVER:
        return await one.mouth.say()
    async with asyncio.TaskGroup() as at_once:
        at_once.create_task(replica.writes(one.name, "record yes"))
        at_once.create_task(one.mouth.say(SPEAKS_S))
    one.no_ms = CLOCK.boot_ms() if one.withdraws is Way.CHAT else None
    async with asyncio.TaskGroup() as at_once:
        if one.no_ms is not None:
            at_once.create_task(replica.writes(one.name, "stop"))
        at_once.create_task(one.mouth.say())
    return None


async def test_five_people_at_once_and_one_who_takes_over_anothers_track(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    async with FiveLines.running(tmp_path / "ca", tasks) as replica:
        visiting = Visiting(at_work, jitsi.SCRIPT, replica, Rule.EACH_VOICE)
        await visiting.begin(tasks)
        await replica.until("followed")
        await replica.enter("")
        people = [
            sender(replica, "ann", 0, hz=HZ[0]),
            sender(replica, "ben", 1, hz=HZ[1], leaves=True),
            sender(replica, "cia", 2, hz=HZ[2], leaves=True),
            sender(replica, "dan", 3, hz=HZ[3]),
            sender(replica, "eve", 4, hz=HZ[4], agrees=False),
        ]
        fay = sender(replica, "fay", 3, hz=HZ[3] + 700, agrees=False)
        for line, one in enumerate(people):
            await replica.joins(one.name, one.name, line)
        await until(lambda: sum("whisper" in done for done in replica.did) or len(notices(replica)), 20)
        await asyncio.sleep(1.5)  # until all were asked
        async with asyncio.TaskGroup() as together:
            for one in people:
                together.create_task(play(replica, one))
        await replica.say(gone="dan")  # and Fay comes on his very track and source
        await replica.joins("fay", "fay", 3)
        await fay.mouth.say()
        await replica.say(failed="conference.destroyed")
        visit = await visiting.over()
        assert visit.left_reason == LeftReason.MEETING_ENDED
        everybody = [*people, fay]
        await read_back(at_work.store, visit, everybody)
        for one in everybody:
            if one.agrees is Way.NEVER:
                assert one.kept == []
                continue
            found = measure(one, everybody)
            print(found, "begins", found.first_ms - one.yes_logged_ms, "ends", one.no_ms and found.last_ms - one.no_ms)
            assert found.early_ms == 0
            assert found.first_ms >= one.yes_logged_ms - 2
            assert found.isolation_db >= ISOLATION_DB
            assert found.kept_ms >= 500 * SPEAKS_S
            if one.no_ms is not None:
                assert found.late_ms <= LATEST_END_MS
                assert found.last_ms <= one.no_ms + LATEST_END_MS
        at_work.check()


def notices(replica: JitsiReplica) -> list[str]:
    return [done["chat"] for done in replica.did if "/c/" in done.get("chat", "")]
