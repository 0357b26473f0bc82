"""PURE: the life of one stay in a meeting, as (event, now) -> commands.

Decides when to ask whom, what an answer changes, what the room is told and when to leave. Presence is a table of its
own (`presence`). Whether sound is kept is no state here: it is asked of `record` each time, as the gate does.
A no changes `record` before its command is returned; a yes only when the log has told that its entry is durable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.asking import Asking
from bot.commands import (
    BindPage,
    Command,
    CutBack,
    Durable,
    Hear,
    HostStopped,
    JoinFailed,
    JoinRoom,
    LeaveRoom,
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
from bot.ports import (
    Admitted,
    ChatSaid,
    Ended,
    Joined,
    Left,
    LeftReason,
    RoomEvent,
    StopPressed,
)
from bot.presence import Presence, next_presence
from bot.seats import Seat, Seats
from bot.standings import Acts, Standings
from bot.telling import Telling
from consent_notice.answers import Reading, find_page_code
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, NoticeDelivered, SeatJoined
from consent_notice.notice import Say
from consent_notice.rules import Grounds, MeetingRecord, judge
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind, Standing


class Session:
    """One stay. `apply` is the only way in."""

    def __init__(self, facts: SessionFacts, earlier: Iterable[Durable] = ()) -> None:
        """`earlier`: what the log holds of this visit from stays that ended uncleanly."""
        self.facts = facts
        self.presence = Presence.SCHEDULED
        self.record = MeetingRecord(facts.rule)
        self.left_reason: LeftReason | None = None
        self.left_detail = ""
        self._seats = Seats(facts.phrases, facts.language)
        self._standings = Standings(self.record)
        self._entries = Entries(visit=facts.visit, epoch=facts.epoch, boot_id=facts.boot_id, notice=facts.notice)
        self._out: list[Command] = []
        self._joining_since_ms = 0
        self._empty_since_ms: int | None = None
        self._blocked_since_ms: int | None = None
        self._telling = Telling(facts)
        self._thanks_due: dict[str, Say] = {}  # by event id, for when it is durable
        self._earlier = tuple(earlier)
        self._asking = Asking(
            facts, {entry.event.seat for entry in self._earlier if isinstance(entry.event, NoticeDelivered)}
        )

    # ---- the way in ----------------------------------------------------------------------------------------------

    def apply(self, event: RoomEvent | OwnEvent, now_ms: int) -> list[Command]:
        """Raises IllegalEvent. `now_ms`: boot clock."""
        before, self.presence = self.presence, next_presence(self.presence, event)
        self._out = []
        if before is Presence.LEFT:
            return self._out
        if before is not Presence.LEAVING:
            self._come_and_go(event, now_ms)
        self._happened(event, now_ms)
        if self.presence is Presence.IN_ROOM:
            self._in_room(now_ms, may_begin=not isinstance(event, Joined))
        elif self.presence in (Presence.JOINING, Presence.WAITING_ROOM):
            self._waiting(now_ms)
        return self._out

    def _come_and_go(self, event: RoomEvent | OwnEvent, now_ms: int) -> None:
        """What concerns the bot's own presence; once it is leaving, none of it matters any more."""
        match event:
            case Started():
                self._joining_since_ms = now_ms
                self._recall(now_ms)
                self._order(JoinRoom())
            case Admitted():
                self._empty_since_ms = now_ms
            case JoinFailed(reason=reason, detail=detail):
                self._ended(reason, detail)
            case HostStopped():
                self._leave(LeftReason.HOST_STOPPED, "the host stopped it", now_ms, line=Say.GOODBYE_HOST_STOPPED)
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
                self._joined(event)
            case Left(seat=seat, at_ms=at_ms):
                self._left(seat, at_ms)
            case ChatSaid():
                self._chat(event)
            case StopPressed():
                self._stop_pressed(event)
            case NoticePosted(message_id=message_id, seats=seats):
                self._notice_posted(message_id, seats, now_ms)
            case Durable():
                self._durable(event, now_ms)
            case PageBound():
                self._bound(event)
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
        self._out += self._asking.ask(people, may_begin=may_begin)
        self._out += self._telling.tell(self.kept_seats(now_ms), [seat.seat for seat in people])
        self._remind(people, now_ms)
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
        if self._telling.heard or not any(seat.notice_ordered for seat in people):
            self._blocked_since_ms = None
            return
        if self._blocked_since_ms is None:
            self._blocked_since_ms = now_ms
        # The same time whether somebody refused or did not answer: the two must look alike.
        if now_ms - self._blocked_since_ms >= self.facts.grace_ms:
            self._leave(
                LeftReason.NOT_EVERYONE_AGREED, "not everyone agreed", now_ms, line=Say.GOODBYE_NOT_EVERYONE_AGREED
            )

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

    def _joined(self, event: Joined) -> None:
        event = self._seats.joined(event, has_answered=self._standings.has_answered(event.seat))
        self.record.joined(event.seat, event.seat_kind, event.at_ms)
        if self.facts.rule is Rule.EVERYONE and event.seat_kind is SeatKind.PERSON:
            self._order(CutBack(seat=None, after_ms=event.at_ms))
        self._order(self._entries.joined(event))

    def _left(self, seat: SeatId, at_ms: int) -> None:
        left_ms = self._seats.left(seat, at_ms)
        if left_ms is not None:
            self.record.left(seat, left_ms)
            self._order(self._entries.left(seat, left_ms))

    # ---- asking --------------------------------------------------------------------------------------------------

    def _notice_posted(self, message_id: str, seats: frozenset[SeatId], now_ms: int) -> None:
        for seat in self._seats.noticed(message_id, seats, now_ms):
            self._standings.ask(seat.seat, self.facts.asked, now_ms)
            self._order(self._entries.noticed(seat.seat, message_id, now_ms))
            early, seat.early_yes = seat.early_yes, None
            if early is None or self._standings.has_answered(seat.seat):
                continue
            if self._seats.is_notice(early.reply_to):  # they had read one, and were quicker than the bot
                self._chat(replace(early, at_ms=now_ms + 1))
            else:
                self._order(PostLine(line=Say.UNCLEAR, to_seat=seat.seat, reply_to=early.message_id))

    def _remind(self, people: list[Seat], now_ms: int) -> None:
        """One reminder, then silence: who does not answer is `deferred`, which is not a yes."""
        for seat in people:
            if seat.noticed_ms is None or seat.reminded or now_ms - seat.noticed_ms < self.facts.offer_after_ms:
                continue
            seat.reminded = True
            if self._standings.of(seat.seat, Purpose.RECORDING) is not Standing.REQUESTED:
                continue
            self._order(PostLine(line=Say.REMINDER, to_seat=seat.seat))
            acts = tuple((purpose, Act.DEFER) for purpose in self.facts.asked)
            self._decide(seat, acts, Means.SYSTEM, f"reminder-{self.facts.epoch}-{now_ms}", now_ms)

    # ---- answers -------------------------------------------------------------------------------------------------

    def _chat(self, said: ChatSaid) -> None:
        seat = self._seats.find(said.seat)
        if seat is None or seat.kind is not SeatKind.PERSON:
            return
        code = find_page_code(said.text, self.facts.code_alphabet)
        if code is not None:
            self._seats.somebody_wrote(said)
            self._order(BindPage(code=code, seat=said.seat, at_ms=said.at_ms))
            return
        has_given = self._gave(said.seat, Purpose.RECORDING)
        acts: Acts
        match self._seats.read(said, has_given=has_given).reading:
            case Reading.GIVEN:
                acts = tuple((purpose, Act.GIVE) for purpose in self.facts.asked)
            case Reading.SOUND_ONLY:
                acts = tuple(
                    (purpose, Act.GIVE if purpose is Purpose.RECORDING else Act.REFUSE) for purpose in self.facts.asked
                )
            case Reading.REFUSED if not has_given:
                acts = tuple((purpose, Act.REFUSE) for purpose in Purpose)
            case Reading.REFUSED | Reading.WITHDRAWN:
                acts = _withdrawal()
            case Reading.QUESTION | Reading.UNCLEAR as reading if not seat.explained:
                seat.explained = True
                line = Say.EXPLANATION if reading is Reading.QUESTION else Say.UNCLEAR
                self._order(PostLine(line=line, to_seat=said.seat, reply_to=said.message_id))
                return
            case _:
                return
        opens = any(act is Act.GIVE for _, act in acts)
        if opens and seat.noticed_ms is None:
            # A yes needs a notice delivered after that person's join: it is on its way, or goes out now.
            seat.early_yes = said
            seat.notice_ordered = seat.notice_ordered and not self._standings.has_answered(said.seat)
            return
        thanks = None if opens else Say.THANKS_WITHDRAWN if has_given else Say.THANKS_REFUSED
        self._decide(seat, acts, Means.CHAT, said.message_id, said.at_ms, verbatim=said.text, thanks=thanks)

    def _stop_pressed(self, event: StopPressed) -> None:
        seat = self._seats.find(event.seat)
        if seat is not None:
            thanks = Say.THANKS_WITHDRAWN
            self._decide(seat, _withdrawal(), Means.ROOM_BUTTON, event.message_id, event.at_ms, thanks=thanks)
            # The room waits to be told so, even where nothing was received: else it would not pass on a later yes.
            self._order(Hear(seats=self._telling.heard - {event.seat}))

    def _bound(self, event: PageBound) -> None:
        seat = self._seats.find(event.seat)
        if seat is None:
            return
        if event.is_known:
            return  # its choices counted when it was bound; typed again, a code takes back nothing that was said since
        if not event.acts:
            line = Say.CANNOT_RECORD_SEAT if event.is_shared else Say.UNCLEAR
            self._order(PostLine(line=line, to_seat=event.seat))
            return
        self._decide(
            seat,
            event.acts,
            Means.PAGE,
            event.page,
            event.at_ms,
            level=IdentityLevel.PAGE_BOUND_BY_CODE,
            matched_by="page code",
        )

    def _decide(
        self,
        seat: Seat,
        acts: Acts,
        means: Means,
        message_id: str,
        at_ms: int,
        *,
        verbatim: str = "",
        level: IdentityLevel | None = None,
        matched_by: str = "platform seat",
        thanks: Say | None = None,
    ) -> None:
        """Shuts now and logs after; opens nothing: a yes comes back as Durable. Nobody is thanked for what a crash
        could still lose."""
        append = self._entries.decided(
            seat.seat,
            acts,
            means,
            message_id,
            at_ms,
            identity_level=seat.identity_level if level is None else level,
            matched_by=matched_by,
            verbatim=verbatim,
        )
        self._standings.said(seat.seat, acts, means, at_ms, append.event_id)
        if thanks is not None:
            self._thanks_due[append.event_id] = thanks
        self._order(append)

    def _durable(self, entry: Durable, now_ms: int) -> None:
        decided = entry.event
        if not isinstance(decided, Decided):
            return
        is_news = self._standings.logged(entry, now_ms, self.facts.boot_id)
        thanks = self._thanks_due.pop(entry.event_id, None)
        if thanks is not None:
            self._order(PostLine(line=thanks, to_seat=decided.seat))
        if is_news and any(act is not Act.GIVE for _, act in decided.acts):
            # Said in another process: what was captured since, and is already on disk, must go.
            at_ms = decided.at_ms if decided.boot_id == self.facts.boot_id else now_ms
            whom = None if self.facts.rule is Rule.EVERYONE else decided.seat
            self._order(CutBack(seat=whom, after_ms=at_ms, of_earlier_stays=True))
        if dict(decided.acts).get(Purpose.RECORDING) is Act.GIVE and self._gave(decided.seat, Purpose.RECORDING):
            self._order(PostLine(line=self._thanks(decided.seat), to_seat=decided.seat))

    def _thanks(self, seat: SeatId) -> Say:
        if Purpose.TRANSCRIPTION not in self.facts.asked:
            return Say.THANKS_GIVEN_NO_TRANSCRIPT
        return Say.THANKS_GIVEN if self._gave(seat, Purpose.TRANSCRIPTION) else Say.THANKS_SOUND_ONLY

    def _gave(self, seat: SeatId, purpose: Purpose) -> bool:
        return self._standings.of(seat, purpose) is Standing.GIVEN

    def _recall(self, now_ms: int) -> None:
        """After an unclean end: what was said on a page holds; a yes said in the room must be said again."""
        for entry in self._earlier:
            if isinstance(entry.event, SeatJoined):
                self._seats.remember(entry.event)
            self._standings.recall(entry, self.facts.boot_id)
        for seat_id, acts in self._standings.said_only_in_the_room().items():
            seat = self._seats.recalled(seat_id)
            if seat is not None:
                self._decide(seat, acts, Means.SYSTEM, f"reset-{self.facts.epoch}", now_ms)
        self._standings.resume(now_ms)

    # ---- small things --------------------------------------------------------------------------------------------

    def _order(self, command: Command) -> None:
        self._out.append(command)


def _withdrawal() -> Acts:
    """`stop` takes back everything: without `recording` no other purpose works."""
    return tuple((purpose, Act.WITHDRAW) for purpose in Purpose)
