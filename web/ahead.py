"""The pages on which a guest answers before the meeting: the public one of an invitation, and a personal link's.

Shows who asks, the platform and the time; no title and nobody's name but one's own (law 6). Whose look at which meeting
it is, is found in `guests`; what an answer does in a meeting that is on, in `tying`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from aiohttp import web
from aiohttp_session import get_session
from limits import RateLimitItemPerMinute

from consent_notice.ahead import SERIES_DAYS, Covers
from consent_notice.decisions import Act, meets_floor
from consent_notice.notice import Notice, plain
from consent_notice.words import Purpose, Standing
from storage.agreement_uses import Use
from storage.agreements import Said
from storage.errors import AnsweredMeanwhile, StorageError
from storage.invitations import Reach
from storage.meetings import OPEN_END_HOURS
from web.access import NEW_ID, STORE, Access, Route, back_to, get, post, text_of
from web.accounts import LIMITER
from web.guests import Opened, language_of, notice_of, open_invitation, remember, uses_of
from web.notices import ahead_words
from web.pages import page
from web.replay import SeatStory
from web.settings import SETTINGS
from web.tying import take_effect, tie_by_tap

_ANSWERS = RateLimitItemPerMinute(300, 10)  # a whole office may share one address
_NAME_TRIES = RateLimitItemPerMinute(20, 10)
_MOST_PAGES = 2  # answers to one invitation, remembered in one browser
_LONGEST_NAME = 80


def routes() -> list[Route]:
    return [
        route
        for path in ("/a/{token}", "/p/{token}")
        for route in (
            get(path, show, Access.ANYONE),
            post(path, answer, Access.ANYONE),
            get(f"{path}/state", show_state, Access.ANYONE),
            post(f"{path}/withdraw", withdraw, Access.ANYONE),
            post(f"{path}/here", tap, Access.ANYONE),
            post(f"{path}/visits/{{visit}}", open_visit_page, Access.ANYONE),
        )
    ]


async def show(request: web.Request) -> web.Response:
    return await _ahead_page(request, await open_invitation(request), wants_form="change" in request.query)


async def show_state(request: web.Request) -> web.Response:
    opened = await open_invitation(request)
    return web.json_response({"state": f"{opened.state}{'.on' if opened.is_on else ''}"})


async def answer(request: web.Request) -> web.StreamResponse:
    """A yes or a no; the form's nonce makes a second sending harmless. A no is taken however old the page is."""
    opened = await open_invitation(request)
    says_no = await text_of(request, "decision") == "no"
    if opened.is_over and not says_no:
        raise back_to(opened.base)
    name = plain(await text_of(request, "name", 400), _LONGEST_NAME)
    tries = (_NAME_TRIES, "ahead name") if says_no and name and opened.visit else (_ANSWERS, "ahead")
    if not await request.app[LIMITER].hit(*tries, opened.key, request.remote or "?"):
        raise web.HTTPTooManyRequests(text=ahead_words(await language_of(request, opened))["problem_tries"])
    notice = await notice_of(request, opened)
    form = await request.post()
    choices = {
        purpose: not says_no and form.get(f"purpose_{purpose.value}") == "on"
        for purpose in request.app[SETTINGS].purposes
        if meets_floor(purpose, opened.level)
    }
    covers = _covers(await text_of(request, "scope", 20), opened, says_no=says_no)
    if not says_no:
        problem = _problem_of_yes(choices, covers, name)
        if await text_of(request, "notice", 64) != notice.text_sha256:
            problem = "problem_text"
        if problem:
            return await _ahead_page(request, opened, wants_form=True, problem=problem, status=422)
    reach = Reach(
        host_id=opened.reach.host_id,
        covers=covers or Covers.MEETING,
        about=opened.reach.about if covers is Covers.SERIES else opened.meeting.id,
    )
    said = Said(
        reach=reach,
        name=name,
        choices=choices,
        until=_until(opened, reach.covers),
        notice=notice,
        link=opened.link.reference if opened.link else None,
    )
    nonce = await text_of(request, "nonce", 64)
    page_id = opened.agreement.page_id if opened.agreement else _page_id(request, opened.base, nonce)
    seen = None if says_no else await text_of(request, "seen", 20)
    try:
        await request.app[STORE].notices.keep(notice)
        opened.agreement = await request.app[STORE].agreements.say(
            page_id, said, nonce, seen=None if seen is None else _number(seen)
        )
        await take_effect(request, opened, notice, nonce)
    except AnsweredMeanwhile:
        return await _ahead_page(request, opened, wants_form=True, problem="problem_stale", status=422)
    except StorageError:
        raise _not_stored(notice) from None
    return await _done(request, opened, page_id)


async def withdraw(request: web.Request) -> web.StreamResponse:
    """One click; in a meeting that is on it counts at once."""
    opened = await open_invitation(request)
    if opened.agreement is None:
        raise back_to(opened.base)
    notice, nonce = await notice_of(request, opened), await text_of(request, "nonce", 64)
    try:
        opened.agreement = await request.app[STORE].agreements.withdraw(opened.agreement.page_id, nonce)
        await take_effect(request, opened, notice, nonce)
    except StorageError:
        raise _not_stored(notice) from None
    return await _done(request, opened, opened.agreement.page_id)


