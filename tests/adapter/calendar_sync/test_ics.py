"""The ICS provider against a real HTTP server, and files on this machine."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from calendar_sync.errors import (
    AddressNotUsable,
    AnswersWebPage,
    CalendarCutOff,
    CalendarError,
    CalendarFileMissing,
    CalendarNotFound,
    CalendarRefused,
    CalendarServerFailed,
    CalendarTooLarge,
    CalendarUnreachable,
    EmptyAnswer,
    NotACalendar,
)
from calendar_sync.fetching import FetchLimits
from calendar_sync.ics import IcsCalendar
from calendar_sync.sync import CalendarSource, Window
from tests.simulators.calendar_files import calendar_of, meeting
from tests.simulators.calendar_server import GIGABYTE, CalendarServer, calendar_server, packed_nothing
from tests.simulators.ics_reading import LIMITS, NOW, ROOM, WINDOW, one, read


@pytest.fixture
async def server() -> AsyncIterator[CalendarServer]:
    async with calendar_server() as running:
        yield running


async def test_a_calendar_is_read_and_rests_until_it_changes(server: CalendarServer) -> None:
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM))
    first = await read(server)
    assert (first.is_complete, first.broken) == (True, 0)
    assert one(first).texts.location == ROOM
    again = await read(server, first.next_state)
    assert (again.events, again.is_complete) == ((), False)
    assert "If-None-Match" in server.asked[-1].headers
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=2), link=ROOM))
    moved = await read(server, again.next_state)
    assert one(moved).occurrence_key == one(first).occurrence_key
    assert one(moved).starts_at == NOW + timedelta(hours=2)


async def test_a_server_without_etags_is_known_by_the_body(server: CalendarServer) -> None:
    server.honours_etag = False
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM))
    first = await read(server)
    again = await read(server, first.next_state)
    assert (again.events, again.is_complete) == ((), False)


async def test_an_unchanged_file_is_read_anew_when_the_window_outgrows_the_plan(server: CalendarServer) -> None:
    server.text = calendar_of(meeting("a", NOW + timedelta(days=16), link=ROOM))
    source = CalendarSource(address=server.url, own_addresses=frozenset())
    provider = IcsCalendar(LIMITS)
    state, seen = None, []
    for days in (0, 0.9, 1.1, 1.2, 2.3, 3.4):
        later = timedelta(days=days)
        window = Window(starts_at=WINDOW.starts_at + later, ends_at=WINDOW.ends_at + later)
        async for page in provider.pages(source, state, window):
            state = page.next_state
            seen.append((page.is_complete, len(page.events)))
    assert seen == [(True, 0), (False, 0), (True, 1), (False, 0), (True, 1), (True, 1)]


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("web page", AnswersWebPage, "web page"),
        ("empty", EmptyAnswer, "empty"),
        ("nonsense", NotACalendar, "not a calendar"),
        ("cut off", CalendarCutOff, "middle"),
        ("500", CalendarServerFailed, "500"),
        ("503", CalendarServerFailed, "503"),
        ("429", CalendarServerFailed, "429"),
        ("401", CalendarRefused, "sign-in"),
        ("403", CalendarRefused, "sign-in"),
        ("404", CalendarNotFound, "no calendar"),
        ("410", CalendarNotFound, "no calendar"),
        ("418", CalendarServerFailed, "418"),
        ("silent", CalendarUnreachable, "does not answer"),
        ("drip", CalendarUnreachable, "does not answer"),
        ("short", CalendarUnreachable, "does not answer"),
        ("hangs up", CalendarUnreachable, "does not answer"),
        ("circles", CalendarServerFailed, "circles"),
        ("endless", CalendarTooLarge, "larger"),
        ("gzip bomb", CalendarTooLarge, "larger"),
    ],
)
async def test_each_fault_has_its_message(
    server: CalendarServer, fault: str, error: type[CalendarError], words: str
) -> None:
    server.text = calendar_of(meeting("a", NOW, title="Secret plan", link=ROOM))
    server.fault = fault
    with pytest.raises(CalendarError) as caught:
        await read(server)
    assert caught.type is error
    assert words in str(caught.value)
    for secret in ("127.0.0.1", "calendar.ics", "Secret", "rooms.test"):
        assert secret not in str(caught.value)
    if fault in ("429", "500", "503"):
        assert caught.value.retry_after_s == 120


async def test_a_bomb_is_not_unpacked(server: CalendarServer) -> None:
    server.fault = "gzip bomb"
    assert len(packed_nothing()) < LIMITS.max_bytes  # 100 MB unpacked
    tracemalloc.start()
    try:
        with pytest.raises(CalendarTooLarge):
            await read(server)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10 * LIMITS.max_bytes


async def test_a_gigabyte_is_refused_at_the_limit(server: CalendarServer, tmp_path: Path) -> None:
    """At the limit that the server has in use: neither sent to its end nor held in memory."""
    server.fault, limits = "gigabyte", FetchLimits(allow_private_addresses=True)
    file = tmp_path / "large.ics"
    with file.open("wb") as opened:
        opened.truncate(GIGABYTE)
    tracemalloc.start()
    try:
        with pytest.raises(CalendarTooLarge):
            await read(server, limits=limits)
        with pytest.raises(CalendarTooLarge):
            source = CalendarSource(address=str(file), own_addresses=frozenset())
            [page async for page in IcsCalendar(limits, allow_files=True).pages(source, None, WINDOW)]
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert limits.max_bytes <= server.streamed_bytes < 8 * limits.max_bytes < GIGABYTE
    assert peak_bytes < 4 * limits.max_bytes


async def test_a_packed_answer_is_unpacked(server: CalendarServer) -> None:
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM))
    server.fault = "gzip"
    assert one(await read(server)).title == "Weekly"


async def test_nobody_listens(server: CalendarServer) -> None:
    source = CalendarSource(address="http://127.0.0.1:9/calendar.ics", own_addresses=frozenset())
    with pytest.raises(CalendarUnreachable):
        [page async for page in IcsCalendar(LIMITS).pages(source, None, WINDOW)]


async def test_only_reading_requests_are_made(server: CalendarServer) -> None:
    """Law 6: whatever the server does, it is asked by GET, without a body, and told nothing."""
    server.text = calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM))
    for fault in (None, "gzip", "500", "circles", "web page", "cut off", None):
        server.fault = fault
        try:
            page = await read(server)
            await read(server, page.next_state)
        except CalendarError:
            continue
    assert len(server.asked) >= 12
    for asked in server.asked:
        assert (asked.method, asked.body) == ("GET", b"")
        assert set(asked.headers) <= {
            "Host", "User-Agent", "Accept", "Accept-Encoding", "Connection", "If-None-Match"
        }  # fmt: skip


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "mine.ics"
    path.write_text(calendar_of(meeting("a", NOW)), encoding="utf-8")
    for address in (str(path), path.as_uri()):
        source = CalendarSource(address=address, own_addresses=frozenset())
        with pytest.raises(AddressNotUsable):
            [page async for page in IcsCalendar(LIMITS).pages(source, None, WINDOW)]
        pages = [page async for page in IcsCalendar(LIMITS, allow_files=True).pages(source, None, WINDOW)]
        assert len(pages[0].events) == 1
    missing = CalendarSource(address=str(tmp_path / "none.ics"), own_addresses=frozenset())
    with pytest.raises(CalendarFileMissing):
        [page async for page in IcsCalendar(LIMITS, allow_files=True).pages(missing, None, WINDOW)]
