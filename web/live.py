"""The host's card of a running meeting, and what they can do meanwhile: ask, pause, resume, wait, go on, stop.

All that it shows comes from a `Glance`, which knows no refusal. What a host does is written to the log, where the bot
hears of it; no act of theirs says yes for anybody, and a word about somebody counts only where an admin allowed that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from consent_notice.answers import READER_VERSION
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, HostAct, HostActed, Means
from consent_notice.words import MeetingId, Purpose, Rule
from storage.errors import StorageError
from storage.meetings import MeetingRow, MeetingState
from storage.visits import VisitRow
from web.access import ARRIVED_MS, CLOCK, STORE, Access, Route, back_to, get, post, tell, text_of, user_of
from web.answers import event_id
from web.glance import Glance, glance
from web.notices import stated_fallback
from web.pages import page
from web.replay import Timeline
from web.settings import SETTINGS, WebSettings

_DONE = {
    HostAct.ASK: "The bot asks now.",
    HostAct.PAUSE: "Paused. Nothing is kept until you resume.",
    HostAct.RESUME: "Resumed. What the answers allow is kept again.",
    HostAct.WAIT: "The bot waits.",
    HostAct.FALL_BACK: "The bot says in the meeting that it goes on, and keeps only the voices that agreed.",
}
_SAID_SO = "Noted. It counts only for somebody who has not answered, and the bot says in the meeting that you said so."


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMeeting:
    """A running meeting with what its host can do now."""

    meeting: MeetingRow
    visit: VisitRow | None  # None until the bot has begun
    seen: Glance
    rule: Rule  # in force
    can_ask: bool = False
    can_fall_back: bool = False
    is_offered: bool = False  # wait, leave or the fallback
    can_speak_for: bool = False
    needs_host: bool = False

    @property
    def is_in_room(self) -> bool:
        return self.visit is not None and self.visit.state == "in_room"

    def can(self, act: HostAct) -> bool:
        if act is HostAct.ASK:
            return self.can_ask
        return self.is_in_room and (act is not HostAct.FALL_BACK or self.can_fall_back)


def routes() -> list[Route]:
    return [
        get("/meetings/live", show_live, Access.SIGNED_IN),
        post("/meetings/{meeting}/act", act, Access.SIGNED_IN),
        post("/meetings/{meeting}/attest", attest, Access.SIGNED_IN),
        post("/meetings/{meeting}/stop", stop_meeting, Access.SIGNED_IN),
    ]


async def show_live(request: web.Request) -> web.Response:
    rows = await request.app[STORE].meetings.upcoming(user_of(request).id, request.app[CLOCK].now())
    return await page(request, "_live.html", live=await live_meetings(request, rows))


async def act(request: web.Request) -> web.StreamResponse:
    """Once a form, however often it is sent."""
    live = await _running(request)
    wanted, nonce = await text_of(request, "act"), await text_of(request, "nonce", 20)
    if wanted not in set(HostAct):
        raise web.HTTPBadRequest
    does = HostAct(wanted)
    if live is None or not live.can(does):
        return await _too_late(request)
    visit = live.visit
    assert visit is not None
    acted = HostActed(
        visit=visit.id,
        epoch=visit.epoch,
        act=does,
        means=Means.HOST,
        message_id=f"host:{nonce}",
        boot_id=request.app[CLOCK].boot_id,
        at_ms=request[ARRIVED_MS],
    )
    # An old form resumes nothing again, but it pauses again.
    resumed = str(live.seen.acts.count(HostAct.RESUME)) if does is HostAct.PAUSE else ""
    await _log(request, acted, event_id(visit.id, "host", does.value, nonce, resumed))
    await tell(request, _DONE[does])
    raise back_to("/meetings")


async def attest(request: web.Request) -> web.StreamResponse:
    """The same answer whoever it is about: whether it counts is decided by the table of standings, and told to none."""
    live = await _running(request)
    if not request.app[SETTINGS].attestation_allowed:
        raise web.HTTPNotFound
    wanted = await text_of(request, "seat", 200)
    seat = next((one for one in live.seen.present if one.seat == wanted), None) if live is not None else None
    if live is None or not live.can_speak_for or seat is None:
        return await _too_late(request)
    visit, notice = live.visit, live.seen.notice
    assert visit is not None
    assert notice is not None
    decided = Decided(
        visit=visit.id,
        epoch=visit.epoch,
        seat=seat.seat,
        acts=((Purpose.RECORDING, Act.ATTEST),),
        means=Means.HOST,
        identity_level=seat.level,
        matched_by="said by the host",
        notice=notice.notice,
        notice_version=notice.version,
        notice_language=notice.language,
        notice_sha256=notice.text_sha256,
        message_id=f"host:{visit.epoch}",
        verbatim="",
        reader_version=READER_VERSION,
        boot_id=request.app[CLOCK].boot_id,
        at_ms=request[ARRIVED_MS],
    )
    await _log(request, decided, event_id(visit.id, "host said", seat.seat, str(visit.epoch)))
    await tell(request, _SAID_SO)
    raise back_to("/meetings")


async def stop_meeting(request: web.Request) -> web.StreamResponse:
    meeting = await own_meeting(request)
    await request.app[STORE].meetings.stop(meeting.id)
    await tell(request, "Stopped. The bot leaves and does not come back to this meeting.")
    raise back_to("/meetings")


async def own_meeting(request: web.Request) -> MeetingRow:
    """Another host's meeting does not exist for this one."""
    meeting = await request.app[STORE].meetings.get(MeetingId(request.match_info["meeting"]))
    if meeting is None or meeting.host_id != user_of(request).id:
        raise web.HTTPNotFound
    return meeting


