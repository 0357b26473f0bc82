"""Takes iCalendar files apart into the occurrences of a window, in a process of its own.

Run as a script: a request line and the files on stdin, one JSON answer on stdout. A file is a stranger's text, and a
rule of ten million instances or one that never matches can't be interrupted in a thread; here every series has its
share of processor time, all of it a limit on time and memory, and `isolated` may kill it. Imports nothing of ours.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from types import FrameType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
import x_wr_timezone

SERIES_CPU_S = 0.5
WASTED_CPU_S = 5.0  # on series that ran out of time; more is an attack, or nothing we could follow
MAX_OCCURRENCES_OF_A_SERIES = 1_000
MAX_OCCURRENCES = 50_000
MAX_TEXT_CHARS = 65_536
MEMORY_BYTES = 1_500_000_000
QUERY_MARGIN = timedelta(hours=26)  # zones reach from -12 to +14 hours; what is too much is filtered in UTC afterwards

# where calendar programs put the address to join by, besides RFC 7986's CONFERENCE
_CONFERENCE = (
    "CONFERENCE", "X-GOOGLE-CONFERENCE", "X-GOOGLE-HANGOUT", "X-MICROSOFT-SKYPETEAMSMEETINGURL",
    "X-MICROSOFT-ONLINEMEETINGEXTERNALLINK", "X-MICROSOFT-ONLINEMEETINGCONFLINK",
)  # fmt: skip
_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_DURATION = re.compile(r"^DURATION((?:;[^:\r\n]*)?:\+?(P\d+[DW]))", re.MULTILINE | re.IGNORECASE)
_DAYS, _NUMBER = "X-DAYS-OF-IT", "X-NUMBER-IN-SERIES"  # ours; P1D is no PT24H when clocks change (RFC 5545 3.3.6)
_WHO, _THINGS = ("ATTENDEE", "ORGANIZER"), ("ROOM", "RESOURCE")


class _TimeIsUp(BaseException):
    """Not an Exception, so that no library takes it for a fault of its own."""


class _Broken(Exception):
    """This event can't be read; the others can."""


class _Spent:
    """Of what all files of one request share."""

    wasted_s, occurrences = 0.0, 0


def _ids_of(time: date) -> tuple[Any, ...]:
    """The library's, but no wall clock is taken for UTC: a changed 9:00 in Warsaw hid 11:00, which is 9:00 in UTC."""
    ids = recurring_ical_events.util.to_recurrence_ids(time)
    return ids[:1] if len(ids) > 1 and ids[0] == ids[1] else (ids[0], ("wall clock", ids[-1]))


recurring_ical_events.series.rrule.to_recurrence_ids = _ids_of
recurring_ical_events.adapters.component.to_recurrence_ids = _ids_of


class _Window(NamedTuple):
    starts_at: datetime
    ends_at: datetime
    floating: tzinfo  # what a time without a zone means


class _Span(NamedTuple):
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no calendar text in a core file
    signal.signal(signal.SIGPROF, _time_is_up)
    request = json.loads(sys.stdin.buffer.readline())
    answers, spent = [], _Spent()
    for size in request["sizes"]:
        try:
            answers.append(expand(sys.stdin.buffer.read(size), request, spent))
        except MemoryError:
            answers.append({"problem": "too_large"})
    json.dump(answers, sys.stdout)


