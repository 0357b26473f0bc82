"""Where people stand after the decisions in the log, in its order: the one reading of bot, pages, verify and receipts.

Says nothing about whether anything may be kept; that is `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator

from consent_notice.decisions import Act, IllegalAct, meets_floor, next_standing
from consent_notice.events import Decided, HeadcountDeclared, Means, NoticeDelivered
from consent_notice.words import Purpose, SeatId, Standing, seat_of_voice, voice_of

ASKED_BY_NOTICE = (Purpose.RECORDING, Purpose.TRANSCRIPTION)
BY_OTHERS = frozenset({Means.HOST, Means.SYSTEM})
OPENING = frozenset({Standing.GIVEN, Standing.ATTESTED})  # the latter only where the record was told so
NO_NO = frozenset({Act.GIVE, Act.ASK, Act.DEFER, Act.ATTEST})
_NO_ANSWER = frozenset({Standing.UNKNOWN, Standing.REQUESTED, Standing.DEFERRED})
REFUSED = frozenset({Standing.REFUSED, Standing.WITHDRAWN})


class StandingsReplay:
    """As the bot keeps them: an act that the table does not know changes nothing, a yes that is given twice relies on
    the first, and a yes that was said before a no but logged after it is none. Kept by voice (`words.voice_of`); a no
    from a seat that several people share is a no of each of them.
    """

    def __init__(self) -> None:
        self.now: dict[tuple[SeatId, Purpose], Standing] = {}
        self._people: dict[SeatId, int] = {}
        self._last_no: dict[tuple[SeatId, Purpose], tuple[str, int]] = {}

    def after(self, event: NoticeDelivered | Decided) -> Iterator[tuple[Purpose, Standing]]:
        """The standings that the event changes, of the voice that it is about."""
        acts = event.acts if isinstance(event, Decided) else tuple((purpose, Act.ASK) for purpose in ASKED_BY_NOTICE)
        for purpose, act in acts:
            key = (voice_in(event), purpose)
            before = self.now.get(key, Standing.UNKNOWN)
            if act is Act.GIVE and (before is Standing.GIVEN or not self.counts(event, purpose)):
                continue
            try:
                self.now[key] = next_standing(before, act, by_person=event.means not in BY_OTHERS)
            except IllegalAct:
                continue
            if act not in NO_NO:
                self._note_no(key, event)
            if is_no(self.now[key]):
                self._note_no_of_each(key, self.now[key])
            yield purpose, self.now[key]

    def declared(self, event: HeadcountDeclared) -> None:
        self._people[event.seat] = max(event.people, self._people.get(event.seat, 1))

    def of_seat(self, seat: SeatId, purpose: Purpose) -> Standing:
        """A shared seat stands where the least of its people stands: given once all that were told of gave it."""
        own = self.now.get((seat, purpose), Standing.UNKNOWN)
        people = self._people.get(seat, 1)
        if people == 1:
            return own
        voices = [
            standing
            for (voice, asked), standing in self.now.items()
            if asked is purpose and voice != seat and seat_of_voice(voice) == seat
        ]
        given = sum(standing is Standing.GIVEN for standing in voices)
        if given >= people and given == len(voices):
            return Standing.GIVEN
        return next((standing for standing in (own, *voices) if is_no(standing)), Standing.REQUESTED)

    def counts(self, event: NoticeDelivered | Decided, purpose: Purpose) -> bool:
        """Whether its yes is one: said after the person's last no, by somebody who is known well enough. What was said
        ahead was said before any no of this meeting, whenever it was used."""
        for voice in {voice_in(event), event.seat}:
            if event.means is Means.AHEAD and self.now.get((voice, purpose)) in REFUSED:
                return False
            last_no_ms = self.last_no_ms(voice, purpose, event.boot_id)
            if last_no_ms is not None and event.at_ms <= last_no_ms:
                return False
        return not _is_low(event, purpose)

    def last_no_ms(self, seat: SeatId, purpose: Purpose, boot_id: str) -> int | None:
        """On the clock of that boot; one that was said on another boot's was said before this one began."""
        if (seat, purpose) not in self._last_no:
            return None
        said_on, at_ms = self._last_no[seat, purpose]
        return at_ms if said_on == boot_id else 0

    def _note_no_of_each(self, key: tuple[SeatId, Purpose], standing: Standing) -> None:
        seat, purpose = key
        for voice, asked in self.now:
            is_of_seat = asked is purpose and voice != seat and seat_of_voice(voice) == seat
            if is_of_seat and takes_the_place(standing, self.now[voice, purpose]):
                self.now[voice, purpose] = standing

    def _note_no(self, key: tuple[SeatId, Purpose], event: NoticeDelivered | Decided) -> None:
        boot_id, at_ms = self._last_no.get(key, (event.boot_id, event.at_ms))
        self._last_no[key] = (event.boot_id, max(at_ms, event.at_ms) if boot_id == event.boot_id else event.at_ms)


def is_no(standing: Standing) -> bool:
    """Of a seat, it is one of each who sits there; a yes that must only be said again is none."""
    return standing not in OPENING and standing not in _NO_ANSWER


def takes_the_place(no_of_seat: Standing, of_voice: Standing) -> bool:
    """Whether what ends a seat's standing ends that of one of its people. Not what they refused themselves: unless it
    is a no too, that would have them asked again.
    """
    return no_of_seat in REFUSED or of_voice not in REFUSED


def voice_in(event: NoticeDelivered | Decided) -> SeatId:
    return voice_of(event.seat, event.person) if isinstance(event, Decided) else event.seat


def _is_low(event: NoticeDelivered | Decided, purpose: Purpose) -> bool:
    return isinstance(event, Decided) and not meets_floor(purpose, event.identity_level)
