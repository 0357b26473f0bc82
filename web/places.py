"""Where a participant says that they are. It counts at once, since it can only make the meeting's rule stricter.

What a place means is decided in `consent_notice.finding`, what follows from all of them in `consent_notice.settling`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from aiohttp import web

from consent_notice.events import Event, RecordingBarred, RuleSettled
from consent_notice.finding import combine, places_of
from consent_notice.settling import Hearing, MixRefused, SettledRule, settle_rule, tightened
from consent_notice.words import Rule
from storage.visits import VisitRow
from web.access import STORE
from web.answers import Sent, event_id
from web.opened import Opened
from web.settings import SETTINGS, WebSettings


async def declare_place(request: web.Request, opened: Opened, sent: Sent) -> list[tuple[Event, str]]:
    """Keeps what the form says with the page, and returns what the log has to be told of it, which may be nothing."""
    store, settings, row = request.app[STORE], request.app[SETTINGS], opened.row
    place = (await request.post()).get("place")
    if row is None or not isinstance(place, str) or place == row.place:
        return []
    if place and not settings.jurisdictions.is_known(place):
        return []
    await store.pages.declare_place(row.page_id, place)
    opened.row = replace(row, place=place)
    if not place:
        return []
    visit, declared = opened.visit, await store.pages.places(opened.visit.id)
    host = await store.users.get(visit.host_id)
    entries = await asyncio.to_thread(store.log.entries_of, visit.id)
    event = stricter_rule(
        settings,
        visit,
        sent,
        settled=[entry.event for entry in entries if isinstance(entry.event, RuleSettled)],
        host_place=host.place if host is not None else "",
        declared=declared,
    )
    if event is None:
        return []
    parts = ("barred",) if isinstance(event, RecordingBarred) else ("rule of places", *declared)
    return [(event, event_id(visit.id, *parts))]


def stricter_rule(
    settings: WebSettings,
    visit: VisitRow,
    sent: Sent,
    *,
    settled: Sequence[RuleSettled],
    host_place: str,
    declared: Iterable[str],
) -> RuleSettled | RecordingBarred | None:
    """None where the places ask for no more than what is in force. Pure."""
    looked_at = next((event for event in reversed(settled) if event.profile), None)
    rule = settled[-1].rule if settled else visit.rule
    fallback = Rule(looked_at.fallback) if looked_at is not None and looked_at.fallback else None
    is_late_mix = looked_at is not None and looked_at.is_late_mix
    places = places_of(host=host_place, usual_host=settings.host_location, bot=settings.bot_location, declared=declared)
    finding = combine(settings.jurisdictions, places)
    hearing = Hearing(separate=not is_late_mix, roster_lags=is_late_mix)
    before = SettledRule(rule=rule, fallback=fallback, why=())
    wanted = settle_rule(wanted=rule, fallback=fallback, finding=finding, policy=settings.rule_policy, hearing=hearing)
    now = tightened(before, wanted)
    if isinstance(now, MixRefused):  # nothing may be heard there at all
        return RecordingBarred(
            visit=visit.id, epoch=visit.epoch, why=" ".join(now.why), boot_id=sent.boot_id, at_ms=sent.arrived_ms
        )
    if (now.rule, now.fallback) == (rule, fallback):
        return None
    return RuleSettled(
        visit=visit.id,
        epoch=visit.epoch,
        rule=Rule.EVERYONE,  # a page never settles another one
        profile=finding.profile.value,
        places=tuple(place.as_told() for place in places),
        reasons=(*now.why, *(reason.line() for reason in finding.reasons)),
        boot_id=sent.boot_id,
        at_ms=sent.arrived_ms,
        fallback="" if now.fallback is None else now.fallback.value,
        is_late_mix=is_late_mix,
    )
