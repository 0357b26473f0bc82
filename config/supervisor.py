"""Runs the server's roles as processes of their own and starts again those that end; the only parent of all of them.

A crash or a busy loop in one role touches no other. One data directory has one supervisor (a lock), and its roles never
outlive it: the kernel kills them when it ends, however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from config import role
from config.errors import AddressNotHere, ExitCode, PortInUse, RoleFailed
from config.logs import log_path
from config.settings import Settings
from consent_notice.clock import Clock
from storage.data_dir import serving

ROLES = ("web", "practice", "bots", "calendar", "transcribe")
_STATUS_NAME = "roles.json"
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_STEADY_MS = 30_000  # a role that ran this long starts over with the first pause
_SETTLED_S = 0.5  # a role without a port counts as up when it has worked this long
_ATTEMPTS_AT_START = 5
_STOP_PATIENCE_S = 12.0  # a bot says goodbye and closes its parts
_FATAL = {ExitCode.SETTINGS, ExitCode.PORT, ExitCode.DATA_DIR}  # starting again would change nothing

_log = logging.getLogger(__name__)


class RoleState(StrEnum):
    STARTING = "starting"
    UP = "up"
    PAUSED = "paused"  # ended; starts again soon
    ENDED = "ended"


@dataclass(slots=True, kw_only=True)
class RoleRun:
    """One role's present process and its past."""

    state: RoleState = RoleState.STARTING
    pid: int | None = None
    starts: int = 0
    started_ms: int = 0
    last_exit: str | None = None
    ever_up: bool = False


