"""Gets the events of CalDAV resources, many at a time, and has them taken apart in a process of its own.

Decides what happens to one that spoils the whole answer or the whole reading: the batch is halved until it stands
alone, and is left out and counted. What could not be got is asked for again by the next pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

from calendar_sync.caldav_messages import DATA, ETAG, bodies_of
from calendar_sync.caldav_place import name_of
from calendar_sync.dav import DavServer, RequestRefused, ServerFault
from calendar_sync.errors import CalendarError, CalendarTooCostly, CalendarTooLarge, NotACalendar
from calendar_sync.isolated import Expanded, ReaderFailed, expand
from calendar_sync.multistatus import join
from calendar_sync.planning import CalendarEvent
from calendar_sync.sync import CalendarSource, Window

RESOURCES_A_REQUEST = 100
RESOURCES_A_READING = 400
BYTES_A_READING = 4_000_000
MAX_HALVINGS = 40  # of one pass; a server or a calendar that needs more is at fault itself

_One = TypeVar("_One")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One resource, and what it holds in the window."""

    name: str
    etag: str = ""
    events: tuple[CalendarEvent, ...] = ()
    broken: int = 0
    is_gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    name: str
    etag: str
    file: bytes


class Bodies:
    def __init__(self, server: DavServer, source: CalendarSource, window: Window, slots: asyncio.Semaphore) -> None:
        self.missed: list[str] = []  # hrefs
        self._server = server
        self._source = source
        self._window = window
        self._slots = slots
        self._halvings = 0

    async def of(self, hrefs: list[str]) -> AsyncIterator[list[Read]]:
        """In pieces, each resource once, or in `missed`. Raises CalendarError."""
        waiting: list[_Body] = []
        for start in range(0, len(hrefs), RESOURCES_A_REQUEST):
            gone, got = await self._get(hrefs[start : start + RESOURCES_A_REQUEST])
            waiting += got
            if gone:
                yield gone
            if len(waiting) >= RESOURCES_A_READING or sum(len(body.file) for body in waiting) >= BYTES_A_READING:
                yield await self._read(waiting)
                waiting = []
        if waiting:
            yield await self._read(waiting)

    async def _get(self, hrefs: list[str]) -> tuple[list[Read], list[_Body]]:
        gone: list[Read] = []
        got: list[_Body] = []
        batches = [hrefs]
        while batches:
            batch = batches.pop()
            try:
                answer = await self._server.report(self._source.address, bodies_of(batch), depth=None)
            except (CalendarTooLarge, NotACalendar, RequestRefused, ServerFault) as error:
                if isinstance(error, ServerFault) and error.status != 500:
                    raise  # overloaded, away: not a matter of what was asked
                self._count_halving(error)
                if len(batch) > 1:
                    batches += _halves(batch)
                else:
                    self.missed += batch
                continue
            found = {name_of(resource.url): resource for resource in answer.resources}
            for href in batch:
                name = name_of(join(self._source.address, href))
                resource = found.get(name)
                if resource is not None and resource.status in (404, 410):
                    gone.append(Read(name=name, is_gone=True))
                elif resource is None or not resource.text(DATA):
                    self.missed.append(href)
                else:
                    file = resource.text(DATA).encode()
                    got.append(_Body(name=name, etag=resource.text(ETAG), file=file))
        return gone, got

    async def _read(self, bodies: list[_Body]) -> list[Read]:
        read: list[Read] = []
        batches = [bodies]
        while batches:
            batch = batches.pop()
            try:
                answers = await self._expand(batch)
            except (ReaderFailed, CalendarTooCostly) as error:
                self._count_halving(error)
                if len(batch) > 1:
                    batches += _halves(batch)
                    continue
                answers = [error]
            unread: list[_Body] = []
            for body, answer in zip(batch, answers, strict=True):
                if isinstance(answer, CalendarTooCostly) and body is not batch[0]:
                    unread.append(body)  # those before it have used up what all of them may
                    continue
                events, broken = (answer.events, answer.broken) if isinstance(answer, Expanded) else ((), 1)
                read.append(Read(name=body.name, etag=body.etag, events=events, broken=broken))
            if unread:
                self._count_halving(CalendarTooCostly())
                batches.append(unread)
        return read

    async def _expand(self, bodies: list[_Body]) -> list[Expanded | CalendarError]:
        try:
            async with self._slots, asyncio.timeout(self._server.left_s()):
                return await expand([body.file for body in bodies], self._source, self._window)
        except TimeoutError:
            raise CalendarTooCostly from None

    def _count_halving(self, error: CalendarError) -> None:
        self._halvings += 1
        if self._halvings > MAX_HALVINGS:
            raise error


def _halves(batch: list[_One]) -> list[list[_One]]:
    middle = len(batch) // 2
    return [batch[middle:], batch[:middle]]
