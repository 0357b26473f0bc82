"""Which bot may visit a meeting: one owner at a time, fenced by `epoch`; one bot a room at a time, whoever invited it;
and a host's stop is final.

What the calendars say of a meeting is in `meetings`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, and_, case, exists, func, literal, or_, select, type_coerce, update

from consent_notice.clock import Clock
from consent_notice.words import MeetingId
from storage.columns import to_epoch_ms
from storage.database import Database
from storage.meeting_rows import NOT_BEGUN, OPEN_END_HOURS, UNSEEN, MeetingRow, MeetingState, row_of
from storage.schema import calendars, meetings, users, visits
from storage.vault import Vault

KEPT_AWAY = "you kept the bot away from the same meeting in another of your calendars"
UNDECIDED = "you had not decided whether the bot goes there"
NO_LINK_IN_TIME = "there was no link to join it by"
NO_BOT_IN_TIME = "no bot began it in time: the server was not running, or all of its bots were busy"
_OPEN_END_MS = OPEN_END_HOURS * 3_600_000
_ENDED = (MeetingState.DONE.value, MeetingState.STOPPED.value)
_other = meetings.alias("other")


class Claims:
    def __init__(self, database: Database, vault: Vault, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

    async def due(self, now: datetime, early_s: int) -> list[MeetingRow]:
        """To be visited now and not begun: wanted, in an enabled calendar (or overridden), started or about to, and no
        other meeting's bot is or was in its room. `early_s`: where the calendar says nothing else.
        """
        return await self._select(meetings.c.state.in_(NOT_BEGUN), _is_due(now, early_s), ~_is_taken())

    async def abandoned(self, stale_after_ms: int) -> list[MeetingRow]:
        """Being visited, but their bot has shown no life for so long, or the machine restarted since."""
        return await self._select(meetings.c.state == MeetingState.VISITING.value, self._is_stale(stale_after_ms))

    async def claim(
        self,
        meeting_id: MeetingId,
        owner: str,
        stale_after_ms: int,
        *,
        due_within_s: int | None = None,
        to_close: bool = False,
    ) -> int | None:
        """The new epoch, or None where another bot has it or it is over. From here older epochs can write nothing.

        `due_within_s`: nor where one that has not begun is not due any more, as `due` says. `to_close`: also where it
        was called off, for its books only.
        """
        begins: ColumnElement[bool] = meetings.c.state.in_(NOT_BEGUN)
        if due_within_s is not None:
            begins = and_(begins, _is_due(self._clock.now(), due_within_s), ~_is_taken())
        goes_on = and_(meetings.c.state == MeetingState.VISITING.value, self._is_stale(stale_after_ms))
        if not to_close:
            goes_on = and_(goes_on, meetings.c.recall.is_(None))
        change = (
            update(meetings)
            .where(meetings.c.id == meeting_id, or_(begins, goes_on))
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

    async def stop(self, meeting_id: MeetingId) -> None:
        """Final (law 8): no bot visits it again, whatever the calendar says later. A finished one stays finished."""
        change = (
            update(meetings)
            .where(meetings.c.id == meeting_id, meetings.c.state.not_in(_ENDED))
            .values(state=MeetingState.STOPPED.value, outcome="stopped by the host", owner=None)
        )
        await self._database.write(lambda connection: connection.execute(change))

    async def is_stopped(self, meeting_id: MeetingId) -> bool:
        query = select(meetings.c.state).where(meetings.c.id == meeting_id)
        state = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return state == MeetingState.STOPPED.value

    async def called_off(self, meeting_id: MeetingId) -> str | None:
        """Why the bot that is there has to leave: what the calendar or its host said meanwhile. None: it may stay."""
        query = select(meetings.c.recall).where(meetings.c.id == meeting_id)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())

    async def visited_for(self, meeting_ids: Sequence[str]) -> dict[str, str]:
        """Which of these have another meeting's bot in their room now, and for which host: their shown name."""
        query = (
            select(meetings.c.id, users.c.name)
            .select_from(meetings)
            .join(_other, and_(_is_same_room(), _other.c.state == MeetingState.VISITING.value))
            .join(users, users.c.id == _other.c.host_id)
            .where(meetings.c.id.in_(meeting_ids), meetings.c.state.in_(NOT_BEGUN))
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: row.name for row in rows}

    async def kept_away(self, meeting_ids: Sequence[str]) -> set[str]:
        """Which of these stand in another of their host's calendars too, where the host said no to the bot."""
        query = select(meetings.c.id).where(meetings.c.id.in_(meeting_ids), _is_kept_away())
        return set(await self._database.read(lambda connection: connection.execute(query).scalars().all()))

    async def mark_missed(self, now: datetime) -> int:
        """Meetings that are over and that no bot began; how many. Says why of those that the host wanted; one that a
        bot visited for another host counts as done.
        """
        is_wanted = func.coalesce(meetings.c.override, meetings.c.decision) == "record"
        was_there_for = (
            select(literal("the bot was there for ") + users.c.name + ", who has this meeting too")
            .select_from(_other)
            .join(users, users.c.id == _other.c.host_id)
            .where(_is_same_room(), _was_visited(), _overlaps())
            .limit(1)
            .correlate(meetings)
            .scalar_subquery()
        )
        over = and_(meetings.c.state.in_(NOT_BEGUN), ~_not_over(now))
        shared = (
            update(meetings)
            .where(over, is_wanted, was_there_for.is_not(None))
            .values(state=MeetingState.DONE.value, outcome=was_there_for)
        )
        outcome = case(
            (meetings.c.override == "later", UNDECIDED),
            (~is_wanted, None),
            (meetings.c.link_sealed.is_(None), NO_LINK_IN_TIME),
            (_is_kept_away(), KEPT_AWAY),
            (meetings.c.reason == UNSEEN, UNSEEN),
            else_=NO_BOT_IN_TIME,
        )
        missed = update(meetings).where(over).values(state=MeetingState.MISSED.value, outcome=outcome)
        return await self._database.write(
            lambda connection: (connection.execute(shared), connection.execute(missed).rowcount)[1]
        )

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _is_stale(self, stale_after_ms: int) -> ColumnElement[bool]:
        return or_(
            meetings.c.owner.is_(None),
            meetings.c.alive_boot_id.is_distinct_from(self._clock.boot_id),
            meetings.c.alive_ms < self._clock.boot_ms() - stale_after_ms,
        )

    async def _select(self, *which: ColumnElement[bool], limit: int = 1000) -> list[MeetingRow]:
        query = select(meetings).where(*which).order_by(meetings.c.starts_at, meetings.c.id).limit(limit)
        # unsealed where they are read: thousands of links take longer than a loop may wait
        return await self._database.read(
            lambda connection: [row_of(row, self._vault) for row in connection.execute(query)]
        )


