"""Hosts' accounts with calendar services; their tokens lie sealed.

Connecting an account again keeps its calendars and begins a new `generation`: what still works with the tokens of an
older one can neither save theirs nor declare the account broken.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from consent_notice.clock import Clock
from consent_notice.words import UserId
from storage.database import Database
from storage.disconnecting import forget_calendars, forget_left_behind
from storage.errors import NotStored
from storage.schema import accounts, calendars
from storage.vault import Vault

_CREDENTIALS = "calendar account"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    id: str
    host_id: UserId
    provider: str
    name: str  # as the service calls it, usually a mail address
    tenant: str  # the organisation's id, or the server; empty where the name alone says which account it is
    own_addresses: frozenset[str]
    credentials: str = field(repr=False)
    is_wider: bool
    generation: int
    problem: str  # for the host; not empty: it has to be connected again
    connected_at: datetime


class Accounts:
    def __init__(self, database: Database, vault: Vault, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

    async def connect(
        self,
        *,
        host_id: UserId,
        provider: str,
        name: str,
        own_addresses: frozenset[str],
        credentials: str,
        is_wider: bool,
        tenant: str = "",
    ) -> AccountRow:
        """A host's account of this name there, connected for the first time or again."""

        def work(connection: Connection) -> Row[Any]:
            same = and_(
                accounts.c.host_id == host_id,
                accounts.c.provider == provider,
                accounts.c.tenant == tenant,
                accounts.c.name == name,
            )
            found = connection.execute(select(accounts).where(same)).first()
            account_id = found.id if found else self._new_id()
            values = {
                "own_addresses": json.dumps(sorted(own_addresses)),
                "credentials_sealed": self._vault.seal(_CREDENTIALS, account_id, credentials),
                "is_wider": is_wider,
                "generation": found.generation + 1 if found else 1,
                "problem": "",
                "connected_at": self._clock.now(),
            }
            if found:
                change = update(accounts).where(accounts.c.id == account_id).values(values)
                return connection.execute(change.returning(*accounts.c)).one()
            values |= {"id": account_id, "host_id": host_id, "provider": provider, "tenant": tenant, "name": name}
            return connection.execute(insert(accounts).values(values).returning(*accounts.c)).one()

        return self._row(await self._database.write(work))

    async def list(self, host_id: UserId | None = None) -> list[AccountRow]:
        """One host's, or all; oldest first."""
        query = select(accounts).order_by(accounts.c.connected_at, accounts.c.id)
        if host_id is not None:
            query = query.where(accounts.c.host_id == host_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [self._row(row) for row in rows]

    async def get(self, account_id: str) -> AccountRow | None:
        query = select(accounts).where(accounts.c.id == account_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return self._row(row) if row else None

    async def save_credentials(self, account_id: str, generation: int, credentials: str) -> None:
        """Durable on return. Raises NotStored where it was disconnected or connected again meanwhile."""
        sealed = self._vault.seal(_CREDENTIALS, account_id, credentials)
        await self._change(_of(account_id, generation), {"credentials_sealed": sealed})

    async def mark_broken(self, account_id: str, generation: int, problem: str) -> None:
        """`problem`: for the host, until they connect again. Where they did so meanwhile, nothing is marked."""
        change = update(accounts).where(_of(account_id, generation)).values(problem=problem)
        await self._database.write(lambda connection: connection.execute(change))

    async def disconnect(self, account_id: str) -> None:
        """Tokens, calendars and everything synced are gone on return, but for what `disconnecting` keeps."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            theirs = select(calendars.c.id).where(calendars.c.account_id == account_id)
            forget_calendars(connection, connection.execute(theirs).scalars().all(), now)
            connection.execute(delete(accounts).where(accounts.c.id == account_id))

        await self._database.write(work)

    async def forget_left_behind(self) -> int:
        """What was running when its calendar went, and is over now; how many rows it changed."""
        now = self._clock.now()
        return await self._database.write(lambda connection: forget_left_behind(connection, now))

    async def _change(self, which: ColumnElement[bool], values: dict[str, Any]) -> None:
        change = update(accounts).where(which).values(values)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    def _row(self, row: Row[Any]) -> AccountRow:
        return AccountRow(
            id=row.id,
            host_id=row.host_id,
            provider=row.provider,
            name=row.name,
            tenant=row.tenant,
            own_addresses=frozenset(json.loads(row.own_addresses)),
            credentials=self._vault.unseal(_CREDENTIALS, row.id, row.credentials_sealed),
            is_wider=row.is_wider,
            generation=row.generation,
            problem=row.problem,
            connected_at=row.connected_at,
        )


def _of(account_id: str, generation: int) -> ColumnElement[bool]:
    return and_(accounts.c.id == account_id, accounts.c.generation == generation)
