"""PURE: one event as Microsoft Graph writes it, to a CalendarEvent.

Decides by what an occurrence is known: a single event by its immutable id, one of a series by the series and the day
on which it first stood in the series' own zone, so that neither its own move nor a new hour for all makes it another.
Follows https://learn.microsoft.com/graph/api/resources/event
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from calendar_sync.links import MAX_TEXT_CHARS, LinkTexts
from calendar_sync.planning import CalendarEvent, OwnAnswer

MAX_NAME_CHARS = 2_000
PREVIEW_CHARS = 255  # learn.microsoft.com/graph/api/resources/message: a preview is cut there, in the middle of a link

_KEPT = (
    "id", "type", "seriesMasterId", "occurrenceId", "originalStart", "originalStartTimeZone", "recurrence", "subject",
    "start", "end", "isAllDay", "isCancelled", "isOrganizer", "responseStatus", "organizer", "attendees",
    "onlineMeeting", "onlineMeetingUrl", "location", "locations", "body", "bodyPreview", "@removed",
)  # fmt: skip
_ANSWERS = {
    "accepted": OwnAnswer.ACCEPTED,
    "tentativelyaccepted": OwnAnswer.TENTATIVE,
    "declined": OwnAnswer.DECLINED,
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Event = Mapping[str, Any]


class BrokenEvent(ValueError):
    """This event can't be read; the others can."""


def slim(event: Event) -> dict[str, Any]:
    """What is looked at, and no more of its text than is searched for a link. Raises BrokenEvent."""
    if not isinstance(event, dict) or not isinstance(event.get("id"), str) or not event["id"]:
        raise BrokenEvent
    kept = {name: event[name] for name in _KEPT if event.get(name) is not None}
    if "body" in kept:
        kept["body"] = {"content": _text(_part(kept, "body"), "content", MAX_TEXT_CHARS)}
    return kept


def single_key(event_id: str) -> str:
    return _digest("single", event_id)


def series_key(master_id: str) -> str:
    return _digest("series", master_id)


def occurrence_key(event: Event) -> str:
    """Raises BrokenEvent."""
    master_id = event.get("seriesMasterId")
    if not master_id:
        return single_key(event["id"])
    return _digest("occurrence", str(master_id), _first_day(event))


def read_event(event: Event, own_addresses: Collection[str], *, master: Event | None = None) -> CalendarEvent:
    """`master`: of the series, whose fields stand for those that an occurrence comes without. Raises BrokenEvent."""
    try:
        whole = {**_inheritable(master), **event, "recurrence": master.get("recurrence")} if master else event
        return _read(whole, {address.lower() for address in own_addresses})
    except BrokenEvent:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise BrokenEvent from None


def _read(event: Event, own: set[str]) -> CalendarEvent:
    starts_at, ends_at = _moment(event["start"]), _moment(event["end"])
    if ends_at < starts_at:
        raise BrokenEvent
    organiser = _part(event, "organizer", "emailAddress")
    master_id = event.get("seriesMasterId")
    return CalendarEvent(
        occurrence_key=occurrence_key(event),
        series=series_key(str(master_id)) if master_id else "",
        title=_text(event, "subject"),
        organiser=_text(organiser, "name") or _text(organiser, "address"),
        starts_at=starts_at,
        ends_at=ends_at if ends_at > starts_at else None,
        is_all_day=event.get("isAllDay") is True,
        is_cancelled=event.get("isCancelled") is True,
        own_answer=_own_answer(event, own),
        is_organised_by_host=event.get("isOrganizer") is True,
        domains=frozenset(_domains_of_others(event, own)),
        texts=_texts(event),
    )


def _inheritable(master: Event) -> dict[str, Any]:
    own_to_it = ("id", "type", "start", "end", "originalStart", "occurrenceId", "isCancelled")
    return {name: value for name, value in master.items() if name not in own_to_it}


# ---- when ------------------------------------------------------------------------------------------------------------


def _first_day(event: Event) -> str:
    if event.get("originalStart"):
        first = _utc(str(event["originalStart"]), UTC)
    elif event.get("type") == "occurrence":
        first = _moment(event["start"])  # as it stands in the series: had it been moved, it were an exception
    else:
        named = _DAY.findall(str(event.get("occurrenceId", "")).rpartition(".")[2])  # OID.{series}.{day}
        if not named:
            raise BrokenEvent
        return str(named[0])
    # an exception's own zone may be another one than its series'
    names = (_text(_part(event, "recurrence", "range"), "recurrenceTimeZone"), _text(event, "originalStartTimeZone"))
    zone = next((zone for name in names if name and (zone := _zone(name))), UTC)
    return first.astimezone(UTC if event.get("isAllDay") is True else zone).strftime("%Y-%m-%d")


def _moment(value: Event) -> datetime:
    """A dateTimeTimeZone; UTC is asked for, and some answers come in another zone all the same."""
    zone = _zone(str(value.get("timeZone", "UTC")))
    if zone is None:
        raise BrokenEvent
    return _utc(str(value["dateTime"]), zone)


def _utc(text: str, zone: tzinfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _zone(name: str) -> tzinfo | None:
    if name.upper() == "UTC" or name == "tzone://Microsoft/Utc":
        return UTC
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name))
    except (KeyError, OSError, ValueError):  # unknown, a folder, no name of a zone at all
        return None


# ---- who, and where --------------------------------------------------------------------------------------------------


def _own_answer(event: Event, own: set[str]) -> OwnAnswer:
    said = _text(_part(event, "responseStatus"), "response").lower()
    if not said:
        for attendee in _all(event, "attendees"):
            if _address(attendee) in own:
                said = _text(_part(attendee, "status"), "response").lower()
    return _ANSWERS.get(said, OwnAnswer.NONE)


def _domains_of_others(event: Event, own: set[str]) -> Iterator[str]:
    """Empty for whoever has no mail address; no address itself is told."""
    people = [person for person in _all(event, "attendees") if person.get("type") != "resource"]
    if _part(event, "organizer"):
        people.append(_part(event, "organizer"))
    for person in people:
        address = _address(person)
        if address not in own:
            yield address.partition("@")[2]


def _address(person: Event) -> str:
    return _text(_part(person, "emailAddress"), "address").strip().lower()


def _texts(event: Event) -> LinkTexts:
    places = [place for place in [_part(event, "location"), *_all(event, "locations")] if place]
    conference = (_text(_part(event, "onlineMeeting"), "joinUrl"), _text(event, "onlineMeetingUrl"))
    return LinkTexts(
        conference=tuple(dict.fromkeys(text for text in conference if text)),
        location="\n".join(
            dict.fromkeys(
                text for place in places for name in ("locationUri", "displayName") if (text := _text(place, name))
            )
        ),
        description=_text(_part(event, "body"), "content", MAX_TEXT_CHARS) or _preview(event),
    )


def _preview(event: Event) -> str:
    preview = _text(event, "bodyPreview")
    if len(preview) < PREVIEW_CHARS:
        return preview
    *whole, _ = re.split(r"(?=\s)", preview)
    return "".join(whole)


def _part(value: Event, *names: str) -> dict[str, Any]:
    found: Any = value
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _all(value: Event, name: str) -> list[dict[str, Any]]:
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(value: Event, name: str, max_chars: int = MAX_NAME_CHARS) -> str:
    found = value.get(name)
    return found[:max_chars] if isinstance(found, str) else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]
