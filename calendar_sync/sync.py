"""One pass over one calendar: read what changed, plan, store the plan, and only then the place where we are.

What every calendar has to offer is `CalendarProvider`. If the process dies between the plan and the place, the next
pass tells the same changes again and finds nothing to do. A failing calendar tells its host why and keeps its plan,
but for what new rules of the host may be against.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from calendar_sync.accounts import Credentials
from calendar_sync.errors import CalendarCutOff, CalendarError, CalendarTooLarge, StateExpired
from calendar_sync.host_rules import HostWishes, wishes_of
from calendar_sync.planning import (
    CalendarEvent,
    Cancel,
    Change,
    KnownMeeting,
    PlannedOccurrence,
    PlanningPolicy,
    Progress,
    hold,
    plan,
)
from consent_notice.clock import Clock
from consent_notice.words import CalendarId
from storage.calendars import CalendarRow
from storage.errors import NotStored, StorageError
from storage.meetings import Cancelled, MeetingRow, MeetingState, PlannedMeeting
from storage.store import Store

LOOK_BACK = timedelta(days=1)  # a meeting that began yesterday may still run
LOOK_AHEAD = timedelta(days=14)
MAX_EVENTS_A_PASS = 100_000
NEW_AT_ONCE = 500  # meetings in one transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSource:
    address: str  # secret
    own_addresses: frozenset[str]  # the host's, to find their answer among the invited
    time_zone: str = "UTC"  # what a time without a zone means
    credentials: Credentials | None = None  # of the account that it is in; None: the address is all there is


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    events: tuple[CalendarEvent, ...] = ()
    removed: frozenset[str] = frozenset()  # occurrence keys
    broken: int = 0  # events that could not be read
    next_state: str | None = None  # on the last page
    is_last: bool = False
    is_complete: bool = False  # on the last page: whatever no page told is not in the calendar


class CalendarProvider(Protocol):
    """One kind of calendar. Reads only; no method can express a write."""

    def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        """What changed since `state` (None: everything in the window); may be told again, or twice.

        Raises CalendarError, StateExpired among them; nothing else escapes.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    was_read: bool  # False: switched off or gone; not even fetched
    changes: int = 0
    broken: int = 0
    error: str | None = None  # for the host
    retry_after_s: float | None = None


