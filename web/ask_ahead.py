"""The host's page for asking ahead: the text for the invitation, and a personal link for whoever is to have one.

Of a link the host sees that it was sent, has run out or is revoked; who agreed or refused under it, nowhere. Of all the
answers there is one number: how many agreed.
"""

from __future__ import annotations

import re
from datetime import timedelta

from aiohttp import web

from consent_notice.ahead import Covers
from consent_notice.decisions import meets_floor
from consent_notice.notice import plain
from consent_notice.words import IdentityLevel
from storage.errors import NotStored, StorageError
from storage.invitations import Reach
from storage.meetings import MeetingRow
from web import here
from web.access import ARRIVED_MS, CLOCK, STORE, Access, Route, back_to, get, post, tell, text_of, user_of
from web.hosts import story_of
from web.live import own_meeting
from web.notices import ahead_words, choose_language
from web.pages import page
from web.settings import SETTINGS, WebSettings

DAYS_VALID = (90, 30, 7)
MOST_LINKS = 500
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


def routes() -> list[Route]:
    return [
        get("/meetings/{meeting}/ahead", show, Access.SIGNED_IN),
        post("/meetings/{meeting}/links", make_link, Access.SIGNED_IN),
        post("/meetings/{meeting}/links/{reference}/revoke", revoke_link, Access.SIGNED_IN),
    ]


async def show(request: web.Request) -> web.Response:
    return await _ask_page(request, await own_meeting(request))


async def make_link(request: web.Request) -> web.StreamResponse:
    meeting, links = await own_meeting(request), request.app[STORE].personal_links
    name, email = plain(await text_of(request, "name", 400), 80), (await text_of(request, "email", 255)).lower()
    days = await text_of(request, "days", 5)
    problem = ""
    if not name and not email:
        problem = "Say whom the link is for: a name, an e-mail address, or both."
    elif email and not _EMAIL.fullmatch(email):
        problem = "That is no e-mail address. Check it, or leave it out."
    elif len(await links.list(*_reaches(meeting))) >= MOST_LINKS:
        problem = "There are too many links to this meeting already. Use the text for the invitation instead."
    if problem:
        typed = {"name": name, "email": email}
        return await _ask_page(request, meeting, problem=problem, typed=typed, status=422)
    whole_series = meeting.series and await text_of(request, "covers", 10) == Covers.SERIES
    reach = _reaches(meeting)[-1 if whole_series else 0]
    lasts = timedelta(days=int(days) if days in {str(one) for one in DAYS_VALID} else DAYS_VALID[0])
    start = request.app[CLOCK].now() if whole_series else max(request.app[CLOCK].now(), meeting.starts_at)
    await links.make(reach, name=name, email=email, expires_at=start + lasts)
    await tell(request, "The link is made. Send it to that person alone: whoever has it can answer in their name.")
    raise back_to(f"/meetings/{meeting.id}/ahead")


async def revoke_link(request: web.Request) -> web.StreamResponse:
    """What was agreed under it counts no more; in a meeting that is on, from this moment."""
    meeting, store = await own_meeting(request), request.app[STORE]
    reference = request.match_info["reference"]
    link = next(
        (one for one in await store.personal_links.list(*_reaches(meeting)) if one.reference == reference), None
    )
    if link is None:
        raise web.HTTPNotFound
    try:
        await store.personal_links.revoke(link.reach, reference)
        await _shut(request, meeting, reference)
    except NotStored:
        raise web.HTTPNotFound from None
    except StorageError:
        raise web.HTTPServiceUnavailable from None
    await tell(request, "Revoked. No yes under that link counts any more.")
    raise back_to(f"/meetings/{meeting.id}/ahead")


async def _shut(request: web.Request, meeting: MeetingRow, reference: str) -> None:
    """After the link is revoked: a yes that repeats it was logged by now, or is refused."""
    store = request.app[STORE]
    boot_id, arrived_ms = request.app[CLOCK].boot_id, request[ARRIVED_MS]
    for agreement in await store.agreements.under_link(reference):
        answered = await store.notices.get(agreement.notice_sha256)
        for use in await store.agreement_uses.of(meeting.host_id, agreement.id):
            visit = None if use.has_ended else await store.visits.get(use.visit)
            if visit is None or answered is None:
                continue
            moment = here.Moment(visit=visit, notice=answered.notice, boot_id=boot_id, arrived_ms=arrived_ms)
            seats = here.tied_seats(await story_of(store, visit), agreement, None)
            await store.log.append_all(here.revoked_entries(moment, agreement, seats))


def invitation_text(settings: WebSettings, meeting: MeetingRow, host: str, link: str) -> str:
    """In the meeting's language; no title (law 6)."""
    language = choose_language("", "", meeting.language, settings)
    words, texts = ahead_words(language), settings.wording[language]["purposes"]
    asked = [
        str(texts[purpose.value]).split(":")[0]
        for purpose in settings.purposes
        if meets_floor(purpose, IdentityLevel.PAGE_BOUND_BY_CODE)
    ]
    who = f"{plain(host)} ({plain(settings.organisation)})" if settings.organisation else plain(host)
    ask = words["invite_ask_series" if meeting.series else "invite_ask"]
    lines = (ask, words["invite_no"], words["invite_link"])
    return "\n\n".join(line.format(host=who, purposes=", ".join(asked), link=link) for line in lines)


def _reaches(meeting: MeetingRow) -> list[Reach]:
    """The meeting, and its series where there is one."""
    alone = Reach(host_id=meeting.host_id, covers=Covers.MEETING, about=meeting.id)
    widest = Reach.of_meeting(meeting.host_id, meeting.id, meeting.series)
    return [alone] if widest == alone else [alone, widest]


async def _public_link(request: web.Request, meeting: MeetingRow) -> str:
    token = await request.app[STORE].invitations.token_of(_reaches(meeting)[-1])
    return f"{_address(request)}/a/{token}"


def _address(request: web.Request) -> str:
    return request.app[SETTINGS].public_url.rstrip("/")


async def _ask_page(
    request: web.Request,
    meeting: MeetingRow,
    *,
    problem: str = "",
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> web.Response:
    store, settings, now = request.app[STORE], request.app[SETTINGS], request.app[CLOCK].now()
    link = await _public_link(request, meeting)
    return await page(
        request,
        "ask_ahead.html",
        status=status,
        meeting=meeting,
        invitation=invitation_text(settings, meeting, user_of(request).name, link),
        agreed=await store.agreements.count_agreed(meeting.id, meeting.series),
        links=[
            (one, one.status(now), f"{_address(request)}/p/{one.token}")
            for one in await store.personal_links.list(*_reaches(meeting))
        ],
        days_valid=DAYS_VALID,
        problem=problem,
        typed=typed or {"name": "", "email": ""},
    )
