"""The log of a simulated meeting: entries in order, durable at a known time, with writes that fail before or after it.

Each body takes the way to JSON and back that the real log takes. Who may write is fenced as the real log does it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consent_notice.canonical import canonical
from consent_notice.events import Event, from_body, to_body
from storage.errors import LogWriteFailed, StaleEpoch


@dataclass(frozen=True, slots=True)
class Entry:
    index: int
    event_id: str
    event: Event
    durable_ms: int  # on the true clock


class WorldLog:
    """In memory. `epoch`: whose claim on the meeting is the last one."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.entries: list[Entry] = []
        self._by_id: dict[str, Entry] = {}
        self.epoch = 0
        self.failing: list[str] = []  # what the next writes do: "before" or "after" they persist

    def claim(self) -> int:
        self.epoch += 1
        return self.epoch

    def size(self) -> int:
        return len(self.entries)

    def find(self, event_id: str) -> Entry | None:
        return self._by_id.get(event_id)

    def tail(self, after: int) -> Sequence[Entry]:
        """From that index on."""
        return self.entries[after:]

    def append(self, event: Event, event_id: str, fenced_epoch: int | None = None) -> Entry:
        """Raises StaleEpoch, or LogWriteFailed whether it is there or not."""
        fault = self.failing.pop() if self.failing else ""
        if fault == "before":
            raise LogWriteFailed
        entry = self._persist(event, event_id, fenced_epoch)
        if fault == "after":
            raise LogWriteFailed
        return entry

    def _persist(self, event: Event, event_id: str, fenced_epoch: int | None) -> Entry:
        if fenced_epoch is not None and fenced_epoch != self.epoch:
            raise StaleEpoch
        known = self._by_id.get(event_id)
        if known is not None:
            return known
        return self._note(from_body(json.loads(canonical(to_body(event)))), event_id)

    def _note(self, event: Event, event_id: str) -> Entry:
        entry = Entry(len(self.entries), event_id, event, self._now_ms())
        self.entries.append(entry)
        self._by_id[event_id] = entry
        return entry
