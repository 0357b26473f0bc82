"""PURE: which occurrence of a Google calendar is which, from one pass to the next.

An occurrence of a series is known by the day that it first stood on, and by its series without the mark that Google
adds when "this and following" are changed: so it survives its own move, another hour for all of them, and a split, and
what a host said about it holds. Where two of one series fall on a day, each goes by its exact time instead. Which of
Google's ids holds which place is remembered, so that a late cancellation of one that was replaced takes away nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from calendar_sync.errors import StateExpired
from calendar_sync.google_events import Identity, Reading
from calendar_sync.planning import CalendarEvent

_SPLIT = re.compile(r"(?:_R\d{8}(?:T\d{6}Z?)?)+$")

Places = dict[str, dict[str, str]]  # series id -> exact original start -> day


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    events: tuple[CalendarEvent, ...]
    removed: frozenset[str]
    places: Places  # after it


@dataclass(slots=True)
class _Changes:
    places: Places
    singles: dict[str, CalendarEvent] = field(default_factory=dict)  # by Google's id
    instances: dict[tuple[str, str], CalendarEvent] = field(default_factory=dict)  # by series and exact start
    gone_singles: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)  # roots of series


def tell(readings: Iterable[Reading], before: Mapping[str, Mapping[str, str]]) -> Told:
    """`before`: the places after the last pass; empty for a full one.

    Raises StateExpired where an occurrence that was not told may need another key: only a full pass can say.
    """
    changes = _Changes(places={series: dict(starts) for series, starts in before.items()})
    for reading in readings:
        _apply(reading, changes)
    old_keys, new_keys = _keys(before, changes.touched), _keys(changes.places, changes.touched)
    _refuse_other_keys(old_keys, new_keys)

    events = [
        replace(event, occurrence_key=new_keys[at], series=_hash("series", at[0]))
        for at, event in changes.instances.items()
    ]
    events += [replace(event, occurrence_key=_hash("single", key)) for key, event in changes.singles.items()]
    removed = {key for at, key in old_keys.items() if at not in new_keys} - set(new_keys.values())
    removed |= {_hash("single", key) for key in changes.gone_singles - changes.singles.keys()}
    return Told(events=tuple(events), removed=frozenset(removed), places=changes.places)


def _apply(reading: Reading, changes: _Changes) -> None:
    identity = reading.identity
    if identity.series:
        changes.touched.add(_root(identity.series))
    if reading.event is None:
        _take_away(identity, changes)
    elif identity.series:
        starts = changes.places.setdefault(identity.series, {})
        starts[identity.stamp] = identity.day or starts.get(identity.stamp) or identity.stamp[:8]
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
    changes.touched.add(_root(identity.id))
    changes.singles.pop(identity.id, None)
    changes.gone_singles.add(identity.id)


# ---- keys ----------------------------------------------------------------------------------------------------------


def _root(series: str) -> str:
    return _SPLIT.sub("", series)


def _keys(places: Mapping[str, Mapping[str, str]], roots: set[str]) -> dict[tuple[str, str], str]:
    """The occurrence key of every place of these series."""
    days: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for series, starts in places.items():
        root = _root(series)
        if root in roots:
            for stamp, day in starts.items():
                days[root, day].append((series, stamp))
    return {
        at: _hash("day", root, day) if len(there) == 1 else _hash("exact", *at)
        for (root, day), there in days.items()
        for at in there
    }


def _refuse_other_keys(old: Mapping[tuple[str, str], str], new: Mapping[tuple[str, str], str]) -> None:
    if any(new.get(at, key) != key for at, key in old.items()):
        raise StateExpired


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]
