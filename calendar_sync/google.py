"""Google Calendar: an account's calendars, what changed in one of them, and notices of change.

Decides when a whole window is read and when only the changes since the last sync token: Google takes no window beside
a token, so a window is read a day further than needed and again when that day is used up. Only the reading methods
calendarList.list and events.list are called, and events.watch and channels.stop for notices. Follows "Synchronize
resources efficiently" and "Push notifications" (developers.google.com/workspace/calendar/api/guides/sync and /push).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import google_auth_httplib2
import httplib2
from google.oauth2.credentials import Credentials as LibraryCredentials

from calendar_sync.accounts import Credentials, Granted, RemoteCalendar, SignIn, Watch
from calendar_sync.errors import (
    CalendarCutOff,
    CalendarError,
    CalendarNotFound,
    CalendarRefused,
    CalendarTooLarge,
    StateExpired,
)
from calendar_sync.google_events import EVENT_FIELDS, MEETING_TYPES, BrokenEvent, Frame, Reading, read_event
from calendar_sync.google_line import CallLimits, GoogleAddresses, GoogleLine, RequestRefused, TokenRefused, revoked
from calendar_sync.google_occurrences import Places, tell
from calendar_sync.google_sign_in import Access, GoogleApp, GoogleSignIn
from calendar_sync.sync import MAX_EVENTS_A_PASS, CalendarSource, Page, Window
from consent_notice.clock import Clock

SLACK = timedelta(days=1)  # so far past the window is read, so that changes are enough for a day
EVENTS_A_PAGE = 250
PAGES_A_PASS = 2_000
LONGEST_ADDRESS = 2_000  # above 2,048 the library would send a GET as a POST
WATCH_LIFE = timedelta(days=7)  # Google may give less, and says so
_FIELDS = f"kind,nextPageToken,nextSyncToken,timeZone,accessRole,{EVENT_FIELDS}"
_LIST_FIELDS = "kind,nextPageToken,items(id,summary,summaryOverride,timeZone,primary,accessRole)"

DEFAULT_ADDRESSES = GoogleAddresses()
DEFAULT_LIMITS = CallLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    sync_token: str
    planned_until: str  # ISO 8601
    broken: list[str]  # hashes of the ids of events that can't be read
    places: Places

    @classmethod
    def read(cls, text: str | None) -> _State | None:
        """None where nothing is known."""
        if text is None:
            return None
        try:
            state = cls(**json.loads(text))
            datetime.fromisoformat(state.planned_until)
        except (ValueError, TypeError):  # by another version
            return None
        return state

    def reaches(self, window: Window) -> bool:
        return datetime.fromisoformat(self.planned_until) >= window.ends_at


class GoogleCalendars:
    """A CalendarProvider, an AccountProvider and a PushProvider."""

    def __init__(
        self,
        app: GoogleApp,
        clock: Clock,
        new_secret: Callable[[], str],  # 43 to 64 letters, digits, - and _ that nobody can guess
        *,
        addresses: GoogleAddresses = DEFAULT_ADDRESSES,
        limits: CallLimits = DEFAULT_LIMITS,
    ) -> None:
        self._line = GoogleLine(addresses, limits)
        self._sign_in = GoogleSignIn(app, self._line, clock, new_secret)
        self._clock = clock
        self._new_secret = new_secret

    # ---- the account -----------------------------------------------------------------------------------------------

    async def begin(self, redirect_uri: str, *, wider: bool, hint: str = "") -> SignIn:
        return self._sign_in.begin(redirect_uri, wider=wider, hint=hint)

    async def finish(self, flow: str, answer: Mapping[str, str], redirect_uri: str) -> Granted:
        return await self._sign_in.finish(flow, answer, redirect_uri)

    async def revoke(self, credentials: Credentials) -> bool:
        return await self._sign_in.revoke(credentials)

    async def calendars(self, credentials: Credentials) -> list[RemoteCalendar]:
        """Those that the host may read; of one that shows only busy times nothing could be found."""
        access = Access(self._sign_in, credentials)
        method = (await self._line.service()).calendarList()
        found: list[RemoteCalendar] = []
        page_token: str | None = None
        for _ in range(PAGES_A_PASS):
            request = method.list(
                minAccessRole="reader", maxResults=EVENTS_A_PAGE, pageToken=page_token, fields=_LIST_FIELDS
            )
            answer = await self._execute(request, access, kind="calendar#calendarList")
            try:
                found += [_remote_calendar(item) for item in answer.get("items", ())]
            except (KeyError, TypeError, AttributeError):
                raise CalendarError("Google's list of your calendars can't be read; try again later") from None
            page_token = answer.get("nextPageToken")
            if not page_token:
                return found
        raise CalendarTooLarge

    # ---- one calendar ----------------------------------------------------------------------------------------------

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        """One page: what an event is in the plan is known only when all of them are there."""
        if source.credentials is None:
            raise revoked()
        before = _State.read(state)
        is_full = before is None or not before.reaches(window)
        access = Access(self._sign_in, source.credentials)
        if before is None or is_full:
            planned_until = window.ends_at + SLACK
            asked = {"timeMin": _rfc3339(window.starts_at), "timeMax": _rfc3339(planned_until)}
        else:
            planned_until = datetime.fromisoformat(before.planned_until)
            asked = {"syncToken": before.sync_token}
        readings, broken, sync_token = await self._read_all(source, access, asked, (window.starts_at, planned_until))
        if before is not None and not is_full:
            broken |= set(before.broken) - {_mark(reading.identity.id) for reading in readings}
        places = before.places if before else {}
        told = await asyncio.to_thread(tell, readings, places, is_full=is_full)
        after = {
            "sync_token": sync_token,
            "planned_until": planned_until.isoformat(),
            "broken": sorted(broken),
            "places": told.places,
        }
        yield Page(
            events=told.events,
            removed=frozenset() if is_full else told.removed,
            broken=len(broken),
            next_state=json.dumps(after) if sync_token else None,
            is_last=True,
            is_complete=is_full,
        )

    async def _read_all(
        self, source: CalendarSource, access: Access, asked: Mapping[str, str], span: tuple[datetime, datetime]
    ) -> tuple[list[Reading], set[str], str]:
        """Readings, marks of the broken, and the next sync token ("" where Google gives none)."""
        method = (await self._line.service()).events()
        readings: list[Reading] = []
        broken: set[str] = set()
        page_token: str | None = None
        for _ in range(PAGES_A_PASS):
            request = method.list(
                calendarId=source.address,
                singleEvents=True,
                eventTypes=list(MEETING_TYPES),
                maxResults=EVENTS_A_PAGE,
                pageToken=page_token,
                fields=_FIELDS,
                **asked,
            )
            answer = await self._execute(request, access, kind="calendar#events", with_token="syncToken" in asked)
            some, unreadable = await asyncio.to_thread(_read_page, answer, source, span)
            readings += some
            broken |= unreadable
            if len(readings) > MAX_EVENTS_A_PASS:
                raise CalendarTooLarge
            page_token = answer.get("nextPageToken")
            if not page_token:  # the sync token stands on the last page only
                return readings, broken, str(answer.get("nextSyncToken") or "")
        raise CalendarTooLarge

    # ---- notices of change -----------------------------------------------------------------------------------------

    async def watch(self, credentials: Credentials, calendar_key: str, *, address: str, secret: str) -> Watch:
        """`address`: https, with a certificate that Google believes."""
        access = Access(self._sign_in, credentials)
        channel = {
            "id": self._new_secret(),
            "type": "web_hook",
            "address": address,
            "token": secret,
            "params": {"ttl": str(int(WATCH_LIFE.total_seconds()))},
        }
        method = (await self._line.service()).events()
        request = method.watch(calendarId=calendar_key, body=channel, eventTypes=list(MEETING_TYPES))
        answer = await self._execute(request, access, kind="api#channel", may_repeat=False)
        try:
            return Watch(
                id=str(answer["id"]),
                calendar_key=calendar_key,
                secret=secret,
                expires_at=self._end_of(answer),
                extra={"resource_id": str(answer["resourceId"]), "address": address},
            )
        except (KeyError, ValueError, OverflowError):
            raise CalendarRefused("Google's promise of notices can't be read; the calendar is read as before") from None

    async def renew(self, credentials: Credentials, watch: Watch) -> Watch:
        """Always a new one, made before the old one is ended: no change falls in between."""
        renewed = await self.watch(credentials, watch.calendar_key, address=watch.extra["address"], secret=watch.secret)
        try:
            await self.unwatch(credentials, watch)
        except CalendarError:
            return renewed  # the old one runs out by itself, and a notice that comes twice is read once more
        return renewed

    async def unwatch(self, credentials: Credentials, watch: Watch) -> None:
        access = Access(self._sign_in, credentials)
        channel = {"id": watch.id, "resourceId": watch.extra["resource_id"]}
        request = (await self._line.service()).channels().stop(body=channel)
        try:
            await self._execute(request, access, kind=None)
        except CalendarNotFound:
            return

    def _end_of(self, answer: Mapping[str, Any]) -> datetime:
        if "expiration" in answer:  # milliseconds since 1970
            return datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
        return self._clock.now() + WATCH_LIFE

    # ---- asking ----------------------------------------------------------------------------------------------------

    async def _execute(
        self, request: Any, access: Access, *, kind: str | None, with_token: bool = False, may_repeat: bool = True
    ) -> dict[str, Any]:
        """`kind`: what the answer has to call itself. A token that Google refuses before its time is renewed once."""
        try:
            try:
                return await self._line.ask(_executed(request, await access.token(), kind), may_repeat=may_repeat)
            except TokenRefused:
                return await self._line.ask(_executed(request, await access.renewed(), kind), may_repeat=may_repeat)
        except TokenRefused:
            raise revoked() from None
        except RequestRefused:
            if with_token:  # one that Google can't read any more
                raise StateExpired from None
            raise


def _executed(request: Any, token: str, kind: str | None) -> Callable[[httplib2.Http], dict[str, Any]]:
    def execute(line: httplib2.Http) -> dict[str, Any]:
        if len(request.uri) > LONGEST_ADDRESS:
            raise RequestRefused
        # nothing in here can renew a token by itself: that is saved first
        held = LibraryCredentials(token=token)  # type: ignore[no-untyped-call]
        authorised = google_auth_httplib2.AuthorizedHttp(held, http=line, refresh_status_codes=())
        answer = request.execute(http=authorised, num_retries=0)
        if kind is None:
            return {}
        # the library hands on what is no JSON as it came; taken for an empty calendar, it would cancel everything
        if not isinstance(answer, dict) or answer.get("kind") != kind:
            raise CalendarCutOff
        return answer

    return execute


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _read_page(
    answer: Mapping[str, Any], source: CalendarSource, span: tuple[datetime, datetime]
) -> tuple[list[Reading], set[str]]:
    frame = Frame(
        starts_at=span[0],
        ends_at=span[1],
        zone=str(answer.get("timeZone") or source.time_zone),
        own_addresses=frozenset(address.lower() for address in source.own_addresses),
        is_owned=answer.get("accessRole") == "owner",
    )
    readings: list[Reading] = []
    broken: set[str] = set()
    for item in answer.get("items") or ():
        try:
            reading = read_event(item, frame)
        except BrokenEvent:
            broken.add(_mark(item.get("id") if isinstance(item, dict) else item))
            continue
        if reading is not None:
            readings.append(reading)
    return readings, broken


def _mark(key: object) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def _remote_calendar(item: Mapping[str, Any]) -> RemoteCalendar:
    is_owned = item.get("accessRole") == "owner"
    return RemoteCalendar(
        key=str(item["id"]),
        title=str(item.get("summaryOverride") or item.get("summary") or ""),
        time_zone=str(item.get("timeZone") or "UTC"),
        is_primary=bool(item.get("primary")),
        is_others=not is_owned,
        needs_wider=not is_owned,
    )
