"""Tells those who wait for the log what came of their entries, on their threads or loops.

Under load the answers of one batch are held back until the next one's commit begins, for a few milliseconds at most:
the callers then get their next entries ready while the disk works, and not while the writer needs the interpreter.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import queue
import threading
from collections.abc import Sequence

from storage.errors import StorageError
from storage.log_entries import LogEntry

LONGEST_HOLD_S = 0.005  # the next commit may have to wait for another process

Answer = list[LogEntry] | StorageError
Waiting = concurrent.futures.Future[list[LogEntry]] | asyncio.Future[list[LogEntry]]
Answered = Sequence[tuple[Waiting, Answer]]


def tell(answered: Answered) -> None:
    """Those on one loop are woken together: once, and not once an entry."""
    on_loops: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, Answer]]] = {}
    for waiting, answer in answered:
        if isinstance(waiting, asyncio.Future):
            on_loops.setdefault(waiting.get_loop(), []).append((waiting, answer))
        else:
            _set(waiting, answer)
    for loop, there in on_loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_wake, there)


class HeldAnswers:
    """Used by the writer's thread alone. The telling is done by another: the writer must be in the commit by then."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Answered, threading.Event] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._released = threading.Event()

    def hold(self, answered: Answered) -> None:
        self._released = threading.Event()
        self._queue.put((answered, self._released))
        if self._thread is None:
            self._thread = threading.Thread(target=self._tell_all, name="consent-log-answers", daemon=True)
            self._thread.start()

    def release(self) -> None:
        """What is held, if anything is."""
        self._released.set()

    def close(self) -> None:
        """All are told when it returns."""
        self.release()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    def _tell_all(self) -> None:
        while (held := self._queue.get()) is not None:
            answered, released = held
            released.wait(LONGEST_HOLD_S)
            tell(answered)


def _wake(answered: Answered) -> None:
    for waiting, answer in answered:
        if not waiting.done():  # its caller was cancelled
            _set(waiting, answer)


def _set(waiting: Waiting, answer: Answer) -> None:
    if isinstance(answer, BaseException):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
