"""One visit from claim to end: builds each stay, goes back in when the connection was lost, and closes the books.

Every stay has an epoch of its own and starts from what the log says of the ones before it; so a lost connection, a
killed process and a restarted machine are all the same case. What happens within a stay is not decided here.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.capture import Capture
from bot.commands import Durable
from bot.entries import event_id
from bot.facts import NoticeRef, SessionFacts, VisitWords
from bot.ledger import VisitLedger
from bot.ports import Hears, JoinRequest, LeftReason, MeetingRoom, PageSnapshot, Voice
from bot.presence import Presence
from bot.session import Session
from bot.stay import Stay
from consent_notice.clock import Clock
from consent_notice.events import Event, SeatJoined, VisitClosed, VisitOpened
from consent_notice.finding import places_of
from consent_notice.frames import GateTimes
from consent_notice.information import NOTHING_STATED, Information
from consent_notice.notice import NoticeFacts, Wording, render
from consent_notice.phrases import Phrases
from consent_notice.settlement import Moment, Opening, PlacePolicy, settle_opening
from consent_notice.settling import Hearing, refusal_to_visit
from consent_notice.words import MeetingId, Purpose, Rule, VisitId
from storage.data_dir import DATABASE_NAME
from storage.errors import DatabaseFailed, LogWriteFailed, StorageError
from storage.feed import DecisionFeed
from storage.host_rules import HostRules
from storage.log_entries import ErasedBody
from storage.meetings import MeetingRow
from storage.pages import CODE_ALPHABET
from storage.store import Store
from storage.visits import VisitRow

log = structlog.get_logger()

FEED_INTERVAL_MS = 50
SETTLE_FLOOR_MS = 200  # above twice the feed's interval, so that a slow commit is still waited for
STALE_AFTER_MS = 3_000  # a bot that showed no life from its room for so long may be replaced
GO_BACK_AFTER_S = 0.7
GO_BACK_LIMIT_S = 10.0
NEVER_IN_LIMIT_MS = 120_000  # a link that never led into a room so long leads nowhere
CLOSE_AGAIN_AFTER_S = 10.0
MEETING_WITHOUT_END = timedelta(hours=1)
END_SLACK_MS = 5 * 60_000
EMPTY_AFTER_MS = 15_000
LOBBY_LIMIT_MS = 10 * 60_000
ASKED = (Purpose.RECORDING, Purpose.TRANSCRIPTION)


class PlatformNotSupported(Exception):
    """This installation's bots do not go to that platform; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotPolicy:
    """What the installation's settings say about every visit."""

    bot_name: str
    organisation: str
    contact: str
    retention_days: int
    public_url: str
    offer_after_ms: int
    grace_ms: int
    transcribes: bool
    default_language: str
    places: PlacePolicy
    information: Information = NOTHING_STATED
    publication: int = 0  # which version of the notice is in use
    known_bots: tuple[str, ...] = ()  # shown names of other bots that the admin vouched for
    attestation_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BotParts:
    """What `config.wiring` builds once for all visits of this process."""

    store: Store
    clock: Clock
    policy: BotPolicy
    wordings: Mapping[str, Wording]  # by language
    phrases: Phrases
    voice: Voice | None
    room_for: Callable[[str], Callable[[asyncio.TaskGroup], MeetingRoom]]  # by platform; raises PlatformNotSupported
    owner: str  # names this process among those that may own a meeting


