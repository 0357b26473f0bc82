"""PURE: everybody's standings as this stay knows them, written through to the MeetingRecord that the gate asks.

A no takes effect when it is said; a yes when the log tells that its entry is durable, and never over a no of the same
person that was said here and is not yet in the log, since that no will come after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.commands import Durable
from consent_notice.attendance import FOREVER_MS
from consent_notice.decisions import Act, IllegalAct, meets_floor, next_standing
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.rules import MeetingRecord
from consent_notice.standings import OPENING, REFUSED, StandingsReplay, is_no, takes_the_place
from consent_notice.words import Purpose, SeatId, Standing, seat_of_voice, voice_of

Acts = tuple[tuple[Purpose, Act], ...]
BY_OTHERS = frozenset({Means.HOST, Means.SYSTEM})
_NO_NO = frozenset({Act.ASK, Act.DEFER})
_OPENING = frozenset({Act.GIVE, Act.ATTEST})
FINAL = frozenset({Standing.GIVEN, *REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    standing: Standing
    means: Means | None = None
    entry: int | None = None
    said_ms: int = 0  # of a yes that this stay heard of


_UNKNOWN = _Known(standing=Standing.UNKNOWN)


class Standings:
    """One per stay; shares its record with the gate."""

    def __init__(self, record: MeetingRecord) -> None:
        self._record = record
        self._known: dict[tuple[SeatId, Purpose], _Known] = {}
        self._last_no_ms: dict[tuple[SeatId, Purpose], int] = {}
        self._unlogged_noes: dict[SeatId, set[str]] = {}
        self._void: dict[SeatId, list[tuple[int, int]]] = {}
        self._logged_ms: dict[str, int] = {}  # when it was said, of each event id; 0: on another boot
        self._recalled = StandingsReplay()
        self._last_index = -1

    def of(self, seat: SeatId, purpose: Purpose) -> Standing:
        return self._known.get((seat, purpose), _UNKNOWN).standing

    def has_answered(self, seat: SeatId) -> bool:
        """Where several people share it: one who refused is asked no more, so nobody there is."""
        return self.of(seat, Purpose.RECORDING) in FINAL or any(
            purpose is Purpose.RECORDING and known.standing in REFUSED and seat_of_voice(voice) == seat
            for (voice, purpose), known in self._known.items()
        )

    def is_shared(self, seat: SeatId) -> bool:
        """Whether somebody answered as one of several there."""
        return any(voice != seat and seat_of_voice(voice) == seat for voice, _ in self._known)

    def has_agreed(self, seat: SeatId) -> bool:
        return self.of(seat, Purpose.RECORDING) is Standing.GIVEN

    def _has_refused(self, seat: SeatId, voice: SeatId, purpose: Purpose) -> bool:
        """What was said ahead was said before it, whenever that was used."""
        return any(self.of(each, purpose) in REFUSED for each in (seat, voice))

    def is_agreed_ahead(self, seat: SeatId) -> bool:
        known = self._known.get((seat, Purpose.RECORDING), _UNKNOWN)
        return known.standing is Standing.GIVEN and known.means is Means.AHEAD

    def is_overtaken(self, seat: SeatId, said_ms: int) -> bool:
        """Whether a no of theirs, of any of them, is known that was said no earlier."""
        return any(
            purpose is Purpose.RECORDING and last_no_ms >= said_ms and seat_of_voice(voice) == seat
            for (voice, purpose), last_no_ms in self._last_no_ms.items()
        )

    def is_outdated(self, event_id: str, said_ms: int) -> bool:
        """Whether the log holds under that id what was said earlier than this."""
        return said_ms > self._logged_ms.get(event_id, FOREVER_MS)

    def ask(self, seat: SeatId, purposes: Iterable[Purpose], now_ms: int) -> None:
        for purpose in purposes:
            self._shut(seat, purpose, Act.ASK, Means.SYSTEM, now_ms)

    def said(self, seat: SeatId, acts: Acts, means: Means, at_ms: int, event_id: str, *, person: str = "") -> bool:
        """Takes what shuts at once; what opens waits for `logged`. False where the log holds it already: no news."""
        if event_id in self._logged_ms:
            return False
        seat = voice_of(seat, person)
        shutting = [(purpose, act) for purpose, act in acts if act not in _OPENING]
        if any(act not in _NO_NO for _, act in shutting):
            self._unlogged_noes.setdefault(seat, set()).add(event_id)
        for purpose, act in shutting:
            self._shut(seat, purpose, act, means, at_ms)
        return True

    def logged(self, entry: Durable, now_ms: int, boot_id: str, *, may_open: bool = True) -> bool:
        """True where this is news: said in another process. An index already seen changes nothing."""
        decided = entry.event
        if not isinstance(decided, Decided) or entry.index <= self._last_index:
            return False
        self._last_index = entry.index
        self._logged_ms[entry.event_id] = decided.at_ms if decided.boot_id == boot_id else 0
        voice = voice_of(decided.seat, decided.person)
        was_said_here = entry.event_id in self._unlogged_noes.get(voice, ())
        self._unlogged_noes.get(voice, set()).discard(entry.event_id)
        unlogged = {*self._unlogged_noes.get(voice, ()), *self._unlogged_noes.get(decided.seat, ())}
        at_ms = decided.at_ms if decided.boot_id == boot_id else now_ms
        for purpose, act in decided.acts:
            if act in _OPENING:
                last_no_ms = max(self._last_no_ms.get((each, purpose), -FOREVER_MS) for each in (voice, decided.seat))
                is_void = any(from_ms <= at_ms <= to_ms for from_ms, to_ms in self._void.get(decided.seat, ()))
                was_refused = decided.means is Means.AHEAD and self._has_refused(decided.seat, voice, purpose)
                is_overtaken = bool(unlogged) or at_ms <= last_no_ms or is_void or was_refused or not may_open
                if not is_overtaken and (act is Act.ATTEST or meets_floor(purpose, decided.identity_level)):
                    self._open(entry.index, decided, purpose, act, said_ms=at_ms, now_ms=now_ms)
            elif not was_said_here:
                self._shut(voice, purpose, act, decided.means, at_ms)
        return not was_said_here

    def void(self, seat: SeatId, from_ms: int, to_ms: int) -> dict[SeatId, Acts]:
        """What was said from that seat meanwhile opens nothing, since it may be somebody else's.

        Returns what of it stands already, by voice, as acts that end it.
        """
        self._void.setdefault(seat, []).append((from_ms, to_ms))
        found: dict[SeatId, list[tuple[Purpose, Act]]] = {}
        for (voice, purpose), known in self._known.items():
            is_meant = seat_of_voice(voice) == seat and from_ms <= known.said_ms <= to_ms
            if is_meant and known.standing in OPENING and known.means is not Means.AHEAD:
                found.setdefault(voice, []).append((purpose, Act.RESET))
        return {voice: tuple(acts) for voice, acts in found.items()}

    # ---- after an unclean end ------------------------------------------------------------------------------------

    def recall(self, entry: Durable, boot_id: str) -> None:
        """One entry of earlier stays, in the log's order, read as everybody reads the log; opens nothing yet."""
        event = entry.event
        if not isinstance(event, NoticeDelivered | Decided):
            return
        self._last_index = max(self._last_index, entry.index)
        self._logged_ms[entry.event_id] = event.at_ms if event.boot_id == boot_id else 0
        voice = voice_of(event.seat, event.person) if isinstance(event, Decided) else event.seat
        for purpose, standing in self._recalled.after(event):
            means = event.means if isinstance(event, Decided) else Means.SYSTEM
            self._known[voice, purpose] = _Known(standing=standing, means=means, entry=entry.index)
            for (each, asked), stands in self._recalled.now.items():  # a no from the seat is one of each who share it
                if asked is purpose and seat_of_voice(each) == voice and stands is not self.of(each, asked):
                    self._known[each, asked] = _Known(standing=stands, means=means)
            last_no_ms = self._recalled.last_no_ms(voice, purpose, boot_id)
            if last_no_ms is not None:
                self._last_no_ms[voice, purpose] = last_no_ms
        if isinstance(event, Decided) and event.means is Means.PAGE:
            self._recall_repeated_yes(entry.index, event)

    def _recall_repeated_yes(self, index: int, decided: Decided) -> None:
        """Said in the room and then on a page: the page's holds."""
        voice = voice_of(decided.seat, decided.person)
        for purpose, act in decided.acts:
            is_given = self.of(voice, purpose) is Standing.GIVEN
            if act is Act.GIVE and is_given and self._recalled.counts(decided, purpose):
                self._known[voice, purpose] = _Known(standing=Standing.GIVEN, means=Means.PAGE, entry=index)

    def resettable(self, *, pages: bool) -> dict[SeatId, Acts]:
        """Yeses that a lost moment of chat may have taken back, by voice, as acts that make them `requested` again."""
        found: dict[SeatId, list[tuple[Purpose, Act]]] = {}
        for (voice, purpose), known in self._known.items():
            if known.standing is Standing.GIVEN and (pages or known.means is not Means.PAGE):
                found.setdefault(voice, []).append((purpose, Act.RESET))
        return {voice: tuple(acts) for voice, acts in found.items()}

    def resume(self, now_ms: int) -> None:
        """What still holds of the earlier stays holds from now on; a no from when it was said, so that a yes which
        somebody said since then, and which is yet to be told, is a later one."""
        noes_first = sorted(self._known.items(), key=lambda item: item[1].standing in OPENING)
        for (seat, purpose), known in noes_first:
            from_ms = now_ms if known.standing in OPENING else self._last_no_ms.get((seat, purpose), 0)
            self._record.stands(seat, purpose, known.standing, from_ms, known.entry)

    # ---- writing through -----------------------------------------------------------------------------------------

    def _shut(self, seat: SeatId, purpose: Purpose, act: Act, means: Means, at_ms: int) -> None:
        try:
            standing = next_standing(self.of(seat, purpose), act, by_person=means not in BY_OTHERS)
        except IllegalAct:
            return  # a second ask, a deferral of somebody who has just answered
        self._known[seat, purpose] = _Known(standing=standing, means=means)
        if act not in _NO_NO:
            self._last_no_ms[seat, purpose] = max(at_ms, self._last_no_ms.get((seat, purpose), at_ms))
        if is_no(standing):
            self._pass_on(seat, purpose)
        self._record.stands(seat, purpose, standing, at_ms, None)

    def _pass_on(self, seat: SeatId, purpose: Purpose) -> None:
        """To those who share it: a no from the seat is one of each."""
        of_seat = self._known[seat, purpose]
        self._known |= {
            (voice, asked): of_seat
            for (voice, asked), known in self._known.items()
            if asked is purpose and voice != seat and seat_of_voice(voice) == seat
            if takes_the_place(of_seat.standing, known.standing)
        }

    def _open(self, index: int, decided: Decided, purpose: Purpose, act: Act, *, said_ms: int, now_ms: int) -> None:
        voice = voice_of(decided.seat, decided.person)
        try:
            standing = next_standing(self.of(voice, purpose), act, by_person=decided.means not in BY_OTHERS)
        except IllegalAct:
            return
        was_given = self.of(voice, purpose) is Standing.GIVEN
        self._known[voice, purpose] = _Known(standing=standing, means=decided.means, entry=index, said_ms=said_ms)
        if not was_given:
            self._record.stands(voice, purpose, standing, now_ms, index, said_ms=said_ms)