class CalendarSync:
    def __init__(
        self, store: Store, providers: Mapping[str, CalendarProvider], clock: Clock, policy: PlanningPolicy
    ) -> None:
        self._store = store
        self._providers = providers
        self._clock = clock
        self._policy = policy

    async def read(self, calendar_id: CalendarId, *, from_scratch: bool = False) -> PassResult:
        """Raises StorageError; what goes wrong with the calendar itself is told in the result and to its host."""
        calendar = await self._store.calendars.get(calendar_id)
        if calendar is None or not calendar.enabled:
            return PassResult(was_read=False)
        try:
            return await self._pass(calendar, from_scratch=from_scratch)
        except NotStored:  # deleted while it was read
            return PassResult(was_read=False)
        except StorageError:
            raise
        except CalendarError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  a fault of ours with one calendar must not stop the others
            failure = CalendarError(
                f"reading this calendar failed in a way we did not foresee ({type(error).__name__}); "
                "we try again by ourselves, and what was planned stays"
            )
        log.warning("calendar %s could not be read: %s", calendar.id, type(failure).__name__)
        await self._hold(calendar)
        await self._tell(calendar, str(failure))
        return PassResult(was_read=True, error=str(failure), retry_after_s=failure.retry_after_s)

    async def withdraw(self, calendar_id: CalendarId) -> None:
        """For a calendar that was switched off: nothing of it is planned but what the host asked for by hand."""
        rows = await self._store.meetings.of_calendar(calendar_id)
        gone = [
            Cancelled(occurrence_key=row.occurrence_key)
            for row in rows
            if _progress(row) is Progress.WAITING and row.override != "record"
        ]
        if gone:
            try:
                await self._store.meetings.apply_plan(calendar_id, gone)
            except NotStored:
                return

    async def _pass(self, calendar: CalendarRow, *, from_scratch: bool) -> PassResult:
        provider = self._providers.get(calendar.provider)
        if provider is None:
            raise CalendarError("this kind of calendar is not supported here; connect it by its ICS address instead")
        before = _Place.read(calendar.sync_state)
        host_address, wishes = await self._host(calendar)
        is_same = before is not None and before.wishes == wishes.mark
        state = before.provider_state if before and is_same and not from_scratch else None
        source = CalendarSource(address=calendar.address, own_addresses=frozenset({host_address}))
        now = self._clock.now()
        window = Window(starts_at=now - LOOK_BACK, ends_at=now + LOOK_AHEAD)
        try:
            told = await _all_pages(provider, source, state, window)
        except StateExpired:
            told = await _all_pages(provider, source, None, window)

        calendar_now = await self._store.calendars.get(calendar.id)
        if calendar_now is None or not calendar_now.enabled or calendar_now.address != calendar.address:
            return PassResult(was_read=True)  # switched off while it was read: nothing of it counts
        rows = await self._store.meetings.of_calendar(calendar.id)
        has_new_terms = before is None or before.terms != _terms(calendar_now)
        judge = partial(_judged, calendar=calendar_now, policy=self._policy, wishes=wishes, now=self._clock.now())
        # in a thread, and what was told is let go of there: for a large calendar the loop would wait too long
        next_state, broken, handed_over = told.next_state, told.broken, [told]
        del told
        orders = await asyncio.to_thread(judge, handed_over, rows, has_new_terms=has_new_terms)
        changes = 0
        while orders:
            batch = orders.pop(0)
            await self._store.meetings.apply_plan(calendar.id, batch)
            changes += len(batch)
        # only now: a crash before this line repeats the pass, and repeating it changes nothing
        place = _Place(provider_state=next_state, terms=_terms(calendar_now), wishes=wishes.mark, inside=wishes.inside)
        await self._store.calendars.save_sync(calendar.id, place.written(), None, broken)
        return PassResult(was_read=True, changes=changes, broken=broken)

    async def _host(self, calendar: CalendarRow) -> tuple[str, HostWishes]:
        host = await self._store.users.get(calendar.host_id)
        if host is None:
            raise NotStored
        return host.email, wishes_of(await self._store.users.host_rules(host.id), host.email)

    async def _hold(self, calendar: CalendarRow) -> None:
        """After a failed pass: rules that the host changed since the last good one count at once, in doubt as a no."""
        before = _Place.read(calendar.sync_state)
        try:
            _, wishes = await self._host(calendar)
            if before is not None and before.wishes == wishes.mark:
                return
            were_judged = before is not None and before.inside is not None and before.inside <= (wishes.inside or set())
            held = []
            for row in await self._store.meetings.of_calendar(calendar.id):
                planned = _as_planned(row)
                after = hold(planned, wishes, people_were_judged=were_judged)
                if after != planned and _progress(row) is Progress.WAITING:
                    held.append(_order(after, row))
            if held:
                await self._store.meetings.apply_plan(calendar.id, held)
        except NotStored:
            return

    async def _tell(self, calendar: CalendarRow, message: str) -> None:
        try:
            await self._store.calendars.save_sync(calendar.id, None, message, calendar.broken_events)
        except NotStored:
            return


async def _all_pages(provider: CalendarProvider, source: CalendarSource, state: str | None, window: Window) -> Page:
    """All pages as one. Raises CalendarCutOff where the last one is missing: half a pass is none."""
    events: dict[str, CalendarEvent] = {}
    removed: set[str] = set()
    broken = 0
    async for page in provider.pages(source, state, window):
        for event in page.events:  # told twice: the later word counts
            events[event.occurrence_key] = event
            removed.discard(event.occurrence_key)
        for key in page.removed:
            events.pop(key, None)
            removed.add(key)
        broken += page.broken
        if len(events) > MAX_EVENTS_A_PASS:
            raise CalendarTooLarge
        if page.is_last:
            return replace(page, events=tuple(events.values()), removed=frozenset(removed), broken=broken)
    raise CalendarCutOff


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What is remembered between passes: the provider's place, and what was applied of the calendar and its host."""

    provider_state: str | None
    terms: tuple[str, str, str]
    wishes: str  # the mark of the host's rules
    inside: frozenset[str] | None  # whose people were let pass; None: everybody

    def written(self) -> str:
        inside = None if self.inside is None else sorted(self.inside)
        return json.dumps(
            {"provider": self.provider_state, "terms": self.terms, "wishes": self.wishes, "inside": inside}
        )

    @classmethod
    def read(cls, text: str | None) -> _Place | None:
        if text is None:
            return None
        try:
            stored = json.loads(text)
            rule, language, fallback = stored["terms"]
            return cls(
                provider_state=stored["provider"],
                terms=(rule, language, fallback),
                wishes=stored["wishes"],
                inside=None if stored["inside"] is None else frozenset(stored["inside"]),
            )
        except (ValueError, KeyError, TypeError):  # by another version: read everything once more
            return None


