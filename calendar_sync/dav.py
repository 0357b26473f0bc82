"""Asks a CalDAV server by PROPFIND and REPORT, which is all that leaves here: no other method can be sent.

Decides where the password goes (to the server that it was given for, over https, and nowhere that a redirect or an
answer points to), and what counts as an answer: XML that is whole, plain and within limits. Names are resolved and
checked as in `fetching`. Why no client library does this: docs/adr/0015.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp

from calendar_sync.accounts import AccessRevoked
from calendar_sync.addresses import is_host_or_below, take_apart
from calendar_sync.errors import (
    AddressNotUsable,
    CalendarError,
    CalendarNotFound,
    CalendarServerFailed,
    CalendarUnreachable,
    LeadsElsewhere,
)
from calendar_sync.fetching import (
    MAX_REDIRECTS,
    USER_AGENT,
    CheckedResolver,
    FetchLimits,
    checked_address,
    read_body,
    refusal_behind,
    retry_after_s,
)
from calendar_sync.multistatus import Multistatus, conditions, join, read_multistatus

METHODS = frozenset({"PROPFIND", "REPORT"})

# services that spread their accounts over hosts of one domain of theirs (RFC 6764 section 8 asks for the same domain)
_ONE_SITE = ("icloud.com", "fastmail.com")


class NotAReadingMethod(CalendarError):
    """A request that could write was stopped before it left. Please report this: it is a fault of ours."""


class RequestRefused(CalendarServerFailed):
    """The calendar server refuses what it was asked. Connect the calendar again."""

    def __init__(self, status: int, conditions: frozenset[str] = frozenset()) -> None:
        super().__init__(f"the calendar server answers with {status}; connect the calendar again")
        self.status = status
        self.conditions = conditions  # tags in its DAV:error


class ServerFault(CalendarServerFailed):
    """The calendar server is overloaded or has a fault. We try again by ourselves; what was planned stays."""

    def __init__(self, status: int, retry_after_s: float | None) -> None:
        super().__init__(
            f"the calendar server answers with a fault ({status}); we try again, and what was planned stays",
            retry_after_s=retry_after_s,
        )
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A password and the server that its owner gave it for."""

    user: str
    password: str = field(repr=False)  # secret
    server: str  # any address on it

    def is_for(self, url: str) -> bool:
        """That server itself by https, a host below it, or another of the same known service."""
        home, there = take_apart(self.server), take_apart(url)
        if home is None or there is None:
            return False
        if home.origin == there.origin:
            return True
        if there.scheme != "https" or there.port or (home.port and home.scheme == "https"):
            return False
        return is_host_or_below(there.host, home.host) or any(
            is_host_or_below(home.host, site) and is_host_or_below(there.host, site) for site in _ONE_SITE
        )


class DavServer:
    """Made by `open_dav`. Its methods raise CalendarError and nothing else."""

    def __init__(self, session: aiohttp.ClientSession, login: Login | None, limits: FetchLimits, until: float) -> None:
        self._session = session
        self._login = login
        self._limits = limits
        self._until = until  # in the loop's time

    def left_s(self) -> float:
        """Until all of it must be over. Raises CalendarUnreachable when it is."""
        left_s = self._until - asyncio.get_running_loop().time()
        if left_s <= 0:
            raise CalendarUnreachable("the calendar server takes too long; we try again, and what was planned stays")
        return left_s

    async def propfind(self, url: str, message: str, *, depth: Literal[0, 1]) -> Multistatus:
        return await self._ask("PROPFIND", url, message, str(depth))

    async def report(self, url: str, message: str, *, depth: Literal[0, 1] | None) -> Multistatus:
        return await self._ask("REPORT", url, message, "" if depth is None else str(depth))

    async def _ask(self, method: Literal["PROPFIND", "REPORT"], url: str, message: str, depth: str) -> Multistatus:
        try:
            async with asyncio.timeout(min(self._limits.total_s, self.left_s())):
                return await self._follow(method, url, message, depth)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise refusal_behind(error) or CalendarUnreachable() from None
        except ValueError:  # a name that no name server could be asked for
            raise AddressNotUsable from None

    async def _follow(self, method: str, url: str, message: str, depth: str) -> Multistatus:
        for _ in range(MAX_REDIRECTS + 1):
            url = self._allowed(url)
            headers = {"Depth": depth} if depth else {}
            if self._login is not None:
                headers["Authorization"] = aiohttp.encode_basic_auth(
                    self._login.user, self._login.password, encoding="utf-8"
                )
            async with self._session.request(
                method, url, data=message.encode(), headers=headers, allow_redirects=False
            ) as response:
                if response.status in (301, 302, 307, 308) and "Location" in response.headers:
                    url = join(url, response.headers["Location"])
                    continue
                return await self._answer(response, url)
        raise CalendarServerFailed("the calendar server sends us in circles; connect the calendar again")

    def _allowed(self, url: str) -> str:
        url = checked_address(url, self._limits)
        if not url.startswith("https:") and not self._limits.allow_private_addresses:
            raise AddressNotUsable("a password is sent by https only: give the calendar server's address with https://")
        if take_apart(url) is None:
            raise AddressNotUsable("that is no address of a calendar server; give one that begins with https://")
        if self._login is not None and not self._login.is_for(url):
            raise LeadsElsewhere
        return url

    async def _answer(self, response: aiohttp.ClientResponse, url: str) -> Multistatus:
        status = response.status
        if status == 401:
            raise AccessRevoked
        if status in (404, 410):
            raise CalendarNotFound
        wish_s = retry_after_s(response.headers.get("Retry-After", ""))
        if status == 429 or (status >= 500 and status not in (501, 505)):
            raise ServerFault(status, wish_s)
        body = await read_body(response, self._limits)
        if status not in (200, 207):
            raise RequestRefused(status, await asyncio.to_thread(conditions, body))
        return await asyncio.to_thread(read_multistatus, body, url)


@asynccontextmanager
async def open_dav(
    login: Login | None, limits: FetchLimits, *, all_s: float, tls: ssl.SSLContext | None = None
) -> AsyncIterator[DavServer]:
    """`all_s`: for everything together. `tls`: in place of the certificates that this machine trusts."""
    connector = aiohttp.TCPConnector(
        resolver=CheckedResolver(limits), use_dns_cache=False, limit=1, ssl=True if tls is None else tls
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=limits.total_s, connect=limits.connect_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        middlewares=(_only_reading,),
        headers={
            "User-Agent": USER_AGENT,
            "Accept": "application/xml, text/xml",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/xml; charset=utf-8",
        },
    ) as session:
        yield DavServer(session, login, limits, asyncio.get_running_loop().time() + all_s)


async def _only_reading(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Stands before the connection, whoever made the request."""
    if request.method not in METHODS:
        raise NotAReadingMethod
    return await handler(request)
