"""PURE: what people answer in the room, in the chat, by button, key or page, or said ahead, and what each changes.

A no changes the record before its command is returned; a yes only when the log has told that its entry is durable. When
somebody is asked is decided in `asking`, what the words mean in `consent_notice.answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from bot.acts import acts_of, acts_of_keys, says_no, thanks_for_yes, withdrawal
from bot.commands import (
    AgreementFound,
    BindPage,
    Command,
    CutBack,
    Durable,
    Hear,
    NoticePosted,
    PageBound,
    PostLine,
    SpeakLine,
)
from bot.entries import Entries, Evidence
from bot.facts import SessionFacts
from bot.ports import ChatDeleted, ChatEdited, ChatSaid, DigitsPressed, StopPressed
from bot.seats import Seat, Seats
from bot.standings import Acts, Standings
from bot.yes_lines import YesLines
from consent_notice.answers import Reading, find_page_code, read_deletion
from consent_notice.attendance import FOREVER_MS
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means
from consent_notice.notice import Say
from consent_notice.rules import MeetingRecord
from consent_notice.words import (
    IdentityLevel,
    Purpose,
    Rule,
    SeatId,
    SeatKind,
    Standing,
    person_of_voice,
    seat_of_voice,
)


class Answering:
    """Of one stay; shares its seats, standings and record with the session."""

    def __init__(
        self,
        facts: SessionFacts,
        *,
        record: MeetingRecord,
        seats: Seats,
        standings: Standings,
        entries: Entries,
        order: Callable[[Command], None],
        heard: Callable[[], frozenset[SeatId]],
    ) -> None:
        """`heard`: whom the room sends now."""
        self._facts = facts
        self._record = record
        self._seats = seats
        self._standings = standings
        self._entries = entries
        self._order = order
        self._ordered: set[str] = set()  # event ids
        self._thanks_due: dict[str, Say] = {}  # by event id, for when it is durable
        self._yeses = YesLines(names_only=facts.capabilities.names_only)
        self._heard = heard

    # ---- the chat ------------------------------------------------------------------------------------------------

    def chat(self, said: ChatSaid) -> None:
        seat = self._seats.recalled(said.seat)  # of who has just left, a no still counts
        if seat is None or seat.kind is not SeatKind.PERSON:
            self._seats.somebody_wrote(said, was_talk=True)  # another notetaker may ask for a yes, too
            return
        if (code := find_page_code(said.text, self._facts.code_alphabet)) is not None:
            self._seats.somebody_wrote(said)
            shared = PostLine(line=Say.CANNOT_RECORD_SEAT, to_seat=said.seat, reply_to=said.message_id)
            self._order(shared if self._twins(seat) else BindPage(code=code, seat=said.seat, at_ms=said.at_ms))
            return
        has_given = self.gave(said.seat, Purpose.RECORDING)
        reading = self._seats.read(said, has_given=has_given).reading
        acts = acts_of(reading, self._facts.asked, has_given=has_given)
        if acts is None:
            if reading in (Reading.QUESTION, Reading.UNCLEAR):
                self._explain(seat, Say.EXPLANATION if reading is Reading.QUESTION else Say.UNCLEAR, said)
            return
        opens = any(act is Act.GIVE for _, act in acts)
        if opens and (said.was_changed or not seat.is_here):
            return  # what becomes a yes by an edit is none
        twins = self._twins(seat)
        if opens and (twins or self._is_shared(seat)):  # whose yes that is, only a page of their own can tell
            line = Say.SAME_NAME if twins else Say.CANNOT_RECORD_SEAT
            self._order(PostLine(line=line, to_seat=said.seat, reply_to=said.message_id))
            return
        if opens:
            self._yeses.put(said, reading)
        if opens and self._is_early(seat, said):
            return
        thanks = None if opens else Say.THANKS_WITHDRAWN if has_given else Say.THANKS_REFUSED
        for each in [seat, *twins]:  # a no under a name that two people bear is a no of both: doubt is a no
            self.decide(each, acts, Means.CHAT, said.message_id, said.at_ms, verbatim=said.text, thanks=thanks)

    def _is_early(self, seat: Seat, said: ChatSaid) -> bool:
        """A yes needs a notice delivered after that person's join; where one is due, it is on its way or goes out now.

        Said before a no that is known, or told once more after its notice came, it is nothing.
        """
        if self._standings.is_overtaken(seat.seat, said.at_ms):
            return True
        is_of_stay = said.at_ms >= seat.joined_ms  # else somebody else may have said it, or to another notice
        if seat.noticed_ms is None:
            seat.early_yes = said if is_of_stay else None
            seat.notice_ordered = seat.notice_ordered and not self._standings.has_answered(said.seat)
            return True
        if said.at_ms >= seat.noticed_ms or (is_of_stay and self._seats.is_notice(said.reply_to)):
            return False
        self._explain(seat, Say.UNCLEAR, said)
        return True

    def _explain(self, seat: Seat, line: Say, said: ChatSaid) -> None:
        """At most once a person."""
        if not seat.explained:
            seat.explained = True
            self._order(PostLine(line=line, to_seat=seat.seat, reply_to=said.message_id))

    def edited(self, edited: ChatEdited) -> None:
        """An edit can shut and never opens; one of a yes takes it back, unless only its spelling changed."""
        whose, before, was = self._yeses.of(edited)
        seat = self._seats.recalled(whose)
        if seat is None or seat.kind is not SeatKind.PERSON:
            return
        has_given = self.gave(whose, Purpose.RECORDING)
        reading = self._seats.read_edit(edited, before, was, has_given=has_given).reading
        if reading not in (Reading.REFUSED, Reading.WITHDRAWN):
            return
        acts = acts_of(reading, self._facts.asked, has_given=has_given) or withdrawal()
        alone = self._seats.read_edit(edited, "", Reading.NONE, has_given=has_given).reading
        verbatim = edited.text if alone in (Reading.REFUSED, Reading.WITHDRAWN) else ""  # else it is no answer (law 11)
        self._yeses.drop(edited)
        thanks = (
            Say.ANSWER_CHANGED if was is not Reading.NONE else Say.THANKS_WITHDRAWN if has_given else Say.THANKS_REFUSED
        )
        reference = f"{edited.message_id}:edited:{edited.at_ms}"
        for each in [seat, *self._twins(seat)]:
            self.decide(each, acts, Means.CHAT, reference, edited.at_ms, verbatim=verbatim, thanks=thanks)

    def deleted(self, deleted: ChatDeleted) -> None:
        """Whoever deletes their yes may not stand by it: doubt is a no. Deleting a no takes nothing back."""
        whose, _, was = self._yeses.of(deleted)
        seat = self._seats.recalled(whose)
        if seat is None or read_deletion(was).reading is not Reading.WITHDRAWN:
            return
        self._yeses.drop(deleted)
        reference = f"{deleted.message_id}:deleted"
        self.decide(seat, withdrawal(), Means.CHAT, reference, deleted.at_ms, thanks=Say.ANSWER_CHANGED)

    def _is_shared(self, seat: Seat) -> bool:
        return self._record.people_on(seat.seat, FOREVER_MS) > 1 or self._standings.is_shared(seat.seat)

    def _twins(self, seat: Seat) -> list[Seat]:
        """Others who cannot be told from this one: where only shown names exist, those of the same name."""
        return self._seats.namesakes(seat) if self._facts.capabilities.names_only else []

    # ---- buttons, keys, pages, agreements ------------------------------------------------------------------------

    def stop_pressed(self, event: StopPressed) -> None:
        seat = self._seats.recalled(event.seat)
        if seat is not None:
            self.decide(
                seat, withdrawal(), Means.ROOM_BUTTON, event.message_id, event.at_ms, thanks=Say.THANKS_WITHDRAWN
            )
            # The room waits to be told so, even where nothing was received: else it would not pass on a later yes.
            self._order(Hear(seats=self._heard() - {event.seat}))

    def digits(self, event: DigitsPressed) -> None:
        seat = self._seats.recalled(event.seat)
        if seat is None:
            return
        is_new = self._standings.of(event.seat, Purpose.RECORDING) is Standing.UNKNOWN
        acts = acts_of_keys(event, seat, self._facts.asked, is_shared=self._is_shared(seat), is_unknown=is_new)
        if acts is not None:
            self.decide(
                seat,
                acts,
                Means.PHONE,
                event.message_id,
                event.at_ms,
                level=max(seat.identity_level, IdentityLevel.DISPLAY_NAME),
                matched_by="keys of this telephone",
                verbatim=event.digits,
                thanks=Say.THANKS_REFUSED if says_no(acts) else None,
            )

    def bound(self, event: PageBound) -> None:
        seat = self._seats.recalled(event.seat)
        if seat is None:
            return
        if event.is_known:
            return  # its choices counted when it was bound; typed again, a code takes back nothing that was said since
        if event.people > 1:
            self._order(self._entries.headcount(event.seat, event.people, event.page, event.at_ms))
            self._record.shares(event.seat, event.people, event.at_ms)
        if not event.acts:
            line = Say.CANNOT_RECORD_SEAT if event.is_shared else Say.UNCLEAR
            self._order(PostLine(line=line, to_seat=event.seat))
            return
        if not seat.is_here and any(act is Act.GIVE for _, act in event.acts):
            return  # they left before it was known whose page it is
        self.decide(
            seat,
            event.acts,
            Means.PAGE,
            event.page,
            event.at_ms,
            level=event.identity_level,
            matched_by=event.matched_by,
            person=event.person,
            evidence=Evidence(notice=event.notice, agreement=event.agreement),
        )

    def agreement_found(self, event: AgreementFound) -> None:
        """A no counts at once; a yes once this person was told of it here, unless they were asked meanwhile."""
        seat = self._seats.find(event.seat)
        if seat is None:
            return
        is_late, seat.looked_up = seat.looked_up, True
        if not event.acts or self._standings.has_answered(event.seat):
            return
        if any(act is Act.GIVE for _, act in event.acts):
            seat.ahead = seat.ahead if is_late else event
        else:
            seat.notice_ordered = True  # nobody asks them again
            self._decide_ahead(seat, event, at_ms=seat.joined_ms)

    def _decide_ahead(self, seat: Seat, found: AgreementFound, at_ms: int) -> None:
        self.decide(
            seat,
            found.acts,
            Means.AHEAD,
            f"{found.agreement}:{seat.seat}",
            at_ms,
            level=found.identity_level,
            matched_by=found.matched_by,
            evidence=Evidence(agreement=found.agreement),
        )

    # ---- what follows --------------------------------------------------------------------------------------------

    def noticed(self, posted: NoticePosted, now_ms: int) -> None:
        for seat in self._seats.noticed(posted, now_ms):
            self._standings.ask(seat.seat, self._facts.asked, now_ms)
            means, line = Means.PHONE if seat.is_phone else Means.CHAT, posted.line.value if posted.line else ""
            self._order(self._entries.noticed(seat.seat, posted.message_id, now_ms, means=means, line=line))
            ahead, seat.ahead = seat.ahead, None
            if ahead is not None and not self._standings.has_answered(seat.seat):
                self._decide_ahead(seat, ahead, at_ms=now_ms + 1)
            early, seat.early_yes = seat.early_yes, None
            if early is None or self._standings.has_answered(seat.seat):
                continue
            if self._seats.is_notice(early.reply_to):  # they had read one, and were quicker than the bot
                self.chat(early)
            else:
                self._order(PostLine(line=Say.UNCLEAR, to_seat=seat.seat, reply_to=early.message_id))

    def remind(self, people: Iterable[Seat], now_ms: int) -> None:
        """One reminder, then silence: who does not answer is `deferred`, which is not a yes."""
        for seat in people:
            if seat.noticed_ms is None or seat.reminded or now_ms - seat.noticed_ms < self._facts.offer_after_ms:
                continue
            seat.reminded = True
            is_open = self._standings.of(seat.seat, Purpose.RECORDING) is Standing.REQUESTED
            if not is_open or self._standings.has_answered(seat.seat):
                continue
            self._order(PostLine(line=Say.REMINDER, to_seat=seat.seat))
            acts = tuple((purpose, Act.DEFER) for purpose in self._facts.asked)
            self.decide(seat, acts, Means.SYSTEM, f"reminder-{self._facts.epoch}-{now_ms}", now_ms)

    def decide(
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
        person: str = "",
        thanks: Say | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        """Shuts now and logs after; opens nothing: a yes comes back as Durable. Nobody is thanked for what a crash
        could still lose."""
        entry = partial(
            self._entries.decided,
            seat.seat,
            acts,
            means,
            at_ms=at_ms,
            identity_level=seat.identity_level if level is None else level,
            matched_by=matched_by,
            verbatim=verbatim,
            person=person,
            evidence=evidence,
        )
        append = entry(message_id)
        if says_no(acts) and means is Means.CHAT and self._standings.is_outdated(append.event_id, at_ms):
            append = entry(f"{message_id}:edited:{at_ms}")  # it was changed since the log heard of it
        is_news = self._standings.said(seat.seat, acts, means, at_ms, append.event_id, person=person)
        if is_news and says_no(acts):
            seat.takes_back_early_yes(at_ms)
            # It may be heard of late, as where a page's choice takes a while to be found.
            self._order(CutBack(seat=self._whose(seat.seat, at_ms), after_ms=at_ms, of_earlier_stays=True))
        if thanks is not None:
            self._thanks_due[append.event_id] = thanks
        self._ordered.add(append.event_id)
        self._order(append)

    def durable(self, entry: Durable, now_ms: int) -> None:
        decided = entry.event
        if not isinstance(decided, Decided):
            return
        is_news = self._standings.logged(
            entry, now_ms, self._facts.boot_id, may_open=self._may_open(decided, entry.event_id)
        )
        thanks = self._thanks_due.pop(entry.event_id, None)
        if thanks is not None:
            self._order(PostLine(line=thanks, to_seat=decided.seat))
        acts = dict(decided.acts)
        if is_news and says_no(decided.acts):
            # Said in another process: what was captured since, and is already on disk, must go.
            at_ms = decided.at_ms if decided.boot_id == self._facts.boot_id else now_ms
            self._order(CutBack(seat=self._whose(decided.seat, at_ms), after_ms=at_ms, of_earlier_stays=True))
            seat = self._seats.recalled(decided.seat)
            if seat is not None:
                seat.takes_back_early_yes(at_ms)
            for twin in self._twins(seat) if seat is not None and decided.means is Means.PAGE else []:
                # Where only names are known, they may sit there by now.
                self.decide(twin, withdrawal(), Means.PAGE, decided.message_id, at_ms, matched_by="the same name")
        if acts.get(Purpose.RECORDING) is Act.ATTEST and self._facts.attested_opens:
            self._order(SpeakLine(line=Say.ATTESTED))
            self._order(PostLine(line=Say.ATTESTED))
        is_known = decided.means is Means.AHEAD and entry.event_id in self._ordered  # told as their notice
        if acts.get(Purpose.RECORDING) is Act.GIVE and not is_known and self.gave(decided.seat, Purpose.RECORDING):
            is_transcribed = self.gave(decided.seat, Purpose.TRANSCRIPTION)
            line = thanks_for_yes(self._facts.asked, is_transcribed=is_transcribed)
            self._order(PostLine(line=line, to_seat=decided.seat))

    def _may_open(self, decided: Decided, event_id: str) -> bool:
        """Not what a page says of a seat whose name somebody else may bear since its code was typed."""
        is_by_page = decided.means is Means.PAGE and event_id not in self._ordered
        return not (is_by_page and self._facts.capabilities.names_only and self._seats.stay_of(decided.seat) > 1)

    def _whose(self, seat: SeatId, since_ms: int) -> SeatId | None:
        """Whose sound a no takes away; None: everybody's."""
        return None if self._record.rule_over(since_ms, FOREVER_MS) is Rule.EVERYONE else seat

    def gave(self, seat: SeatId, purpose: Purpose) -> bool:
        return self._standings.of(seat, purpose) is Standing.GIVEN

    def forget(self, seat: SeatId, at_ms: int, now_ms: int, *, since_ms: int = -FOREVER_MS) -> None:
        """A name alone keeps no answer: whoever bears it next, or bore it too since then, may be somebody else."""
        known = self._seats.recalled(seat)
        if known is None or not self._facts.capabilities.names_only:
            return
        for voice, acts in self._standings.void(seat, since_ms, now_ms).items():
            self._end(known, voice, acts, f"name-{self._facts.epoch}-{at_ms}", at_ms)

    def shares_name(self, seat: SeatId, since_ms: int, now_ms: int) -> None:
        """What others of that name said since then may have been said by this one, who was not known yet."""
        known = self._seats.find(seat)
        for twin in [] if known is None else self._twins(known):
            self.forget(twin.seat, since_ms, now_ms, since_ms=since_ms)

    # ---- after an unclean end ------------------------------------------------------------------------------------

    def reset_what_was_said_in_the_room(self, now_ms: int) -> None:
        """Where only names are known, what was said on a page, too: somebody else may sit there by now."""
        for voice, acts in self._standings.resettable(pages=self._facts.capabilities.names_only).items():
            seat = self._seats.recalled(seat_of_voice(voice))
            if seat is not None:
                self._end(seat, voice, acts, f"reset-{self._facts.epoch}", now_ms)

    def _end(self, seat: Seat, voice: SeatId, acts: Acts, reason: str, at_ms: int) -> None:
        person = person_of_voice(voice)
        self.decide(seat, acts, Means.SYSTEM, f"{reason}-{person}" if person else reason, at_ms, person=person)