def _series(calendar_id: CalendarId, series: str) -> str:
    """No name of a series is the same in two calendars: what was agreed for one is not agreed for the other."""
    return hashlib.sha256(json.dumps([calendar_id, series]).encode()).hexdigest()[:40] if series else ""


def _terms(row: CalendarRow | MeetingRow) -> tuple[str, str, str]:
    return (row.rule.value, row.language, row.fallback.value if row.fallback else "")


def _judged(
    told: list[Page],
    rows: Sequence[MeetingRow],
    *,
    calendar: CalendarRow,
    policy: PlanningPolicy,
    wishes: HostWishes,
    now: datetime,
    has_new_terms: bool,
) -> list[list[PlannedMeeting | Cancelled]]:
    """What to store, in the order in which it may be: what is known changes all at once, so that no room has two bots
    on the way; what is new follows a part at a time, so that no other writer waits long.
    """
    page = told.pop()
    by_key = {row.occurrence_key: row for row in rows}
    changes = plan(
        [replace(event, series=_series(calendar.id, event.series)) for event in page.events],
        {key: KnownMeeting(meeting=_as_planned(row), progress=_progress(row)) for key, row in by_key.items()},
        now,
        policy,
        wishes=wishes,
        removed=page.removed,
        is_complete=page.is_complete,
    )
    orders = _orders(changes, by_key, calendar, has_new_terms=has_new_terms)
    known = [order for order in orders if order.occurrence_key in by_key]
    new = [order for order in orders if order.occurrence_key not in by_key]
    return [*([known] if known else []), *(new[at : at + NEW_AT_ONCE] for at in range(0, len(new), NEW_AT_ONCE))]


def _orders(
    changes: list[Change], rows: Mapping[str, MeetingRow], calendar: CalendarRow, *, has_new_terms: bool
) -> list[PlannedMeeting | Cancelled]:
    """The changes in storage's words. A rule that the host set for one meeting stays when the meeting moves."""
    orders: list[PlannedMeeting | Cancelled] = []
    touched: set[str] = set()
    for change in changes:
        if isinstance(change, Cancel):
            orders.append(Cancelled(occurrence_key=change.occurrence_key))
            touched.add(change.occurrence_key)
            continue
        row = rows.get(change.meeting.occurrence_key)
        orders.append(_order(change.meeting, row if row is not None and not has_new_terms else calendar))
        touched.add(change.meeting.occurrence_key)
    if has_new_terms:
        for key, row in rows.items():
            differs = _terms(row) != _terms(calendar)
            if key not in touched and differs and _progress(row) is Progress.WAITING:
                orders.append(_order(_as_planned(row), calendar))
    return orders


def _order(meeting: PlannedOccurrence, terms: CalendarRow | MeetingRow) -> PlannedMeeting:
    return PlannedMeeting(
        occurrence_key=meeting.occurrence_key,
        title=meeting.title,
        organiser=meeting.organiser,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        link=meeting.link,
        platform=meeting.platform,
        decision=meeting.decision,
        reason=meeting.reason,
        series=meeting.series,
        rule=terms.rule,
        fallback=terms.fallback,
        language=terms.language,
    )


def _as_planned(row: MeetingRow) -> PlannedOccurrence:
    return PlannedOccurrence(
        occurrence_key=row.occurrence_key,
        title=row.title,
        organiser=row.organiser,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        link=row.link,
        platform=row.platform,
        decision="record" if row.decision == "record" else "skip",
        reason=row.reason,
        series=row.series,
    )


def _progress(row: MeetingRow) -> Progress:
    if row.state in (MeetingState.PLANNED, MeetingState.DUE):
        return Progress.WAITING
    if row.state in (MeetingState.CANCELLED, MeetingState.MISSED):
        return Progress.GONE
    return Progress.FIXED
