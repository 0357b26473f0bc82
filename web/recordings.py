"""What was recorded, for its host alone: the voices that were kept, playable, with their words.

Of whoever is not in a recording it says no more than that some are not: rows about people go at different times, and a
number that changed with them would tell how somebody answered. Each reading by a person is in the log before a byte is
shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from aiohttp.http_writer import HttpVersion10

from consent_notice.words import SeatId, VisitId
from storage.errors import StorageError
from storage.tracks import SegmentRow
from storage.transcripts import TranscriptRow, Transcripts
from storage.visits import RecordingFilter, RecordingRow, VisitRow
from web import display
from web.access import STORE, Access, Route, get, user_of
from web.hosts import story_of
from web.pages import page
from web.picture import Lane, draw
from web.reads import RECORDING, TRANSCRIPT, note_read

PAGE_SIZE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One utterance, placed."""

    name: str
    start_ms: int
    text: str


def routes() -> list[Route]:
    return [
        get("/recordings", show_recordings, Access.SIGNED_IN),
        get("/recordings/{visit}", show_recording, Access.SIGNED_IN),
        get("/recordings/{visit}/voices/{seat}.ogg", play_voice, Access.SIGNED_IN),
    ]


async def show_recordings(request: web.Request) -> web.Response:
    rows = await request.app[STORE].visits.recordings(
        RecordingFilter(host_id=user_of(request).id), before=read_before(request), limit=PAGE_SIZE + 1
    )
    return await page(request, "recordings.html", rows=rows[:PAGE_SIZE], older=older_link(rows, PAGE_SIZE))


async def show_recording(request: web.Request) -> web.Response:
    store, visit = request.app[STORE], await own_visit(request)
    meeting = await store.meetings.get(visit.meeting_id)
    if meeting is None:
        raise web.HTTPNotFound
    story = await story_of(store, visit)
    picture = draw(story, None)
    kept = [lane for lane in picture.lanes if lane.kept]
    transcripts = await store.transcripts.of_visit(visit.id)
    if transcripts:
        await note_read(request, visit.id, TRANSCRIPT)
    said, unreadable = await asyncio.to_thread(_utterances, store.transcripts, transcripts, kept)
    segments = await store.tracks.segments(visit.id)
    late = {seat for row in segments if not starts_with_meeting(visit, [row]) for seat in row.seats}
    return await page(
        request,
        "recording.html",
        visit=visit,
        meeting=meeting,
        lanes=kept,
        picture=picture,
        notes=await store.host_notes.read(visit.id),
        said=said,
        unreadable=unreadable,
        starts={lane.seat: lane.kept[0].from_ms if lane.seat in late else 0 for lane in kept},
        left=display.in_words(display.LEFT_WORDS, visit.left_reason or ""),
    )


async def play_voice(request: web.Request) -> web.StreamResponse:
    store, visit = request.app[STORE], await own_visit(request)
    seat = SeatId(request.match_info["seat"])
    segments = [row for row in await store.tracks.segments(visit.id) if seat in row.seats]
    if not segments:
        raise web.HTTPNotFound
    await note_read(request, visit.id, RECORDING)
    # From the meeting's start, so that every voice plays on one clock; after a restart, from its own first sound.
    begin_ms = visit.started_boot_ms if starts_with_meeting(visit, segments) else None
    try:
        sound = await asyncio.to_thread(store.tracks.ogg, segments, begin_ms)
    except StorageError as error:
        raise web.HTTPConflict(text=str(error)) from None
    return ranged(request, sound, "audio/ogg; codecs=opus")


def starts_with_meeting(visit: VisitRow, segments: Sequence[SegmentRow]) -> bool:
    return all(row.boot_id == visit.boot_id for row in segments)


def ranged(request: web.Request, content: bytes, content_type: str) -> web.Response:
    """The whole, or the one range that was asked for (RFC 9110 section 14)."""
    headers = {"Accept-Ranges": "bytes"}
    if request.version == HttpVersion10 or "Range" not in request.headers:
        return web.Response(body=content, headers={**headers, "Content-Type": content_type})
    try:
        wanted = request.http_range
        start, stop, _ = wanted.indices(len(content)) if wanted.start is not None else (0, len(content), 1)
    except ValueError:
        start, stop = 0, 0
    if start >= stop:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    headers |= {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}", "Content-Type": content_type}
    return web.Response(status=206, body=content[start:stop], headers=headers)


async def own_visit(request: web.Request) -> VisitRow:
    """Another host's recording does not exist for this one."""
    visit = await request.app[STORE].visits.get(VisitId(request.match_info["visit"]))
    if visit is None or visit.host_id != user_of(request).id:
        raise web.HTTPNotFound
    return visit


def read_before(request: web.Request) -> tuple[datetime, VisitId] | None:
    """Where the page before ended; anything unreadable is the first page."""
    at, _, visit = request.query.get("before", "").partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (moment, VisitId(visit)) if moment.tzinfo else None


def older_link(rows: Sequence[RecordingRow], size: int) -> str | None:
    if len(rows) <= size:
        return None
    last = rows[size - 1].visit
    return f"{display.iso(last.started_at)}~{last.id}"


def _utterances(
    transcripts: Transcripts, rows: Sequence[TranscriptRow], lanes: Sequence[Lane]
) -> tuple[list[Said], list[str]]:
    """What was said, in order, and what is wrong with the transcripts that can't be read."""
    names = {lane.seat: lane.name for lane in lanes}
    said: list[Said] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            utterances = transcripts.read(row.id)
        except StorageError as error:
            unreadable.append(str(error))
            continue
        said += [Said(name=names.get(one.seat, ""), start_ms=one.start_ms, text=one.text) for one in utterances]
    return sorted(said, key=lambda one: one.start_ms), unreadable
