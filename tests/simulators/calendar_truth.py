"""What a calendar truly holds, in plain terms, and its occurrences by plain counting: the oracle of the sync's tests.

No library of recurrences and nothing of the product is asked. Everything is drawn from small numbers, so that a failing
history can be cut down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

FIRST_DAY = date(2026, 10, 20)  # summer time ends in Europe on the 25th, in the United States on 1 November
ZONES = (
    "UTC",
    "Europe/Warsaw",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Pacific/Auckland",
    "",
)  # "": floating
ROOMS = ("http://rooms.test/room/aaa", "http://rooms.test/room/bbb", "http://rooms.test/room/ccc")
LINKS = (*ROOMS, *ROOMS, "https://zoom.us/j/81234567890", "")
STARTS = ((9, 0), (9, 30), (10, 0), (14, 15), (23, 30))
LENGTHS_MIN = (15, 30, 60, 330)  # the last one, from 23:30, over the hour at which clocks change
BARRED_WORD = "secret"

Identity = tuple[int, str]  # an event, and which of its occurrences


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    identity: Identity
    title: str
    starts_at: datetime
    ends_at: datetime
    link: str
    is_all_day: bool = False
    is_cancelled: bool = False
    is_declined: bool = False

    @property
    def seen(self) -> tuple[str, datetime, datetime, str]:
        """What tells it apart on a host's page."""
        return (self.title, self.starts_at, self.ends_at, self.link)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    starts: datetime  # on the wall clock of the event's zone
    minutes: int
    link: str


@dataclass(slots=True, kw_only=True)
class Entry:
    """One event or series; times on the wall clock of its zone."""

    uid: int
    title: str
    zone: str
    starts: datetime
    minutes: int
    link: str
    every_days: int = 0  # 0: it does not recur
    count: int = 1
    is_all_day: bool = False
    is_declined: bool = False
    dropped: set[date] = field(default_factory=set)
    cancelled: set[date] = field(default_factory=set)
    added: set[datetime] = field(default_factory=set)
    moved: dict[date, Moved] = field(default_factory=dict)
    later_from: date | None = None  # this and all following are held so much later
    later_min: int = 0

    def days(self) -> list[date]:
        """Those on which an occurrence stands by the rule, left-out ones too."""
        return [self.starts.date() + timedelta(days=self.every_days * n) for n in range(self.count)]

    def occurrences(self) -> Iterator[Occurrence]:
        if not self.every_days:
            yield self._at("", self.starts, self.minutes, self.link)
            return
        for day in self.days():
            if day in self.dropped:
                continue
            starts = datetime.combine(day, self.starts.time())
            if self.later_from is not None and day >= self.later_from:
                starts += timedelta(minutes=self.later_min)
            minutes, link = self.minutes, self.link
            if day in self.moved:
                starts, minutes, link = self.moved[day].starts, self.moved[day].minutes, self.moved[day].link
            yield replace(self._at(str(day), starts, minutes, link), is_cancelled=day in self.cancelled)
        for starts in self.added - {datetime.combine(day, self.starts.time()) for day in self.days()}:
            yield self._at(f"+{starts}", starts, self.minutes, self.link)

    def _at(self, which: str, starts: datetime, minutes: int, link: str) -> Occurrence:
        zone = ZoneInfo(self.zone or "UTC")
        starts_at = starts.replace(tzinfo=zone).astimezone(UTC)
        length = timedelta(days=1) if self.is_all_day else timedelta(minutes=minutes)
        return Occurrence(
            identity=(self.uid, which),
            title=self.title,
            starts_at=starts_at,
            ends_at=starts_at + length,
            link=link,
            is_all_day=self.is_all_day,
            is_declined=self.is_declined,
        )


