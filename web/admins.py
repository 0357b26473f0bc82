"""The admin's review: consent status of every recording, the picture of a meeting, the evidence, the log, the check.

An admin sees who refused; sound and words stay with the host. What is shown here of a person is itself in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from consent_notice.canonical import canonical
from consent_notice.events import Decided, to_body
from consent_notice.words import ConsentStatus, Purpose, Standing, UserId, VisitId
from storage.copies import read_states
from storage.log_entries import ErasedBody, LogEntry
from storage.snapshots import KEPT_DAYS
from storage.verify import VerifyReport, verify
from storage.visits import RecordingFilter, VisitRow
from web import display
from web.access import CLOCK, STORE, Access, Route, get, post
from web.erasures import erasable
from web.hosts import story_of
from web.pages import page
from web.picture import draw
from web.places import why_rule
from web.reads import COMMAND_LINE, EVIDENCE, PAGE_READER, note_read
from web.recordings import older_link, read_before
from web.replay import MeetingStory, SeatStory, Told
from web.settings import SETTINGS
from web.snapshots import snapshots_of

PAGE_SIZE = 40
LOG_PAGE_SIZE = 50
FILTERS = (
    ConsentStatus.COMPLETE,
    ConsentStatus.VOICES_MISSING,
    ConsentStatus.TIME_MISSING,
    ConsentStatus.WITHDRAWN,
    ConsentStatus.NONE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The last check of this process."""

    report: VerifyReport
    at: datetime


@dataclass(slots=True)
class Checks:
    """One check at a time; it reads everything that is stored."""

    lock: asyncio.Lock
    last: Verified | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One decision as the review shows it."""

    told: Told
    seat: SeatStory
    leaf_hash: str
    what: str
    mark: str  # for the sign beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One segment and the yeses it relies on."""

    names: list[str]
    from_ms: int
    to_ms: int
    kept_ms: int
    index: int
    relies_on: tuple[int, ...]


CHECKS: web.AppKey[Checks] = web.AppKey("checks", Checks)


def set_up(app: web.Application) -> None:
    app[CHECKS] = Checks(asyncio.Lock())


def routes() -> list[Route]:
    return [
        get("/review", show_reviews, Access.ADMIN),
        get("/review/{visit}", show_review, Access.ADMIN),
        post("/review/{visit}/verify", verify_from_review, Access.ADMIN),
        get("/review/{visit}/entries/{index:[0-9]{1,12}}", show_entry, Access.ADMIN),
        get("/log", show_log, Access.ADMIN),
        post("/log/verify", verify_from_log, Access.ADMIN),
        get("/settings", show_settings, Access.ADMIN),
    ]


async def show_reviews(request: web.Request) -> web.Response:
    store, wanted = request.app[STORE], request.query.get("status", "")
    status = ConsentStatus(wanted) if wanted in {one.value for one in FILTERS} else None
    rows = await store.visits.recordings(
        RecordingFilter(consent_status=status), before=read_before(request), limit=PAGE_SIZE + 1
    )
    hosts = {user.id: user.name for user in await store.users.list()}
    return await page(
        request,
        "reviews.html",
        rows=rows[:PAGE_SIZE],
        older=older_link(rows, PAGE_SIZE),
        wanted=status.value if status else "",
        filters=[one.value for one in FILTERS],
        hosts=hosts,
        copies=await asyncio.to_thread(read_states, request.app[SETTINGS].data_dir),
    )


async def show_review(request: web.Request) -> web.Response:
    return await _review_page(request, await _visit(request))


async def verify_from_review(request: web.Request) -> web.Response:
    visit = await _visit(request)
    await _verify(request)
    return await _review_page(request, visit, just_verified=True)


async def show_entry(request: web.Request) -> web.Response:
    """One entry with its body, its proof and the checkpoint that the proof leads to."""
    store, visit, index = request.app[STORE], await _visit(request), int(request.match_info["index"])
    entry = await asyncio.to_thread(_entry_of, request, visit, index)
    await note_read(request, visit.id, EVIDENCE)
    size, path = await asyncio.to_thread(store.log.inclusion, index)
    checkpoint = await asyncio.to_thread(store.log.latest_checkpoint)
    event = entry.event
    decided = event if isinstance(event, Decided) else None
    kept = await store.notices.get(decided.notice_sha256) if decided else None
    return await page(
        request,
        "entry.html",
        visit=visit,
        entry=entry,
        decided=decided,
        body=None if isinstance(event, ErasedBody) else _readable(canonical(to_body(event))),
        size=size,
        steps=[step.hex() for step in path],
        checkpoint=checkpoint,
        vkey=store.log.vkey,
        shown=kept,
    )


async def show_log(request: web.Request) -> web.Response:
    return await _log_page(request)


