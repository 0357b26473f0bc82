"""A process that appends until it is killed, and says which entries were acknowledged.

Arguments: data directory, name, how many (0: without end), how many bytes a file may grow to (0: no limit).
"""

from __future__ import annotations

import asyncio
import itertools
import resource
import signal
import sys
from pathlib import Path

from storage.errors import LogWriteFailed
from storage.store import Store
from tests.adapter.storage.events import read_by
from tests.adapter.storage.hand_clock import HandClock


async def main(data_dir: Path, name: str, count: int, limit_bytes: int) -> None:
    numbers = itertools.count()
    store = Store.open(data_dir, HandClock(), lambda: f"{name}-{next(numbers)}")
    print("ready", flush=True)
    if limit_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    for number in itertools.count() if count == 0 else range(count):
        wave = [(read_by(number), f"{name}/{number}/{part}") for part in range(1 + number % 3)]
        try:
            for entry in await store.log.append_all(wave):
                print("kept", entry.index, entry.event_id, flush=True)
        except LogWriteFailed as error:
            print("failed", number, error, flush=True)
            break
    store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
