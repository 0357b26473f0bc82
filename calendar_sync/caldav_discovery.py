"""From whatever a host types to a CalDAV account: its principal, its calendars and the host's own addresses.

Decides where to look, and in which order: the address itself, what the domain's DNS says (RFC 6764), the well-known
path. Of DNS only hosts of the domain asked about are believed, as the password is sent there.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import dns.asyncresolver
import dns.exception

from calendar_sync.accounts import AccessRevoked, PasswordRefused, RemoteCalendar
from calendar_sync.addresses import is_host_or_below
from calendar_sync.caldav_messages import properties
from calendar_sync.dav import DavServer, Login, RequestRefused, ServerFault, open_dav
from calendar_sync.errors import (
    AddressNotUsable,
    AnswersWebPage,
    CalendarError,
    CalendarNotFound,
    CalendarUnreachable,
    NotACalendar,
)
from calendar_sync.fetching import FetchLimits
from calendar_sync.multistatus import Resource, place, same_place

WELL_KNOWN = "/.well-known/caldav"
DISCOVERY_LIMIT_S = 60.0
DNS_LIMIT_S = 5.0
MAX_HOMES = 10

_NO_SERVER = "no calendars are found at this address; give the CalDAV address that your provider names"

# where the services keep the calendars of addresses in these domains, as their help pages say
_SERVERS = {
    "icloud.com": "https://caldav.icloud.com/",
    "me.com": "https://caldav.icloud.com/",
    "mac.com": "https://caldav.icloud.com/",
    "fastmail.com": "https://caldav.fastmail.com/dav/",
    "fastmail.fm": "https://caldav.fastmail.com/dav/",
}

_D, _C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
_CS, _OC = "{http://calendarserver.org/ns/}", "{http://owncloud.org/ns}"
_PRINCIPAL = f"{_D}current-user-principal"
_HOMES = f"{_C}calendar-home-set"
_ADDRESSES = f"{_C}calendar-user-address-set"
_DEFAULT = f"{_C}schedule-default-calendar-URL"
_ZONE, _ZONE_ID = f"{_C}calendar-timezone", f"{_C}calendar-timezone-id"
_COMPONENTS = f"{_C}supported-calendar-component-set"
_LISTED = (
    f"{_D}resourcetype", f"{_D}displayname", f"{_D}owner", f"{_OC}owner-principal", _COMPONENTS, _ZONE, _ZONE_ID,
    _DEFAULT,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DavAccount:
    login: Login
    principal: str  # address; "" on a server that names none
    calendar: str = ""  # the address given, where it was one calendar's own


async def discover(
    address: str,
    user: str,
    password: str,
    limits: FetchLimits,
    *,
    resolver: dns.asyncresolver.Resolver | None,
    tls: ssl.SSLContext | None = None,
) -> tuple[DavAccount, frozenset[str]]:
    """The account, and the host's own mail addresses. Raises PasswordRefused and other CalendarErrors."""
    user = user.strip()
    failures: list[CalendarError] = []
    try:
        async with asyncio.timeout(DISCOVERY_LIMIT_S):
            for candidate in await _candidates(address.strip(), user, limits, resolver):
                login = Login(user=user, password=password, server=candidate)
                try:
                    async with open_dav(login, limits, all_s=DISCOVERY_LIMIT_S, tls=tls) as server:
                        return await _account(server, login, candidate)
                except AccessRevoked:
                    raise PasswordRefused from None  # no second try: servers lock accounts
                except RequestRefused:
                    failures.append(NotACalendar(_NO_SERVER))
                except CalendarError as error:
                    failures.append(error)
    except TimeoutError:
        failures.append(CalendarUnreachable())
    raise _most_telling(failures)


async def list_calendars(account: DavAccount, server: DavServer) -> list[RemoteCalendar]:
    """Those that can hold meetings; the default one first. Raises CalendarError."""
    homes: list[str] = []
    if account.principal:
        answer = await server.propfind(account.principal, properties([_HOMES]), depth=0)
        homes = [home for resource in answer.resources[:1] for home in resource.hrefs(_HOMES)]
    found: dict[str, RemoteCalendar] = {}
    default = ""
    failure: CalendarError | None = None
    places: list[tuple[str, Literal[0, 1]]] = [(home, 1) for home in homes[:MAX_HOMES]]
    for address, depth in [(account.calendar, 0), *places] if account.calendar else places:
        try:
            answer = await server.propfind(address, properties(_LISTED), depth=depth)
        except (CalendarNotFound, RequestRefused) as error:  # somebody else's, that is not shared any more
            failure = error
            continue
        for resource in answer.resources:
            if f"{_C}schedule-inbox" in resource.kinds():
                default = next(iter(resource.hrefs(_DEFAULT)), "")
            elif _holds_events(resource) and account.login.is_for(resource.url):
                found.setdefault(place(resource.url), _calendar(resource, account))
    if failure is not None and not found:
        raise failure
    if default and (first := found.get(place(default))):
        found[place(default)] = replace(first, is_primary=True)
    return sorted(found.values(), key=lambda calendar: (not calendar.is_primary, calendar.is_others, calendar.title))


# ---- where to look -------------------------------------------------------------------------------------------------


async def _candidates(
    address: str, user: str, limits: FetchLimits, resolver: dns.asyncresolver.Resolver | None
) -> list[str]:
    if "://" not in address:
        domain = (address or user).rpartition("@")[2].strip("/ ").lower()
        if "/" not in domain and ":" not in domain:
            return await _of_domain(domain, limits, resolver)
        address = "https://" + address
    try:
        parts = urlsplit(address)
    except ValueError:
        raise AddressNotUsable from None
    well_known = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}"
    return [address] if parts.path.rstrip("/") == WELL_KNOWN else [address, well_known]


