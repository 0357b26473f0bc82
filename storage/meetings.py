"""Planned meetings: what the calendars say, and what the host overrides.

What is planned follows the calendar until a bot is there; then only what makes it leave is taken: it was cancelled,
moved to a later time, or got another link (and then it is planned anew, for the bot that comes next). Who may visit is
decided in `claims`, what happens inside a meeting is in `visits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from consent_notice.words import CalendarId, MeetingId, Rule, UserId
from storage.claims import Claims
from storage.errors import NotStored
from storage.meeting_rows import (
    BY_HAND,
    LINK,
    NOT_BEGUN,
    OPEN_END_HOURS,
    REVIVABLE,
    ROOM,
    SERIES,
    Cancelled,
    Decision,
    MeetingRow,
    MeetingState,
    Override,
    PlannedMeeting,
    row_of,
)
from storage.schema import calendars, meetings, visits

__all__ = [
    "BY_HAND",
    "OPEN_END_HOURS",
    "Cancelled",
    "Decision",
    "MeetingRow",
    "MeetingState",
    "Meetings",
    "Override",
    "PlannedMeeting",
]

BEGUN_IS_KNOWN_FOR = timedelta(days=90)  # so that an old occurrence that is moved ahead is known for what it is
CANCELLED = "cancelled in the calendar"
MOVED = "moved to another time while the bot was there"
NEW_LINK = "it got another link while the bot was there"
SKIPPED = "you chose that the bot stays away"


class Meetings(Claims):
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
        room: str = "",
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
            "link_sealed": self._vault.seal(LINK, meeting_id, link),
            "room_mark": self._room_mark(platform, room, link),
            "platform": platform,
            "decision": "skip" if skipped_because else "record",
            "reason": skipped_because or BY_HAND,
            "rule": rule.value,
            "fallback": fallback.value if fallback else "",
            "series": self._vault.mark(SERIES, host_id, link),  # a link is a secret: no plain hash of it
            "language": language,
            "state": MeetingState.PLANNED.value,
            "epoch": 0,
        }

        def work(connection: Connection) -> Row[Any]:
            return connection.execute(insert(meetings).values(values).returning(*meetings.c)).one()

        return row_of(await self._database.write(work), self._vault)

    async def get(self, meeting_id: MeetingId) -> MeetingRow | None:
        rows = await self._select(meetings.c.id == meeting_id)
        return rows[0] if rows else None

    async def of_calendar(self, calendar_id: CalendarId, *, over_since: datetime | None = None) -> list[MeetingRow]:
        """All that planning has to know of: what was not over a day ago, or by then, and for long what was begun or
        stopped.
        """
        now, ends_at = self._clock.now(), func.coalesce(meetings.c.ends_at, meetings.c.starts_at)
        since = min(now - timedelta(days=1), over_since or now)
        is_known_long = and_(meetings.c.state.not_in(REVIVABLE), ends_at > now - BEGUN_IS_KNOWN_FOR)
        is_known = or_(ends_at > since, is_known_long)
        return await self._select(meetings.c.calendar_id == calendar_id, is_known, limit=100_000)

    async def upcoming(self, host_id: UserId, now: datetime, limit: int = 200) -> list[MeetingRow]:
        """Not over yet, soonest first; skipped ones too, so that the host can change that."""
        return await self._select(
            meetings.c.host_id == host_id,
            meetings.c.state.in_((*NOT_BEGUN, MeetingState.VISITING.value)),
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
        return [row_of(row, self._vault) for row in rows]

    async def override(self, meeting_id: MeetingId, override: Override | None) -> None:
        """The host's own choice for one meeting; None goes back to what the calendar says. A bot that is there leaves
        when it is to be skipped. Raises NotStored.
        """
        call_back = update(meetings).where(
            meetings.c.id == meeting_id, meetings.c.state == MeetingState.VISITING.value, meetings.c.recall.is_(None)
        )
        choose = update(meetings).where(meetings.c.id == meeting_id).values(override=override)

        def work(connection: Connection) -> None:
            if not connection.execute(choose).rowcount:
                raise NotStored
            if override in ("skip", "later"):
                connection.execute(call_back.values(recall=SKIPPED))

        await self._database.write(work)

    async def set_rule(self, meeting_id: MeetingId, rule: Rule) -> None:
        """Only before it has begun. Raises NotStored."""
        await self._change(_waiting(meeting_id), {"rule": rule.value})

    async def decide(self, meeting_id: MeetingId, decision: Decision, reason: str) -> None:
        """Only before it has begun; an override stays. Raises NotStored."""
        await self._change(_waiting(meeting_id), {"decision": decision, "reason": reason})

    async def with_unknown_rooms(self) -> list[MeetingRow]:
        """Not over, with a link, and stored before rooms were told apart."""
        waits = meetings.c.state.in_((*NOT_BEGUN, MeetingState.VISITING.value))
        return await self._select(waits, meetings.c.link_sealed.is_not(None), meetings.c.room_mark == "")

    async def name_room(self, row: MeetingRow, room: str) -> None:
        """`room` is the same for every link into it; empty: the link itself is."""
        values = {"room_mark": self._room_mark(row.platform, room, row.link or "")}
        change = update(meetings).where(meetings.c.id == row.id, meetings.c.room_mark == "").values(values)
        await self._database.write(lambda connection: connection.execute(change))

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _plan(self, connection: Connection, calendar_id: str, host_id: str, planned: PlannedMeeting) -> None:
        row = connection.execute(
            select(meetings).where(
                meetings.c.calendar_id == calendar_id, meetings.c.occurrence_key == planned.occurrence_key
            )
        ).first()
        if row is None:
            self._schedule(connection, calendar_id, host_id, planned)
        elif row.state in REVIVABLE:
            connection.execute(update(meetings).where(meetings.c.id == row.id).values(self._values(row.id, planned)))
        elif row.state == MeetingState.VISITING.value:
            self._change_running(connection, row_of(row, self._vault), planned)

    def _schedule(
        self,
        connection: Connection,
        calendar_id: str,
        host_id: str,
        planned: PlannedMeeting,
        override: Override | None = None,
    ) -> None:
        meeting_id = self._new_id()
        values = self._values(meeting_id, planned) | {
            "id": meeting_id,
            "host_id": host_id,
            "calendar_id": calendar_id,
            "occurrence_key": planned.occurrence_key,
            "override": override,
            "epoch": 0,
        }
        connection.execute(insert(meetings).values(values))

    def _values(self, meeting_id: str, planned: PlannedMeeting) -> dict[str, Any]:
        link = planned.link
        return {
            "title": planned.title,
            "organiser": planned.organiser,
            "starts_at": planned.starts_at,
            "ends_at": planned.ends_at,
            "link_sealed": None if link is None else self._vault.seal(LINK, meeting_id, link),
            "room_mark": "" if link is None else self._room_mark(planned.platform, planned.room, link),
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

    def _change_running(self, connection: Connection, row: MeetingRow, planned: PlannedMeeting) -> None:
        """What was begun stays one meeting with its answers; where the bot has to come again, that is a new one."""
        now = self._clock.now()
        this = update(meetings).where(meetings.c.id == row.id)
        has_new_link = planned.link != row.link
        is_moved = planned.starts_at != row.starts_at and planned.starts_at > now
        if planned.decision == "skip" and row.override != "record":
            connection.execute(this.where(meetings.c.recall.is_(None)).values(recall=planned.reason))
        elif has_new_link or is_moved:
            assert row.calendar_id is not None
            left = {
                "recall": row.recall or (NEW_LINK if has_new_link else MOVED),
                "occurrence_key": f"{row.occurrence_key}#{row.id}",
                "starts_at": min(now, row.starts_at),  # also of one that came early
                "ends_at": now,  # it is over for its bot, so it clashes with nothing after
            }
            connection.execute(this.values(left))
            self._schedule(connection, row.calendar_id, row.host_id, planned, row.override)
        else:
            connection.execute(this.values(title=planned.title, ends_at=planned.ends_at))

    def _room_mark(self, platform: str, room: str, link: str) -> str:
        return self._vault.mark(ROOM, platform, room or link)  # a link is a secret: no plain hash of it

    @staticmethod
    def _cancel(connection: Connection, calendar_id: str, cancelled: Cancelled) -> None:
        this = update(meetings).where(
            meetings.c.calendar_id == calendar_id, meetings.c.occurrence_key == cancelled.occurrence_key
        )
        waiting = this.where(meetings.c.state.in_(NOT_BEGUN))
        connection.execute(waiting.values(state=MeetingState.CANCELLED.value, outcome=CANCELLED))
        running = this.where(
            meetings.c.state == MeetingState.VISITING.value,
            meetings.c.recall.is_(None),
            meetings.c.override.is_distinct_from("record"),
        )
        connection.execute(running.values(recall=CANCELLED))

    async def _change(self, which: ColumnElement[bool], values: dict[str, Any]) -> None:
        change = update(meetings).where(which).values(values)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored


def _waiting(meeting_id: str) -> ColumnElement[bool]:
    return and_(meetings.c.id == meeting_id, meetings.c.state.in_(NOT_BEGUN))