class VisitRunner:
    """Run once a claimed meeting."""

    def __init__(self, parts: BotParts, meeting: MeetingRow, epoch: int) -> None:
        self._parts = parts
        self._meeting = meeting
        self._epoch = epoch
        self._was_in_room = False

    async def run(self) -> None:
        """Returns when the visit is over, for good or because another bot has it."""
        parts, meeting = self._parts, self._meeting
        policy = parts.policy
        refusal = refusal_to_visit(policy.information.setting, education_accepted=policy.places.education_accepted)
        if refusal is not None:
            await parts.store.meetings.finish(meeting.id, self._epoch, refusal)
            return
        try:
            make_room = parts.room_for(meeting.platform)
        except PlatformNotSupported as error:
            await parts.store.meetings.finish(meeting.id, self._epoch, str(error))
            return
        lost_since_ms: int | None = None
        while True:
            began_ms = parts.clock.boot_ms()
            reason, detail, visit = await self._stay(make_room)
            if reason is not LeftReason.CONNECTION_LOST:
                break
            now_ms = parts.clock.boot_ms()
            if lost_since_ms is None or now_ms - began_ms > END_SLACK_MS:
                lost_since_ms = began_ms
            if not await self._goes_back(now_ms - lost_since_ms):
                if await parts.store.meetings.is_stopped(meeting.id):
                    reason, detail = LeftReason.HOST_STOPPED, "the host stopped it"
                elif (called_off := await parts.store.meetings.called_off(meeting.id)) is not None:
                    reason, detail = LeftReason.CALLED_OFF, called_off
                break
        if reason is not LeftReason.TAKEN_OVER:
            await self.close(visit, reason, detail)

    # ---- one stay ------------------------------------------------------------------------------------------------

    async def _stay(self, make_room: Callable[[asyncio.TaskGroup], MeetingRoom]) -> tuple[LeftReason, str, VisitRow]:
        store, meeting = self._parts.store, self._meeting
        visit = await store.visits.open_visit(meeting.id, self._epoch, meeting.rule, meeting.language)
        logged = await asyncio.to_thread(store.log.size)
        earlier = [
            Durable(index=entry.index, event_id=entry.event_id, event=entry.event)
            for entry in await asyncio.to_thread(store.log.entries_of, visit.id)
            if not isinstance(entry.event, ErasedBody)
        ]
        self._was_in_room = self._was_in_room or any(isinstance(entry.event, SeatJoined) for entry in earlier)
        async with asyncio.TaskGroup() as room_tasks:
            reason, detail = await self._stay_in(make_room(room_tasks), visit, earlier, logged - 1)
        return reason, detail, visit

    async def _stay_in(
        self, room: MeetingRoom, visit: VisitRow, earlier: list[Durable], known_index: int
    ) -> tuple[LeftReason, str]:
        parts, meeting, epoch = self._parts, self._meeting, self._epoch
        store, clock = parts.store, parts.clock
        host = await store.users.get(meeting.host_id)
        opening = await self._settle(visit, host.place if host is not None else "", room, earlier)
        if opening.rule is not visit.rule:
            await store.visits.set_rule(visit.id, epoch, opening.rule)
            visit = replace(visit, rule=opening.rule)
        words = self._words(visit, host.name if host is not None else "", room, opening.fallback)
        await store.notices.keep(words.notice)
        opened = VisitOpened(
            visit=visit.id,
            epoch=epoch,
            meeting=meeting.id,
            platform=meeting.platform,
            host=words.facts.host,
            bot_name=parts.policy.bot_name,
            rule=visit.rule,
            path_delay_ms=room.capabilities.path_delay_ms,
            boot_id=clock.boot_id,
            at_ms=clock.boot_ms(),
            attested_opens=parts.policy.attestation_allowed,
        )
        entries: list[tuple[Event, str]] = [(opened, event_id(visit.id, "opened", str(epoch)))]
        if opening.entry is not None:  # with it, so that a place that is declared from now on comes after both
            entries.append((opening.entry, event_id(visit.id, "places", str(epoch))))
        await store.log.append_all(entries)
        if opening.refusal:
            return LeftReason.NOT_ALLOWED_THERE, opening.refusal
        rules = await store.users.host_rules(meeting.host_id)
        session = Session(self._facts(visit, words, room, rules), earlier)
        loop = asyncio.get_running_loop()
        stay: Stay
        writer = store.tracks.writer(visit.id, epoch, loop=loop, on_fault=lambda fault: stay.storage_failed(str(fault)))
        snapshots: list[PageSnapshot] = []
        times = GateTimes(
            path_delay_ms=room.capabilities.path_delay_ms,
            settle_ms=max(room.capabilities.roster_lag_ms, 2 * FEED_INTERVAL_MS, SETTLE_FLOOR_MS),
        )
        stay = Stay(
            session=session,
            capture=Capture(session.record, times, writer.keep, clock.boot_ms()),
            room=room,
            join=JoinRequest(
                link=meeting.link or "",
                name=parts.policy.bot_name,
                invited_by=words.facts.host,
                resume_token=_seat_token(store.session_key, visit.id),
                keep_snapshot=snapshots.append,
            ),
            voice=parts.voice,
            words=words,
            ledger=VisitLedger(store, writer, visit=visit.id, meeting=meeting.id, epoch=epoch, boot_id=clock.boot_id),
            clock=clock,
            on_progress=self._progress,
        )
        feed = DecisionFeed(store.data_dir / DATABASE_NAME, known_index, clock, FEED_INTERVAL_MS)
        feed.start(loop, stay.feed_batch)
        try:
            return await stay.run()
        finally:
            await asyncio.to_thread(feed.stop)
            await writer.settle_and_close()
            await self._keep_snapshots(visit.id, snapshots)

    async def _keep_snapshots(self, visit: VisitId, snapshots: list[PageSnapshot]) -> None:
        """For the admin's support; a meeting does not end worse because they could not be kept."""
        for taken in snapshots:
            try:
                await self._parts.store.snapshots.keep(
                    visit, state=taken.state, outline=taken.outline, picture_png=taken.picture_png
                )
            except OSError as error:
                log.warning("snapshot_not_kept", visit=visit, error=type(error).__name__)

    def _progress(self, presence: Presence) -> None:
        self._was_in_room = self._was_in_room or presence is Presence.IN_ROOM
        log.info("visit", meeting=self._meeting.id, epoch=self._epoch, presence=presence.value)

    async def _settle(self, visit: VisitRow, host_place: str, room: MeetingRoom, earlier: list[Durable]) -> Opening:
        policy, clock, meeting = self._parts.policy, self._parts.clock, self._meeting
        hears = room.capabilities.hears
        places = places_of(
            host=host_place,
            usual_host=policy.places.host_location,
            bot=policy.places.bot_location,
            declared=await self._parts.store.pages.places(visit.id),
        )
        return settle_opening(
            Moment(visit=visit.id, epoch=self._epoch, boot_id=clock.boot_id, at_ms=clock.boot_ms()),
            wanted=meeting.rule,
            fallback=meeting.fallback,
            stored=visit.rule,
            places=places,
            policy=policy.places,
            information=policy.information,
            hearing=Hearing(separate=hears is Hears.SEPARATE, roster_lags=room.capabilities.roster_lag_ms > 0),
            earlier=[entry.event for entry in earlier],
        )

    def _words(self, visit: VisitRow, host_name: str, room: MeetingRoom, fallback: Rule | None) -> VisitWords:
        policy, wordings = self._parts.policy, self._parts.wordings
        wording = wordings.get(visit.language) or wordings[policy.default_language]
        facts = NoticeFacts(
            host=host_name,
            organisation=policy.organisation,
            contact=policy.contact,
            purposes=ASKED if policy.transcribes else ASKED[:1],
            rule=visit.rule,
            page_link=f"{policy.public_url}/c/{visit.page_token}",
            retention_days=policy.retention_days,
            bot_name=policy.bot_name,
            speakable=self._parts.voice is not None and room.capabilities.can_speak,
            information=policy.information,
            publication=policy.publication,
            fallback=fallback,
        )
        return VisitWords(wording=wording, facts=facts, notice=render(wording, facts))

    def _facts(self, visit: VisitRow, words: VisitWords, room: MeetingRoom, rules: HostRules) -> SessionFacts:
        policy, notice = self._parts.policy, words.notice
        return SessionFacts(
            visit=visit.id,
            epoch=self._epoch,
            boot_id=self._parts.clock.boot_id,
            rule=visit.rule,
            language=notice.language,
            host_name=words.facts.host,
            bot_name=policy.bot_name,
            page_link=words.facts.page_link,
            notice=NoticeRef(
                notice=notice.id, version=notice.version, language=notice.language, text_sha256=notice.text_sha256
            ),
            phrases=self._parts.phrases,
            code_alphabet=CODE_ALPHABET,
            capabilities=room.capabilities,
            asked=words.facts.purposes,
            offer_after_ms=policy.offer_after_ms,
            grace_ms=policy.grace_ms,
            lobby_limit_ms=LOBBY_LIMIT_MS,
            empty_after_ms=EMPTY_AFTER_MS,
            ends_ms=self._ends_ms() + END_SLACK_MS,
            known_bots=policy.known_bots,
            knows_agreements=True,
            legal_basis=policy.information.legal_basis.value,
            fallback=words.facts.fallback if words.facts.states_fallback else None,
            needs_host=rules.only_when_present,
            attested_opens=policy.attestation_allowed,
        )

    def _ends_ms(self) -> int:
        """The planned end on the boot clock."""
        clock, meeting = self._parts.clock, self._meeting
        ends_at = meeting.ends_at or meeting.starts_at + MEETING_WITHOUT_END
        return clock.boot_ms() + int((ends_at - clock.now()).total_seconds() * 1000)

    # ---- between and after stays ---------------------------------------------------------------------------------

    async def _goes_back(self, lost_for_ms: int) -> bool:
        """Waits, longer the longer the room is away, and takes the meeting again under a new epoch."""
        clock = self._parts.clock
        if clock.boot_ms() >= self._ends_ms() or (not self._was_in_room and lost_for_ms >= NEVER_IN_LIMIT_MS):
            return False
        await asyncio.sleep(min(GO_BACK_LIMIT_S, GO_BACK_AFTER_S + lost_for_ms / 4_000))
        epoch = await self._parts.store.meetings.claim(self._meeting.id, self._parts.owner, 0)
        if epoch is None:
            return False
        self._epoch = epoch
        return True

    async def close(self, visit: VisitRow, reason: LeftReason, detail: str) -> None:
        """Again and again where the disk does not take it; until then the meeting is this bot's: nobody goes back."""
        while True:
            try:
                await self._close(visit, reason, detail)
            except (StorageError, OSError) as error:
                log.warning("visit_not_closed", visit=visit.id, error=type(error).__name__, detail=str(error))
                if not isinstance(error, LogWriteFailed | DatabaseFailed | OSError):
                    return
            else:
                return
            await asyncio.sleep(CLOSE_AGAIN_AFTER_S)

    async def _close(self, visit: VisitRow, reason: LeftReason, detail: str) -> None:
        """Tags what was kept and ends the books; each step may be repeated after a crash. Raises StorageError."""
        store, clock = self._parts.store, self._parts.clock
        await asyncio.to_thread(store.tracks.recover, visit.id)  # what a full disk would not let the writer close
        await asyncio.to_thread(store.tracks.refuse, visit.id, self._epoch)  # by a no that no stay lived to hear of
        closed = VisitClosed(
            visit=visit.id, epoch=self._epoch, reason=reason.value, boot_id=clock.boot_id, at_ms=clock.boot_ms()
        )
        await store.log.append(closed, event_id=event_id(visit.id, "closed", str(self._epoch)))
        kept_ms = await store.records.tag_recording(visit.id)
        if kept_ms and self._parts.policy.transcribes:
            await store.visits.set_transcription(visit.id, "waiting")
        await store.visits.end_visit(visit.id, self._epoch, reason.value, detail)
        await store.meetings.finish(self._meeting.id, self._epoch, detail or reason.value)


async def close_interrupted(parts: BotParts, meeting: MeetingRow) -> None:
    """For a meeting that was being visited when everything stopped, and that is over or called off now."""
    epoch = await parts.store.meetings.claim(meeting.id, parts.owner, STALE_AFTER_MS, to_close=True)
    visit = await parts.store.visits.visit_of_meeting(MeetingId(meeting.id))
    if epoch is None or visit is None:
        return
    await parts.store.visits.open_visit(meeting.id, epoch, visit.rule, visit.language)
    reason, detail = (
        LeftReason.CONNECTION_LOST,
        "the bot was interrupted and the meeting was over before it could return",
    )
    if meeting.recall is not None:
        reason, detail = LeftReason.CALLED_OFF, meeting.recall
    await VisitRunner(parts, meeting, epoch).close(visit, reason, detail)


def _seat_token(secret: bytes, visit: VisitId) -> str:
    """The same after a restart, and from nothing that a participant can know: whoever has it has the bot's seat."""
    return hmac.new(secret, f"the bot's seat in {visit}".encode(), "sha256").hexdigest()[:32]
