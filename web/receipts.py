"""A participant's own receipt, for the browser whose page is bound to the seat; for nobody else it does not exist."""

from __future__ import annotations

import asyncio

from aiohttp import web

from consent_notice.receipt import ReceiptFacts
from consent_notice.record import BadReceipt, Party, RecordFacts
from storage.consent_log import ConsentLog
from storage.errors import NotStored
from storage.log_entries import ErasedBody
from storage.receipts import receipt_of
from web import display
from web.access import CLOCK, NEW_ID, STORE, Access, Route, get
from web.answers import page_reference
from web.notices import link_of
from web.participants import Opened, opened_page
from web.replay import SeatStory
from web.settings import SETTINGS

NOT_STATED = "not stated by the host's organisation"
NOT_YET = (
    "There is no receipt yet: it needs an answer of this page that counts. Open it in the browser that you answered in."
)
ERASED = "There is no receipt any more: what it would show was erased, and only hashes of it are left in the log."


def routes() -> list[Route]:
    return [get("/c/{token}/receipt.json", download, Access.ANYONE)]


async def download(request: web.Request) -> web.Response:
    store, opened = request.app[STORE], await opened_page(request)
    if opened.seat is None or not opened.seat.told:
        raise web.HTTPNotFound(text=await asyncio.to_thread(_why_there_is_none, store.log, opened))
    facts = await facts_of(request, opened)
    try:
        receipt = await asyncio.to_thread(receipt_of, store.log, opened.visit.id, facts)
    except (BadReceipt, NotStored):
        raise web.HTTPNotFound(text=ERASED) from None
    name = f'attachment; filename="onrecord-receipt-{opened.visit.started_at:%Y-%m-%d}.json"'
    return web.Response(body=receipt, content_type="application/json", headers={"Content-Disposition": name})


def _why_there_is_none(log: ConsentLog, opened: Opened) -> str:
    """Of a page that was bound the log knew an answer; if it no longer does, that was erased."""
    was_bound = opened.row is not None and opened.row.seat is not None
    entries = log.entries_of(opened.visit.id) if was_bound else []
    return ERASED if any(isinstance(entry.event, ErasedBody) for entry in entries) else NOT_YET


async def facts_of(request: web.Request, opened: Opened) -> ReceiptFacts:
    """The one place where a receipt's statements beside the log are filled in."""
    settings = request.app[SETTINGS]
    assert opened.seat is not None
    assert opened.row is not None
    controller = Party(
        party_id="controller",
        party_name=settings.organisation or opened.host,
        party_address=NOT_STATED,
        party_contact=settings.organisation_contact or opened.host,
        party_type="controller",
    )
    record = RecordFacts(
        record_id=page_reference(opened.row.page_id),
        seat=opened.seat.seat,
        controllers=(controller,),
        authority=NOT_STATED,
        recipients=(),
        storage_location=settings.origin,
        processing_location=settings.origin,
        retention_days=settings.retention_days,
        jurisdiction=NOT_STATED,
        withdrawal_method=f"one click on {link_of(settings, opened.visit)}, or one word in the meeting's chat",
        rights=f"access, a copy, correction, erasure and complaint: {controller.party_contact}",
        service=settings.bot_name,
    )
    return ReceiptFacts(
        receipt_id=request.app[NEW_ID](),
        issued_at=display.iso(request.app[CLOCK].now()),
        record=record,
        notice_texts=await _answered_texts(request, opened.seat),
    )


async def _answered_texts(request: web.Request, seat: SeatStory) -> tuple[str, ...]:
    """Those that are still kept; a receipt that lacks one is not made."""
    hashes = {told.decided.notice_sha256: None for told in seat.told}
    kept = [await request.app[STORE].notices.get(text_sha256) for text_sha256 in hashes]
    return tuple(one.notice.exact_text for one in kept if one is not None)
