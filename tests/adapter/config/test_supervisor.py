"""The supervisor with real processes: restarts, ports, the lock, and that nothing outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil
import pytest

import config.supervisor
from config.clock import SystemClock
from config.errors import AddressNotHere, ExitCode, PortInUse, RoleFailed
from config.settings import Settings
from config.supervisor import RoleState, Supervisor, check_ports, read_status, role_command, status_path
from storage.errors import DataDirInUse

SIMULATED = Path(__file__).resolve().parents[2] / "simulators" / "role_process.py"
ROOT = SIMULATED.parents[2]


def simulated_command(name: str, _level: str) -> Sequence[str]:
    return (sys.executable, str(SIMULATED), name, str(os.getpid()))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    return Settings(data_dir=data_dir, web_port=free_port(), practice_port=free_port())


@contextlib.asynccontextmanager
async def running(settings: Settings, *roles: str) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(settings, clock=SystemClock(), roles=roles, command=simulated_command)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.run())
        await asyncio.wait_for(supervisor.wait_until_up(), 20)
        yield supervisor
        supervisor.stop()
        await task


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.05)


async def test_a_killed_role_starts_again_at_once_and_the_others_never_notice(settings: Settings) -> None:
    async with running(settings, "web", "bots") as supervisor:
        first, other = supervisor.pid_of("bots"), supervisor.pid_of("web")
        assert first is not None
        began = time.monotonic()
        os.kill(first, signal.SIGKILL)
        while supervisor.pid_of("bots") in {None, first}:
            await asyncio.sleep(0.02)
        assert time.monotonic() - began < 2  # the rest is the role's own start
        await supervisor.wait_until_up("bots")
        assert supervisor.pid_of("web") == other
        assert supervisor.roles["bots"].last_exit == "SIGKILL"
        status = read_status(settings.data_dir)
        assert status is not None
        assert status["bots"] == {
            "state": "up",
            "pid": supervisor.pid_of("bots"),
            "starts": 2,
            "last_exit": "SIGKILL",
        }


async def test_no_process_is_left_after_a_stop_and_the_status_says_that_nothing_runs(settings: Settings) -> None:
    (settings.data_dir / "child-bots").touch()
    async with running(settings, "web", "bots") as supervisor:
        pids = [run.pid for run in supervisor.roles.values()]
        grandchild = int((settings.data_dir / "child-bots").read_text())
    for pid in [*pids, grandchild]:
        assert pid is not None
        await gone(pid)
    assert {run.state for run in supervisor.roles.values()} == {RoleState.ENDED}
    assert supervisor.roles["web"].last_exit == "exit code 0"
    assert read_status(settings.data_dir) is None


async def test_a_role_that_does_not_hear_is_killed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.supervisor, "_STOP_PATIENCE_S", 0.5)
    (settings.data_dir / "stubborn-bots").touch()
    async with running(settings, "bots") as supervisor:
        pass
    assert supervisor.roles["bots"].last_exit == "SIGKILL"


async def test_a_role_that_never_comes_up_ends_the_server_with_one_message(settings: Settings) -> None:
    (settings.data_dir / "crash-bots").touch()
    supervisor = Supervisor(settings, clock=SystemClock(), roles=("web", "bots"), command=simulated_command)
    with pytest.raises(RoleFailed, match=r"`bots` failed to start 5 times; see .*bots\.log") as caught:
        await asyncio.wait_for(supervisor.run(), 60)
    assert caught.value.exit_code is ExitCode.ROLE
    assert all(run.pid is None for run in supervisor.roles.values())
    log = (settings.data_dir / "logs" / "bots.log").read_text()
    assert "RuntimeError" in log
    assert "Ada" not in log


async def test_roles_end_when_the_supervisor_is_killed(settings: Settings) -> None:
    """Kill -9 leaves no time for anything: the kernel has to do it."""
    program = textwrap.dedent(
        """
        import asyncio, sys
        from config.clock import SystemClock
        from config.settings import Settings
        from config.supervisor import Supervisor
        from tests.adapter.config.test_supervisor import simulated_command
        settings = Settings.model_validate_json(sys.argv[1])
        asyncio.run(Supervisor(settings, clock=SystemClock(), roles=("web", "bots"), command=simulated_command).run())
        """
    )
    with subprocess.Popen([sys.executable, "-c", program, settings.model_dump_json()], cwd=ROOT) as parent:
        async with asyncio.timeout(20):
            while True:
                status = read_status(settings.data_dir) or {}
                if status and all(role["state"] == "up" for role in status.values()):
                    break
                await asyncio.sleep(0.05)
        with pytest.raises(DataDirInUse):
            await Supervisor(settings, clock=SystemClock()).run()
        parent.kill()
    for role in status.values():
        assert isinstance(role["pid"], int)
        await gone(role["pid"])
    assert status_path(settings.data_dir).exists()
    assert read_status(settings.data_dir) is None  # written by a process that is no more
    async with running(settings, "web"):
        pass


async def test_a_taken_port_is_told_before_anything_starts(settings: Settings) -> None:
    prepared = False

    async def prepare() -> None:
        nonlocal prepared
        prepared = True

    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.web_port))
        other.listen()
        with pytest.raises(PortInUse, match=rf"port {settings.web_port} .*`web_port`"):
            await Supervisor(settings, clock=SystemClock()).run(prepare)
    assert not prepared


def test_an_address_of_another_machine_is_told(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"host": "192.0.2.1"})
    with pytest.raises(AddressNotHere, match="web_port"):
        check_ports(elsewhere, ("web",))


def test_a_folder_named_config_where_the_server_starts_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "__init__.py").write_text("raise SystemExit(99)")
    command = role_command("web", "info")
    assert command[1] == "-P"
    ended = subprocess.run([*command[:4], "version"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("onrecord ")


def test_a_process_that_has_the_old_number_is_not_the_supervisor(tmp_path: Path) -> None:
    written = {"supervisor": {"pid": os.getpid(), "created": psutil.Process().create_time()}, "roles": {}}
    status_path(tmp_path).write_text(json.dumps(written))
    assert read_status(tmp_path) == {}
    written["supervisor"]["created"] -= 60
    status_path(tmp_path).write_text(json.dumps(written))
    assert read_status(tmp_path) is None


def test_no_status_is_read_from_a_broken_file(tmp_path: Path) -> None:
    assert read_status(tmp_path) is None
    status_path(tmp_path).write_text("{")
    assert read_status(tmp_path) is None
