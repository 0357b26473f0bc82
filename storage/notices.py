"""The exact text of every notice that was ever given to anybody, by the hash that the evidence names.

Sealed, since a notice carries the meeting's page link; never changed, only added to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.sqlite import insert

from consent_notice.clock import Clock
from consent_notice.notice import Notice, exact_text
from storage.database import Database
from storage.schema import notices
from storage.vault import Vault

COLUMNS = "text_sha256, notice, version, language, spoken_sealed, post_sealed, page_sealed"
_SPOKEN, _POST, _PAGE = "notice spoken", "notice post", "notice page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A notice as it was given."""

    notice: Notice
    is_intact: bool  # its text still has the hash that it was kept under


class Notices:
    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def keep(self, notice: Notice) -> None:
        """Durable on return; the same text again changes nothing. Raises DatabaseFailed."""
        key = notice.text_sha256
        values = {
            "text_sha256": key,
            "notice": notice.id,
            "version": notice.version,
            "language": notice.language,
            "spoken_sealed": self._vault.seal(_SPOKEN, key, notice.spoken),
            "post_sealed": self._vault.seal(_POST, key, notice.post),
            "page_sealed": self._vault.seal(_PAGE, key, notice.page),
            "kept_at": self._clock.now(),
        }

        def work(connection: Connection) -> None:
            connection.execute(insert(notices).values(values).on_conflict_do_nothing())

        await self._database.write(work)

    async def get(self, text_sha256: str) -> Kept | None:
        query = select(notices).where(notices.c.text_sha256 == text_sha256)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else self._kept(row)

    def _kept(self, row: Row[Any]) -> Kept:
        notice = unsealed(self._vault, [getattr(row, name) for name in COLUMNS.split(", ")])
        return Kept(notice=notice, is_intact=is_intact(notice))


def unsealed(vault: Vault, columns: Sequence[Any]) -> Notice:
    """From COLUMNS. Raises BrokenRecord."""
    key, notice, version, language, spoken, post, page = columns
    return Notice(
        id=notice,
        version=version,
        language=language,
        spoken=vault.unseal(_SPOKEN, key, spoken),
        post=vault.unseal(_POST, key, post),
        page=vault.unseal(_PAGE, key, page),
        text_sha256=key,
    )


def is_intact(notice: Notice) -> bool:
    text = exact_text(notice.spoken, notice.post, notice.page)
    return sha256(text.encode()).hexdigest() == notice.text_sha256