def _is_due(now: datetime, early_s: int) -> ColumnElement[bool]:
    enabled = select(calendars.c.id).where(calendars.c.enabled)
    own_early_s = (
        select(calendars.c.join_early_s)
        .where(calendars.c.id == meetings.c.calendar_id)
        .correlate(meetings)
        .scalar_subquery()
    )
    joins_ms = _ms(meetings.c.starts_at) - 1000 * func.coalesce(own_early_s, early_s)
    return and_(
        func.coalesce(meetings.c.override, meetings.c.decision) == "record",
        or_(meetings.c.calendar_id.is_(None), meetings.c.override == "record", meetings.c.calendar_id.in_(enabled)),
        meetings.c.link_sealed.is_not(None),
        joins_ms <= to_epoch_ms(now),
        _not_over(now),
    )


def _is_taken() -> ColumnElement[bool]:
    """A bot is in this meeting's room, or was there at this meeting's time. What a host sends by hand asks only for
    the first: they may go back where a bot was before.
    """
    by_hand = _is_by_hand()
    is_there = and_(_other.c.state == MeetingState.VISITING.value, _ms(_other.c.starts_at) < _end_ms())
    own_stop = and_(_other.c.state == MeetingState.STOPPED.value, _other.c.host_id == meetings.c.host_id)
    was_there = and_(~by_hand, or_(_was_visited(), own_stop), _overlaps())
    taken = exists(select(_other.c.id).where(_is_same_room(), or_(is_there, was_there)).correlate(meetings))
    return or_(taken, _is_kept_away())


def _is_kept_away() -> ColumnElement[bool]:
    """A host's no to a meeting holds for it in all of their calendars, but where they said yes to it by hand."""
    own_no = and_(
        _other.c.host_id == meetings.c.host_id,
        _other.c.override.in_(("skip", "later")),
        _is_same_room(),
        _overlaps(),
    )
    said_yes = or_(_is_by_hand(), meetings.c.override.is_not_distinct_from("record"))
    return and_(~said_yes, exists(select(_other.c.id).where(own_no).correlate(meetings)))


def _is_by_hand() -> ColumnElement[bool]:
    return and_(meetings.c.calendar_id.is_(None), meetings.c.occurrence_key == meetings.c.id)


def _is_same_room() -> ColumnElement[bool]:
    return and_(_other.c.room_mark == meetings.c.room_mark, meetings.c.room_mark != "", _other.c.id != meetings.c.id)


def _was_visited() -> ColumnElement[bool]:
    its_visit = exists(select(visits.c.id).where(visits.c.meeting_id == _other.c.id).correlate(_other))
    return and_(_other.c.state.in_(_ENDED), its_visit)


def _overlaps() -> ColumnElement[bool]:
    left_ms = select(_ms(visits.c.ended_at)).where(visits.c.meeting_id == _other.c.id).correlate(_other)
    open_end = _ms(_other.c.starts_at) + _OPEN_END_MS
    other_end = func.coalesce(_ms(_other.c.ends_at), left_ms.scalar_subquery(), open_end)
    return and_(_ms(_other.c.starts_at) < _end_ms(), _ms(meetings.c.starts_at) < other_end)


def _ms(column: ColumnElement[datetime]) -> ColumnElement[int]:
    return type_coerce(column, BigInteger)


def _end_ms() -> ColumnElement[int]:
    return func.coalesce(_ms(meetings.c.ends_at), _ms(meetings.c.starts_at) + _OPEN_END_MS)


def _owned(meeting_id: str, epoch: int) -> ColumnElement[bool]:
    return and_(meetings.c.id == meeting_id, meetings.c.epoch == epoch, meetings.c.state == MeetingState.VISITING.value)


def _not_over(now: datetime) -> ColumnElement[bool]:
    """A meeting without an end counts as over some hours after its start. Never NULL, so that it can be negated."""
    return case(
        (meetings.c.ends_at.is_(None), meetings.c.starts_at > now - timedelta(hours=OPEN_END_HOURS)),
        else_=meetings.c.ends_at > now,
    )
