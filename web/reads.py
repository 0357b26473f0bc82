"""Who looked at what is kept of a meeting: an entry before anything is shown, and told to whom it concerns.

A look at the same thing by the same reader is one entry an hour (a day from the command line), whatever a player asks
for in between. One's own receipt is one's own: having it is no look at somebody else's record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from consent_notice.decisions import Act
from consent_notice.events import RecordRead
from consent_notice.words import Purpose, VisitId
from storage.errors import StorageError
from storage.store import Store
from web.access import CLOCK, STORE, user_of
from web.answers import event_id
from web.replay import MeetingStory, SeatStory

RECORDING, TRANSCRIPT, EVIDENCE = "recording", "transcript", "evidence"
COMMAND_LINE = "command line"  # the reader who has a shell on the server
PAGE_READER = "page "  # before the name of a participant's page: whoever has it has no account
MOST_SHOWN = 10
_AGREED = frozenset({Act.GIVE, Act.ATTEST})
_CONCERNS = {RECORDING: Purpose.RECORDING, TRANSCRIPT: Purpose.TRANSCRIPTION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """As it is told to a participant: by role; a reviewer's name is the reviewer's."""

    at: datetime
    by: str  # "you", "host", "reviewer" or "operator"
    what: str


async def note_read(request: web.Request, visit: VisitId, what: str, *, page: str = "") -> None:
    """By whoever is signed in, or by the participant whose page that is.

    Durable on return. Where it can't be noted, nothing may be shown: 503.
    """
    who = PAGE_READER + page if page else user_of(request).id
    hour = request.app[CLOCK].now().strftime("%Y-%m-%dT%H")
    noted = event_id(visit, "read", who, what, hour)
    log = request.app[STORE].log
    try:
        if not await asyncio.to_thread(log.has, noted):  # a player asks often, and writing would hold up answers
            await log.append(RecordRead(visit=visit, reader=who, what=what), event_id=noted)
    except StorageError:
        raise web.HTTPServiceUnavailable(
            text="This reading could not be noted in the consent log, so nothing is shown. Try again soon."
        ) from None


async def note_reads_from_command_line(store: Store, visits: Iterable[VisitId], now: datetime) -> None:
    """That the evidence of these meetings is about to be shown. Durable on return; raises LogWriteFailed."""
    day = now.strftime("%Y-%m-%d")
    ids = {visit: event_id(visit, "read", COMMAND_LINE, EVIDENCE, day) for visit in visits}
    new = [visit for visit, noted in ids.items() if not await asyncio.to_thread(store.log.has, noted)]
    if new:
        await store.log.append_all(
            [(RecordRead(visit=visit, reader=COMMAND_LINE, what=EVIDENCE), ids[visit]) for visit in new]
        )


def looks_at(story: MeetingStory, seat: SeatStory, host: str, page: str) -> list[Look]:
    """The newest first. The evidence is everybody's; sound and words concern whoever ever agreed to them; what another
    participant read on a page of their own was theirs alone."""
    agreed = {purpose for told in seat.told for purpose, act in told.decided.acts if act in _AGREED}
    looks = [
        Look(at=at, by=_role_of(read.reader, host), what=read.what)
        for at, read in story.reads
        if not read.reader.startswith(PAGE_READER) or read.reader == PAGE_READER + page
        if read.what == EVIDENCE or _CONCERNS.get(read.what) in agreed
    ]
    return looks[::-1][:MOST_SHOWN]


def _role_of(reader: str, host: str) -> str:
    if reader.startswith(PAGE_READER):
        return "you"
    return "host" if reader == host else "operator" if reader == COMMAND_LINE else "reviewer"
