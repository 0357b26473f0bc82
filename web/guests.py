"""One guest's look at an invitation: which meeting it is about, what this browser answered, and how things stand.

A personal link that is forged or over is refused here before anything is looked up. What was answered is known only to
the browser that answered it: whoever else opens the same link, the host among them, sees an unanswered page.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from aiohttp import web
from aiohttp_session import Session, get_session

from consent_notice.ahead import Covers
from consent_notice.decisions import meets_floor
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel, Purpose
from storage.agreement_uses import Use
from storage.agreements import Agreement
from storage.errors import LinkForged, LinkOver
from storage.invitations import Reach
from storage.meetings import MeetingRow, MeetingState
from storage.pages import PageRow
from storage.personal_links import PersonalLink
from storage.visits import VisitRow
from web import here
from web.access import CLOCK, STORE, text_of
from web.hosts import story_of
from web.notices import ahead_words, choose_language, stated_fallback, written_notice
from web.replay import MeetingStory, SeatStory
from web.settings import SETTINGS

_MOST_REMEMBERED = 5  # in one browser
_OVER = (MeetingState.DONE, MeetingState.STOPPED, MeetingState.CANCELLED, MeetingState.MISSED)


@dataclass(slots=True, kw_only=True)
class Opened:
    """One browser's look at one invitation."""

    base: str  # the page's own path
    reach: Reach
    link: PersonalLink | None
    meeting: MeetingRow  # that runs, or comes next
    host: str
    today: date
    own: list[Agreement]  # all that this browser answered here, oldest first
    agreement: Agreement | None = None  # of this browser, for this meeting or its series
    is_still_valid: bool = True  # the text that was agreed to
    visit: VisitRow | None = None  # while the bot is there
    story: MeetingStory = field(default_factory=MeetingStory)
    read_until: int = -1  # entry of the log up to which `story` was told
    page: PageRow | None = None  # of this browser in that meeting

    @property
    def key(self) -> str:
        return _key(self.base)

    @property
    def is_over(self) -> bool:
        return self.visit is None and self.meeting.state in _OVER

    @property
    def may_cover_series(self) -> bool:
        return self.reach.covers is Covers.SERIES

    @property
    def level(self) -> IdentityLevel:
        """The most that this page can know of a person."""
        return IdentityLevel.SIGNED_PERSONAL_LINK if self.link else IdentityLevel.PAGE_BOUND_BY_CODE

    @property
    def is_on(self) -> bool:
        return self.visit is not None and self.visit.state == "in_room"

    @property
    def tied(self) -> list[SeatStory]:
        return here.tied_seats(self.story, self.agreement, self.page) if self.agreement else []

    @property
    def seen(self) -> str:
        """Changes with every answer of this page; a yes to an older sight of it is not taken."""
        return str(self.agreement.log_index if self.agreement else -1)

    @property
    def state(self) -> str:
        agreement = self.agreement
        if agreement is None or (self.is_over and agreement.reach.covers is Covers.MEETING):
            return "over" if self.is_over else "ask"
        if agreement.withdrawn_at is not None:
            return "withdrawn"
        if agreement.says_no:
            return "refused"
        if agreement.answer.is_over(self.today):
            return "ended"
        if not self.is_still_valid:
            return "outdated"
        if here.counts_here(self.tied):
            return "here"
        if here.said_no_here(self.tied):
            return "no_here"
        waits = self.page is not None and self.page.seat is None and (self.page.choices or {}).get(Purpose.RECORDING)
        return "code" if waits else "given"


async def open_invitation(request: web.Request) -> Opened:
    store, now, session = request.app[STORE], request.app[CLOCK].now(), await get_session(request)
    reach, link = await _reach(request)
    meeting_id = await store.invitations.meeting_now(reach, now)
    meeting = await store.meetings.get(meeting_id) if meeting_id else None
    if meeting is None:
        raise web.HTTPNotFound
    host = await store.users.get(reach.host_id)
    base, reference = "/".join(request.path.split("/", 3)[:3]), link.reference if link else None
    pages = [str(page_id) for page_id in session.get("ahead", {}).get(_key(base), [])]
    known = [await store.agreements.by_page(page_id) for page_id in pages]
    opened = Opened(
        base=base,
        reach=reach,
        link=link,
        meeting=meeting,
        host=host.name if host else "",
        today=now.date(),
        own=[one for one in known if one is not None and one.reach.host_id == reach.host_id and one.link == reference],
    )
    about = [one for one in opened.own if _is_about(one, meeting)]
    opened.agreement = max(about, key=lambda one: one.log_index, default=None)
    if opened.agreement is not None:
        opened.is_still_valid = await store.agreements.is_still_valid(opened.agreement.notice_version)
    await look(request, opened)
    return opened


