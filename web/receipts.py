"""A participant's own receipt, for the browser whose page is bound to the seat; for nobody else it does not exist."""

from __future__ import annotations

import asyncio

from aiohttp import web

from consent_notice.receipt import BadReceipt, Party, ReceiptFacts
from storage.errors import NotStored
from storage.receipts import receipt_of
from web.access import NEW_ID, STORE, Access, Route, get
from web.notices import link_of
from web.participants import Opened, opened_page
from web.settings import SETTINGS, WebSettings

NOT_STATED = "not stated by the host's organisation"


def routes() -> list[Route]:
    return [get("/c/{token}/receipt.json", download, Access.ANYONE)]


async def download(request: web.Request) -> web.Response:
    store, settings, opened = request.app[STORE], request.app[SETTINGS], await opened_page(request)
    if opened.seat is None or opened.row is None or not opened.told:
        raise web.HTTPNotFound
    answered = await store.notices.get(opened.told[-1].decided.notice_sha256)
    if answered is None:
        raise web.HTTPNotFound(text="The text that was answered is no longer in this store, so there is no receipt.")
    facts = facts_of(settings, opened, request.app[NEW_ID](), answered.notice.exact_text)
    try:
        receipt = await asyncio.to_thread(receipt_of, store.log, opened.visit.id, facts, opened.person)
    except (BadReceipt, NotStored):
        raise web.HTTPNotFound(text="There is no receipt: what it would show is no longer in the log.") from None
    name = f'attachment; filename="onrecord-receipt-{opened.visit.started_at:%Y-%m-%d}.json"'
    return web.Response(body=receipt, content_type="application/json", headers={"Content-Disposition": name})


def facts_of(settings: WebSettings, opened: Opened, receipt_id: str, notice_text: str) -> ReceiptFacts:
    assert opened.seat is not None
    assert opened.row is not None
    contact = settings.organisation_contact or opened.host
    return ReceiptFacts(
        record_id=opened.row.reference,
        receipt_id=receipt_id,
        seat=opened.seat.seat,
        controllers=(
            Party(
                party_id="controller",
                party_name=settings.organisation or opened.host,
                party_address=NOT_STATED,
                party_contact=contact,
                party_type="controller",
            ),
        ),
        recipients=(),
        storage_location=settings.origin,
        retention_days=settings.retention_days,
        jurisdiction=NOT_STATED,
        withdrawal_method=f"one click on {link_of(settings, opened.visit)}, or one word in the meeting's chat",
        service=settings.bot_name,
        notice_text=notice_text,
    )
