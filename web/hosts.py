"""The host's meetings: what comes and what was missed, their choice for each, and joining by a pasted link.

What is running is in `live`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from calendar_sync.host_rules import wishes_of
from calendar_sync.links import (
    PLATFORM_NAMES,
    JoinLink,
    KnownHosts,
    LinkTexts,
    LookAlike,
    OtherService,
    Platform,
    WrappedLink,
    find_link,
)
from calendar_sync.planning import TITLE_BARRED, overlapping
from consent_notice.words import Rule, VisitId
from storage.claims import KEPT_AWAY
from storage.meetings import MeetingRow, MeetingState, Override
from storage.store import Store
from storage.visits import VisitRow
from web.access import CLOCK, STORE, Access, Route, back_to, get, post, tell, text_of, user_of
from web.live import live_meetings, own_meeting
from web.pages import page
from web.replay import MeetingStory, Timeline
from web.replay import tell as tell_story
from web.settings import SETTINGS, WebSettings

MOST_DAYS_AHEAD = 366
LEAVE = "leave"  # in forms, where not everyone agrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    meeting: MeetingRow
    can_join: bool
    visited_for: str  # the other host whose bot is in this meeting now; empty: none is
    is_kept_away: bool  # by the host's no to the same meeting in another calendar
    overlaps: bool  # with another meeting that a bot goes to

    @property
    def will_join(self) -> bool:
        return self.meeting.will_record and self.can_join and not self.visited_for and not self.is_kept_away

    @property
    def why(self) -> str:
        """Why the bot goes or not, in a sentence's words."""
        meeting = self.meeting
        if self.visited_for:
            return "the bot is there for somebody else who has this meeting too"
        if meeting.override == "later":
            return "you decide later; until then the bot stays away"
        if meeting.will_record and self.is_kept_away:
            return KEPT_AWAY
        why = "your choice for this meeting" if meeting.override else meeting.reason
        return f"{why}. It overlaps another meeting: two bots will go" if self.overlaps else why


def routes() -> list[Route]:
    return [
        get("/", start, Access.SIGNED_IN),
        get("/meetings", show_meetings, Access.SIGNED_IN),
        post("/meetings", add_meeting, Access.SIGNED_IN),
        post("/meetings/{meeting}/override", override_meeting, Access.SIGNED_IN),
    ]


async def start(request: web.Request) -> web.StreamResponse:
    raise back_to("/review" if user_of(request).role == "admin" else "/meetings")


async def show_meetings(request: web.Request) -> web.Response:
    return await _meetings_page(request)


async def add_meeting(request: web.Request) -> web.StreamResponse:
    settings, store, user = request.app[SETTINGS], request.app[STORE], user_of(request)
    link, title = await text_of(request, "link"), await text_of(request, "title", 200)
    typed = {"link": link, "title": title, "when": await text_of(request, "when"), "at": await text_of(request, "at")}
    found, problem = read_link(link, settings)
    starts_at: datetime | None = None
    if not problem and typed["when"] == "at":
        starts_at, problem = read_moment(typed["at"], await text_of(request, "zone", 80), request.app[CLOCK].now())
    rule = read_rule(await text_of(request, "rule"), settings)
    if problem or found is None:
        return await _meetings_page(request, status=422, problem=problem, typed=typed)
    title = title or f"Meeting in {PLATFORM_NAMES[found.platform]}"
    barred = wishes_of(await store.users.host_rules(user.id), user.email).bar_title(title)
    await store.meetings.add_by_hand(
        user.id,
        found.url,
        title,
        starts_at,
        room=found.meeting,
        platform=found.platform.value,
        rule=rule,
        fallback=read_fallback(await text_of(request, "fallback"), rule, settings),
        language=await text_of(request, "language") if settings.wording else settings.default_language,
        skipped_because=TITLE_BARRED if barred else "",
    )
    if barred:
        what_to_do = "It stands below: press “Join and ask” there to send the bot all the same."
        await tell(request, f"The bot stays away: the title matches your rule. {what_to_do}", "warn")
        raise back_to("/meetings")
    when = "The bot joins now." if starts_at is None else "The bot will join at that time."
    await tell(request, f"{when} It asks everyone before anything is kept.")
    raise back_to("/meetings")


async def override_meeting(request: web.Request) -> web.StreamResponse:
    meeting = await own_meeting(request)
    wanted = await text_of(request, "override")
    choices: dict[str, Override | None] = {"record": "record", "skip": "skip", "later": "later", "calendar": None}
    if wanted not in choices:
        raise web.HTTPBadRequest
    if wanted == "record" and not can_join(meeting, request.app[SETTINGS]):
        raise web.HTTPBadRequest(
            text="The bot can't join this meeting: there is no link to a supported platform in it."
        )
    await request.app[STORE].meetings.override(meeting.id, choices[wanted])
    raise back_to("/meetings")


def can_join(meeting: MeetingRow, settings: WebSettings) -> bool:
    return meeting.link is not None and settings.reach.why_not(Platform(meeting.platform)) is None


