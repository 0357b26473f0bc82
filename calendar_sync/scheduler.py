"""When which calendar is read; APScheduler keeps the times, tasks of one group do the work.

Only enabled calendars are read: one that was just switched on, or whose service tells of a change, at once, the others
every interval, a failing one ever later up to a limit. A calendar that was switched off is withdrawn. Any number of
calendars may fail without holding up the rest; what storage refuses ends the process, and its supervisor starts it
again.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass
from datetime import UTC, timedelta

import tenacity
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from calendar_sync.sync import CalendarSync, PassResult
from consent_notice.clock import Clock
from consent_notice.words import CalendarId
from storage.calendars import CalendarRow
from storage.store import Store

MAX_WAITING = 10_000  # one more is not queued but read an interval later

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    interval_s: float = 60.0
    look_s: float = 1.0  # how soon a switch is noticed
    first_retry_s: float = 5.0
    last_retry_s: float = 900.0
    jitter: float = 0.1  # of any wait, so that calendars of one server are not all read at once
    at_once: int = 8


@dataclass(slots=True, kw_only=True)
class _Watched:
    """What is remembered of an enabled calendar between its passes."""

    terms: tuple[object, ...]
    told_changes: int
    failures: int = 0
    is_waiting: bool = False
    is_being_read: bool = False
    read_again: bool = False
    from_scratch: bool = True  # the first pass of a process or after a switch; also heals what a crash left


class CalendarScheduler:
    def __init__(self, store: Store, sync: CalendarSync, clock: Clock, pace: Pace) -> None:
        self._store = store
        self._sync = sync
        self._clock = clock
        self._pace = pace
        self._watched: dict[CalendarId, _Watched] = {}
        self._withdrawn: set[CalendarId] = set()
        self._queue: asyncio.PriorityQueue[tuple[int, int, CalendarId]] = asyncio.PriorityQueue(MAX_WAITING)
        self._arrival = itertools.count()
        self._look_due = asyncio.Event()
        # late is better than never: the default skips a job that is a second late
        self._timer = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    async def run(self) -> None:
        """Until cancelled. Raises StorageError (in an ExceptionGroup)."""
        self._timer.add_job(self._look_now, IntervalTrigger(seconds=self._pace.look_s, timezone=UTC), id="look")
        self._look_due.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_looking())
            for _ in range(self._pace.at_once):
                group.create_task(self._keep_reading())
            self._timer.start()
            try:
                await asyncio.Event().wait()
            finally:
                self._timer.shutdown(wait=False)

    # ---- called by the timer: they only say that it is time --------------------------------------------------------

    async def _look_now(self) -> None:
        self._look_due.set()

    async def _read_now(self, calendar_id: CalendarId) -> None:
        self._enqueue(calendar_id, urgency=1)

    # ---- the switches ----------------------------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while True:
            await self._look_due.wait()
            self._look_due.clear()
            rows = await self._store.calendars.list()
            for row in rows:
                if row.enabled:
                    self._watch(row)
                elif row.id not in self._withdrawn:
                    self._forget(row.id)
                    await self._sync.withdraw(row.id)
                    self._withdrawn.add(row.id)
            there = {row.id for row in rows}
            for calendar_id in [each for each in self._watched if each not in there]:
                self._forget(calendar_id)
            self._withdrawn &= there

    def _watch(self, row: CalendarRow) -> None:
        terms = (row.provider, row.address, row.rule, row.fallback, row.language, row.policy, row.time_zone)
        watched = self._watched.get(row.id)
        if watched is None:
            self._watched[row.id] = _Watched(terms=terms, told_changes=row.told_changes)
            self._withdrawn.discard(row.id)
        elif watched.terms != terms:
            watched.terms, watched.failures, watched.from_scratch = terms, 0, True
        elif watched.told_changes != row.told_changes:
            watched.told_changes = row.told_changes
        else:
            return
        self._enqueue(row.id, urgency=0)

    def _forget(self, calendar_id: CalendarId) -> None:
        self._watched.pop(calendar_id, None)
        try:
            self._timer.remove_job(calendar_id)
        except JobLookupError:
            return

    # ---- the reading -----------------------------------------------------------------------------------------------

    def _enqueue(self, calendar_id: CalendarId, *, urgency: int) -> None:
        watched = self._watched.get(calendar_id)
        if watched is None:
            return
        if watched.is_being_read:
            watched.read_again = True
        elif not watched.is_waiting or urgency == 0:
            try:
                self._queue.put_nowait((urgency, next(self._arrival), calendar_id))
            except asyncio.QueueFull:
                log.warning("too many calendars wait to be read; calendar %s is read later", calendar_id)
                self._read_later(calendar_id, self._pace.interval_s)
                return
            watched.is_waiting = True

    async def _keep_reading(self) -> None:
        while True:
            _, _, calendar_id = await self._queue.get()
            watched = self._watched.get(calendar_id)
            if watched is None or not watched.is_waiting:
                continue  # switched off meanwhile, or queued twice and read already
            watched.is_waiting, watched.is_being_read, watched.read_again = False, True, False
            try:
                result = await self._read(calendar_id, watched)
            finally:
                watched.is_being_read = False
            if self._watched.get(calendar_id) is not watched:
                # switched off while it was read: what this pass may still have planned is withdrawn once more
                self._withdrawn.discard(calendar_id)
                self._look_due.set()
                continue
            if watched.read_again:
                self._enqueue(calendar_id, urgency=0)
            else:
                self._read_later(calendar_id, self._wait_s(watched, result))

    async def _read(self, calendar_id: CalendarId, watched: _Watched) -> PassResult:
        result = await self._sync.read(calendar_id, from_scratch=watched.from_scratch)
        if result.error is None:
            watched.failures = 0
            watched.from_scratch = not result.was_read
        else:
            watched.failures += 1
        return result

    def _wait_s(self, watched: _Watched, result: PassResult) -> float:
        if result.error is None:
            base_s = self._pace.interval_s
        else:
            growing = tenacity.wait_exponential(multiplier=self._pace.first_retry_s, max=self._pace.last_retry_s)
            base_s = max(growing(_attempt(watched.failures)), result.retry_after_s or 0.0)
        return base_s + tenacity.wait_random(0, base_s * self._pace.jitter)(_attempt(1))

    def _read_later(self, calendar_id: CalendarId, wait_s: float) -> None:
        self._timer.add_job(
            self._read_now,
            DateTrigger(self._clock.now() + timedelta(seconds=wait_s)),
            args=(calendar_id,),
            id=calendar_id,
            replace_existing=True,
        )


def _attempt(number: int) -> tenacity.RetryCallState:
    """What tenacity's waits want to be asked with."""
    state = tenacity.RetryCallState(retry_object=tenacity.Retrying(), fn=None, args=(), kwargs={})
    state.attempt_number = number
    return state
