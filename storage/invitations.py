"""The public page of a meeting, or of its series, on which guests may answer ahead: its secret token, and what it is.

One for each meeting or series and host, made when it is first wanted. The token is looked up by its hash and lies
sealed. What is answered there is kept by `agreements`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, select
from sqlalchemy.dialects.sqlite import insert

from consent_notice.ahead import Covers
from consent_notice.words import MeetingId, UserId
from storage.database import Database
from storage.meetings import MeetingState
from storage.schema import invitations, meetings
from storage.vault import Vault

_INVITATION = "invitation"
_CALLED_OFF = (MeetingState.CANCELLED.value, MeetingState.MISSED.value)
_OVER = (*_CALLED_OFF, MeetingState.DONE.value, MeetingState.STOPPED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One host's meeting, or series of meetings."""

    host_id: UserId
    covers: Covers
    about: str  # the meeting's id, or what its `series` is called

    @classmethod
    def of_meeting(cls, host_id: UserId, meeting: MeetingId, series: str) -> Reach:
        """The whole series, where the meeting is one of several: its invitation is sent once."""
        if series:
            return cls(host_id=host_id, covers=Covers.SERIES, about=series)
        return cls(host_id=host_id, covers=Covers.MEETING, about=meeting)


class Invitations:
    def __init__(self, database: Database, vault: Vault, new_id: Callable[[], str]) -> None:
        self._database = database
        self._vault = vault
        self._new_id = new_id

    async def token_of(self, reach: Reach) -> str:
        """Secret: whoever has it may answer. The same one each time."""
        which = (
            invitations.c.host_id == reach.host_id,
            invitations.c.covers == reach.covers.value,
            invitations.c.about == reach.about,
        )
        query = select(invitations.c.token_sha256, invitations.c.token_sealed).where(*which)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            token = self._new_id()
            key = _hash(token)
            values = {
                "token_sha256": key,
                "token_sealed": self._vault.seal(_INVITATION, key.hex(), token),
                "host_id": reach.host_id,
                "covers": reach.covers.value,
                "about": reach.about,
            }

            def make(connection: Connection) -> Row[Any, Any]:
                connection.execute(insert(invitations).values(values).on_conflict_do_nothing())
                return connection.execute(query).one()

            row = await self._database.write(make)
        return self._vault.unseal(_INVITATION, row.token_sha256.hex(), row.token_sealed)

    async def by_token(self, token: str) -> Reach | None:
        query = select(invitations).where(invitations.c.token_sha256 == _hash(token))
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else Reach(host_id=row.host_id, covers=Covers(row.covers), about=row.about)

    async def meeting_now(self, reach: Reach, now: datetime) -> MeetingId | None:
        """The meeting that runs, else the one that comes next, else the last there was."""
        runs = meetings.c.state == MeetingState.VISITING.value
        is_over = func.coalesce(meetings.c.ends_at, meetings.c.starts_at) <= now
        to_come = and_(meetings.c.state.not_in(_OVER), ~is_over)
        rank = case((runs, 0), (to_come, 1), (meetings.c.state.not_in(_CALLED_OFF), 2), else_=3)
        soonest_first = case((to_come, meetings.c.starts_at), else_=-meetings.c.starts_at)
        query = select(meetings.c.id).where(_reached(reach)).order_by(rank, soonest_first, meetings.c.id).limit(1)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())


def _reached(reach: Reach) -> ColumnElement[bool]:
    if reach.covers is Covers.MEETING:
        return and_(meetings.c.host_id == reach.host_id, meetings.c.id == reach.about)
    return and_(meetings.c.host_id == reach.host_id, meetings.c.series == reach.about, meetings.c.series != "")


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
