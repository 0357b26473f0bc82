"""PURE: what the room hears and sees of the recording: the tile, each seat's own sign, and "started, paused, goes on".

Says that something changed and never because of whom. Also the one place that orders which seats are received.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.budget import Budget
from bot.commands import Command, Hear, PostLine, Show, SpeakLine
from bot.facts import SessionFacts
from bot.ports import Tile, TileState
from consent_notice.notice import Say
from consent_notice.words import SeatId


class Telling:
    """Remembers what was told last, so that nothing is told twice."""

    def __init__(self, facts: SessionFacts, budget: Budget) -> None:
        self._facts = facts
        self._budget = budget
        self._tile: Tile | None = None
        self._has_recorded = False
        self.heard: frozenset[SeatId] = frozenset()  # whose sound was ordered last

    def tell(
        self, kept: frozenset[SeatId], people: Iterable[SeatId], now_ms: int, *, is_agreed_ahead: bool = False
    ) -> list[Command]:
        """`kept`: whose sound would be kept now; `people`: all who are here, who may all have agreed ahead."""
        people = frozenset(people)
        orders: list[Command] = []
        if kept != self.heard:
            if bool(kept) != bool(self.heard):
                orders += self._announce(now_ms, started=bool(kept), to_somebody=bool(people), ahead=is_agreed_ahead)
            self.heard = kept
            orders.append(Hear(seats=kept))
        state = TileState.RECORDING if kept else TileState.PAUSED if self._has_recorded else TileState.NOT_RECORDING
        tile = Tile(
            state=state,
            text="",
            invited_by=self._facts.host_name,
            page_link=self._facts.page_link,
            kept={seat: seat in kept for seat in people},
        )
        if tile != self._tile:
            self._tile = tile
            orders.append(Show(tile=tile))
        return orders

    def _announce(self, now_ms: int, *, started: bool, to_somebody: bool, ahead: bool) -> list[Command]:
        """By voice always, where the room has one; in the chat as long as that is not too much of it."""
        if started:
            first = Say.STARTED_AS_AGREED if ahead else Say.RECORDING_STARTED
            line = Say.RECORDING_RESUMED if self._has_recorded else first
            self._has_recorded = True
        elif to_somebody:
            line = Say.RECORDING_PAUSED
        else:
            return []
        is_posted = self._budget.has_room(now_ms) or not self._facts.capabilities.can_speak
        return [SpeakLine(line=line), *([PostLine(line=line)] if is_posted else [])]
