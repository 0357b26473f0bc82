"""The form of what is recorded of one calendar: what is taken from it, and what is said of what is not."""

from __future__ import annotations

from aiohttp import web

from calendar_sync.host_rules import means_everything, says_nothing
from storage.calendar_policy import EARLIEST_JOIN_S, CalendarPolicy, Externals, Recorded
from web.access import text_of

MOST_WORDS = 50
LONGEST_WORD = 80
EARLY_S = (0, 5, 30, 60, 120, 300, EARLIEST_JOIN_S)  # what the page offers


async def read_policy(request: web.Request) -> tuple[CalendarPolicy, str]:
    """What was chosen, and what is wrong with it in words."""
    lines = (await text_of(request, "skip_words", 20_000)).splitlines()
    words = tuple(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip()))
    recorded, externals = await text_of(request, "recorded"), await text_of(request, "externals")
    early = await text_of(request, "join_early_s", 10)
    if recorded not in set(Recorded) or externals not in set(Externals):
        raise web.HTTPBadRequest
    if early and (not early.isascii() or not early.isdigit() or int(early) > EARLIEST_JOIN_S):
        raise web.HTTPBadRequest
    policy = CalendarPolicy(
        recorded=Recorded(recorded),
        skip_words=words,
        externals=Externals(externals),
        join_early_s=int(early) if early else None,
    )
    return policy, _problem(words)


def _problem(words: tuple[str, ...]) -> str:
    if len(words) > MOST_WORDS:
        return f"Give at most {MOST_WORDS} skip words."
    for word in words:
        if len(word) > LONGEST_WORD:
            return f"A skip word can have {LONGEST_WORD} characters; “{word[:20]}…” has more."
        if means_everything(word):
            return f"“{word}” would match every title. To skip all, switch the calendar off."
        if says_nothing(word):
            return f"“{word}” has no word in it, so it would match nothing."
    return ""
