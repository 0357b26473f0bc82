"""Server-side request forgery: what a host's address can make us ask, over real connections."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp.abc import ResolveResult

from calendar_sync import fetching
from calendar_sync.errors import AddressNotAllowed, AddressNotUsable
from calendar_sync.fetching import FetchLimits, fetch
from tests.simulators.calendar_files import calendar_of
from tests.simulators.calendar_server import CalendarServer, calendar_server

ALLOWED = FetchLimits(allow_private_addresses=True, total_s=3)
STRICT = FetchLimits(total_s=3)


@pytest.fixture
async def server() -> AsyncIterator[CalendarServer]:
    async with calendar_server(calendar_of()) as running:
        yield running


async def test_a_private_address_is_not_even_asked(server: CalendarServer) -> None:
    ideographic = f"http://127\u30020\uff0e0\uff611:{server.port}/calendar.ics"  # aiohttp reads 127.0.0.1 in it
    named = f"http://localhost:{server.port}/calendar.ics"
    for address in (server.url, named, "http://[::1]/calendar.ics", ideographic):
        with pytest.raises(AddressNotAllowed):
            await fetch(address, STRICT)
    assert server.asked == []
    assert (await fetch(server.url, ALLOWED)).body.startswith(b"BEGIN:VCALENDAR")


async def test_a_redirect_goes_through_the_same_door(server: CalendarServer) -> None:
    to = quote(server.url, safe="")
    address = f"http://127.0.0.1:{server.port}/redirect/?to="
    assert (await fetch(address + to, ALLOWED)).body
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:x@127.0.0.1/"):
        with pytest.raises(AddressNotUsable):
            await fetch(address + quote(target, safe=""), ALLOWED)


async def test_a_name_that_no_name_server_could_be_asked_for_is_no_address() -> None:
    for host in ("a" * 64, "a." + "b" * 300):
        with pytest.raises(AddressNotUsable):
            await fetch(f"https://{host}.example/calendar.ics", STRICT)


class _Names(aiohttp.abc.AbstractResolver):
    """The world's names, in place of DNS; counts how often it is asked."""

    answers: list[list[str]]
    asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = self.answers[min(_Names.asked, len(self.answers) - 1)]
        _Names.asked += 1
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
            for address in addresses
        ]

    async def close(self) -> None:
        return


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> type[_Names]:
    monkeypatch.setattr(aiohttp, "ThreadedResolver", _Names)
    _Names.asked = 0
    return _Names


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"]])
async def test_a_name_that_leads_into_a_private_network_is_refused(
    server: CalendarServer, names: type[_Names], addresses: list[str]
) -> None:
    names.answers = [addresses]
    with pytest.raises(AddressNotAllowed):
        await fetch(f"http://calendar.example:{server.port}/calendar.ics", STRICT)
    assert server.asked == []


async def test_the_connection_goes_to_what_was_checked(
    server: CalendarServer, names: type[_Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes between the check and the connection (DNS rebinding) gains nothing: it is resolved once."""
    monkeypatch.setattr(fetching, "is_public", lambda address: str(address) == "127.0.0.1")
    names.answers = [["127.0.0.1"], ["127.0.0.2"]]
    assert (await fetch(f"http://calendar.example:{server.port}/calendar.ics", STRICT)).body
    assert names.asked == 1


async def test_a_redirect_to_a_name_is_resolved_and_checked_too(
    server: CalendarServer, names: type[_Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fetching.is_public
    loopback_once = iter([True])
    monkeypatch.setattr(fetching, "is_public", lambda address: next(loopback_once, False) or real(address))
    names.answers = [["127.0.0.1"]]  # the first is taken for public, the second is what a redirect leads to
    to = quote(f"http://inside.example:{server.port}/calendar.ics", safe="")
    with pytest.raises(AddressNotAllowed):
        await fetch(f"http://calendar.example:{server.port}/redirect/?to={to}", STRICT)
    assert [asked.path.partition("?")[0] for asked in server.asked] == ["/redirect/"]
