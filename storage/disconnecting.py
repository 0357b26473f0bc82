"""What stays of a calendar that is disconnected: only what a kept recording needs to name itself, and, until it is
over, that a meeting was stopped or visited, so that connecting again sends no second bot there.

Works on a connection, so that a calendar and an account go in one transaction with all of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, select, update

from storage.meeting_rows import MeetingState
from storage.schema import calendars, meetings, visits

DISCONNECTED = "its calendar was disconnected"
_NEVER_BEGUN = tuple(
    state.value for state in (MeetingState.PLANNED, MeetingState.DUE, MeetingState.CANCELLED, MeetingState.MISSED)
)
_ENDED = (MeetingState.DONE.value, MeetingState.STOPPED.value)


def forget_calendars(connection: Connection, calendar_ids: Sequence[str], now: datetime) -> None:
    """Bots that are in one of their meetings leave."""
    theirs = meetings.c.calendar_id.in_(calendar_ids)
    connection.execute(delete(meetings).where(theirs, meetings.c.state.in_(_NEVER_BEGUN)))
    is_visited = meetings.c.state == MeetingState.VISITING.value
    connection.execute(update(meetings).where(theirs, is_visited).values(recall=DISCONNECTED))
    connection.execute(delete(calendars).where(calendars.c.id.in_(calendar_ids)))  # sets their meetings' one to NULL
    forget_left_behind(connection, now)


def forget_left_behind(connection: Connection, now: datetime) -> int:
    """Again after meetings ended that were running when their calendar went; how many rows it changed."""
    left_behind = and_(meetings.c.calendar_id.is_(None), meetings.c.occurrence_key != meetings.c.id)
    ended = and_(left_behind, meetings.c.state.in_(_ENDED))
    was_visited = meetings.c.id.in_(select(visits.c.meeting_id))
    is_kept = meetings.c.id.in_(select(visits.c.meeting_id).where(visits.c.kept_ms > 0))
    is_over = func.coalesce(meetings.c.ends_at, meetings.c.starts_at) <= now
    of_calendar = {"link_sealed": None, "organiser": "", "reason": ""}
    changed = connection.execute(delete(meetings).where(ended, ~was_visited, is_over)).rowcount
    connection.execute(update(meetings).where(ended, ~was_visited).values(title="", **of_calendar))
    connection.execute(update(meetings).where(ended, was_visited, ~is_kept).values(title=""))
    done = {**of_calendar, "occurrence_key": meetings.c.id}
    return changed + connection.execute(update(meetings).where(ended, was_visited).values(done)).rowcount
