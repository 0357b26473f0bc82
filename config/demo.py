"""`onrecord demo`: the whole server, a real calendar served over HTTP, and a meeting played by scripted people.

Everything between the calendar file and the sealed transcript is the product itself, in its own processes; this module
only arranges the scene, watches, and holds the outcome against what the people really said.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from aiohttp import web
from icalendar import Calendar, Event

from config.clock import SystemClock, new_id
from config.errors import ConfigError, ExitCode
from config.outcome import Outcome, read_outcome
from config.screen import Screen
from config.settings import Settings
from config.story import Story
from config.supervisor import Supervisor
from config.wiring import open_store
from consent_notice.words import MeetingId, Rule, UserId
from storage.meetings import MeetingRow
from storage.store import Store
from storage.visits import VisitRow
from web.accounts import Passwords

HOST_EMAIL, HOST_NAME = "ada@demo.example", "Ada"
ADMIN_EMAIL, ADMIN_NAME = "admin@demo.example", "Admin"
TITLE = "Weekly release meeting"
STARTS_AFTER = timedelta(seconds=13)
LASTS = timedelta(minutes=10)
FOUND_WITHIN_S = 20.0
VISIT_ENDS_WITHIN_S = 60.0
TRANSCRIBED_WITHIN_S = 300.0
LOOK_EVERY_S = 0.3


class DemoInRealData(ConfigError):
    """That data directory holds people other than the demo's. Give the demo one of its own with --data-dir."""

    exit_code = ExitCode.DATA_DIR


class DemoFailed(ConfigError):
    """The demo did not get through its story."""

    exit_code = ExitCode.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where the demo's meeting stands."""

    calendar_address: str
    room_link: str
    passwords: dict[str, str]  # by e-mail


async def run(settings: Settings, *, exit_when_done: bool, report: Path | None) -> bool:
    """True where everything held. Without `exit_when_done` the server stays up until cancelled. Raises ConfigError."""
    try:
        return await _run(settings, exit_when_done=exit_when_done, report=report)
    except BaseExceptionGroup as group:
        told = group.subgroup(ConfigError)
        if told is None:
            raise
        raise _first(told) from None


def _first(group: BaseExceptionGroup[ConfigError]) -> ConfigError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


async def _run(settings: Settings, *, exit_when_done: bool, report: Path | None) -> bool:
    clock, began = SystemClock(), datetime.now(UTC)
    settings = _demo_settings(settings)
    screen = Screen(clock)
    room_code = f"demo-{new_id()[:8]}"
    room_link = f"{settings.practice_url}/room/{room_code}"
    supervisor = Supervisor(settings, clock=clock, terminal_level="warning")
    screen.heading("onrecord demo: a meeting bot that asks before it records")
    async with _calendar_server(room_link) as address:
        scene = Scene(
            calendar_address=address,
            room_link=room_link,
            passwords={HOST_EMAIL: secrets.token_urlsafe(9), ADMIN_EMAIL: secrets.token_urlsafe(9)},
        )
        async with asyncio.TaskGroup() as group:
            server = group.create_task(supervisor.run(lambda: _prepare(settings, scene)))
            try:
                screen.step("starting the server: pages, bots, practice room, calendars, transcription")
                await supervisor.wait_until_up()
                outcome = await _play(settings, scene, screen, clock)
                seconds = int((datetime.now(UTC) - began).total_seconds())
                _show(screen, settings, scene, outcome)
                if report is not None:
                    text = json.dumps(outcome.report(seconds), ensure_ascii=False, indent=2)
                    await asyncio.to_thread(report.write_text, text + "\n", encoding="utf-8")
                if not exit_when_done:
                    screen.step("The server stays up. Ctrl-C ends it.")
                    await server
            finally:
                supervisor.stop()
    return not outcome.faults


def _demo_settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "organisation": settings.organisation or "Demo Ltd",
            "organisation_contact": settings.organisation_contact or "privacy@demo.example",
            "each_voice_allowed": True,
            "one_sided_accepted": True,
            "private_calendars_allowed": True,
            "calendar_interval_s": 5,
            "join_early_s": 4,
        }
    )


async def _prepare(settings: Settings, scene: Scene) -> None:
    """Two accounts, and a calendar that the host has connected and not yet switched on."""
    async with open_store(settings) as store:
        known = {user.email for user in await store.users.list()}
        if known - scene.passwords.keys():
            raise DemoInRealData
        accounts: tuple[tuple[str, str, Literal["host", "admin"]], ...] = (
            (HOST_EMAIL, HOST_NAME, "host"),
            (ADMIN_EMAIL, ADMIN_NAME, "admin"),
        )
        for email, name, role in accounts:
            hashed = await Passwords().hash(scene.passwords[email])
            user = await store.users.by_email(email)
            if user is None:
                await store.users.create(email=email, name=name, role=role, password_hash=hashed)
            else:
                await store.users.set_password(user.id, hashed)
        host = await store.users.by_email(HOST_EMAIL)
        assert host is not None
        for old in await store.calendars.list(host.id):
            await store.calendars.delete(old.id)
        await store.calendars.add(
            host_id=host.id,
            provider="ics",
            title="Ada's calendar",
            address=scene.calendar_address,
            rule=Rule.EACH_VOICE,
            language="en",
        )


