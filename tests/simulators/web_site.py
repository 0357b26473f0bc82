"""A real site for the page tests: real store, real log, real server on a free port, and people who fill in forms.

Meetings are put in as the bot would: through the store, with real log entries. Only the clock belongs to the test.
"""

from __future__ import annotations

import asyncio
import html
import itertools
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bot.binding import PageBinding
from bot.entries import Entries, Evidence
from bot.facts import NoticeRef
from config.jurisdictions import jurisdictions
from config.wording import wordings
from consent_notice.decisions import Act
from consent_notice.events import (
    Decided,
    Event,
    Means,
    NoticeDelivered,
    SeatJoined,
    SeatLeft,
    VisitClosed,
    VisitOpened,
)
from consent_notice.frames import Encoding, GateTimes, HeardFrame
from consent_notice.gate import AdmittedFrame, Gate
from consent_notice.notice import Notice, NoticeFacts, read_wording, render
from consent_notice.words import IdentityLevel, MeetingId, Purpose, Rule, SeatId, SeatKind
from storage.meetings import MeetingRow
from storage.replay import replay
from storage.store import Store
from storage.users import User
from storage.visits import VisitRow
from web.accounts import Passwords
from web.app import create_app
from web.services import CalendarServices
from web.settings import WebSettings

PASSWORD = "correct-horse-battery"
BOTH = (Purpose.RECORDING, Purpose.TRANSCRIPTION)
_hashes: dict[str, str] = {}


@dataclass
class TestClock:
    """Stands still until the test moves it."""

    __test__ = False
    boot_id: str = "boot-1"
    at_ms: int = 5_000_000
    started: datetime = field(default_factory=lambda: datetime(2026, 11, 20, 13, 0, tzinfo=UTC))

    def boot_ms(self) -> int:
        return self.at_ms

    def now(self) -> datetime:
        return self.started + timedelta(milliseconds=self.at_ms - 5_000_000)

    def pass_s(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)


def settings_for(data_dir: Path, url: str = "http://127.0.0.1", **changes: Any) -> WebSettings:
    settings = WebSettings(
        data_dir=data_dir,
        public_url=url,
        practice_url="http://127.0.0.1:8481",
        bot_name="onrecord (asks before recording)",
        organisation="Northwind Cooperative",
        organisation_contact="privacy@northwind.example",
        retention_days=90,
        default_language="en",
        default_rule=Rule.EVERYONE,
        each_voice_allowed=True,
        presenters_allowed=False,
        attestation_allowed=False,
        offer_after_s=90,
        one_sided_accepted=False,
        purposes=BOTH,
        wording=wordings(),
        version="0.1.0",
        jurisdictions=jurisdictions(),
    )
    return replace(settings, **changes)


class Site:
    """One running installation."""

    def __init__(self, store: Store, clock: TestClock, settings: WebSettings, new_id: Any, url: str) -> None:
        self.store, self.clock, self.settings, self.new_id, self.url = store, clock, settings, new_id, url
        self.app: web.Application

    async def person(self, role: Any, name: str, email: str) -> User:
        password_hash = _hashes.setdefault("", "") or await Passwords().hash(PASSWORD)
        _hashes[""] = password_hash  # a hash costs a fifth of a second; one serves the whole run
        return await self.store.users.create(email=email, name=name, role=role, password_hash=password_hash)

    @asynccontextmanager
    async def browser(self, user: User | None = None) -> AsyncIterator[Browser]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            browser = Browser(session, self.url)
            if user is not None:
                await browser.sign_in(user.email)
            yield browser


