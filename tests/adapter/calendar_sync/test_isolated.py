"""The process that takes calendars apart: one file beside another, with nothing to see and no time to waste."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from calendar_sync import isolated
from calendar_sync.errors import CalendarCutOff, CalendarTooCostly, NotACalendar
from calendar_sync.isolated import Expanded, ReaderFailed, expand
from calendar_sync.sync import CalendarSource
from tests.simulators.calendar_files import calendar_of, event_of, meeting
from tests.simulators.ics_reading import NOW, WINDOW

SOURCE = CalendarSource(address="x", own_addresses=frozenset({"ann@example.org"}))


def file_of(*events: str) -> bytes:
    return calendar_of(*events).encode()


async def test_each_file_has_its_own_answer() -> None:
    files = [
        file_of(meeting("a", NOW), meeting("b", NOW + timedelta(hours=1))),
        b"BEGIN:VCARD\r\nEND:VCARD\r\n",
        file_of(meeting("ü", NOW))[:-10],
        file_of(),
        file_of(event_of("UID:x", "DTSTART:soon"), meeting("a", NOW + timedelta(hours=2))),
        b"",
    ]
    both, card, half, empty, broken, nothing = await expand(files, SOURCE, WINDOW)
    assert isinstance(both, Expanded)
    assert isinstance(broken, Expanded)
    assert [len(both.events), both.broken, len(broken.events), broken.broken] == [2, 0, 1, 1]
    assert broken.events[0].occurrence_key == both.events[0].occurrence_key
    assert empty == Expanded(events=(), broken=0)
    assert [type(each) for each in (card, half, nothing)] == [NotACalendar, CalendarCutOff, NotACalendar]
    assert await expand([], SOURCE, WINDOW) == []


async def test_it_sees_nothing_of_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment, and no module of ours that could stand in the place of a library's."""
    script = tmp_path / "expansion.py"
    script.write_text(
        "import json, os, sys\n"
        "seen = [name for name in os.environ if name != 'LC_CTYPE'] or sys.path[0] == os.path.dirname(__file__)\n"
        "print(json.dumps([{'problem': 'cut_off' if sys.flags.isolated and not seen else 'too_large'}]))\n"
    )
    monkeypatch.setattr(isolated, "_EXPANSION", str(script))
    (answer,) = await expand([b""], SOURCE, WINDOW)
    assert isinstance(answer, CalendarCutOff)


@pytest.mark.parametrize(
    ("does", "error"),
    [
        ("raise ValueError('Secret plan')", ReaderFailed),
        ("os.abort()", ReaderFailed),
        ("time.sleep(60)", CalendarTooCostly),
    ],
)
async def test_one_that_fails_or_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, error: type[Exception]
) -> None:
    script = tmp_path / "expansion.py"
    script.write_text(f"import os, resource, time\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n{does}\n")
    monkeypatch.setattr(isolated, "_EXPANSION", str(script))
    monkeypatch.setattr(isolated, "EXPANSION_LIMIT_S", 3.0)
    with pytest.raises(error) as caught:
        await expand([b""], SOURCE, WINDOW)
    assert "Secret" not in str(caught.value)
