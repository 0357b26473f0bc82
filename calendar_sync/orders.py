"""A plan's changes in storage's words, and what is stored in planning's. Decides nothing but the terms: a rule that the
host set for one meeting stays when the meeting moves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from calendar_sync.links import JoinLink, KnownHosts, read_address
from calendar_sync.planning import Cancel, Change, PlannedOccurrence, Progress
from consent_notice.words import CalendarId
from storage.calendars import CalendarRow
from storage.meetings import Cancelled, MeetingRow, Meetings, MeetingState, PlannedMeeting


def series_of(calendar_id: CalendarId, series: str) -> str:
    """No name of a series is the same in two calendars: what was agreed for one is not agreed for the other."""
    return hashlib.sha256(json.dumps([calendar_id, series]).encode()).hexdigest()[:40] if series else ""


def terms_of(row: CalendarRow | MeetingRow) -> tuple[str, str, str]:
    return (row.rule.value, row.language, row.fallback.value if row.fallback else "")


def orders_of(
    changes: list[Change],
    rows: Mapping[str, MeetingRow],
    calendar: CalendarRow,
    known: KnownHosts,
    *,
    has_new_terms: bool,
) -> list[PlannedMeeting | Cancelled]:
    orders: list[PlannedMeeting | Cancelled] = []
    touched: set[str] = set()
    for change in changes:
        if isinstance(change, Cancel):
            orders.append(Cancelled(occurrence_key=change.occurrence_key))
            touched.add(change.occurrence_key)
            continue
        row = rows.get(change.meeting.occurrence_key)
        orders.append(order_of(change.meeting, row if row is not None and not has_new_terms else calendar, known))
        touched.add(change.meeting.occurrence_key)
    if has_new_terms:
        for key, row in rows.items():
            differs = terms_of(row) != terms_of(calendar)
            if key not in touched and differs and progress_of(row) is Progress.WAITING:
                orders.append(order_of(as_planned(row), calendar, known))
                touched.add(key)
    for key, row in rows.items():  # stored before rooms were told apart
        if key not in touched and not row.is_room_known and progress_of(row) is Progress.WAITING:
            orders.append(order_of(as_planned(row), row, known))
    return orders


def order_of(meeting: PlannedOccurrence, terms: CalendarRow | MeetingRow, known: KnownHosts) -> PlannedMeeting:
    return PlannedMeeting(
        occurrence_key=meeting.occurrence_key,
        title=meeting.title,
        organiser=meeting.organiser,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        link=meeting.link,
        room=meeting.room or _room(meeting.link, known),
        platform=meeting.platform,
        decision=meeting.decision,
        reason=meeting.reason,
        series=meeting.series,
        rule=terms.rule,
        fallback=terms.fallback,
        language=terms.language,
    )


def _room(link: str | None, known: KnownHosts) -> str:
    found = read_address(link, known) if link is not None else None
    return found.meeting if isinstance(found, JoinLink) else ""


def as_planned(row: MeetingRow) -> PlannedOccurrence:
    return PlannedOccurrence(
        occurrence_key=row.occurrence_key,
        title=row.title,
        organiser=row.organiser,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        link=row.link,
        platform=row.platform,
        decision="record" if row.decision == "record" else "skip",
        reason=row.reason,
        series=row.series,
    )


def progress_of(row: MeetingRow) -> Progress:
    if row.state in (MeetingState.PLANNED, MeetingState.DUE):
        return Progress.WAITING
    if row.state is MeetingState.VISITING and row.recall is None:
        return Progress.RUNNING
    if row.state in (MeetingState.CANCELLED, MeetingState.MISSED):
        return Progress.GONE
    return Progress.FIXED


async def name_rooms(meetings: Meetings, known: KnownHosts) -> int:
    """Of what was stored before rooms were told apart and is not over; how many. Again does no harm."""
    rows = await meetings.with_unknown_rooms()
    for row in rows:
        await meetings.name_room(row, _room(row.link, known))
    return len(rows)
