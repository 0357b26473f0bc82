"""PURE: when the notice goes out, to whom and in which form: everybody once, and nobody again who has answered.

A bot that comes back asks only whom it must, each alone: a question to all would ask again who said no (law 8). Under
`presenters` newcomers are asked together, at most once in two minutes; who agreed ahead is told so in one short line.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.budget import Budget
from bot.commands import AskPhone, Command, PostLine, PostNotice, SpeakNotice, Stays
from bot.facts import SessionFacts
from bot.seats import Seat
from consent_notice.notice import Say
from consent_notice.words import Rule, SeatId

LARGE_MEETING_GAP_MS = 120_000


class Asking:
    """Remembers who was asked; `asked_before`: by an earlier stay of this bot."""

    def __init__(self, facts: SessionFacts, asked_before: Iterable[SeatId], budget: Budget) -> None:
        self._facts = facts
        self._budget = budget
        self._asked_before = set(asked_before)
        self._has_asked = bool(self._asked_before)
        self._last_batch_ms = 0
        self._disclosed: set[str] = set()
        self.first_asked_ms: int | None = None

    def ask(self, people: list[Seat], now_ms: int, *, may_begin: bool, even_alone: bool = False) -> list[Command]:
        """All who are there together, then each late joiner alone; not a lone host, and nobody who already answered.

        Not `may_begin` while a room still tells who is there, one by one: they are to be asked together. `even_alone`:
        the host wants it to be asked now.
        """
        only_the_host = len(people) == 1 and people[0].name.casefold() == self._facts.host_name.casefold()
        waiting = [seat for seat in people if not seat.notice_ordered and now_ms >= seat.ask_from_ms]
        if not waiting or (only_the_host and not self._has_asked and not even_alone):
            return []
        if any(not seat.looked_up for seat in waiting) and self._facts.knows_agreements:
            return []  # who said something ahead is not asked as if they had not; the answer is on its way
        phones = [seat for seat in waiting if seat.is_phone and seat.ahead is None]
        reading = [seat for seat in waiting if seat not in phones]
        if not self._has_asked:
            if not may_begin:
                return []
            self._has_asked = True
            self.first_asked_ms = self._last_batch_ms = now_ms
            return [*self._ask_all(reading), *(_by_voice(seat) for seat in phones)]
        return [*self._ask_late(reading, now_ms), *(_by_voice(seat) for seat in phones)]

    def disclose(self, bots: Iterable[Seat]) -> list[Command]:
        """Each other bot once, to all: it may record in its own way."""
        new = sorted({seat.name for seat in bots} - self._disclosed)
        if not new or not self._has_asked:
            return []
        self._disclosed.update(new)
        return [PostLine(line=Say.OTHER_BOTS, names=", ".join(new))]

    def _ask_all(self, waiting: list[Seat]) -> list[Command]:
        if not waiting:
            return []
        if all(seat.ahead is not None for seat in waiting):
            return [_notice(waiting, None, Say.AGREED_AHEAD)]
        return [SpeakNotice(), _notice(waiting, None)]

    def _ask_late(self, waiting: list[Seat], now_ms: int) -> list[Command]:
        if not waiting:
            return []
        if self._facts.rule is Rule.PRESENTERS:
            return self._ask_batch(waiting, now_ms)
        again = self._asked_before & {seat.seat for seat in waiting}
        self._asked_before -= again
        if not self._facts.capabilities.can_whisper:
            return [*([PostLine(line=Say.AWAY)] if again else []), _notice(waiting, None)]
        orders: list[Command] = []
        for seat in waiting:
            if seat.seat in again:
                orders.append(PostLine(line=Say.AWAY, to_seat=seat.seat))
            orders.append(_notice([seat], seat.seat, None if seat.ahead is None else Say.AGREED_AHEAD))
        return orders

    def _ask_batch(self, waiting: list[Seat], now_ms: int) -> list[Command]:
        """Whoever wants to answer sooner can: an early yes has its notice at once."""
        eager = [seat for seat in waiting if seat.early_yes is not None]
        orders: list[Command] = [
            _notice([seat], seat.seat if self._facts.capabilities.can_whisper else None) for seat in eager
        ]
        waiting = [seat for seat in waiting if seat not in eager]
        if waiting and now_ms - self._last_batch_ms >= LARGE_MEETING_GAP_MS and self._budget.has_room(now_ms):
            self._last_batch_ms = now_ms
            orders.append(_notice(waiting, None, Say.ASK_LATE))
        return orders


def _notice(seats: list[Seat], to_seat: SeatId | None, line: Say | None = None) -> PostNotice:
    for seat in seats:
        seat.notice_ordered = True
    return PostNotice(seats=frozenset(seat.seat for seat in seats), to_seat=to_seat, line=line, stays=_stays(seats))


def _by_voice(seat: Seat) -> AskPhone:
    seat.notice_ordered = True
    return AskPhone(seat=seat.seat, stays=_stays([seat]))


def _stays(seats: list[Seat]) -> Stays:
    return frozenset((seat.seat, seat.stay) for seat in seats)
