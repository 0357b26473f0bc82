"""The installation's one secret file, `onrecord.key`: master key and the seed that signs the log.

Made once, for an empty data directory; never made again when data exists, never read when others may read it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from storage.errors import DataDirUnusable, KeyFileExposed, KeyFileMissing, KeyFileUnreadable

KEY_FILE_NAME = "onrecord.key"
_VERSION = 1
_KEY_BYTES = 32
_KNOWN_DATA = ("onrecord.db", "keys.db", "tracks", "transcripts")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    name: str  # random, of this installation; becomes part of the log's published name
    master_key: bytes = field(repr=False)
    log_seed: bytes = field(repr=False)  # Ed25519 private key


def open_key_file(data_dir: Path) -> KeyFile:
    """The caller holds the data directory's lock.

    If we die while the file is made, either it is whole under its name or it is not there, and no data exists yet.
    """
    path = data_dir / KEY_FILE_NAME
    if not path.exists():
        if any((data_dir / name).exists() for name in _KNOWN_DATA):
            raise KeyFileMissing
        _create(path)
    return read_key_file(data_dir)


def read_key_file(data_dir: Path) -> KeyFile:
    """Raises KeyFileMissing, KeyFileExposed or KeyFileUnreadable; makes nothing."""
    path = data_dir / KEY_FILE_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyFileMissing from None
    except OSError as error:
        raise DataDirUnusable(f"couldn't read onrecord.key: {error.strerror}; give its owner the right to") from error
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise KeyFileExposed
        text = file.read(10_000)
    try:
        values = json.loads(text)
        if values["version"] != _VERSION:
            raise KeyFileUnreadable
        read = KeyFile(
            name=str(values["name"]), master_key=_key(values["master_key"]), log_seed=_key(values["log_seed"])
        )
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise KeyFileUnreadable from None
    if not read.name.isalnum():
        raise KeyFileUnreadable
    return read


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError("expected 32 bytes")
    return key


def _create(path: Path) -> None:
    values = {
        "version": _VERSION,
        "about": "Keep this file secret and back it up: without it nothing that onrecord stored can be read.",
        "name": secrets.token_hex(8),
        "master_key": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode(),
        "log_seed": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode(),
    }
    unfinished = path.with_name(f"{path.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(values, file, indent=1)
            file.flush()
            os.fsync(descriptor)
        os.link(unfinished, path)  # fails rather than replaces
        unfinished.unlink()
        sync_directory(path.parent)
    except OSError as error:
        raise DataDirUnusable(
            f"couldn't make onrecord.key: {error.strerror}; free the disk or fix the rights"
        ) from error


def sync_directory(path: Path) -> None:
    """Makes the names in it durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Durable on return; whoever reads it, or finds it after a crash, sees the old content or the new."""
    unfinished = path.with_name(f"{path.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)
    sync_directory(path.parent)
