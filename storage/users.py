"""Hosts and admins. Password hashes come from outside; nothing here hashes or compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from consent_notice.clock import Clock
from consent_notice.words import UserId
from storage.database import Database
from storage.errors import AlreadyStored, NotStored
from storage.host_rules import HostRules
from storage.schema import users

Role = Literal["host", "admin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: UserId
    email: str  # lower case
    name: str
    role: Role
    password_hash: str
    place: str = ""  # code of a jurisdiction; empty: they said nothing


class Users:
    def __init__(self, database: Database, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    async def create(self, *, email: str, name: str, role: Role, password_hash: str) -> User:
        """Raises AlreadyStored where the address is taken."""
        user = User(id=UserId(self._new_id()), email=_key(email), name=name, role=role, password_hash=password_hash)
        values = {
            "id": user.id,
            "email": user.email,
            "name": name,
            "role": role,
            "password_hash": password_hash,
            "created_at": self._clock.now(),
        }
        try:
            await self._database.write(lambda connection: connection.execute(insert(users).values(values)))
        except IntegrityError:
            raise AlreadyStored("couldn't add the user: that address has an account; sign in with it") from None
        return user

    async def by_email(self, email: str) -> User | None:
        query = select(users).where(users.c.email == _key(email))
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return _user(row) if row else None

    async def get(self, user_id: UserId) -> User | None:
        query = select(users).where(users.c.id == user_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return _user(row) if row else None

    async def list(self) -> list[User]:
        """By name."""
        query = select(users).order_by(users.c.name, users.c.id)
        return [_user(row) for row in await self._database.read(lambda connection: connection.execute(query).all())]

    async def any_admin(self) -> bool:
        query = select(users.c.id).where(users.c.role == "admin").limit(1)
        return await self._database.read(lambda connection: connection.execute(query).first()) is not None

    async def set_password(self, user_id: UserId, password_hash: str) -> None:
        """Raises NotStored."""
        change = update(users).where(users.c.id == user_id).values(password_hash=password_hash)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    async def set_place(self, user_id: UserId, place: str) -> None:
        """`place` is a code of the table of jurisdictions, or empty. Raises NotStored."""
        change = update(users).where(users.c.id == user_id).values(place=place)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    async def host_rules(self, user_id: UserId) -> HostRules:
        """Raises NotStored, BrokenRecord."""
        query = select(users.c.host_rules).where(users.c.id == user_id)
        stored = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        if stored is None:
            raise NotStored
        return HostRules.read(stored)

    async def set_host_rules(self, user_id: UserId, rules: HostRules) -> None:
        """Raises NotStored."""
        change = update(users).where(users.c.id == user_id).values(host_rules=rules.written())
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored


def _key(email: str) -> str:
    return email.strip().lower()


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id, email=row.email, name=row.name, role=row.role, password_hash=row.password_hash, place=row.place
    )
