"""A participant says on their page where they are, of their own will: it can make the meeting's rule stricter at once.

What it means is decided in `places`. Nobody in the meeting is told who said it; the entry in the log names a place.
"""

from __future__ import annotations

from aiohttp import web

from storage.errors import StorageError
from web import places
from web.access import Access, Route, back_to, post, text_of
from web.answering import page_of
from web.notices import page_words
from web.participants import done, language_of, opened_page
from web.settings import SETTINGS


def routes() -> list[Route]:
    return [post("/c/{token}/place", say_where, Access.ANYONE)]


async def say_where(request: web.Request) -> web.StreamResponse:
    """Durable before the page is shown again. No answer of this person changes by it."""
    opened, code = await opened_page(request), await text_of(request, "place", 20)
    if not places.is_place(request.app[SETTINGS], code):
        raise web.HTTPBadRequest(text=page_words(await language_of(request, opened))["problem_place"])
    if opened.is_over:
        raise back_to(f"/c/{request.match_info['token']}")
    row = await page_of(request, opened)
    try:
        await places.declare(request, opened.visit, row.page_id, code)
    except StorageError:
        words = page_words(await language_of(request, opened))
        raise web.HTTPServiceUnavailable(text=words["problem_store"]) from None
    return await done(request, opened)
