"""What is known of one planned meeting, in words of their own, and how it lies in its table. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import Row

from consent_notice.words import CalendarId, MeetingId, Rule, UserId
from storage.vault import Vault

Decision = Literal["record", "skip", "undecided"]
Override = Literal["record", "skip", "later"]  # later: the host has yet to say; until then the bot stays away

LINK, SERIES, ROOM = "meeting link", "meetings at one link", "meetings in one room"
BY_HAND = "added by hand"
UNSEEN = "it came and went while this calendar was not read: the server was not running, or it did not answer"
OPEN_END_HOURS = 4  # a meeting without an end is not begun later than that


class MeetingState(StrEnum):
    PLANNED = "planned"
    DUE = "due"
    VISITING = "visiting"
    DONE = "done"
    MISSED = "missed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


NOT_BEGUN = (MeetingState.PLANNED.value, MeetingState.DUE.value)
REVIVABLE = (*NOT_BEGUN, MeetingState.CANCELLED.value, MeetingState.MISSED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMeeting:
    """What one pass over a calendar found of one occurrence, judged."""

    occurrence_key: str  # stable over moves; unique in the calendar
    title: str
    organiser: str
    starts_at: datetime
    ends_at: datetime | None
    link: str | None
    room: str = ""  # the same for every link into this meeting; empty: the link itself is
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
    recall: str | None = None  # why its bot has to leave
    is_room_known: bool = True  # False: stored before rooms were told apart

    @property
    def will_record(self) -> bool:
        """What the host wants, their override first; a calendar that is off says no by itself only in `due`."""
        return (self.override or self.decision) == "record"


def row_of(row: Row[Any], vault: Vault) -> MeetingRow:
    """Raises BrokenRecord."""
    return MeetingRow(
        id=row.id,
        host_id=row.host_id,
        calendar_id=row.calendar_id,
        occurrence_key=row.occurrence_key,
        title=row.title,
        organiser=row.organiser,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        link=None if row.link_sealed is None else vault.unseal(LINK, row.id, row.link_sealed),
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
        recall=row.recall,
        is_room_known=row.link_sealed is None or bool(row.room_mark),
    )
