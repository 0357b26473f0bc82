"""A host connects a calendar on the pages of a whole server, and the bot comes to the meeting that is in it.

Every role a real process; the services are stand-ins over https (Google, Microsoft) and a real CalDAV server.
"""

from __future__ import annotations

import asyncio
import html
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from config.clock import new_id
from consent_notice.words import CalendarId
from storage.meeting_rows import MeetingState
from tests.simulators.google_calendar import google_calendar_server
from tests.simulators.google_events import GoogleEvents
from tests.simulators.google_host import google_event
from tests.simulators.google_identity import CLIENT_ID, CLIENT_SECRET
from tests.simulators.graph import CLIENT_ID as APP_ID
from tests.simulators.graph import graph_service
from tests.simulators.graph_mailbox import event as outlook_event
from tests.simulators.radicale import CalendarProgram, radicale
from tests.simulators.server import RunningServer, running_server
from tests.simulators.web_site import PASSWORD, Browser
from web.accounts import Passwords

ROLES = ("web", "bots", "practice", "calendar")
EMAIL = "ingrid@example.org"
Put = Callable[[str, datetime], Awaitable[None]]  # a meeting with that link, from then on


@asynccontextmanager
async def host_of(server: RunningServer) -> AsyncIterator[Browser]:
    password_hash = await Passwords().hash(PASSWORD)
    await server.store.users.create(email=EMAIL, name="Ingrid", role="host", password_hash=password_hash)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        browser = Browser(session, server.settings.public_url)
        await browser.sign_in(EMAIL)
        yield browser


async def sign_in_at(browser: Browser, provider: str, tls: ssl.SSLContext) -> None:
    """Told first what is read, then sent to the service and back."""
    way = f"/calendars/connect/{provider}"
    assert "Nothing is written" in await browser.open(way)
    await browser.submit(way)
    found = re.search(r'class="button primary" href="([^"]+)"', browser.text)
    assert found is not None, browser.text
    address = URL(html.unescape(found[1]), encoded=True)
    async with browser.session.get(address, allow_redirects=False, ssl=tls) as answer:
        back = URL(answer.headers["Location"])
    await browser.open(f"{way}?{back.query_string}")


async def the_bot_comes(server: RunningServer, browser: Browser, title: str, put: Put) -> CalendarId:
    """Switches the calendar of that title on; returns its id. It is off before."""
    text = await browser.open("/calendars")
    assert title in text
    user = await server.store.users.by_email(EMAIL)
    assert user is not None
    row = next(row for row in await server.store.calendars.list(user.id) if row.title == title)
    assert not row.enabled
    link = f"{server.settings.practice_url}/room/test-{new_id()[:8]}"
    await put(link, datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1))
    await browser.submit(f"/calendars/{row.id}/enabled")
    async with asyncio.timeout(60):
        while True:
            meetings = await server.store.meetings.of_calendar(row.id)
            if any(meeting.state is MeetingState.VISITING for meeting in meetings):
                break
            await asyncio.sleep(0.2)
    (meeting,) = meetings
    assert meeting.link == link
    await server.visit(meeting.id, lambda visit: visit.ended_at is None)
    assert "Title" in await browser.open("/meetings")
    return row.id


async def test_google(tmp_path: Path) -> None:
    async with google_calendar_server(tmp_path) as google:
        mine = google.add(GoogleEvents(id="ann@example.org", summary="Ann at work", is_primary=True))
        changes: dict[str, Any] = {
            "google_client_id": CLIENT_ID,
            "google_client_secret": CLIENT_SECRET,
            "google_endpoint": google.origin,
            "calendar_ca_file": str(google.authority.file),
        }

        async def put(link: str, at: datetime) -> None:
            event = google_event("one", at, location=link)
            del event["hangoutLink"]
            mine.put(event)

        async with running_server(tmp_path / "data", roles=ROLES, **changes) as server, host_of(server) as browser:
            google.identity.redirect_uris = {f"{server.settings.public_url}/calendars/connect/google"}
            await sign_in_at(browser, "google", google.authority.client_context())
            await the_bot_comes(server, browser, "Ann at work", put)


async def test_outlook(tmp_path: Path) -> None:
    async with graph_service(tmp_path) as graph:
        changes: dict[str, Any] = {
            "microsoft_client_id": APP_ID,
            "microsoft_client_secret": "a secret of the app",
            "microsoft_tenant": "common",
            "microsoft_endpoint": graph.url,
            "calendar_ca_file": graph.ca_file,
        }

        async def put(link: str, at: datetime) -> None:
            graph.mailbox.put(outlook_event("one", at, link))

        async with running_server(tmp_path / "data", roles=ROLES, **changes) as server, host_of(server) as browser:
            await sign_in_at(browser, "outlook", ssl.create_default_context(cafile=graph.ca_file))
            await the_bot_comes(server, browser, "Calendar", put)


async def test_caldav(tmp_path: Path) -> None:
    folder = tmp_path / "radicale"
    folder.mkdir()
    with radicale(folder) as dav:
        dav.passwords["ann"] = "app-password"
        dav.stop()
        dav.start()
        program = CalendarProgram(dav, "ann")
        address = await program.make_calendar("work", "Work")

        async def put(link: str, at: datetime) -> None:
            text = (
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:one\r\n"
                f"DTSTAMP:{at:%Y%m%dT%H%M%SZ}\r\nDTSTART:{at:%Y%m%dT%H%M%SZ}\r\n"
                f"DTEND:{at + timedelta(minutes=30):%Y%m%dT%H%M%SZ}\r\nSUMMARY:Title one\r\nLOCATION:{link}\r\n"
                "END:VEVENT\r\nEND:VCALENDAR\r\n"
            )
            await program.put(address, "one", text)

        async with running_server(tmp_path / "data", roles=ROLES) as server, host_of(server) as browser:
            way = "/calendars/connect/caldav"
            assert "Nothing is written" in await browser.open(way)
            await browser.submit(way, address=dav.url, user="ann", password="wrong")
            assert browser.status == 422
            await browser.submit(way, address=dav.url, user="ann", password="app-password")
            assert browser.place == "/calendars", browser.text
            row = await the_bot_comes(server, browser, "Work", put)
            await program.delete(address, "one")
            async with asyncio.timeout(30):
                while True:
                    (meeting,) = await server.store.meetings.of_calendar(row)
                    if meeting.state is not MeetingState.VISITING:
                        break
                    await asyncio.sleep(0.2)
        program.close()
