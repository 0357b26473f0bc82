"""Orders to be told of changes in a calendar, one a calendar; their secrets lie sealed.

A notice is believed only with its watch's secret; it says that something changed, and never what.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, select, update

from consent_notice.words import CalendarId
from storage.database import Database
from storage.errors import NotStored
from storage.schema import calendars, watches
from storage.vault import Vault

_SECRET, _EXTRA = "watch secret", "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRow:
    id: str
    calendar_id: CalendarId
    provider: str
    remote_id: str  # the service's
    secret: str = field(repr=False)
    extra: Mapping[str, str] = field(repr=False)  # what renewing and ending it needs besides
    expires_at: datetime


class Watches:
    def __init__(self, database: Database, vault: Vault, new_id: Callable[[], str]) -> None:
        self._database = database
        self._vault = vault
        self._new_id = new_id

    async def keep(
        self,
        *,
        calendar_id: CalendarId,
        provider: str,
        remote_id: str,
        secret: str,
        extra: Mapping[str, str],
        expires_at: datetime,
    ) -> None:
        """Instead of the one that the calendar had. Raises NotStored where the calendar is gone."""
        watch_id = self._new_id()
        values = {
            "id": watch_id,
            "calendar_id": calendar_id,
            "provider": provider,
            "remote_id": remote_id,
            "secret_sealed": self._vault.seal(_SECRET, watch_id, secret),
            "extra_sealed": self._vault.seal(_EXTRA, watch_id, json.dumps(dict(extra))),
            "expires_at": expires_at,
        }

        def work(connection: Connection) -> None:
            if connection.execute(select(calendars.c.id).where(calendars.c.id == calendar_id)).first() is None:
                raise NotStored
            connection.execute(delete(watches).where(watches.c.calendar_id == calendar_id))
            connection.execute(insert(watches).values(values))

        await self._database.write(work)

    async def list(self) -> list[WatchRow]:
        """All, soonest to expire first."""
        query = select(watches).order_by(watches.c.expires_at, watches.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [self._row(row) for row in rows]

    async def take_notice(self, provider: str, remote_id: str, secret: str) -> WatchRow | None:
        """Whose notice this is, and its calendar marked to be read now; None where it is not ours."""
        found = await self.find(provider, remote_id, secret)
        if found is not None:
            told = update(calendars).where(calendars.c.id == found.calendar_id)
            counted = told.values(told_changes=calendars.c.told_changes + 1)
            await self._database.write(lambda connection: connection.execute(counted))
        return found

    async def find(self, provider: str, remote_id: str, secret: str) -> WatchRow | None:
        if not (remote_id.isascii() and secret.isascii()):  # no watch's; half a character could not even be looked up
            return None
        query = select(watches).where(and_(watches.c.provider == provider, watches.c.remote_id == remote_id))
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        watch = self._row(row)
        return watch if hmac.compare_digest(watch.secret.encode(), secret.encode()) else None

    async def renew_now(self, watch_id: str, now: datetime) -> None:
        """Its service wants it renewed, or has ended it: whoever looks after watches takes it up at once."""
        change = update(watches).where(watches.c.id == watch_id).values(expires_at=now)
        await self._database.write(lambda connection: connection.execute(change))

    async def forget(self, watch_id: str) -> None:
        await self._database.write(
            lambda connection: connection.execute(delete(watches).where(watches.c.id == watch_id))
        )

    def _row(self, row: Row[Any]) -> WatchRow:
        return WatchRow(
            id=row.id,
            calendar_id=row.calendar_id,
            provider=row.provider,
            remote_id=row.remote_id,
            secret=self._vault.unseal(_SECRET, row.id, row.secret_sealed),
            extra=json.loads(self._vault.unseal(_EXTRA, row.id, row.extra_sealed)),
            expires_at=row.expires_at,
        )