@dataclass(slots=True)
class Truth:
    entries: dict[int, Entry] = field(default_factory=dict)
    last_uid: int = 0

    def occurrences(self) -> list[Occurrence]:
        return [occurrence for entry in self.entries.values() for occurrence in entry.occurrences()]

    # ---- what people do to a calendar; each number is any, and picks one of what there is ---------------------------

    def add(self, a: int, b: int, c: int, *, first: date = FIRST_DAY) -> None:
        self.last_uid += 1
        uid = self.last_uid
        hour, minute = STARTS[a % len(STARTS)]
        self.entries[uid] = Entry(
            uid=uid,
            title=f"Meeting {uid}" + (f" {BARRED_WORD}" if b % 7 == 3 else ""),
            zone=ZONES[c % len(ZONES)],
            starts=datetime.combine(first + timedelta(days=b % 20), datetime.min.time()).replace(
                hour=hour, minute=minute
            ),
            minutes=LENGTHS_MIN[b % len(LENGTHS_MIN)],
            link=LINKS[c % len(LINKS)],
        )

    def add_series(self, a: int, b: int, c: int, *, first: date = FIRST_DAY) -> None:
        self.add(a, b, c, first=first)
        entry = self.entries[self.last_uid]
        entry.every_days = (1, 2, 7)[a % 3]
        entry.count = 2 + b % 9

    def add_day(self, a: int, b: int, c: int, *, first: date = FIRST_DAY) -> None:
        self.add(a, b, c, first=first)
        entry = self.entries[self.last_uid]
        entry.is_all_day, entry.zone = True, "UTC"
        entry.starts = datetime.combine(entry.starts.date(), datetime.min.time())

    def edit(self, a: int, b: int, c: int) -> None:
        if entry := self._any(a):
            match b % 4:
                case 0:
                    entry.link = LINKS[c % len(LINKS)]
                case 1:
                    entry.title = f"Meeting {entry.uid} {BARRED_WORD if c % 3 == 0 else c % 3}"
                case 2:
                    entry.minutes = LENGTHS_MIN[c % len(LENGTHS_MIN)]
                case _:
                    entry.is_declined = not entry.is_declined

    def move(self, a: int, b: int, c: int) -> None:
        """One event, or a whole series to another hour."""
        if (entry := self._any(a)) is None or entry.is_all_day:
            return
        hour, minute = STARTS[b % len(STARTS)]
        entry.starts = entry.starts.replace(hour=hour, minute=minute)
        if not entry.every_days:
            entry.starts += timedelta(days=c % 9 - 3)

    def move_one(self, a: int, b: int, c: int) -> None:
        if found := self._any_day(a, b):
            entry, day = found
            hour, minute = STARTS[c % len(STARTS)]
            starts = datetime.combine(day + timedelta(days=c % 7 - 2), datetime.min.time())
            entry.moved[day] = Moved(
                starts=starts.replace(hour=hour, minute=minute),
                minutes=LENGTHS_MIN[c % len(LENGTHS_MIN)],
                link=LINKS[(b + c) % len(LINKS)],
            )

    def put_off(self, a: int, b: int, c: int, *, now: datetime) -> None:
        """What is over is held again, or after all: the same occurrence, some days from now."""
        over = [one for one in self.occurrences() if one.ends_at <= now and one.identity[1][:1] != "+"]
        if not over:
            return
        uid, which = over[a % len(over)].identity
        entry, (hour, minute) = self.entries[uid], STARTS[b % len(STARTS)]
        day = now.date() + timedelta(days=2 + c % 5)
        starts = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001  on the wall clock
        if entry.is_all_day or (which and date.fromisoformat(which) == entry.later_from):
            return
        if which:
            entry.moved[date.fromisoformat(which)] = Moved(starts=starts, minutes=entry.minutes, link=entry.link)
        else:
            entry.starts = starts
        if c % 2:  # and somebody else has the room at that hour
            self.add(a, 0, b)
            other = self.entries[self.last_uid]
            other.starts, other.zone, other.link = starts, entry.zone, entry.link

    def cancel_one(self, a: int, b: int, c: int) -> None:
        if found := self._any_day(a, b):
            found[0].cancelled ^= {found[1]}

    def drop_one(self, a: int, b: int, c: int) -> None:
        if found := self._any_day(a, b):
            found[0].dropped ^= {found[1]}

    def add_one(self, a: int, b: int, c: int) -> None:
        found = self._any_day(a, b)
        if found and found[0].later_from is None:
            entry, day = found
            hours = 2 if entry.starts.hour < 20 else -2
            entry.added.add(datetime.combine(day, entry.starts.time()) + timedelta(days=c % 3, hours=hours))

    def hold_later(self, a: int, b: int, c: int) -> None:
        """This and all following, within one series."""
        found = self._any_day(a, b)
        if found and not found[0].added and found[0].starts.hour < 20:
            entry, day = found
            if day not in entry.moved and day not in entry.cancelled and day not in entry.dropped:
                entry.later_from, entry.later_min = day, (30, 75, -45, 24 * 60, -24 * 60)[c % 5]

    def split(self, a: int, b: int, c: int) -> None:
        """This and all following, as Google, Outlook and Apple do it: the series ends and another one begins."""
        found = self._any_day(a, b)
        if found is None or found[0].later_from is not None or found[1] == found[0].starts.date():
            return
        entry, day = found
        after = [each for each in entry.days() if each >= day]
        entry.count -= len(after)
        for kept in (entry.dropped, entry.cancelled):
            kept -= set(after)
        entry.moved = {each: moved for each, moved in entry.moved.items() if each not in after}
        self.last_uid += 1
        hour, minute = STARTS[c % len(STARTS)]
        self.entries[self.last_uid] = Entry(
            uid=self.last_uid,
            title=f"Meeting {self.last_uid}",
            zone=entry.zone,
            starts=datetime.combine(day, datetime.min.time()).replace(hour=hour, minute=minute),
            minutes=entry.minutes,
            link=entry.link,
            every_days=entry.every_days,
            count=len(after),
        )

    def delete(self, a: int, b: int, c: int) -> None:
        if entry := self._any(a):
            del self.entries[entry.uid]

    def _any(self, a: int) -> Entry | None:
        entries = list(self.entries.values())
        return entries[a % len(entries)] if entries else None

    def _any_day(self, a: int, b: int) -> tuple[Entry, date] | None:
        series = [entry for entry in self.entries.values() if entry.every_days]
        if not series:
            return None
        entry = series[a % len(series)]
        days = [day for day in entry.days() if day != entry.later_from]  # that one carries all that follow it
        return (entry, days[b % len(days)]) if days else None
