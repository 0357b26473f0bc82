"""What every room that takes packets shares: the sound of one seat for one stint, put in order and pushed as frames.

An ear is opened for one owner (on a mix: for all that speak in it) and closed for good; the same seat heard again is
another ear with a track of its own, so that nothing of an earlier owner or stint can come out of a later one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.rtp import RtpPacket, TrackReader
from consent_notice.clock import Clock
from consent_notice.frames import HeardFrame
from consent_notice.words import SeatId


class Ear:
    """Used on the loop's thread only."""

    def __init__(
        self, *, track: str, speakers: frozenset[SeatId], clock: Clock, push: Callable[[HeardFrame], None]
    ) -> None:
        self.speakers = speakers
        self._clock = clock
        self._push = push
        self._reader: TrackReader | None = TrackReader(track=track, speakers=speakers)
        self._release: asyncio.TimerHandle | None = None

    def put(self, packet: RtpPacket, arrival_ms: int) -> None:
        if self._reader is None:
            return
        for frame in self._reader.put(packet, arrival_ms):
            self._push(frame)
        self._release_later()

    def close(self) -> None:
        """What still waits in it is dropped."""
        self._reader = None
        if self._release is not None:
            self._release.cancel()

    def _release_later(self) -> None:
        due_ms = self._reader.due_ms if self._reader is not None else None
        if due_ms is not None and self._release is None:
            wait_s = max(0, due_ms - self._clock.boot_ms()) / 1_000
            self._release = asyncio.get_running_loop().call_later(wait_s, self._release_now)

    def _release_now(self) -> None:
        self._release = None
        if self._reader is not None:
            for frame in self._reader.release(self._clock.boot_ms()):
                self._push(frame)
            self._release_later()
