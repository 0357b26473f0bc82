"""The life of one role's process, with a real parent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from config.settings import Settings
from tests.adapter.config.test_supervisor import ROOT, SIMULATED


def started(settings: Settings, parent: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, str(SIMULATED), "bots", str(parent)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(settings.model_dump_json().encode())
    process.stdin.close()
    return process


def test_sigterm_ends_it_cleanly_and_stdout_holds_one_word(tmp_path: Path) -> None:
    with started(Settings(data_dir=tmp_path), os.getpid()) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"started\n"
        process.terminate()
        assert process.wait(10) == 0
    assert "role ended as asked" in (tmp_path / "logs" / "bots.log").read_text()


def test_it_does_nothing_when_its_parent_has_already_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as short:
        pass
    with started(Settings(data_dir=tmp_path), short.pid) as process:
        assert process.wait(10) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert not (tmp_path / "logs").exists()


def test_a_failure_is_in_the_log_and_its_kind_in_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "crash-bots").touch()
    with started(Settings(data_dir=tmp_path), os.getpid()) as process:
        assert process.wait(10) == 70
    assert '"why": "RuntimeError"' in (tmp_path / "logs" / "bots.log").read_text()
