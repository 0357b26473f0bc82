"""Takes back what was given on a participant's page, each way with one click: everything, or one purpose; from now on
only, or what was kept as well.
"""

from __future__ import annotations

from aiohttp import web

from consent_notice.words import Purpose, Standing
from web.access import Access, Route, post, text_of
from web.answering import keep, log, log_and_erase, no_entries, say_no
from web.opened import done, opened_page
from web.settings import SETTINGS


def routes() -> list[Route]:
    return [post("/c/{token}/withdraw", withdraw, Access.ANYONE)]


async def withdraw(request: web.Request) -> web.StreamResponse:
    """Without a purpose: everything. `erase` goes with everything alone."""
    opened = await opened_page(request)
    if opened.voice is None or opened.row is None:
        return await say_no(request, opened)
    only, erase = await text_of(request, "purpose", 40), await text_of(request, "erase", 10) == "yes"
    purposes = request.app[SETTINGS].purposes
    if only and only != Purpose.RECORDING.value:
        purposes, erase = tuple(purpose for purpose in purposes if purpose.value == only), False
    # Whoever has nothing to take back any more, and has it erased now, says nothing new.
    says_it_again = erase and not any(opened.voice.standing(purpose) is Standing.GIVEN for purpose in Purpose)
    entries = [] if says_it_again else await no_entries(request, opened, purposes)
    if erase:
        await log_and_erase(request, opened, entries)
    else:
        await log(request, opened, entries)
    left = {**(opened.row.choices or {}), **dict.fromkeys(purposes, False)}
    await keep(request, opened, left, alone=opened.row.alone_on_device, people=opened.row.people)
    return await done(request, opened, noted=False)