def expand(body: bytes, request: dict[str, Any], spent: _Spent) -> dict[str, Any]:
    """`{"events", "texts", "broken"}`, or `{"problem"}`: not_a_calendar, cut_off, too_large, too_costly."""
    text = _DURATION.sub(rf"DURATION;{_DAYS}=\2\1", body.decode("utf-8-sig", "replace"))
    if not text.lstrip()[:15].upper().startswith("BEGIN:VCALENDAR"):
        return {"problem": "not_a_calendar"}
    if "END:VCALENDAR" not in text[-200:].upper():
        return {"problem": "cut_off"}
    calendars, broken = _parse(text)
    own = {address.lower() for address in request["own_addresses"]}
    starts_at, ends_at = datetime.fromisoformat(request["from"]), datetime.fromisoformat(request["to"])
    found: dict[str, dict[str, Any]] = {}
    texts: dict[str, int] = {}
    for calendar in calendars:
        window = _Window(starts_at, ends_at, _zone(calendar, request["zone"]))
        is_all_cancelled = str(calendar.get("METHOD", "")).upper() == "CANCEL"
        for uid, components in _series(calendar).items():
            if spent.wasted_s > WASTED_CPU_S:
                return {"problem": "too_costly"}
            try:
                signal.setitimer(signal.ITIMER_PROF, SERIES_CPU_S)
                rows = list(_occurrences(uid, components, window, own))
            except _TimeIsUp:
                spent.wasted_s += SERIES_CPU_S
                broken += 1
                continue
            except Exception:  # noqa: BLE001  whatever is wrong with one event, the others are read
                broken += 1
                continue
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            for row, event_texts in rows:
                row["texts"] = texts.setdefault(json.dumps(event_texts), len(texts))
                row["is_cancelled"] = row["is_cancelled"] or is_all_cancelled
                found[row["occurrence_key"]] = row
            spent.occurrences += len(rows)
            if spent.occurrences > MAX_OCCURRENCES:
                return {"problem": "too_costly"}
    return {"events": list(found.values()), "texts": [json.loads(each) for each in texts], "broken": broken}


def _time_is_up(_signal: int, _frame: FrameType | None) -> None:
    raise _TimeIsUp


# ---- reading the file ----------------------------------------------------------------------------------------------


def _parse(text: str) -> tuple[list[Any], int]:
    """The calendars in the file, and how many events had to be left out for it to be readable at all."""
    if not _is_balanced(text.splitlines()):
        return _parse_one_by_one(text)
    try:
        return [_standard(calendar) for calendar in icalendar.Calendar.from_ical(text, multiple=True)], 0
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        return _parse_one_by_one(text)


def _parse_one_by_one(text: str) -> tuple[list[Any], int]:
    """For a file that is broken as a whole: frame and time zones first, then each event by itself."""
    frame: list[str] = []
    events: list[list[str]] = []
    event: list[str] | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        mark = line.strip().upper()
        if mark == "BEGIN:VEVENT":
            event = [line]  # an event without its end is dropped when the next one begins
            events.append(event)
        elif event is not None and mark in ("END:VEVENT", "END:VCALENDAR"):
            event.append("END:VEVENT")
            event = None
            if mark == "END:VCALENDAR":
                frame.append(line)
        elif event is not None:
            event.append(line)
        elif line:
            frame.append(line)
    good: list[Any] = []
    broken = 0
    head = "\r\n".join(frame[:-1])
    for lines in events:
        if not _is_balanced(lines):
            broken += 1
            continue
        try:
            good.append(_standard(icalendar.Calendar.from_ical("\r\n".join([head, *lines, "END:VCALENDAR", ""]))))
        except (ValueError, KeyError, IndexError, AttributeError, TypeError):
            broken += 1
    for other in good[1:]:
        good[0].subcomponents.extend(other.walk("VEVENT"))
    return good[:1], broken


def _is_balanced(lines: list[str]) -> bool:
    """Whether every BEGIN has its END; the library nests what follows a missing one, and so hides it."""
    opened: list[str] = []
    for line in lines:
        mark, _, name = line.strip().upper().partition(":")
        if mark == "BEGIN" and not line[:1].isspace():
            opened.append(name)
        elif mark == "END" and not line[:1].isspace() and (not opened or opened.pop() != name):
            return False
    return not opened


def _standard(calendar: Any) -> Any:
    """Recurrences of a calendar that names its zone only in X-WR-TIMEZONE follow that zone's summer time."""
    try:
        return x_wr_timezone.to_standard(calendar)
    except Exception:  # noqa: BLE001  a broken event in it; the events are judged one by one later
        return calendar


def _zone(calendar: Any, fallback: str) -> tzinfo:
    try:
        return ZoneInfo(str(calendar.get("X-WR-TIMEZONE", "")).strip() or fallback)
    except (KeyError, OSError, ValueError):  # unknown, a folder, no name of a zone at all
        return ZoneInfo(fallback)


