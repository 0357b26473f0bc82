"""Gets one calendar file from an address that a host gave, by GET and nothing else.

Decides which addresses may be asked at all: a name is resolved once, every address behind it is checked, and the
connection goes to what was checked; each redirect goes through the same door. Limits size (after unpacking) and time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import zlib
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from calendar_sync.errors import (
    AddressNotAllowed,
    AddressNotUsable,
    AnswersWebPage,
    CalendarError,
    CalendarNotFound,
    CalendarRefused,
    CalendarServerFailed,
    CalendarTooLarge,
    CalendarUnreachable,
    EmptyAnswer,
)

MAX_REDIRECTS = 5
MAX_RETRY_AFTER_S = 86_400
USER_AGENT = "onrecord calendar reader"
_SCHEMES = {"http": "http", "https": "https", "webcal": "https", "webcals": "https"}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# IETF protocol assignments (RFC 6890): Python before 3.11.10 calls it public, and Oracle's cloud has its metadata there
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    allow_private_addresses: bool = False
    max_bytes: int = 16 * 1024 * 1024
    total_s: float = 20.0
    connect_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    body: bytes
    etag: str | None


class NotChanged(Exception):
    """An answer, not a failure: the server says that the file is the one we have."""


async def fetch(address: str, limits: FetchLimits, *, etag: str | None = None) -> Fetched:
    """Raises NotChanged (only where `etag` was given) and CalendarError."""
    timeout = aiohttp.ClientTimeout(total=limits.total_s, connect=limits.connect_s)
    connector = aiohttp.TCPConnector(resolver=CheckedResolver(limits), use_dns_cache=False, limit=1, force_close=True)
    # no cookies, no proxy or credentials from the environment, and unpacking under our own limit
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        headers={"User-Agent": USER_AGENT, "Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "gzip"},
    ) as session:
        try:
            async with asyncio.timeout(limits.total_s):  # redirects share the time
                return await _follow(session, address, limits, etag)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise refusal_behind(error) or CalendarUnreachable() from None
        except ValueError:  # a name that no name server could be asked for
            raise AddressNotUsable from None


async def _follow(session: aiohttp.ClientSession, address: str, limits: FetchLimits, etag: str | None) -> Fetched:
    conditional = {"If-None-Match": etag} if etag else {}
    url = checked_address(address, limits)
    for _ in range(MAX_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False, headers=conditional) as response:
            if response.status in (301, 302, 303, 307, 308) and "Location" in response.headers:
                target = checked_address(urljoin(url, response.headers["Location"]), limits)
                if url.startswith("https:") and not target.startswith("https:"):
                    raise AddressNotAllowed("the calendar's secure address leads to an insecure one; copy it again")
                url = target
                continue
            if response.status == 304 and etag:
                raise NotChanged
            _check_status(response)
            body = await read_body(response, limits)
            if not body.strip():
                raise EmptyAnswer
            if _looks_like_a_page(response, body):
                raise AnswersWebPage
            return Fetched(body=body, etag=response.headers.get("ETag"))
    raise CalendarServerFailed("the calendar server sends us in circles; copy the calendar's address again")


def _check_status(response: aiohttp.ClientResponse) -> None:
    status = response.status
    if status == 200:
        return
    if status in (401, 403, 407):
        raise CalendarRefused
    if status in (404, 410):
        raise CalendarNotFound
    if status == 429 or status >= 500:
        raise CalendarServerFailed(
            f"the calendar server answers with a fault ({status}); we try again, and what was planned stays",
            retry_after_s=retry_after_s(response.headers.get("Retry-After", "")),
        )
    raise CalendarServerFailed(f"the calendar server answers with {status}; copy the calendar's address again")


def retry_after_s(text: str) -> float | None:
    """Of a Retry-After header that gives seconds; None for one that gives a date, or none."""
    return float(min(int(text), MAX_RETRY_AFTER_S)) if text.isascii() and text.isdigit() else None


async def read_body(response: aiohttp.ClientResponse, limits: FetchLimits) -> bytes:
    """Unpacked, and never more than `max_bytes` of it in memory. Raises CalendarTooLarge, CalendarServerFailed."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise CalendarServerFailed("the calendar server packs its answer in a form that we did not ask for")
    unpack = zlib.decompressobj(wbits=31) if encoding.endswith("gzip") else None
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        try:
            body += unpack.decompress(chunk, limits.max_bytes + 1 - len(body)) if unpack else chunk
        except zlib.error:
            raise CalendarServerFailed("the calendar server's answer can't be unpacked; we try again") from None
        if len(body) > limits.max_bytes:
            raise CalendarTooLarge
    if unpack and not unpack.eof:
        raise CalendarServerFailed("the calendar server's answer ended in the middle; we try again")
    return bytes(body)


def _looks_like_a_page(response: aiohttp.ClientResponse, body: bytes) -> bool:
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"begin:vcalendar"):
        return False  # some servers call every file text/html
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--")) or response.content_type == "text/html"


# ---- which addresses may be asked ----------------------------------------------------------------------------------


def checked_address(address: str, limits: FetchLimits) -> str:
    """The address to ask; an IP address in it is checked here, a name when it is resolved."""
    try:
        parts = urlsplit(address.strip())
        scheme = _SCHEMES.get(parts.scheme.lower())
        if scheme is None or not parts.hostname or parts.port == 0:
            raise AddressNotUsable
        if parts.username is not None or parts.password is not None:
            raise AddressNotUsable("a calendar address with a user name in it can't be used; use its secret address")
        asked = urlunsplit((scheme, parts.netloc, parts.path or "/", parts.query, ""))
        # as aiohttp will read it, which asks no resolver for an IP address and makes one of "127\u30020\u30020\u30021"
        host = (URL(asked).raw_host or "").rstrip(".")
    except ValueError:
        raise AddressNotUsable from None
    if not host:
        raise AddressNotUsable
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        if host.replace(".", "").replace("x", "").isalnum() and host.split(".")[-1][:1].isdigit():
            raise AddressNotAllowed from None  # 127.1, 0x7f000001, 2130706433: other spellings of an IP address
    else:
        if not limits.allow_private_addresses and not is_public(literal):
            raise AddressNotAllowed
    return asked


def is_public(address: IpAddress) -> bool:
    """Whether anybody on the internet could ask it; addresses that carry another one inside are judged by both."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    elif address in _PROTOCOLS:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class _Blocked(OSError):
    """Carried through aiohttp, which passes on nothing but an OSError from a resolver."""

    refusal: ClassVar[type[CalendarError]] = AddressNotAllowed


class CheckedResolver(AbstractResolver):
    """Resolves once; the connection is made to the very addresses that were checked."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        results = await self._resolver.resolve(host, port, family)
        if not self._limits.allow_private_addresses:
            # one private address among public ones is enough: a name that says both is not to be trusted
            for result in results:
                if not is_public(ipaddress.ip_address(result["host"].partition("%")[0])):
                    raise _Blocked
        return results

    async def close(self) -> None:
        await self._resolver.close()


def refusal_behind(error: BaseException | None) -> CalendarError | None:
    """Our own refusal, where the library has wrapped it in an error of its own."""
    while error is not None:
        if isinstance(error, _Blocked):
            return error.refusal()
        error = error.__cause__ or error.__context__
    return None
