"""One role's process, from its first line to its last: dies with its parent, logs, runs, ends cleanly on SIGTERM."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import signal
from collections.abc import Awaitable, Callable

from config import logs
from config.errors import ConfigError, ExitCode
from config.settings import Settings
from storage.errors import Scope, StorageError

STARTED = b"started\n"  # all that a role ever says on stdout; its parent waits for it
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_log = logging.getLogger(__name__)


def die_with(parent_pid: int) -> None:
    """From now on the kernel kills this process when its parent ends. SIGKILL, since nothing may refuse it: the next
    server may take the data directory the moment that the supervisor is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent_pid:  # it ended before the line above
        raise SystemExit(ExitCode.OK)


def run(
    name: str, settings: Settings, body: Callable[[str, Settings], Awaitable[None]], *, terminal_level: str
) -> ExitCode:
    """Returns the process's exit code; what failed is in the role's log, and one line of it on the terminal."""
    logs.set_up(name, settings.data_dir, terminal_level=terminal_level)
    try:
        asyncio.run(_until_terminated(body(name, settings)))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        code = exit_code_of(error)
        _log.error("role failed", exc_info=error, extra={"exit": int(code), "why": _why(error)})
        return code
    return ExitCode.OK


async def _until_terminated(work: Awaitable[None]) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    os.write(1, STARTED)
    os.dup2(2, 1)
    try:
        await work
    except asyncio.CancelledError:
        _log.info("role ended as asked")


def exit_code_of(error: BaseException) -> ExitCode:
    """Several errors at once count as the first of them that says more than "bug"."""
    if isinstance(error, BaseExceptionGroup):
        codes = [exit_code_of(one) for one in error.exceptions]
        return next((code for code in codes if code is not ExitCode.BUG), ExitCode.BUG)
    if isinstance(error, ConfigError):
        return error.exit_code
    if isinstance(error, StorageError) and error.scope is Scope.PROCESS:
        return ExitCode.DATA_DIR
    if isinstance(error, OSError) and error.errno in {errno.EADDRINUSE, errno.EADDRNOTAVAIL}:
        return ExitCode.PORT
    return ExitCode.BUG


def _why(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_why(one) for one in error.exceptions)
    return str(error) if isinstance(error, ConfigError | StorageError) else type(error).__name__
