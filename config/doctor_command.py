"""`onrecord doctor room LINK`: goes into one meeting, says which steps work there, and leaves. Nothing is ever heard.

For whoever runs onrecord where the live services are: selectors and wires of other people's pages change.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.clock import SystemClock, new_id
from config.errors import ExitCode
from config.options import read_settings
from config.rooms import known_hosts, room_maker
from config.settings import Settings

if TYPE_CHECKING:
    from bot.ports import MeetingRoom, PageSnapshot, RoomEvent

_SAYS = "This is a test of onrecord. Nothing is recorded, and I leave in a moment."
_ROSTER_WITHIN_S = 90.0  # Google Meet's page fetches the whole list about once a minute
_STEP_WITHIN_S = 30.0
_SPEAKS_MS = 500  # silence: whether the way is open, without disturbing anybody


@click.group()
def doctor() -> None:
    """Look whether a part of this installation works."""


@doctor.command()
@click.argument("link")
@click.option(
    "--wait",
    "wait_s",
    default=120,
    show_default=True,
    type=click.IntRange(5, 1800),
    metavar="SECONDS",
    help="How long to wait in a lobby for somebody to let the bot in.",
)
@click.option("--quiet", is_flag=True, help="Say and write nothing in the meeting.")
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where to put a scrubbed picture and outline of the page if it ends unexpectedly.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file; default: onrecord.toml here, if there is one.",
)
def room(link: str, wait_s: int, snapshot: Path | None, config_file: Path | None, *, quiet: bool) -> None:
    """Join the meeting behind LINK, report which steps work, and leave. No sound is received, none is kept."""
    settings = read_settings(config_file, None, to_serve=False)
    worked = asyncio.run(_examine(settings, link, wait_s=wait_s, is_quiet=quiet, folder=snapshot))
    sys.exit(ExitCode.OK if worked else ExitCode.FAILED)


@dataclass(slots=True)
class _Seen:
    """What the room pushed; counts of people only."""

    happened: asyncio.Event = field(default_factory=asyncio.Event)
    in_lobby: bool = False
    admitted: bool = False
    ended: str = ""
    people: set[str] = field(default_factory=set)
    roster_known: int = 0

    def take(self, event: RoomEvent) -> None:
        from bot.ports import Admitted, Ended, Joined, Left, RosterKnownUntil, WaitingInLobby

        match event:
            case WaitingInLobby():
                self.in_lobby = True
            case Admitted():
                self.admitted, self.roster_known = True, 0  # what was told in the lobby is not about the call
            case Joined(seat=seat):
                self.people.add(seat)
            case Left(seat=seat):
                self.people.discard(seat)
            case RosterKnownUntil():
                self.roster_known += 1
            case Ended(reason=reason, detail=detail):
                self.ended = f"{reason.value.replace('_', ' ')}: {detail}"
            case _:
                return
        self.happened.set()

    async def until(self, wanted: str, within_s: float) -> bool:
        """Whether `wanted`, the name of a field, became true before the end and in time."""
        try:
            async with asyncio.timeout(within_s):
                while not getattr(self, wanted) and not self.ended:
                    self.happened.clear()
                    await self.happened.wait()
        except TimeoutError:
            return False
        return bool(getattr(self, wanted))


def _besides(people: int) -> str:
    return f"{people} {'person' if people == 1 else 'people'} besides the bot"


def _tell(works: bool | None, what: str, why: str = "") -> None:
    mark = {True: "ok  ", False: "FAIL", None: "    "}[works]
    click.echo(f"{mark} {what}" + (f": {why}" if why else ""))


async def _examine(settings: Settings, link: str, *, wait_s: int, is_quiet: bool, folder: Path | None) -> bool:
    from bot.runner import PlatformNotSupported
    from calendar_sync.links import PLATFORM_NAMES, JoinLink, LinkTexts, find_link

    found = find_link(LinkTexts(location=link), known_hosts(settings))
    if not isinstance(found, JoinLink):
        _tell(False, "link", "this is no link to a meeting that onrecord knows")
        return False
    _tell(True, "link", f"leads to {PLATFORM_NAMES[found.platform]}")
    try:
        make_room = room_maker(settings, SystemClock())(found.platform.value)
    except PlatformNotSupported as error:
        _tell(False, "room", str(error))
        return False
    task = asyncio.current_task()
    assert task is not None
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, task.cancel)
    async with asyncio.TaskGroup() as tasks:
        bot = make_room(tasks)
        try:
            return await _visit(bot, settings, found.url, wait_s=wait_s, is_quiet=is_quiet, folder=folder)
        finally:
            await bot.leave()
            _tell(None, "left")


async def _visit(
    bot: MeetingRoom, settings: Settings, link: str, *, wait_s: int, is_quiet: bool, folder: Path | None
) -> bool:
    from bot.ports import JoinRequest, Post, RoomError, Speech

    seen = _Seen()
    request = JoinRequest(
        link=link,
        name=settings.bot_name,
        invited_by="",
        resume_token=new_id(),
        keep_snapshot=lambda taken: _put_down(taken, folder),
        tell_step=lambda step: _tell(None, f"  {step}"),
    )
    try:
        await bot.join(request, seen.take)
    except RoomError as error:
        _tell(False, "join", str(error))
        return False
    if seen.in_lobby and not seen.admitted:
        _tell(None, "lobby", f"somebody in the meeting must let the bot in; waiting {wait_s} s")
    if not await seen.until("admitted", wait_s):
        _tell(False, "admitted", seen.ended or "nobody let the bot in")
        return False
    _tell(True, "admitted")
    works = await seen.until("roster_known", _ROSTER_WITHIN_S)
    await asyncio.sleep(1)  # for those who are told one by one
    _tell(works, "roster", _besides(len(seen.people)) if works else "the room tells nobody")
    if not is_quiet:
        silence = Speech(text="", language="en", pcm=bytes(96 * _SPEAKS_MS))
        works = await _try("chat", bot.capabilities.can_chat, lambda: bot.post(Post(text=_SAYS))) and works
        works = await _try("speech", bot.capabilities.can_speak, lambda: bot.speak(silence)) and works
    if seen.ended:
        _tell(False, "stay", seen.ended)
    return works and not seen.ended


async def _try(what: str, is_possible: bool, do: Callable[[], Awaitable[object]]) -> bool:
    from bot.ports import RoomError

    if not is_possible:
        _tell(None, what, "this platform has none")
        return True
    try:
        async with asyncio.timeout(_STEP_WITHIN_S):
            await do()
    except (RoomError, TimeoutError) as error:
        _tell(False, what, str(error) or "it took too long")
        return False
    _tell(True, what)
    return True


def _put_down(taken: PageSnapshot, folder: Path | None) -> None:
    if folder is None:
        _tell(None, "the page", f"in state “{taken.state}”; --snapshot FOLDER keeps a scrubbed picture of it")
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.txt").write_text(f"{taken.state}\n{taken.outline}\n", encoding="utf-8")
    if taken.picture_png:
        (folder / "page.png").write_bytes(taken.picture_png)
    _tell(None, "the page", f"put down in {os.fspath(folder)}")