async def _of_domain(domain: str, limits: FetchLimits, resolver: dns.asyncresolver.Resolver | None) -> list[str]:
    if domain in _SERVERS:
        return [_SERVERS[domain]]
    found = []
    for scheme in ("https", "http") if limits.allow_private_addresses else ("https",):
        for server, path in await _from_dns(scheme, domain, resolver):
            found += [f"{scheme}://{server}{path}"] if path else []
            found.append(f"{scheme}://{server}{WELL_KNOWN}")
    return [*found, f"https://{domain}{WELL_KNOWN}", f"https://{domain}/"]


async def _from_dns(scheme: str, domain: str, resolver: dns.asyncresolver.Resolver | None) -> list[tuple[str, str]]:
    """Servers with their ports, the preferred one first, and the path to begin at."""
    name = f"_caldav{'s' if scheme == 'https' else ''}._tcp.{domain}"
    try:
        resolver = resolver or dns.asyncresolver.Resolver()
        found = await resolver.resolve(name, "SRV", lifetime=DNS_LIMIT_S)
    except (dns.exception.DNSException, OSError, ValueError):
        return []
    servers = []
    for record in sorted(found, key=lambda record: (record.priority, -record.weight)):
        host = str(record.target).rstrip(".").lower()
        if is_host_or_below(host, domain) or any(host == urlsplit(known).hostname for known in _SERVERS.values()):
            servers.append(f"{host}:{int(record.port)}")
    path = ""
    try:
        for record in await resolver.resolve(name, "TXT", lifetime=DNS_LIMIT_S):
            text = b"".join(record.strings).decode("ascii", "replace")
            if text.startswith("path=/"):
                path = text.removeprefix("path=")
    except (dns.exception.DNSException, OSError, ValueError):
        path = ""
    return [(server, path) for server in servers[:3]]


def _most_telling(failures: Sequence[CalendarError]) -> CalendarError:
    """Of several places that were no server, what the host can do most about."""
    order = (ServerFault, AnswersWebPage, NotACalendar, CalendarNotFound, CalendarUnreachable)
    ranks = {kind: rank for rank, kind in enumerate(order, start=1)}  # before them what the address itself is
    failure = min(failures, key=lambda failure: ranks.get(type(failure), 0))
    return NotACalendar(_NO_SERVER) if isinstance(failure, CalendarNotFound) else failure


# ---- what is there -------------------------------------------------------------------------------------------------


async def _account(server: DavServer, login: Login, address: str) -> tuple[DavAccount, frozenset[str]]:
    wanted = [_PRINCIPAL, _HOMES, _ADDRESSES, f"{_D}resourcetype"]
    answer = await server.propfind(address, properties(wanted), depth=0)
    if not answer.resources:
        raise CalendarNotFound
    here = answer.resources[0]
    principal = answer.url if f"{_D}principal" in here.kinds() else next(iter(here.hrefs(_PRINCIPAL)), "")
    calendar = answer.url if f"{_C}calendar" in here.kinds() else ""
    if not principal and not calendar:
        if not here.hrefs(_HOMES):
            raise NotACalendar(_NO_SERVER)
        principal = answer.url
    if principal and not same_place(principal, answer.url):
        found = (await server.propfind(principal, properties([_HOMES, _ADDRESSES]), depth=0)).resources
        here = found[0] if found else here
    # from here on the password belongs to the server that was arrived at
    login = replace(login, server=answer.url)
    own = {text.removeprefix("mailto:") for text in _mail_addresses(here)}
    if not own and "@" in login.user:
        own = {login.user.lower()}
    return DavAccount(login=login, principal=principal, calendar=calendar), frozenset(own)


def _mail_addresses(resource: Resource) -> Iterable[str]:
    found = resource.properties.get(_ADDRESSES)
    texts = [] if found is None else [(each.text or "").strip().lower() for each in found.iter(f"{_D}href")]
    return [text for text in texts if text.startswith("mailto:") and "@" in text]


def _holds_events(resource: Resource) -> bool:
    if f"{_C}calendar" not in resource.kinds() or f"{_CS}subscribed" in resource.kinds():
        return False
    components = resource.properties.get(_COMPONENTS)
    return components is None or not len(components) or any(each.get("name") == "VEVENT" for each in components)


def _calendar(resource: Resource, account: DavAccount) -> RemoteCalendar:
    owners = resource.hrefs(f"{_OC}owner-principal") or resource.hrefs(f"{_D}owner")
    is_others = f"{_CS}shared" in resource.kinds() or bool(
        account.principal and owners and not any(same_place(owner, account.principal) for owner in owners)
    )
    title = resource.text(f"{_D}displayname") or urlsplit(resource.url).path.rstrip("/").rpartition("/")[2]
    return RemoteCalendar(key=resource.url, title=title[:300], time_zone=_time_zone(resource), is_others=is_others)


def _time_zone(resource: Resource) -> str:
    """What a time without a zone means in this calendar."""
    names = [resource.text(_ZONE_ID)]
    for line in resource.text(_ZONE).splitlines():
        name, _, value = line.strip().partition(":")
        if name in ("X-LIC-LOCATION", "TZID"):
            names += [value, "/".join(value.split("/")[-2:])]  # "/somebody.example/Europe/Berlin"
    for name in filter(None, names):
        try:
            return ZoneInfo(name).key
        except (KeyError, OSError, ValueError):
            continue
    return "UTC"
