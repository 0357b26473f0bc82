"""A meeting in the log and the frames that its gate admits, for tests of what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from consent_notice.clock import Clock
from consent_notice.decisions import Act
from consent_notice.events import Event, VisitClosed
from consent_notice.frames import Encoding, HeardFrame
from consent_notice.gate import AdmittedFrame, Gate, GateTimes
from consent_notice.words import Purpose, Rule, SeatId, VisitId
from storage.replay import replay
from storage.store import Store
from tests.adapter.storage.events import NOTICE, decided, joined, opened

FRAME_MS = 20
YES = ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.GIVE))
NO = ((Purpose.RECORDING, Act.WITHDRAW), (Purpose.TRANSCRIPTION, Act.WITHDRAW))


def packet(number: int, size_bytes: int = 60) -> bytes:
    """An Opus packet of 20 ms (its first bytes say so), each with another content."""
    return b"\xf8" + number.to_bytes(8, "big") * (size_bytes // 8)


@dataclass(slots=True, kw_only=True)
class Meeting:
    """Everybody in it sits from `started_ms` on."""

    store: Store
    clock: Clock
    visit: VisitId
    meeting_epoch: int
    started_ms: int
    numbers: count[int] = field(default_factory=count)

    async def log(self, event: Event) -> int:
        return (await self.store.log.append(event, event_id=f"{self.visit}/{next(self.numbers)}")).index

    async def joins(self, *seats: str, at_ms: int = 0) -> None:
        for seat in seats:
            await self.log(
                joined(self.visit, seat, self.started_ms + at_ms, epoch=self.meeting_epoch, boot_id=self.clock.boot_id)
            )

    async def says(self, seat: str, *acts: tuple[Purpose, Act], at_ms: int = 0) -> int:
        return await self.log(
            decided(
                self.visit,
                seat,
                self.started_ms + at_ms,
                *acts,
                epoch=self.meeting_epoch,
                boot_id=self.clock.boot_id,
            )
        )

    async def ends(self, at_ms: int) -> None:
        await self.log(
            VisitClosed(
                visit=self.visit,
                epoch=self.meeting_epoch,
                reason="meeting_ended",
                boot_id=self.clock.boot_id,
                at_ms=self.started_ms + at_ms,
            )
        )

    def gate(self) -> Gate:
        record = replay(self.store.log.entries_of(self.visit), self.clock.boot_id)
        return Gate(record, GateTimes(path_delay_ms=0, settle_ms=0))

    def frame(self, seat: str, number: int, *, size_bytes: int = 60, track: str | None = None) -> HeardFrame:
        return HeardFrame(
            track=track or f"{seat}:1",
            speakers=frozenset({SeatId(seat)}),
            captured_ms=self.started_ms + number * FRAME_MS,
            duration_ms=FRAME_MS,
            rtp_timestamp=number * FRAME_MS * 48,
            encoding=Encoding.OPUS,
            payload=packet(number, size_bytes),
        )

    def admitted(self, gate: Gate, seat: str, numbers: range, *, size_bytes: int = 60) -> list[AdmittedFrame]:
        """Those of the frames that the gate admits."""
        judged = (gate.admit(self.frame(seat, number, size_bytes=size_bytes)) for number in numbers)
        return [frame for frame in judged if isinstance(frame, AdmittedFrame)]


async def begin(store: Store, clock: Clock, *, rule: Rule = Rule.EACH_VOICE, attested_opens: bool = False) -> Meeting:
    """A host, a meeting claimed once, a visit, and its beginning in the log."""
    host = await store.users.by_email("host@example.org") or await store.users.create(
        email="host@example.org", name="Host", role="host", password_hash="-"
    )
    row = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/abc", "Talk", rule=rule)
    epoch = await store.meetings.claim(row.id, "bot", 5_000)
    assert epoch is not None
    visit = await store.visits.open_visit(row.id, epoch, rule, "en")
    await store.notices.keep(NOTICE)
    meeting = Meeting(store=store, clock=clock, visit=visit.id, meeting_epoch=epoch, started_ms=visit.started_boot_ms)
    began = opened(
        visit.id,
        epoch=epoch,
        at_ms=meeting.started_ms,
        rule=rule,
        boot_id=clock.boot_id,
        attested_opens=attested_opens,
    )
    await meeting.log(began)
    return meeting