async def tap(request: web.Request) -> web.StreamResponse:
    """ "I'm here": ties the yes to the person's seat, or shows the code that does."""
    opened = await open_invitation(request)
    agreement = opened.agreement
    if agreement is None or opened.visit is None or not opened.is_on or opened.state not in ("given", "code"):
        raise back_to(opened.base)
    if await text_of(request, "alone") != "yes":
        raise back_to(f"/c/{opened.visit.page_token}?lang={await language_of(request, opened)}")
    notice = await notice_of(request, opened)
    try:
        await request.app[STORE].notices.keep(notice)
        await tie_by_tap(request, opened, agreement, notice)
    except StorageError:
        raise _not_stored(notice) from None
    raise back_to(f"{opened.base}?lang={notice.language}")


async def open_visit_page(request: web.Request) -> web.StreamResponse:
    """This person's own page of a meeting in which their yes was counted: to take it back, and for the receipt."""
    opened = await open_invitation(request)
    uses = await uses_of(request, opened)
    use = next((one for one in uses if one.visit == request.match_info["visit"] and one.was_given), None)
    if use is None:
        raise web.HTTPNotFound
    store, session = request.app[STORE], await get_session(request)
    if use.visit not in session.get("pages", {}):
        row = await store.pages.open(use.visit)
        await store.pages.choose(row.page_id, {purpose: act is Act.GIVE for purpose, act in use.acts}, True)
        await store.pages.bind(use.visit, row.code, use.seat)
        remember(session, "pages", use.visit, {"id": row.page_id, "revision": 0, "noted": False})
    raise back_to(f"/c/{use.page_token}?lang={await language_of(request, opened)}")


# ---- what an answer does ---------------------------------------------------------------------------------------------


def _covers(text: str, opened: Opened, *, says_no: bool) -> Covers | None:
    """A no that does not say how far it reaches is for this meeting."""
    if not opened.may_cover_series or (says_no and text != Covers.SERIES):
        return Covers.MEETING
    return Covers(text) if text in set(Covers) else None


def _problem_of_yes(choices: Mapping[Purpose, bool], covers: Covers | None, name: str) -> str:
    if not any(choices.values()):
        return "problem_nothing_ticked"
    if not choices.get(Purpose.RECORDING):
        return "problem_needs_recording"
    if covers is None:
        return "problem_scope"
    return "" if name else "problem_name_missing"


def _until(opened: Opened, covers: Covers) -> date:
    """Never longer than the link holds by which it can be taken back."""
    meeting = opened.meeting
    if covers is Covers.SERIES:
        last = opened.today + timedelta(days=SERIES_DAYS)
    else:
        ends_at = meeting.ends_at or meeting.starts_at + timedelta(hours=OPEN_END_HOURS)
        last = max(ends_at.date(), opened.today)
    return min(last, opened.link.expires_at.date()) if opened.link else last


# ---- the page --------------------------------------------------------------------------------------------------------


async def _done(request: web.Request, opened: Opened, page_id: str) -> web.StreamResponse:
    session = await get_session(request)
    pages = [*(one.page_id for one in opened.own if one.page_id != page_id), page_id]
    remember(session, "ahead", opened.key, pages[-_MOST_PAGES:])
    raise back_to(f"{opened.base}?lang={await language_of(request, opened)}")


def _page_id(request: web.Request, base: str, nonce: str) -> str:
    """From the form's nonce, so that a form that is sent twice makes one page."""
    key = request.app[STORE].session_key
    return hmac.new(key, f"onrecord ahead page\0{base}\0{nonce}".encode(), hashlib.sha256).hexdigest()[:32]


def _number(text: str) -> int:
    return int(text) if text.removeprefix("-").isdecimal() and text.isascii() else -2  # no entry's


def _not_stored(notice: Notice) -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(text=ahead_words(notice.language)["problem_store"])


async def _ahead_page(
    request: web.Request, opened: Opened, *, wants_form: bool = False, problem: str = "", status: int = 200
) -> web.Response:
    settings, language = request.app[SETTINGS], await language_of(request, opened)
    state = "ask" if wants_form and not opened.is_over else opened.state
    seats = opened.tied if state in ("here", "no_here") else []
    choices = opened.agreement.choices if opened.agreement else {}
    texts = settings.wording[language]["purposes"]
    form = await request.post() if problem else {}
    values: dict[str, Any] = {
        "opened": opened,
        "state": state,
        "is_on": opened.is_on,
        "words": ahead_words(language),
        "lang": language,
        "languages": [(code, str(table.get("name", code))) for code, table in sorted(settings.wording.items())],
        "notice": await notice_of(request, opened),
        "purposes": [
            (purpose.value, texts[purpose.value], _holds(purpose, choices, seats))
            for purpose in settings.purposes
            if meets_floor(purpose, opened.level)
        ],
        "unreachable": [
            texts[purpose.value] for purpose in settings.purposes if not meets_floor(purpose, opened.level)
        ],
        "nonce": request.app[NEW_ID](),
        "problem": problem,
        "typed_name": form.get("name", opened.agreement.name if opened.agreement else ""),
        "history": [(use, _became(use)) for use in await uses_of(request, opened)],
        "contact": settings.organisation_contact,
        "days": settings.retention_days,
    }
    return await page(request, "ahead.html", status=status, **values)


def _holds(purpose: Purpose, choices: Mapping[Purpose, bool], seats: list[SeatStory]) -> bool:
    if seats:
        return any(seat.standing(purpose) is Standing.GIVEN for seat in seats)
    return choices.get(purpose, False)


def _became(use: Use) -> str:
    """yes, no or back."""
    act = dict(use.acts).get(Purpose.RECORDING)
    if act is Act.GIVE:
        return "yes"
    return "no" if act is Act.REFUSE else "back"
