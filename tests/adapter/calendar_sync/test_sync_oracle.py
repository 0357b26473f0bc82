"""Whatever happens to a calendar, its service, its host and our process: the plan is what the calendar truly holds.

The real synchronization, planning and storage against a truth that is read by plain counting: nothing is planned
twice, nothing is missed, one room gets one bot, and an occurrence stays one meeting wherever it is moved.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calendar_sync import expansion, isolated, sync
from calendar_sync.fetching import FetchLimits
from calendar_sync.ics import IcsCalendar
from calendar_sync.sync import CalendarProvider
from storage.users import User
from tests.simulators.calendar_history import EDITS, LIFE, TROUBLE, History, Step, host_of
from tests.simulators.mortal_installation import Installation

DELTA, FILE = 320, 180  # generated calendars in the usual run, of each kind
NUMBERS = st.integers(0, 59)
NAMES = st.one_of(st.sampled_from(EDITS), st.sampled_from(LIFE), st.sampled_from(TROUBLE))
FIRST = st.tuples(st.sampled_from(("add", "add_series", "add_series")), NUMBERS, NUMBERS, NUMBERS)
STEPS = st.tuples(
    st.lists(FIRST, min_size=1, max_size=3),
    st.lists(st.tuples(NAMES, NUMBERS, NUMBERS, NUMBERS), min_size=4, max_size=12),
).map(lambda both: [*both[0], *both[1]])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, User, asyncio.Runner]]:
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync, "NEW_AT_ONCE", 2)  # so that a plan is stored in parts, and a death falls between two
        installation = Installation(tmp_path_factory.mktemp("oracle") / "data")
        host = runner.run(host_of(installation.store))
        yield installation, host, runner
        installation.store.close()


def walk(
    here: tuple[Installation, User, asyncio.Runner], steps: Sequence[Step], style: int, files: CalendarProvider | None
) -> None:
    installation, host, runner = here
    installation.dies_at = ""
    history = History(installation, as_file=files is not None, style=style)
    runner.run(history.run(files, host, steps))


# Found at night: a bot that is called back, since its meeting was put off, took another one's room for one pass more,
# and had to share the room where it comes again.
PUT_OFF = [("add_series", 0, 0, 0), ("add", 0, 0, 0), ("add", 0, 0, 0), ("begin", 0, 0, 0)]

TO_ONE_TIME = [("add", 0, 0, 0), ("add", 0, 0, 1)]

# Found at night: a meeting that is held earlier than a bot came for it was taken for one that this bot has its room of.
AHEAD = [("add_series", 1, 2, 0), ("begin", 0, 0, 0), ("move", 0, 0, 1)]


# Found at night: a series with an added date, which lasts over the hour that comes twice.
OVER_THE_HOUR = [*[("add", 0, 0, 0)] * 3, ("fault", 3, 37, 4), ("add_one", 0, 0, 0)]

# Found at night: where 9:00 was moved, the added 11:00 was missed, which is 9:00 in UTC.
TWO_HOURS_AHEAD = [("add_series", 0, 0, 1), ("move_one", 0, 0, 0), ("add_one", 0, 0, 0)]

# Found at night: what was further ahead than a calendar is read, and over when it was read again, is told as missed.
TOO_FAR_AHEAD = [("add", 0, 54, 1), ("pass_time", 17, 0, 0), ("pass_time", 17, 0, 0)]

# Found at night: what a host said of a meeting holds for it where it is planned anew, too.
SAID = [("add", 0, 0, 1), ("override", 0, 0, 0), ("begin", 0, 0, 0), ("edit", 0, 0, 3)]

# Found at night: what was planned, and moved into the time in which nobody read the calendar, is told as missed.
INTO_THE_GAP = [("add_series", 3, 0, 59), ("move", 0, 0, 0), ("pass_time", 3, 1, 0)]


def histories(examples: int, here: Any, files: CalendarProvider | None) -> None:
    @example(steps=[*PUT_OFF, ("hold_later", 0, 0, 0)], style=0)
    @example(steps=[*PUT_OFF, ("hold_later", 0, 0, 1), ("end", 0, 0, 0)], style=0)
    @example(steps=[*TO_ONE_TIME, ("begin", 1, 0, 0), ("add", 0, 0, 0), ("late", 0, 0, 1)], style=0)
    @example(steps=AHEAD, style=0)
    @example(steps=OVER_THE_HOUR, style=0)
    @example(steps=SAID, style=0)
    @example(steps=INTO_THE_GAP, style=0)
    @example(steps=TOO_FAR_AHEAD, style=0)
    @example(steps=TWO_HOURS_AHEAD, style=0)
    @given(steps=STEPS, style=st.integers(0, 19))
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    def held(steps: Sequence[Step], style: int) -> None:
        walk(here, steps, style, files)

    held()


@pytest.mark.parametrize("examples", [DELTA, pytest.param(10_000, marks=pytest.mark.nightly)])
@pytest.mark.timeout(5_400)
def test_a_service_that_tells_changes(examples: int, here: Any) -> None:
    histories(examples, here, None)


@pytest.mark.parametrize("examples", [FILE, pytest.param(4_000, marks=pytest.mark.nightly)])
@pytest.mark.timeout(5_400)
def test_a_file_that_is_written_anew(examples: int, here: Any, read_here: None) -> None:
    histories(examples, here, IcsCalendar(FetchLimits(), allow_files=True))


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same reading of the file, in this process, as a new one for each pass would take minutes."""

    async def in_this_process(request: bytes) -> bytes:
        head, _, body = request.partition(b"\n")
        return json.dumps([expansion.expand(body, json.loads(head), expansion._Spent())]).encode()

    monkeypatch.setattr(isolated, "_in_own_process", in_this_process)
    monkeypatch.setattr(expansion, "SERIES_CPU_S", 60.0)
    before = signal.signal(signal.SIGPROF, expansion._time_is_up)
    yield
    signal.signal(signal.SIGPROF, before)


def test_as_many_as_promised() -> None:
    assert DELTA + FILE >= 500
