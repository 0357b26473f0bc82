"""One browser's look at one meeting: whose page it is, which seat it speaks for, and in which state it is.

The page is remembered in the browser's session by its secret id. Decides nothing about consent: it reads the log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aiohttp import web
from aiohttp_session import get_session

from consent_notice.notice import Notice
from consent_notice.record import bears_on
from consent_notice.words import Purpose, Rule, Standing
from storage.pages import BoundBy, PageRow
from storage.store import Store
from storage.visits import VisitRow
from web.access import STORE, back_to, text_of
from web.answers import BY_CODE, BY_TELEPHONE, Known
from web.hosts import story_of
from web.notices import choose_language, page_notice, stated_fallback
from web.own_erasure import Erasing, last_wish
from web.replay import MeetingStory, SeatStory, Told, Voice
from web.settings import SETTINGS
from web.shared_seats import Together

_MOST_PAGES = 5  # of different meetings, remembered in one browser
_ANSWERED = (Standing.GIVEN, Standing.REFUSED, Standing.WITHDRAWN)


@dataclass(slots=True, kw_only=True)
class Opened:
    """One browser's look at one meeting."""

    visit: VisitRow
    host: str
    platform: str
    fallback: Rule | None
    row: PageRow | None
    revision: int  # grows with every answer sent from this browser
    noted: bool  # a no was noted under a typed name
    story: MeetingStory
    erasing: Erasing | None = None  # what this page's person asked for last

    @property
    def seat(self) -> SeatStory | None:
        """The seat that this page is bound to, once the code was typed there."""
        if self.row is None or self.row.seat is None:
            return None
        return self.story.seats.get(self.row.seat)

    @property
    def person(self) -> str:
        """Which of the people who share the seat answers here; empty where one person sits there alone.

        Whoever said "only me" of a seat that others share is one of them: doubt is a no.
        """
        if self.row is None or self.seat is None or max(self.seat.people, self.row.people) == 1:
            return ""
        return self.row.reference

    @property
    def voice(self) -> Voice | None:
        """As what this page's person stands in the log."""
        return None if self.seat is None else self.seat.voice(self.person)

    @property
    def told(self) -> list[Told]:
        """What this page's person answered, and the noes for the seat that they share; none of the others' answers."""
        told = [] if self.seat is None else self.seat.told
        has_answered = any(one.decided.person == self.person for one in told)
        return [one for one in told if bears_on(one.decided, self.person)] if has_answered else []

    @property
    def known(self) -> Known:
        """How this page is tied to its seat, or will be: by its code, unless it says otherwise."""
        return BY_TELEPHONE if self.row is not None and self.row.bound_by is BoundBy.TELEPHONE else BY_CODE

    @property
    def together(self) -> Together | None:
        """With whom this page's person shares a microphone, as far as they said so."""
        people = max(self.seat.people if self.seat else 1, self.row.people if self.row else 1)
        if people == 1:
            return None
        if self.seat is None:
            return Together(people=people, agreed=0, is_complete=False)
        is_complete = self.seat.standing(Purpose.RECORDING) is Standing.GIVEN and self.seat.people == people
        return Together(people=people, agreed=self.seat.agreed, is_complete=is_complete)

    @property
    def is_over(self) -> bool:
        return self.visit.ended_at is not None

    @property
    def seen(self) -> str:
        """Changes with every answer of this person, wherever it was given, and with who shares the seat; a yes on an
        older page is not taken."""
        last = None if self.voice is None else self.voice.last_decision
        return f"{self.revision}.{'-' if last is None else last}.{self.together.people if self.together else 1}"

    @property
    def state(self) -> str:
        if self.voice is not None:
            standing = self.voice.standing(Purpose.RECORDING)
            if standing in _ANSWERED and (self.is_over or not self.was_ended_for_all):
                return standing.value
            if self.is_over:
                return "over"
            return "again" if self.was_ended_for_all or self._spoke_for_all else "waiting"
        if self.is_over:
            return "over"
        if self.row is None or self.row.choices is None:
            return "ask"
        return "code" if self.row.choices.get(Purpose.RECORDING) else "no"

    @property
    def was_ended_for_all(self) -> bool:
        """Somebody else said no for the microphone that this page's person shares: it was a no of each."""
        if self.seat is None or self.row is None or self.voice is None or not self.person:
            return False
        is_no = self.voice.standing(Purpose.RECORDING) in (Standing.REFUSED, Standing.WITHDRAWN)
        last = [one.decided for one in self.seat.told if one.decided.person in ("", self.person)][-1:]
        return is_no and any(not one.person and not self.row.wrote(one.message_id) for one in last)

    @property
    def _spoke_for_all(self) -> bool:
        """It answered for a seat that turned out to be shared since: each of its people answers anew."""
        if self.seat is None or self.row is None or not self.person:
            return False
        return any(not one.decided.person and self.row.wrote(one.decided.message_id) for one in self.seat.told)

    @property
    def waits_for(self) -> str:
        """Changes when there is something new to show."""
        parts = [self.state]
        if self.together is not None:
            parts.append(f"{self.together.agreed}/{self.together.people}{' all' if self.together.is_complete else ''}")
        if self.erasing is not None:
            parts.append(self.erasing.step)
        return " ".join(parts)

    @property
    def is_kept(self) -> bool:
        """Whether sound or words of this page's seat are there."""
        seat = self.row.seat if self.row is not None else None
        kept = any(seat in segment.opened.seats for segment in self.story.segments.values())
        return seat is not None and (kept or bool(self.story.words.get(seat)))


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
    story = await story_of(store, visit)
    if story.rule is not None:
        visit = replace(visit, rule=story.rule)
    opened = Opened(
        visit=visit,
        host=host.name if host else "",
        platform=meeting.platform if meeting else "",
        fallback=stated_fallback(request.app[SETTINGS], visit, meeting, story.settled),
        row=row,
        revision=int(remembered.get("revision", 0)),
        noted=bool(remembered.get("noted", False)),
        story=story,
    )
    if opened.seat is not None:
        opened.erasing = await last_wish(store, visit.id, opened.seat.seat, opened.person)
    return opened


async def done(request: web.Request, opened: Opened, *, noted: bool | None = None) -> web.StreamResponse:
    """Remembers the page in this browser, and shows it anew. `noted` None: as before."""
    session = await get_session(request)
    pages = {key: value for key, value in session.get("pages", {}).items() if key != opened.visit.id}
    if opened.row is not None:
        is_noted = opened.noted if noted is None else noted
        pages[opened.visit.id] = {"id": opened.row.page_id, "revision": opened.revision + 1, "noted": is_noted}
    session["pages"] = dict(list(pages.items())[-_MOST_PAGES:])
    raise back_to(f"/c/{request.match_info['token']}?lang={await language_of(request, opened)}")


async def language_of(request: web.Request, opened: Opened) -> str:
    asked = request.query.get("lang", "")
    if request.method == "POST":
        asked = await text_of(request, "lang", 10)
    return choose_language(
        asked, request.headers.get("Accept-Language", ""), opened.visit.language, request.app[SETTINGS]
    )


async def notice_of(request: web.Request, opened: Opened) -> Notice:
    language = await language_of(request, opened)
    return page_notice(request.app[SETTINGS], opened.visit, opened.host, language, opened.fallback)
