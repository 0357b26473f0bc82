"""A calendar that keeps a history and tells what changed since a token, a page at a time; misbehaves on request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from calendar_sync.errors import CalendarError, StateExpired
from calendar_sync.planning import CalendarEvent
from calendar_sync.sync import CalendarSource, Page, Window


@dataclass(slots=True, kw_only=True)
class SimulatedCalendar:
    """Implements CalendarProvider."""

    page_size: int = 2
    events: dict[str, CalendarEvent] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)  # keys, in order of their changes
    oldest_token: int = 0
    tells_twice: bool = False
    fails_after_pages: int | None = None
    error: BaseException | None = None
    loses_last_page: bool = False
    passes: list[str | None] = field(default_factory=list)  # the states we were asked with
    sources: list[CalendarSource] = field(default_factory=list)  # and what we were asked for
    during_pass: list[object] = field(default_factory=list)  # callables, run before the last page

    def put(self, *events: CalendarEvent) -> None:
        for event in events:
            self.events[event.occurrence_key] = event
            self.history.append(event.occurrence_key)

    def remove(self, key: str) -> None:
        del self.events[key]
        self.history.append(key)

    def forget_tokens(self) -> None:
        self.oldest_token = len(self.history) + 1

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        self.passes.append(state)
        self.sources.append(source)
        if state is not None and int(state) < self.oldest_token:
            raise StateExpired
        changed = list(self.events) if state is None else sorted(set(self.history[int(state) :]))
        if self.tells_twice:
            changed = changed + changed
        chunks = [changed[start : start + self.page_size] for start in range(0, len(changed), self.page_size)]
        for number, chunk in enumerate(chunks):
            if self.fails_after_pages == number:
                raise self.error or CalendarError
            yield Page(
                events=tuple(self.events[key] for key in chunk if key in self.events),
                removed=frozenset(key for key in chunk if key not in self.events),
            )
        if self.error is not None:
            raise self.error
        for action in self.during_pass:
            await action()  # type: ignore[operator]
        if not self.loses_last_page:
            yield Page(next_state=str(len(self.history)), is_last=True, is_complete=state is None)
