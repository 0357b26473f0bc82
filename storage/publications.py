"""Versions of the notice: each text that was in use, and what an admin said about agreements given to older ones.

A changed text is a new version from the moment that it is in use. Until an admin has said whether older agreements stay
valid under it, they do not. The very first version has no older ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from consent_notice.clock import Clock
from consent_notice.publication import Text, number_of
from consent_notice.words import UserId
from storage.database import Database
from storage.errors import AlreadyStored, NotStored
from storage.schema import publications

FIRST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    number: int
    text: Text
    in_use_since: datetime
    published_at: datetime | None  # None: nobody has said yet what becomes of older agreements
    published_by: UserId | None  # None of the first one: it came with the installation
    renews: bool | None  # older agreements must be renewed

    @property
    def is_decided(self) -> bool:
        return self.renews is not None


class Publications:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def in_use(self, text: Text) -> Publication:
        """The version that this text is: the last one, or a new one where it differs from that. Durable on return."""

        def work(connection: Connection) -> Row[Any]:
            last = connection.execute(_newest_first().limit(1)).first()
            if last is not None and last.fingerprint == text.fingerprint:
                return last
            now, is_first = self._clock.now(), last is None
            values = {
                "number": FIRST if last is None else last.number + 1,
                "fingerprint": text.fingerprint,
                "content": text.content,
                "in_use_since": now,
                "published_at": now if is_first else None,
                "renews": True if is_first else None,
            }
            return connection.execute(insert(publications).values(values).returning(*publications.c)).one()

        return _publication(await self._database.write(work))

    async def list(self) -> list[Publication]:
        """Newest first."""
        rows = await self._database.read(lambda connection: connection.execute(_newest_first()).all())
        return [_publication(row) for row in rows]

    async def publish(self, number: int, *, renews: bool, by: UserId) -> None:
        """What becomes of agreements given to older versions; said once, of the last one and those before it that
        nobody spoke of.

        Raises NotStored where `number` is not the last, and AlreadyStored where it was said.
        """

        def work(connection: Connection) -> None:
            last = connection.execute(_newest_first().limit(1)).first()
            if last is None or last.number != number:
                raise NotStored
            if last.renews is not None:
                raise AlreadyStored("couldn't publish: it was said already what becomes of older agreements")
            values = {"renews": renews, "published_at": self._clock.now(), "published_by": by}
            connection.execute(update(publications).where(publications.c.renews.is_(None)).values(values))

        await self._database.write(work)

    async def is_still_valid(self, version_at_agreement: str) -> bool:
        """Whether an agreement given to that version of the notice holds under the one in use. Doubt is a no."""
        number = number_of(version_at_agreement)
        query = select(publications.c.number, publications.c.renews).where(publications.c.number >= (number or 0))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        is_known = any(row.number == number for row in rows)
        return is_known and all(row.renews is False for row in rows if row.number != number)


def _newest_first() -> Any:
    return select(publications).order_by(publications.c.number.desc())


def _publication(row: Row[Any]) -> Publication:
    return Publication(
        number=row.number,
        text=Text(content=row.content),
        in_use_since=row.in_use_since,
        published_at=row.published_at,
        published_by=row.published_by,
        renews=row.renews,
    )
