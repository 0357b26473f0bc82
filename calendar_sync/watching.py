"""Has calendar services tell of changes: an order for each enabled calendar, renewed when half of its life is over, and
ended when the calendar goes off.

Only a help: polling goes on whatever happens here, so a service that takes no order costs nothing but haste.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from calendar_sync.accounts import AccessRevoked, PushProvider, Watch
from calendar_sync.errors import CalendarError
from calendar_sync.sync import CalendarSync, credentials_of
from consent_notice.clock import Clock
from consent_notice.words import CalendarId
from storage.calendars import CalendarRow
from storage.errors import NotStored
from storage.store import Store
from storage.watches import WatchRow

LOOK_S = 20.0
RENEW_BEFORE = timedelta(hours=24)  # of one whose whole life is not known, after a restart
FIRST_RETRY_S, LAST_RETRY_S = 60.0, 3_600.0

log = logging.getLogger(__name__)


class WatchKeeper:
    def __init__(
        self,
        store: Store,
        sync: CalendarSync,
        services: Mapping[str, PushProvider],
        clock: Clock,
        *,
        public_url: str,
        new_secret: Callable[[], str],
    ) -> None:
        """`public_url`: https, and reachable for the services."""
        self._store = store
        self._sync = sync
        self._services = services
        self._clock = clock
        self._public_url = public_url
        self._new_secret = new_secret
        self._renew_at: dict[CalendarId, datetime] = {}
        self._failures: dict[CalendarId, int] = {}
        self._try_at: dict[CalendarId, datetime] = {}

    async def run(self) -> None:
        """Until cancelled. Raises StorageError."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Once. Raises StorageError; a service's trouble is its own and is tried again, later each time."""
        rows = {row.id: row for row in await self._store.calendars.list() if self._can_be_watched(row)}
        kept = {watch.calendar_id: watch for watch in await self._store.watches.list()}
        for calendar_id in [each for each in self._failures if each not in rows]:
            self._settled(calendar_id)
        for row in rows.values():
            await self._attempt(row, kept.get(row.id))
        for watch in kept.values():
            if watch.calendar_id not in rows:
                await self._end(watch)

    def _can_be_watched(self, row: CalendarRow) -> bool:
        return row.enabled and row.account_id is not None and row.provider in self._services

    async def _attempt(self, row: CalendarRow, kept: WatchRow | None) -> None:
        now = self._clock.now()
        if kept is not None and now < min(self._renew_at.get(row.id, kept.expires_at - RENEW_BEFORE), kept.expires_at):
            return
        if now < self._try_at.get(row.id, now):
            return
        assert row.account_id is not None
        service = self._services[row.provider]
        try:
            async with self._sync.speaking_for(row.account_id) as account:
                credentials = credentials_of(account, self._store)
                if kept is None:
                    address = f"{self._public_url}/push/{row.provider}"
                    watch = await service.watch(credentials, row.address, address=address, secret=self._new_secret())
                else:
                    watch = await service.renew(credentials, as_watch(kept, row.address))
            await self._store.watches.keep(
                calendar_id=row.id,
                provider=row.provider,
                remote_id=watch.id,
                secret=watch.secret,
                extra=watch.extra,
                expires_at=watch.expires_at,
            )
        except NotStored:  # disconnected meanwhile
            return
        except CalendarError as error:
            await self._failed(row.id, kept, error)
        else:
            self._settled(row.id)
            self._renew_at[row.id] = now + (watch.expires_at - now) / 2

    async def _failed(self, calendar_id: CalendarId, kept: WatchRow | None, error: CalendarError) -> None:
        failures = self._failures[calendar_id] = self._failures.get(calendar_id, 0) + 1
        wait_s = max(min(FIRST_RETRY_S * 2 ** (failures - 1), LAST_RETRY_S), error.retry_after_s or 0.0)
        self._try_at[calendar_id] = self._clock.now() + timedelta(seconds=wait_s)
        log.info("calendar %s is not watched: %s", calendar_id, type(error).__name__)
        if kept is not None and self._clock.now() >= kept.expires_at and not isinstance(error, AccessRevoked):
            await self._store.watches.forget(kept.id)  # it has ended; the next try orders a new one

    async def _end(self, watch: WatchRow) -> None:
        """Of a calendar that is off. What the service does not take back ends by itself, and counts no more here."""
        row = await self._store.calendars.get(watch.calendar_id)
        service = self._services.get(watch.provider)
        try:
            if row is not None and row.account_id is not None and service is not None:
                async with self._sync.speaking_for(row.account_id) as account:
                    await service.unwatch(credentials_of(account, self._store), as_watch(watch, row.address))
        except (CalendarError, NotStored) as error:
            log.info("calendar %s could not be unwatched: %s", watch.calendar_id, type(error).__name__)
        await self._store.watches.forget(watch.id)
        self._settled(watch.calendar_id)

    def _settled(self, calendar_id: CalendarId) -> None:
        for known in (self._renew_at, self._failures, self._try_at):
            known.pop(calendar_id, None)


def as_watch(row: WatchRow, calendar_key: str) -> Watch:
    return Watch(
        id=row.remote_id, calendar_key=calendar_key, secret=row.secret, expires_at=row.expires_at, extra=row.extra
    )
