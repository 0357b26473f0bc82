"""PURE: what is remembered of a CalDAV calendar between two passes, and how it is written.

Decides how a changed resource is known to have lost occurrences: for each resource the keys of those that it has in the
window. What grows beyond its bounds is not kept, and the next change means that everything is read again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from calendar_sync.multistatus import place
from calendar_sync.sync import CalendarSource

MAX_KEYS = 20_000
MAX_RESOURCES = 20_000
MAX_AGAIN = 500
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """One resource: usually one event, or a whole series with its exceptions."""

    etag: str
    broken: int
    keys: tuple[str, ...]  # of its occurrences in the window


@dataclass(slots=True, kw_only=True)
class Place:
    mark: str  # of what the events depend on besides the calendar
    planned_until: datetime
    sync_token: str = ""
    ctag: str = ""
    owned: dict[str, Owned] | None = field(default_factory=dict)  # by `name_of`; None: more than is kept
    again: list[str] = field(default_factory=list)  # hrefs that could not be got

    @property
    def broken(self) -> int:
        return sum(each.broken for each in (self.owned or {}).values())

    def keys_of(self, names: Iterable[str]) -> set[str]:
        owned = self.owned or {}
        return {key for name in names if name in owned for key in owned[name].keys}

    def written(self) -> str:
        owned = self.owned
        if owned is not None and self.sync_token:  # ETags need all that is listed; a sync-token tells by itself
            owned = {name: each for name, each in owned.items() if each.keys or each.broken}
        if owned is not None and (
            len(owned) > MAX_RESOURCES or sum(len(each.keys) for each in owned.values()) > MAX_KEYS
        ):
            owned = None
        return json.dumps(
            {
                "version": _VERSION,
                "mark": self.mark,
                "until": self.planned_until.isoformat(),
                "token": self.sync_token,
                "ctag": self.ctag,
                "owned": owned and {name: [each.etag, each.broken, *each.keys] for name, each in owned.items()},
                "again": self.again[:MAX_AGAIN],
            },
            separators=(",", ":"),
        )

    @classmethod
    def read(cls, text: str | None) -> Place | None:
        """None for what another version wrote."""
        try:
            stored = json.loads(text or "{}")
            if stored.get("version") != _VERSION:
                return None
            owned = stored["owned"]
            return cls(
                mark=stored["mark"],
                planned_until=datetime.fromisoformat(stored["until"]),
                sync_token=stored["token"],
                ctag=stored["ctag"],
                owned=None
                if owned is None
                else {
                    name: Owned(etag=etag, broken=broken, keys=tuple(keys))
                    for name, (etag, broken, *keys) in owned.items()
                },
                again=stored["again"],
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def mark_of(source: CalendarSource) -> str:
    return _short(json.dumps([sorted(source.own_addresses), source.time_zone]))


def name_of(url: str) -> str:
    """The same for each spelling of a resource's address."""
    return _short(place(url))


def etag_of(text: str) -> str:
    """Short, as some servers make long ones; "" where there is none, which is equal to nothing."""
    return _short(text) if text else ""


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
