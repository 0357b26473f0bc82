"""Which platforms the bots of this installation can go to, and the room for each: the one place that knows them all.

A room's modules are imported when it is first needed: a server without browsers never loads one.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from calendar_sync.links import KnownHosts, Platform
from calendar_sync.reach import Reach
from calendar_sync.room_patterns import room_in
from config.clock import new_id
from config.settings import Settings
from consent_notice.clock import Clock

if TYPE_CHECKING:
    from bot.browser.driver import Pilot
    from bot.ports import MeetingRoom

_PAGE_SCRIPTS = {
    Platform.GOOGLE_MEET: "bot.rooms.google_meet",
    Platform.JITSI: "bot.rooms.jitsi",
    Platform.TEAMS: "bot.rooms.teams",
    Platform.ZOOM: "bot.rooms.zoom",
}
BY_PAGE = frozenset(_PAGE_SCRIPTS)  # joined in a browser

RoomMaker = Callable[[asyncio.TaskGroup], "MeetingRoom"]


def known_hosts(settings: Settings) -> KnownHosts:
    return KnownHosts(
        practice_url=settings.practice_url,
        jitsi_hosts=frozenset(settings.jitsi_hosts),
        janus_rooms=settings.janus_rooms,
    )


def reach(settings: Settings) -> Reach:
    joinable = {Platform.PRACTICE}
    if settings.janus_api:
        joinable.add(Platform.JANUS)
    has_browser = chromium(settings) is not None
    if has_browser:
        joinable |= BY_PAGE
    return Reach(
        joinable=frozenset(joinable),
        without_browser=frozenset() if has_browser else BY_PAGE,
        switched_off=frozenset(settings.platforms_off),
    )


def room_maker(settings: Settings, clock: Clock) -> Callable[[str], RoomMaker]:
    """By platform; the function raises PlatformNotSupported."""

    @cache
    def pilot() -> Pilot:
        from bot.browser.driver import Pilot

        return Pilot()

    def room_for(platform: str) -> RoomMaker:
        from bot.runner import PlatformNotSupported

        unreachable = reach(settings).why_not(Platform(platform))
        if unreachable is not None:
            raise PlatformNotSupported(unreachable)
        if platform == Platform.JANUS:
            return _janus(settings, clock)
        if platform in BY_PAGE:
            return _by_page(Platform(platform), settings, clock, pilot())
        from bot.rooms.practice import PracticeRoom

        return lambda tasks: PracticeRoom(clock=clock, tasks=tasks)

    return room_for


def _janus(settings: Settings, clock: Clock) -> RoomMaker:
    from bot.rooms.janus import JanusRoom

    return lambda tasks: JanusRoom(
        server=settings.janus_api,
        secret=settings.janus_secret,
        room_of=lambda link: room_in(link, settings.janus_rooms),
        clock=clock,
        tasks=tasks,
    )


def chromium(settings: Settings) -> Path | None:
    """None: there is none on this machine."""
    found = settings.chromium_path or shutil.which("chromium")
    return Path(found) if found and Path(found).is_file() else None


def _by_page(platform: Platform, settings: Settings, clock: Clock, pilot: Pilot) -> RoomMaker:
    from bot.browser.room import BrowserRoom

    script = import_module(_PAGE_SCRIPTS[platform]).SCRIPT
    program = chromium(settings)
    assert program is not None
    sign = _teams_identity(settings) if platform is Platform.TEAMS and settings.teams_bot_client_id else None
    return lambda tasks: BrowserRoom(
        script=script, program=program, token=new_id(), clock=clock, tasks=tasks, pilot=pilot, sign=sign
    )


def _teams_identity(settings: Settings) -> Callable[[str], Awaitable[str]]:
    from bot.teams_identity import MICROSOFT, TeamsIdentity

    return TeamsIdentity(
        tenant=settings.teams_bot_tenant,
        client_id=settings.teams_bot_client_id,
        client_secret=settings.teams_bot_client_secret,
        sign_in=settings.microsoft_endpoint or MICROSOFT,
        ca_file=settings.calendar_ca_file or None,
    ).sign
