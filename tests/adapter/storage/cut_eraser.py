"""Erases the same recording again and again, each time killed at another line, and prints what was left each time.

Arguments: data directory, visit, how many cuts at most. Forks before it has threads, so that imports are paid once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from consent_notice.events import Erased
from consent_notice.words import VisitId
from storage.errors import KeyDestroyed, StorageError
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.hand_clock import HandClock

FILES = ("storage/erasure.py", "storage/keys.py", "storage/segments.py", "storage/consent_log.py", "storage/records.py")


def open_store(folder: Path) -> Store:
    clock = HandClock()
    clock.pass_ms(60_000)
    numbers = itertools.count()
    return Store.open(folder, clock, lambda: f"late{next(numbers):06d}")


def in_a_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print("child failed", repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def erase(folder: Path, visit: VisitId, last_line: int, lines: Path | None = None) -> None:
    store = open_store(folder)
    counted = itertools.count(1)

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.endswith(FILES):
            return None
        if event == "line" and next(counted) == last_line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    asyncio.run(store.erasure.erase_recording(visit, "asked for"))
    threading.settrace(None)
    if lines is not None:
        lines.write_text(str(next(counted)))
    store.close()


def state(folder: Path, visit: VisitId) -> dict[str, Any]:
    store = open_store(folder)
    row = store._database.read_now(lambda connection: connection.exec_driver_sql("SELECT id FROM erasures").all())
    entries = store.log.entries_of(visit)
    is_logged = any(isinstance(entry.event, Erased) for entry in entries)
    headers = list((folder / "tracks").rglob("header.json"))
    keys = [json.loads(header.read_text())["key_id"] for header in headers]
    keys_left = 0
    for key in keys:
        try:
            store.keys.get(key)
            keys_left += 1
        except KeyDestroyed:
            pass
    found = {"ordered": bool(row), "logged": is_logged, "keys_left": keys_left, "headers": len(headers)}
    store.close()
    return found | {"faults": verify(folder).faults}


def finish(folder: Path, visit: VisitId) -> None:
    store = open_store(folder)
    try:
        asyncio.run(store.erasure.resume())
        asyncio.run(store.erasure.erase_recording(visit, "asked for"))
    except StorageError as error:
        print("not finished", error, flush=True)
    store.close()


def main(data_dir: Path, visit: VisitId, most: int) -> None:
    folder, lines = data_dir.with_name("cut"), data_dir.with_name("lines")

    def fresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(data_dir, folder)

    fresh()
    assert in_a_child(lambda: erase(folder, visit, 0, lines)) == 0
    all_lines = int(lines.read_text())
    draw = random.Random(5)
    cuts = sorted(draw.sample(range(1, all_lines), min(most, all_lines - 1)))
    for cut in cuts:
        fresh()
        status = in_a_child(lambda cut=cut: erase(folder, visit, cut))  # type: ignore[misc]
        cut_state: dict[str, Any] = {}
        for name, work in (("cut", state), ("finish", finish), ("end", state)):
            reading, writing = os.pipe()

            def tell(work: Any = work, writing: int = writing) -> None:
                os.write(writing, json.dumps(work(folder, visit)).encode())

            assert in_a_child(tell) == 0
            os.close(writing)
            with os.fdopen(reading) as answer:
                cut_state[name] = json.loads(answer.read())
        print(json.dumps({"line": cut, "of": all_lines, "killed": os.WIFSIGNALED(status), **cut_state}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), VisitId(sys.argv[2]), int(sys.argv[3]))
