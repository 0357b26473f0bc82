"""The participant's page: who asks, what for, each purpose its own choice, and taking it back with one click.

Opened by a public link, without an account and without JavaScript. A yes counts only once the page's code is typed in
the meeting's chat, which the bot sees and logs; a no counts at once. A page that is bound to a seat writes its later
answers to the log itself. Shows host, platform and time; no title and nobody's name but one's own (law 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp_session import get_session
from limits import RateLimitItemPerMinute

from consent_notice.ahead import same_name
from consent_notice.notice import Notice
from consent_notice.words import Purpose, Standing
from storage.errors import StorageError
from storage.pages import PageRow
from storage.store import Store
from storage.visits import VisitRow
from web.access import ARRIVED_MS, CLOCK, NEW_ID, STORE, Access, Route, back_to, get, post, text_of
from web.accounts import LIMITER
from web.answers import Acts, Sent, acts_of_no, acts_of_yes, entries_for
from web.hosts import story_of
from web.notices import choose_language, page_notice, page_words
from web.pages import page
from web.replay import MeetingStory, SeatStory
from web.settings import SETTINGS

_NAME_TRIES = RateLimitItemPerMinute(20, 10)
_NEW_PAGES = RateLimitItemPerMinute(60, 10)
_MOST_PAGES = 5  # of different meetings, remembered in one browser


@dataclass(slots=True, kw_only=True)
class Opened:
    """One browser's look at one meeting."""

    visit: VisitRow
    host: str
    platform: str
    row: PageRow | None
    revision: int  # grows with every answer sent from this browser
    noted: bool  # a no was noted under a typed name
    story: MeetingStory

    @property
    def seat(self) -> SeatStory | None:
        """The seat that this page is bound to, once the code was typed there."""
        if self.row is None or self.row.seat is None:
            return None
        return self.story.seats.get(self.row.seat)

    @property
    def is_over(self) -> bool:
        return self.visit.ended_at is not None

    @property
    def seen(self) -> str:
        """Changes with every answer, wherever it was given; a yes on an older page is not taken."""
        last = self.seat.last_decision if self.seat else None
        return f"{self.revision}.{'-' if last is None else last}"

    @property
    def state(self) -> str:
        if self.seat is not None:
            standing = self.seat.standing(Purpose.RECORDING)
            if standing in (Standing.GIVEN, Standing.REFUSED, Standing.WITHDRAWN):
                return standing.value
            return "over" if self.is_over else "waiting"
        if self.is_over:
            return "over"
        if self.row is None or self.row.choices is None:
            return "ask"
        return "code" if self.row.choices.get(Purpose.RECORDING) else "no"


def routes() -> list[Route]:
    return [
        get("/c/{token}", show, Access.ANYONE),
        post("/c/{token}", answer, Access.ANYONE),
        get("/c/{token}/state", show_state, Access.ANYONE),
        post("/c/{token}/withdraw", withdraw, Access.ANYONE),
        post("/c/{token}/anew", begin_anew, Access.ANYONE),
    ]


async def show(request: web.Request) -> web.Response:
    return await _participant_page(request, await opened_page(request), wants_form="change" in request.query)


async def show_state(request: web.Request) -> web.Response:
    return web.json_response({"state": (await opened_page(request)).state})


async def answer(request: web.Request) -> web.StreamResponse:
    """A yes or a no. Idempotent by the form's nonce; a yes from a page that is out of date is shown again instead."""
    opened = await opened_page(request)
    says_no = await text_of(request, "decision") == "no"
    if opened.is_over and (opened.seat is None or not says_no):
        raise back_to(request.path)  # after the meeting a yes can only be taken back
    if says_no:
        return await _say_no(request, opened)
    purposes = request.app[SETTINGS].purposes
    form = await request.post()
    choices = {purpose: form.get(f"purpose_{purpose.value}") == "on" for purpose in purposes}
    alone = await text_of(request, "alone")
    problem = _problem_of_yes(choices, alone)
    if await text_of(request, "seen", 40) != opened.seen:
        problem = "problem_stale"
    if problem:
        return await _participant_page(request, opened, wants_form=True, problem=problem, status=422)
    if alone == "no":
        was_bound = opened.seat is not None
        if opened.row is not None:  # what was ticked on it for one person alone must not count when its code is typed
            await _keep(request, opened, choices, alone=False)
        # The yes was for one's own voice alone: doubt is a no. One bound just now may be on its way to the log.
        if opened.seat is not None and (not was_bound or opened.seat.standing(Purpose.RECORDING) is Standing.GIVEN):
            await _log(request, opened, [(opened.seat, acts_of_no(opened.seat, purposes))])
        return await _participant_page(request, opened, forced_state="shared")
    await _keep(request, opened, choices, alone=True)
    if opened.seat is not None:
        await _log(request, opened, [(opened.seat, acts_of_yes(opened.seat, choices))])
    return await _done(request, opened, noted=False)


