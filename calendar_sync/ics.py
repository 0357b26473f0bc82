"""A calendar that is one iCalendar file, at an address or on this machine's disk.

Decides whether anything changed (ETag, and the hash of the body, as many servers ignore If-None-Match) and whether the
window has outgrown what was planned. `fetching` gets the file; `expansion` takes it apart in a process of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from calendar_sync.errors import (
    AddressNotUsable,
    CalendarCutOff,
    CalendarError,
    CalendarFileMissing,
    CalendarTooCostly,
    CalendarTooLarge,
    EmptyAnswer,
    NotACalendar,
)
from calendar_sync.fetching import Fetched, FetchLimits, NotChanged, fetch
from calendar_sync.links import LinkTexts
from calendar_sync.planning import CalendarEvent, OwnAnswer
from calendar_sync.sync import CalendarSource, Page, Window

EXPANSIONS_AT_ONCE = 2
EXPANSION_LIMIT_S = 60.0
SLACK = timedelta(days=1)  # so far past the window is planned, so that an unchanged file rests for a day

_EXPANSION = str(Path(__file__).with_name("expansion.py"))
_PROBLEMS: dict[str, type[CalendarError]] = {
    "not_a_calendar": NotACalendar,
    "cut_off": CalendarCutOff,
    "too_large": CalendarTooLarge,
    "too_costly": CalendarTooCostly,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    etag: str | None
    sha256: str
    planned_until: str  # ISO 8601
    broken: int


class IcsCalendar:
    """A CalendarProvider. Each pass that finds a change tells the whole window."""

    def __init__(self, limits: FetchLimits, *, allow_files: bool = False) -> None:
        self._limits = limits
        self._allow_files = allow_files  # a path names a file of the server: only for those who own it
        self._slots = asyncio.Semaphore(EXPANSIONS_AT_ONCE)

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        before = _State(**json.loads(state)) if state else None
        if before and datetime.fromisoformat(before.planned_until) < window.ends_at:
            before = None
        try:
            fetched = await self._get(source.address, before.etag if before else None)
        except NotChanged:
            assert before is not None
            yield Page(broken=before.broken, next_state=state, is_last=True)
            return
        sha256 = hashlib.sha256(fetched.body).hexdigest()
        if before and sha256 == before.sha256:
            after = _State(etag=fetched.etag, sha256=sha256, planned_until=before.planned_until, broken=before.broken)
            yield Page(broken=before.broken, next_state=json.dumps(asdict(after)), is_last=True)
            return
        planned_until = window.ends_at + SLACK
        events, broken = await self._expand(fetched.body, source, window.starts_at, planned_until)
        after = _State(etag=fetched.etag, sha256=sha256, planned_until=planned_until.isoformat(), broken=broken)
        yield Page(events=events, broken=broken, next_state=json.dumps(asdict(after)), is_last=True, is_complete=True)

    async def _get(self, address: str, etag: str | None) -> Fetched:
        scheme = urlsplit(address.strip()).scheme.lower()
        if scheme in ("http", "https", "webcal", "webcals"):
            return await fetch(address, self._limits, etag=etag)
        if not self._allow_files or scheme not in ("", "file"):
            raise AddressNotUsable
        path = Path(unquote(urlsplit(address).path) if scheme == "file" else address)
        return await asyncio.to_thread(_read_file, path, self._limits.max_bytes)

    async def _expand(
        self, body: bytes, source: CalendarSource, starts_at: datetime, ends_at: datetime
    ) -> tuple[tuple[CalendarEvent, ...], int]:
        request = {
            "from": starts_at.astimezone(UTC).isoformat(),
            "to": ends_at.astimezone(UTC).isoformat(),
            "zone": source.time_zone,
            "own_addresses": sorted(source.own_addresses),
        }
        async with self._slots:
            answer = await _in_own_process(json.dumps(request).encode() + b"\n" + body)
        return await asyncio.to_thread(_events, answer)


def _read_file(path: Path, max_bytes: int) -> Fetched:
    try:
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except (OSError, ValueError):
        raise CalendarFileMissing from None
    if len(body) > max_bytes:
        raise CalendarTooLarge
    if not body.strip():
        raise EmptyAnswer
    return Fetched(body=body, etag=None)


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
        raise NotACalendar("the calendar can't be read: it made the reader fail; copy its address again")
    return answer


def _events(answer: bytes) -> tuple[tuple[CalendarEvent, ...], int]:
    told: dict[str, Any] = json.loads(answer)
    if "problem" in told:
        raise _PROBLEMS[told["problem"]]
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
            domains=frozenset(row["domains"]),
            texts=texts[row["texts"]],
        )
        for row in told["events"]
    )
    return events, told["broken"]
