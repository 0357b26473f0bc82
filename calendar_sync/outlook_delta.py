"""One round of Microsoft Graph's calendarView delta, to one Page.

Decides when a new round begins from nothing (the window is fixed inside the token, so it must reach further than what
is asked for), which series have to be read whole (a round tells of a series only in part, and of a deleted occurrence
not at all), and what is gone. Follows https://learn.microsoft.com/graph/api/event-delta,
https://learn.microsoft.com/graph/delta-query-events and https://learn.microsoft.com/graph/api/event-list-instances
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from calendar_sync.errors import CalendarCutOff, CalendarNotFound, CalendarServerFailed, CalendarTooLarge, StateExpired
from calendar_sync.outlook_events import BrokenEvent, Event, read_event, single_key, slim
from calendar_sync.outlook_wire import ELSEWHERE, Conversation, is_below
from calendar_sync.planning import CalendarEvent
from calendar_sync.sync import MAX_EVENTS_A_PASS, Page, Window

SLACK = timedelta(days=1)  # so far past the window a round reaches: a new one begins once a day
MAX_SERIES_A_ROUND = 20  # to read whole; where more changed, reading everything costs less


class _TooManySeries(Exception):
    """An answer, not a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is remembered between rounds; ids only by their hash."""

    link: str  # the deltaLink, which only a round's last page carries
    starts_at: str  # ISO 8601, as are all times here
    planned_until: str
    series: dict[str, dict[str, str]] = field(default_factory=dict)  # of each series: its occurrences' keys by id
    broken: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str | None) -> Place | None:
        try:
            return cls(**json.loads(text)) if text else None
        except (ValueError, TypeError):  # by another version: everything is read once more
            return None

    def written(self) -> str:
        return json.dumps(asdict(self))


@dataclass(slots=True)
class _Told:
    """What a round told, by id; the later word counts."""

    singles: dict[str, Event] = field(default_factory=dict)
    masters: dict[str, Event] = field(default_factory=dict)
    instances: dict[str, Event] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    without_id: int = 0

    def add(self, items: Iterable[Any]) -> None:
        for item in items:
            try:
                event = slim(item)
            except BrokenEvent:
                self.without_id += 1
                continue
            event_id = event["id"]
            for known in (self.singles, self.masters, self.instances):
                known.pop(event_id, None)
            self.removed.discard(event_id)
            if "@removed" in event:
                self.removed.add(event_id)
            elif event.get("type") == "seriesMaster":
                self.masters[event_id] = event
            elif event.get("seriesMasterId"):
                self.instances[event_id] = event
            else:
                self.singles[event_id] = event
        if len(self.singles) + len(self.instances) > MAX_EVENTS_A_PASS:
            raise CalendarTooLarge

    def series_of_instances(self) -> set[str]:
        return {str(event["seriesMasterId"]) for event in self.instances.values()}


async def read_round(
    conversation: Conversation, calendar_key: str, state: str | None, window: Window, own_addresses: Collection[str]
) -> Page:
    """Raises CalendarError, StateExpired only where there was a state."""
    before = Place.read(state)
    if before and not is_below(before.link, conversation.root):
        before = None  # this installation asks another of Microsoft's clouds now
    if before and datetime.fromisoformat(before.planned_until) >= window.ends_at:
        try:
            return await _changes(conversation, calendar_key, before, own_addresses)
        except _TooManySeries:
            pass
    starts_at, ends_at = window.starts_at.astimezone(UTC), window.ends_at.astimezone(UTC) + SLACK
    try:
        return await _everything(conversation, calendar_key, starts_at, ends_at, own_addresses)
    except StateExpired:
        if before:
            raise
    try:  # forgotten in the middle of the very first round
        return await _everything(conversation, calendar_key, starts_at, ends_at, own_addresses)
    except StateExpired:
        raise CalendarServerFailed from None


async def _everything(
    conversation: Conversation,
    calendar_key: str,
    starts_at: datetime,
    ends_at: datetime,
    own_addresses: Collection[str],
) -> Page:
    span = urlencode({"startDateTime": _stamp(starts_at), "endDateTime": _stamp(ends_at)})
    address = f"{_calendar(conversation, calendar_key)}/calendarView/delta?{span}"
    place = Place(link=address, starts_at=starts_at.isoformat(), planned_until=ends_at.isoformat())
    told, link = await _told(conversation, address)
    for master_id in sorted(told.series_of_instances() - told.masters.keys() - told.removed):
        if not await _read_whole(conversation, calendar_key, master_id, place, told):
            told.removed.add(master_id)
    return await asyncio.to_thread(_page, told, place, link, own_addresses, is_complete=True)


async def _changes(
    conversation: Conversation, calendar_key: str, before: Place, own_addresses: Collection[str]
) -> Page:
    told, link = await _told(conversation, before.link)
    touched = (told.masters.keys() | told.series_of_instances()) - told.removed
    if len(touched) > MAX_SERIES_A_ROUND:
        raise _TooManySeries
    for master_id in sorted(touched):
        if not await _read_whole(conversation, calendar_key, master_id, before, told):
            told.removed.add(master_id)
    whole = {_short(master_id) for master_id in touched}
    return await asyncio.to_thread(_page, told, before, link, own_addresses, whole=whole)


async def _told(conversation: Conversation, address: str) -> tuple[_Told, str]:
    told = _Told()
    link: str | None = None
    async for items, last in conversation.pages(address):
        await asyncio.to_thread(told.add, items)
        link = last
    if not link:
        raise CalendarCutOff
    if not is_below(link, conversation.root):
        raise CalendarServerFailed(ELSEWHERE)
    return told, link


async def _read_whole(conversation: Conversation, calendar_key: str, master_id: str, place: Place, told: _Told) -> bool:
    """Whether the series is still there; its master and every instance of the place's window are told then."""
    address = f"{_calendar(conversation, calendar_key)}/events/{quote(master_id, safe='')}"
    span = urlencode({"startDateTime": _stamp_of(place.starts_at), "endDateTime": _stamp_of(place.planned_until)})
    instances: list[Any] = []
    try:
        if master_id not in told.masters:
            told.add([await conversation.get(address)])
        if master_id not in told.masters:
            return True  # no series any more but a single event, and told as such
        async for items, _ in conversation.pages(f"{address}/instances?{span}"):
            instances += items
    except CalendarNotFound:
        return False
    for event_id, event in list(told.instances.items()):
        if event["seriesMasterId"] == master_id:
            del told.instances[event_id]
    await asyncio.to_thread(told.add, instances)
    return True


