"""Notices of change from Google, and that what is asked for can't be used to write."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from aiohttp import web

from calendar_sync.accounts import AccessRevoked
from calendar_sync.errors import CalendarError, CalendarNotFound
from calendar_sync.google_sign_in import LIST_SCOPE, OWNED_SCOPE, WIDER_SCOPE
from tests.adapter.calendar_sync.conftest import WallClock
from tests.simulators.certificate_authority import CertificateAuthority
from tests.simulators.google_calendar import GoogleCalendarServer, google_calendar_server
from tests.simulators.google_events import GoogleEvents
from tests.simulators.google_host import GoogleHost, google_calendars

ME, SECRET = "ann@example.org", "a secret of this watch"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GoogleCalendarServer]:
    async with google_calendar_server(tmp_path / "ca") as running:
        running.add(GoogleEvents(id=ME, summary=ME))
        yield running


@pytest.fixture
async def ann(server: GoogleCalendarServer) -> GoogleHost:
    host = GoogleHost(server=server, google=google_calendars(server, WallClock()))
    await host.connect()
    return host


@asynccontextmanager
async def receiver(authority: CertificateAuthority) -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """Where notices come: its address, and the headers of each; what is not ours is refused."""
    came: list[dict[str, str]] = []

    async def hook(request: web.Request) -> web.Response:
        if request.headers.get("X-Goog-Channel-Token") != SECRET:
            return web.Response(status=403)
        assert await request.read() == b""
        came.append(dict(request.headers))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_context()).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}/hook", came
    finally:
        await runner.cleanup()


async def test_a_notice_comes_with_our_secret_and_says_only_that_something_changed(
    ann: GoogleHost, server: GoogleCalendarServer
) -> None:
    async with receiver(server.authority) as (address, came):
        watch = await ann.google.watch(ann.credentials, ME, address=address, secret=SECRET)
        assert await server.notify(server.channels[watch.id], "sync") == 204
        assert await server.notify(server.channels[watch.id]) == 204
    assert [headers["X-Goog-Channel-ID"] for headers in came] == [watch.id] * 2
    assert (watch.calendar_key, watch.secret) == (ME, SECRET)
    assert timedelta(days=6) < watch.expires_at - datetime.now(UTC) <= timedelta(days=7, minutes=1)


async def test_google_gives_less_time_than_asked_for(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    server.channel_life_s = 3600
    watch = await ann.google.watch(ann.credentials, ME, address="https://onrecord.test/hook", secret=SECRET)
    assert watch.expires_at < datetime.now(UTC) + timedelta(hours=2)


async def test_the_new_watch_is_there_before_the_old_one_ends(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    old = await ann.google.watch(ann.credentials, ME, address="https://onrecord.test/hook", secret=SECRET)
    new = await ann.google.renew(ann.credentials, old)
    assert set(server.channels) == {new.id}
    assert new.id != old.id
    assert server.channels[new.id].token == SECRET
    assert server.channels[new.id].address == "https://onrecord.test/hook"
    calls = [asked.path.rsplit("/", 1)[1] for asked in server.asked if asked.method == "POST"]
    assert calls[-3:] == ["watch", "watch", "stop"]

    again = await ann.google.renew(ann.credentials, old)  # the old one is forgotten by now
    assert set(server.channels) == {new.id, again.id}


async def test_ending_a_watch_twice_is_no_error(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    watch = await ann.google.watch(ann.credentials, ME, address="https://onrecord.test/hook", secret=SECRET)
    await ann.google.unwatch(ann.credentials, watch)
    assert server.channels == {}
    await ann.google.unwatch(ann.credentials, watch)


async def test_a_watch_that_cannot_be(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    with pytest.raises(CalendarError):
        await ann.google.watch(ann.credentials, ME, address="http://onrecord.test/hook", secret=SECRET)
    with pytest.raises(CalendarNotFound):
        await ann.google.watch(ann.credentials, "gone", address="https://onrecord.test/hook", secret=SECRET)
    server.identity.take_back(ME)
    with pytest.raises(AccessRevoked):
        await ann.google.watch(ann.credentials, ME, address="https://onrecord.test/hook", secret=SECRET)
    assert server.channels == {}


def test_the_scopes_reach_what_is_called_and_no_method_that_writes_an_event() -> None:
    """By Google's own discovery document, as it lies in the client library."""
    text = files("googleapiclient").joinpath("discovery_cache/documents/calendar.v3.json").read_text(encoding="utf-8")
    resources = json.loads(text)["resources"]
    reached = {
        f"{resource}.{name}": {scope for scope in (LIST_SCOPE, OWNED_SCOPE, WIDER_SCOPE) if scope in method["scopes"]}
        for resource, entry in resources.items()
        for name, method in entry["methods"].items()
    }
    for events in ("events.list", "events.watch", "channels.stop"):
        assert {OWNED_SCOPE, WIDER_SCOPE} <= reached[events]
    assert LIST_SCOPE in reached["calendarList.list"]
    writing = {
        f"{resource}.{name}"
        for resource, entry in resources.items()
        for name, method in entry["methods"].items()
        if method["httpMethod"] != "GET" and reached[f"{resource}.{name}"]
    }
    assert writing <= {"events.watch", "channels.stop", "calendarList.watch"}
