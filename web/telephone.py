"""Ties a page to a telephone in the meeting, by the digits that the bot spoke to it; its choices then count at once.

Everybody in the meeting may have heard them: so they prove no more than a name, and where two pages give the same ones,
both are taken for people at that telephone. Guessing is bounded.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata

from aiohttp import web
from limits import RateLimitItemPerMinute

from storage.errors import StorageError
from web.access import STORE, Access, Route, back_to, post, text_of
from web.accounts import LIMITER
from web.answering import choice_entries, log, sent_form
from web.hosts import story_of
from web.notices import page_words
from web.opened import done, language_of, opened_page
from web.participants import Shown, participant_page

_TRIES = RateLimitItemPerMinute(10, 10)
_TRIES_OF_ALL = RateLimitItemPerMinute(60, 10)  # from wherever they come: a thousandth of what there is to guess


def routes() -> list[Route]:
    return [post("/c/{token}/telephone", answer_by_telephone, Access.ANYONE)]


async def answer_by_telephone(request: web.Request) -> web.StreamResponse:
    opened = await opened_page(request)
    row, store = opened.row, request.app[STORE]
    if row is None or row.choices is None or row.seat is not None or opened.is_over:
        raise back_to(f"/c/{request.match_info['token']}")
    limiter, visit = request.app[LIMITER], opened.visit.id
    if not (
        await limiter.hit(_TRIES, "heard", visit, request.remote or "?")
        and await limiter.hit(_TRIES_OF_ALL, "heard", visit)
    ):
        return await participant_page(request, opened, Shown(problem="problem_heard_tries", status=429))
    seat = await store.seat_codes.seat_of(visit, digits_of(await text_of(request, "heard", 40)))
    if seat is None or seat not in opened.story.seats:
        return await participant_page(request, opened, Shown(problem="problem_heard", status=422))
    read = await store.notices.get(row.notice_sha256)
    sent = await sent_form(request, opened)
    if read is not None:  # the text under which this was ticked
        sent = dataclasses.replace(sent, notice=read.notice)
    try:
        opened.row = await store.pages.bind_by_telephone(row.page_id, seat)
        others = [page for page in await store.pages.by_seat(visit, seat) if page.page_id != row.page_id]
        if others:
            people = max(row.people, 1 + len(others))
            opened.row = await store.pages.choose(
                row.page_id, row.choices, row.alone_on_device, people=people, notice_sha256=row.notice_sha256
            )
    except StorageError:
        words = page_words(await language_of(request, opened))
        raise web.HTTPServiceUnavailable(text=words["problem_store"]) from None
    opened.story = await story_of(store, opened.visit)
    await log(request, opened, choice_entries(opened, row.choices, sent))
    return await done(request, opened)


def digits_of(text: str) -> str:
    """As people write down what they hear: with spaces, dashes, commas."""
    return re.sub(r"[\s\-–.,]", "", unicodedata.normalize("NFKC", text))
