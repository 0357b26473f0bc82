"""Ties an answer given ahead to whoever gave it, and brings a no into every meeting that is on. All of it is logged.

Which seat a tap may tie, and what the entries say, is worked out in `here`.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp_session import get_session

from consent_notice.ahead import objection
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel
from storage.agreements import Agreement
from storage.errors import AnsweredMeanwhile
from storage.pages import PageRow
from storage.visits import VisitRow
from web import here
from web.access import ARRIVED_MS, CLOCK, STORE
from web.guests import Opened, look, remember
from web.hosts import story_of
from web.replay import SeatStory

_TRIES = 3


async def take_effect(request: web.Request, opened: Opened, notice: Notice, nonce: str) -> None:
    """In every meeting that is on: a no and a withdrawal count at once, and so does what is ticked no more.

    Raises StorageError.
    """
    store, agreement = request.app[STORE], opened.agreement
    assert agreement is not None
    await look(request, opened)  # after it is durable: what repeats it was logged by now, or is refused
    uses = await store.agreement_uses.of(agreement.reach.host_id, agreement.id)
    visits = {use.visit for use in uses if not use.has_ended} | ({opened.visit.id} if opened.visit else set())
    for visit_id in sorted(visits):
        visit = await store.visits.get(visit_id)
        if visit is None:
            continue
        row = opened.page if opened.page is not None and opened.page.visit == visit_id else None
        story = await story_of(store, visit)
        entries = here.no_entries(_moment(request, visit, notice), agreement, story, row, nonce)
        await store.log.append_all(entries)
        if row is not None and not agreement.says_yes:  # its code may still be typed
            nothing = dict.fromkeys(agreement.choices, False)
            await store.pages.choose(
                row.page_id, nothing, row.alone_on_device, people=row.people, notice_sha256=notice.text_sha256
            )


async def tie_by_tap(request: web.Request, opened: Opened, agreement: Agreement, notice: Notice) -> None:
    """Where it can't tell whose seat it is, the page then has a code for the chat. Raises StorageError."""
    row = await _visit_page(request, opened, agreement, notice)
    for _ in range(_TRIES):
        seat = await _seat_to_tie(request, opened, agreement, row)
        if seat is None or await _tie(request, opened, seat, row, notice):
            return
        await look(request, opened)


async def _visit_page(request: web.Request, opened: Opened, agreement: Agreement, notice: Notice) -> PageRow:
    """This browser's page in the meeting that is on, with the choices of the agreement on it."""
    store = request.app[STORE]
    assert opened.visit is not None
    row = opened.page or await store.pages.open(opened.visit.id)
    if row.seat is None:
        row = await store.pages.choose(
            row.page_id, agreement.choices, True, people=row.people, notice_sha256=notice.text_sha256
        )
        await store.pages.continue_agreement(row.page_id, agreement.id)
        remembered = {"id": row.page_id, "revision": 0, "noted": False}
        remember(await get_session(request), "pages", opened.visit.id, remembered)
    opened.page = row
    return row


async def _seat_to_tie(request: web.Request, opened: Opened, agreement: Agreement, row: PageRow) -> SeatStory | None:
    """None where only a code that is typed from the seat can tell."""
    store = request.app[STORE]
    if row.seat is not None:
        seat = opened.story.seats.get(row.seat)
        is_free = seat is not None and seat.people == 1 and not here.said_no_here([seat])
        return seat if is_free else None
    said = await store.agreements.of_meeting(opened.meeting.id, opened.meeting.series)
    against = objection([one.answer for one in said], agreement.answer, agreement.name, opened.today)
    vouched = {opened.link.name} if opened.link else set()
    earlier = await store.pages.last_bound_by(agreement.id)
    if earlier is not None and earlier.seat is not None:
        entries = await asyncio.to_thread(store.log.entries_of, earlier.visit)
        names = here.names_of_seat((entry.event for entry in entries), earlier.seat)
        vouched |= names if len(names) == 1 else set()
    return here.seat_by_tap(opened.story, agreement, vouched, is_doubtful=against is not None)


async def _tie(request: web.Request, opened: Opened, seat: SeatStory, row: PageRow, notice: Notice) -> bool:
    """False where somebody answered meanwhile: look again."""
    store, agreement = request.app[STORE], opened.agreement
    assert agreement is not None
    assert opened.visit is not None
    level = IdentityLevel.PAGE_BOUND_BY_CODE if row.seat is not None else here.level_by_tap(agreement)
    moment = _moment(request, opened.visit, notice)
    entries = here.yes_entries(moment, agreement, seat, level, row.reference)
    try:
        await store.agreements.count(entries, opened.visit.id, opened.read_until)
    except AnsweredMeanwhile:
        return False
    # After the entry: if we die here, the yes counts, and the page asks for the code again.
    if row.seat is None:
        await store.pages.bind(opened.visit.id, row.code, seat.seat)
    events = [entry.event for entry in await asyncio.to_thread(store.log.entries_of, opened.visit.id)]
    await store.agreements.bind_platform_id(agreement.id, here.platform_id_of(events, seat.seat), seat.name)
    return True


def _moment(request: web.Request, visit: VisitRow, notice: Notice) -> here.Moment:
    boot_id = request.app[CLOCK].boot_id
    return here.Moment(visit=visit, notice=notice, boot_id=boot_id, arrived_ms=request[ARRIVED_MS])
