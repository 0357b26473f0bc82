"""A bot at work: a simulated meeting, and everything else real: store, log, feed, tracks, clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.ports import MeetingRoom
from bot.runner import STALE_AFTER_MS, BotParts, BotPolicy, PlatformNotSupported, VisitRunner
from config.clock import SystemClock, new_id
from config.jurisdictions import jurisdictions
from config.wording import wordings
from consent_notice.notice import read_wording
from consent_notice.settlement import PlacePolicy
from consent_notice.settling import RulePolicy
from consent_notice.words import Rule, SeatId, VisitId
from storage.meetings import MeetingRow
from storage.store import Store
from storage.verify import verify
from storage.visits import VisitRow
from tests.simulators.room import SimulatedMeeting
from tests.simulators.visit import PHRASES

CLOCK = SystemClock()
WORDINGS = {name: read_wording(table) for name, table in wordings().items()}


@dataclass(slots=True, kw_only=True)
class BotAtWork:
    store: Store
    parts: BotParts
    world: SimulatedMeeting

    async def plan(
        self,
        *,
        rule: Rule = Rule.EACH_VOICE,
        fallback: Rule | None = None,
        platform: str = "practice",
        starts_in: timedelta = timedelta(),
        lasts: timedelta = timedelta(hours=1),
    ) -> MeetingRow:
        host = await self.store.users.by_email("host@example.org") or await self.store.users.create(
            email="host@example.org", name="Host", role="host", password_hash="-"
        )
        begin = datetime.now(UTC) + starts_in
        return await self.store.meetings.add_by_hand(
            host.id,
            "http://127.0.0.1/room/abc",
            "Talk",
            begin,
            ends_at=begin + lasts,
            rule=rule,
            fallback=fallback,
            platform=platform,
        )

    @asynccontextmanager
    async def visiting(self, meeting: MeetingRow) -> AsyncIterator[asyncio.Task[None]]:
        """A bot that visits it while everybody in the room talks; at the end the log is verified."""
        epoch = await self.store.meetings.claim(meeting.id, self.parts.owner, STALE_AFTER_MS)
        assert epoch is not None
        async with asyncio.TaskGroup() as tasks:
            talk = tasks.create_task(self.world.talk())
            visit = tasks.create_task(VisitRunner(self.parts, meeting, epoch).run())
            try:
                yield visit
            finally:
                visit.cancel()
                talk.cancel()
        self.check()

    def check(self) -> None:
        report = verify(self.store.data_dir)
        assert report.faults == []

    async def visit_of(self, meeting: MeetingRow) -> VisitRow:
        visit = await self.store.visits.visit_of_meeting(meeting.id)
        assert visit is not None
        return visit

    async def kept(self, visit: VisitId, seat: SeatId) -> list[int]:
        """When each kept packet of that person was spoken, by the packets themselves."""
        spoken: list[int] = []
        for segment in await self.store.tracks.segments(visit):
            _, frames = self.store.tracks.read(segment.id)
            for frame in frames:
                owner = frame.payload[9:].decode()
                assert (owner,) == segment.seats
                if owner == seat:
                    spoken.append(int.from_bytes(frame.payload[1:9], "big"))
        return sorted(spoken)


async def until(claim: Callable[[], object], within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while not claim():
            await asyncio.sleep(0.01)


@pytest.fixture
async def at_work(tmp_path: Path) -> AsyncIterator[BotAtWork]:
    store = await asyncio.to_thread(Store.open, tmp_path / "data", CLOCK, new_id)
    world = SimulatedMeeting(CLOCK)

    def room_for(platform: str) -> Callable[[asyncio.TaskGroup], MeetingRoom]:
        if platform != "practice":
            raise PlatformNotSupported("Zoom is switched off here by your admin")
        return world.room

    policy = BotPolicy(
        bot_name="onrecord",
        organisation="Example Ltd",
        contact="privacy@example.org",
        retention_days=90,
        public_url="http://127.0.0.1:8480",
        offer_after_ms=90_000,
        grace_ms=120_000,
        transcribes=True,
        default_language="en",
        places=PlacePolicy(
            jurisdictions=jurisdictions(),
            rules=RulePolicy(single_voices_allowed=True, one_sided_accepted=True, late_roster_accepted=False),
        ),
    )
    parts = BotParts(
        store=store,
        clock=CLOCK,
        policy=policy,
        wordings=WORDINGS,
        phrases=PHRASES,
        voice=None,
        room_for=room_for,
        owner="this bot",
    )
    yield BotAtWork(store=store, parts=parts, world=world)
    await asyncio.to_thread(store.close)
