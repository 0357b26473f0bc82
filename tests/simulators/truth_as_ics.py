"""Writes what a calendar truly holds as an iCalendar file, in the forms that real programs use."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.simulators.calendar_files import OWN_ZONE, calendar_of, event_of
from tests.simulators.calendar_truth import Entry, Truth

HOST = "ann@example.org"
# The same zone by its common name, by the name that Windows gives it, or by rules in the file itself.
_NAMES = {
    "Europe/Warsaw": ("Europe/Warsaw", "Central European Standard Time", "Our Office"),
    "America/New_York": ("America/New_York", "Eastern Standard Time", "America/New_York"),
    "Asia/Kolkata": ("Asia/Kolkata", "India Standard Time", "Asia/Kolkata"),
    "Pacific/Auckland": ("Pacific/Auckland", "New Zealand Standard Time", "Pacific/Auckland"),
    "Australia/Sydney": ("Australia/Sydney", "AUS Eastern Standard Time", "Australia/Sydney"),
}


def written(truth: Truth) -> str:
    return calendar_of(*(text for entry in truth.entries.values() for text in _events(entry)), head=OWN_ZONE)


def _events(entry: Entry) -> list[str]:
    if entry.is_all_day:
        return [_event(entry, f"DTSTART;VALUE=DATE:{entry.starts:%Y%m%d}", f"LOCATION:{entry.link}")]
    if not entry.every_days:
        return [_event(entry, _time(entry, "DTSTART", entry.starts), *_rest(entry, entry.minutes, entry.link))]
    lines = [_time(entry, "DTSTART", entry.starts), *_rest(entry, entry.minutes, entry.link)]
    lines.append(f"RRULE:FREQ=DAILY;INTERVAL={entry.every_days};COUNT={entry.count}")
    lines += [_time(entry, "EXDATE", _original(entry, day)) for day in sorted(entry.dropped)]
    lines += [_time(entry, "RDATE", starts) for starts in sorted(entry.added)]
    texts = [_event(entry, *lines)]
    if entry.later_from is not None:
        starts = _held(entry, entry.later_from)
        texts.append(
            _event(
                entry,
                _time(entry, "RECURRENCE-ID;RANGE=THISANDFUTURE", _original(entry, entry.later_from)),
                _time(entry, "DTSTART", starts),
                *_rest(entry, entry.minutes, entry.link),
            )
        )
    for day in sorted((entry.moved.keys() | entry.cancelled) - entry.dropped):
        moved = entry.moved.get(day)
        starts = _held(entry, day) if moved is None else moved.starts
        minutes, link = (entry.minutes, entry.link) if moved is None else (moved.minutes, moved.link)
        lines = [_time(entry, "RECURRENCE-ID", _original(entry, day)), _time(entry, "DTSTART", starts)]
        lines += [*_rest(entry, minutes, link), *(["STATUS:CANCELLED"] if day in entry.cancelled else [])]
        texts.append(_event(entry, *lines))
    return texts


def _event(entry: Entry, *lines: str) -> str:
    answer = "DECLINED" if entry.is_declined else "ACCEPTED"
    head = (f"UID:{entry.uid}", "DTSTAMP:20261001T000000Z", f"SUMMARY:{entry.title}")
    return event_of(*head, f"ATTENDEE;PARTSTAT={answer}:mailto:{HOST}", *lines)


def _rest(entry: Entry, minutes: int, link: str) -> list[str]:
    return [f"DURATION:PT{minutes}M", f"LOCATION:{link}"]


def _original(entry: Entry, day: date) -> datetime:
    return datetime.combine(day, entry.starts.time())


def _held(entry: Entry, day: date) -> datetime:
    (found,) = [one for one in entry.occurrences() if one.identity[1] == str(day)]
    return found.starts_at.astimezone(_zone(entry)).replace(tzinfo=None)


def _zone(entry: Entry) -> ZoneInfo:
    return ZoneInfo(entry.zone or "UTC")


def _time(entry: Entry, name: str, at: datetime) -> str:
    if entry.zone == "UTC":
        return f"{name}:{at:%Y%m%dT%H%M%S}Z"
    if not entry.zone:
        return f"{name}:{at:%Y%m%dT%H%M%S}"
    return f"{name};TZID={_NAMES[entry.zone][entry.uid % 3]}:{at:%Y%m%dT%H%M%S}"
