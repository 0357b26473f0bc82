"""PURE: one event as Google Calendar writes it, to what it says about an occurrence.

Decides which texts may hold a join link and in which order, what the host answered, and who else is invited; which
occurrence it is across moves is `google_occurrences`' business. Follows the reference of the Events resource
(developers.google.com/workspace/calendar/api/v3/reference/events).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from calendar_sync.links import LinkTexts
from calendar_sync.planning import CalendarEvent, OwnAnswer

# Only what becomes of these is asked for; texts and addresses are judged and then forgotten.
EVENT_FIELDS = (
    "items(id,status,eventType,summary,location,description,start,end,endTimeUnspecified,recurringEventId,"
    "originalStartTime,hangoutLink,conferenceData/entryPoints(entryPointType,uri,passcode,password,accessCode),"
    "organizer(email,displayName,self),attendees(email,self,resource,responseStatus),attendeesOmitted,"
    "guestsCanSeeOtherGuests)"
)
MEETING_TYPES = ("default", "fromGmail")  # the others are a person's state (away, focus) or a birthday: not even read
MAX_TEXT_CHARS = 65_536

_ANSWERS = {"accepted": OwnAnswer.ACCEPTED, "tentative": OwnAnswer.TENTATIVE, "declined": OwnAnswer.DECLINED}
_ZOOM_HOST = re.compile(r"https?://(?:[a-z0-9-]+\.)*(?:zoom\.us|zoom\.com|zoomgov\.com)/", re.IGNORECASE)
_INSTANCE_ID = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z)?)", re.DOTALL)


class BrokenEvent(Exception):
    """This event can't be read; the others can."""


class Identity(NamedTuple):
    """`series` and `stamp` (its original start, UTC; a date for all-day ones) are of an occurrence of a series only."""

    id: str
    series: str = ""
    stamp: str = ""
    day: str = ""  # of the original start where the series is at home; "" where a cancellation does not tell it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one item of a page says. `event` None: there is no such occurrence in the window (any more)."""

    identity: Identity
    event: CalendarEvent | None  # with an empty key


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is the same for all events of a pass."""

    starts_at: datetime
    ends_at: datetime
    zone: str  # what a day without a time means
    own_addresses: frozenset[str]
    is_owned: bool  # by the host: what the calendar itself answered or organises is the host's


def read_event(item: Mapping[str, Any], frame: Frame) -> Reading | None:
    """None for what is no meeting by its type. Raises BrokenEvent."""
    try:
        if item.get("eventType", "default") not in MEETING_TYPES:
            return None
        identity = _identity(item, frame)
        if item.get("status") == "cancelled":
            return Reading(identity=identity, event=None)
        event = _event(item, frame)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise BrokenEvent from None
    is_inside = event.starts_at < frame.ends_at and (event.ends_at or event.starts_at) >= frame.starts_at
    return Reading(identity=identity, event=event if is_inside else None)


def _identity(item: Mapping[str, Any], frame: Frame) -> Identity:
    """A cancelled occurrence may hold no more than its id, which is built from the series and the original start."""
    key = _text(item["id"])
    if not key:
        raise BrokenEvent
    series = item.get("recurringEventId")
    if series and "originalStartTime" in item:
        original = item["originalStartTime"]
        if "date" in original:
            day = date.fromisoformat(original["date"]).strftime("%Y%m%d")
            return Identity(key, _text(series), day, day)
        at = _time(original, frame)
        home = _zone(original.get("timeZone")) or _zone(frame.zone) or UTC
        return Identity(
            key, _text(series), at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"), at.astimezone(home).strftime("%Y%m%d")
        )
    parts = _INSTANCE_ID.fullmatch(key)
    if parts and (series or item.get("status") == "cancelled"):
        return Identity(key, parts[1], parts[2])
    if series:
        raise BrokenEvent
    return Identity(key)


def _event(item: Mapping[str, Any], frame: Frame) -> CalendarEvent:
    starts_at, ends_at = _time(item["start"], frame), _time(item["end"], frame) if "end" in item else None
    if ends_at is not None and ends_at < starts_at:
        raise BrokenEvent
    organiser = item.get("organizer") or {}
    attendees = item.get("attendees") or []
    return CalendarEvent(
        occurrence_key="",
        title=_text(item.get("summary", "")),
        organiser=_text(organiser.get("displayName") or organiser.get("email") or ""),
        starts_at=starts_at,
        ends_at=None if item.get("endTimeUnspecified") or ends_at == starts_at else ends_at,
        is_all_day="date" in item["start"],
        own_answer=_own_answer(attendees, frame),
        is_organised_by_host=_is_host(organiser, frame),
        domains=frozenset(_domains_of_others(item, organiser, attendees, frame)),
        series=_text(item.get("recurringEventId", "")),
        texts=_texts(item),
    )


# ---- times ---------------------------------------------------------------------------------------------------------


def _time(value: Mapping[str, Any], frame: Frame) -> datetime:
    if "dateTime" in value:
        at = datetime.fromisoformat(value["dateTime"])
        if at.tzinfo is None:  # the offset is required unless a zone is named
            at = at.replace(tzinfo=_zone(value["timeZone"]))
            if at.tzinfo is None:  # a zone that nobody knows: it would be visited at the wrong hour
                raise BrokenEvent
        return at.astimezone(UTC)
    return datetime.combine(date.fromisoformat(value["date"]), time(), _zone(frame.zone) or UTC).astimezone(UTC)


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, OSError, ValueError):
        return None


# ---- people --------------------------------------------------------------------------------------------------------


def _is_own_address(person: Mapping[str, Any], frame: Frame) -> bool:
    return _mail(person) in frame.own_addresses


def _is_host(person: Mapping[str, Any], frame: Frame) -> bool:
    """`self` means the calendar that the copy is in, which is the host only where it is the host's own."""
    return _is_own_address(person, frame) or (frame.is_owned and bool(person.get("self")))


