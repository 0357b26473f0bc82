"""A process that keeps two people's sound in real time until it is killed, and says what it handed over.

Arguments: data directory, visit, epoch.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from config.clock import SystemClock, new_id
from consent_notice.words import VisitId
from storage.store import Store
from tests.adapter.storage.meeting import FRAME_MS, Meeting


async def main(data_dir: Path, visit: VisitId, epoch: int) -> None:
    clock = SystemClock()
    store = Store.open(data_dir, clock, new_id)
    row = await store.visits.get(visit)
    assert row is not None
    meeting = Meeting(store=store, clock=clock, visit=visit, meeting_epoch=epoch, started_ms=row.started_boot_ms)
    gate = meeting.gate()
    loop = asyncio.get_running_loop()
    writer = store.tracks.writer(visit, epoch, loop=loop, on_fault=lambda fault: print("fault", fault, flush=True))
    print("ready", flush=True)
    number = (clock.boot_ms() - meeting.started_ms) // FRAME_MS
    while True:
        now_number = (clock.boot_ms() - meeting.started_ms) // FRAME_MS
        for seat in ("ann", "bob"):
            for frame in meeting.admitted(gate, seat, range(number, now_number)):
                writer.keep(frame)
        if now_number > number:
            number = now_number
            print("kept", meeting.started_ms + number * FRAME_MS, flush=True)
        await asyncio.sleep(FRAME_MS / 1000)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), VisitId(sys.argv[2]), int(sys.argv[3])))
