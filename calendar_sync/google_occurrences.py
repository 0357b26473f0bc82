"""PURE: which occurrence of a Google calendar is which, from one pass to the next.

An occurrence of a series is known by the day that it first stood on, and by its series without the mark that Google
adds when "this and following" are changed: so it survives its own move, another hour for all of them, and a split, and
what a host said about it holds. Where two of one series fall on a day, the later one goes by its exact time. Which of
Google's ids holds which place is remembered, so that a late cancellation of one that was replaced takes away nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from calendar_sync.errors import StateExpired
from calendar_sync.google_events import Identity, Reading
from calendar_sync.planning import CalendarEvent

_SPLIT = re.compile(r"(?:_R\d{8}(?:T\d{6}Z?)?)+$")
_EXACT = "!"  # after the day of one that goes by its exact time

At = tuple[str, str]  # Google's id of a series, and an exact original start
Places = dict[str, dict[str, str]]  # the same, to the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    events: tuple[CalendarEvent, ...]
    removed: frozenset[str]
    places: Places  # after it


@dataclass(slots=True)
class _Changes:
    places: Places  # with what is there now
    singles: dict[str, CalendarEvent] = field(default_factory=dict)  # by Google's id
    instances: dict[At, CalendarEvent] = field(default_factory=dict)
    gone_singles: set[str] = field(default_factory=set)


def tell(readings: Iterable[Reading], before: Mapping[str, Mapping[str, str]], *, is_full: bool) -> Told:
    """`before`: the places after the last pass, as far as known.

    Raises StateExpired where a second one on a day may be the first one's successor: only a full pass can say.
    """
    changes = _Changes(places={} if is_full else {series: dict(starts) for series, starts in before.items()})
    for reading in readings:
        _apply(reading, changes)
    _settle(changes.places, before, is_full=is_full)

    keys, old_keys = _keys(changes.places), _keys(before)
    events = [
        replace(event, occurrence_key=keys[at], series=_hash("series", at[0]))
        for at, event in changes.instances.items()
    ]
    events += [replace(event, occurrence_key=_hash("single", key)) for key, event in changes.singles.items()]
    removed = {key for at, key in old_keys.items() if at not in keys} - set(keys.values())
    removed |= {_hash("single", key) for key in changes.gone_singles - changes.singles.keys()}
    return Told(events=tuple(events), removed=frozenset(removed), places=changes.places)


def _apply(reading: Reading, changes: _Changes) -> None:
    identity = reading.identity
    if reading.event is None:
        _take_away(identity, changes)
    elif identity.series:
        changes.places.setdefault(identity.series, {}).setdefault(identity.stamp, identity.day or identity.stamp[:8])
        changes.instances[identity.series, identity.stamp] = reading.event
        changes.gone_singles.add(identity.series)  # an event that was made a series keeps its id
    else:
        _take_away(identity, changes)  # a series that was made one event keeps its id too
        changes.singles[identity.id] = reading.event
        changes.gone_singles.discard(identity.id)


def _take_away(identity: Identity, changes: _Changes) -> None:
    if identity.series:
        starts = changes.places.get(identity.series, {})
        starts.pop(identity.stamp, None)
        if not starts:
            changes.places.pop(identity.series, None)
        changes.instances.pop((identity.series, identity.stamp), None)
    if identity.day:
        return
    # by its id alone it may be a single event, or a series as a whole
    for stamp in changes.places.pop(identity.id, {}):
        changes.instances.pop((identity.id, stamp), None)
    changes.singles.pop(identity.id, None)
    changes.gone_singles.add(identity.id)


def _settle(places: Places, before: Mapping[str, Mapping[str, str]], *, is_full: bool) -> None:
    """Who was there keeps its way of being known; of those who are new, one can have the day, if nobody has it."""
    taken: set[At] = set()
    new: list[At] = []
    for series, starts in places.items():
        known = before.get(series, {})
        for stamp in starts:
            if stamp in known:
                starts[stamp] = known[stamp]
                taken.add((_root(series), known[stamp]))
            else:
                new.append((series, stamp))
    for series, stamp in sorted(new, key=lambda at: (at[1], at[0])):
        there = (_root(series), places[series][stamp])
        if there in taken:
            if not is_full:
                raise StateExpired
            places[series][stamp] += _EXACT
        taken.add(there)


# ---- keys ----------------------------------------------------------------------------------------------------------


def _root(series: str) -> str:
    return _SPLIT.sub("", series)


def _keys(places: Mapping[str, Mapping[str, str]]) -> dict[At, str]:
    """The occurrence key of every place."""
    return {
        (series, stamp): _hash("exact", series, stamp) if day.endswith(_EXACT) else _hash("day", root, day)
        for series, starts in places.items()
        for root in (_root(series),)
        for stamp, day in starts.items()
    }


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]