def _own_answer(attendees: list[Mapping[str, Any]], frame: Frame) -> OwnAnswer:
    mine = [person for person in attendees if _is_own_address(person, frame)]
    mine += [person for person in attendees if person.get("self")]
    return _ANSWERS.get(_text(mine[0].get("responseStatus", "")), OwnAnswer.NONE) if mine else OwnAnswer.NONE


def _domains_of_others(
    item: Mapping[str, Any], organiser: Mapping[str, Any], attendees: list[Mapping[str, Any]], frame: Frame
) -> set[str]:
    """Of mail addresses; empty for somebody unknown. Rooms and things are nobody."""
    people = [person for person in (organiser, *attendees) if person and not person.get("resource")]
    domains = {_mail(person).partition("@")[2] for person in people if not _is_host(person, frame)}
    hidden = item.get("guestsCanSeeOtherGuests") is False and not organiser.get("self")
    if hidden or item.get("attendeesOmitted"):
        domains.add("")
    return domains


def _mail(person: Mapping[str, Any]) -> str:
    return _text(person.get("email") or "").strip().lower()


# ---- texts ---------------------------------------------------------------------------------------------------------


def _texts(item: Mapping[str, Any]) -> LinkTexts:
    points = (item.get("conferenceData") or {}).get("entryPoints") or []
    conference = [_with_passcode(point) for point in points if point.get("entryPointType") == "video"]
    conference.append(_text(item.get("hangoutLink", "")))
    return LinkTexts(
        conference=tuple(link for link in dict.fromkeys(conference) if link),
        location=_text(item.get("location", "")),
        description=_text(item.get("description", "")),
    )


def _with_passcode(point: Mapping[str, Any]) -> str:
    """Zoom's add-on may tell the passcode beside the address; every other service keeps it inside."""
    address = _text(point.get("uri", ""))
    passcode = next((_text(point[name]) for name in ("passcode", "password", "accessCode") if point.get(name)), "")
    if not passcode or not _ZOOM_HOST.match(address) or "pwd=" in address:
        return address
    return f"{address}{'&' if '?' in address else '?'}pwd={quote(passcode, safe='')}"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BrokenEvent
    return value[:MAX_TEXT_CHARS]
