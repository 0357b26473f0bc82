"""A host with a browser before Google's consent page, and what this server saved of their account."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import aiohttp
from yarl import URL

from calendar_sync.accounts import Credentials, Granted
from calendar_sync.google import GoogleCalendars
from calendar_sync.google_line import CallLimits, GoogleAddresses
from calendar_sync.google_sign_in import GoogleApp
from calendar_sync.sync import CalendarSource, Page, Window
from consent_notice.clock import Clock
from tests.simulators.google_calendar import GoogleCalendarServer
from tests.simulators.google_events import Resource, moment
from tests.simulators.google_identity import CLIENT_ID, CLIENT_SECRET

BACK = "https://onrecord.test/back"
QUICK = CallLimits(answer_s=5.0, total_s=20.0, first_wait_s=0.02, patience_s=0.5)
MEET = "https://meet.google.com/abc-defg-hij"


def google_addresses(server: GoogleCalendarServer) -> GoogleAddresses:
    return GoogleAddresses.at(server.origin, str(server.authority.file))


def google_calendars(server: GoogleCalendarServer, clock: Clock, limits: CallLimits = QUICK) -> GoogleCalendars:
    return GoogleCalendars(
        GoogleApp(client_id=CLIENT_ID, client_secret=CLIENT_SECRET),
        clock,
        lambda: secrets.token_urlsafe(48),
        addresses=google_addresses(server),
        limits=limits,
    )


@dataclass(kw_only=True)
class GoogleHost:
    """Implements CalendarProvider for the account: reads with the credentials that were saved last."""

    server: GoogleCalendarServer
    google: GoogleCalendars
    saved: list[str] = field(default_factory=list)

    async def connect(self, *, wider: bool = False, hint: str = "") -> Granted:
        begun = await self.google.begin(BACK, wider=wider, hint=hint)
        granted = await self.google.finish(begun.flow, await self.consent(begun.address), BACK)
        self.saved.append(granted.credentials)
        return granted

    async def consent(self, address: str) -> dict[str, str]:
        """What the browser brings back from the consent page."""
        context = self.server.authority.client_context()
        page = URL(address, encoded=True)
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(page, allow_redirects=False, ssl=context) as answer,
        ):
            assert answer.status == 302, await answer.text()
            return dict(URL(answer.headers["Location"]).query)

    @property
    def credentials(self) -> Credentials:
        return Credentials(text=self.saved[-1], save=self._save)

    async def _save(self, text: str) -> None:
        self.saved.append(text)

    def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        return self.google.pages(replace(source, credentials=self.credentials), state, window)


def google_event(
    key: str, starts_at: datetime, *, minutes: int = 30, zone: str = "Europe/Berlin", **fields: object
) -> Resource:
    """As the web page of the calendar makes one: with a video call, and texts that are none of our business."""
    return {
        "kind": "calendar#event",
        "etag": '"3379"',
        "id": key,
        "status": "confirmed",
        "htmlLink": f"https://www.google.com/calendar/event?eid={key}",
        "iCalUID": f"{key}@google.com",
        "summary": f"Title {key}",
        "description": "the agenda",
        "creator": {"email": "ann@example.org", "self": True},
        "organizer": {"email": "ann@example.org", "displayName": "Ann", "self": True},
        "start": moment(starts_at, zone),
        "end": moment(starts_at + timedelta(minutes=minutes), zone),
        "hangoutLink": MEET,
        "eventType": "default",
        **fields,
    }
