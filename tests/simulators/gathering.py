"""A meeting with everything real but the room and its people: store, log, feed, gate, tracks, the pages, a voice.

People come into a simulated room; their phones and laptops are browsers on the real pages. What it cost them is
counted: what the bot said, and how often it wrote to all.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bot.runner import STALE_AFTER_MS, BotParts, BotPolicy, VisitRunner
from bot.voice import PackagedVoice
from config.clock import SystemClock, new_id
from config.jurisdictions import jurisdictions
from config.wording import wordings
from consent_notice.notice import read_wording
from consent_notice.publication import Text
from consent_notice.settlement import PlacePolicy
from consent_notice.settling import RulePolicy
from consent_notice.words import ConsentStatus, Rule, SeatId
from storage.meetings import MeetingRow
from storage.store import Store
from storage.users import User
from storage.verify import verify
from storage.visits import VisitRow
from tests.simulators.room import FRAME_MS, SimulatedMeeting
from tests.simulators.visit import PHRASES
from tests.simulators.web_site import PASSWORD, Browser, settings_for
from web.accounts import Passwords
from web.app import create_app

CLOCK = SystemClock()
HOST = "Ingrid Solberg"
LINK = "http://127.0.0.1:8481/room/daily"
NOTETAKER = "Notes Helper"
_CODE = re.compile(r'class="page-code"[^>]*>([A-Z0-9]+)<')


@dataclass
class Gathering:
    store: Store
    parts: BotParts
    url: str
    host: User
    browsers: AsyncExitStack
    world: SimulatedMeeting = field(default_factory=lambda: SimulatedMeeting(CLOCK))
    began_ms: int = 0

    # ---- the meeting ---------------------------------------------------------------------------------------------

    async def plan(self, rule: Rule, *, in_days: int = 0, **changes: Any) -> MeetingRow:
        """Behind one link, so that all of them are one series."""
        begin = datetime.now(UTC) + timedelta(days=in_days)
        ends_at = begin + timedelta(hours=1)
        return await self.store.meetings.add_by_hand(
            self.host.id, LINK, "Talk", begin, ends_at=ends_at, rule=rule, **changes
        )

    @asynccontextmanager
    async def meeting(self, row: MeetingRow, **capabilities: Any) -> AsyncIterator[asyncio.Task[None]]:
        """A new room; everybody in it talks all the time. Afterwards the log must bear out all that was kept."""
        known = self.world.people
        self.world = SimulatedMeeting(CLOCK)
        self.world.people = known
        self.world.capabilities = replace(self.world.capabilities, **capabilities)
        self.began_ms = CLOCK.boot_ms()
        epoch = await self.store.meetings.claim(row.id, "bot", STALE_AFTER_MS)
        assert epoch is not None
        parts = replace(self.parts, room_for=lambda _platform: self.world.room)
        async with asyncio.TaskGroup() as tasks:
            talk = tasks.create_task(self.world.talk())
            visit = tasks.create_task(VisitRunner(parts, row, epoch).run())
            try:
                yield visit
            finally:
                visit.cancel()
                talk.cancel()
        assert verify(self.store.data_dir).faults == []

    async def visit_of(self, row: MeetingRow) -> VisitRow:
        visit = await self.store.visits.visit_of_meeting(row.id)
        assert visit is not None
        return visit

    async def kept_s(self, row: MeetingRow, seat: SeatId) -> float:
        visit, frames = await self.visit_of(row), 0
        for segment in await self.store.tracks.segments(visit.id):
            if segment.seats == (seat,):
                frames += sum(1 for _ in self.store.tracks.read(segment.id)[1])
        return frames * FRAME_MS / 1000

    async def status(self, row: MeetingRow) -> tuple[ConsentStatus, ...]:
        return (await self.visit_of(row)).consent_status

    # ---- what it costs -------------------------------------------------------------------------------------------

    @property
    def written_to_all(self) -> int:
        return sum(posted.post.to_seat is None for posted in self.world.posts)

    @property
    def said_at_the_start_ms(self) -> int:
        """What the bot said before anybody had agreed, or first of all."""
        first = self.world.said_ms[:1]
        return sum(speech.duration_ms for _, speech in first)

    def costs_little(self) -> None:
        minutes = (CLOCK.boot_ms() - self.began_ms) / 60_000
        assert self.said_at_the_start_ms <= 8_000
        assert self.written_to_all <= 3 + minutes / 5

    # ---- people with browsers ------------------------------------------------------------------------------------

    async def browser(self) -> Browser:
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        return Browser(await self.browsers.enter_async_context(session), self.url)

    async def host_browser(self) -> Browser:
        browser = await self.browser()
        await browser.sign_in(self.host.email)
        return browser

    async def page(self, row: MeetingRow) -> str:
        return f"/c/{(await self.visit_of(row)).page_token}"


def code_on(browser: Browser) -> str:
    found = _CODE.search(browser.text)
    assert found, browser.text[:2000]
    return found[1]


async def until(claim: Callable[[], object], within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while not claim():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def gathering(data_dir: Path, **policy: Any) -> AsyncIterator[Gathering]:
    store = await asyncio.to_thread(Store.open, data_dir, CLOCK, new_id)
    in_use = (await store.publications.in_use(Text(content=b"the notice of this installation"))).number
    settings = settings_for(
        data_dir, each_voice_allowed=True, one_sided_accepted=True, presenters_allowed=True, publication=in_use
    )
    app = create_app(store, settings, CLOCK, new_id, store.session_key)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    password_hash = await Passwords().hash(PASSWORD)
    host = await store.users.create(email="i@example.org", name=HOST, role="host", password_hash=password_hash)
    bot_policy = BotPolicy(
        bot_name="onrecord (asks before recording)",
        organisation="Northwind Cooperative",
        contact="privacy@northwind.example",
        retention_days=90,
        public_url=url,
        offer_after_ms=90_000,
        grace_ms=120_000,
        transcribes=True,
        default_language="en",
        places=PlacePolicy(
            jurisdictions=jurisdictions(),
            rules=RulePolicy(
                single_voices_allowed=True,
                one_sided_accepted=True,
                late_roster_accepted=False,
                presenters_allowed=True,
            ),
        ),
        publication=in_use,
        known_bots=(NOTETAKER,),
    )
    parts = BotParts(
        store=store,
        clock=CLOCK,
        policy=replace(bot_policy, **policy),
        wordings={name: read_wording(table) for name, table in wordings().items()},
        phrases=PHRASES,
        voice=await asyncio.to_thread(PackagedVoice, None),
        room_for=lambda _platform: None,  # type: ignore[arg-type,return-value]  # each meeting brings its own
        owner="bot",
    )
    async with AsyncExitStack() as browsers:
        yield Gathering(store=store, parts=parts, url=url, host=host, browsers=browsers)
    await runner.cleanup()
    await asyncio.to_thread(store.close)