class Browser:
    """A person with cookies and no JavaScript."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url
        self.status, self.text, self.place = 0, "", ""
        self.headers: Any = {}

    async def open(self, path: str, **options: Any) -> str:
        async with self.session.get(self.url + path, **options) as answer:
            return await self._keep(answer)

    async def send(self, path: str, fields: Any, **options: Any) -> str:
        async with self.session.post(self.url + path, data=fields, **options) as answer:
            return await self._keep(answer)

    async def submit(self, path: str, **fields: str) -> str:
        """Sends the form on the current page that goes to `path`, with its hidden fields."""
        return await self.send(path, {**self.hidden(path), **fields})

    def hidden(self, path: str) -> dict[str, str]:
        for form in re.findall(r"<form\b.*?</form>", self.text, re.DOTALL):
            if f'action="{path}"' in form:
                found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
                return {html.unescape(name): html.unescape(value) for name, value in found}
        raise AssertionError(f"no form goes to {path} on {self.place}:\n{self.text[:2000]}")

    async def sign_in(self, email: str, password: str = PASSWORD) -> str:
        await self.open("/sign-in")
        return await self.submit("/sign-in", email=email, password=password)

    async def _keep(self, answer: aiohttp.ClientResponse) -> str:
        raw = await answer.read()
        self.status, self.place, self.headers = answer.status, answer.url.path, answer.headers
        self.text = raw.decode("utf-8", "replace")
        return self.text


@asynccontextmanager
async def open_site(data_dir: Path, services: CalendarServices | None = None, **changes: Any) -> AsyncIterator[Site]:
    clock, numbers = TestClock(), itertools.count(1)

    def new_id() -> str:
        return f"{next(numbers):026d}".translate(str.maketrans("0189", "uvwx"))

    store = Store.open(data_dir, clock, new_id)
    site = Site(store, clock, settings_for(data_dir, **changes), new_id, "")
    site.app = create_app(store, site.settings, clock, new_id, b"k" * 32, services=services)
    runner = web.AppRunner(site.app, access_log=None)  # as wiring does: paths hold tokens
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        await runner.cleanup()
        store.close()


@dataclass
class Meeting:
    """One visit, told to the store as the bot would tell it."""

    site: Site
    host: User
    row: MeetingRow
    visit: VisitRow
    seats: dict[str, SeatId] = field(default_factory=dict)
    messages: Any = field(default_factory=lambda: itertools.count(1))
    faults: list[Any] = field(default_factory=list)

    @classmethod
    async def begin(
        cls,
        site: Site,
        host: User,
        title: str = "Quarterly planning",
        rule: Rule = Rule.EACH_VOICE,
        fallback: Rule | None = None,
    ) -> Meeting:
        row = await site.store.meetings.add_by_hand(
            host.id, "http://127.0.0.1:8481/room/demo", title, rule=rule, fallback=fallback
        )
        epoch = await site.store.meetings.claim(row.id, "bot-1", 10_000)
        assert epoch is not None
        visit = await site.store.visits.open_visit(MeetingId(row.id), epoch, rule, "en")
        await site.store.visits.set_visit_state(visit.id, epoch, "in_room")
        meeting = cls(site, host, row, visit)
        await meeting.log(
            VisitOpened(
                visit=visit.id,
                epoch=epoch,
                meeting=row.id,
                platform="practice",
                host=host.name,
                bot_name=site.settings.bot_name,
                rule=rule,
                path_delay_ms=0,
                attested_opens=site.settings.attestation_allowed,
                **meeting.now,
            )
        )
        return meeting

    @property
    def now(self) -> dict[str, Any]:
        """Each fact a millisecond after the one before, as in life."""
        self.site.clock.at_ms += 1
        return {"boot_id": self.site.clock.boot_id, "at_ms": self.site.clock.at_ms}

    @property
    def link(self) -> str:
        return f"/c/{self.visit.page_token}"

    async def log(self, event: Event) -> int:
        return (await self.site.store.log.append(event, event_id=f"test-{next(self.messages)}-{self.visit.id}")).index

    async def join(self, name: str, kind: SeatKind = SeatKind.PERSON) -> SeatId:
        seat = SeatId(f"{len(self.seats) + 1:012x}")
        self.seats[name if name not in self.seats else f"{name} again"] = seat
        await self.site.store.visits.upsert_seat(self.visit.id, seat, name, kind, self.site.clock.at_ms)
        await self.log(
            SeatJoined(
                visit=self.visit.id,
                epoch=self.visit.epoch,
                seat=seat,
                seat_kind=kind,
                name=name,
                identity_level=IdentityLevel.DISPLAY_NAME,
                **self.now,
            )
        )
        return seat

    async def leave(self, seat: SeatId) -> None:
        await self.site.store.visits.left_seat(self.visit.id, seat, self.site.clock.at_ms)
        await self.log(SeatLeft(visit=self.visit.id, epoch=self.visit.epoch, seat=seat, **self.now))

    async def ask(self, seat: SeatId, *, means: Means = Means.CHAT) -> None:
        await self.site.store.notices.keep(self.notice)
        await self.log(
            NoticeDelivered(
                visit=self.visit.id,
                epoch=self.visit.epoch,
                seat=seat,
                means=means,
                message_id=f"m{next(self.messages)}",
                **self._notice("notice", "version", "language", "text_sha256"),
                **self.now,
            )
        )

    async def decide(
        self,
        seat: SeatId,
        act: Act,
        purposes: Iterable[Purpose] = BOTH,
        *,
        means: Means = Means.CHAT,
        verbatim: str = "",
    ) -> int:
        by_code = means is Means.PAGE
        return await self.log(
            Decided(
                visit=self.visit.id,
                epoch=self.visit.epoch,
                seat=seat,
                acts=tuple((purpose, act) for purpose in purposes),
                means=means,
                identity_level=IdentityLevel.PAGE_BOUND_BY_CODE if by_code else IdentityLevel.DISPLAY_NAME,
                matched_by="page code" if by_code else "platform seat",
                message_id=f"m{next(self.messages)}",
                verbatim=verbatim,
                reader_version="1",
                **self._notice("notice", "notice_version", "notice_language", "notice_sha256"),
                **self.now,
            )
        )

    async def type_code(self, code: str, seat: SeatId) -> None:
        """What the bot does when a page's code is typed in the chat."""
        visit, now = self.visit, self.now
        binding = PageBinding(store=self.site.store, visit=visit.id, epoch=visit.epoch, boot_id=now["boot_id"])
        bound = await binding.bind(code, seat, now["at_ms"])
        assert bound is not None
        if bound.is_known or not bound.acts:
            return
        await self.site.store.notices.keep(self.notice)
        own = NoticeRef(**self._notice("notice", "version", "language", "text_sha256"))
        entries = Entries(visit=visit.id, epoch=visit.epoch, boot_id=now["boot_id"], notice=own)
        if bound.people > 1:
            declared = entries.headcount(seat, bound.people, bound.page, now["at_ms"])
            await self.site.store.log.append(declared.event, event_id=declared.event_id)
        decided = entries.decided(
            seat,
            bound.acts,
            Means.PAGE,
            bound.page,
            now["at_ms"],
            identity_level=IdentityLevel.PAGE_BOUND_BY_CODE,
            matched_by="page code",
            person=bound.person,
            evidence=Evidence(notice=bound.notice, agreement=bound.agreement),
        )
        await self.site.store.log.append(decided.event, event_id=decided.event_id)

    async def speak(self, seat: SeatId, packets: list[bytes]) -> None:
        """Sound as the bot would keep it, through the gate; time passes, 20 ms a packet."""
        record = replay(self.site.store.log.entries_of(self.visit.id), self.site.clock.boot_id)
        gate = Gate(record, GateTimes(path_delay_ms=0, settle_ms=0))
        loop = asyncio.get_running_loop()
        self.site.clock.pass_s(0.1)
        writer = self.site.store.tracks.writer(self.visit.id, self.visit.epoch, loop=loop, on_fault=self.faults.append)
        for number, packet in enumerate(packets):
            frame = HeardFrame(
                track=f"track-{seat}",
                speakers=frozenset({seat}),
                captured_ms=self.site.clock.at_ms,
                duration_ms=20,
                rtp_timestamp=number * 960,
                encoding=Encoding.OPUS,
                payload=packet,
            )
            self.site.clock.pass_s(0.02)
            admitted = gate.admit(frame)
            if isinstance(admitted, AdmittedFrame):
                writer.keep(admitted)
        await writer.settle_and_close()
        assert not self.faults

    async def end(self, reason: str = "everyone_left") -> None:
        await self.log(VisitClosed(visit=self.visit.id, epoch=self.visit.epoch, reason=reason, **self.now))
        await self.site.store.visits.end_visit(self.visit.id, self.visit.epoch, reason)
        await self.site.store.meetings.finish(self.row.id, self.visit.epoch, reason)
        await self.site.store.records.tag_recording(self.visit.id)

    @property
    def notice(self) -> Notice:
        """As the bot gave it in the chat and aloud."""
        settings = self.site.settings
        facts = NoticeFacts(
            host=self.host.name,
            organisation=settings.organisation,
            contact=settings.organisation_contact,
            purposes=settings.purposes,
            rule=self.visit.rule,
            fallback=self.row.fallback if settings.each_voice_allowed else None,
            page_link=f"{settings.public_url}{self.link}",
            retention_days=settings.retention_days,
            bot_name=settings.bot_name,
            speakable=True,
            information=settings.information,
            publication=settings.publication,
        )
        return render(read_wording(settings.wording["en"]), facts)

    def _notice(self, *names: str) -> dict[str, Any]:
        notice = self.notice
        return dict(zip(names, (notice.id, notice.version, notice.language, notice.text_sha256), strict=True))
