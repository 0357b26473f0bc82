"""What goes wrong with files on a disk."""

from __future__ import annotations

from pathlib import Path


def change_last_byte(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