async def live_meetings(request: web.Request, rows: Iterable[MeetingRow]) -> list[LiveMeeting]:
    rules = await request.app[STORE].users.host_rules(user_of(request).id)
    running = [row for row in rows if row.state is MeetingState.VISITING]
    return [await _live(request, row, needs_host=rules.only_when_present) for row in running]


async def _live(request: web.Request, meeting: MeetingRow, *, needs_host: bool) -> LiveMeeting:
    store, clock, settings = request.app[STORE], request.app[CLOCK], request.app[SETTINGS]
    visit = await store.visits.visit_of_meeting(meeting.id)
    if visit is None:
        return LiveMeeting(meeting=meeting, visit=None, seen=Glance(), rule=meeting.rule, needs_host=needs_host)
    timeline = Timeline(boot_id=visit.boot_id, started_ms=visit.started_boot_ms, started_at=visit.started_at)
    seen = glance(await asyncio.to_thread(store.log.entries_of, visit.id), timeline, visit.epoch)
    now_ms = timeline.position(clock.boot_id, clock.boot_ms(), clock.now())
    return _offers(meeting, visit, seen, now_ms, settings, needs_host=needs_host)


def _offers(
    meeting: MeetingRow, visit: VisitRow, seen: Glance, now_ms: int, settings: WebSettings, *, needs_host: bool
) -> LiveMeeting:
    """What the host can do now, from the same numbers as are shown."""
    rule = seen.rule or visit.rule
    is_in_room = visit.state == "in_room" and visit.ended_at is None
    was_asked = seen.asked_ms is not None
    lacks = rule is Rule.EVERYONE and seen.agreed < seen.people
    can_fall_back = (
        is_in_room
        and was_asked
        and lacks
        and stated_fallback(settings, visit, meeting, seen.settled) is Rule.EACH_VOICE
        and HostAct.FALL_BACK not in seen.acts
    )
    is_late = seen.asked_ms is not None and now_ms - seen.asked_ms >= settings.offer_after_s * 1000
    has_answered = HostAct.WAIT in seen.acts or HostAct.FALL_BACK in seen.acts
    return LiveMeeting(
        meeting=meeting,
        visit=visit,
        seen=seen,
        rule=rule,
        can_ask=is_in_room and not was_asked and bool(seen.people),
        can_fall_back=can_fall_back,
        is_offered=is_in_room and lacks and is_late and not has_answered,
        can_speak_for=is_in_room and was_asked and seen.attested_opens and settings.attestation_allowed,
        needs_host=needs_host,
    )


async def _running(request: web.Request) -> LiveMeeting | None:
    """None where the bot is not (or no more) in the meeting."""
    meeting = await own_meeting(request)
    live = await live_meetings(request, [meeting])
    return live[0] if live and live[0].is_in_room else None


async def _too_late(request: web.Request) -> web.StreamResponse:
    await tell(request, "Nothing was changed: the meeting has gone on. Here is how it stands now.", "warn")
    raise back_to("/meetings")


async def _log(request: web.Request, event: Event, event_id: str) -> None:
    """Durable on return."""
    try:
        await request.app[STORE].log.append(event, event_id=event_id)
    except StorageError:
        raise web.HTTPServiceUnavailable(
            text="That could not be noted in the consent log, so nothing was changed. Try again soon."
        ) from None
