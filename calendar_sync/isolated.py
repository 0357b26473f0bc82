"""Takes calendar files apart in a process of its own, and reads its answer with suspicion.

Decides what that process may see and how long it may run; `expansion`, which runs there, knows the rest. One file that
can't be read is told beside the others.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calendar_sync.errors import CalendarCutOff, CalendarError, CalendarTooCostly, CalendarTooLarge, NotACalendar
from calendar_sync.links import LinkTexts
from calendar_sync.planning import CalendarEvent, OwnAnswer
from calendar_sync.sync import CalendarSource, Window

EXPANSION_LIMIT_S = 60.0

_EXPANSION = str(Path(__file__).with_name("expansion.py"))
_PROBLEMS: dict[str, type[CalendarError]] = {
    "not_a_calendar": NotACalendar,
    "cut_off": CalendarCutOff,
    "too_large": CalendarTooLarge,
    "too_costly": CalendarTooCostly,
}


class ReaderFailed(NotACalendar):
    """The calendar can't be read: it made the reader fail. Copy its address again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """What one file holds in the window."""

    events: tuple[CalendarEvent, ...]
    broken: int


async def expand(files: Sequence[bytes], source: CalendarSource, window: Window) -> list[Expanded | CalendarError]:
    """One answer a file, in their order. Raises ReaderFailed and CalendarTooCostly for all of them."""
    request = {
        "from": window.starts_at.astimezone(UTC).isoformat(),
        "to": window.ends_at.astimezone(UTC).isoformat(),
        "zone": source.time_zone,
        "own_addresses": sorted(source.own_addresses),
        "sizes": [len(file) for file in files],
    }
    answer = await _in_own_process(b"".join([json.dumps(request).encode(), b"\n", *files]))
    return await asyncio.to_thread(_expanded, answer)


async def _in_own_process(request: bytes) -> bytes:
    """Isolated (-I) and with an empty environment: what reads a stranger's file gets nothing else to read."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        _EXPANSION,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback could quote the calendar
        env={},
    )
    try:
        async with asyncio.timeout(EXPANSION_LIMIT_S):
            answer, _ = await process.communicate(request)
    except TimeoutError:
        raise CalendarTooCostly from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise ReaderFailed
    return answer


def _expanded(answer: bytes) -> list[Expanded | CalendarError]:
    return [_PROBLEMS[told["problem"]]() if "problem" in told else _events(told) for told in json.loads(answer)]


def _events(told: dict[str, Any]) -> Expanded:
    texts = [
        LinkTexts(
            conference=tuple(each["conference"]),
            url=each["url"],
            location=each["location"],
            description=each["description"],
        )
        for each in told["texts"]
    ]
    events = tuple(
        CalendarEvent(
            occurrence_key=row["occurrence_key"],
            series=row["series"],
            title=row["title"],
            organiser=row["organiser"],
            starts_at=datetime.fromisoformat(row["starts_at"]),
            ends_at=None if row["ends_at"] is None else datetime.fromisoformat(row["ends_at"]),
            is_all_day=row["is_all_day"],
            is_cancelled=row["is_cancelled"],
            own_answer=OwnAnswer(row["own_answer"]),
            is_organised_by_host=row["is_organised_by_host"],
            domains=frozenset(row["domains"]),
            texts=texts[row["texts"]],
        )
        for row in told["events"]
    )
    return Expanded(events=events, broken=told["broken"])
