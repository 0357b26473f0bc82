"""Codes that the bot speaks to whoever cannot read a chat; typed on a page, one ties that page to the seat.

Digits alone, so that they are heard in any language; each is of one visit and of one seat, and ends with the visit.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from consent_notice.clock import Clock
from consent_notice.words import SeatId, VisitId
from storage.database import Database
from storage.errors import NotStored
from storage.schema import seat_codes, visits

CODE_DIGITS = 6
# Without those that are taken for another one on a bad line (five and nine, zwei and drei), or have several names (0).
DIGITS = "1246789"
_TRIES = 20


class SeatCodes:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def make(self, visit: VisitId, seat: SeatId) -> str:
        """The same again for a seat that has one. Raises NotStored."""

        def work(connection: Connection) -> str:
            of_visit = seat_codes.c.visit_id == visit
            known = connection.execute(select(seat_codes.c.code).where(of_visit, seat_codes.c.seat == seat)).scalar()
            if known is not None:
                return str(known)
            taken = set(connection.execute(select(seat_codes.c.code).where(of_visit)).scalars())
            for _ in range(_TRIES):
                code = new_code()
                if code not in taken:
                    values = {"visit_id": visit, "code": code, "seat": seat, "made_at": self._clock.now()}
                    connection.execute(insert(seat_codes).values(values))
                    return code
            raise NotStored("couldn't make a code for a telephone: every code tried is taken; try again")

        return await self._database.write(work)

    async def seat_of(self, visit: VisitId, code: str) -> SeatId | None:
        """None once the meeting is over."""
        of_visit = select(seat_codes.c.seat).join(visits, visits.c.id == seat_codes.c.visit_id)
        query = of_visit.where(seat_codes.c.visit_id == visit, seat_codes.c.code == code, visits.c.ended_at.is_(None))
        found = await self._database.read(lambda connection: connection.execute(query).scalar())
        return None if found is None else SeatId(found)


def new_code() -> str:
    """No digit twice in a row: "two, two" and "twenty-two" are one sound in too many languages."""
    code = ""
    while len(code) < CODE_DIGITS:
        digit = secrets.choice(DIGITS)
        if not code.endswith(digit):
            code += digit
    return code