async def verify_from_log(request: web.Request) -> web.Response:
    await _verify(request)
    return await _log_page(request, just_verified=True)


async def show_settings(request: web.Request) -> web.Response:
    return await page(request, "settings.html", settings=request.app[SETTINGS])


async def _visit(request: web.Request) -> VisitRow:
    visit = await request.app[STORE].visits.get(VisitId(request.match_info["visit"]))
    if visit is None:
        raise web.HTTPNotFound
    return visit


def _entry_of(request: web.Request, visit: VisitRow, index: int) -> LogEntry:
    for entry in request.app[STORE].log.entries_of(visit.id):
        if entry.index == index:
            return entry
    raise web.HTTPNotFound


async def _verify(request: web.Request) -> None:
    checks = request.app[CHECKS]
    async with checks.lock:
        report = await asyncio.to_thread(verify, request.app[SETTINGS].data_dir)
        checks.last = Verified(report=report, at=request.app[CLOCK].now())


async def _review_page(request: web.Request, visit: VisitRow, *, just_verified: bool = False) -> web.Response:
    store, clock = request.app[STORE], request.app[CLOCK]
    await note_read(request, visit.id, EVIDENCE)
    meeting, host = await store.meetings.get(visit.meeting_id), await store.users.get(visit.host_id)
    story = await story_of(store, visit)
    now_ms = None
    if visit.ended_at is None and clock.boot_id == visit.boot_id:
        now_ms = clock.boot_ms() - visit.started_boot_ms
    entries = await asyncio.to_thread(store.log.entries_of, visit.id)
    hashes = {entry.index: entry.leaf_hash.hex() for entry in entries}
    people = {UserId(COMMAND_LINE): "Somebody on the server's command line"}
    people |= {user.id: user.name for user in await store.users.list()}
    picture = draw(story, now_ms)
    return await page(
        request,
        "review.html",
        visit=visit,
        meeting=meeting,
        host=host.name if host else "",
        story=story,
        picture=picture,
        agreed=sum(seat.standing(Purpose.RECORDING) is Standing.GIVEN for seat in story.people),
        evidence=evidence_of(story, hashes),
        kept=kept_of(story),
        erasable=erasable(story),
        why=why_rule(request.app[SETTINGS], entries),
        reads=[(at, _reader(read.reader, people), read.what) for at, read in story.reads],
        left=display.in_words(display.LEFT_WORDS, visit.left_reason or ""),
        verified=request.app[CHECKS].last,
        just_verified=just_verified,
        snapshots=await snapshots_of(request, visit.id),
        snapshot_days=KEPT_DAYS,
    )


def _reader(reader: str, people: Mapping[UserId, str]) -> str:
    if reader.startswith(PAGE_READER):
        return "a participant, on their own page,"
    return people.get(UserId(reader), "an account that is gone")


def evidence_of(story: MeetingStory, hashes: dict[int, str]) -> list[Evidence]:
    """Every decision, in the log's order."""
    found = [
        Evidence(
            told=told,
            seat=seat,
            leaf_hash=hashes.get(told.index, ""),
            what=display.acts_text(tuple((purpose.value, act.value) for purpose, act in told.decided.acts)),
            mark=told.recording.value if told.recording.value in ("given", "refused", "withdrawn") else "asked",
        )
        for seat in story.seats.values()
        for told in seat.told
    ]
    return sorted(found, key=lambda one: one.told.index)


def kept_of(story: MeetingStory) -> list[Kept]:
    return [
        Kept(
            names=[story.seats[seat].name for seat in segment.opened.seats if seat in story.seats],
            from_ms=min(start for start, _ in segment.spans),
            to_ms=max(end for _, end in segment.spans),
            kept_ms=segment.kept_ms,
            index=segment.index,
            relies_on=segment.opened.relies_on,
        )
        for segment in story.segments.values()
        if segment.spans
    ]


async def _log_page(request: web.Request, *, just_verified: bool = False) -> web.Response:
    log = request.app[STORE].log
    size = await asyncio.to_thread(log.size)
    before = request.query.get("before", "")
    end = min(size, int(before)) if before.isascii() and before.isdigit() and len(before) < 13 else size
    first = max(0, end - LOG_PAGE_SIZE)
    entries = await asyncio.to_thread(log.read, first - 1, end - first)
    return await page(
        request,
        "log.html",
        entries=list(reversed(entries)),
        size=size,
        first=first,
        checkpoint=await asyncio.to_thread(log.latest_checkpoint),
        vkey=log.vkey,
        copies=await asyncio.to_thread(read_states, request.app[SETTINGS].data_dir),
        verified=request.app[CHECKS].last,
        just_verified=just_verified,
    )


def _readable(body: bytes) -> str:
    """Canonical JSON with a line a field; for reading, not for hashing."""
    return body.decode().replace('","', '",\n"').replace(',"', ',\n"')
