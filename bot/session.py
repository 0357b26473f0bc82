"""PURE: the life of one stay in a meeting, as (event, now) -> commands.

Decides when to join, what follows from the state as it is, and when to leave; what people answer is read in
`answering`, whom to ask in `asking`, what the host can do in `hosting`, what else limits keeping in `limits`. Presence
is a table of its own (`presence`). Whether sound is kept is no state here: it is asked of `record` each time, as the
gate does.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.answering import Answering
from bot.asking import Asking
from bot.budget import Budget
from bot.commands import (
    AgreementFound,
    CalledOff,
    Command,
    CutBack,
    Durable,
    FindAgreement,
    Hear,
    HostStopped,
    JoinFailed,
    JoinRoom,
    LeaveRoom,
    LinePosted,
    NoticeFailed,
    NoticePosted,
    OwnershipLost,
    OwnEvent,
    PageBound,
    PageUnknown,
    PostLine,
    ServerStops,
    Started,
    StorageFailed,
)
from bot.entries import Entries
from bot.facts import SessionFacts
from bot.hosting import Hosting
from bot.limits import Limits
from bot.ports import (
    Admitted,
    ChatDeleted,
    ChatEdited,
    ChatSaid,
    DigitsPressed,
    Ended,
    Hears,
    Joined,
    Left,
    LeftReason,
    RoomEvent,
    StopPressed,
    VoiceDoubted,
)
from bot.presence import Presence, next_presence
from bot.seats import Seat, Seats
from bot.standings import Standings
from bot.telling import Telling
from consent_notice.attendance import FOREVER_MS
from consent_notice.events import Decided, NoticeDelivered, SeatJoined
from consent_notice.notice import Say
from consent_notice.rules import Grounds, MeetingRecord, judge
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind

NOT_IN_ROOM = "not in the room"
LOOK_UP_LIMIT_MS = 3_000  # then somebody is asked as if they had said nothing ahead


class Session:
    """One stay. `apply` is the only way in."""

    def __init__(self, facts: SessionFacts, earlier: Iterable[Durable] = ()) -> None:
        """`earlier`: what the log holds of this visit from stays that ended uncleanly."""
        self.facts = facts
        self.presence = Presence.SCHEDULED
        self.record = MeetingRecord(facts.rule, attested_opens=facts.attested_opens)
        self.left_reason: LeftReason | None = None
        self.left_detail = ""
        self._earlier = tuple(earlier)
        self._out: list[Command] = []
        self._own_seat: SeatId | None = None
        self._joining_since_ms = 0
        self._empty_since_ms: int | None = None
        self._blocked_since_ms: int | None = None
        # Only where a bot's voice can be left out: in a mix it would be somebody's who has not agreed.
        vouched = facts.known_bots if facts.capabilities.hears is Hears.SEPARATE else ()
        self._seats = Seats(facts.phrases, facts.language, frozenset(name.casefold() for name in vouched))
        self._standings = Standings(self.record)
        entries = Entries(
            visit=facts.visit,
            epoch=facts.epoch,
            boot_id=facts.boot_id,
            notice=facts.notice,
            legal_basis=facts.legal_basis,
        )
        self._entries = entries
        self._budget = Budget()
        self._telling = Telling(facts, self._budget)
        asked = {entry.event.seat for entry in self._earlier if isinstance(entry.event, NoticeDelivered)}
        self._asking = Asking(facts, asked, self._budget)
        self._limits = Limits(facts, self.record, self._order)
        self._hosting = Hosting(facts, entries, self.record, self._order)
        self._answering = Answering(
            facts,
            record=self.record,
            seats=self._seats,
            standings=self._standings,
            entries=entries,
            order=self._order,
            heard=lambda: self._telling.heard if self.presence is Presence.IN_ROOM else frozenset(),
        )
        # Agreements that an earlier stay used: a stop said while the bot was away would be lost, so they are not again.
        self._used_ahead = {
            entry.event.seat for entry in self._earlier if isinstance(entry.event, Decided) and entry.event.agreement
        }

    # ---- the way in ----------------------------------------------------------------------------------------------

    def apply(self, event: RoomEvent | OwnEvent, now_ms: int) -> list[Command]:
        """Raises IllegalEvent. `now_ms`: boot clock."""
        before, self.presence = self.presence, next_presence(self.presence, event)
        self._out.clear()
        if before is Presence.LEFT:
            return []
        if before is not Presence.LEAVING:
            self._come_and_go(event, now_ms)
        self._happened(event, now_ms)
        if self.presence is Presence.IN_ROOM:
            self._in_room(now_ms, may_begin=not isinstance(event, Joined))
        elif self.presence in (Presence.JOINING, Presence.WAITING_ROOM):
            self._waiting(now_ms)
        for command in self._out:
            self._budget.note(command, now_ms)
        return list(self._out)

    def _come_and_go(self, event: RoomEvent | OwnEvent, now_ms: int) -> None:
        """What concerns the bot's own presence; once it is leaving, none of it matters any more."""
        match event:
            case Started():
                self._joining_since_ms = now_ms
                self._recall(now_ms)
                self.record.doubt_from(-FOREVER_MS, NOT_IN_ROOM)  # who was there before the bot nobody tells it
                self._order(JoinRoom())
            case Admitted(own_seat=own_seat):
                self._empty_since_ms = now_ms
                self._own_seat = own_seat
                self.record.doubt_until(now_ms, NOT_IN_ROOM)
                self._take_own_seat(own_seat, now_ms)
            case JoinFailed(reason=reason, detail=detail):
                self._ended(reason, detail)
            case HostStopped():
                self._leave(LeftReason.HOST_STOPPED, "the host stopped it", now_ms, line=Say.GOODBYE_HOST_STOPPED)
            case CalledOff(detail=detail):
                self._leave(LeftReason.CALLED_OFF, detail, now_ms, line=Say.GOODBYE)
            case ServerStops():
                self._leave(LeftReason.CONNECTION_LOST, "the server was stopped", now_ms, line=Say.GOODBYE)
            case OwnershipLost():
                self._leave(LeftReason.TAKEN_OVER, "another bot has taken over", now_ms, line=None)
            case StorageFailed(detail=detail):
                self._leave(LeftReason.STORAGE_FAILED, detail, now_ms, line=Say.STORAGE_FAILED)
            case _:
                pass

    def _happened(self, event: RoomEvent | OwnEvent, now_ms: int) -> None:
        match event:
            case Ended(reason=reason, detail=detail, at_ms=at_ms):
                self.record.doubt_from(at_ms, "the stay")
                self._ended(reason, detail)
            case Joined():
                self._joined(event, now_ms)
            case Left(seat=seat, at_ms=at_ms):
                self._left(seat, at_ms, now_ms)
            case VoiceDoubted(seat=seat, from_ms=from_ms, to_ms=to_ms):
                self.record.doubt_voice(seat, from_ms, to_ms)
            case NoticePosted():
                self._answering.noticed(event, now_ms)
            case NoticeFailed():
                self._seats.unnoticed(event, now_ms)
            case Durable():
                self._limits.durable(event, now_ms)
                self._hosting.durable(event, now_ms)
                self._answering.durable(event, now_ms)
            case _:
                self._said(event)

    def _said(self, event: RoomEvent | OwnEvent) -> None:
        match event:
            case ChatSaid(seat=seat):
                if seat != self._own_seat and not self._hosting.command(event, self._seats.people()):
                    self._answering.chat(event)
            case ChatEdited():
                self._answering.edited(event)
            case ChatDeleted():
                self._answering.deleted(event)
            case DigitsPressed():
                self._answering.digits(event)
            case StopPressed():
                self._answering.stop_pressed(event)
            case PageBound():
                self._answering.bound(event)
            case AgreementFound():
                self._answering.agreement_found(event)
            case LinePosted(message_id=message_id):
                self._seats.posted(message_id)
            case PageUnknown(seat=seat):
                self._order(PostLine(line=Say.CODE_UNKNOWN, to_seat=seat))
            case _:
                pass

    def kept_seats(self, now_ms: int) -> frozenset[SeatId]:
        """Whose sound would be kept if it were captured now."""
        return frozenset(
            seat
            for seat in self.record.present(now_ms, now_ms + 1)
            if isinstance(judge(self.record, frozenset({seat}), now_ms, now_ms + 1, Purpose.RECORDING), Grounds)
        )

    # ---- presence ------------------------------------------------------------------------------------------------

    def _waiting(self, now_ms: int) -> None:
        if now_ms - self._joining_since_ms > self.facts.lobby_limit_ms:
            self._leave(LeftReason.DENIED, "nobody let the bot in", now_ms, line=None)

    def _in_room(self, now_ms: int, *, may_begin: bool) -> None:
        """What follows from the state as it is, whatever just happened: ask, hear, tell, remind, leave."""
        people = self._seats.people()
        if people:
            self._empty_since_ms = None
        elif self._empty_since_ms is None:
            self._empty_since_ms = now_ms
        for seat in people:
            seat.looked_up = seat.looked_up or now_ms - seat.told_ms >= LOOK_UP_LIMIT_MS
            if seat.early_yes is None and self._standings.has_answered(seat.seat):
                seat.notice_ordered = True  # who answered unasked is not asked
        self._limits.host_is_here(self._hosting.host_of(people), now_ms)
        if not self._limits.is_barred:
            wants_to_ask = self._hosting.wants_to_ask
            self._out += self._asking.ask(people, now_ms, may_begin=may_begin, even_alone=wants_to_ask)
            self._out += self._asking.disclose(seat for seat in self._seats.bots() if seat.seat != self._own_seat)
        kept = self.kept_seats(now_ms)
        ahead = bool(people) and all(self._standings.is_agreed_ahead(seat.seat) for seat in people)
        self._out += self._telling.tell(kept, [seat.seat for seat in people], now_ms, is_agreed_ahead=ahead)
        self._answering.remind(people, now_ms)
        if not kept:
            agreed = sum(self._standings.has_agreed(seat.seat) for seat in people)
            self._hosting.offer(people, agreed, self._asking.first_asked_ms, now_ms)
        self._leave_if_pointless(people, now_ms)

    def _leave_if_pointless(self, people: list[Seat], now_ms: int) -> None:
        if self._empty_since_ms is not None:
            somebody_came = self._seats.anybody_came
            if now_ms - self._empty_since_ms >= self.facts.empty_after_ms and (
                somebody_came or now_ms >= self.facts.ends_ms
            ):
                detail = "everyone has left" if somebody_came else "nobody came"
                self._leave(LeftReason.EVERYONE_LEFT, detail, now_ms, line=None)
            return
        is_at_rest = self._limits.is_paused or self._hosting.waits
        if self._telling.heard or is_at_rest or not any(seat.notice_ordered for seat in people):
            self._blocked_since_ms = None
            return
        if self._blocked_since_ms is None:
            self._blocked_since_ms = now_ms
        # The same time whether somebody refused or did not answer: the two must look alike.
        if now_ms - self._blocked_since_ms < self.facts.grace_ms:
            return
        if not self._limits.is_barred and self._hosting.fall_back("not everyone agreed within the grace time", now_ms):
            self._blocked_since_ms = now_ms
            return
        self._leave(LeftReason.NOT_EVERYONE_AGREED, "not everyone agreed", now_ms, line=Say.GOODBYE_NOT_EVERYONE_AGREED)

    def _leave(self, reason: LeftReason, detail: str, now_ms: int, line: Say | None) -> None:
        self.presence = Presence.LEAVING
        self.left_reason, self.left_detail = reason, detail
        self.record.doubt_from(now_ms, "the stay")
        self._order(Hear(seats=frozenset()))
        if line is not None:
            self._order(PostLine(line=line))
        self._order(LeaveRoom(reason=reason, detail=detail))

    def _ended(self, reason: LeftReason, detail: str) -> None:
        if self.left_reason is None:
            self.left_reason, self.left_detail = reason, detail

    def _take_own_seat(self, seat: SeatId, now_ms: int) -> None:
        """From here on, and for whoever reads the log: what is said from it is the bot's own, and nobody's voice."""
        own = Joined(
            seat=seat,
            name=self.facts.bot_name,
            seat_kind=SeatKind.BOT,
            identity_level=IdentityLevel.SHARED_OR_ANONYMOUS,
            at_ms=now_ms,
        )
        self.record.own_voice = seat
        self.record.joined(seat, SeatKind.BOT, now_ms)
        self._order(self._entries.joined(own, is_own=True))

    def _joined(self, event: Joined, now_ms: int) -> None:
        was_named = self._seats.name_of(event.seat)
        if event.seat == self._own_seat:
            return  # it is known since the bot was let in
        event = self._seats.joined(event, has_answered=self._standings.has_answered(event.seat))
        was_bot = self.record.kind_of(event.seat) is SeatKind.BOT
        self.record.joined(event.seat, event.seat_kind, event.at_ms)
        # Whoever was taken for another bot until now was a person from the first.
        first_ms = self.record.first_there_ms(event.seat) if was_bot else None
        from_ms = event.at_ms if first_ms is None else first_ms
        if event.seat_kind is SeatKind.PERSON and any(map(self._needs_everyone, (from_ms, event.at_ms))):
            self._order(CutBack(seat=None, after_ms=from_ms))
        self._order(self._entries.joined(event, is_own=False, stay=self._seats.stay_of(event.seat)))
        if was_named != event.name:
            since_ms = event.at_ms if was_named is None else now_ms - self.facts.capabilities.roster_lag_ms
            if was_named is not None:
                self._answering.forget(event.seat, since_ms, now_ms)
            self._answering.shares_name(event.seat, since_ms, now_ms)
        seat = self._seats.find(event.seat)
        if seat is None or seat.kind is not SeatKind.PERSON or seat.looked_up or not self.facts.knows_agreements:
            return
        seat.told_ms = now_ms
        if event.seat in self._used_ahead:
            seat.looked_up = True
            return
        self._order(FindAgreement(seat=event.seat, platform_id=event.platform_id, name=event.name))

    def _left(self, seat: SeatId, at_ms: int, now_ms: int) -> None:
        left_ms = self._seats.left(seat, at_ms, now_ms)
        if left_ms is not None:
            self.record.left(seat, left_ms)
            self._order(self._entries.left(seat, left_ms, stay=self._seats.stay_of(seat)))
            self._answering.forget(seat, left_ms, now_ms)

    def _needs_everyone(self, at_ms: int) -> bool:
        return self.record.rule_over(at_ms, at_ms + 1) is Rule.EVERYONE

    # ---- after an unclean end ------------------------------------------------------------------------------------

    def _recall(self, now_ms: int) -> None:
        """What was said on a page holds; a yes said in the room must be said again."""
        for entry in self._earlier:
            if isinstance(entry.event, SeatJoined):
                self._seats.remember(entry.event)
            elif isinstance(entry.event, NoticeDelivered):
                self._seats.remember_notice(entry.event.message_id)
            self._limits.recall(entry)
            self._hosting.recall(entry)
            self._standings.recall(entry, self.facts.boot_id)
        self._answering.reset_what_was_said_in_the_room(now_ms)
        self._standings.resume(now_ms)

    def _order(self, command: Command) -> None:
        self._out.append(command)
