"""The form of a host's rules: what is taken from it, and what is said of what is not.

What the rules mean is decided in `calendar_sync.host_rules`; where they are applied, in the planning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiohttp import web

from calendar_sync.host_rules import inside_domains, means_everything, says_nothing, wishes_of
from calendar_sync.planning import TITLE_BARRED
from storage.errors import NotStored
from storage.host_rules import HostRules
from storage.meetings import BY_HAND, MeetingRow
from storage.store import Store
from storage.users import User
from web.access import CLOCK, STORE, text_of, user_of

MOST_PHRASES = 50
LONGEST_PHRASE = 80
MOST_DOMAINS = 50
_DOMAIN = re.compile(r"(?=.{4,190}$)[\w-]{1,63}(\.[\w-]{1,63})+")


async def read_rules(request: web.Request) -> tuple[HostRules, str]:
    """What was typed, and what is wrong with it in words."""
    lines = (await text_of(request, "never_titled", 20_000)).splitlines()
    phrases = tuple(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip()))
    named = re.split(r"[\s,;]+", (await text_of(request, "own_domains", 20_000)).lower())
    domains = tuple(dict.fromkeys(name.removeprefix("@").rstrip(".") for name in named if name))
    rules = HostRules(
        never_titled=phrases,
        never_with_outsiders=await text_of(request, "never_with_outsiders") == "on",
        own_domains=domains,
        only_when_present=await text_of(request, "only_when_present") == "on",
    )
    return rules, _problem(phrases, domains)


async def save_rules(request: web.Request, rules: HostRules) -> None:
    """Meetings of a calendar are judged anew when it is read next; those added by hand, which nothing reads, now."""
    store, user = request.app[STORE], user_of(request)
    await store.users.set_host_rules(user.id, rules)
    wishes = wishes_of(rules, user.email)
    for row in await store.meetings.upcoming(user.id, request.app[CLOCK].now(), limit=1_000):
        if row.calendar_id is None:
            await _decide_anew(store, row, is_barred=wishes.bar_title(row.title))


def inside_of(rules: HostRules, user: User) -> list[str]:
    return inside_domains(rules, user.email)


async def _decide_anew(store: Store, row: MeetingRow, *, is_barred: bool) -> None:
    try:
        if is_barred:
            await store.meetings.decide(row.id, "skip", TITLE_BARRED)
        elif row.reason == TITLE_BARRED:
            await store.meetings.decide(row.id, "record", BY_HAND)
    except NotStored:
        return  # it has begun meanwhile


def _problem(phrases: Sequence[str], domains: Sequence[str]) -> str:
    if len(phrases) > MOST_PHRASES or len(domains) > MOST_DOMAINS:
        return f"Give at most {MOST_PHRASES} phrases and {MOST_DOMAINS} domains."
    for phrase in phrases:
        if len(phrase) > LONGEST_PHRASE:
            return f"A phrase can have {LONGEST_PHRASE} characters; “{phrase[:20]}…” has more."
        if means_everything(phrase):
            return f"“{phrase}” would match every title. To send the bot nowhere, switch your calendars off."
        if says_nothing(phrase):
            return f"“{phrase}” has no word in it, so it would match nothing."
    for domain in domains:
        if not _DOMAIN.fullmatch(domain):
            return f"“{domain[:60]}” is no mail domain. Write it like example.org."
    return ""
