"""`onrecord log …` as a person runs it: over a log that grew, in files, on stdin, from receipts, over a folder."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from consent_notice.checkpoint import open_checkpoint, read_verifier_key
from storage.timestamps import TimestampService
from storage.vault import verify_signature
from tests.adapter.config.test_cli import environment
from tests.adapter.storage.kept import keep_a_meeting
from tests.simulators.timestamp_service import timestamp_responder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("log")
    asyncio.run(keep_a_meeting(made / "data"))
    return made


def run(folder: Path, *arguments: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "config.cli", "log", *arguments, "--data-dir", "data"]
    raw = given.encode() if isinstance(given, str) else given
    ended = subprocess.run(
        command, cwd=folder, env=environment(), input=raw, capture_output=True, check=False, timeout=60
    )
    return subprocess.CompletedProcess(command, ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def note_of(folder: Path, size: int) -> str:
    with closing(sqlite3.connect(folder / "data" / "onrecord.db")) as connection:
        return str(connection.execute("SELECT note FROM log_checkpoints WHERE size = ?", (size,)).fetchone()[0])


def test_the_head_and_the_key_are_printed_as_they_are_kept(folder: Path) -> None:
    checkpoint, key = run(folder, "checkpoint"), run(folder, "key")
    assert (checkpoint.returncode, key.returncode) == (0, 0)
    opened = open_checkpoint(checkpoint.stdout, read_verifier_key(key.stdout), verify_signature)
    assert opened.size > 10
    again = run(folder, "consistency", "-", given=checkpoint.stdout)
    assert again.returncode == 0
    assert "ends with that very checkpoint" in again.stdout


def test_an_old_checkpoint_is_continued_in_words_and_as_json(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text(note_of(folder, 5))
    ended = run(folder, "consistency", str(tmp_path / "old.txt"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "continues that checkpoint" in ended.stdout
    assert "then: 5 entries" in ended.stdout
    found = json.loads(run(folder, "consistency", "--json", str(tmp_path / "old.txt")).stdout)
    assert (found["continues"], found["old_size"]) == (True, 5)
    assert found["request"] == f"old 5\n{''.join(step + chr(10) for step in found['proof'])}\n{found['checkpoint']}"


def test_a_receipt_is_as_good_as_a_checkpoint(folder: Path) -> None:
    receipt = json.dumps({"proof": {"checkpoint": note_of(folder, 6)}})
    assert "then: 6 entries" in run(folder, "consistency", "-", given=receipt).stdout


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda note: note.replace("\n6\n", "\n7\n"), "was not signed by this log, or was changed"),
        (lambda note: "onrecord.example/other" + note[note.index("\n") :], "of another log"),
        (lambda note: "", "couldn't find a checkpoint"),
    ],
)
def test_what_does_not_hold_is_one_line_and_exit_1(folder: Path, change: object, line: str) -> None:
    assert callable(change)
    changed = change(note_of(folder, 6))
    ended = run(folder, "consistency", "-", given=changed)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert line in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    found = json.loads(run(folder, "consistency", "--json", "-", given=changed).stdout)
    assert found["continues"] is False


def test_every_copy_in_a_folder_is_checked(folder: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    (copies / "of-this").mkdir(parents=True)
    assert run(folder, "consistency", "--copies", str(copies)).returncode == 1, "no copy proves nothing"
    for size in (3, 4, 9):
        (copies / "of-this" / f"{size:012d}.checkpoint").write_text(note_of(folder, size))
    (copies / "other.checkpoint").write_text("another.example\n" + note_of(folder, 3).split("\n", 1)[1])
    ended = run(folder, "consistency", "--copies", str(copies))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "3 of them, of 3 to 9 entries; copies of other logs left out: 1" in ended.stdout
    bad = copies / "of-this" / f"{10:012d}.checkpoint"
    bad.write_text(note_of(folder, 10).replace("\n10\n", "\n11\n"))
    ended = run(folder, "consistency", "--copies", str(copies))
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert bad.name in ended.stderr
    found = json.loads(run(folder, "consistency", "--copies", str(copies), "--json").stdout)
    assert [copy["continues"] for copy in found["copies"]] == [True, True, True, False]


@pytest.mark.parametrize("arguments", [[], ["-", "--copies", "."], ["there-is-none"]])
def test_one_checkpoint_or_one_folder_must_be_named(folder: Path, arguments: list[str]) -> None:
    assert run(folder, "consistency", *arguments).returncode == 2


def test_without_data_it_says_where_it_looked(tmp_path: Path) -> None:
    for command in (["checkpoint"], ["key"], ["consistency", "-"]):
        ended = run(tmp_path, *command)
        assert ended.returncode == 1
        assert "there is no data in" in ended.stderr
    assert not list(tmp_path.iterdir())


async def test_a_timestamp_beside_a_copy_is_checked_with_it(folder: Path, tmp_path: Path) -> None:
    async with timestamp_responder(tmp_path / "service") as responder:
        stamp = await TimestampService(responder.url).stamp(note_of(folder, 4))
        roots = tmp_path / "service" / "authority.pem"
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / f"{4:012d}.checkpoint").write_text(note_of(folder, 4))
    (copies / f"{4:012d}.tsr").write_bytes(stamp)
    plain = run(folder, "consistency", "--copies", str(copies))
    assert (plain.returncode, plain.stderr) == (0, "")
    assert "timestamps with 1 of them, not held to any certificate" in plain.stdout
    settings = tmp_path / "onrecord.toml"
    settings.write_text(f'[checkpoints]\nrfc3161_url = "http://127.0.0.1/"\nrfc3161_roots = "{roots}"\n')
    held = run(folder, "consistency", "--copies", str(copies), "--config", str(settings))
    assert "held to the certificates that are set" in held.stdout
    assert "stamped_at" in json.loads(run(folder, "consistency", "--copies", str(copies), "--json").stdout)["copies"][0]
    (copies / f"{5:012d}.checkpoint").write_text(note_of(folder, 5))
    (copies / f"{5:012d}.tsr").write_bytes(stamp)
    bad = run(folder, "consistency", "--copies", str(copies))
    assert bad.returncode == 1
    assert f"{5:012d}.tsr: that is no timestamp of this checkpoint" in bad.stderr
