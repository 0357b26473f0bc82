"""A participant's page: its secret id, the code that ties it to a seat, and the choices made on it.

A choice counts for nobody until the page is bound; what a bound page decides is logged by its caller. The secret id is
looked up by its hash and lies sealed.
"""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from consent_notice.clock import Clock
from consent_notice.words import Purpose, SeatId, VisitId
from storage.database import Database
from storage.errors import NotStored
from storage.schema import pages
from storage.vault import Vault

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is mistaken for something else
CODE_LENGTH = 5
_PAGE_ID = "page id"
_TRIES = 20


class BoundBy(StrEnum):
    """How a page was tied to its seat; the spelling stands in the evidence."""

    CODE = "page code"  # typed in the chat from the seat
    TELEPHONE = "code heard on the telephone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    page_id: str  # secret: whoever has it is the page
    visit: VisitId
    code: str
    seat: SeatId | None
    choices: Mapping[Purpose, bool] | None  # None until the person chose
    alone_on_device: bool | None
    people: int = 1  # who share the seat, as this page was told
    bound_by: BoundBy = BoundBy.CODE  # says nothing while there is no seat
    notice_sha256: str = ""  # the text that was answered on it; empty until the person chose
    place: str = ""  # code of a jurisdiction, as the person said
    agreement: str = ""  # what was said ahead, that its choices repeat

    @property
    def reference(self) -> str:
        """Names the page in the log without the secret that opens it."""
        return page_reference(self.page_id)

    def wrote(self, message_id: str) -> bool:
        """Whether an answer with that id in the log came from this page: on its own, or when its code was typed."""
        return message_id == self.code or message_id.partition(":")[0] == self.reference


class Pages:
    def __init__(self, database: Database, vault: Vault, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

    async def open(self, visit: VisitId) -> PageRow:
        for _ in range(_TRIES):
            page_id, code = self._new_id(), new_code()
            values = {
                "id_sha256": _hash(page_id),
                "id_sealed": self._vault.seal(_PAGE_ID, _hash(page_id).hex(), page_id),
                "visit_id": visit,
                "code": code,
                "opened_at": self._clock.now(),
            }
            try:
                await self._database.write(functools.partial(_insert, values))
            except IntegrityError as error:
                if "FOREIGN KEY" in str(error.orig):
                    raise NotStored from None
                continue  # another page of this visit shows that code
            return PageRow(page_id=page_id, visit=visit, code=code, seat=None, choices=None, alone_on_device=None)
        raise NotStored("couldn't open a page: every code tried is taken; try again")

    async def get(self, page_id: str) -> PageRow | None:
        rows = await self._select(pages.c.id_sha256 == _hash(page_id))
        return rows[0] if rows else None

    async def choose(
        self,
        page_id: str,
        choices: Mapping[Purpose, bool],
        alone: bool | None,
        *,
        people: int = 1,
        notice_sha256: str = "",
    ) -> PageRow:
        """Keeps what was ticked, and under which text; the caller logs it if the page is bound. Raises NotStored.

        The caller has kept that text: whoever binds the page later names it. How many `people` share the seat only
        grows once the page is bound, as it does in the log.
        """
        text = json.dumps({purpose.value: chosen for purpose, chosen in choices.items()}, sort_keys=True)
        told = case((pages.c.seat.is_(None), people), else_=func.max(func.coalesce(pages.c.people, 1), people))
        change = (
            update(pages)
            .where(pages.c.id_sha256 == _hash(page_id))
            .values(choices=text, alone_on_device=alone, notice_sha256=notice_sha256, people=told, agreement="")
            .returning(*pages.c)
        )
        row = await self._database.write(lambda connection: connection.execute(change).first())
        if row is None:
            raise NotStored
        return self._row(row)

    async def declare_place(self, page_id: str, place: str) -> None:
        """Where this person is, as they say; empty takes it back. Raises NotStored."""
        change = update(pages).where(pages.c.id_sha256 == _hash(page_id)).values(place=place)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    async def places(self, visit: VisitId) -> tuple[str, ...]:
        """Every place that somebody declared for this visit, each once."""
        query = select(pages.c.place).where(pages.c.visit_id == visit, pages.c.place != "").distinct()
        rows = await self._database.read(lambda connection: connection.execute(query.order_by(pages.c.place)).all())
        return tuple(row.place for row in rows)

    async def bind(self, visit: VisitId, code: str, seat: SeatId) -> PageRow | None:
        """Ties the page that shows `code` to a seat, once: None for an unknown code or one used from another seat."""

        def work(connection: Connection) -> Row[Any] | None:
            which = (pages.c.visit_id == visit, pages.c.code == code.upper())
            change = update(pages).where(*which, pages.c.seat.is_(None)).values(seat=seat)
            connection.execute(change)
            return connection.execute(select(pages).where(*which, pages.c.seat == seat)).first()

        row = await self._database.write(work)
        return self._row(row) if row else None

    async def continue_agreement(self, page_id: str, agreement: str) -> None:
        """Its choices repeat what was said ahead, until others are made on it. Raises NotStored."""
        change = update(pages).where(pages.c.id_sha256 == _hash(page_id)).values(agreement=agreement)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    async def last_bound_by(self, agreement: str) -> PageRow | None:
        """The last page that continued this agreement and was tied to a seat."""
        rows = await self._select(pages.c.agreement == agreement, pages.c.seat.is_not(None))
        return rows[-1] if rows else None

    async def bind_by_telephone(self, page_id: str, seat: SeatId) -> PageRow:
        """Ties this page to the seat whose code was heard, unless it is bound already. Raises NotStored."""
        which = pages.c.id_sha256 == _hash(page_id)

        def work(connection: Connection) -> Row[Any] | None:
            values = {"seat": seat, "bound_by": BoundBy.TELEPHONE.value}
            connection.execute(update(pages).where(which, pages.c.seat.is_(None)).values(values))
            return connection.execute(select(pages).where(which)).first()

        row = await self._database.write(work)
        if row is None:
            raise NotStored
        return self._row(row)

    async def by_seat(self, visit: VisitId, seat: SeatId) -> list[PageRow]:
        """Several people may share a seat, each with a page of their own; oldest first."""
        return await self._select(pages.c.visit_id == visit, pages.c.seat == seat)

    async def _select(self, *which: ColumnElement[bool]) -> list[PageRow]:
        query = select(pages).where(*which).order_by(pages.c.opened_at, pages.c.code)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [self._row(row) for row in rows]

    def _row(self, row: Row[Any]) -> PageRow:
        choices = None
        if row.choices is not None:
            choices = {Purpose(name): bool(chosen) for name, chosen in json.loads(row.choices).items()}
        return PageRow(
            page_id=self._vault.unseal(_PAGE_ID, row.id_sha256.hex(), row.id_sealed),
            visit=row.visit_id,
            code=row.code,
            seat=row.seat,
            choices=choices,
            alone_on_device=row.alone_on_device,
            people=row.people or 1,
            bound_by=BoundBy(row.bound_by or BoundBy.CODE),
            notice_sha256=row.notice_sha256,
            place=row.place,
            agreement=row.agreement,
        )


def _insert(values: dict[str, Any], connection: Connection) -> None:
    connection.execute(insert(pages).values(values))


def new_code() -> str:
    """With a digit in it, so that no word that is said in the chat can be one."""
    while True:
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        if any(sign.isdigit() for sign in code):
            return code


def page_reference(page_id: str) -> str:
    return sha256(page_id.encode()).hexdigest()[:16]


def _hash(page_id: str) -> bytes:
    return sha256(page_id.encode()).digest()
