"""`onrecord calendar …`: what the bot would do with a calendar, without an account and without a data directory.

Reads one address or file as the server would read it, and judges it with the same planning. Nothing is stored.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from config.clock import SystemClock
from config.options import read_settings
from config.settings import Settings

if TYPE_CHECKING:
    from calendar_sync.planning import PlannedOccurrence
    from calendar_sync.sync import CalendarSource, Page, Window

_AHEAD = timedelta(days=14)
_TRIED_AGAIN = re.compile(r"[.;,]? we try again.*", re.IGNORECASE)  # what the server promises; a command does not


@dataclass(frozen=True, slots=True, kw_only=True)
class _Preview:
    meetings: Sequence[PlannedOccurrence]  # in order of start
    broken: int


@click.group()
def calendar() -> None:
    """What the bot would make of a calendar."""


@calendar.command()
@click.argument("address_or_file", metavar="ADDRESS-OR-FILE")
@click.option(
    "--from", "from_text", metavar="T", help="First moment, as 2026-11-26 or 2026-11-26T09:00Z; default: now."
)
@click.option("--to", "to_text", metavar="T", help="The moment after the last; default: 14 days later.")
@click.option("--zone", "zone_name", default="UTC", show_default=True, help="What a time without a zone means.")
@click.option("--me", "own_addresses", metavar="MAIL", multiple=True, help="Your mail address, to find your answers.")
@click.option("--allow-private", is_flag=True, help="The address may lie in a private network or on this machine.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list, times in UTC.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file, for the rooms that only you have; default: onrecord.toml here, if there is one.",
)
def preview(
    address_or_file: str,
    from_text: str | None,
    to_text: str | None,
    zone_name: str,
    own_addresses: tuple[str, ...],
    *,
    allow_private: bool,
    as_json: bool,
    config_file: Path | None,
) -> None:
    """List the meetings of a calendar, and what the bot would do at each."""
    from calendar_sync.errors import AddressNotAllowed, CalendarError
    from calendar_sync.sync import CalendarSource, Window

    zone = _zone(zone_name)
    begins = SystemClock().now() if from_text is None else _moment(from_text, zone, "--from")
    ends = begins + _AHEAD if to_text is None else _moment(to_text, zone, "--to")
    if ends <= begins:
        raise click.UsageError("--to is not after --from")
    settings = read_settings(config_file, None, to_serve=False)
    source = CalendarSource(
        address=_as_address(address_or_file),
        own_addresses=frozenset(address.strip().lower() for address in own_addresses),
        time_zone=zone_name,
    )
    try:
        pages = asyncio.run(_read(source, Window(starts_at=begins, ends_at=ends), allow_private=allow_private))
    except AddressNotAllowed as error:
        raise click.ClickException(f"{error} Here: --allow-private.") from None
    except CalendarError as error:
        raise click.ClickException(_TRIED_AGAIN.sub(".", str(error))) from None
    found = _judged(pages, begins, ends, settings)
    if found.broken:
        what = "1 entry" if found.broken == 1 else f"{found.broken} entries"
        click.echo(f"{what} of the calendar can't be read, or repeats too often, and is left out", err=True)
    if as_json:
        click.echo(json.dumps([_told(meeting) for meeting in found.meetings], ensure_ascii=False))
    else:
        _show(found.meetings, zone)


def _as_address(text: str) -> str:
    """A file that is there is meant, whatever its name looks like."""
    path = Path(text)
    try:
        return path.absolute().as_uri() if path.exists() else text
    except OSError:  # too long for a file's name
        return text


async def _read(source: CalendarSource, window: Window, *, allow_private: bool) -> list[Page]:
    """Raises CalendarError."""
    from calendar_sync.fetching import FetchLimits
    from calendar_sync.ics import IcsCalendar

    calendar = IcsCalendar(FetchLimits(allow_private_addresses=allow_private), allow_files=True)
    return [page async for page in calendar.pages(source, None, window)]


def _judged(pages: Sequence[Page], begins: datetime, ends: datetime, settings: Settings) -> _Preview:
    from calendar_sync.planning import Schedule, decide, plan
    from config.wiring import planning_policy

    policy = planning_policy(settings)
    events = [
        event
        for page in pages
        for event in page.events
        if not event.is_cancelled
        and event.starts_at < ends
        and (event.starts_at >= begins or (event.ends_at is not None and event.ends_at > begins))
    ]
    meetings = {event.occurrence_key: decide(event, policy) for event in events}
    # what planning leaves out (all-day events without a link) is told all the same, with its reason
    for change in plan(events, {}, begins, policy, is_complete=True):
        if isinstance(change, Schedule):
            meetings[change.meeting.occurrence_key] = change.meeting
    ordered = sorted(meetings.values(), key=lambda meeting: (meeting.starts_at, meeting.title, meeting.occurrence_key))
    return _Preview(meetings=ordered, broken=sum(page.broken for page in pages))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, a folder, no name of a zone at all
        raise click.BadParameter(
            "there is no such time zone; give a name such as Europe/Warsaw", param_hint="--zone"
        ) from None


def _moment(text: str, zone: ZoneInfo, option: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "that is no moment; write it as 2026-11-26 or 2026-11-26T09:00:00Z", param_hint=option
        ) from None


def _told(meeting: PlannedOccurrence) -> dict[str, Any]:
    return {
        "title": meeting.title,
        "start": _rfc3339(meeting.starts_at),
        "end": None if meeting.ends_at is None else _rfc3339(meeting.ends_at),
        "platform": meeting.platform or None,
        "link": meeting.link,
        "decision": meeting.decision,
        "reason": meeting.reason,
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(meetings: Sequence[PlannedOccurrence], zone: ZoneInfo) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from calendar_sync.links import PLATFORM_NAMES, Platform
    from calendar_sync.planning import ALL_DAY

    if not meetings:
        click.echo("no meetings in that time")
        return
    table = Table("", "meeting", "where", "what the bot will do", box=None, header_style="bold", pad_edge=False)
    table.columns[0].no_wrap = True
    day = ""
    for meeting in meetings:
        starts_at = meeting.starts_at.astimezone(zone)
        ends_at = None if meeting.ends_at is None else meeting.ends_at.astimezone(zone)
        if f"{starts_at:%a %Y-%m-%d}" != day:
            day = f"{starts_at:%a %Y-%m-%d}"
            table.add_row(Text(day, style="bold"))
        table.add_row(
            Text("all day" if meeting.reason == ALL_DAY else _hours(starts_at, ends_at)),
            Text(meeting.title or "(no title)"),  # a stranger's words: no markup in them counts
            Text(PLATFORM_NAMES[Platform(meeting.platform)] if meeting.platform else ""),
            Text(meeting.reason, style="green" if meeting.decision == "record" else "dim"),
        )
    Console(highlight=False).print(table)
    joined = sum(meeting.decision == "record" for meeting in meetings)
    click.echo(f"\nTimes of {zone.key}. {len(meetings)} in all, {joined} with the bot; --json tells the links.")


def _hours(starts_at: datetime, ends_at: datetime | None) -> str:
    if ends_at is None:
        return f"{starts_at:%H:%M}"
    days = (ends_at.date() - starts_at.date()).days
    return f"{starts_at:%H:%M}–{ends_at:%H:%M}" + (f" +{days}d" if days else "")
