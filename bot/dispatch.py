"""Due meetings become visits: claims what is due or was abandoned, and runs each visit until it ends.

At most one bot a meeting: the claim is fenced in storage. A meeting that began while nothing ran is joined late; one
that is over is marked as missed. What changes until the claim counts: the visit begins with what stands then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from bot.runner import STALE_AFTER_MS, BotParts, VisitRunner, close_interrupted
from consent_notice.words import MeetingId
from storage.errors import StorageError
from storage.meetings import MeetingRow

log = structlog.get_logger()

LOOK_EVERY_S = 0.5
VISITS_AT_ONCE = 20


class Dispatcher:
    """The main loop of the `bots` role."""

    def __init__(self, parts: BotParts, *, join_early_s: int) -> None:
        self._parts = parts
        self._join_early_s = join_early_s
        self._running: set[MeetingId] = set()

    async def run(self) -> None:
        """Until cancelled; then every bot leaves its room and its books are closed as far as they go."""
        async with asyncio.TaskGroup() as visits:
            while True:
                try:
                    await self._look(visits)
                except StorageError as error:
                    log.warning("dispatch_failed", error=type(error).__name__, detail=str(error))
                await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self, visits: asyncio.TaskGroup) -> None:
        meetings, clock = self._parts.store.meetings, self._parts.clock
        now = clock.now()
        missed = await meetings.mark_missed(now)
        if missed:
            log.warning("meetings_missed", count=missed)
        for meeting in await meetings.abandoned(STALE_AFTER_MS):
            if meeting.id in self._running:
                continue
            if meeting.recall is not None or (meeting.ends_at is not None and meeting.ends_at <= now):
                self._running.add(meeting.id)
                visits.create_task(self._alone(meeting, close_interrupted(self._parts, meeting)))
            else:
                await self._begin(visits, meeting)
        for meeting in await meetings.due(now, self._join_early_s):
            if meeting.id not in self._running:
                await self._begin(visits, meeting)

    async def _begin(self, visits: asyncio.TaskGroup, meeting: MeetingRow) -> None:
        if len(self._running) >= VISITS_AT_ONCE:
            log.warning("too_many_visits", limit=VISITS_AT_ONCE)
            return
        meetings = self._parts.store.meetings
        epoch = await meetings.claim(meeting.id, self._parts.owner, STALE_AFTER_MS, due_within_s=self._join_early_s)
        if epoch is None:
            return
        claimed = await meetings.get(meeting.id) or meeting  # its link may be another one since it was found
        self._running.add(meeting.id)
        visits.create_task(self._alone(meeting, VisitRunner(self._parts, claimed, epoch).run()))

    async def _alone(self, meeting: MeetingRow, work: Coroutine[Any, Any, None]) -> None:
        """One visit's failure is its own; the others go on."""
        try:
            await work
        except Exception as error:
            log.exception("visit_failed", meeting=meeting.id, error=type(error).__name__)
        finally:
            self._running.discard(meeting.id)