@asynccontextmanager
async def _calendar_server(room_link: str) -> AsyncIterator[str]:
    """An ICS calendar at an address; its meeting starts a few seconds after it was first read."""
    first_read: list[datetime] = []

    async def calendar(_request: web.Request) -> web.Response:
        if not first_read:
            first_read.append(datetime.now(UTC).replace(microsecond=0))
        event = Event()
        event.add("uid", f"{room_link.rsplit('/', 1)[-1]}@demo.example")
        event.add("dtstamp", first_read[0])
        event.add("dtstart", first_read[0] + STARTS_AFTER)
        event.add("dtend", first_read[0] + STARTS_AFTER + LASTS)
        event.add("summary", TITLE)
        event.add("location", room_link)
        event.add("organizer", f"mailto:{HOST_EMAIL}")
        found = Calendar()
        found.add("prodid", "-//onrecord//demo//EN")
        found.add("version", "2.0")
        found.add_component(event)
        return web.Response(body=found.to_ical(), content_type="text/calendar", charset="utf-8")

    app = web.Application()
    app.router.add_get("/ada.ics", calendar)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}/ada.ics"
    finally:
        await runner.cleanup()


async def _play(settings: Settings, scene: Scene, screen: Screen, clock: SystemClock) -> Outcome:
    story = Story(room_link=scene.room_link, clock=clock, new_id=new_id, screen=screen)
    screen.step("rehearsing: every line is spoken by a packaged voice")
    await story.rehearse()
    async with open_store(settings) as store:
        screen.heading("The calendar")
        screen.step(f"Ada's calendar at {scene.calendar_address} is connected and off; she switches it on")
        host = await store.users.by_email(HOST_EMAIL)
        assert host is not None
        calendar = (await store.calendars.list(host.id))[0]
        await store.calendars.set_enabled(calendar.id, True)
        meeting = await _found(store, host.id, scene, clock)
        in_s = (meeting.starts_at - clock.now()).total_seconds()
        screen.step(
            f"found “{meeting.title}” ({meeting.reason}); it starts in {in_s:.0f} s under the rule {meeting.rule}"
        )
        screen.heading("The meeting")
        try:
            await story.play()
        except* TimeoutError:
            raise DemoFailed("the bot did not do its part in time; see the logs beside the data") from None
        visit = await _ended(store, meeting.id)
        screen.tell("bot", f"has left ({visit.left_reason}: {visit.detail})")
        screen.heading("Afterwards")
        await _transcribed(store, visit, screen)
        return await read_outcome(store, settings.data_dir, visit.id, story.spoken_s)


async def _found(store: Store, host_id: UserId, scene: Scene, clock: SystemClock) -> MeetingRow:
    async with _within(FOUND_WITHIN_S, "the meeting was not found in the calendar"):
        while True:
            for meeting in await store.meetings.upcoming(host_id, clock.now()):
                if meeting.link == scene.room_link:
                    return meeting
            await asyncio.sleep(LOOK_EVERY_S)


async def _ended(store: Store, meeting_id: MeetingId) -> VisitRow:
    async with _within(VISIT_ENDS_WITHIN_S, "the bot did not leave after everybody had left"):
        while True:
            visit = await store.visits.visit_of_meeting(meeting_id)
            if visit is not None and visit.ended_at is not None:
                return visit
            await asyncio.sleep(LOOK_EVERY_S)


async def _transcribed(store: Store, visit: VisitRow, screen: Screen) -> None:
    with screen.progress("transcribing what was kept") as bar:
        async with _within(TRANSCRIBED_WITHIN_S, "the transcript was not ready in time"):
            while True:
                now = await store.visits.get(visit.id)
                assert now is not None
                state, _, rest = now.transcription_state.partition(" ")
                if state == "done":
                    bar.update(bar.task_ids[0], completed=1.0)
                    return
                if state.startswith("failed"):
                    raise DemoFailed(f"transcription failed: {rest}")
                bar.update(bar.task_ids[0], completed=now.transcription_permille / 1000)
                await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def _within(seconds: float, otherwise: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise DemoFailed(f"{otherwise} within {seconds:.0f} s; see the logs beside the data") from None


def _show(screen: Screen, settings: Settings, scene: Scene, outcome: Outcome) -> None:
    screen.result(outcome.rows, outcome.consent_status)
    screen.verdict(
        f"log verified: {outcome.entries} entries, every part and tag"
        if outcome.is_verified
        else "the log did not verify",
        is_good=outcome.is_verified,
    )
    for fault in outcome.faults:
        screen.verdict(fault, is_good=False)
    if not outcome.faults:
        screen.verdict("nothing was kept without a yes", is_good=True)
    screen.box(
        "See for yourself",
        [
            f"review of the recording  {settings.public_url}/review",
            f"    sign in as admin     {ADMIN_EMAIL}  {scene.passwords[ADMIN_EMAIL]}",
            f"Ada's own pages          {settings.public_url}/",
            f"    sign in as host      {HOST_EMAIL}  {scene.passwords[HOST_EMAIL]}",
            f"a room to try it in      {settings.practice_url}/",
            "    open a room there, paste its link into Ada's page and press “Join now”",
        ],
    )
