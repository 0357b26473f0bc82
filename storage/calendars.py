"""Connected calendars: off until their host switches them on; addresses and cursors lie sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from consent_notice.clock import Clock
from consent_notice.words import CalendarId, Rule, UserId
from storage.database import Database
from storage.errors import NotStored
from storage.schema import calendars, meetings
from storage.vault import Vault

_ADDRESS = "calendar address"
_STATE = "calendar sync state"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRow:
    id: CalendarId
    host_id: UserId
    provider: str
    title: str
    address: str
    enabled: bool
    rule: Rule
    fallback: Rule | None  # when not everyone agrees; None: the bot leaves
    language: str
    sync_state: str | None  # the provider's own cursor
    last_synced_at: datetime | None
    last_error: str | None  # for the host; None after a good pass
    broken_events: int


class Calendars:
    def __init__(self, database: Database, vault: Vault, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

    async def add(
        self,
        *,
        host_id: UserId,
        provider: str,
        title: str,
        address: str,
        rule: Rule,
        language: str,
        fallback: Rule | None = None,
    ) -> CalendarRow:
        """Switched off until the host says otherwise."""
        row = CalendarRow(
            id=CalendarId(self._new_id()),
            host_id=host_id,
            provider=provider,
            title=title,
            address=address,
            enabled=False,
            rule=rule,
            fallback=fallback,
            language=language,
            sync_state=None,
            last_synced_at=None,
            last_error=None,
            broken_events=0,
        )
        values = {
            "id": row.id,
            "host_id": host_id,
            "provider": provider,
            "title": title,
            "address_sealed": self._vault.seal(_ADDRESS, row.id, address),
            "enabled": False,
            "rule": rule.value,
            "fallback": fallback.value if fallback else "",
            "language": language,
            "broken_events": 0,
            "created_at": self._clock.now(),
        }
        await self._database.write(lambda connection: connection.execute(insert(calendars).values(values)))
        return row

    async def list(self, host_id: UserId | None = None) -> list[CalendarRow]:
        """One host's, or all; oldest first."""
        query = select(calendars).order_by(calendars.c.created_at, calendars.c.id)
        if host_id is not None:
            query = query.where(calendars.c.host_id == host_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [self._row(row) for row in rows]

    async def get(self, calendar_id: CalendarId) -> CalendarRow | None:
        query = select(calendars).where(calendars.c.id == calendar_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return self._row(row) if row else None

    async def set_enabled(self, calendar_id: CalendarId, enabled: bool) -> None:
        await self._change(calendar_id, {"enabled": enabled})

    async def set_rule(self, calendar_id: CalendarId, rule: Rule, fallback: Rule | None = None) -> None:
        """For meetings planned from now on and those not yet begun."""
        await self._change(calendar_id, {"rule": rule.value, "fallback": fallback.value if fallback else ""})

    async def save_sync(self, calendar_id: CalendarId, sync_state: str | None, error: str | None, broken: int) -> None:
        """After a pass; a failed one (`error`) keeps the cursor and the time of the last good one."""
        if error is not None:
            await self._change(calendar_id, {"last_error": error, "broken_events": broken})
            return
        sealed = None if sync_state is None else self._vault.seal(_STATE, calendar_id, sync_state)
        await self._change(
            calendar_id,
            {
                "sync_state_sealed": sealed,
                "last_error": None,
                "broken_events": broken,
                "last_synced_at": self._clock.now(),
            },
        )

    async def delete(self, calendar_id: CalendarId) -> None:
        """Its meetings that have not begun go with it; the others stay, without a calendar."""
        waiting = delete(meetings).where(
            meetings.c.calendar_id == calendar_id, meetings.c.state.in_(("planned", "due", "cancelled", "missed"))
        )
        gone = delete(calendars).where(calendars.c.id == calendar_id)
        await self._database.write(lambda connection: (connection.execute(waiting), connection.execute(gone)))

    async def _change(self, calendar_id: CalendarId, values: dict[str, Any]) -> None:
        change = update(calendars).where(calendars.c.id == calendar_id).values(values)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    def _row(self, row: Row[Any]) -> CalendarRow:
        state = row.sync_state_sealed
        return CalendarRow(
            id=row.id,
            host_id=row.host_id,
            provider=row.provider,
            title=row.title,
            address=self._vault.unseal(_ADDRESS, row.id, row.address_sealed),
            enabled=row.enabled,
            rule=Rule(row.rule),
            fallback=Rule(row.fallback) if row.fallback else None,
            language=row.language,
            sync_state=None if state is None else self._vault.unseal(_STATE, row.id, state),
            last_synced_at=row.last_synced_at,
            last_error=row.last_error,
            broken_events=row.broken_events,
        )
