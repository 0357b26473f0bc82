"""What became of answers that were given ahead: the meetings in which each was counted, and when it is to be forgotten.

The log is the source: an entry of a meeting names the agreement that it repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from consent_notice.ahead import Acts, Covers
from consent_notice.clock import Clock
from consent_notice.decisions import Act
from consent_notice.events import Decided
from consent_notice.words import SeatId, UserId, VisitId
from storage import log_entries
from storage.columns import from_epoch_ms
from storage.database import Database
from storage.schema import agreements, meetings, visits
from storage.vault import Vault
from storage.visits import page_token

KEPT_DAYS = 30  # after it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One meeting in which an agreement was counted, or taken back."""

    visit: VisitId
    page_token: str
    started_at: datetime
    has_ended: bool
    seat: SeatId
    index: int  # of the last entry that repeats it
    acts: Acts
    was_given: bool  # a yes was counted at that seat, whatever came after


class AgreementUses:
    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def of(self, host_id: UserId, agreement: str) -> list[Use]:
        """As the log has it; newest first, one for each seat. Raises BrokenRecord."""
        return await self._database.read(lambda connection: self._uses(connection, host_id, agreement))

    async def due(self) -> list[str]:
        """Ended 30 days ago, and nothing that is still kept relies on them: to be erased."""
        now = self._clock.now()
        before = now - timedelta(days=KEPT_DAYS)
        last_day = (before - timedelta(days=1)).date().isoformat()
        to_come = select(meetings.c.id).where(func.coalesce(meetings.c.ends_at, meetings.c.starts_at) > before)
        of_old_meeting = or_(agreements.c.covers == Covers.SERIES.value, agreements.c.about.not_in(to_come))
        ended = or_(agreements.c.withdrawn_at <= before, and_(agreements.c.until <= last_day, of_old_meeting))
        query = select(agreements.c.id, agreements.c.host_id).where(ended)
        holds_something = select(visits.c.id).where(or_(visits.c.kept_ms > 0, visits.c.words > 0))

        def work(connection: Connection) -> list[str]:
            kept = set(connection.execute(holds_something).scalars())
            rows = connection.execute(query.order_by(agreements.c.said_at, agreements.c.id)).all()
            return [
                row.id
                for row in rows
                if not any(use.visit in kept for use in self._uses(connection, row.host_id, row.id))
            ]

        return await self._database.read(work)

    def _uses(self, connection: Connection, host_id: UserId, agreement: str) -> list[Use]:
        rows = connection.exec_driver_sql(
            f"SELECT {log_entries.COLUMNS}, v.page_token_sealed, v.started_at, v.ended_at"  # noqa: S608  constants only
            " FROM visits v JOIN log_leaves l ON l.visit = v.id AND l.kind = ? JOIN log_bodies b ON b.idx = l.idx"
            " WHERE v.host_id = ? AND instr(b.body, ?) > 0 ORDER BY l.idx",
            (Decided.kind, host_id, agreement.encode()),
        ).all()
        uses: dict[tuple[VisitId, SeatId], Use] = {}
        for row in rows:
            event = log_entries.read_row(tuple(row[:-3])).event
            if isinstance(event, Decided) and event.agreement == agreement:
                before = uses.get((event.visit, event.seat))
                given = any(act is Act.GIVE for _, act in event.acts)
                uses[event.visit, event.seat] = Use(
                    visit=event.visit,
                    page_token=page_token(self._vault, event.visit, row.page_token_sealed),
                    started_at=from_epoch_ms(row.started_at),
                    has_ended=row.ended_at is not None,
                    seat=event.seat,
                    index=row.idx,
                    acts=event.acts,
                    was_given=given or (before is not None and before.was_given),
                )
        return sorted(uses.values(), key=lambda use: (use.started_at, use.index), reverse=True)
