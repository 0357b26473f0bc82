"""What stops a command, each with its exit code (docs/commands.md lists them) and a message that says what to do."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1  # verify found a fault, the log does not continue a checkpoint, or the demo did not hold
    USAGE = 2  # click's own
    SETTINGS = 3
    PORT = 4
    DATA_DIR = 5
    ROLE = 6
    BUG = 70


class ConfigError(Exception):
    """onrecord can't go on. The message says why and what to do."""

    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))


class PortInUse(ConfigError):
    """Another program listens on that port. Stop it, or set another port."""

    exit_code = ExitCode.PORT

    def __init__(self, host: str, port: int, setting: str) -> None:
        super().__init__(
            f"port {port} on {host} is in use by another program; stop it, or set `{setting}` to a free port"
        )


class AddressNotHere(ConfigError):
    """The host set is no address of this machine, or its port may not be taken. Set another."""

    exit_code = ExitCode.PORT

    def __init__(self, host: str, port: int, setting: str, why: str) -> None:
        super().__init__(f"can't listen on {host} port {port} ({why}); set `{setting}` to an address of this machine")


class RoleFailed(ConfigError):
    """A part of the server can't start. Its log says why."""

    exit_code = ExitCode.ROLE

    def __init__(self, role: str, log_path: str, attempts: int, code: int) -> None:
        often = "" if attempts == 1 else f" {attempts} times"
        super().__init__(f"`{role}` failed to start{often}; see {log_path}")
        if code in {ExitCode.SETTINGS, ExitCode.PORT, ExitCode.DATA_DIR}:
            self.exit_code = ExitCode(code)


class LogLost(ConfigError):
    """The log does not continue a checkpoint that it published. Put back the newer data; nothing was signed."""

    exit_code = ExitCode.DATA_DIR

    def __init__(self, lost: list[str]) -> None:
        fix = (
            "put back the newer data directory, and end what else runs on a copy of this one; where that data is gone "
            "for good, `onrecord log declare` says so in the log; nothing was signed"
        )
        super().__init__("\n".join(f"{line}; {fix}" for line in lost))
