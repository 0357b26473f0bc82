"""The blocking client beside a loop that must not wait, and what Google's errors mean for a host."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import httplib2
import pytest

import calendar_sync.google
import calendar_sync.google_line
from calendar_sync.accounts import ScopeMissing
from calendar_sync.errors import (
    CalendarCutOff,
    CalendarError,
    CalendarNotFound,
    CalendarRefused,
    CalendarServerFailed,
    CalendarUnreachable,
    StateExpired,
)
from calendar_sync.google_line import CallLimits, GoogleLine, RequestRefused, TokenRefused, refusal
from calendar_sync.sync import CalendarSource, Window
from tests.adapter.calendar_sync.conftest import WallClock
from tests.adapter.calendar_sync.test_google import soon
from tests.simulators.google_calendar import GoogleCalendarServer, google_calendar_server
from tests.simulators.google_events import GoogleEvents
from tests.simulators.google_host import QUICK, GoogleHost, google_addresses, google_calendars, google_event

ME = "ann@example.org"
SOURCE = CalendarSource(address=ME, own_addresses=frozenset({ME}))
WINDOW = Window(starts_at=soon(-1), ends_at=soon(14))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GoogleCalendarServer]:
    async with google_calendar_server(tmp_path / "ca") as running:
        running.add(GoogleEvents(id=ME, summary=ME))
        yield running


async def connected(server: GoogleCalendarServer, limits: CallLimits = QUICK) -> GoogleHost:
    host = GoogleHost(server=server, google=google_calendars(server, WallClock(), limits))
    await host.connect()
    return host


async def read(host: GoogleHost) -> int:
    return sum([len(page.events) async for page in host.pages(SOURCE, None, WINDOW)])


@pytest.mark.parametrize("fault", ["silent", "drip"])
async def test_a_google_that_never_ends_is_left_and_its_thread_too(
    server: GoogleCalendarServer, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await connected(server, replace(QUICK, answer_s=60.0, total_s=1.0))
    at_work: set[int] = set()
    request = httplib2.Http.request

    def noted(*args: object, **kwargs: object) -> object:
        number = len(at_work) + 1
        at_work.add(number)
        try:
            return request(*args, **kwargs)
        finally:
            at_work.discard(number)

    monkeypatch.setattr(httplib2.Http, "request", noted)
    server.faults.append(fault)
    began = time.monotonic()
    with pytest.raises(CalendarServerFailed, match="too long"):
        await read(host)
    assert time.monotonic() - began < 15
    async with asyncio.timeout(15):
        while at_work:
            await asyncio.sleep(0.02)
    assert await read(host) == 0, "the line is free again"


async def test_silence_ends_by_itself(server: GoogleCalendarServer) -> None:
    host = await connected(server, replace(QUICK, answer_s=0.3, attempts=1))
    server.faults.extend(["silent"] * 4)
    with pytest.raises(CalendarUnreachable, match="Google does not answer"):
        await read(host)


async def test_nothing_that_takes_its_time_is_done_on_the_loop(
    server: GoogleCalendarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work: dict[str, set[int]] = {}

    def watched(module: object, name: str) -> None:
        work: Callable[..., object] = getattr(module, name)

        @functools.wraps(work)
        def noted(*args: object, **kwargs: object) -> object:
            at_work.setdefault(name, set()).add(threading.get_ident())
            return work(*args, **kwargs)

        monkeypatch.setattr(module, name, noted)

    watched(httplib2.Http, "request")
    watched(calendar_sync.google_line, "build")
    watched(calendar_sync.google, "read_event")
    watched(calendar_sync.google, "tell")
    server.calendars[ME].put(*(google_event(f"e{number}", soon(1, 8 + number)) for number in range(5)))
    assert await read(await connected(server)) == 5
    assert set(at_work) == {"request", "build", "read_event", "tell"}
    assert all(threading.get_ident() not in threads for threads in at_work.values())


async def test_an_authority_that_is_not_ours_is_not_believed(server: GoogleCalendarServer) -> None:
    host = await connected(server)
    addresses = replace(google_addresses(server), ca_file=None)
    line = GoogleLine(addresses, replace(QUICK, attempts=1))
    service = await line.service()
    asked = len(server.asked)
    with pytest.raises(CalendarUnreachable):
        await line.ask(lambda http: service.calendarList().list().execute(http=http))
    assert len(server.asked) == asked
    assert await read(host) == 0


async def test_what_must_not_be_done_twice_is_tried_once(server: GoogleCalendarServer) -> None:
    line = GoogleLine(google_addresses(server), QUICK)
    tried = 0

    def fails(http: object) -> None:
        nonlocal tried
        tried += 1
        raise CalendarServerFailed

    with pytest.raises(CalendarServerFailed):
        await line.ask(fails, may_repeat=False)
    assert tried == 1
    with pytest.raises(CalendarServerFailed):
        await line.ask(fails)
    assert tried == 1 + QUICK.attempts


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "invalid", RequestRefused),
        (401, "authError", TokenRefused),
        (401, "push.webhookUrlUnauthorized", CalendarRefused),
        (403, "rateLimitExceeded", CalendarServerFailed),
        (403, "userRateLimitExceeded", CalendarServerFailed),
        (403, "quotaExceeded", CalendarServerFailed),
        (403, "insufficientPermissions", ScopeMissing),
        (403, "accessNotConfigured", CalendarRefused),
        (403, "forbidden", CalendarRefused),
        (404, "notFound", CalendarNotFound),
        (410, "fullSyncRequired", StateExpired),
        (410, "updatedMinTooLongAgo", StateExpired),
        (429, "rateLimitExceeded", CalendarServerFailed),
        (500, "backendError", CalendarServerFailed),
        (503, "", CalendarServerFailed),
    ],
)
def test_what_an_error_means(status: int, reason: str, kind: type[CalendarError]) -> None:
    body = {"error": {"code": status, "message": "SECRET", "errors": [{"reason": reason, "message": "SECRET"}]}}
    found = refusal(status, json.dumps(body).encode(), "7")
    assert type(found) is kind
    assert "SECRET" not in str(found)
    assert found.retry_after_s == (7 if kind is CalendarServerFailed else None)


def test_errors_in_the_newer_form_and_in_none() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]
    body = {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": details}}
    assert type(refusal(403, json.dumps(body).encode())) is ScopeMissing
    for content in (b"", b"<html>", b"[]", b'{"error": "x"}', b'{"error": {"errors": [7]}}', b"\xff"):
        assert type(refusal(403, content)) is CalendarRefused
        assert type(refusal(502, content, "soon")) is CalendarServerFailed


async def test_half_an_answer_is_none(server: GoogleCalendarServer) -> None:
    server.calendars[ME].put(google_event("e", soon(1)))
    host = await connected(server)
    server.faults.extend(["truncated"] * QUICK.attempts)
    with pytest.raises(CalendarCutOff):
        await read(host)
    assert await read(host) == 1


async def test_what_is_too_long_to_be_a_get_is_not_sent_as_a_post(server: GoogleCalendarServer) -> None:
    host = await connected(server)
    asked = len(server.asked)
    with pytest.raises(RequestRefused):
        async for _ in host.pages(replace(SOURCE, address="x" * 2_000), None, WINDOW):
            pass
    assert len(server.asked) == asked
