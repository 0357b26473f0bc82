"""Which of the page's sources the bot hears: those whose owners are known, all of them wanted, and nobody else's.

Each line is read under one epoch; a new epoch forgets whose it was. A frame is judged by its own source when it comes,
whatever was asked for before: what is unknown, doubtful or not wanted is dropped here, before anything keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bot.browser.script import Line, PageReader, Sound
from bot.browser.tap import TappedFrame
from bot.ears import Ear
from bot.ports import Hears
from consent_notice.clock import Clock
from consent_notice.frames import HeardFrame
from consent_notice.words import SeatId

MOST_SOURCES = 500
NOBODY: frozenset[SeatId] = frozenset()
_Key = tuple[int, int, int, tuple[int, ...]]  # line, epoch, SSRC, CSRCs


class Listening:
    """Used on the loop's thread only."""

    def __init__(self, *, reader: PageReader, hears: Hears, clock: Clock, push: Callable[[HeardFrame], None]) -> None:
        self._reader = reader
        self._hears = hears
        self._clock = clock
        self._push = push
        self._lines: dict[int, Line] = {}
        self._sources: dict[_Key, str] = {}  # as the tap names them
        self._ears: dict[tuple[int, int, int, frozenset[SeatId]], Ear] = {}  # by line, epoch, SSRC and owners
        self._stints = 0
        self.hearing = NOBODY

    def line(self, told: dict[str, Any]) -> None:
        """A line is there, or may be another's from now on."""
        line = Line(
            number=int(told["number"]),
            epoch=int(told["epoch"]),
            track_id=str(told.get("track_id")),
            stream_ids=tuple(map(str, told.get("stream_ids") or ())),
            mid=str(told.get("mid")),
        )
        self._lines[line.number] = line
        self._sources = {key: name for key, name in self._sources.items() if key[0] != line.number}
        self._close(key for key in self._ears if key[0] == line.number)

    def source(self, told: dict[str, Any]) -> None:
        key = (int(told["number"]), int(told["epoch"]), int(told["ssrc"]), tuple(map(int, told["csrcs"])))
        if len(self._sources) >= MOST_SOURCES:
            self._sources.clear()  # they are told again
        self._sources[key] = str(told["name"])

    def wanted(self) -> list[str]:
        """The names of the sources to be sent, as things stand."""
        return [name for key, name in self._sources.items() if self._owners(key) is not None]

    def hear(self, seats: frozenset[SeatId]) -> None:
        self.hearing = seats
        self._close(key for key in self._ears if not key[-1] <= seats)

    def frame(self, tapped: TappedFrame) -> None:
        owners = self._owners((tapped.line, tapped.epoch, tapped.packet.ssrc, tapped.csrcs))
        if owners is None:
            return
        key = (tapped.line, tapped.epoch, tapped.packet.ssrc, owners)
        ear = self._ears.get(key)
        if ear is None:
            self._stints += 1
            name = "mix" if self._hears is Hears.MIXED else next(iter(owners))
            ear = self._ears[key] = Ear(
                track=f"{name}:{self._stints}", speakers=owners, clock=self._clock, push=self._push
            )
        ear.put(tapped.packet, self._clock.boot_ms())

    def close(self) -> None:
        self._close(list(self._ears))

    def _owners(self, key: _Key) -> frozenset[SeatId] | None:
        """Of a source: all of them known and wanted, and one alone where voices come apart; else None."""
        number, epoch, ssrc, csrcs = key
        line = self._lines.get(number)
        if line is None or line.epoch != epoch:
            return None
        owners = self._reader.owners(Sound(line=line, ssrc=ssrc, csrcs=csrcs, at_ms=self._clock.boot_ms()))
        if not owners or not owners <= self.hearing:
            return None
        return owners if self._hears is Hears.MIXED or len(owners) == 1 else None

    def _close(self, keys: Iterable[tuple[int, int, int, frozenset[SeatId]]]) -> None:
        for key in list(keys):
            self._ears.pop(key).close()
