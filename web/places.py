"""Where people are, as they say themselves: the choices, what a declaration does to a running meeting, and why a
meeting got its rule.

A declaration only tightens; what it means is decided in `consent_notice.settlement`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from aiohttp import web

from consent_notice.events import Event, RuleSettled
from consent_notice.finding import Duty, Reason, combine, place_told, places_of
from consent_notice.jurisdictions import Checked
from consent_notice.settlement import Moment, PlacePolicy, last_settled, settle_declared
from consent_notice.words import Rule
from storage.errors import StaleEpoch
from storage.visits import VisitRow
from web.access import CLOCK, STORE
from web.answers import Sent, event_id
from web.opened import Opened
from web.settings import SETTINGS, WebSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSaid:
    """What one row of the table added; each sentence with whether it was derived from the row's own words."""

    about: str
    cite: str
    checked: Checked
    sentences: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEntry:
    """One time that the rule was settled. What the table no longer says stands in `plain`, with its source."""

    index: int
    at: datetime
    rule: Rule
    plain: tuple[str, ...]
    places: tuple[str, ...]
    rows: tuple[RowSaid, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyRule:
    """For the admin's review. No legal advice: each row says how far it was checked."""

    entries: tuple[RuleEntry, ...]  # newest first
    duties: tuple[Duty, ...]  # as the table has them today
    is_disputed: bool


class Entry(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def event(self) -> object: ...


def choices(settings: WebSettings) -> tuple[tuple[str, str], ...]:
    """Code and name, in the order of a list to choose from; whoever says nothing has the code ""."""
    return settings.jurisdictions.choices()


def is_place(settings: WebSettings, code: str) -> bool:
    """Also of the empty code."""
    return not code or settings.jurisdictions.is_known(code)


async def declare_place(request: web.Request, opened: Opened, sent: Sent) -> list[tuple[Event, str]]:
    """Keeps what the form says with the page, and returns what the log has to be told of it, which may be nothing."""
    row, place = opened.row, (await request.post()).get("place")
    if row is None or not isinstance(place, str) or place == row.place or not is_place(request.app[SETTINGS], place):
        return []
    opened.row = replace(row, place=place)
    return await place_entries(request, opened.visit, row.page_id, place, sent.arrived_ms)


async def place_entries(
    request: web.Request, visit: VisitRow, page_id: str, code: str, at_ms: int
) -> list[tuple[Event, str]]:
    """A participant says where they are; `code` is one of `choices`, or empty to take it back.

    What follows for a meeting that runs is for the caller to log. Taking it back relaxes nothing. Raises StorageError.
    """
    store, settings, clock = request.app[STORE], request.app[SETTINGS], request.app[CLOCK]
    await store.pages.declare_place(page_id, code)
    if not code or visit.ended_at is not None:
        return []
    host = await store.users.get(visit.host_id)
    declared = await store.pages.places(visit.id)
    entries = settle_declared(
        Moment(visit=visit.id, epoch=visit.epoch, boot_id=clock.boot_id, at_ms=at_ms),
        places=places_of(
            host=host.place if host else "",
            usual_host=settings.host_location,
            bot=settings.bot_location,
            declared=declared,
        ),
        policy=PlacePolicy(jurisdictions=settings.jurisdictions, rules=settings.rule_policy),
        information=settings.information,
        earlier=[entry.event for entry in await asyncio.to_thread(store.log.entries_of, visit.id)],
    )
    if entries and visit.rule is not Rule.EVERYONE:  # what the pages say from now on
        with suppress(StaleEpoch):  # another bot has taken the visit over, and asked for every place that was declared
            await store.visits.set_rule(visit.id, visit.epoch, Rule.EVERYONE)
    return [(entry, event_id(visit.id, "place", entry.kind, *declared)) for entry in entries]


def why_rule(settings: WebSettings, entries: Iterable[Entry]) -> WhyRule:
    """From the visit's entries, in the log's order."""
    listed = list(entries)
    settled = [(entry, entry.event) for entry in listed if isinstance(entry.event, RuleSettled)]
    last = last_settled(entry.event for entry in listed)
    told = [place_told(code, whose) for code, whose in last.places] if last is not None else []
    finding = combine(settings.jurisdictions, [place for place in told if place is not None])
    return WhyRule(
        entries=tuple(_entry(settings, entry, event) for entry, event in reversed(settled)),
        duties=finding.duties if last is not None else (),
        is_disputed=finding.disputed and last is not None,
    )


def _entry(settings: WebSettings, entry: Entry, event: RuleSettled) -> RuleEntry:
    places = [place for place in (place_told(*told) for told in event.places) if place is not None]
    known = {reason.line(): reason for reason in combine(settings.jurisdictions, places).reasons} if places else {}
    reasons = [known[line] for line in event.reasons if line in known]
    return RuleEntry(
        index=entry.index,
        at=entry.at,
        rule=event.rule,
        plain=tuple(line for line in event.reasons if line not in known),
        places=tuple(reason.text for reason in reasons if not reason.about),
        rows=tuple(_row(about, reasons) for about in dict.fromkeys(reason.about for reason in reasons) if about),
    )


def _row(about: str, reasons: Iterable[Reason]) -> RowSaid:
    mine = [reason for reason in reasons if reason.about == about]
    sentences = [(reason.text.removeprefix(f"{about}: "), reason.is_derived) for reason in mine]
    return RowSaid(
        about=about,
        cite=mine[0].cite,
        checked=mine[0].checked,
        sentences=tuple((text[:1].upper() + text[1:], is_derived) for text, is_derived in sentences),
    )
