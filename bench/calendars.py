"""What calendars cost: a first reading of 10,000 events, a round over 1,000 idle ones, planning 100,000 occurrences.

Each is held against taking the same number of events apart and nothing else, in the same run, in time and in peak
memory; the idle round against taking apart what those calendars hold, which is what it spares. Every figure comes from
a process of its own. How long the loop was kept from its other tasks is the longest such time of a run, the middle one
of three runs: one run alone would measure what else the machine does.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from bench.calendar_work import EVENTS_OF_A_CALENDAR
from bench.figure import Figure

EVENTS = 10_000
CALENDARS = 1_000
OCCURRENCES = 100_000
LONGEST_WAIT_MS = 50
RUNS = 3
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    seconds: float
    peak_bytes: int
    blocked_ms: float


def figures(size: int = EVENTS) -> Iterable[Figure]:
    """`size` is that of the first reading; the others keep their proportion to it."""
    calendars, occurrences = max(1, size * CALENDARS // EVENTS), size * OCCURRENCES // EVENTS
    first, first_floor = _middle("first_sync", size), _run("parse", size)
    yield from _against(f"first reading of {size} events", first, first_floor, time_goal=4, memory_goal=2)
    yield _waiting(f"the loop waited, first reading of {size} events", first)
    idle, idle_floor = _middle("idle_round", calendars), _run("parse", calendars * EVENTS_OF_A_CALENDAR)
    yield from _against(f"a round over {calendars} idle calendars", idle, idle_floor, time_goal=1, memory_goal=1)
    yield _waiting(f"the loop waited, a round over {calendars} idle calendars", idle)
    planned, planned_floor = _run("plan", occurrences), _run("parse", occurrences)
    yield from _against(f"planning {occurrences} occurrences", planned, planned_floor, time_goal=1, memory_goal=1)


def _against(name: str, ours: _Measured, floor: _Measured, *, time_goal: float, memory_goal: float) -> list[Figure]:
    return [
        Figure(name=f"{name}, time", value=ours.seconds, unit="s", floor=floor.seconds, goal=time_goal),
        Figure(
            name=f"{name}, peak memory",
            value=ours.peak_bytes / _MIB,
            unit="MiB",
            floor=floor.peak_bytes / _MIB,
            goal=memory_goal,
        ),
    ]


def _waiting(name: str, measured: _Measured) -> Figure:
    return Figure(name=name, value=measured.blocked_ms, unit="ms", goal=LONGEST_WAIT_MS)


def _middle(what: str, size: int) -> _Measured:
    runs = [_run(what, size) for _ in range(RUNS)]
    return _Measured(
        seconds=statistics.median(run.seconds for run in runs),
        peak_bytes=int(statistics.median(run.peak_bytes for run in runs)),
        blocked_ms=statistics.median(run.blocked_ms for run in runs),
    )


def _run(what: str, size: int) -> _Measured:
    command = [sys.executable, "-m", "bench.calendar_work", what, str(size)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return _Measured(**json.loads(ended.stdout))
