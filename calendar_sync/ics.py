"""A calendar that is one iCalendar file, at an address or on this machine's disk.

Decides whether anything changed (ETag, and the hash of the body, as many servers ignore If-None-Match) and whether the
window has outgrown what was planned. `fetching` gets the file; `isolated` takes it apart.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from calendar_sync.errors import (
    AddressNotUsable,
    CalendarError,
    CalendarFileMissing,
    CalendarTooLarge,
    EmptyAnswer,
)
from calendar_sync.fetching import Fetched, FetchLimits, NotChanged, fetch
from calendar_sync.isolated import expand
from calendar_sync.sync import CalendarSource, Page, Window

EXPANSIONS_AT_ONCE = 2
SLACK = timedelta(days=1)  # so far past the window is planned, so that an unchanged file rests for a day


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
        window = Window(starts_at=window.starts_at, ends_at=planned_until)
        async with self._slots:
            (expanded,) = await expand([fetched.body], source, window)
        if isinstance(expanded, CalendarError):
            raise expanded
        after = _State(
            etag=fetched.etag, sha256=sha256, planned_until=planned_until.isoformat(), broken=expanded.broken
        )
        yield Page(
            events=expanded.events,
            broken=expanded.broken,
            next_state=json.dumps(asdict(after)),
            is_last=True,
            is_complete=True,
        )

    async def _get(self, address: str, etag: str | None) -> Fetched:
        scheme = urlsplit(address.strip()).scheme.lower()
        if scheme in ("http", "https", "webcal", "webcals"):
            return await fetch(address, self._limits, etag=etag)
        if not self._allow_files or scheme not in ("", "file"):
            raise AddressNotUsable
        path = Path(unquote(urlsplit(address).path) if scheme == "file" else address)
        return await asyncio.to_thread(_read_file, path, self._limits.max_bytes)


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
