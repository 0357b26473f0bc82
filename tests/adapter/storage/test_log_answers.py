"""Whoever waits is told, on a thread or a loop, soon, whatever became of the next commit."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time

import pytest

from storage.errors import LogWriteFailed
from storage.log_answers import LONGEST_HOLD_S, Answer, HeldAnswers, tell
from storage.log_entries import LogEntry

Future = concurrent.futures.Future[list[LogEntry]]
NOTHING: Answer = []


def test_held_answers_come_when_the_next_commit_begins() -> None:
    held, future = HeldAnswers(), Future()
    held.hold([(future, NOTHING)])
    held.release()
    assert future.result(timeout=5) == []
    held.close()


def test_a_next_commit_that_waits_holds_no_answer_back() -> None:
    """Another process may have the database for seconds; what is durable is told."""
    held, future, began = HeldAnswers(), Future(), time.monotonic()
    held.hold([(future, NOTHING)])
    assert future.result(timeout=5) == []
    assert time.monotonic() - began < LONGEST_HOLD_S + 1
    held.close()


def test_all_are_told_before_it_closes() -> None:
    held, futures = HeldAnswers(), [Future() for _ in range(5)]
    for future in futures:
        held.hold([(future, NOTHING)])
    held.close()
    assert all(future.done() for future in futures)
    assert not [thread for thread in threading.enumerate() if thread.name == "consent-log-answers"]


def test_nothing_held_is_nothing_to_close() -> None:
    held = HeldAnswers()
    held.release()
    held.close()


async def test_a_loop_is_told_of_all_and_a_cancelled_caller_of_nothing() -> None:
    loop = asyncio.get_running_loop()
    good, bad, gone = (loop.create_future() for _ in range(3))
    gone.cancel()
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        other.submit(tell, [(gone, NOTHING), (good, NOTHING), (bad, LogWriteFailed("no"))]).result()
    assert await good == []
    with pytest.raises(LogWriteFailed, match="no"):
        await bad
    assert gone.cancelled()


def test_a_closed_loop_keeps_nobody_else_from_being_told() -> None:
    loop, future = asyncio.new_event_loop(), Future()
    there = loop.create_future()
    loop.close()
    tell([(there, NOTHING), (future, NOTHING)])
    assert future.done()
