"""PURE: who sits where, what each has been told, and in which context their words are to be read.

Keeps no standing (that is `standings`) and no time of presence (that is the MeetingRecord).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.commands import AgreementFound, NoticeFailed, NoticePosted
from bot.ports import ChatEdited, ChatSaid, Joined
from consent_notice.answers import (
    ASK_WINDOW_MS,
    Answer,
    AnswerContext,
    Reading,
    asks_others,
    is_talk,
    read_answer,
    read_edit,
)
from consent_notice.events import SeatJoined
from consent_notice.phrases import Phrases
from consent_notice.words import IdentityLevel, SeatId, SeatKind

ASK_AGAIN_AFTER_MS = (5_000, 15_000, 45_000)


@dataclass(slots=True, kw_only=True)
class Seat:
    """One participant as the platform shows it; kept after they leave, since the same id keeps its answers."""

    seat: SeatId
    name: str
    kind: SeatKind
    identity_level: IdentityLevel
    joined_ms: int  # the last time
    left_ms: int | None = None  # as the room dates it
    away_ms: int | None = None  # from when the bot was told: a leave lets others be kept again
    stay: int = 1  # how often they have come
    is_here: bool = True
    notice_ordered: bool = False
    ask_from_ms: int = 0  # not before: the last notice could not be posted
    ask_failures: int = 0
    noticed_ms: int | None = None  # when the notice was readable to them, in this stay of theirs
    spoke_since_notice: bool = False
    others_spoke_since_notice: bool = False
    others_talked_ms: int | None = None  # when somebody else last wrote what is no answer to the bot
    others_asked_ms: int | None = None  # the same, of what asks something
    others_talked_before_notice: bool = False
    others_talked_in_thread: bool = False  # the notice's, since it was posted
    reminded: bool = False
    explained: bool = False
    early_yes: ChatSaid | None = None  # heard of before the bot knew that its notice had arrived
    platform_id: str = ""
    is_phone: bool = False
    looked_up: bool = False  # whether they said something ahead is known
    told_ms: int = 0  # when the bot first knew of them, on its own clock
    ahead: AgreementFound | None = None  # a yes said ahead, of which they are yet to be told

    def takes_back_early_yes(self, at_ms: int) -> None:
        """By a no that was said then."""
        if self.early_yes is not None and self.early_yes.at_ms <= at_ms:
            self.early_yes = None


@dataclass(slots=True)
class Seats:
    """Everybody ever seen in this visit."""

    phrases: Phrases
    language: str
    known_bots: frozenset[str] = frozenset()  # shown names, casefolded, that an admin vouched for
    anybody_came: bool = False
    _seats: dict[SeatId, Seat] = field(default_factory=dict)
    _notices: set[str] = field(default_factory=set)  # message ids that an answer may be a reply to
    _lines: set[str] = field(default_factory=set)  # of all else that the bot wrote

    def find(self, seat: SeatId) -> Seat | None:
        """Only while they are here."""
        known = self._seats.get(seat)
        return known if known is not None and known.is_here else None

    def people(self) -> list[Seat]:
        return [seat for seat in self._seats.values() if seat.is_here and seat.kind is SeatKind.PERSON]

    def namesakes(self, seat: Seat) -> list[Seat]:
        """Others here who show the same name."""
        name = seat.name.casefold()
        return [other for other in self.people() if other.seat != seat.seat and other.name.casefold() == name]

    def stay_of(self, seat: SeatId) -> int:
        known = self._seats.get(seat)
        return 1 if known is None else known.stay

    def name_of(self, seat: SeatId) -> str | None:
        """As shown until now; None for somebody who is not here."""
        known = self.find(seat)
        return None if known is None else known.name

    def bots(self) -> list[Seat]:
        return [seat for seat in self._seats.values() if seat.is_here and seat.kind is SeatKind.BOT]

    def joined(self, event: Joined, *, has_answered: bool) -> Joined:
        """Who answered before is not asked again; who did not needs a notice after this join.

        Returns what is to be noted: who was once a person stays one, and a join that was told after a leave is none
        from before it, however the room dates it; else whoever reloads the page would be taken for absent.
        """
        known = self._seats.get(event.seat)
        if (known is None or known.kind is SeatKind.BOT) and event.name.casefold() in self.known_bots:
            event = replace(event, seat_kind=SeatKind.BOT)
        if known is not None:
            kind = SeatKind.PERSON if known.kind is SeatKind.PERSON else event.seat_kind
            at_ms = event.at_ms if known.away_ms is None else max(event.at_ms, known.away_ms)
            event = replace(event, seat_kind=kind, at_ms=at_ms)
        if known is not None and known.is_here:
            known.name, known.kind = event.name, event.seat_kind
            return event
        self._seats[event.seat] = Seat(
            seat=event.seat,
            name=event.name,
            kind=event.seat_kind,
            identity_level=event.identity_level,
            joined_ms=event.at_ms,
            stay=1 if known is None else known.stay + 1,
            notice_ordered=has_answered,
            explained=known is not None and known.explained,
            platform_id=event.platform_id,
            is_phone=event.is_phone,
        )
        self.anybody_came = self.anybody_came or event.seat_kind is SeatKind.PERSON
        return event

    def remember(self, event: SeatJoined) -> None:
        """Somebody whom an earlier stay of the bot saw; they are here only once the room says so."""
        self.anybody_came = self.anybody_came or event.seat_kind is SeatKind.PERSON
        known = self._seats.get(event.seat)
        was_person = known is not None and known.kind is SeatKind.PERSON
        self._seats[event.seat] = Seat(
            seat=event.seat,
            name=event.name,
            kind=SeatKind.PERSON if was_person else event.seat_kind,
            identity_level=event.identity_level,
            joined_ms=event.at_ms,
            is_here=False,
            stay=1 if known is None else known.stay + 1,
            platform_id=event.platform_id,
        )

    def recalled(self, seat: SeatId) -> Seat | None:
        """Also when they are not here (yet)."""
        return self._seats.get(seat)

    def left(self, seat: SeatId, at_ms: int, now_ms: int) -> int | None:
        """From when they count as away; None where it is no news. It was told in order, so not before they came, and
        after a rejoin: a leave of that very moment would be taken for the one before it."""
        known = self.find(seat)
        if known is None:
            return None
        known.is_here = False
        known.left_ms = max(at_ms, known.joined_ms)
        known.away_ms = max(known.left_ms, now_ms, known.joined_ms + (known.stay > 1))
        return known.away_ms

    def noticed(self, posted: NoticePosted, now_ms: int) -> list[Seat]:
        """Those of them who have been here all the time since it was ordered, and so can read it."""
        self._notices.add(posted.message_id)
        stays = dict(posted.stays)
        here = (seat for seat in (self.find(each) for each in sorted(posted.seats)) if seat is not None)
        reached = [seat for seat in here if stays.get(seat.seat, seat.stay) == seat.stay]
        for seat in reached:
            seat.noticed_ms = now_ms
            seat.spoke_since_notice = False
            seat.others_spoke_since_notice = False
            seat.others_talked_before_notice = _is_within_a_minute(seat.others_talked_ms, now_ms)
            seat.others_talked_in_thread = False
        return reached

    def unnoticed(self, failed: NoticeFailed, now_ms: int) -> None:
        """To be asked again, those who are still in the stay in which it was tried; three times, ever later."""
        stays = dict(failed.stays)
        for seat in (self.find(each) for each in failed.seats):
            if seat is None or stays.get(seat.seat, seat.stay) != seat.stay or seat.noticed_ms is not None:
                continue
            if seat.ask_failures < len(ASK_AGAIN_AFTER_MS):  # a room may have taken it and not have said so
                seat.notice_ordered = False
                seat.ask_from_ms = now_ms + ASK_AGAIN_AFTER_MS[seat.ask_failures]
                seat.ask_failures += 1

    def remember_notice(self, message_id: str) -> None:
        """Of an earlier stay of the bot; whoever answers it has read it, and is told the notice of this one."""
        self._notices.add(message_id)

    def posted(self, message_id: str) -> None:
        self._lines.add(message_id)

    def is_notice(self, message_id: str | None) -> bool:
        return message_id in self._notices

    def read(self, said: ChatSaid, *, has_given: bool) -> Answer:
        """Reads the message in its context, and remembers that it was said."""
        context = self.context_of(said, has_given=has_given)
        answer = read_answer(said.text, context, self.phrases)
        self.somebody_wrote(said, was_talk=is_talk(said.text, answer.reading, context, self.phrases))
        return answer

    def context_of(self, said: ChatSaid, *, has_given: bool) -> AnswerContext:
        """A whisper to the bot is meant for nobody else, whatever others talk about."""
        seat = self._seats[said.seat]
        in_thread = self.is_notice(said.reply_to)
        others_talked = seat.others_talked_in_thread if in_thread else seat.others_talked_before_notice
        return AnswerContext(
            language=self.language,
            reply_to_notice=in_thread,
            ms_since_ask=None if seat.noticed_ms is None else max(0, said.at_ms - seat.noticed_ms),
            is_first_since_ask=not seat.spoke_since_notice,
            others_spoke_since_ask=seat.others_spoke_since_notice,
            has_given=has_given,
            replies_to_another=said.reply_to is not None and not in_thread,
            replies_to_line=said.reply_to in self._lines,
            others_talked_before=others_talked and not said.to_bot_only,
            follows_question=_is_within_a_minute(seat.others_asked_ms, said.at_ms) and not said.to_bot_only,
        )

    def read_edit(self, edited: ChatEdited, before: str, was: Reading, *, has_given: bool) -> Answer:
        """The place of an edited message in the talk is no longer known: only what counts anywhere is read in it."""
        context = AnswerContext(
            language=self.language,
            reply_to_notice=False,
            ms_since_ask=None,
            is_first_since_ask=False,
            others_spoke_since_ask=True,
            has_given=has_given,
        )
        return read_edit(before, was, edited.text, context, self.phrases)

    def somebody_wrote(self, said: ChatSaid, *, was_talk: bool = False) -> None:
        """Whoever it was, also somebody who is no person or not known to be here: another notetaker may ask, too.

        A whisper to the bot stands between nobody's question and answer.
        """
        writer = self._seats.get(said.seat)
        if writer is not None:
            writer.spoke_since_notice = True
        if said.to_bot_only:
            return
        in_thread = self.is_notice(said.reply_to)
        asked = was_talk and asks_others(said.text, self.phrases)
        for other in self.people():
            if other.seat == said.seat:
                continue
            other.others_spoke_since_notice = True
            if was_talk:
                other.others_talked_ms = said.at_ms
                other.others_talked_in_thread = other.others_talked_in_thread or in_thread
            if asked:
                other.others_asked_ms = said.at_ms


def _is_within_a_minute(earlier_ms: int | None, now_ms: int) -> bool:
    return earlier_ms is not None and now_ms - earlier_ms <= ASK_WINDOW_MS
