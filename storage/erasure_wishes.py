"""What people asked to have erased, from the moment they asked until nothing of it can come any more.

A wish is durable together with the withdrawal that it follows. It is carried out once what it names is closed, in a
meeting that still runs too, and looked at once more when the meeting is over: a bot that was held up may have written
what it had heard before. It names a person and its own place in the log: what relies on a later yes stays.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from consent_notice.clock import Clock
from consent_notice.events import Event
from consent_notice.words import SeatId, VisitId
from storage.columns import to_epoch_ms
from storage.consent_log import ConsentLog
from storage.database import Database
from storage.erasure import LONGEST_VISIT, Erasure
from storage.errors import StillRecording, StorageError
from storage.schema import erasure_wishes, visits

SETTLED_AFTER = timedelta(seconds=3)  # what was heard before a no has reached the disk by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    id: str
    visit: VisitId
    seat: SeatId
    page: str  # on which it was asked for, by its name in the log
    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WishRow:
    id: str
    visit: VisitId
    seat: SeatId
    page: str
    before_index: int
    authority: str
    asked_at: datetime
    erased_at: datetime | None  # since when nothing of it is there


class ErasureWishes:
    def __init__(self, database: Database, log: ConsentLog, erasure: Erasure, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._erasure = erasure
        self._clock = clock

    async def ask(self, wish: Wish, entries: Sequence[tuple[Event, str]] = ()) -> None:
        """The entries and the wish, durable on return, both or neither; the same again changes nothing.

        Raises LogWriteFailed.
        """
        insert = functools.partial(_insert, wish, to_epoch_ms(self._clock.now()))
        await asyncio.shield(asyncio.wrap_future(self._log.submit(entries, companion=insert)))

    async def of_seat(self, visit: VisitId, seat: SeatId) -> list[WishRow]:
        """Oldest first."""
        which = (erasure_wishes.c.visit_id == visit, erasure_wishes.c.seat == seat)
        query = select(erasure_wishes).where(*which).order_by(erasure_wishes.c.before_index, erasure_wishes.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            WishRow(
                id=row.id,
                visit=row.visit_id,
                seat=row.seat,
                page=row.page,
                before_index=row.before_index,
                authority=row.authority,
                asked_at=row.asked_at,
                erased_at=row.erased_at,
            )
            for row in rows
        ]

    async def had_anything(self, wish: str) -> bool:
        """Whether something was erased for it; else nothing had been kept."""
        return await asyncio.to_thread(self._log.has, f"{_ids(wish)}0")

    async def carry_out(self, only: VisitId | None = None) -> int:
        """What can be done now; how many wishes are fulfilled. Those that can't be yet are left for the next time.

        Raises the first StorageError or OSError once all were tried: one visit's trouble does not keep the others.
        """
        return await asyncio.to_thread(self._carry_out, only)

    def _carry_out(self, only: VisitId | None) -> int:
        fulfilled, trouble = 0, None
        for wish in self._database.read_now(functools.partial(_open_wishes, only)):
            is_over = wish.ended_at is not None or self._clock.now() - wish.started_at >= LONGEST_VISIT
            if not is_over and self._clock.now() - wish.asked_at < SETTLED_AFTER:
                continue
            try:
                fulfilled += self._fulfil(wish, is_over=is_over)
            except StillRecording:
                continue
            except (StorageError, OSError) as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return fulfilled

    def _fulfil(self, wish: _OpenWish, *, is_over: bool) -> bool:
        """If we die before the last line, the next one finds nothing left and writes it."""
        done_before = [entry for entry in self._log.entries_of(wish.visit) if entry.event_id.startswith(_ids(wish.id))]
        order = f"{wish.id}.{len(done_before)}"
        self._erasure.erase_agreed_before(order, wish.visit, wish.seat, wish.before_index, wish.authority)
        if self._erasure.holds_agreed_before(wish.visit, wish.seat, wish.before_index):
            return False  # another process is at it
        values = {"erased_at": wish.erased_at or self._clock.now(), "is_settled": is_over}
        change = update(erasure_wishes).where(erasure_wishes.c.id == wish.id).values(values)
        self._database.write_now(lambda connection: connection.execute(change))
        return wish.erased_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenWish(WishRow):
    started_at: datetime
    ended_at: datetime | None


def _open_wishes(only: VisitId | None, connection: Connection) -> list[_OpenWish]:
    query = select(erasure_wishes, visits.c.started_at, visits.c.ended_at).join(
        visits, visits.c.id == erasure_wishes.c.visit_id
    )
    query = query.where(erasure_wishes.c.is_settled.is_(False)).order_by(erasure_wishes.c.asked_at)
    if only is not None:
        query = query.where(erasure_wishes.c.visit_id == only)
    return [
        _OpenWish(
            id=row.id,
            visit=row.visit_id,
            seat=row.seat,
            page=row.page,
            before_index=row.before_index,
            authority=row.authority,
            asked_at=row.asked_at,
            erased_at=row.erased_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )
        for row in connection.execute(query)
    ]


def _ids(wish: str) -> str:
    """How the ids of the log's entries begin that say that it was carried out."""
    return f"erasure:{wish}."


def _insert(wish: Wish, asked_ms: int, connection: sqlite3.Connection, _indices: Sequence[int]) -> None:
    """In the transaction of the withdrawal: all that is in the log by now was before the wish."""
    connection.execute(
        "INSERT OR IGNORE INTO erasure_wishes (id, visit_id, seat, page, before_index, authority, asked_at, is_settled)"
        " VALUES (?, ?, ?, ?, (SELECT coalesce(max(idx), -1) + 1 FROM log_leaves), ?, ?, 0)",
        (wish.id, wish.visit, wish.seat, wish.page, wish.authority, asked_ms),
    )