def _page(
    told: _Told,
    before: Place,
    link: str,
    own_addresses: Collection[str],
    *,
    whole: Collection[str] = frozenset(),
    is_complete: bool = False,
) -> Page:
    """`whole`: the series of which every occurrence was told."""
    events: dict[str, CalendarEvent] = {}
    broken = set(before.broken)
    removed = {single_key(event_id) for event_id in told.removed | told.masters.keys()}
    series = {name: dict(known) for name, known in before.series.items()}
    for event_id in told.removed | told.singles.keys():
        broken.discard(_short(event_id))
        removed.update(series.pop(_short(event_id), {}).values())
        for known in series.values():
            if (key := known.pop(_short(event_id), None)) is not None:
                removed.add(key)
    for name in whole:
        removed.update(series.get(name, {}).values())
        broken.difference_update(series.get(name, {}))

    now_known: dict[str, dict[str, str]] = {name: {} for name in whole}
    for event_id, event in {**told.singles, **told.instances}.items():
        master_id = event.get("seriesMasterId")
        if master_id in told.removed:
            continue
        name = _short(str(master_id)) if master_id else ""
        known = now_known.setdefault(name, dict(series.get(name, {}))) if name else {}
        try:
            read = read_event(event, own_addresses, master=told.masters.get(str(master_id)) if master_id else None)
        except BrokenEvent:
            broken.add(_short(event_id))
            if name and (key := series.get(name, {}).get(_short(event_id))):
                known[_short(event_id)] = key  # it stays as it was planned
                removed.discard(key)
            continue
        broken.discard(_short(event_id))
        events[read.occurrence_key] = read
        if name:
            known[_short(event_id)] = read.occurrence_key
    series |= now_known
    kept = {key for known in series.values() for key in known.values()}
    place = Place(
        link=link,
        starts_at=before.starts_at,
        planned_until=before.planned_until,
        series={name: known for name, known in series.items() if known},
        broken=sorted(broken),
    )
    return Page(
        events=tuple(events.values()),
        removed=frozenset(removed - events.keys() - kept),
        broken=len(broken) + told.without_id,
        next_state=place.written(),
        is_last=True,
        is_complete=is_complete,
    )


def _calendar(conversation: Conversation, calendar_key: str) -> str:
    return f"{conversation.root}/me/calendars/{quote(calendar_key, safe='')}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stamp_of(text: str) -> str:
    return _stamp(datetime.fromisoformat(text))


def _short(event_id: str) -> str:
    """Immutable ids differ in their last characters and are long; a state may hold thousands."""
    return hashlib.sha256(event_id.encode()).hexdigest()[:20]
