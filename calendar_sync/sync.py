"""One pass over one calendar: read what changed, plan, store the plan, and only then the place where we are.

What every calendar has to offer is `CalendarProvider`. If the process dies between the plan and the place, the next
pass tells the same changes again and finds nothing to do. A failing calendar tells its host why and keeps its plan,
but for what new rules of the host may be against. Calendars of one account are read one after the other, as each may
bring new tokens, and none while its host has to connect it again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from calendar_sync.accounts import AccessRevoked, Credentials
from calendar_sync.errors import AccountReplaced, CalendarCutOff, CalendarError, CalendarTooLarge, StateExpired
from calendar_sync.host_rules import HostWishes, wishes_of
from calendar_sync.orders import as_planned, order_of, orders_of, progress_of, series_of, terms_of
from calendar_sync.planning import (
    CalendarEvent,
    KnownMeeting,
    PlanningPolicy,
    Progress,
    hold,
    plan,
)
from consent_notice.clock import Clock
from consent_notice.words import CalendarId
from storage.accounts import AccountRow
from storage.calendars import CalendarRow
from storage.errors import NotStored, StorageError
from storage.meetings import Cancelled, MeetingRow, PlannedMeeting
from storage.store import Store

LOOK_BACK = timedelta(days=1)  # a meeting that began yesterday may still run
LOOK_AHEAD = timedelta(days=14)
FURTHEST_BACK = timedelta(days=14)  # so far a meeting that nobody saw is still told as missed
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
        self._turns: dict[str, asyncio.Lock] = {}  # by account

    async def read(self, calendar_id: CalendarId, *, from_scratch: bool = False) -> PassResult:
        """Raises StorageError; what goes wrong with the calendar itself is told in the result and to its host."""
        calendar = await self._store.calendars.get(calendar_id)
        if calendar is None or not calendar.enabled:
            return PassResult(was_read=False)
        try:
            if calendar.account_id is None:
                return await self._pass(calendar, None, from_scratch=from_scratch)
            async with self.speaking_for(calendar.account_id) as account:
                return await self._pass(calendar, account, from_scratch=from_scratch)
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

    @asynccontextmanager
    async def speaking_for(self, account_id: str) -> AsyncIterator[AccountRow]:
        """One at a time, as it stands then. Raises AccessRevoked while its host has to connect it again, NotStored."""
        async with self._turns.setdefault(account_id, asyncio.Lock()):
            account = await self._store.accounts.get(account_id)
            if account is None:
                raise NotStored
            if account.problem:
                raise AccessRevoked(account.problem)
            yield account

    async def withdraw(self, calendar_id: CalendarId) -> None:
        """For a calendar that was switched off: nothing of it is planned but what the host asked for by hand."""
        rows = await self._store.meetings.of_calendar(calendar_id)
        gone = [
            Cancelled(occurrence_key=row.occurrence_key)
            for row in rows
            if progress_of(row) is Progress.WAITING and row.override != "record"
        ]
        if gone:
            try:
                await self._store.meetings.apply_plan(calendar_id, gone)
            except NotStored:
                return

    async def _pass(self, calendar: CalendarRow, account: AccountRow | None, *, from_scratch: bool) -> PassResult:
        provider = self._providers.get(calendar.provider)
        if provider is None:
            raise CalendarError("this kind of calendar is not supported here; connect it by its ICS address instead")
        before = _Place.read(calendar.sync_state)
        host_address, wishes = await self._host(calendar)
        is_same = before is not None and before.wishes == wishes.mark
        state = before.provider_state if before and is_same and not from_scratch else None
        source = CalendarSource(
            address=calendar.address,
            own_addresses=frozenset({host_address}) | (account.own_addresses if account else frozenset()),
            time_zone=calendar.time_zone,
            credentials=None if account is None else credentials_of(account, self._store),
        )
        now = self._clock.now()
        looks_back_to = max(now - FURTHEST_BACK, min(now - LOOK_BACK, calendar.last_synced_at or now))
        window = Window(starts_at=looks_back_to, ends_at=now + LOOK_AHEAD)
        try:
            told = await _from_state(provider, source, state, window)
        except AccessRevoked as error:
            if account is not None:
                await self._store.accounts.mark_broken(account.id, account.generation, str(error))
            raise

        calendar_now = await self._store.calendars.get(calendar.id)
        if calendar_now is None or not calendar_now.enabled or calendar_now.address != calendar.address:
            return PassResult(was_read=True)  # switched off while it was read: nothing of it counts
        rows = await self._store.meetings.of_calendar(calendar.id, over_since=window.starts_at)
        has_new_terms = before is None or before.terms != terms_of(calendar_now)
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
        place = _Place(
            provider_state=next_state,
            terms=terms_of(calendar_now),
            wishes=wishes.mark,
            inside=wishes.inside,
            choices=_choices(wishes),
        )
        await self._store.calendars.save_sync(calendar.id, place.written(), None, broken)
        return PassResult(was_read=True, changes=changes, broken=broken)

    async def _host(self, calendar: CalendarRow) -> tuple[str, HostWishes]:
        host = await self._store.users.get(calendar.host_id)
        if host is None:
            raise NotStored
        return host.email, wishes_of(await self._store.users.host_rules(host.id), host.email, calendar.policy)

    async def _hold(self, calendar: CalendarRow) -> None:
        """After a failed pass: rules that the host changed since the last good one count at once, in doubt as a no."""
        before = _Place.read(calendar.sync_state)
        try:
            _, wishes = await self._host(calendar)
            if before is not None and before.wishes == wishes.mark:
                return
            were_judged = before is not None and before.inside is not None and before.inside <= (wishes.inside or set())
            choices_were_judged = _choices(wishes) in (ANY_CHOICES, before.choices if before is not None else None)
            held = []
            for row in await self._store.meetings.of_calendar(calendar.id):
                planned = as_planned(row)
                after = hold(planned, wishes, people_were_judged=were_judged, choices_were_judged=choices_were_judged)
                if after != planned and progress_of(row) is Progress.WAITING:
                    held.append(order_of(after, row, self._policy.known_hosts))
            if held:
                await self._store.meetings.apply_plan(calendar.id, held)
        except NotStored:
            return

    async def _tell(self, calendar: CalendarRow, message: str) -> None:
        try:
            await self._store.calendars.save_sync(calendar.id, None, message, calendar.broken_events)
        except NotStored:
            return


def credentials_of(account: AccountRow, store: Store) -> Credentials:
    """To speak for it as it stands; new tokens are durable before they are used. Saving raises AccountReplaced."""

    async def save(text: str) -> None:
        try:
            await store.accounts.save_credentials(account.id, account.generation, text)
        except NotStored:
            raise AccountReplaced from None

    return Credentials(text=account.credentials, save=save)


async def _from_state(provider: CalendarProvider, source: CalendarSource, state: str | None, window: Window) -> Page:
    try:
        return await _all_pages(provider, source, state, window)
    except StateExpired:
        return await _all_pages(provider, source, None, window)


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
    choices: tuple[str, str]  # which meetings of this calendar were wanted

    def written(self) -> str:
        inside = None if self.inside is None else sorted(self.inside)
        return json.dumps(
            {
                "provider": self.provider_state,
                "terms": self.terms,
                "wishes": self.wishes,
                "inside": inside,
                "choices": self.choices,
            }
        )

    @classmethod
    def read(cls, text: str | None) -> _Place | None:
        if text is None:
            return None
        try:
            stored = json.loads(text)
            rule, language, fallback = stored["terms"]
            recorded, externals = stored["choices"]
            return cls(
                provider_state=stored["provider"],
                terms=(rule, language, fallback),
                wishes=stored["wishes"],
                inside=None if stored["inside"] is None else frozenset(stored["inside"]),
                choices=(recorded, externals),
            )
        except (ValueError, KeyError, TypeError):  # by another version: read everything once more
            return None


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
        [replace(event, series=series_of(calendar.id, event.series)) for event in page.events],
        {key: KnownMeeting(meeting=as_planned(row), progress=progress_of(row)) for key, row in by_key.items()},
        now,
        policy,
        wishes=wishes,
        removed=page.removed,
        is_complete=page.is_complete,
        read_until=calendar.last_synced_at,
    )
    orders = orders_of(changes, by_key, calendar, policy.known_hosts, has_new_terms=has_new_terms)
    known = [order for order in orders if order.occurrence_key in by_key]
    new = [order for order in orders if order.occurrence_key not in by_key]
    return [*([known] if known else []), *(new[at : at + NEW_AT_ONCE] for at in range(0, len(new), NEW_AT_ONCE))]


def _choices(wishes: HostWishes) -> tuple[str, str]:
    return wishes.recorded.value, wishes.externals.value


ANY_CHOICES = _choices(HostWishes())