async def uses_of(request: web.Request, opened: Opened) -> list[Use]:
    """The meetings in which what this browser answered was counted, newest first."""
    uses = request.app[STORE].agreement_uses
    found = [use for one in opened.own for use in await uses.of(opened.reach.host_id, one.id)]
    return sorted(found, key=lambda use: use.started_at, reverse=True)


async def _reach(request: web.Request) -> tuple[Reach, PersonalLink | None]:
    """A forged or ended link is refused before anything is looked up."""
    store, token = request.app[STORE], request.match_info["token"]
    if request.path.startswith("/a/"):
        reach = await store.invitations.by_token(token)
        if reach is None:
            raise web.HTTPNotFound
        return reach, None
    try:
        link = await store.personal_links.get(token)
    except LinkForged:
        raise web.HTTPNotFound from None
    except LinkOver:
        raise _gone(request) from None
    if link is None or link.revoked_at is not None:
        raise _gone(request)
    return link.reach, link


async def look(request: web.Request, opened: Opened) -> None:
    """What happens in the meeting now, if the bot is there, and this browser's page in it."""
    store = request.app[STORE]
    visit = await store.visits.visit_of_meeting(opened.meeting.id)
    opened.visit = visit if visit is not None and visit.ended_at is None else None
    if opened.visit is None:
        return
    opened.read_until = await asyncio.to_thread(store.log.size) - 1
    opened.story = await story_of(store, opened.visit)
    remembered = (await get_session(request)).get("pages", {}).get(opened.visit.id, {})
    row = await store.pages.get(str(remembered["id"])) if remembered.get("id") else None
    opened.page = row if row is not None and row.visit == opened.visit.id else None


def _is_about(agreement: Agreement, meeting: MeetingRow) -> bool:
    if agreement.reach.covers is Covers.MEETING:
        return agreement.reach.about == meeting.id
    return bool(meeting.series) and agreement.reach.about == meeting.series


async def language_of(request: web.Request, opened: Opened) -> str:
    asked = request.query.get("lang", "")
    if request.method == "POST":
        asked = await text_of(request, "lang", 10)
    accepted = request.headers.get("Accept-Language", "")
    return choose_language(asked, accepted, opened.meeting.language, request.app[SETTINGS])


async def notice_of(request: web.Request, opened: Opened) -> Notice:
    """The same words for everybody who is asked this way: its link is the public one, never a personal one."""
    settings, meeting = request.app[SETTINGS], opened.meeting
    token = await request.app[STORE].invitations.token_of(opened.reach)
    link = f"{settings.public_url.rstrip('/')}/a/{token}"
    purposes = tuple(purpose for purpose in settings.purposes if meets_floor(purpose, opened.level))
    language = await language_of(request, opened)
    return written_notice(
        settings,
        language,
        host=opened.host,
        rule=meeting.rule,
        fallback=stated_fallback(settings, None, meeting),
        page_link=link,
        purposes=purposes,
        is_for_invitees=False,  # it knows nobody from the invitation
    )


def remember(session: Session, drawer: str, key: str, value: Any) -> None:
    """The last few, so that a browser's cookie stays small."""
    kept = {known: one for known, one in session.get(drawer, {}).items() if known != key}
    session[drawer] = dict(list({**kept, key: value}.items())[-_MOST_REMEMBERED:])


def _key(base: str) -> str:
    return hashlib.sha256(base.encode()).hexdigest()[:16]


def _gone(request: web.Request) -> web.HTTPGone:
    settings = request.app[SETTINGS]
    language = choose_language("", request.headers.get("Accept-Language", ""), settings.default_language, settings)
    return web.HTTPGone(text=ahead_words(language)["link_gone"])
