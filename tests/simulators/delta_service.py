"""A calendar service that tells changes since a token, as Google's and Microsoft's do; its truth is read from outside.

Follows "Synchronize resources efficiently" (Google Calendar API) and "event: delta" (Microsoft Graph): pages until a
token, the token of the moment at which the pass began, replays, the same occurrence more than once, empty pages, a
window that stands in the token, removals of what is not known, and tokens that expire, also in the middle of a pass.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

from calendar_sync.errors import CalendarServerFailed, StateExpired
from calendar_sync.links import LinkTexts
from calendar_sync.planning import CalendarEvent, OwnAnswer
from calendar_sync.sync import CalendarSource, Page, Window
from tests.simulators.calendar_truth import Occurrence, Truth


class Killed(BaseException):
    """The process died here."""


@dataclass(slots=True)
class DeltaService:
    """Implements CalendarProvider. `fault` counts for the next pass only."""

    truth: Truth
    tells_whole_window: bool  # as Graph: what lies outside the token's window is told as removed
    marks_cancelled: bool  # as Google: a cancelled occurrence is told as such, and not as removed
    has_live_cursor: bool  # what changes during a pass is told at its end; otherwise the next pass tells it
    page_size: int = 3
    fault: str = ""
    fault_page: int = 0
    between_pages: Callable[[], None] | None = None  # somebody edits the calendar while it is read
    _told: dict[str, Occurrence] = field(default_factory=dict)
    _history: list[str] = field(default_factory=list)
    _oldest: int = 0

    def commit(self) -> None:
        """Takes down what was edited."""
        now = {key_of(occurrence): occurrence for occurrence in self.truth.occurrences()}
        self._history += [key for key in self._told | now if self._told.get(key) != now.get(key)]
        self._told = now

    def forget_tokens(self) -> None:
        self._oldest = len(self._history) + 1

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        fault, edit, self.fault, self.between_pages = self.fault, self.between_pages, "", None
        position = len(self._history)
        changed, until = self._changed(state, window, replays=fault == "replay")
        if fault == "twice":
            changed += changed[::-1]
        chunks = [changed[at : at + self.page_size] for at in range(0, len(changed), self.page_size)]
        if fault == "empty pages":
            chunks = [part for chunk in chunks for part in ([], chunk, [])]
        for number, chunk in enumerate([*chunks, []]):
            if number >= min(self.fault_page, len(chunks)):
                if fault == "fails":
                    raise CalendarServerFailed
                if fault == "expires" and state is not None:
                    self.forget_tokens()
                    raise StateExpired
                if fault == "killed":
                    raise Killed
                if fault == "cut off":
                    return
                if edit is not None:
                    edit()
                    edit = None
            yield self._page(chunk, window)
        if self.has_live_cursor:
            for key in self._history[position:]:
                yield self._page([key], window)
            position = len(self._history)
        token = json.dumps({"position": position, "until": until.isoformat()})
        yield Page(next_state=token, is_last=True, is_complete=state is None)

    def _changed(self, state: str | None, window: Window, *, replays: bool) -> tuple[list[str], datetime]:
        """Keys to be told, and up to when all is told."""
        if state is None:
            inside = [key for key, occurrence in self._told.items() if _overlaps(occurrence, window)]
            return inside, window.ends_at
        token = json.loads(state)
        position, until = int(token["position"]), datetime.fromisoformat(token["until"])
        if position < self._oldest:
            raise StateExpired
        first = max(0, position - 7) if replays else position
        changed = self._history[first:]
        if until < window.ends_at:  # the window has moved on: what came into it is told too
            added = Window(starts_at=until, ends_at=window.ends_at)
            changed = changed + [key for key, occurrence in self._told.items() if _overlaps(occurrence, added)]
        return list(dict.fromkeys(changed)), max(until, window.ends_at)

    def _page(self, keys: list[str], window: Window) -> Page:
        """As things are now, which may be later than when the pass began."""
        events, removed = [], set()
        for key in keys:
            occurrence = self._told.get(key)
            is_outside = occurrence is not None and self.tells_whole_window and not _overlaps(occurrence, window)
            if occurrence is None or is_outside or (occurrence.is_cancelled and not self.marks_cancelled):
                removed.add(key)
            else:
                events.append(_as_event(key, occurrence))
        return Page(events=tuple(events), removed=frozenset(removed))


def key_of(occurrence: Occurrence) -> str:
    return "{}:{}".format(*occurrence.identity)


def _overlaps(occurrence: Occurrence, window: Window) -> bool:
    return occurrence.starts_at < window.ends_at and occurrence.ends_at >= window.starts_at


def _as_event(key: str, occurrence: Occurrence) -> CalendarEvent:
    return CalendarEvent(
        occurrence_key=key,
        title=occurrence.title,
        organiser="Bob",
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        is_all_day=occurrence.is_all_day,
        is_cancelled=occurrence.is_cancelled,
        own_answer=OwnAnswer.DECLINED if occurrence.is_declined else OwnAnswer.ACCEPTED,
        series=str(occurrence.identity[0]),
        texts=LinkTexts(location=occurrence.link),
    )
