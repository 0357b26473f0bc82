"""A participant's own receipt, for the browser whose page is bound to the seat; for nobody else it does not exist.

As a page that carries its own data, and as the data alone. What a receipt holds is decided in `consent_notice.receipt`,
what it looks like in `consent_notice.receipt_page`; here its facts are filled in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from consent_notice.events import Decided
from consent_notice.finding import Whose
from consent_notice.information import is_none
from consent_notice.receipt import PageWords, ReceiptFacts
from consent_notice.receipt_page import POLICY, WORDS, page_of
from consent_notice.record import BadReceipt, Party, RecordFacts
from consent_notice.words import Purpose
from storage.consent_log import ConsentLog
from storage.errors import NotStored
from storage.log_entries import ErasedBody, LogEntry
from storage.receipts import entries_about, receipt_of
from web import display
from web.access import CLOCK, NEW_ID, STORE, Access, Route, get, text_of
from web.headers import POLICY_OF_ANSWER
from web.notices import choose_language, link_of, page_words
from web.opened import Opened, opened_page
from web.replay import SeatStory
from web.settings import SETTINGS

NOT_YET = "There is no receipt yet. It is there once an answer of this page counts, in the browser that gave it."
ERASED = "There is no receipt any more: what it would show was erased, and only hashes of it are left in the log."


def routes() -> list[Route]:
    return [
        get("/c/{token}/receipt.json", download, Access.ANYONE),
        get("/c/{token}/receipt.html", show, Access.ANYONE),
    ]


async def download(request: web.Request) -> web.Response:
    opened = await opened_page(request)
    receipt = await receipt_for(request, opened)
    headers = {"Content-Disposition": f'attachment; filename="{file_name(opened)}.json"'}
    return web.Response(body=receipt, content_type="application/json", headers=headers)


async def show(request: web.Request) -> web.Response:
    """To be looked at or saved: both are the same bytes."""
    opened = await opened_page(request)
    page = page_of(await receipt_for(request, opened))
    kind = "attachment" if "download" in request.query else "inline"
    headers = {"Content-Disposition": f'{kind}; filename="{file_name(opened)}.html"'}
    answer = web.Response(body=page, content_type="text/html", charset="utf-8", headers=headers)
    answer[POLICY_OF_ANSWER] = f"{POLICY}; frame-ancestors 'none'"
    return answer


def file_name(opened: Opened) -> str:
    return f"onrecord-receipt-{opened.visit.started_at:%Y-%m-%d}"


async def receipt_for(request: web.Request, opened: Opened) -> bytes:
    """Canonical JSON, made anew. Raises HTTPNotFound in words."""
    log = request.app[STORE].log
    if opened.seat is None or not opened.told:
        raise web.HTTPNotFound(text=await asyncio.to_thread(_why_there_is_none, log, opened))
    entries = await asyncio.to_thread(entries_about, log, opened.visit.id, opened.seat.seat, opened.person)
    facts = await facts_of(request, opened, opened.seat, entries)
    try:
        return await asyncio.to_thread(receipt_of, log, entries, facts)
    except (BadReceipt, NotStored):
        raise web.HTTPNotFound(text=ERASED) from None


def _why_there_is_none(log: ConsentLog, opened: Opened) -> str:
    """Of a page that was bound the log knew an answer; if it no longer does, that was erased."""
    was_bound = opened.row is not None and opened.row.seat is not None
    entries = log.entries_of(opened.visit.id) if was_bound else []
    return ERASED if any(isinstance(entry.event, ErasedBody) for entry in entries) else NOT_YET


async def facts_of(request: web.Request, opened: Opened, seat: SeatStory, entries: Sequence[LogEntry]) -> ReceiptFacts:
    """The one place where a receipt's statements beside the log are filled in."""
    settings, language = request.app[SETTINGS], await language_of(request, opened)
    words, information = page_words(language), settings.information
    not_stated = words["receipt_not_stated"]
    assert opened.row is not None
    contact = settings.organisation_contact or opened.host
    address = information.said("organisation_address") or not_stated
    record = RecordFacts(
        record_id=opened.row.reference,
        seat=seat.seat,
        controllers=(_party("controller", settings.organisation or opened.host, address, contact),),
        other_parties=tuple(
            _party(kind, said, not_stated, said)
            for kind, said in (
                ("data protection officer", information.said("dpo_contact")),
                ("representative", information.said("representative")),
            )
            if said
        ),
        authority=information.said("authority") or not_stated,
        recipients=() if is_none(information.recipients) else (information.recipients or not_stated,),
        storage_location=settings.origin,
        processing_location=settings.jurisdictions.name_of(settings.bot_location) or not_stated,
        retention_days=settings.retention_days,
        jurisdiction=_jurisdiction(opened) or not_stated,
        withdrawal_method=words["receipt_back_text"].replace("{link}", link_of(settings, opened.visit)),
        rights=words["receipt_rights_text"].replace("{contact}", contact),
        service=settings.bot_name,
    )
    return ReceiptFacts(
        receipt_id=request.app[NEW_ID](),
        issued_at=display.iso(request.app[CLOCK].now()),
        record=record,
        notice_texts=await _answered_texts(request, entries),
        page=PageWords(
            language=language,
            words={key: words[key] for key in WORDS},
            purposes={purpose: str(settings.wording[language]["purposes"][purpose.value]) for purpose in Purpose},
            platform=display.platform(opened.platform),
        ),
    )


def _party(kind: str, name: str, address: str, contact: str) -> Party:
    return Party(party_id=kind, party_name=name, party_address=address, party_contact=contact, party_type=kind)


def _jurisdiction(opened: Opened) -> str:
    """Of the host and the bot, as far as they were looked at; where others said they are is not this person's."""
    settled = opened.story.settled
    places = settled.places if settled is not None else ()
    return ", ".join(dict.fromkeys(code for code, whose in places if code and not whose.startswith(Whose.PARTICIPANT)))


async def language_of(request: web.Request, opened: Opened) -> str:
    asked = await text_of(request, "lang", 10) if request.method == "POST" else request.query.get("lang", "")
    accepted = request.headers.get("Accept-Language", "")
    return choose_language(asked, accepted, opened.visit.language, request.app[SETTINGS])


async def _answered_texts(request: web.Request, entries: Sequence[LogEntry]) -> tuple[str, ...]:
    """Those that are still kept; a receipt that lacks one is not made."""
    hashes = {entry.event.notice_sha256: None for entry in entries if isinstance(entry.event, Decided)}
    kept = [await request.app[STORE].notices.get(text_sha256) for text_sha256 in hashes]
    return tuple(one.notice.exact_text for one in kept if one is not None)