class Supervisor:
    """Takes the data directory's lock for as long as `run` runs."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        roles: Sequence[str] = ROLES,
        terminal_level: str = "info",
        command: Callable[[str, str], Sequence[str]] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._terminal_level = terminal_level
        self._command = command or role_command
        self.roles: Mapping[str, RoleRun] = {name: RoleRun() for name in roles}
        self._stopping = asyncio.Event()
        self._changed = asyncio.Condition()

    async def run(self, prepare: Callable[[], Awaitable[None]] | None = None) -> None:
        """Until `stop`, or until a role can't start: then raises RoleFailed. No role is left when it returns.

        Raises DataDirInUse, PortInUse or AddressNotHere before anything was started. `prepare` comes after those checks
        and before the first role.
        """
        with serving(self._settings.data_dir):
            check_ports(self._settings, self.roles)
            if prepare is not None:
                await prepare()
            try:
                async with asyncio.TaskGroup() as group:
                    for name, run in self.roles.items():
                        group.create_task(self._keep_running(name, run), name=name)
            except BaseExceptionGroup as failures:
                failed = failures.subgroup(RoleFailed)
                raise (failed.exceptions[0] if failed else failures) from None
            finally:
                with contextlib.suppress(FileNotFoundError):
                    status_path(self._settings.data_dir).unlink()

    def stop(self) -> None:
        """Asks every role to end; `run` returns once they have."""
        self._stopping.set()

    async def wait_until_up(self, *roles: str) -> None:
        """Until these roles (default: all) answer on their port, or have settled where they have none."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: all(self.roles[name].state is RoleState.UP for name in roles or self.roles)
            )

    def pid_of(self, role: str) -> int | None:
        return self.roles[role].pid

    async def _keep_running(self, name: str, run: RoleRun) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            code = await self._run_once(name, run)
            if self._stopping.is_set():
                break
            lived_ms = self._clock.boot_ms() - run.started_ms
            if not run.ever_up and (code in _FATAL or run.starts >= _ATTEMPTS_AT_START):
                raise RoleFailed(name, str(log_path(self._settings.data_dir, name)), run.starts, code)
            if lived_ms > _STEADY_MS:
                pause_s = _FIRST_PAUSE_S
            _log.warning("role ended; it starts again", extra={"role": name, "exit": run.last_exit, "pause_s": pause_s})
            await self._become(run, RoleState.PAUSED)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        await self._become(run, RoleState.ENDED)

    async def _run_once(self, name: str, run: RoleRun) -> int:
        """From the start of the process to its end; the process is gone on return, also when cancelled."""
        process = await asyncio.create_subprocess_exec(
            *self._command(name, self._terminal_level),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_role_environment(),
            process_group=0,  # Ctrl-C reaches the supervisor alone, which ends the roles in order
        )
        run.pid, run.starts, run.started_ms = process.pid, run.starts + 1, self._clock.boot_ms()
        try:
            await self._become(run, RoleState.STARTING)
            await _hand_over(process, self._settings)
            async with asyncio.TaskGroup() as group:
                meanwhile = [
                    group.create_task(self._notice_when_up(name, run, process)),
                    group.create_task(self._end_when_stopping(process)),
                ]
                code = await process.wait()
                for task in meanwhile:
                    task.cancel()
        finally:
            await _end(process)
            run.pid = None
            run.last_exit = _exit_words(process.returncode)
        return code

    async def _notice_when_up(self, name: str, run: RoleRun, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        if await process.stdout.read() != role.STARTED:
            return  # it ended before it began
        address = port_of(self._settings, name)
        if address is None:
            await asyncio.sleep(_SETTLED_S)
        else:
            while not await _answers(address[0], address[1]):  # noqa: ASYNC110  # another process's port tells nobody
                await asyncio.sleep(0.1)
        run.ever_up = True
        await self._become(run, RoleState.UP)

    async def _end_when_stopping(self, process: asyncio.subprocess.Process) -> None:
        await self._stopping.wait()
        await _end(process)

    async def _become(self, run: RoleRun, state: RoleState) -> None:
        run.state = state
        _write_status(self._settings.data_dir, self.roles)
        async with self._changed:
            self._changed.notify_all()


def role_command(name: str, terminal_level: str) -> Sequence[str]:
    # -P: a folder named `config` where the server was started must not be taken for ours.
    parent = str(os.getpid())
    return (sys.executable, "-P", "-m", "config.cli", "role", name, "--parent", parent, "--terminal", terminal_level)


def port_of(settings: Settings, name: str) -> tuple[str, int, str] | None:
    """Host, port and the setting that chose the port, for the roles that listen."""
    if name == "web":
        return settings.host, settings.web_port, "web_port"
    if name == "practice":
        return settings.practice_host, settings.practice_port, "practice_port"
    return None


def check_ports(settings: Settings, roles: Iterable[str]) -> None:
    """Raises PortInUse or AddressNotHere while nothing runs yet."""
    for name in roles:
        address = port_of(settings, name)
        if address is None:
            continue
        host, port, setting = address
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(host, port, setting) from None
            raise AddressNotHere(host, port, setting, error.strerror or "unknown") from None


def status_path(data_dir: Path) -> Path:
    return data_dir / _STATUS_NAME


def read_status(data_dir: Path) -> Mapping[str, Mapping[str, object]] | None:
    """What the supervisor of this data directory last wrote; None when none is running."""
    try:
        written = json.loads(status_path(data_dir).read_bytes())
        supervisor = psutil.Process(written["supervisor"]["pid"])
        if supervisor.create_time() != written["supervisor"]["created"]:
            return None
    except (FileNotFoundError, ValueError, KeyError, psutil.Error):
        return None
    roles: Mapping[str, Mapping[str, object]] = written["roles"]
    return roles


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _write_status(data_dir: Path, roles: Mapping[str, RoleRun]) -> None:
    written = {
        "supervisor": {"pid": os.getpid(), "created": psutil.Process().create_time()},
        "roles": {
            name: {"state": run.state, "pid": run.pid, "starts": run.starts, "last_exit": run.last_exit}
            for name, run in roles.items()
        },
    }
    unfinished = status_path(data_dir).with_suffix(".new")
    unfinished.write_text(json.dumps(written), encoding="utf-8")
    unfinished.replace(status_path(data_dir))


def _role_environment() -> Mapping[str, str]:
    # Speech recognition gets its weights from packages; nothing may go and look for others.
    return {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


async def _hand_over(process: asyncio.subprocess.Process, settings: Settings) -> None:
    """The settings go through the pipe: whole, as they are in force, and in no command line or file."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended already; its exit code says why
        process.stdin.write(settings.model_dump_json().encode())
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_PATIENCE_S)
        except TimeoutError:
            _log.warning("a role did not end in time; killed", extra={"pid": process.pid})
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # and whatever it had started
    await process.wait()


def _exit_words(code: int | None) -> str | None:
    if code is None or code >= 0:
        return None if code is None else f"exit code {code}"
    return signal.Signals(-code).name
