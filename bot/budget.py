"""PURE: how many messages the bot may put before the whole room: three, and one more for every five minutes.

What must be said is said and counts; what is only good to know is asked first. Whispers are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands import Command, PostLine, PostNotice

AT_FIRST = 3
MORE_EVERY_MS = 5 * 60_000


@dataclass(slots=True)
class Budget:
    began_ms: int | None = None  # with the first message
    spent: int = 0

    def has_room(self, now_ms: int) -> bool:
        earned = 0 if self.began_ms is None else (now_ms - self.began_ms) // MORE_EVERY_MS
        return self.spent < AT_FIRST + earned

    def note(self, command: Command, now_ms: int) -> None:
        if isinstance(command, PostLine | PostNotice) and command.to_seat is None:
            self.began_ms = now_ms if self.began_ms is None else self.began_ms
            self.spent += 1
