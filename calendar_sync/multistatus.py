"""PURE: what a CalDAV server's XML says, resource by resource, so that a broken one does not hide the others.

Decides what counts as an answer: whole, within limits, without a document type (and so without entities of its making).
Addresses stay as the server wrote them, and are compared in one spelling.
"""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from calendar_sync.addresses import WebAddress, take_apart
from calendar_sync.errors import (
    AddressNotAllowed,
    AddressNotUsable,
    AnswersWebPage,
    CalendarCutOff,
    CalendarError,
    CalendarTooLarge,
    NotACalendar,
)

MAX_ELEMENTS = 400_000
MAX_DEPTH = 64
FEED_BYTES = 65_536  # between two pieces a refusal gets through, and other threads get their turn

_CUT_OFF = {3, 5, 6, 20}  # expat: no element, unclosed token, partial character, unclosed CDATA section
_DAV = "{DAV:}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a multistatus says of one resource."""

    url: str
    href: str  # the path or address as the server wrote it, for asking about it again
    status: int  # of the resource; what its properties say is in `properties`
    properties: dict[str, ET.Element]  # those that it has, by tag

    def text(self, tag: str) -> str:
        found = self.properties.get(tag)
        return "" if found is None else (found.text or "").strip()

    def hrefs(self, tag: str) -> list[str]:
        """The addresses in a property, but for those that lead nowhere we go."""
        found = self.properties.get(tag)
        addresses = []
        for each in [] if found is None else found.iter(f"{_DAV}href"):
            with contextlib.suppress(CalendarError):
                addresses += [join(self.url, each.text)] if each.text else []
        return addresses

    def kinds(self) -> frozenset[str]:
        found = self.properties.get(f"{_DAV}resourcetype")
        return frozenset(child.tag for child in found) if found is not None else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Multistatus:
    """RFC 4918 section 13; `sync_token` and `is_cut_short` after RFC 6578 sections 3.4 and 3.6."""

    url: str  # that answered, after redirects
    resources: tuple[Resource, ...]
    sync_token: str
    is_cut_short: bool


def join(base: str, href: str) -> str:
    """The address that an answer means. One that says http for a server that we ask by https is asked by https too:
    servers behind a proxy often do not know how they are reached. Raises AddressNotUsable and AddressNotAllowed.
    """
    try:
        url = urljoin(base, quote(href.strip(), safe="%/:?#[]@!$&'()*+,;=~"))
    except ValueError:
        raise AddressNotUsable from None
    here, there = take_apart(base), take_apart(url)
    if here and there and here.scheme == "https" and there.scheme == "http":
        if here.host != there.host or there.port:
            raise AddressNotAllowed("the calendar's secure address leads to an insecure one; give its secure address")
        return _with_origin(here, url)
    return url


def _with_origin(here: WebAddress, url: str) -> str:
    return here.origin + "/" + url.partition("://")[2].partition("/")[2]


class _Plain(ET.TreeBuilder):
    """No document type, so no entity of a stranger's making; no more elements than an answer can need."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        if name.lower() == "html":
            raise _web_page()
        raise _not_dav()

    def start(self, tag: str, attributes: dict[str, str], /) -> ET.Element:
        self._count += 1
        self._depth += 1
        if self._count > MAX_ELEMENTS or self._depth > MAX_DEPTH:
            raise CalendarTooLarge
        return super().start(tag, attributes)

    def end(self, tag: str, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


def parsed(body: bytes) -> ET.Element:
    """Raises CalendarError."""
    parser = ET.XMLParser(target=_Plain())  # noqa: S314  _Plain takes no document type, in whatever encoding
    try:
        for start in range(0, len(body), FEED_BYTES):
            parser.feed(body[start : start + FEED_BYTES])
        root: ET.Element = parser.close()
    except ET.ParseError as error:
        if b"<html" in body[:2048].lower():
            raise _web_page() from None
        raise (CalendarCutOff() if error.code in _CUT_OFF else _not_dav()) from None
    except (ValueError, LookupError):  # an encoding that there is not, or that is not read here
        raise _not_dav() from None
    return root


def _web_page() -> AnswersWebPage:
    return AnswersWebPage(
        "a web page answers at this address, not a calendar server; give the CalDAV address that your provider names"
    )


def _not_dav() -> NotACalendar:
    return NotACalendar("what answers at this address is no calendar server; give the CalDAV address of your provider")


def conditions(body: bytes) -> frozenset[str]:
    try:
        root = parsed(body)
    except CalendarError:
        return frozenset()
    return frozenset(element.tag for element in root.iter())


def read_multistatus(body: bytes, url: str) -> Multistatus:
    root = parsed(body)
    if root.tag != f"{_DAV}multistatus":
        raise _web_page() if root.tag.lower().endswith("html") else _not_dav()
    resources = []
    is_cut_short = False
    for element in root.iterfind(f"{_DAV}response"):
        href = (element.findtext(f"{_DAV}href") or "").strip()
        if not href:
            continue
        try:
            absolute = join(url, href)
            if not href.startswith(("/", "http:", "https:")):
                href = urlsplit(absolute).path
            resource = Resource(url=absolute, href=href, status=_status(element), properties=_properties(element))
        except CalendarError:  # an address that leads nowhere we go
            continue
        if resource.status == 507 and same_place(resource.url, url):
            is_cut_short = True
            continue
        resources.append(resource)
    return Multistatus(
        url=url,
        resources=tuple(resources),
        sync_token=(root.findtext(f"{_DAV}sync-token") or "").strip(),
        is_cut_short=is_cut_short,
    )


def same_place(one: str, other: str) -> bool:
    return place(one) == place(other)


def place(url: str) -> str:
    """One spelling of the path for the several that servers use for the same resource."""
    address = take_apart(url)
    path = url if address is None else address.path
    return "/".join(quote(unquote(segment), safe="@:") for segment in path.rstrip("/").split("/"))


def _status(element: ET.Element) -> int:
    """A missing one means that the properties have their own."""
    words = (element.findtext(f"{_DAV}status") or "HTTP/1.1 200 OK").split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 500


def _properties(element: ET.Element) -> dict[str, ET.Element]:
    return {
        each.tag: each
        for propstat in element.iterfind(f"{_DAV}propstat")
        if 200 <= _status(propstat) < 300
        for prop in propstat.iterfind(f"{_DAV}prop")
        for each in prop
    }
