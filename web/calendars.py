"""A host's calendars: added switched off, read-only, each with its own rule and language; and what holds for them all.

Addresses may hold secrets, so a page shows only their site. Reading the calendars is done elsewhere.
"""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from aiohttp import web

from consent_notice.words import CalendarId
from storage.calendars import CalendarRow
from storage.host_rules import HostRules
from web.access import STORE, Access, Route, back_to, get, post, tell, text_of, user_of
from web.host_rules import inside_of, read_rules, save_rules
from web.hosts import allowed_fallbacks, allowed_rules, languages, read_fallback, read_rule
from web.pages import page
from web.settings import SETTINGS

UPLOADED = "data:text/calendar;base64,"
LARGEST_FILE_BYTES = 2_000_000


def routes() -> list[Route]:
    return [
        get("/calendars", show_calendars, Access.SIGNED_IN),
        post("/calendars", add_calendar, Access.SIGNED_IN),
        post("/calendars/{calendar}/enabled", switch_calendar, Access.SIGNED_IN),
        post("/calendars/{calendar}/rule", change_rule, Access.SIGNED_IN),
        post("/calendars/{calendar}/delete", delete_calendar, Access.SIGNED_IN),
        post("/rules", change_rules, Access.SIGNED_IN),
    ]


async def show_calendars(request: web.Request) -> web.Response:
    return await _calendars_page(request)


async def add_calendar(request: web.Request) -> web.StreamResponse:
    settings, user = request.app[SETTINGS], user_of(request)
    title = await text_of(request, "title", 80)
    address, problem = await _address(request, may_name_paths=user.role == "admin")
    language = await text_of(request, "language")
    if not problem and not title:
        title = "Uploaded calendar" if address.startswith(UPLOADED) else place_of(address)
    if problem:
        return await _calendars_page(request, status=422, problem=problem, title=title)
    rule = read_rule(await text_of(request, "rule"), settings)
    await request.app[STORE].calendars.add(
        host_id=user.id,
        provider="ics",
        title=title,
        address=address,
        rule=rule,
        fallback=read_fallback(await text_of(request, "fallback"), rule, settings),
        language=language if language in settings.wording else settings.default_language,
    )
    await tell(request, "The calendar is added, and off. Switch it on when the bot may read it.")
    raise back_to("/calendars")


async def switch_calendar(request: web.Request) -> web.StreamResponse:
    calendar = await _own_calendar(request)
    await request.app[STORE].calendars.set_enabled(calendar.id, await text_of(request, "enabled") == "yes")
    raise back_to("/calendars")


async def change_rule(request: web.Request) -> web.StreamResponse:
    calendar = await _own_calendar(request)
    settings = request.app[SETTINGS]
    rule = read_rule(await text_of(request, "rule"), settings)
    fallback = read_fallback(await text_of(request, "fallback"), rule, settings)
    await request.app[STORE].calendars.set_rule(calendar.id, rule, fallback)
    await tell(request, "The rule is changed for meetings that have not begun.")
    raise back_to("/calendars")


async def change_rules(request: web.Request) -> web.StreamResponse:
    rules, problem = await read_rules(request)
    if problem:
        return await _calendars_page(request, status=422, typed_rules=rules, rules_problem=problem)
    await save_rules(request, rules)
    await tell(request, "Your rules are saved. Planned meetings follow when their calendar is read next.")
    raise back_to("/calendars")


async def delete_calendar(request: web.Request) -> web.StreamResponse:
    calendar = await _own_calendar(request)
    await request.app[STORE].calendars.delete(calendar.id)
    await tell(request, "The calendar is disconnected. Nothing in the calendar itself was touched.")
    raise back_to("/calendars")


def place_of(address: str) -> str:
    """What may be shown of an address: never its path or query, which often are the secret."""
    if address.startswith(UPLOADED):
        return "Uploaded file"
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        return parts.hostname or "Address"
    return "File on the server"


async def _own_calendar(request: web.Request) -> CalendarRow:
    calendar = await request.app[STORE].calendars.get(CalendarId(request.match_info["calendar"]))
    if calendar is None or calendar.host_id != user_of(request).id:
        raise web.HTTPNotFound
    return calendar


async def _address(request: web.Request, *, may_name_paths: bool) -> tuple[str, str]:
    """The address to keep, or what is wrong in words."""
    sent = (await request.post()).get("file")
    if isinstance(sent, web.FileField) and sent.filename:
        content = sent.file.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            return "", "The file is larger than 2 MB. Export a shorter span of the calendar."
        if not content.lstrip(b"\xef\xbb\xbf\r\n\t ").upper().startswith(b"BEGIN:VCALENDAR"):
            return "", "That is not a calendar file. Export it as iCalendar (.ics)."
        return UPLOADED + base64.b64encode(content).decode(), ""
    address = await text_of(request, "address")
    if address.startswith("webcal://"):
        address = "https://" + address.removeprefix("webcal://")
    if address.startswith(("http://", "https://")):
        try:
            host = urlsplit(address).hostname
        except ValueError:
            host = None
        return (address, "") if host else ("", "That address has no server name in it. Copy it again.")
    if address.startswith("/"):
        if may_name_paths:
            return address, ""
        return "", "Only an admin can name a file on the server. Upload the file instead."
    if not address:
        return "", "Give the calendar's address, or choose a file."
    return "", "A calendar's address begins with https://. Look for “secret address” or “publish” in your calendar."


async def _calendars_page(
    request: web.Request,
    *,
    status: int = 200,
    problem: str = "",
    title: str = "",
    typed_rules: HostRules | None = None,
    rules_problem: str = "",
) -> web.Response:
    settings, user = request.app[SETTINGS], user_of(request)
    host_rules = await request.app[STORE].users.host_rules(user.id)
    rows = await request.app[STORE].calendars.list(user.id)
    return await page(
        request,
        "calendars.html",
        status=status,
        calendars=[(row, place_of(row.address)) for row in rows],
        problem=problem,
        title_given=title,
        rules=allowed_rules(settings),
        fallbacks=allowed_fallbacks(settings),
        host_rules=typed_rules or host_rules,
        rules_problem=rules_problem,
        inside=inside_of(host_rules, user),
        languages=languages(settings),
        language_names=dict(languages(settings)),
        default_language=settings.default_language,
        default_rule=settings.default_rule,
        may_name_paths=user.role == "admin",
    )
