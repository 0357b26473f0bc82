"""`onrecord demo --exit` as a newcomer runs it, once; then what it kept is checked, shown, and changed by one byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.errors import ExitCode
from tests.simulators.server import free_port

DEMO_WITHIN_S = 240
pytestmark = pytest.mark.timeout(DEMO_WITHIN_S + 20)

STATUSES = {"Maria": "given", "Jonas": "given", "Rafael": "refused", "Lena": "withdrawn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    folder: Path
    data_dir: Path
    exit_code: int
    said: str
    report: dict[str, Any]

    def onrecord(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(self.folder, *arguments, "--data-dir", str(self.data_dir), timeout_s=60)


def run(folder: Path, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ONRECORD_")}
    ports = {"ONRECORD_WEB_PORT": str(free_port()), "ONRECORD_PRACTICE_PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, "-P", "-m", "config.cli", *arguments],
        cwd=folder,
        env={**clean, **ports},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("demo")
    data_dir, report = folder / "data", folder / "report.json"
    arguments = ("demo", "--exit", "--report", str(report), "--data-dir", str(data_dir))
    ended = run(folder, *arguments, timeout_s=DEMO_WITHIN_S)
    return Played(
        folder=folder,
        data_dir=data_dir,
        exit_code=ended.returncode,
        said=ended.stdout + ended.stderr,
        report=json.loads(report.read_text(encoding="utf-8")) if report.exists() else {},
    )


def test_it_ends_with_0_and_the_report_says_what_was_kept_of_whom(played: Played) -> None:
    assert played.exit_code == ExitCode.OK, played.said
    report = played.report
    assert list(report) == ["recording", "participants", "log", "seconds"]
    assert set(report["recording"]) == {"consent_status"}
    assert set(report["log"]) == {"entries", "verified"}
    assert report["log"]["verified"] is True
    assert report["log"]["entries"] > 20
    assert isinstance(report["seconds"], int)
    assert 0 < report["seconds"] < DEMO_WITHIN_S
    assert "voices_missing" in report["recording"]["consent_status"].split(",")

    people = {person["name"]: person for person in report["participants"]}
    for person in people.values():
        assert set(person) == {"name", "consent_status", "spoken_s", "kept_s", "words"}
    assert {name: person["consent_status"] for name, person in people.items()} == STATUSES
    for name in ("Maria", "Jonas"):
        assert 0.9 * people[name]["spoken_s"] <= people[name]["kept_s"]
        assert people[name]["words"] >= 8
    assert people["Rafael"]["spoken_s"] > 1
    assert (people["Rafael"]["kept_s"], people["Rafael"]["words"]) == (0, 0)
    assert 0 < people["Lena"]["kept_s"] < people["Lena"]["spoken_s"] - 1


def test_the_story_is_told_as_it_happens(played: Played) -> None:
    told = ["The calendar", "The meeting", "capture opens for Maria", "capture is shut for Lena", "log verified"]
    places = [played.said.find(line) for line in told]
    assert -1 not in places, played.said
    assert places == sorted(places)
    for name in STATUSES:
        assert name in played.said


def test_status_lists_the_recording(played: Played) -> None:
    ended = played.onrecord("status", "--json")
    assert ended.returncode == ExitCode.OK, ended.stderr
    status = json.loads(ended.stdout)
    assert set(status) == {"recordings", "roles", "checkpoint_copies"}
    (recording,) = status["recordings"]
    assert {"meeting", "visit", "title", "started_at", "consent_status", "participants"} <= set(recording)
    assert ",".join(recording["consent_status"]) == played.report["recording"]["consent_status"]
    of_report = {person["name"]: person for person in played.report["participants"]}
    for person in recording["participants"]:
        assert set(person) == {"name", "consent_status", "kept_s", "words"}
        assert person.items() <= of_report[person["name"]].items()


def test_verify_finds_no_fault_and_then_one_changed_byte(played: Played) -> None:
    ended = played.onrecord("verify")
    assert ended.returncode == ExitCode.OK, ended.stdout
    assert ended.stdout.startswith("no fault in ")

    part = min((played.data_dir / "tracks").rglob("*.part"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    try:
        ended = played.onrecord("verify")
    finally:
        content[len(content) // 2] ^= 1
        part.write_bytes(content)
    assert ended.returncode == ExitCode.FAILED
    named = str(part.relative_to(played.data_dir / "tracks").parent.name)
    faults = ended.stdout.splitlines()
    assert faults
    assert all(named in fault for fault in faults), (named, faults)
    assert played.onrecord("verify").returncode == ExitCode.OK
