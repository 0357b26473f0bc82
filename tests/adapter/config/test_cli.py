"""The commands as a person runs them: what they print, and the exit code."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from config.errors import ExitCode
from tests.adapter.config.test_supervisor import free_port

WHO = {"ONRECORD_ORGANISATION": "Example Ltd", "ONRECORD_ORGANISATION_CONTACT": "privacy@example.org"}


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ONRECORD_")}
    return {**clean, **more}


def run(tmp_path: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "config.cli", *arguments]
    return subprocess.run(
        command, cwd=tmp_path, env=environment(**more), capture_output=True, text=True, check=False, timeout=60
    )


def test_version(tmp_path: Path) -> None:
    ended = run(tmp_path, "version")
    assert (ended.returncode, ended.stdout) == (0, f"onrecord {version('onrecord')}\n")


def test_wrong_settings_are_one_line_each_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "onrecord.toml").write_text('web_port = "none"\ngrace = 3\n')
    ended = run(tmp_path, "serve")
    assert ended.returncode == ExitCode.SETTINGS
    lines = ended.stderr.splitlines()
    assert all(line.startswith("onrecord: ") and "; " in line for line in lines)
    assert {line.split(": ")[1] for line in lines} == {"web_port", "grace", "organisation", "organisation_contact"}
    assert "did you mean grace_s?" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(("arguments", "words"), [(["sevre"], "sevre"), (["serve", "--port", "1"], "--port"), ([], "")])
def test_a_wrong_command_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    ended = run(tmp_path, *arguments)
    assert ended.returncode == ExitCode.USAGE
    assert words in ended.stderr


@pytest.mark.parametrize("command", ["status", "verify"])
@pytest.mark.parametrize("exists", [False, True])
def test_without_data_they_say_where_they_looked_and_begin_nothing(tmp_path: Path, command: str, exists: bool) -> None:
    folder = tmp_path / "nothing"
    if exists:
        folder.mkdir()
    ended = run(tmp_path, command, "--data-dir", "nothing")
    assert ended.returncode == 1
    assert str(folder) in ended.stderr
    assert folder.exists() == exists
    assert not exists or not list(folder.iterdir())


def test_a_role_is_not_run_by_hand(tmp_path: Path) -> None:
    assert run(tmp_path, "role", "web").returncode == ExitCode.USAGE
    assert run(tmp_path, "role", "nothing", "--parent", "1").returncode == ExitCode.USAGE


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        ended = run(tmp_path, "serve", ONRECORD_WEB_PORT=port, **WHO)
    assert ended.returncode == ExitCode.PORT
    assert ended.stderr == (
        f"onrecord: port {port} on 127.0.0.1 is in use by another program; stop it, or set `web_port` to a free port\n"
    )


def test_a_data_directory_that_can_not_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run(tmp_path, "serve", "--data-dir", "file/inside", **WHO)
    assert ended.returncode == ExitCode.DATA_DIR
    assert len(ended.stderr.splitlines()) == 1
    assert "data directory" in ended.stderr


def test_a_whole_server_starts_says_so_and_ends_at_sigterm(tmp_path: Path) -> None:
    ports = {"ONRECORD_WEB_PORT": str(free_port()), "ONRECORD_PRACTICE_PORT": str(free_port())}
    command = [sys.executable, "-P", "-m", "config.cli", "serve"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(**WHO, **ports),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            roles = _wait_until_up(server, tmp_path)
            status = run(tmp_path, "status", "--json")
            assert status.returncode == 0, status.stderr
            found = json.loads(status.stdout)
            assert found["recordings"] == []
            assert {role["state"] for role in found["roles"].values()} == {"up"}
            assert "web up" in run(tmp_path, "status").stdout

            second = run(tmp_path, "serve", **WHO, **ports)
            assert second.returncode == ExitCode.DATA_DIR
            assert "Another onrecord server" in second.stderr
        finally:
            server.send_signal(signal.SIGTERM)
            said = server.communicate(timeout=30)[0]
    assert server.returncode == 0, said
    assert (tmp_path / "onrecord-data").stat().st_mode & 0o777 == 0o700
    assert f"http://127.0.0.1:{ports['ONRECORD_WEB_PORT']}" in said
    assert said.count("first admin (shown this once)") == 1
    assert "the notice does not state: organisation_address (art. 13(1)(a))" in said
    for role in roles.values():
        assert not Path(f"/proc/{role['pid']}").exists()
    assert "not running" in run(tmp_path, "status").stdout

    verified = run(tmp_path, "verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.startswith("no fault in ")


def _wait_until_up(server: subprocess.Popen[str], tmp_path: Path) -> dict[str, dict[str, object]]:
    until = time.monotonic() + 60
    file = tmp_path / "onrecord-data" / "roles.json"
    while time.monotonic() < until and server.poll() is None:
        if file.exists():
            roles: dict[str, dict[str, object]] = json.loads(file.read_text())["roles"]
            if all(role["state"] == "up" for role in roles.values()):
                return roles
        time.sleep(0.1)
    raise AssertionError(f"the server did not come up: {file.read_text() if file.exists() else 'no roles.json'}")