async def withdraw(request: web.Request) -> web.StreamResponse:
    """One click. Without a purpose: everything."""
    opened = await opened_page(request)
    if opened.seat is None:
        return await _say_no(request, opened)
    only = await text_of(request, "purpose", 40)
    purposes = request.app[SETTINGS].purposes
    if only and only != Purpose.RECORDING.value:
        purposes = tuple(purpose for purpose in purposes if purpose.value == only)
    acts = acts_of_no(opened.seat, purposes)
    await _log(request, opened, [(opened.seat, acts)])
    if opened.row is not None:
        kept = {**(opened.row.choices or {}), **{purpose: False for purpose, _ in acts}}
        await request.app[STORE].pages.choose(opened.row.page_id, kept, opened.row.alone_on_device)
    return await _done(request, opened, noted=False)


async def begin_anew(request: web.Request) -> web.StreamResponse:
    """For a second person on this device: forgets the page here; what was answered on it stays as it is."""
    opened = await opened_page(request)
    session = await get_session(request)
    session["pages"] = {key: value for key, value in session.get("pages", {}).items() if key != opened.visit.id}
    raise back_to(f"/c/{request.match_info['token']}")


async def opened_page(request: web.Request) -> Opened:
    store: Store = request.app[STORE]
    visit = await store.visits.by_page_token(request.match_info["token"])
    if visit is None:
        raise web.HTTPNotFound
    host, meeting = await store.users.get(visit.host_id), await store.meetings.get(visit.meeting_id)
    remembered = (await get_session(request)).get("pages", {}).get(visit.id, {})
    row = await store.pages.get(str(remembered["id"])) if remembered.get("id") else None
    if row is not None and row.visit != visit.id:
        row = None
    return Opened(
        visit=visit,
        host=host.name if host else "",
        platform=meeting.platform if meeting else "",
        row=row,
        revision=int(remembered.get("revision", 0)),
        noted=bool(remembered.get("noted", False)),
        story=await story_of(store, visit),
    )


def _problem_of_yes(choices: Mapping[Purpose, bool], alone: str) -> str:
    if not any(choices.values()):
        return "problem_nothing_ticked"
    if not choices.get(Purpose.RECORDING):
        return "problem_needs_recording"
    return "" if alone in ("yes", "no") else "problem_alone"


async def _say_no(request: web.Request, opened: Opened) -> web.StreamResponse:
    """Never refused as out of date: a no always counts. Under a typed name it counts for that seat at once."""
    purposes = request.app[SETTINGS].purposes
    was_bound = opened.seat is not None
    if opened.seat is not None:
        await _log(request, opened, [(opened.seat, acts_of_no(opened.seat, purposes))])
    alone = opened.row.alone_on_device if opened.row is not None else None
    await _keep(request, opened, dict.fromkeys(purposes, False), alone=alone)
    if opened.seat is not None and not was_bound:
        await _log(request, opened, [(opened.seat, acts_of_no(opened.seat, purposes))])
    name = await text_of(request, "name", 200)
    noted = opened.noted
    if opened.seat is None and name:
        if not await request.app[LIMITER].hit(_NAME_TRIES, "name", opened.visit.id, request.remote or "?"):
            return await _participant_page(request, opened, problem="problem_tries", status=429)
        named = [seat for seat in opened.story.people if seat.is_present and same_name(name, seat.name)]
        if not named:
            return await _participant_page(request, opened, problem="problem_name", status=422)
        # Two people of one name: doubt is a no, and each can say yes for themselves.
        await _log(request, opened, [(seat, acts_of_no(seat, purposes)) for seat in named], by_name=True)
        noted = True
    return await _done(request, opened, noted=noted)


