"""The form that every figure takes, and that each bench is found."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import found
from bench.calendar_work import first_sync, idle_round, parse, plan_occurrences
from bench.figure import Figure

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("figure", "ratio", "met"),
    [
        (Figure(name="a", value=6.0, unit="us", floor=2.0, goal=3.0), 3.0, True),
        (Figure(name="a", value=6.1, unit="us", floor=2.0, goal=3.0), 3.05, False),
        (Figure(name="a", value=6.0, unit="us", goal=5.0), None, False),
        (Figure(name="a", value=6.0, unit="us"), None, None),
        (Figure(name="a", value=60.0, unit="dB", goal=50.0, higher_is_better=True), None, True),
        (Figure(name="a", value=40.0, unit="dB", goal=50.0, higher_is_better=True), None, False),
    ],
)
def test_a_figure_is_held_against_its_floor_where_it_has_one(
    figure: Figure, ratio: float | None, met: bool | None
) -> None:
    assert figure.ratio == (None if ratio is None else pytest.approx(ratio))
    assert figure.met is met
    assert list(figure.as_json()) == ["name", "value", "unit", "floor", "ratio", "goal", "met"]


def test_every_bench_is_found_and_an_unknown_one_is_a_mistake() -> None:
    assert not {"__main__", "figure"} & set(found())
    command = [sys.executable, "-m", "bench", "no-such-bench", "--json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "there is no no-such-bench" in ended.stderr


def test_the_output_is_one_json_object(tmp_path: Path) -> None:
    """In a copy with one bench that takes no time, so that no real figure is measured here."""
    (tmp_path / "bench").mkdir()
    for file in ("__init__.py", "__main__.py", "figure.py"):
        (tmp_path / "bench" / file).write_bytes((ROOT / "bench" / file).read_bytes())
    (tmp_path / "bench" / "quick.py").write_text(
        "from bench.figure import Figure\n"
        "def figures(): yield Figure(name='q', value=1.0, unit='s', floor=0.5, goal=3)\n"
    )
    (tmp_path / "bench" / "part.py").write_text("HELP = 1\n")
    command = [sys.executable, "-m", "bench", "quick", "--json"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == {
        "figures": [{"name": "q", "value": 1.0, "unit": "s", "floor": 0.5, "ratio": 2.0, "goal": 3, "met": True}]
    }
    table = subprocess.run(command[:-1], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "yes" in table


def test_a_bench_with_a_size_runs_in_small_and_finds_no_frame_after_a_no() -> None:
    """Its time says nothing at this size; that it runs, and what it counts on the disk, does."""
    figures: dict[str, dict[str, Any]] = {}
    for name, size in (("log_verify", "400"), ("page_to_gate", "2")):
        command = [sys.executable, "-m", "bench", name, "--json", "--size", size]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
        assert ended.returncode == 0, ended.stderr
        figures |= {figure["name"]: figure for figure in json.loads(ended.stdout)["figures"]}
    (after,) = [figure for name, figure in figures.items() if name.startswith("frames kept that came after the answer")]
    assert after["value"] == 0
    assert any(name.startswith("verify 4") for name in figures)
    assert all(figure["value"] >= 0 for figure in figures.values())


def test_the_calendars_work_in_small_and_count_what_they_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asserts how much it read, stored or planned."""
    monkeypatch.chdir(tmp_path)
    try:
        measured = [asyncio.run(first_sync(40)), asyncio.run(idle_round(3)), parse(40), plan_occurrences(40)]
    finally:
        gc.unfreeze()
    assert all(took_s > 0 and blocked_ms >= 0 for took_s, blocked_ms in measured)
    assert list(tmp_path.iterdir()) == []
