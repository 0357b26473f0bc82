"""A host's calendars: added switched off, read-only, each with its own rule, language and choice of meetings; and what
holds for them all.

Addresses may hold secrets, so a page shows only their site. Reading the calendars is done elsewhere, and accounts are
connected in `connecting`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from calendar_sync.planning import NO_LINK
from consent_notice.words import CalendarId
from storage.accounts import AccountRow
from storage.calendars import CalendarRow
from storage.host_rules import HostRules
from web.access import CLOCK, STORE, Access, Route, back_to, get, post, tell, text_of, user_of
from web.calendar_choices import EARLY_S, read_policy
from web.host_rules import inside_of, read_rules, save_rules
from web.hosts import allowed_fallbacks, allowed_rules, languages, read_fallback, read_rule
from web.pages import page
from web.services import SERVICES, WORDS
from web.settings import SETTINGS

UPLOADED = "data:text/calendar;base64,"
LARGEST_FILE_BYTES = 2_000_000


def routes() -> list[Route]:
    return [
        get("/calendars", show_calendars, Access.SIGNED_IN),
        post("/calendars", add_calendar, Access.SIGNED_IN),
        post("/calendars/{calendar}/enabled", switch_calendar, Access.SIGNED_IN),
        post("/calendars/{calendar}/rule", change_rule, Access.SIGNED_IN),
        post("/calendars/{calendar}/choices", change_choices, Access.SIGNED_IN),
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
    is_on = await text_of(request, "enabled") == "yes"
    if is_on and calendar.needs_wider:
        raise web.HTTPBadRequest(text="This calendar can't be read with the permission that was given.")
    await request.app[STORE].calendars.set_enabled(calendar.id, is_on)
    raise back_to("/calendars")


async def change_choices(request: web.Request) -> web.StreamResponse:
    calendar, settings = await _own_calendar(request), request.app[SETTINGS]
    policy, problem = await read_policy(request)
    if problem:
        return await _calendars_page(request, status=422, choices_problem=(calendar.id, problem))
    language = await text_of(request, "language")
    await request.app[STORE].calendars.set_policy(calendar.id, policy)
    if language in settings.wording:
        await request.app[STORE].calendars.set_language(calendar.id, language)
    await tell(request, "Your choices are saved. Planned meetings follow when the calendar is read, in a moment.")
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
    if calendar.account_id is not None:
        raise web.HTTPBadRequest(text="This calendar belongs to an account: switch it off, or disconnect the account.")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAccount:
    account: AccountRow
    calendars: list[CalendarRow]
    unlinked: int  # meetings of it in which no link was found, where a wider permission may find one
    offers_wider: bool


def _shown(account: AccountRow, rows: list[CalendarRow], unlinked: list[CalendarRow]) -> ShownAccount:
    """The wider permission is offered only where the narrow one fell short."""
    its = [row for row in rows if row.account_id == account.id]
    without_link = sum(row.account_id == account.id for row in unlinked)
    falls_short = without_link > 0 if account.provider == "outlook" else any(row.needs_wider for row in its)
    has_wider = bool(WORDS[account.provider].wider_asks) and not account.is_wider
    return ShownAccount(account=account, calendars=its, unlinked=without_link, offers_wider=has_wider and falls_short)


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
    choices_problem: tuple[str, str] = ("", ""),
) -> web.Response:
    settings, user, store, services = request.app[SETTINGS], user_of(request), request.app[STORE], request.app[SERVICES]
    host_rules = await store.users.host_rules(user.id)
    rows = await store.calendars.list(user.id)
    by_name = {row.id: row for row in rows}
    accounts = await store.accounts.list(user.id)
    upcoming = await store.meetings.upcoming(user.id, request.app[CLOCK].now())
    unlinked = [by_name[row.calendar_id] for row in upcoming if row.reason == NO_LINK and row.calendar_id in by_name]
    return await page(
        request,
        "calendars.html",
        status=status,
        accounts=[_shown(account, rows, unlinked) for account in accounts],
        calendars=[(row, place_of(row.address)) for row in rows if row.account_id is None],
        services={name: words for name, words in WORDS.items() if name != "ics"},
        set_up={name for name in WORDS if services.of(name) is not None},
        unused_days=settings.calendar_unused_days,
        choices_problem=choices_problem,
        earlies=EARLY_S,
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