async def _log(
    request: web.Request, opened: Opened, seats: Sequence[tuple[SeatStory, Acts]], *, by_name: bool = False
) -> None:
    """Durable on return, all of it or nothing; an answer never names a text that is not kept."""
    assert opened.row is not None
    notice = await _notice(request, opened)
    sent = Sent(
        visit=opened.visit.id,
        epoch=opened.visit.epoch,
        page_id=opened.row.page_id,
        nonce=await text_of(request, "nonce", 64),
        notice=notice,
        boot_id=request.app[CLOCK].boot_id,
        arrived_ms=request[ARRIVED_MS],
    )
    entries = [entry for seat, acts in seats if acts for entry in entries_for(sent, seat, acts, by_name=by_name)]
    try:
        await request.app[STORE].notices.keep(notice)
        await request.app[STORE].log.append_all(entries)
    except StorageError:
        raise web.HTTPServiceUnavailable(text=page_words(notice.language)["problem_store"]) from None


async def _keep(request: web.Request, opened: Opened, choices: Mapping[Purpose, bool], *, alone: bool | None) -> None:
    """What was ticked. If the code was typed meanwhile, an older choice was bound: the page is then the seat's, and
    what is logged from here on is said now, after it."""
    was_bound = opened.seat is not None
    row = opened.row or await _open_page(request, opened)
    opened.row = await request.app[STORE].pages.choose(row.page_id, choices, alone)
    if opened.row.seat is not None and not was_bound:
        opened.story = await story_of(request.app[STORE], opened.visit)
        request[ARRIVED_MS] = request.app[CLOCK].boot_ms()


async def _open_page(request: web.Request, opened: Opened) -> PageRow:
    """Only with the first answer: a link preview opens nothing."""
    if not await request.app[LIMITER].hit(_NEW_PAGES, "pages", opened.visit.id, request.remote or "?"):
        raise web.HTTPTooManyRequests(text=page_words(await _language(request, opened))["problem_tries"])
    opened.row = await request.app[STORE].pages.open(opened.visit.id)
    return opened.row


async def _done(request: web.Request, opened: Opened, *, noted: bool) -> web.StreamResponse:
    session = await get_session(request)
    pages = {key: value for key, value in session.get("pages", {}).items() if key != opened.visit.id}
    if opened.row is not None:
        pages[opened.visit.id] = {"id": opened.row.page_id, "revision": opened.revision + 1, "noted": noted}
    session["pages"] = dict(list(pages.items())[-_MOST_PAGES:])
    language = await _language(request, opened)
    raise back_to(f"/c/{request.match_info['token']}?lang={language}")


async def _language(request: web.Request, opened: Opened) -> str:
    asked = request.query.get("lang", "")
    if request.method == "POST":
        asked = await text_of(request, "lang", 10)
    return choose_language(
        asked, request.headers.get("Accept-Language", ""), opened.visit.language, request.app[SETTINGS]
    )


async def _notice(request: web.Request, opened: Opened) -> Notice:
    return page_notice(request.app[SETTINGS], opened.visit, opened.host, await _language(request, opened))


async def _participant_page(
    request: web.Request,
    opened: Opened,
    *,
    wants_form: bool = False,
    problem: str = "",
    forced_state: str = "",
    status: int = 200,
) -> web.Response:
    settings = request.app[SETTINGS]
    language = await _language(request, opened)
    notice = await _notice(request, opened)
    state = forced_state or opened.state
    if wants_form and not forced_state and not opened.is_over and state not in ("ask", "over"):
        state = "ask"
    values: dict[str, Any] = {
        "token": request.match_info["token"],
        "opened": opened,
        "state": state,
        "words": page_words(language),
        "lang": language,
        "languages": [(code, str(table.get("name", code))) for code, table in sorted(settings.wording.items())],
        "notice": notice,
        "purposes": [
            (
                purpose.value,
                settings.wording[language]["purposes"][purpose.value],
                opened.seat is not None and opened.seat.standing(purpose) is Standing.GIVEN,
            )
            for purpose in settings.purposes
        ],
        "nonce": request.app[NEW_ID](),
        "problem": problem,
        "say_no": settings.wording[language]["answers"]["own"]["refused"][0],
        "contact": settings.organisation_contact,
        "days": settings.retention_days,
    }
    return await page(request, "participant.html", status=status, **values)
