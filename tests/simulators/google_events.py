"""The events of one Google calendar as its owner changes them, and the history that sync tokens point into.

Written from developers.google.com/workspace/calendar/api: v3/reference/events (fields, cancelled events), guides/
recurringevents (instances, exceptions, "this and following": the old series ends, a new one begins), guides/sync.
That a changed series tells all its instances in a delta, far ones too, is what callers of the real service report.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

Resource = dict[str, Any]
HORIZON = timedelta(days=70)  # how far series are written out


@dataclass(slots=True, kw_only=True)
class GoogleEvents:
    id: str
    summary: str
    access_role: str = "owner"
    time_zone: str = "Europe/Berlin"
    is_primary: bool = False
    tells_ids_only: bool = False  # of what is cancelled: all that is promised for deleted events
    stored: dict[str, Resource] = field(default_factory=dict)  # single events, series, exceptions
    history: list[str] = field(default_factory=list)  # ids of occurrences, in order of their changes
    last_seen: dict[str, Resource] = field(default_factory=dict)

    # ---- what a person does ----------------------------------------------------------------------------------------

    def put(self, *events: Resource) -> None:
        with self._changing():
            for event in events:
                self.stored[event["id"]] = copy.deepcopy(event)

    def change(self, key: str, **fields: Any) -> None:
        """A single event, a whole series, or one occurrence by its id."""
        with self._changing():
            before = self.stored.get(key) or self.occurrences()[key]
            self.stored[key] = copy.deepcopy({**before, **fields})

    def cancel(self, key: str) -> None:
        with self._changing():
            event = self.stored.get(key) or self.occurrences()[key]
            if "recurringEventId" in event:
                self.stored[key] = {**copy.deepcopy(event), "status": "cancelled"}
                return
            del self.stored[key]
            for exception in [each for each, it in self.stored.items() if it.get("recurringEventId") == key]:
                del self.stored[exception]

    def split(self, key: str, at: datetime, **fields: Any) -> str:
        """This and following: the id of the new series."""
        with self._changing():
            old = self.stored[key]
            root = re.sub(r"_R\d{8}T\d{6}$", "", key)
            new = {**copy.deepcopy(old), "id": f"{root}_R{at.astimezone(UTC):%Y%m%dT%H%M%S}"}
            length = _at(old["end"], self.time_zone) - _at(old["start"], self.time_zone)
            new["start"], new["end"] = moment(at, self.time_zone), moment(at + length, self.time_zone)
            new.update(copy.deepcopy(fields))
            until = (at - timedelta(seconds=1)).astimezone(UTC)
            self.stored[key] = {
                **old,
                "recurrence": [f"{rule};UNTIL={until:%Y%m%dT%H%M%SZ}" for rule in old["recurrence"]],
            }
            self.stored[new["id"]] = new
        return str(new["id"])

    @contextmanager
    def _changing(self) -> Iterator[None]:
        before = self.occurrences()
        yield
        after = self.occurrences()
        self.last_seen.update(before)
        keys = {key for key in before | after if before.get(key) != after.get(key)}
        self.history.extend(sorted(keys))

    # ---- what the service tells ------------------------------------------------------------------------------------

    def occurrences(self) -> dict[str, Resource]:
        """As with singleEvents: series written out, exceptions in their places, nothing cancelled."""
        told: dict[str, Resource] = {}
        for event in self.stored.values():
            if "recurrence" in event:
                told.update((one["id"], one) for one in self._instances(event) if one["status"] != "cancelled")
            elif "recurringEventId" not in event and event["status"] != "cancelled":
                told[event["id"]] = event
        return told

    def changed_since(self, place: int) -> list[Resource]:
        now = self.occurrences()
        keys = dict.fromkeys(self.history[place:])
        return [now[key] if key in now else self._tombstone(key) for key in keys]

    def _tombstone(self, key: str) -> Resource:
        kept = ("id",) if self.tells_ids_only else ("id", "recurringEventId", "originalStartTime")
        return {"status": "cancelled"} | {name: it for name, it in self.last_seen[key].items() if name in kept}

    def _instances(self, series: Resource) -> Iterator[Resource]:
        zone = ZoneInfo(series["start"].get("timeZone", self.time_zone))
        first = _at(series["start"], self.time_zone).astimezone(zone)
        length = _at(series["end"], self.time_zone) - _at(series["start"], self.time_zone)
        is_all_day = "date" in series["start"]
        rules = rrulestr("\n".join(series["recurrence"]), dtstart=first, forceset=True)
        now = datetime.now(UTC)
        for start in rules.between(now - HORIZON, now + HORIZON, inc=True):
            stamp = f"{start:%Y%m%d}" if is_all_day else f"{start.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            key = f"{series['id']}_{stamp}"
            if key in self.stored:
                yield self.stored[key]
                continue
            one = {name: value for name, value in copy.deepcopy(series).items() if name != "recurrence"}
            original = {"date": f"{start:%Y-%m-%d}"} if is_all_day else moment(start, zone.key)
            yield one | {
                "id": key,
                "start": original,
                "end": {"date": f"{start + length:%Y-%m-%d}"} if is_all_day else moment(start + length, zone.key),
                "recurringEventId": series["id"],
                "originalStartTime": original,
            }

    def within(self, starts_at: datetime | None, ends_at: datetime | None) -> list[Resource]:
        """Exclusive bounds: timeMin of an event's end, timeMax of its start."""
        return [
            event
            for event in self.occurrences().values()
            if (starts_at is None or _end_of(event, self.time_zone) > starts_at)
            and (ends_at is None or _start_of(event, self.time_zone) < ends_at)
        ]


def moment(at: datetime, zone: str) -> Resource:
    """RFC 3339 with the offset of the zone, as the service writes it."""
    local = at.astimezone(ZoneInfo(zone)).replace(microsecond=0)
    return {"dateTime": local.isoformat(), "timeZone": zone}


def _at(value: Resource, zone: str) -> datetime:
    if "date" in value:
        return datetime.combine(date.fromisoformat(value["date"]), time(), ZoneInfo(zone))
    return datetime.fromisoformat(value["dateTime"])


def _start_of(event: Resource, zone: str) -> datetime:
    try:
        return _at(event["start"], zone)
    except (KeyError, ValueError):
        return datetime.now(UTC)  # a broken one is told all the same


def _end_of(event: Resource, zone: str) -> datetime:
    try:
        return _at(event["end"], zone)
    except (KeyError, ValueError):
        return datetime.now(UTC)
