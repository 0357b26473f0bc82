"""Copies of checkpoints in a folder: another disk, a network mount, a folder that something else carries away.

The folder itself is never made: where a mount is missing, a copy on this machine's own disk would be none.
"""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

from storage.copies import Copy, CopyFailed, CopyTaken, newest_name
from storage.key_file import sync_directory

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class FolderPlace:
    """Implements `storage.copies.Place`."""

    kind = "folder"

    def __init__(self, folder: Path, log_folder: str) -> None:
        self._folder = folder
        self._copies = folder / log_folder
        self.where = str(self._copies)

    async def newest(self) -> str | None:
        return await asyncio.to_thread(self._newest)

    async def put(self, copy: Copy) -> bool:
        return await asyncio.to_thread(self._put, copy)

    def _newest(self) -> str | None:
        try:
            self._look()
            name = newest_name(path.name for path in self._copies.iterdir()) if self._copies.is_dir() else None
            return (self._copies / name).read_text(encoding="utf-8", errors="replace") if name else None
        except OSError as error:
            raise CopyFailed(f"couldn't look into the folder of copies: {error.strerror}; check its disk") from error

    def _put(self, copy: Copy) -> bool:
        try:
            self._look()
            if not self._copies.is_dir():
                self._copies.mkdir()
                sync_directory(self._folder)
            made = [_add(self._copies / name, content) for name, content in copy.files().items()]
        except OSError as error:
            raise CopyFailed(
                f"couldn't write a copy into the folder: {error.strerror}; free its disk, or give the server the right "
                f"to write there"
            ) from error
        return any(made)

    def _look(self) -> None:
        if not self._folder.is_dir():
            raise CopyFailed("there is no such folder; mount it, make it, or name another", is_lasting=True)


def _add(path: Path, content: bytes) -> bool:
    """False where it is there already. Raises CopyTaken where something else is, OSError.

    Dies it anywhere, the file is whole under its name or it is not there.
    """
    if path.exists():
        return _is_new(path, content)
    unfinished = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(unfinished, path)  # fails rather than replaces
        except FileExistsError:  # somebody was quicker
            return _is_new(path, content)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_directory(path.parent)
    return True


def _is_new(path: Path, content: bytes) -> bool:
    if path.read_bytes() != content:
        raise CopyTaken
    return False