def read_link(text: str, settings: WebSettings) -> tuple[JoinLink | None, str]:
    """The link to join by, or what is wrong with it in words."""
    if not text:
        return None, "Paste the meeting's link."
    known = KnownHosts(
        practice_url=settings.practice_url, jitsi_hosts=settings.jitsi_hosts, janus_rooms=settings.janus_rooms
    )
    found = find_link(LinkTexts(location=text), known)
    if isinstance(found, JoinLink):
        unreachable = settings.reach.why_not(found.platform)
        return (found, "") if unreachable is None else (None, f"{unreachable}.")
    if isinstance(found, OtherService):
        return None, f"{found.name} is not supported yet: the bot can't join there."
    if isinstance(found, LookAlike):
        return (
            None,
            f"This only looks like a link to {PLATFORM_NAMES[found.looks_like]}; it leads elsewhere. Ask who sent it.",
        )
    if isinstance(found, WrappedLink):
        return (
            None,
            f"This link is wrapped by {found.by}, and only they can open it. Open it and paste what it leads to.",
        )
    return None, "No meeting link was found in this text. Paste the whole address, with https:// in front."


def read_moment(text: str, zone: str, now: datetime) -> tuple[datetime | None, str]:
    """The browser says local time and its zone; without JavaScript the zone is UTC, as the page says."""
    try:
        local = datetime.fromisoformat(text)
        at = local.replace(tzinfo=ZoneInfo(zone or "UTC")).astimezone(UTC)
    except (ValueError, ZoneInfoNotFoundError, OverflowError):
        return None, "Say when the bot should join: a date and a time."
    if at < now - timedelta(minutes=1):
        return None, "That time has passed. Choose “now” or a later time."
    if at > now + timedelta(days=MOST_DAYS_AHEAD):
        return None, "That is more than a year ahead."
    return at, ""


def allowed_rules(settings: WebSettings) -> list[str]:
    allowed = {Rule.EACH_VOICE: settings.each_voice_allowed, Rule.PRESENTERS: settings.presenters_allowed}
    return [Rule.EVERYONE.value, *(rule.value for rule, is_allowed in allowed.items() if is_allowed)]


def read_rule(text: str, settings: WebSettings) -> Rule:
    """Anything but an allowed one is `everyone`."""
    return Rule(text) if text in allowed_rules(settings) else Rule.EVERYONE


def allowed_fallbacks(settings: WebSettings) -> list[str]:
    return [LEAVE, *([Rule.EACH_VOICE.value] if settings.each_voice_allowed else [])]


def read_fallback(text: str, rule: Rule, settings: WebSettings) -> Rule | None:
    """Only `everyone` has one; anything but an allowed one is to leave."""
    return Rule(text) if rule is Rule.EVERYONE and text in allowed_fallbacks(settings) and text != LEAVE else None


async def story_of(store: Store, visit: VisitRow) -> MeetingStory:
    timeline = Timeline(boot_id=visit.boot_id, started_ms=visit.started_boot_ms, started_at=visit.started_at)
    return tell_story(await asyncio.to_thread(store.log.entries_of, VisitId(visit.id)), timeline)


async def _meetings_page(
    request: web.Request, *, status: int = 200, problem: str = "", typed: dict[str, str] | None = None
) -> web.Response:
    store, user, now, settings = request.app[STORE], user_of(request), request.app[CLOCK].now(), request.app[SETTINGS]
    rows = await store.meetings.upcoming(user.id, now)
    ids = [row.id for row in rows]
    return await page(
        request,
        "meetings.html",
        status=status,
        live=await live_meetings(request, rows),
        upcoming=_upcoming(rows, await store.meetings.visited_for(ids), await store.meetings.kept_away(ids), settings),
        missed=await store.meetings.missed(user.id, limit=20),
        calendars=await store.calendars.list(user.id),
        problem=problem,
        typed=typed or {"link": "", "title": "", "when": "now", "at": ""},
        rules=allowed_rules(settings),
        fallbacks=allowed_fallbacks(settings),
        languages=languages(settings),
        default_language=settings.default_language,
        default_rule=settings.default_rule,
        practice_url=settings.practice_url,
    )


def _upcoming(
    rows: list[MeetingRow], visited_for: dict[str, str], kept_away: set[str], settings: WebSettings
) -> list[Upcoming]:
    stays = visited_for.keys() | kept_away
    go = [row for row in rows if row.will_record and can_join(row, settings) and row.id not in stays]
    by_link = {row.link: row for row in reversed(go)}  # one bot a room, however often a meeting is planned
    times: dict[str, tuple[datetime, datetime]] = {
        row.id: (row.starts_at, row.ends_at or row.starts_at + timedelta(hours=1)) for row in by_link.values()
    }
    clash = overlapping(times)
    return [
        Upcoming(
            meeting=row,
            can_join=can_join(row, settings),
            visited_for=visited_for.get(row.id, ""),
            is_kept_away=row.id in kept_away,
            overlaps=row.id in clash,
        )
        for row in rows
        if row.state is not MeetingState.VISITING
    ]


def languages(settings: WebSettings) -> list[tuple[str, str]]:
    return [(code, str(table.get("name", code))) for code, table in sorted(settings.wording.items())]
