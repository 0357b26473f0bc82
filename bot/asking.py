"""PURE: when the notice goes out, and to whom: everybody once, and nobody again who has answered.

A bot that comes back asks only whom it must, each alone: a question to all would ask again who said no (law 8).
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.commands import Command, PostLine, PostNotice, SpeakNotice
from bot.facts import SessionFacts
from bot.seats import Seat
from consent_notice.notice import Say
from consent_notice.words import SeatId


class Asking:
    """Remembers who was asked; `asked_before`: by an earlier stay of this bot."""

    def __init__(self, facts: SessionFacts, asked_before: Iterable[SeatId]) -> None:
        self._facts = facts
        self._asked_before = set(asked_before)
        self._has_asked = bool(self._asked_before)

    def ask(self, people: list[Seat], *, may_begin: bool) -> list[Command]:
        """All who are there together, then each late joiner alone; not a lone host, and nobody who already answered.

        Not `may_begin` while a room still tells who is there, one by one: they are to be asked together.
        """
        only_the_host = len(people) == 1 and people[0].name.casefold() == self._facts.host_name.casefold()
        waiting = [seat for seat in people if not seat.notice_ordered]
        if not waiting or (only_the_host and not self._has_asked):
            return []
        if not self._has_asked:
            if not may_begin:
                return []
            self._has_asked = True
            return [SpeakNotice(), _notice(waiting, None)]
        again = self._asked_before & {seat.seat for seat in waiting}
        self._asked_before -= again
        if not self._facts.capabilities.can_whisper:
            return [*([PostLine(line=Say.AWAY)] if again else []), _notice(waiting, None)]
        orders: list[Command] = []
        for seat in waiting:
            if seat.seat in again:
                orders.append(PostLine(line=Say.AWAY, to_seat=seat.seat))
            orders.append(_notice([seat], seat.seat))
        return orders


def _notice(seats: list[Seat], to_seat: SeatId | None) -> PostNotice:
    for seat in seats:
        seat.notice_ordered = True
    return PostNotice(seats=frozenset(seat.seat for seat in seats), to_seat=to_seat)
