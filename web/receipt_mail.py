"""Sends a person their receipt to a mail address that they type; used once, for this mail, and not stored or logged.

The mail says host, platform and time, never the title (law 6), and carries the same file that the page offers.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime

from aiohttp import web
from limits import RateLimitItem, RateLimitItemPerHour

from consent_notice.notice import plain
from consent_notice.receipt_page import page_of
from web import display
from web.access import CLOCK, NEW_ID, Access, Route, back_to, post, tell, text_of
from web.accounts import LIMITER
from web.mail import AddressRefused, MailNotSent, is_address, send
from web.notices import page_words
from web.opened import Opened, opened_page
from web.receipts import file_name, language_of, receipt_for
from web.settings import SETTINGS, MailServer

# A page is one person's; a meeting has many; and nobody may use either to fill a stranger's box.
_PER_PAGE, _PER_MEETING, _PER_BROWSER = RateLimitItemPerHour(3), RateLimitItemPerHour(60), RateLimitItemPerHour(10)


def routes() -> list[Route]:
    return [post("/c/{token}/receipt/mail", mail, Access.ANYONE)]


async def mail(request: web.Request) -> web.StreamResponse:
    server = request.app[SETTINGS].mail
    if server is None:
        raise web.HTTPNotFound
    opened = await opened_page(request)
    receipt = await receipt_for(request, opened)
    language = await language_of(request, opened)
    words = page_words(language)
    kind, said = await _send(request, opened, server, page_of(receipt), words)
    await tell(request, words[said], kind)
    raise back_to(f"/c/{request.match_info['token']}?lang={language}")


async def _send(
    request: web.Request, opened: Opened, server: MailServer, page: bytes, words: dict[str, str]
) -> tuple[str, str]:
    """How it went: good or bad, and the words that say so."""
    address = await text_of(request, "address", 400)
    if not is_address(address):
        return "bad", "mail_no_address"
    if not await _may_send(request, opened):
        return "bad", "mail_tries"
    message = EmailMessage()
    message["Subject"] = words["mail_subject"]
    message["From"] = server.sender
    message["To"] = address
    message["Date"] = format_datetime(request.app[CLOCK].now())
    message["Message-ID"] = f"<{request.app[NEW_ID]()}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    platform, at = display.platform(opened.platform), display.moment_text(opened.visit.started_at)
    text = words["mail_text"].replace("{platform}", platform).replace("{time}", at)
    message.set_content(text.replace("{host}", plain(opened.host)) + "\n")
    message.add_attachment(
        page, maintype="text", subtype="html", filename=f"{file_name(opened)}.html", params={"charset": "utf-8"}
    )
    try:
        await send(server, message)
    except AddressRefused:
        return "bad", "mail_refused"
    except MailNotSent:
        return "bad", "mail_failed"
    return "good", "mail_sent"


async def _may_send(request: web.Request, opened: Opened) -> bool:
    assert opened.row is not None
    limiter = request.app[LIMITER]
    limits: list[tuple[RateLimitItem, str, str]] = [
        (_PER_PAGE, "mail page", opened.row.page_id),
        (_PER_MEETING, "mail meeting", opened.visit.id),
        (_PER_BROWSER, "mail browser", request.remote or "?"),
    ]
    return all([await limiter.hit(limit, kind, name) for limit, kind, name in limits])
