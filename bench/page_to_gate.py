"""From a click on a participant's page, served by another process, to the shut gate; and what was kept after it.

A real web role answers real forms; in this process a real stay hears a simulated room in which everybody talks, with
the real feed, tracks and log between them. The time runs from the moment at which the form is sent to the moment at
which the record that the gate asks refuses that voice. At the end the frames on disk are counted: none may have been
captured after the answer arrived.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp

from bench.figure import Figure
from bot import runner
from bot.ports import LeftReason
from bot.runner import STALE_AFTER_MS, BotParts, VisitRunner
from bot.stay import Stay
from config import logs
from config.clock import SystemClock, new_id
from config.page_form import fill_in_page, form_on_page
from config.settings import Settings
from config.supervisor import Supervisor
from config.wiring import bot_policy, open_store
from config.wording import wordings
from consent_notice.events import Decided
from consent_notice.notice import read_wording
from consent_notice.phrases import read_phrases
from consent_notice.rules import Refusal, judge
from consent_notice.words import Purpose, Rule, SeatId
from storage.log_entries import LogEntry
from storage.meetings import MeetingRow
from storage.store import Store
from storage.visits import VisitRow
from tests.simulators.room import FRAME_MS, SimulatedMeeting
from tests.simulators.server import free_port

ANSWERS = 160
PEOPLE = 20  # in a meeting
GOAL_MS = 300.0
_PATIENCE_S = 30.0


@dataclass(slots=True)
class Watched:
    """When the record of the stay that runs now first refused a voice, by its person's no."""

    refused_s: dict[SeatId, float] = field(default_factory=dict)


class WatchedStay(Stay):
    """A stay whose record is looked at whenever the feed has told it something."""

    watched = Watched()

    def feed_batch(self, entries: list[LogEntry], known_until_ms: int) -> None:
        super().feed_batch(entries, known_until_ms)
        told_s = time.perf_counter()
        for entry in entries:
            if isinstance(entry.event, Decided) and self._refuses(entry.event.seat):
                self.watched.refused_s.setdefault(entry.event.seat, told_s)

    def _refuses(self, seat: SeatId) -> bool:
        now_ms = self._clock.boot_ms()
        verdict = judge(self._session.record, frozenset({seat}), now_ms, now_ms + 1, Purpose.RECORDING)
        return isinstance(verdict, Refusal)


@dataclass(slots=True, kw_only=True)
class Person:
    seat: SeatId
    browser: aiohttp.ClientSession


@dataclass(slots=True, kw_only=True)
class Found:
    shut_ms: list[float] = field(default_factory=list)
    kept: int = 0
    kept_after: int = 0


def figures(size: int = ANSWERS) -> Iterable[Figure]:
    found = asyncio.run(_measure(size))
    shut_ms = sorted(found.shut_ms)
    name = f"answer on a page to shut gate, {len(shut_ms)} answers"
    return [
        Figure(name=f"{name}, p50", value=_quantile(shut_ms, 0.5), unit="ms"),
        Figure(name=f"{name}, p95", value=_quantile(shut_ms, 0.95), unit="ms"),
        Figure(name=f"{name}, p99", value=_quantile(shut_ms, 0.99), unit="ms", goal=GOAL_MS),
        Figure(
            name=f"frames kept that came after the answer (of {found.kept})", value=found.kept_after, unit="", goal=0
        ),
    ]


async def _measure(answers: int) -> Found:
    found = Found()
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-", dir=Path.cwd()) as folder:
        settings = _settings(Path(folder) / "data")
        logs.set_up("bench", settings.data_dir, terminal_level="warning")
        supervisor = Supervisor(settings, clock=SystemClock(), roles=("web",), terminal_level="warning")
        async with asyncio.TaskGroup() as tasks:
            server = tasks.create_task(supervisor.run())
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await supervisor.wait_until_up()
                async with open_store(settings) as store:
                    while len(found.shut_ms) < answers:
                        await _one_meeting(settings, store, min(PEOPLE, answers - len(found.shut_ms)), found)
            finally:
                supervisor.stop()
                await server
    return found


