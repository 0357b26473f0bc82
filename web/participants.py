"""The participant's page as it is shown: who asks, what for, where one stands, and what one can do.

Opened by a public link, without an account and without JavaScript. Shows host, platform and time; no title and nobody's
name but one's own (law 6). What is answered on it is taken in `answering`, and taken back in `withdrawing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp_session import get_session

from consent_notice.decisions import meets_floor
from consent_notice.words import Standing
from web.access import NEW_ID, STORE, Access, Route, back_to, get, post
from web.notices import page_words
from web.opened import Opened, language_of, notice_of, opened_page
from web.own_copy import copy_of
from web.pages import page
from web.reads import Look, looks_at
from web.settings import SETTINGS
from web.shared_seats import MOST_PEOPLE, read_people


def routes() -> list[Route]:
    return [
        get("/c/{token}", show, Access.ANYONE),
        get("/c/{token}/state", show_state, Access.ANYONE),
        post("/c/{token}/anew", begin_anew, Access.ANYONE),
    ]


async def show(request: web.Request) -> web.Response:
    return await participant_page(request, await opened_page(request), Shown(wants_form="change" in request.query))


async def show_state(request: web.Request) -> web.Response:
    return web.json_response({"state": (await opened_page(request)).waits_for})


async def begin_anew(request: web.Request) -> web.StreamResponse:
    """For a second person on this device: forgets the page here; what was answered on it stays as it is."""
    opened = await opened_page(request)
    session = await get_session(request)
    session["pages"] = {key: value for key, value in session.get("pages", {}).items() if key != opened.visit.id}
    raise back_to(f"/c/{request.match_info['token']}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One purpose as the page shows it."""

    purpose: str
    text: str
    given: bool
    within_reach: bool  # a yes on this page counts for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page is to say besides its state."""

    wants_form: bool = False
    problem: str = ""  # key of the words
    typed: Mapping[str, str] = field(default_factory=dict)  # what this person has just sent, to be put right
    status: int = 200


async def participant_page(request: web.Request, opened: Opened, shown: Shown | None = None) -> web.Response:
    settings, shown = request.app[SETTINGS], shown or Shown()
    language, notice = await language_of(request, opened), await notice_of(request, opened)
    state = opened.state
    if shown.wants_form and not opened.is_over and state not in ("ask", "over", "again"):
        state = "ask"
    level = opened.known.level
    values: dict[str, Any] = {
        "token": request.match_info["token"],
        "opened": opened,
        "state": state,
        "words": page_words(language),
        "lang": language,
        "languages": [(code, str(table.get("name", code))) for code, table in sorted(settings.wording.items())],
        "notice": notice,
        "purposes": [
            Offered(
                purpose=purpose.value,
                text=settings.wording[language]["purposes"][purpose.value],
                given=opened.voice is not None and opened.voice.standing(purpose) is Standing.GIVEN,
                within_reach=meets_floor(purpose, level),
            )
            for purpose in settings.purposes
        ],
        "copy": await copy_of(request, opened),
        "nonce": request.app[NEW_ID](),
        "problem": shown.problem,
        "typed": shown.typed,
        "places": settings.jurisdictions.choices(),
        "most_people": MOST_PEOPLE,
        "hinted_people": read_people(request.query.get("people", "")),  # as whoever showed the picture had said
        "say_no": settings.wording[language]["answers"]["own"]["refused"][0],
        "contact": settings.organisation_contact,
        "days": settings.retention_days,
        "can_mail": settings.mail is not None,
        "vkey": request.app[STORE].log.vkey,
        "looks": _looks(opened),
    }
    return await page(request, "participant.html", status=shown.status, **values)


def _looks(opened: Opened) -> list[Look]:
    if opened.seat is None or opened.row is None:
        return []
    return looks_at(opened.story, opened.seat, opened.visit.host_id, opened.row.reference)
