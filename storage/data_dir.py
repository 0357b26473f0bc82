"""The data directory as a whole: made on first start, opened under a lock, served by one server at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import DataDirInUse, DataDirUnusable

DATABASE_NAME = "onrecord.db"
KEYS_NAME = "keys.db"
TRACKS_NAME = "tracks"
TRANSCRIPTS_NAME = "transcripts"
SNAPSHOTS_NAME = "snapshots"
_OPENING = "opening.lock"
_SERVING = "serving.lock"


def prepare(data_dir: Path) -> None:
    """Makes it, readable for its owner alone. Raises DataDirUnusable."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise DataDirUnusable(
            f"couldn't use the data directory: {error.strerror}; give its owner the right to write, or set `data_dir`"
        ) from error


@contextmanager
def opening(data_dir: Path) -> Iterator[None]:
    """One process at a time makes keys and migrates; the others wait."""
    with _locked(data_dir / _OPENING, fcntl.LOCK_EX):
        yield


@contextmanager
def serving(data_dir: Path) -> Iterator[None]:
    """For the supervisor alone; its children share the directory under it. Raises DataDirInUse."""
    prepare(data_dir)
    try:
        with _locked(data_dir / _SERVING, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield
    except BlockingIOError:
        raise DataDirInUse from None


def is_served(data_dir: Path) -> bool:
    """Whether a server runs on it now; looks only, and makes no lock file."""
    try:
        descriptor = os.open(data_dir / _SERVING, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirUnusable(f"couldn't write in the data directory: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
