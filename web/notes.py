"""A host's own notes of a meeting: typed by them, shown to them alone, kept as long as recordings are."""

from __future__ import annotations

from aiohttp import web

from storage.host_notes import LONGEST_NOTES
from web.access import STORE, Access, Route, back_to, post, tell, text_of
from web.recordings import own_visit


def routes() -> list[Route]:
    return [post("/recordings/{visit}/notes", write_notes, Access.SIGNED_IN)]


async def write_notes(request: web.Request) -> web.StreamResponse:
    visit = await own_visit(request)
    await request.app[STORE].host_notes.write(visit.id, await text_of(request, "notes", LONGEST_NOTES))
    await tell(request, "Your notes are kept.")
    raise back_to(f"/recordings/{visit.id}")
