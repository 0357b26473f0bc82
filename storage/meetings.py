"""Planned meetings: what the calendars say, what the host overrides, and which bot owns one.

Decides who may visit a meeting (one owner at a time, fenced by `epoch`) and that a host's stop is final. What happens
inside a meeting is in `visits`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, insert, or_, select, update

from consent_notice.clock import Clock
from consent_notice.words import CalendarId, MeetingId, Rule, UserId
from storage.database import Database
from storage.errors import NotStored
from storage.schema import calendars, meetings, visits
from storage.vault import Vault

Decision = Literal["record", "skip", "undecided"]
Override = Literal["record", "skip"]

_LINK, _SERIES = "meeting link", "meetings at one link"
BY_HAND = "added by hand"
BEGUN_IS_KNOWN_FOR = timedelta(days=90)  # so that an old occurrence that is moved ahead is known for what it is
OPEN_END_HOURS = 4  # a meeting without an end is not begun later than that


class MeetingState(StrEnum):
    PLANNED = "planned"
    DUE = "due"
    VISITING = "visiting"
    DONE = "done"
    MISSED = "missed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


_NOT_BEGUN = (MeetingState.PLANNED.value, MeetingState.DUE.value)
_REVIVABLE = (*_NOT_BEGUN, MeetingState.CANCELLED.value, MeetingState.MISSED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMeeting:
    """What one pass over a calendar found of one occurrence, judged."""

    occurrence_key: str  # stable over moves; unique in the calendar
    title: str
    organiser: str
    starts_at: datetime
    ends_at: datetime | None
    link: str | None
    platform: str
    decision: Decision
    reason: str  # plain text, for the host
    rule: Rule
    fallback: Rule | None = None  # when not everyone agrees; None: the bot leaves
    series: str = ""  # names what recurs; empty: nothing does
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    occurrence_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingRow:
    id: MeetingId
    host_id: UserId
    calendar_id: CalendarId | None
    occurrence_key: str
    title: str
    organiser: str
    starts_at: datetime
    ends_at: datetime | None
    link: str | None
    platform: str
    decision: Decision
    reason: str
    override: Override | None
    rule: Rule
    fallback: Rule | None
    series: str
    language: str
    state: MeetingState
    outcome: str | None
    epoch: int
    owner: str | None

    @property
    def will_record(self) -> bool:
        """What the host wants, their override first; a calendar that is off says no by itself only in `due`."""
        return (self.override or self.decision) == "record"


class Meetings:
    def __init__(self, database: Database, vault: Vault, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

    async def apply_plan(self, calendar_id: CalendarId, changes: Sequence[PlannedMeeting | Cancelled]) -> None:
        """All or nothing. What has begun, ended or was stopped is not changed; an override stays. Raises NotStored."""

        def work(connection: Connection) -> None:
            host_id = connection.execute(
                select(calendars.c.host_id).where(calendars.c.id == calendar_id)
            ).scalar_one_or_none()
            if host_id is None:
                raise NotStored
            for change in changes:
                if isinstance(change, Cancelled):
                    self._cancel(connection, calendar_id, change)
                else:
                    self._plan(connection, calendar_id, host_id, change)

        await self._database.write(work)

    async def add_by_hand(
        self,
        host_id: UserId,
        link: str,
        title: str,
        starts_at: datetime | None = None,
        *,
        ends_at: datetime | None = None,
        platform: str = "practice",
        rule: Rule = Rule.EVERYONE,
        fallback: Rule | None = None,
        language: str = "en",
        skipped_because: str = "",
    ) -> MeetingRow:
        """A pasted link: to be recorded, now unless `starts_at` is given, and unless a rule of the host is against."""
        meeting_id = self._new_id()
        values = {
            "id": meeting_id,
            "host_id": host_id,
            "occurrence_key": meeting_id,
            "title": title,
            "organiser": "",
            "starts_at": starts_at or self._clock.now(),
            "ends_at": ends_at,
            "link_sealed": self._vault.seal(_LINK, meeting_id, link),
            "platform": platform,
            "decision": "skip" if skipped_because else "record",
            "reason": skipped_because or BY_HAND,
            "rule": rule.value,
            "fallback": fallback.value if fallback else "",
            "series": self._vault.mark(_SERIES, host_id, link),  # a link is a secret: no plain hash of it
            "language": language,
            "state": MeetingState.PLANNED.value,
            "epoch": 0,
        }

        def work(connection: Connection) -> Row[Any]:
            return connection.execute(insert(meetings).values(values).returning(*meetings.c)).one()

        return self._row(await self._database.write(work))

    async def get(self, meeting_id: MeetingId) -> MeetingRow | None:
        rows = await self._select(meetings.c.id == meeting_id)
        return rows[0] if rows else None

    async def of_calendar(self, calendar_id: CalendarId) -> list[MeetingRow]:
        """All that planning has to know of: what was not over a day ago, and for long what was begun or stopped."""
        now, ends_at = self._clock.now(), func.coalesce(meetings.c.ends_at, meetings.c.starts_at)
        is_known_long = and_(meetings.c.state.not_in(_REVIVABLE), ends_at > now - BEGUN_IS_KNOWN_FOR)
        is_known = or_(ends_at > now - timedelta(days=1), is_known_long)
        return await self._select(meetings.c.calendar_id == calendar_id, is_known, limit=100_000)

    async def upcoming(self, host_id: UserId, now: datetime, limit: int = 200) -> list[MeetingRow]:
        """Not over yet, soonest first; skipped ones too, so that the host can change that."""
        return await self._select(
            meetings.c.host_id == host_id,
            meetings.c.state.in_((*_NOT_BEGUN, MeetingState.VISITING.value)),
            or_(
                meetings.c.ends_at > now, meetings.c.ends_at.is_(None), meetings.c.state == MeetingState.VISITING.value
            ),
            limit=limit,
        )

    async def missed(self, host_id: UserId, limit: int = 20) -> list[MeetingRow]:
        """Over without a bot's visit, newest first."""
        visited = select(visits.c.meeting_id)
        over = (MeetingState.MISSED.value, MeetingState.DONE.value, MeetingState.STOPPED.value)
        query = (
            select(meetings)
            .where(meetings.c.host_id == host_id, meetings.c.state.in_(over), meetings.c.id.not_in(visited))
            .order_by(meetings.c.starts_at.desc(), meetings.c.id.desc())
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [self._row(row) for row in rows]

    async def due(self, now: datetime, early_s: int) -> list[MeetingRow]:
        """To be visited now and not begun: wanted, in an enabled calendar (or overridden), started or about to."""
        enabled = select(calendars.c.id).where(calendars.c.enabled)
        return await self._select(
            meetings.c.state.in_(_NOT_BEGUN),
            func.coalesce(meetings.c.override, meetings.c.decision) == "record",
            or_(meetings.c.calendar_id.is_(None), meetings.c.override == "record", meetings.c.calendar_id.in_(enabled)),
            meetings.c.link_sealed.is_not(None),
            meetings.c.starts_at <= now + timedelta(seconds=early_s),
            _not_over(now),
        )

    async def abandoned(self, stale_after_ms: int) -> list[MeetingRow]:
        """Being visited, but their bot has shown no life for so long, or the machine restarted since."""
        return await self._select(meetings.c.state == MeetingState.VISITING.value, self._is_stale(stale_after_ms))

    async def claim(self, meeting_id: MeetingId, owner: str, stale_after_ms: int) -> int | None:
        """The new epoch, or None where another bot has it or it is over. From here older epochs can write nothing."""
        change = (
            update(meetings)
            .where(
                meetings.c.id == meeting_id,
                or_(
                    meetings.c.state.in_(_NOT_BEGUN),
                    and_(meetings.c.state == MeetingState.VISITING.value, self._is_stale(stale_after_ms)),
                ),
            )
            .values(
                epoch=meetings.c.epoch + 1,
                owner=owner,
                state=MeetingState.VISITING.value,
                alive_ms=self._clock.boot_ms(),
                alive_boot_id=self._clock.boot_id,
            )
            .returning(meetings.c.epoch)
        )
        return await self._database.write(lambda connection: connection.execute(change).scalar_one_or_none())

    async def heartbeat(self, meeting_id: MeetingId, epoch: int, alive_ms: int) -> bool:
        """`alive_ms` is when media was last seen (law 9). False: stopped or taken over; leave."""
        change = (
            update(meetings)
            .where(_owned(meeting_id, epoch))
            .values(alive_ms=alive_ms, alive_boot_id=self._clock.boot_id)
        )
        return bool(await self._database.write(lambda connection: connection.execute(change).rowcount))

    async def finish(self, meeting_id: MeetingId, epoch: int, reason: str) -> bool:
        """False: it was stopped or taken over meanwhile, and is left as it is."""
        change = (
            update(meetings)
            .where(_owned(meeting_id, epoch))
            .values(state=MeetingState.DONE.value, outcome=reason, owner=None)
        )
        return bool(await self._database.write(lambda connection: connection.execute(change).rowcount))

    async def override(self, meeting_id: MeetingId, override: Override | None) -> None:
        """The host's own choice for one meeting; None goes back to what the calendar says. Raises NotStored."""
        await self._change(meetings.c.id == meeting_id, {"override": override})

    async def set_rule(self, meeting_id: MeetingId, rule: Rule) -> None:
        """Only before it has begun. Raises NotStored."""
        await self._change(_waiting(meeting_id), {"rule": rule.value})

    async def decide(self, meeting_id: MeetingId, decision: Decision, reason: str) -> None:
        """Only before it has begun; an override stays. Raises NotStored."""
        await self._change(_waiting(meeting_id), {"decision": decision, "reason": reason})

    async def stop(self, meeting_id: MeetingId) -> None:
        """Final (law 8): no bot visits it again, whatever the calendar says later. A finished one stays finished."""
        over = (MeetingState.DONE.value, MeetingState.STOPPED.value)
        change = (
            update(meetings)
            .where(meetings.c.id == meeting_id, meetings.c.state.not_in(over))
            .values(state=MeetingState.STOPPED.value, outcome="stopped by the host", owner=None)
        )
        await self._database.write(lambda connection: connection.execute(change))

    async def is_stopped(self, meeting_id: MeetingId) -> bool:
        query = select(meetings.c.state).where(meetings.c.id == meeting_id)
        state = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return state == MeetingState.STOPPED.value

    async def mark_missed(self, now: datetime) -> int:
        """Meetings that are over and that no bot began; how many. Says why of those that the host wanted."""
        is_wanted = func.coalesce(meetings.c.override, meetings.c.decision) == "record"
        outcome = case(
            (~is_wanted, None),
            (meetings.c.link_sealed.is_(None), "there was no link to join it by"),
            else_="no bot began it in time",
        )
        change = (
            update(meetings)
            .where(meetings.c.state.in_(_NOT_BEGUN), ~_not_over(now))
            .values(state=MeetingState.MISSED.value, outcome=outcome)
        )
        return await self._database.write(lambda connection: connection.execute(change).rowcount)

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _is_stale(self, stale_after_ms: int) -> ColumnElement[bool]:
        return or_(
            meetings.c.owner.is_(None),
            meetings.c.alive_boot_id.is_distinct_from(self._clock.boot_id),
            meetings.c.alive_ms < self._clock.boot_ms() - stale_after_ms,
        )

    def _plan(self, connection: Connection, calendar_id: str, host_id: str, planned: PlannedMeeting) -> None:
        found = connection.execute(
            select(meetings.c.id, meetings.c.state).where(
                meetings.c.calendar_id == calendar_id, meetings.c.occurrence_key == planned.occurrence_key
            )
        ).first()
        meeting_id = found.id if found else self._new_id()
        values: dict[str, Any] = {
            "title": planned.title,
            "organiser": planned.organiser,
            "starts_at": planned.starts_at,
            "ends_at": planned.ends_at,
            "link_sealed": None if planned.link is None else self._vault.seal(_LINK, meeting_id, planned.link),
            "platform": planned.platform,
            "decision": planned.decision,
            "reason": planned.reason,
            "rule": planned.rule.value,
            "fallback": planned.fallback.value if planned.fallback else "",
            "series": planned.series,
            "language": planned.language,
            "state": MeetingState.PLANNED.value,
            "outcome": None,
        }
        if found is None:
            values |= {"id": meeting_id, "host_id": host_id, "calendar_id": calendar_id, "epoch": 0}
            values["occurrence_key"] = planned.occurrence_key
            connection.execute(insert(meetings).values(values))
        elif found.state in _REVIVABLE:
            connection.execute(update(meetings).where(meetings.c.id == meeting_id).values(values))

    @staticmethod
    def _cancel(connection: Connection, calendar_id: str, cancelled: Cancelled) -> None:
        connection.execute(
            update(meetings)
            .where(
                meetings.c.calendar_id == calendar_id,
                meetings.c.occurrence_key == cancelled.occurrence_key,
                meetings.c.state.in_(_NOT_BEGUN),
            )
            .values(state=MeetingState.CANCELLED.value, outcome="cancelled in the calendar")
        )

    async def _change(self, which: ColumnElement[bool], values: dict[str, Any]) -> None:
        change = update(meetings).where(which).values(values)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    async def _select(self, *which: ColumnElement[bool], limit: int = 1000) -> list[MeetingRow]:
        query = select(meetings).where(*which).order_by(meetings.c.starts_at, meetings.c.id).limit(limit)
        # unsealed where they are read: thousands of links take longer than a loop may wait
        return await self._database.read(lambda connection: [self._row(row) for row in connection.execute(query)])

    def _row(self, row: Row[Any]) -> MeetingRow:
        return MeetingRow(
            id=row.id,
            host_id=row.host_id,
            calendar_id=row.calendar_id,
            occurrence_key=row.occurrence_key,
            title=row.title,
            organiser=row.organiser,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            link=None if row.link_sealed is None else self._vault.unseal(_LINK, row.id, row.link_sealed),
            platform=row.platform,
            decision=row.decision,
            reason=row.reason,
            override=row.override,
            rule=Rule(row.rule),
            fallback=Rule(row.fallback) if row.fallback else None,
            series=row.series,
            language=row.language,
            state=MeetingState(row.state),
            outcome=row.outcome,
            epoch=row.epoch,
            owner=row.owner,
        )


def _waiting(meeting_id: str) -> ColumnElement[bool]:
    return and_(meetings.c.id == meeting_id, meetings.c.state.in_(_NOT_BEGUN))


def _owned(meeting_id: str, epoch: int) -> ColumnElement[bool]:
    return and_(meetings.c.id == meeting_id, meetings.c.epoch == epoch, meetings.c.state == MeetingState.VISITING.value)


def _not_over(now: datetime) -> ColumnElement[bool]:
    """A meeting without an end counts as over some hours after its start. Never NULL, so that it can be negated."""
    return case(
        (meetings.c.ends_at.is_(None), meetings.c.starts_at > now - timedelta(hours=OPEN_END_HOURS)),
        else_=meetings.c.ends_at > now,
    )
