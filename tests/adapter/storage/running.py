"""A meeting in which Ann and Bob are being recorded, for tests of what can be done to it while it goes on."""

from __future__ import annotations

import asyncio

from consent_notice.events import Erased
from consent_notice.words import SeatId
from storage.erasure_wishes import Wish
from storage.store import Store
from storage.track_writer import TrackWriter
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.meeting import NO, YES, Meeting, begin

ANN, BOB = SeatId("ann"), SeatId("bob")


class Running:
    """Ann and Bob are being recorded in a meeting that goes on."""

    def __init__(self, meeting: Meeting, clock: HandClock, writer: TrackWriter) -> None:
        self.meeting, self.clock, self.writer, self.store = meeting, clock, writer, meeting.store
        self.at_ms = 0

    @classmethod
    async def begin(cls, store: Store, clock: HandClock) -> Running:
        meeting = await begin(store, clock)
        await meeting.joins("ann", "bob")
        loop = asyncio.get_running_loop()
        faults: list[object] = []
        writer = store.tracks.writer(meeting.visit, meeting.meeting_epoch, loop=loop, on_fault=faults.append)
        running = cls(meeting, clock, writer)
        for seat in ("ann", "bob"):
            await meeting.says(seat, *YES)
        await running.talk("ann", "bob")
        return running

    async def talk(self, *seats: str, ms: int = 1_000) -> None:
        gate = self.meeting.gate()
        numbers = range(self.at_ms // 20 + 1, (self.at_ms + ms) // 20)
        for seat in seats:
            for frame in self.meeting.admitted(gate, seat, numbers):
                self.writer.keep(frame)
        self.at_ms += ms
        self.clock.pass_ms(ms)
        await self.settle()

    async def settle(self) -> None:
        """Lets the writer's thread do what is due."""
        await asyncio.sleep(0.35)

    async def asks(self, seat: SeatId, wish: str = "wish", *, at_ms: int | None = None) -> Wish:
        asked = Wish(id=wish, visit=self.meeting.visit, seat=seat, page="p", authority="asked for on the page")
        await self.meeting.says(seat, *NO, at_ms=self.at_ms if at_ms is None else at_ms)
        await self.store.erasure_wishes.ask(asked)
        return asked

    async def kept(self, seat: SeatId) -> int:
        rows = await self.store.tracks.segments(self.meeting.visit)
        return sum(len(list(self.store.tracks.read(row.id)[1])) for row in rows if seat in row.seats)

    async def ends(self) -> None:
        await self.writer.settle_and_close()
        await self.meeting.ends(at_ms=self.at_ms)
        await self.store.visits.end_visit(self.meeting.visit, self.meeting.meeting_epoch, "meeting_ended")
        await self.store.records.tag_recording(self.meeting.visit)

    def erased(self) -> list[Erased]:
        events = [entry.event for entry in self.store.log.entries_of(self.meeting.visit)]
        return [event for event in events if isinstance(event, Erased)]
