"""Calendars of a CalDAV account (RFC 4791): Nextcloud, Fastmail, iCloud, Radicale and others. Reads only.

Decides what changed: by the server's sync-token, else by its ctag and ETags; and which occurrences are gone with a
changed resource. Once a day, as the window has outgrown what was planned, the whole window is told again. `dav` asks,
`caldav_bodies` gets the events, `isolated` takes them apart.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import dns.asyncresolver

from calendar_sync.accounts import (
    AccessRevoked,
    Credentials,
    Granted,
    NoSignInPage,
    PasswordRefused,
    RemoteCalendar,
    SignIn,
)
from calendar_sync.addresses import take_apart
from calendar_sync.caldav_bodies import Bodies, Read
from calendar_sync.caldav_discovery import DISCOVERY_LIMIT_S, DavAccount, discover, list_calendars
from calendar_sync.caldav_messages import (
    CALENDAR,
    CTAG,
    ETAG,
    REPORTS,
    RESOURCE_TYPE,
    SYNC_COLLECTION,
    SYNC_TOKEN,
    changes_since,
    events_between,
    properties,
)
from calendar_sync.caldav_place import Owned, Place, etag_of, mark_of, name_of
from calendar_sync.dav import DavServer, Login, RequestRefused, open_dav
from calendar_sync.errors import CalendarNotFound, CalendarServerFailed, CalendarTooLarge, StateExpired
from calendar_sync.fetching import FetchLimits
from calendar_sync.multistatus import Multistatus, Resource, join, same_place
from calendar_sync.sync import CalendarSource, Page, Window

EXPANSIONS_AT_ONCE = 2
PASS_LIMIT_S = 300.0
SLACK = timedelta(days=1)  # so far past the window is planned, so that it has to be told again only once a day
MARGIN = timedelta(days=2)  # servers work out repetitions and zones in their own ways: ask for more, and judge here
MAX_SYNC_PAGES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    href: str
    etag: str


class CaldavCalendars:
    """A CalendarProvider and AccountProvider."""

    def __init__(
        self,
        limits: FetchLimits,
        *,
        tls: ssl.SSLContext | None = None,
        resolver: dns.asyncresolver.Resolver | None = None,
    ) -> None:
        self._limits = limits
        self._tls = tls  # None: whom this machine trusts
        self._resolver = resolver  # None: this machine's
        self._slots = asyncio.Semaphore(EXPANSIONS_AT_ONCE)

    async def connect(self, address: str, user: str, password: str) -> Granted:
        """`address`: of a server, an account or a calendar; a mail address or its domain; "" where `user` is one.

        Raises PasswordRefused, LeadsElsewhere, AddressNotAllowed and what else CalendarError has.
        """
        if ":" in user or not user.strip():
            raise PasswordRefused("a user name is needed, and none holds a colon; look it up in your calendar account")
        account, own = await discover(address, user, password, self._limits, resolver=self._resolver, tls=self._tls)
        server = take_apart(account.login.server)
        return Granted(
            name=account.login.user,
            own_addresses=own,
            credentials=_written(account),
            is_wider=False,
            tenant=server.host if server is not None else "",
        )

    async def begin(self, redirect_uri: str, *, wider: bool, hint: str = "") -> SignIn:
        raise NoSignInPage

    async def finish(self, flow: str, answer: Mapping[str, str], redirect_uri: str) -> Granted:
        raise NoSignInPage

    async def calendars(self, credentials: Credentials) -> list[RemoteCalendar]:
        account = _account(credentials)
        async with open_dav(account.login, self._limits, all_s=DISCOVERY_LIMIT_S, tls=self._tls) as server:
            return await list_calendars(account, server)

    async def revoke(self, credentials: Credentials) -> bool:
        """Nobody but the account's owner can take an app password back."""
        return False

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        if source.credentials is None:
            raise AccessRevoked
        account = _account(source.credentials)
        before = await asyncio.to_thread(Place.read, state)
        last = Page()
        async with open_dav(account.login, self._limits, all_s=PASS_LIMIT_S, tls=self._tls) as server:
            one = _Pass(server, source, self._slots)
            is_fresh = before and before.planned_until >= window.ends_at and before.mark == mark_of(source)
            async for page in one.changes(before, window) if before and is_fresh else one.everything(before, window):
                last = page
                if not page.is_last:
                    yield page
        yield last  # with the connection closed: nobody asks for more after it


