"""The private button "I am under 18": nothing more is kept in this meeting, of anybody, and nobody there learns why.

What was kept of that person is erased. In the meeting, and to the host, it looks like any refusal.
"""

from __future__ import annotations

from aiohttp import web

from consent_notice.decisions import Act
from consent_notice.events import RecordingBarred
from web.access import ARRIVED_MS, CLOCK, Access, Route, back_to, post
from web.answering import keep, log_and_erase, no_entries, say_no
from web.answers import event_id
from web.opened import Opened, done, opened_page
from web.settings import SETTINGS

AUTHORITY = "under 18"


def routes() -> list[Route]:
    return [post("/c/{token}/under-18", bar, Access.ANYONE)]


async def bar(request: web.Request) -> web.StreamResponse:
    """One entry a meeting, however many press it, and nothing in it points to anybody."""
    opened = await opened_page(request)
    if opened.is_over:
        raise back_to(f"/c/{request.match_info['token']}")
    barred = RecordingBarred(
        visit=opened.visit.id,
        epoch=opened.visit.epoch,
        why="somebody under 18",
        boot_id=request.app[CLOCK].boot_id,
        at_ms=request[ARRIVED_MS],
    )
    entry = (barred, event_id(opened.visit.id, "barred"))
    if opened.row is None or opened.seat is None or not _ever_agreed(opened):
        return await say_no(request, opened, also=[entry])
    purposes = request.app[SETTINGS].purposes
    entries = [entry, *await no_entries(request, opened, purposes)]
    await log_and_erase(request, opened, entries, authority=AUTHORITY)
    refused = dict.fromkeys(purposes, False)
    await keep(request, opened, refused, alone=opened.row.alone_on_device, people=opened.row.people)
    return await done(request, opened)


def _ever_agreed(opened: Opened) -> bool:
    """Else nothing of that seat can have been kept."""
    told = [] if opened.seat is None else opened.seat.told
    return any(act in (Act.GIVE, Act.ATTEST) for one in told for _, act in one.decided.acts)
