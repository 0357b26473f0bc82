"""PURE: which lines of the chat carried a yes, so that whoever changes one takes that yes back."""

from __future__ import annotations

from bot.ports import ChatDeleted, ChatEdited, ChatSaid
from consent_notice.answers import Reading
from consent_notice.words import SeatId


class YesLines:
    """Ids are the writer's own choice on some platforms: a line is known by both."""

    def __init__(self, *, names_only: bool) -> None:
        """`names_only`: whoever is told to change a line changes its writer's."""
        self._names_only = names_only
        self._lines: dict[tuple[SeatId, str], tuple[SeatId, str, Reading]] = {}

    def put(self, said: ChatSaid, reading: Reading) -> None:
        self._lines[self._place(said)] = (said.seat, said.text, reading)

    def of(self, changed: ChatEdited | ChatDeleted) -> tuple[SeatId, str, Reading]:
        """Whose it was, its words, and how they were read; of another line, whose it is and nothing."""
        return self._lines.get(self._place(changed), (changed.seat, "", Reading.NONE))

    def drop(self, changed: ChatEdited | ChatDeleted) -> None:
        self._lines.pop(self._place(changed), None)

    def _place(self, line: ChatSaid | ChatEdited | ChatDeleted) -> tuple[SeatId, str]:
        return (SeatId("") if self._names_only else line.seat), line.message_id