class _Pass:
    def __init__(self, server: DavServer, source: CalendarSource, slots: asyncio.Semaphore) -> None:
        self._server = server
        self._source = source
        self._slots = slots

    async def everything(self, before: Place | None, window: Window) -> AsyncIterator[Page]:
        # the place first: what changes while we read is told again by the next pass
        after = await self._place_now(window.ends_at + SLACK)
        if after.sync_token and not await self._takes_back(after.sync_token):
            after.sync_token = ""
        window = Window(starts_at=window.starts_at, ends_at=after.planned_until)
        listed = await self._listed(window)
        bodies = Bodies(self._server, self._source, window, self._slots)
        async for read in bodies.of([each.href for each in listed.values()]):
            _take_in(after, read)
            yield Page(events=tuple(event for body in read for event in body.events))
        after.again = bodies.missed
        yield await asyncio.to_thread(self._last_of_everything, before, after)

    def _last_of_everything(self, before: Place | None, after: Place) -> Page:
        removed: set[str] = set()
        is_complete = not after.again or before is None or before.owned is None
        if before and before.owned and after.owned is not None and not is_complete:
            # something could not be got just now: what was planned of that stays
            for name in map(self._name, after.again):
                if name in before.owned:
                    after.owned[name] = before.owned[name]
            removed = before.keys_of(before.owned) - after.keys_of(after.owned)
        return self._last(after, removed, is_complete=is_complete)

    async def changes(self, place: Place, window: Window) -> AsyncIterator[Page]:
        window = Window(starts_at=window.starts_at, ends_at=place.planned_until)
        changed, gone = await (self._since_token(place) if place.sync_token else self._since_ctag(place, window))
        if place.owned is None and (changed or gone):
            raise StateExpired  # there was too much to remember
        for href in place.again:
            changed.setdefault(self._name(href), href)
        before = place.keys_of({*changed, *gone})
        for name in gone:
            (place.owned or {}).pop(name, None)
        bodies = Bodies(self._server, self._source, window, self._slots)
        async for read in bodies.of(list(changed.values())):
            _take_in(place, read)
            yield Page(events=tuple(event for body in read for event in body.events))
        place.again = bodies.missed
        # what two resources hold is not gone with one of them
        yield await asyncio.to_thread(self._last, place, before - place.keys_of(place.owned or ()), is_complete=False)

    def _last(self, place: Place, removed: set[str], *, is_complete: bool) -> Page:
        return Page(
            removed=frozenset(removed),
            broken=place.broken + len(place.again),
            next_state=place.written(),
            is_last=True,
            is_complete=is_complete,
        )

    def _name(self, href: str) -> str:
        return name_of(join(self._source.address, href))

    # ---- what changed ----------------------------------------------------------------------------------------------

    async def _place_now(self, planned_until: datetime) -> Place:
        wanted = properties([SYNC_TOKEN, CTAG, REPORTS, RESOURCE_TYPE])
        found = (await self._server.propfind(self._source.address, wanted, depth=0)).resources
        if not found or CALENDAR not in found[0].kinds():
            raise CalendarNotFound
        here = found[0]
        reports = here.properties.get(REPORTS)
        tells_changes = reports is None or any(each.tag == SYNC_COLLECTION for each in reports.iter())
        return Place(
            mark=mark_of(self._source),
            planned_until=planned_until,
            sync_token=here.text(SYNC_TOKEN) if tells_changes else "",
            ctag=here.text(CTAG),
        )

    async def _takes_back(self, token: str) -> bool:
        """Some servers give tokens that they do not take; everything would be read again in each pass."""
        try:
            return bool((await self._server.report(self._source.address, changes_since(token), depth=0)).sync_token)
        except RequestRefused:
            return False

    async def _since_token(self, place: Place) -> tuple[dict[str, str], set[str]]:
        """Hrefs by name, and the names of what is gone; `place` is moved on."""
        changed: dict[str, str] = {}
        gone: set[str] = set()
        for _ in range(MAX_SYNC_PAGES):
            try:
                answer = await self._server.report(self._source.address, changes_since(place.sync_token), depth=0)
            except RequestRefused:  # RFC 6578 section 3.2: 403 with valid-sync-token; servers have others for it
                raise StateExpired from None
            await asyncio.to_thread(self._sort, answer, changed, gone)
            if not answer.sync_token:
                raise StateExpired
            is_stuck = answer.is_cut_short and answer.sync_token == place.sync_token
            if is_stuck:
                raise CalendarServerFailed("the calendar server cuts its answers short; we try again by ourselves")
            place.sync_token = answer.sync_token
            if not answer.is_cut_short:
                return changed, gone
        raise CalendarTooLarge

    def _sort(self, answer: Multistatus, changed: dict[str, str], gone: set[str]) -> None:
        for resource in self._members(answer):
            name = name_of(resource.url)
            if resource.status in (404, 410):
                changed.pop(name, None)
                gone.add(name)
            else:
                changed[name] = resource.href
                gone.discard(name)

    async def _since_ctag(self, place: Place, window: Window) -> tuple[dict[str, str], set[str]]:
        now = await self._place_now(place.planned_until)
        if place.ctag and now.ctag == place.ctag:
            return {}, set()
        listed = await self._listed(window)
        owned = place.owned or {}
        changed = {
            name: each.href
            for name, each in listed.items()
            if not each.etag or name not in owned or owned[name].etag != each.etag
        }
        place.ctag = now.ctag
        return changed, set(owned) - set(listed)

    async def _listed(self, window: Window) -> dict[str, _Listed]:
        starts_at, ends_at = window.starts_at - MARGIN, window.ends_at + MARGIN
        address = self._source.address
        answer = None
        try:
            answer = await self._server.report(address, events_between(starts_at, ends_at), depth=1)
        except RequestRefused:
            answer = None
        if answer is None or answer.is_cut_short:  # a server that can't search lists all it has
            answer = await self._server.propfind(address, properties([ETAG, RESOURCE_TYPE]), depth=1)
        if answer.is_cut_short:
            raise CalendarTooLarge
        return await asyncio.to_thread(self._by_name, answer)

    def _by_name(self, answer: Multistatus) -> dict[str, _Listed]:
        return {
            name_of(resource.url): _Listed(href=resource.href, etag=etag_of(resource.text(ETAG)))
            for resource in self._members(answer)
            if resource.status < 400
        }

    def _members(self, answer: Multistatus) -> Iterator[Resource]:
        for resource in answer.resources:
            if not resource.url.endswith("/") and not same_place(resource.url, self._source.address):
                yield resource


def _take_in(place: Place, read: list[Read]) -> None:
    if place.owned is None:
        return
    for body in read:
        if body.is_gone:
            place.owned.pop(body.name, None)
        else:
            keys = tuple(event.occurrence_key for event in body.events)
            place.owned[body.name] = Owned(etag=etag_of(body.etag), broken=body.broken, keys=keys)


# ---- the account, as it is kept ------------------------------------------------------------------------------------


def _written(account: DavAccount) -> str:
    login = account.login
    return json.dumps(
        {
            "user": login.user,
            "password": login.password,
            "server": login.server,
            "principal": account.principal,
            "calendar": account.calendar,
        }
    )


def _account(credentials: Credentials) -> DavAccount:
    """Raises AccessRevoked for what another version wrote."""
    try:
        kept = json.loads(credentials.text)
        login = Login(user=kept["user"], password=kept["password"], server=kept["server"])
        return DavAccount(login=login, principal=kept["principal"], calendar=kept["calendar"])
    except (ValueError, KeyError, TypeError):
        raise AccessRevoked from None