def _series(calendar: Any) -> dict[str, list[Any]]:
    """Events by UID, those that repeat last, so that the costly ones can't starve the plain ones."""
    series: dict[str, list[Any]] = defaultdict(list)
    for number, component in enumerate(calendar.walk("VEVENT")):
        uid = str(component.get("UID", "")).strip()
        if not uid:  # against the standard, and it happens; what it says must do as its identity
            uid = f"no uid {component.get('SUMMARY', number)}"
        series[uid].append(component)
    return dict(sorted(series.items(), key=lambda entry: any(_repeats(component) for component in entry[1])))


# ---- one series ----------------------------------------------------------------------------------------------------


def _repeats(component: Any) -> bool:
    return any(name in component for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _occurrences(
    uid: str, components: list[Any], window: _Window, own: set[str]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for number, component in enumerate(components):
        component[_NUMBER] = number
        if any(str(name).upper() in _TIMES for name, _ in component.errors):
            raise _Broken
        if any(not rule.get("FREQ") for rule in _values(component, "RRULE")):
            raise _Broken
        if any(who in f"{name} {line}" for name, line in component.errors for who in _WHO):
            component.add("ATTENDEE", "somebody")  # whose line can't be read
        times = [component[name] for name in ("DTSTART", "DTEND", "RECURRENCE-ID") if name in component]
        if "DTSTART" not in component or any(_is_in_unknown_zone(value) for value in times):
            raise _Broken
    if len(components) == 1 and not _repeats(components[0]):
        span = _span(components[0], components[0]["DTSTART"].dt, window)
        if _is_inside(span, window):
            yield _row(components[0], span, _key(uid, None), "", own), _texts(components[0])
        return
    masters = [component for component in components if "RECURRENCE-ID" not in component]
    master = max(masters, key=lambda component: int(component.get("SEQUENCE", 0)), default=None)
    added = [value.dt for values in _values(master or {}, "RDATE") for value in values.dts]
    periods = {_utc(each[0], window): _of_period(*each) for each in added if isinstance(each, tuple)}
    several_a_day = master is not None and _may_fall_twice_on_a_day(master)
    calendar = icalendar.Calendar()
    calendar.subcomponents.extend(components)
    found = recurring_ical_events.of(calendar).between(window.starts_at - QUERY_MARGIN, window.ends_at + QUERY_MARGIN)
    for count, occurrence in enumerate(found, start=1):
        if count > MAX_OCCURRENCES_OF_A_SERIES:
            raise _Broken
        source, start = components[occurrence[_NUMBER]], occurrence["DTSTART"].dt
        span = _span(periods.get(_utc(start, window), source) if source is master else source, start, window)
        if not _is_inside(span, window):
            continue
        original = _local(occurrence["RECURRENCE-ID"].dt, window)
        if occurrence["RECURRENCE-ID"].params.get("RANGE") == "THISANDFUTURE":
            original = _local(start, window) - (_local(source["DTSTART"].dt, window) - original)
        is_extra = False  # an RDATE at another hour may share its day with one of the rule
        if master is not None and isinstance(master["DTSTART"].dt, datetime):
            first = _local(master["DTSTART"].dt, window)
            original = original.astimezone(first.tzinfo)
            is_extra = "RDATE" in master and original.time() != first.time()
        key = _key(uid, original, several_a_day=several_a_day or is_extra)
        yield _row(occurrence, span, key, _key(uid, None), own), _texts(occurrence)


def _is_inside(span: _Span, window: _Window) -> bool:
    return span.starts_at < window.ends_at and span.ends_at >= window.starts_at


def _is_in_unknown_zone(value: Any) -> bool:
    """It would be visited at the wrong hour."""
    return isinstance(value.dt, datetime) and value.dt.tzinfo is None and bool(value.params.get("TZID"))


def _may_fall_twice_on_a_day(master: Any) -> bool:
    return any(
        any(str(frequency).upper() in ("HOURLY", "MINUTELY", "SECONDLY") for frequency in rule.get("FREQ", []))
        or any(len(rule.get(name, [])) > 1 for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
        for rule in _values(master, "RRULE")
    )


def _key(uid: str, original: datetime | None, *, several_a_day: bool = False) -> str:
    """By the day an occurrence first stood on: survives its own move and a new hour for the whole series."""
    at = "" if original is None else original.strftime("%Y%m%d")
    if original is not None and several_a_day:
        at = original.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return hashlib.sha256(json.dumps([uid, at]).encode()).hexdigest()[:40]


def _local(value: date, window: _Window) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), window.floating)
    return value if value.tzinfo is not None else value.replace(tzinfo=window.floating)


def _utc(value: date, window: _Window) -> datetime:
    return _local(value, window).astimezone(UTC)


def _of_period(start: datetime, end: datetime | timedelta) -> Any:
    name = "DURATION" if isinstance(end, timedelta) else "DTEND"
    return {"DTSTART": icalendar.vDDDTypes(start), name: icalendar.vDDDTypes(end)}


def _span(event: Any, start: date, window: _Window) -> _Span:
    """Of its occurrence then: days go by the wall clock, all else is exact (RFC 5545 sections 3.3.6 and 3.8.5.3)."""
    first = event["DTSTART"].dt
    is_all_day = not isinstance(first, datetime)
    days, exactly = timedelta(days=1 if is_all_day else 0), timedelta()
    if "DTEND" in event and is_all_day:
        days = _local(event["DTEND"].dt, window) - _local(first, window)
    elif "DTEND" in event:
        exactly = _utc(event["DTEND"].dt, window) - _utc(first, window)
    elif "DURATION" in event:
        days = icalendar.vDuration(event["DURATION"].params.get(_DAYS, "P0D")).td
        exactly = event["DURATION"].dt - days
    starts_at, ends_at = _utc(start, window), (_local(start, window) + days).astimezone(UTC) + exactly
    if ends_at < starts_at:
        raise _Broken
    return _Span(starts_at, ends_at, is_all_day)


# ---- what is kept of an event --------------------------------------------------------------------------------------


def _row(component: Any, span: _Span, key: str, series: str, own: set[str]) -> dict[str, Any]:
    organiser = component.get("ORGANIZER")
    return {
        "occurrence_key": key,
        "series": series,
        "title": str(component.get("SUMMARY", ""))[:2000],
        "organiser": "" if organiser is None else str(organiser.params.get("CN", "") or _mail(organiser))[:2000],
        "starts_at": span.starts_at.isoformat(),
        "ends_at": span.ends_at.isoformat() if span.ends_at > span.starts_at else None,
        "is_all_day": span.is_all_day,
        "is_cancelled": str(component.get("STATUS", "")).upper() == "CANCELLED",
        "own_answer": _own_answer(component, own),
        "is_organised_by_host": organiser is not None and _mail(organiser) in own,
        "domains": sorted(_domains_of_others(component, own)),
    }


def _texts(component: Any) -> dict[str, Any]:
    return {
        "conference": [text for name in _CONFERENCE for text in _all(component, name)],
        "url": " ".join(_all(component, "URL")),
        "location": " ".join(_all(component, "LOCATION")),
        "description": "\n".join([*_all(component, "DESCRIPTION"), *_all(component, "X-ALT-DESC")])[:MAX_TEXT_CHARS],
    }


def _all(component: Any, name: str) -> list[str]:
    return [str(value)[:MAX_TEXT_CHARS] for value in _values(component, name)]


def _values(component: Any, name: str) -> list[Any]:
    values = component.get(name, [])
    return values if isinstance(values, list) else [values]


def _own_answer(component: Any, own: set[str]) -> str:
    for value in _values(component, "ATTENDEE"):
        if _mail(value) in own:
            answer = str(value.params.get("PARTSTAT", "")).lower()
            return answer if answer in ("accepted", "tentative", "declined") else "none"
    return "none"


def _domains_of_others(component: Any, own: set[str]) -> set[str]:
    """Of the mail addresses of who invites and who is invited, empty for what is none; no address itself is told."""
    invited = [v for v in _values(component, "ATTENDEE") if str(v.params.get("CUTYPE", "")).upper() not in _THINGS]
    addresses = {_mail(value) for value in [*_values(component, "ORGANIZER"), *invited]}
    return {address.partition("@")[2] for address in addresses - own}


def _mail(value: Any) -> str:
    """Some programs name a person by another address and put the mail's beside it (RFC 7986 section 6.2)."""
    address = str(value).strip().lower()
    if not address.startswith("mailto:") and (beside := str(value.params.get("EMAIL", "")).strip().lower()):
        return beside.removeprefix("mailto:")
    return address.removeprefix("mailto:").strip()


if __name__ == "__main__":
    main()
