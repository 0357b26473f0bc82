"""What each error says, and the exit code that a script sees."""

from __future__ import annotations

import errno

import pytest

from config.errors import AddressNotHere, ConfigError, ExitCode, PortInUse, RoleFailed
from config.role import exit_code_of
from storage.errors import DataDirInUse, StorageError


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PortInUse("127.0.0.1", 8480, "web_port"), ExitCode.PORT, ("8480", "web_port", "stop it")),
        (AddressNotHere("192.0.2.1", 80, "web_port", "no"), ExitCode.PORT, ("192.0.2.1", "web_port")),
        (RoleFailed("bots", "/x/bots.log", 5, 1), ExitCode.ROLE, ("`bots`", "5 times", "/x/bots.log")),
        (RoleFailed("web", "/x/web.log", 1, ExitCode.PORT), ExitCode.PORT, ("`web`", "/x/web.log")),
        (ConfigError(), ExitCode.BUG, ("onrecord can't go on",)),
    ],
)
def test_the_message_names_the_thing_and_the_fix(error: ConfigError, code: ExitCode, words: tuple[str, ...]) -> None:
    assert exit_code_of(error) is code
    assert all(word in str(error) for word in words)


def test_a_group_counts_as_the_first_that_says_more_than_bug() -> None:
    group = ExceptionGroup("", [ValueError(), ExceptionGroup("", [DataDirInUse()])])
    assert exit_code_of(group) is ExitCode.DATA_DIR
    assert exit_code_of(ExceptionGroup("", [ValueError()])) is ExitCode.BUG


def test_other_errors_have_their_code() -> None:
    assert exit_code_of(OSError(errno.EADDRINUSE, "in use")) is ExitCode.PORT
    assert exit_code_of(OSError(errno.EACCES, "no")) is ExitCode.BUG
    assert exit_code_of(StorageError()) is ExitCode.BUG
