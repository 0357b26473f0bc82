"""A person's copy of what was kept of them: their own sound and words, and nobody else's, from their own page.

Only once the meeting is over, and only for a page whose code was typed from the seat: digits that a whole meeting heard
prove too little. Of a shared microphone there is no copy, since it would hold the others. Each reading is in the log
before a byte is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from consent_notice.words import IdentityLevel
from storage.errors import StorageError
from storage.tracks import SegmentRow
from web import display
from web.access import STORE, Access, Route, get
from web.opened import Opened, opened_page
from web.reads import note_read


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What can be had; the sound is in pieces where the machine was restarted in between."""

    pieces: tuple[int, ...]
    has_words: bool


def routes() -> list[Route]:
    return [
        get("/c/{token}/my-voice-{piece}.ogg", send_voice, Access.ANYONE),
        get("/c/{token}/my-words.txt", send_words, Access.ANYONE),
    ]


async def copy_of(request: web.Request, opened: Opened) -> Copy | None:
    """None where there is nothing, or nothing that may be handed out here."""
    if not _may_have_it(opened) or opened.seat is None:
        return None
    pieces = await _pieces(request, opened)
    rows = await request.app[STORE].transcripts.of_visit(opened.visit.id)
    has_words = any(row.seat == opened.seat.seat for row in rows)
    return Copy(pieces=tuple(range(1, len(pieces) + 1)), has_words=has_words) if pieces or has_words else None


async def send_voice(request: web.Request) -> web.Response:
    opened = await opened_page(request)
    if not _may_have_it(opened):
        raise web.HTTPNotFound
    pieces, number = await _pieces(request, opened), request.match_info["piece"]
    if not number.isascii() or not number.isdigit() or len(number) > 4 or not 1 <= int(number) <= len(pieces):
        raise web.HTTPNotFound
    await _note(request, opened, "recording")
    try:
        sound = await asyncio.to_thread(request.app[STORE].tracks.ogg, pieces[int(number) - 1])
    except StorageError as error:
        raise web.HTTPConflict(text=str(error)) from None
    part = f"-{number}" if len(pieces) > 1 else ""
    return web.Response(
        body=sound, content_type="audio/ogg", headers=_as_file(opened, f"onrecord-my-voice{part}", "ogg")
    )


async def send_words(request: web.Request) -> web.Response:
    opened, store = await opened_page(request), request.app[STORE]
    if not _may_have_it(opened) or opened.seat is None:
        raise web.HTTPNotFound
    rows = [row for row in await store.transcripts.of_visit(opened.visit.id) if row.seat == opened.seat.seat]
    if not rows:
        raise web.HTTPNotFound
    await _note(request, opened, "transcript")
    try:
        said = [one for row in rows for one in await asyncio.to_thread(store.transcripts.read, row.id)]
    except StorageError as error:
        raise web.HTTPConflict(text=str(error)) from None
    lines = [f"{display.clock_text(one.start_ms)}  {one.text}" for one in sorted(said, key=lambda one: one.start_ms)]
    text = "\n".join([display.moment_text(opened.visit.started_at), "", *lines, ""])
    return web.Response(
        text=text, content_type="text/plain", charset="utf-8", headers=_as_file(opened, "onrecord-my-words", "txt")
    )


def _may_have_it(opened: Opened) -> bool:
    is_own_alone = opened.seat is not None and opened.together is None
    return opened.is_over and is_own_alone and opened.known.level >= IdentityLevel.PAGE_BOUND_BY_CODE


async def _pieces(request: web.Request, opened: Opened) -> list[Sequence[SegmentRow]]:
    """Of the own track alone, one for each start of the machine."""
    assert opened.seat is not None
    rows = await request.app[STORE].tracks.segments(opened.visit.id)
    own = [row for row in rows if row.seats == (opened.seat.seat,) and row.parts]
    return [[row for row in own if row.boot_id == boot_id] for boot_id in dict.fromkeys(row.boot_id for row in own)]


async def _note(request: web.Request, opened: Opened, what: str) -> None:
    assert opened.row is not None
    await note_read(request, opened.visit.id, what, page=opened.row.reference)


def _as_file(opened: Opened, name: str, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}-{opened.visit.started_at:%Y-%m-%d}.{ending}"'}