async def _one_meeting(settings: Settings, store: Store, people: int, found: Found) -> None:
    clock, world = SystemClock(), SimulatedMeeting(SystemClock())
    host = await store.users.by_email("host@example.org") or await store.users.create(
        email="host@example.org",
        name="Host",
        role="host",
        password_hash="-",  # noqa: S106
    )
    meeting = await store.meetings.add_by_hand(
        host.id,
        "http://127.0.0.1/room/bench",
        "Bench",
        clock.now(),
        ends_at=clock.now() + timedelta(hours=1),
        rule=Rule.EACH_VOICE,
    )
    seats = [world.joins(f"Person {number}") for number in range(people)]
    async with _visiting(settings, store, meeting, world) as visit, AsyncExitStack() as browsers:
        row = await _visit_of(store, meeting)
        link = f"{settings.public_url}/c/{row.page_token}"
        await _until(lambda: all(world.notices_to(seat) for seat in seats))
        everybody = []
        for seat in seats:
            jar = aiohttp.CookieJar(unsafe=True)
            browser = await browsers.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
            world.writes(seat, await fill_in_page(browser, link))
            everybody.append(Person(seat=seat, browser=browser))
        await _until(lambda: all(world.is_kept(seat) for seat in seats))
        for person in everybody:
            found.shut_ms.append(await _withdraws(person, link))
        world.ends(LeftReason.MEETING_ENDED)
        await visit
    await _count(store, row, seats, found)


async def _withdraws(person: Person, link: str) -> float:
    """Milliseconds. At any moment between two looks of the feed."""
    form = await form_on_page(person.browser, link, "/withdraw")
    watched = WatchedStay.watched.refused_s
    await asyncio.sleep(random.uniform(0.2, 0.4))
    assert person.seat not in watched
    origin = link.partition("/c/")[0]
    sent_s = time.perf_counter()
    async with person.browser.post(f"{link}/withdraw", data=form, headers={"Origin": origin}) as answer:
        assert answer.status == 200, answer.status
    await _until(lambda: person.seat in watched)
    return (watched[person.seat] - sent_s) * 1_000


async def _count(store: Store, row: VisitRow, seats: list[SeatId], found: Found) -> None:
    """What lies on the disk, against the moment at which each answer reached the server."""
    arrived_ms = {
        entry.event.seat: entry.event.at_ms
        for entry in store.log.entries_of(row.id)
        if isinstance(entry.event, Decided)  # the last one is the no
    }
    of_seat = dict.fromkeys(seats, 0)
    for segment in await store.tracks.segments(row.id):
        _, frames = store.tracks.read(segment.id)
        (seat,) = segment.seats
        for frame in frames:
            of_seat[seat] += 1
            found.kept_after += frame.captured_ms + FRAME_MS > arrived_ms[seat]
    assert all(of_seat.values()), "somebody who agreed was not kept at all"
    found.kept += sum(of_seat.values())


@asynccontextmanager
async def _visiting(
    settings: Settings, store: Store, meeting: MeetingRow, world: SimulatedMeeting
) -> AsyncIterator[asyncio.Task[None]]:
    parts = BotParts(
        store=store,
        clock=SystemClock(),
        policy=bot_policy(settings, publication=0),
        wordings={name: read_wording(table) for name, table in wordings().items()},
        phrases=read_phrases(wordings().values()),
        voice=None,
        room_for=lambda _platform: world.room,
        owner=new_id(),
    )
    epoch = await store.meetings.claim(meeting.id, parts.owner, STALE_AFTER_MS)
    assert epoch is not None
    WatchedStay.watched = Watched()
    with patch.object(runner, "Stay", WatchedStay):
        async with asyncio.TaskGroup() as tasks:
            talk = tasks.create_task(world.talk())
            visit = tasks.create_task(VisitRunner(parts, meeting, epoch).run())
            try:
                yield visit
            finally:
                visit.cancel()
                talk.cancel()


async def _visit_of(store: Store, meeting: MeetingRow) -> VisitRow:
    async with asyncio.timeout(_PATIENCE_S):
        while (row := await store.visits.visit_of_meeting(meeting.id)) is None:  # noqa: ASYNC110  rows tell nobody
            await asyncio.sleep(0.02)
    return row


async def _until(claim: Any) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not claim():  # noqa: ASYNC110  the simulated room tells nobody
            await asyncio.sleep(0.002)


def _settings(data_dir: Path) -> Settings:
    return Settings(
        data_dir=data_dir,
        web_port=free_port(),
        organisation="Example Ltd",
        organisation_contact="privacy@example.org",
        each_voice_allowed=True,
        one_sided_accepted=True,
    )


def _quantile(ordered: list[float], share: float) -> float:
    """The smallest that so many do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
