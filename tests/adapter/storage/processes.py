"""Starts the test programs of this folder as processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.adapter.storage.{program}", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def lines_of(process: subprocess.Popen[str], how_many: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(how_many)]


def rest_of(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    with process.stdout:
        lines = process.stdout.read().splitlines()
    process.wait(30)
    return lines
