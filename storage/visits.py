"""The bot's stay in one meeting: who was there, how it ended, how its recording is tagged, whether a transcript waits.

One visit a meeting: a restarted bot goes on with the same visit under a higher epoch. Presence here is for pages; what
the gate and the verifier judge by is in the consent log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, insert, or_, select, update

from consent_notice.clock import Clock
from consent_notice.words import ConsentStatus, MeetingId, Rule, SeatId, SeatKind, UserId, VisitId
from storage.database import Database
from storage.errors import NotStored, StaleEpoch
from storage.schema import meetings, seats, stays, visits
from storage.vault import Vault

_LINK = "page link"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    id: VisitId
    meeting_id: MeetingId
    host_id: UserId
    epoch: int
    state: str  # presence, in the session's words
    left_reason: str | None
    detail: str  # for the host; no names
    rule: Rule
    language: str
    boot_id: str
    started_boot_ms: int  # boot clock of `boot_id`; utterances count from here
    started_at: datetime
    ended_at: datetime | None
    consent_status: tuple[ConsentStatus, ...]  # empty until tagged
    kept_ms: int
    words: int
    transcription_state: str  # "none", "waiting", "running", "done" or "failed: why"
    transcription_permille: int  # how far it is while "running"
    transcription_tries: int
    page_token: str  # of the participants' public link


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """A visit with what a list shows of its meeting."""

    visit: VisitRow
    title: str
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    boot_id: str
    joined_ms: int
    left_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRow:
    seat: SeatId
    name: str
    kind: SeatKind
    stays: tuple[Stay, ...]

    @property
    def is_present(self) -> bool:
        return bool(self.stays) and self.stays[-1].left_ms is None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldVisit:
    """What decides whether something of it is due to be erased."""

    visit: VisitId
    started_at: datetime
    is_kept: bool
    is_reduced: bool  # the rows of people who never agreed are gone


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFilter:
    host_id: UserId | None = None
    consent_status: ConsentStatus | None = None
    only_ended: bool = False


class Visits:
    def __init__(self, database: Database, vault: Vault, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

    async def open_visit(self, meeting_id: MeetingId, epoch: int, rule: Rule, language: str) -> VisitRow:
        """Begins the meeting's one visit, or goes on with it. Raises StaleEpoch unless `epoch` is the last claimed."""

        def work(connection: Connection) -> Row[Any]:
            found = connection.execute(
                select(meetings.c.epoch, meetings.c.host_id).where(meetings.c.id == meeting_id)
            ).first()
            if found is None or found.epoch != epoch:
                raise StaleEpoch
            old = connection.execute(select(visits).where(visits.c.meeting_id == meeting_id)).first()
            if old is not None:
                return connection.execute(
                    update(visits)
                    .where(visits.c.id == old.id)
                    .values(epoch=epoch, state="joining", left_reason=None, detail="", ended_at=None)
                    .returning(*visits.c)
                ).one()
            visit_id, token = self._new_id(), self._new_id()
            values = {
                "id": visit_id,
                "meeting_id": meeting_id,
                "host_id": found.host_id,
                "epoch": epoch,
                "state": "joining",
                "detail": "",
                "rule": rule.value,
                "language": language,
                "boot_id": self._clock.boot_id,
                "started_boot_ms": self._clock.boot_ms(),
                "started_at": self._clock.now(),
                "consent_status": "",
                "kept_ms": 0,
                "words": 0,
                "transcription_state": "none",
                "transcription_permille": 0,
                "transcription_tries": 0,
                "page_token_sha256": _hash(token),
                "page_token_sealed": self._vault.seal(_LINK, visit_id, token),
            }
            return connection.execute(insert(visits).values(values).returning(*visits.c)).one()

        return self._row(await self._database.write(work))

    async def get(self, visit_id: VisitId) -> VisitRow | None:
        return await self._one(visits.c.id == visit_id)

    async def visit_of_meeting(self, meeting_id: MeetingId) -> VisitRow | None:
        return await self._one(visits.c.meeting_id == meeting_id)

    async def by_page_token(self, page_token: str) -> VisitRow | None:
        return await self._one(visits.c.page_token_sha256 == _hash(page_token))

    async def set_visit_state(self, visit_id: VisitId, epoch: int, state: str) -> None:
        """Raises StaleEpoch."""
        await self._fenced(visit_id, epoch, {"state": state})

    async def set_rule(self, visit_id: VisitId, epoch: int, rule: Rule) -> None:
        """What the places and the room made of the rule that was wanted. Raises StaleEpoch."""
        await self._fenced(visit_id, epoch, {"rule": rule.value})

    async def end_visit(self, visit_id: VisitId, epoch: int, left_reason: str, detail: str = "") -> None:
        """Raises StaleEpoch. Open stays end with it."""
        values = {"state": "left", "left_reason": left_reason, "detail": detail, "ended_at": self._clock.now()}

        def work(connection: Connection) -> int:
            changed = connection.execute(update(visits).where(_current(visit_id, epoch)).values(values)).rowcount
            if changed:
                connection.execute(
                    update(stays)
                    .where(stays.c.visit_id == visit_id, stays.c.left_ms.is_(None))
                    .values(left_ms=self._clock.boot_ms())
                )
            return changed

        if not await self._database.write(work):
            raise StaleEpoch

    # ---- who was there ---------------------------------------------------------------------------------------------

    async def seats(self, visit_id: VisitId) -> list[SeatRow]:
        """In the order in which they first joined."""

        def work(connection: Connection) -> list[SeatRow]:
            found: dict[str, list[Stay]] = {}
            query = select(stays).where(stays.c.visit_id == visit_id).order_by(stays.c.number)
            for row in connection.execute(query):
                stay = Stay(boot_id=row.boot_id, joined_ms=row.joined_ms, left_ms=row.left_ms)
                found.setdefault(row.seat, []).append(stay)
            return [
                SeatRow(seat=row.seat, name=row.name, kind=SeatKind(row.kind), stays=tuple(found.get(row.seat, ())))
                for row in connection.execute(
                    select(seats).where(seats.c.visit_id == visit_id).order_by(seats.c.number)
                )
            ]

        return await self._database.read(work)

    async def upsert_seat(self, visit_id: VisitId, seat: SeatId, name: str, kind: SeatKind, joined_ms: int) -> None:
        """A join of a seat that is there already only changes its name."""

        def work(connection: Connection) -> None:
            this = and_(seats.c.visit_id == visit_id, seats.c.seat == seat)
            if connection.execute(update(seats).where(this).values(name=name, kind=kind.value)).rowcount == 0:
                number = _next(connection, seats.c.number, seats.c.visit_id == visit_id)
                values = {"visit_id": visit_id, "seat": seat, "number": number, "name": name, "kind": kind.value}
                connection.execute(insert(seats).values(values))
            of_seat = and_(stays.c.visit_id == visit_id, stays.c.seat == seat)
            is_open = and_(stays.c.left_ms.is_(None), stays.c.boot_id == self._clock.boot_id)
            if connection.execute(select(stays.c.number).where(of_seat, is_open)).first() is None:
                connection.execute(
                    insert(stays).values(
                        visit_id=visit_id,
                        seat=seat,
                        number=_next(connection, stays.c.number, of_seat),
                        boot_id=self._clock.boot_id,
                        joined_ms=joined_ms,
                    )
                )

        await self._database.write(work)

    async def left_seat(self, visit_id: VisitId, seat: SeatId, left_ms: int) -> None:
        change = (
            update(stays)
            .where(stays.c.visit_id == visit_id, stays.c.seat == seat, stays.c.left_ms.is_(None))
            .values(left_ms=func.max(left_ms, stays.c.joined_ms))
        )
        await self._database.write(lambda connection: connection.execute(change))

    # ---- lists and the transcription queue -------------------------------------------------------------------------

    async def recordings(
        self, which: RecordingFilter, *, before: tuple[datetime, VisitId] | None = None, limit: int = 50
    ) -> list[RecordingRow]:
        """Newest first; `before` is the (started_at, id) of the last row of the page before."""
        query = select(visits, meetings.c.title, meetings.c.platform).join(
            meetings, visits.c.meeting_id == meetings.c.id
        )
        if which.host_id is not None:
            query = query.where(visits.c.host_id == which.host_id)
        if which.consent_status is not None:
            query = query.where(("," + visits.c.consent_status + ",").contains(f",{which.consent_status.value},"))
        if which.only_ended:
            query = query.where(visits.c.ended_at.is_not(None))
        if before is not None:
            query = query.where(
                or_(
                    visits.c.started_at < before[0],
                    and_(visits.c.started_at == before[0], visits.c.id < before[1]),
                )
            )
        query = query.order_by(visits.c.started_at.desc(), visits.c.id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [RecordingRow(visit=self._row(row), title=row.title, platform=row.platform) for row in rows]

    async def begun_before(self, before: datetime) -> list[OldVisit]:
        """All of them, oldest first."""
        query = select(visits.c.id, visits.c.started_at, visits.c.kept_ms, visits.c.words, visits.c.reduced_at)
        query = query.where(visits.c.started_at <= before).order_by(visits.c.started_at, visits.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            OldVisit(
                visit=row.id,
                started_at=row.started_at,
                is_kept=bool(row.kept_ms or row.words),
                is_reduced=row.reduced_at is not None,
            )
            for row in rows
        ]

    async def next_waiting(self) -> VisitRow | None:
        """Takes the visit that waits longest for its transcript, and marks it running."""
        oldest = (
            select(visits.c.id)
            .where(visits.c.transcription_state == "waiting")
            .order_by(visits.c.ended_at, visits.c.id)
            .limit(1)
        ).scalar_subquery()
        change = (
            update(visits)
            .where(visits.c.id == oldest)
            .values(
                transcription_state="running",
                transcription_permille=0,
                transcription_tries=visits.c.transcription_tries + 1,
            )
            .returning(*visits.c)
        )
        row = await self._database.write(lambda connection: connection.execute(change).first())
        return self._row(row) if row else None

    async def set_transcription(self, visit_id: VisitId, state: str) -> None:
        """Raises NotStored."""
        change = update(visits).where(visits.c.id == visit_id).values(transcription_state=state)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    async def set_transcription_progress(self, visit_id: VisitId, permille: int) -> None:
        """For who waits; 1000 is not yet done."""
        change = update(visits).where(visits.c.id == visit_id).values(transcription_permille=permille)
        await self._database.write(lambda connection: connection.execute(change))

    async def requeue_transcription(self) -> int:
        """For the start of the one transcribing process: what it was at when it died waits again."""
        change = update(visits).where(visits.c.transcription_state == "running").values(transcription_state="waiting")
        return await self._database.write(lambda connection: connection.execute(change).rowcount)

    # ---- inside ----------------------------------------------------------------------------------------------------

    async def _fenced(self, visit_id: VisitId, epoch: int, values: dict[str, Any]) -> None:
        change = update(visits).where(_current(visit_id, epoch)).values(values)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise StaleEpoch

    async def _one(self, which: ColumnElement[bool]) -> VisitRow | None:
        query: Select[Any] = select(visits).where(which)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return self._row(row) if row else None

    def _row(self, row: Row[Any]) -> VisitRow:
        statuses = tuple(ConsentStatus(status) for status in row.consent_status.split(",") if status)
        return VisitRow(
            id=row.id,
            meeting_id=row.meeting_id,
            host_id=row.host_id,
            epoch=row.epoch,
            state=row.state,
            left_reason=row.left_reason,
            detail=row.detail,
            rule=Rule(row.rule),
            language=row.language,
            boot_id=row.boot_id,
            started_boot_ms=row.started_boot_ms,
            started_at=row.started_at,
            ended_at=row.ended_at,
            consent_status=statuses,
            kept_ms=row.kept_ms,
            words=row.words,
            transcription_state=row.transcription_state,
            transcription_permille=row.transcription_permille,
            transcription_tries=row.transcription_tries,
            page_token=page_token(self._vault, row.id, row.page_token_sealed),
        )


def page_token(vault: Vault, visit_id: str, sealed: bytes) -> str:
    """Raises BrokenRecord."""
    return vault.unseal(_LINK, visit_id, sealed)


def _current(visit_id: str, epoch: int) -> ColumnElement[bool]:
    """The meeting's last claim is the fence: an older bot is refused from the claim on, not only from its visit on."""
    last_claimed = select(meetings.c.epoch).where(meetings.c.id == visits.c.meeting_id).scalar_subquery()
    return and_(visits.c.id == visit_id, last_claimed == epoch, visits.c.epoch == epoch)


def _next(connection: Connection, number: ColumnElement[int], which: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.coalesce(func.max(number), -1)).where(which)).scalar_one()) + 1


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
