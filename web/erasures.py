"""The admin erases a person's sound and words, or a whole recording: asked twice, on a stated authority, for good."""

from __future__ import annotations

from aiohttp import web

from consent_notice.words import SeatId, VisitId
from storage.authorities import LONGEST_AUTHORITY
from storage.errors import ErasureUnfinished, StorageError
from storage.visits import VisitRow
from web import display
from web.access import STORE, Access, Route, back_to, get, post, tell, text_of
from web.hosts import story_of
from web.pages import page
from web.reads import EVIDENCE, note_read
from web.replay import MeetingStory, SeatStory


def routes() -> list[Route]:
    return [
        get("/review/{visit}/erase", ask, Access.ADMIN),
        post("/review/{visit}/erase", erase, Access.ADMIN),
    ]


def erasable(story: MeetingStory) -> list[SeatStory]:
    """Of whom sound or words are kept."""
    return [seat for seat in story.seats.values() if seat.kept_ms or story.words.get(seat.seat)]


async def ask(request: web.Request) -> web.Response:
    """What is about to go, and the form that does it; nothing is erased by coming here."""
    visit = await _visit(request)
    return await _ask(request, visit, request.query.get("seat", ""))


async def erase(request: web.Request) -> web.Response:
    visit = await _visit(request)
    seat, authority = await text_of(request, "seat"), " ".join((await text_of(request, "authority")).split())
    _chosen(await story_of(request.app[STORE], visit), seat)
    if not authority or len(authority) > LONGEST_AUTHORITY:
        problem = f"Say on whose authority, in up to {LONGEST_AUTHORITY} characters. Nothing was erased."
        return await _ask(request, visit, seat, problem=problem, authority=authority)
    erasure = request.app[STORE].erasure
    try:
        if seat:
            await erasure.erase_person(visit.id, SeatId(seat), authority)
        else:
            await erasure.erase_recording(visit.id, authority)
            await request.app[STORE].snapshots.forget(visit.id)
    except ErasureUnfinished as unfinished:
        await tell(request, str(unfinished), "bad")
    except StorageError as error:
        return await _ask(request, visit, seat, problem=str(error), authority=authority)
    else:
        await tell(request, "Erased. What was kept can't be read any more, and the log says that it is gone.")
    raise back_to(f"/review/{visit.id}")


async def _ask(
    request: web.Request, visit: VisitRow, seat: str, *, problem: str = "", authority: str = ""
) -> web.Response:
    store = request.app[STORE]
    story, meeting = await story_of(store, visit), await store.meetings.get(visit.meeting_id)
    chosen = _chosen(story, seat)
    await note_read(request, visit.id, EVIDENCE)
    together = {
        story.seats[other].name
        for segment in story.segments.values()
        if seat and seat in segment.opened.seats
        for other in segment.opened.seats
        if other != seat and other in story.seats
    }
    return await page(
        request,
        "erase.html",
        status=400 if problem else 200,
        visit=visit,
        meeting=meeting,
        seat=seat,
        chosen=chosen,
        words=story.words,
        together=sorted(display.shown_name(name) for name in together),
        problem=problem,
        authority=authority,
        longest=LONGEST_AUTHORITY,
    )


def _chosen(story: MeetingStory, seat: str) -> list[SeatStory]:
    """Raises HTTPNotFound where there is nothing to erase."""
    chosen = [one for one in erasable(story) if not seat or one.seat == seat]
    if not chosen:
        raise web.HTTPNotFound(text="There is nothing to erase here: it is gone already, or was never kept.")
    return chosen


async def _visit(request: web.Request) -> VisitRow:
    visit = await request.app[STORE].visits.get(VisitId(request.match_info["visit"]))
    if visit is None:
        raise web.HTTPNotFound
    return visit
