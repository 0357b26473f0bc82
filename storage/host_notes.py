"""What a host typed about a meeting themselves: theirs alone, sealed, and gone with the retention time.

It is nobody's sound and no transcript, so nobody's consent is asked for it; a meeting that nobody let be recorded may
have nothing else.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from consent_notice.clock import Clock
from consent_notice.words import VisitId
from storage.database import Database
from storage.schema import host_notes, visits
from storage.vault import Vault

LONGEST_NOTES = 20_000  # characters
_NOTES = "host's notes"


class HostNotes:
    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def read(self, visit: VisitId) -> str:
        """Empty where there are none."""
        query = select(host_notes.c.notes_sealed).where(host_notes.c.visit_id == visit)
        sealed = await self._database.read(lambda connection: connection.execute(query).scalar())
        return "" if sealed is None else self._vault.unseal(_NOTES, visit, sealed)

    async def write(self, visit: VisitId, text: str) -> None:
        """Takes the place of what was there. Durable on return."""
        values = {
            "notes_sealed": self._vault.seal(_NOTES, visit, text[:LONGEST_NOTES]),
            "written_at": self._clock.now(),
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(host_notes).where(host_notes.c.visit_id == visit))
            if text.strip():
                connection.execute(insert(host_notes).values(visit_id=visit, **values))

        await self._database.write(work)

    async def forget(self, before: datetime) -> int:
        """Those of meetings that began before; how many."""
        begun = select(visits.c.id).where(visits.c.started_at <= before)
        change = delete(host_notes).where(host_notes.c.visit_id.in_(begun))
        return await self._database.write(lambda connection: connection.execute(change).rowcount)
