"""`onrecord receipt verify` as a person runs it: what it says, and the exit code."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.cli import commands
from config.errors import ExitCode
from consent_notice.receipt import DOES_NOT_PROVE, PROVES
from consent_notice.receipt_page import page_of
from tests.adapter.config.test_cli import run
from tests.simulators.receipts import GAVE, KEY, OTHER_KEY, WITHDREW, asked, joined, made, opened

RECEIPT = made(opened(), joined("Łukasz \x1b[31m李雷"), asked(), GAVE, WITHDREW)
FORMS = {"json": RECEIPT, "html": page_of(RECEIPT)}


def verify(file: Path, *more: str, key: str = str(KEY)) -> Result:
    return CliRunner().invoke(commands, ["receipt", "verify", str(file), "--key", key, *more])


@pytest.fixture(params=FORMS)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"receipt.{request.param}"
    path.write_bytes(FORMS[request.param])
    return path


def test_a_genuine_one_holds_and_is_told_in_words(file: Path, tmp_path: Path) -> None:
    """As a command of its own, in a folder without settings or data."""
    key_file = tmp_path / "key.txt"
    key_file.write_text(f"{KEY}\n")
    ended, by_file = (run(tmp_path, "receipt", "verify", str(file), "--key", key) for key in (str(KEY), "key.txt"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert by_file.stdout == ended.stdout
    assert ended.stdout.startswith(f"holds: not a byte was changed since {KEY.name}+{KEY.key_id.hex()} ")
    for words in ("hosted by Ingrid", "Łukasz [31m李雷", "recording: withdrawn", "transcription: withdrawn"):
        assert words in ended.stdout
    assert "entries 1, 3, 5, 7, 9 of the 10" in ended.stdout
    for line in (*PROVES, *DOES_NOT_PROVE):
        assert line in ended.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([file.name, "key.txt"])


def test_as_json(file: Path) -> None:
    told = json.loads(verify(file, "--json").output)
    assert told["holds"] is True
    assert told["standings"] == {"recording": "withdrawn", "transcription": "withdrawn"}
    assert told["entries"] == [1, 3, 5, 7, 9]
    assert told["checkpoint"]["size"] == 10
    assert told["does_not_prove"] == list(DOES_NOT_PROVE)


def test_by_another_key_it_does_not_hold(file: Path) -> None:
    ended = verify(file, key=str(OTHER_KEY))
    assert ended.exit_code == ExitCode.FAILED
    assert ended.output.startswith("does not hold: ")
    assert len(ended.output.splitlines()) == 1
    told = json.loads(verify(file, "--json", key=str(OTHER_KEY)).output)
    assert told["holds"] is False
    assert told["why"]


def test_changed_ones_do_not_hold(file: Path, tmp_path: Path) -> None:
    content, chance = file.read_bytes(), random.Random(27560)
    for number in range(40):
        changed = bytearray(content)
        changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(changed)
        ended = verify(file)
        assert ended.exit_code == ExitCode.FAILED
        assert len(ended.output.splitlines()) == 1, ended.output
        if number < 2:
            outside = run(tmp_path, "receipt", "verify", str(file), "--key", str(KEY))
            assert (outside.returncode, outside.stdout) == (ExitCode.FAILED, ended.output)


@pytest.mark.parametrize("content", [b"", b"hello", b"<!doctype html>", b"{}", b"\xff" * 100])
def test_what_is_no_receipt_does_not_hold(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "receipt"
    path.write_bytes(content)
    assert verify(path).exit_code == ExitCode.FAILED


def test_a_wrong_command_line_says_what_is_wrong(file: Path, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")
    for key in ("", "onrecord", "onrecord+00000000+AAAA", str(tmp_path), str(tmp_path / "picture"), "x" * 5_000):
        ended = verify(file, key=key)
        assert ended.exit_code == ExitCode.USAGE
        assert "published line" in ended.output
    assert verify(tmp_path / "missing").exit_code == ExitCode.USAGE
