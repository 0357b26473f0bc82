"""PURE: the messages that are sent to a CalDAV server, put together from the caldav library's elements.

Decides nothing but the wording; all of them ask, none tells the server anything.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime

from caldav.elements import cdav, dav
from caldav.elements.base import BaseElement

CTAG = "{http://calendarserver.org/ns/}getctag"
CALENDAR = cdav.Calendar.tag
DATA = cdav.CalendarData.tag
ETAG = dav.GetEtag.tag
SYNC_TOKEN = dav.SyncToken.tag
RESOURCE_TYPE = dav.ResourceType.tag
SYNC_COLLECTION = dav.SyncCollection.tag
REPORTS = dav.SupportedReportSet.tag


def properties(tags: Iterable[str]) -> str:
    """PROPFIND (RFC 4918 section 9.1)."""
    return str(_of(dav.Propfind(), _asking(*(_named(tag)() for tag in tags))))


def changes_since(token: str) -> str:
    """REPORT sync-collection (RFC 6578 section 3.2)."""
    level = dav.SyncLevel(value="1")
    return str(_of(dav.SyncCollection(), dav.SyncToken(value=token), level, _asking(dav.GetEtag())))


def events_between(starts_at: datetime, ends_at: datetime) -> str:
    """REPORT calendar-query (RFC 4791 section 7.8), for the ETags alone; repetitions are the server's to work out."""
    events = _of(cdav.CompFilter("VEVENT"), cdav.TimeRange(starts_at, ends_at))
    wanted = _of(cdav.Filter(), _of(cdav.CompFilter("VCALENDAR"), events))
    return str(_of(cdav.CalendarQuery(), _asking(dav.GetEtag()), wanted))


def bodies_of(hrefs: Iterable[str]) -> str:
    """REPORT calendar-multiget (RFC 4791 section 7.9)."""
    wanted = _asking(dav.GetEtag(), cdav.CalendarData())
    return str(_of(cdav.CalendarMultiGet(), wanted, *(dav.Href(value=href) for href in hrefs)))


def _asking(*wanted: BaseElement) -> BaseElement:
    return _of(dav.Prop(), *wanted)


def _of(element: BaseElement, *inside: BaseElement) -> BaseElement:
    """As a list: of a single element the library would ask whether it can be iterated, which may take 0.1 s."""
    return element.append(list(inside))


@functools.cache
def _named(tag: str) -> type[BaseElement]:
    return type("Named", (BaseElement,), {"tag": tag})
