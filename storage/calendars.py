"""Connected calendars: off until their host switches them on; addresses and cursors lie sealed.

Those of an account come and go with it. What a deleted calendar leaves behind is decided in `disconnecting`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, insert, or_, select, update

from consent_notice.clock import Clock
from consent_notice.words import CalendarId, Rule, UserId
from storage.calendar_policy import CalendarPolicy
from storage.database import Database
from storage.disconnecting import forget_calendars
from storage.errors import NotStored
from storage.meeting_rows import MeetingState
from storage.schema import accounts, calendars, meetings, visits
from storage.vault import Vault

_ADDRESS = "calendar address"
_STATE = "calendar sync state"
SWITCHED_OFF = "you switched this calendar off"


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
    account_id: str | None = None  # None: connected by its address alone
    time_zone: str = "UTC"  # of times that name none
    is_others: bool = False  # somebody else's, shared with the host
    needs_wider: bool = False  # the narrow scope does not reach it
    policy: CalendarPolicy = field(default_factory=CalendarPolicy)
    last_used_at: datetime | None = None
    warned_at: datetime | None = None
    off_because: str = ""  # why it went off by itself; empty: it did not
    told_changes: int = 0  # grows with each notice of change


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
        account_id: str | None = None,
        time_zone: str = "UTC",
        is_others: bool = False,
        needs_wider: bool = False,
    ) -> CalendarRow:
        """Switched off until the host says otherwise. Raises NotStored where its account is gone."""
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
            account_id=account_id,
            time_zone=time_zone,
            is_others=is_others,
            needs_wider=needs_wider,
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
            "account_id": account_id,
            "time_zone": time_zone,
            "is_others": is_others,
            "needs_wider": needs_wider,
        }

        def work(connection: Connection) -> None:
            its_account = select(accounts.c.id).where(accounts.c.id == account_id, accounts.c.host_id == host_id)
            if account_id is not None and connection.execute(its_account).first() is None:
                raise NotStored
            connection.execute(insert(calendars).values(values))

        await self._database.write(work)
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

    async def set_enabled(self, calendar_id: CalendarId, enabled: bool, *, because: str = "") -> None:
        """Switched off, its bots leave at once, but for meetings that the host asked for by hand. `because`: why it
        goes off by itself. Raises NotStored.
        """
        values: dict[str, Any] = {"enabled": enabled, "off_because": because, "warned_at": None}
        if enabled:
            values["last_used_at"] = self._clock.now()
            # what was on while it was off was not missed
            values["last_synced_at"] = case((calendars.c.enabled, calendars.c.last_synced_at), else_=None)
        switch = update(calendars).where(calendars.c.id == calendar_id).values(values)
        call_back = (
            update(meetings)
            .where(
                meetings.c.calendar_id == calendar_id,
                meetings.c.state == MeetingState.VISITING.value,
                meetings.c.override.is_distinct_from("record"),
                meetings.c.recall.is_(None),
            )
            .values(recall=because or SWITCHED_OFF)
        )

        def work(connection: Connection) -> None:
            if not connection.execute(switch).rowcount:
                raise NotStored
            if not enabled:
                connection.execute(call_back)

        await self._database.write(work)

    async def set_language(self, calendar_id: CalendarId, language: str) -> None:
        """Of the notice, for meetings that have not begun. Raises NotStored."""
        await self._change(calendar_id, {"language": language})

    async def set_policy(self, calendar_id: CalendarId, policy: CalendarPolicy) -> None:
        """Raises NotStored."""
        await self._change(calendar_id, policy.columns())

    async def describe(
        self, calendar_id: CalendarId, *, title: str, time_zone: str, is_others: bool, needs_wider: bool
    ) -> None:
        """As its service tells it now. Raises NotStored."""
        told = {"title": title, "time_zone": time_zone, "is_others": is_others, "needs_wider": needs_wider}
        await self._change(calendar_id, told)

    async def note_change(self, calendar_id: CalendarId) -> None:
        """Its service says that something changed: whoever watches `told_changes` reads it now. Raises NotStored."""
        await self._change(calendar_id, {"told_changes": calendars.c.told_changes + 1})

    async def note_use(self, host_id: UserId) -> None:
        """The host is there: what they switched on is not forgotten."""
        used = {"last_used_at": self._clock.now(), "warned_at": None}
        change = update(calendars).where(calendars.c.host_id == host_id, calendars.c.enabled).values(used)
        await self._database.write(lambda connection: connection.execute(change))

    async def note_recording(self, calendar_id: CalendarId, at: datetime) -> None:
        """Something of it was recorded at `at`; an older time changes nothing."""
        older = or_(calendars.c.last_used_at.is_(None), calendars.c.last_used_at < at)
        change = update(calendars).where(and_(calendars.c.id == calendar_id, older))
        used = {"last_used_at": at, "warned_at": None}
        await self._database.write(lambda connection: connection.execute(change.values(used)))

    async def recorded_at(self) -> dict[CalendarId, datetime]:
        """When something of each calendar was kept last; those of which nothing ever was are not in it."""
        query = (
            select(meetings.c.calendar_id, func.max(visits.c.started_at).label("at"))
            .join(visits, visits.c.meeting_id == meetings.c.id)
            .where(visits.c.kept_ms > 0, meetings.c.calendar_id.is_not(None))
            .group_by(meetings.c.calendar_id)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {CalendarId(row.calendar_id): row.at for row in rows}

    async def note_warning(self, calendar_id: CalendarId) -> None:
        """Raises NotStored."""
        await self._change(calendar_id, {"warned_at": self._clock.now()})

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
        """With everything synced from it, but for what a kept recording needs to name itself; bots that are in one of
        its meetings leave.
        """
        now = self._clock.now()
        await self._database.write(lambda connection: forget_calendars(connection, [calendar_id], now))

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
            account_id=row.account_id,
            time_zone=row.time_zone,
            is_others=row.is_others,
            needs_wider=row.needs_wider,
            policy=CalendarPolicy.read(row),
            last_used_at=row.last_used_at,
            warned_at=row.warned_at,
            off_because=row.off_because,
            told_changes=row.told_changes,
        )
