"""A meeting in a throw-away data directory on the machine's own disk, for the figures about what is kept."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.clock import SystemClock, new_id
from consent_notice.clock import Clock
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, SeatJoined, VisitOpened
from consent_notice.frames import Encoding, HeardFrame
from consent_notice.gate import Gate, GateTimes
from consent_notice.words import IdentityLevel, MeetingId, Purpose, Rule, SeatId, SeatKind, VisitId
from storage.replay import replay
from storage.store import Store

FRAME_MS = 20
PACKET_BYTES = 80  # 32 kbit/s


class SetClock:
    """The system's, moved on by hand, so that a second of sound need not take a second."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self.boot_id = self._clock.boot_id
        self._boot_ms = self._clock.boot_ms()
        self.now = self._clock.now

    def boot_ms(self) -> int:
        return self._boot_ms

    def pass_ms(self, ms: int) -> None:
        self._boot_ms += ms


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMeeting:
    """Ann agreed, Bob refused; both sit in it from its beginning."""

    store: Store
    meeting: MeetingId
    visit: VisitId
    epoch: int
    gate: Gate
    opened: VisitOpened
    started_ms: int
    started_at: datetime

    def frames(self, seat: str, first: int, count: int) -> list[HeardFrame]:
        return [
            HeardFrame(
                track=f"{seat}:1",
                speakers=frozenset({SeatId(seat)}),
                captured_ms=self.started_ms + number * FRAME_MS,
                duration_ms=FRAME_MS,
                rtp_timestamp=number * FRAME_MS * 48,
                encoding=Encoding.OPUS,
                payload=b"\xf8" + bytes(PACKET_BYTES - 1),
            )
            for number in range(first, first + count)
        ]


@asynccontextmanager
async def kept_meeting(clock: Clock) -> AsyncIterator[KeptMeeting]:
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-", dir=Path.cwd()) as folder:
        store = await asyncio.to_thread(Store.open, Path(folder) / "data", clock, new_id)
        try:
            yield await _begin(store, clock)
        finally:
            await asyncio.to_thread(store.close)


async def _begin(store: Store, clock: Clock) -> KeptMeeting:
    host = await store.users.create(email="host@example.org", name="Host", role="host", password_hash="-")  # noqa: S106
    meeting = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/bench", "Bench")
    epoch = await store.meetings.claim(meeting.id, "bench", 5_000)
    assert epoch is not None
    visit = await store.visits.open_visit(meeting.id, epoch, Rule.EACH_VOICE, "en")
    opened = VisitOpened(
        visit=visit.id,
        epoch=epoch,
        meeting=meeting.id,
        platform="practice",
        host="Host",
        bot_name="onrecord",
        rule=Rule.EACH_VOICE,
        path_delay_ms=0,
        boot_id=clock.boot_id,
        at_ms=visit.started_boot_ms,
    )
    await store.log.append(opened, event_id="opened")
    for seat, act in (("ann", Act.GIVE), ("bob", Act.REFUSE)):
        await store.log.append(joined(opened, SeatId(seat)), event_id=f"joined {seat}")
        await store.log.append(decided(opened, SeatId(seat), act), event_id=f"decided {seat}")
    return KeptMeeting(
        store=store,
        meeting=meeting.id,
        visit=visit.id,
        epoch=epoch,
        opened=opened,
        started_at=visit.started_at,
        gate=Gate(replay(store.log.entries_of(visit.id), clock.boot_id), GateTimes(path_delay_ms=0, settle_ms=0)),
        started_ms=visit.started_boot_ms,
    )


def joined(opened: VisitOpened, seat: SeatId) -> SeatJoined:
    return SeatJoined(
        visit=opened.visit,
        epoch=opened.epoch,
        seat=seat,
        seat_kind=SeatKind.PERSON,
        name=seat,
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id=opened.boot_id,
        at_ms=opened.at_ms,
    )


def decided(opened: VisitOpened, seat: SeatId, act: Act) -> Decided:
    return Decided(
        visit=opened.visit,
        epoch=opened.epoch,
        seat=seat,
        acts=((Purpose.RECORDING, act),),
        means=Means.CHAT,
        identity_level=IdentityLevel.DISPLAY_NAME,
        matched_by="platform seat",
        notice="notice",
        notice_version="1",
        notice_language="en",
        notice_sha256="",
        message_id=f"message of {seat}",
        verbatim="",
        reader_version="1",
        boot_id=opened.boot_id,
        at_ms=opened.at_ms,
    )
