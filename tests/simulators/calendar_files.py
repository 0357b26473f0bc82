"""iCalendar files as calendar programs write them, put together from short descriptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n"
TAIL = "END:VCALENDAR\r\n"


def calendar_of(*events: str, head: str = "") -> str:
    return HEAD + head + "".join(events) + TAIL


def event_of(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])


def meeting(uid: str, starts_at: datetime, *more: str, link: str = "", minutes: int = 30, title: str = "Weekly") -> str:
    return event_of(
        f"UID:{uid}",
        f"DTSTAMP:{stamp(starts_at)}",
        f"DTSTART:{stamp(starts_at)}",
        f"DTEND:{stamp(starts_at + timedelta(minutes=minutes))}",
        f"SUMMARY:{title}",
        *([f"LOCATION:{link}"] if link else []),
        *more,
    )


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


OWN_ZONE = """\
BEGIN:VTIMEZONE
TZID:Our Office
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE
""".replace("\n", "\r\n")
