"""When somebody was there: what was told of joins and leaves, in whatever order, and the stays that follow from it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

FOREVER_MS = 1 << 62


@dataclass(slots=True, kw_only=True)
class Attendance:
    """Of one seat, in half-open spans [from, to) on one clock."""

    is_person: bool = False
    # For each moment: was there a join, was there a leave, which of them was noted last.
    moments: dict[int, tuple[bool, bool, bool]] = field(default_factory=dict)
    stays: list[tuple[int, int]] = field(default_factory=list)  # half-open, in order, never touching

    def note(self, at_ms: int, *, is_join: bool) -> bool:
        had_join, had_leave, _ = self.moments.get(at_ms, (False, False, False))
        moment = (had_join or is_join, had_leave or not is_join, is_join)
        if self.moments.get(at_ms) == moment:
            return False
        self.moments[at_ms] = moment
        self._derive()
        return True

    def _derive(self) -> None:
        """A leave and a join at one moment are a rejoin for who was there, else as they were noted."""
        self.stays = []
        begun_ms: int | None = None
        for at_ms in sorted(self.moments):
            has_join, has_leave, join_was_last = self.moments[at_ms]
            is_there = (begun_ms is not None or join_was_last) if has_join and has_leave else has_join
            if is_there and begun_ms is None:
                begun_ms = at_ms
            elif not is_there and begun_ms is not None:
                self.stays.append((begun_ms, at_ms))
                begun_ms = None
        if begun_ms is not None:
            self.stays.append((begun_ms, FOREVER_MS))

    def overlaps(self, from_ms: int, to_ms: int) -> bool:
        before = bisect_right(self.stays, (to_ms - 1, FOREVER_MS)) - 1  # the last stay that begins before `to_ms`
        return before >= 0 and self.stays[before][1] > from_ms

    def covers(self, from_ms: int, to_ms: int) -> bool:
        before = bisect_right(self.stays, (from_ms, FOREVER_MS)) - 1
        return before >= 0 and self.stays[before][1] >= to_ms
