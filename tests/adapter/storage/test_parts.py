"""Parts on a disk that fails."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consent_notice.frames import Encoding
from storage.parts import OpenPart, PartSeal, StoredFrame, read_part, recover_part

SEAL = PartSeal(bytes(32), b"header")
FRAMES = [
    StoredFrame(captured_ms=number * 20, duration_ms=20, rtp_timestamp=0, payload=bytes(80), encoding=Encoding.OPUS)
    for number in range(12)
]


@contextmanager
def files_up_to(size_bytes: int) -> Iterator[None]:
    """The kernel cuts any write off there and fails the next, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("limit_bytes", [1, 1_500, 5_000])
def test_a_write_that_is_cut_off_leaves_whole_chunks_only(limit_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / "part"
    part = OpenPart(path, 0, SEAL, Encoding.OPUS)
    written = 0
    with files_up_to(limit_bytes), pytest.raises(OSError, match="File too large"):
        while True:
            part.write(FRAMES, 240)
            written += 1
    read = read_part(path.read_bytes(), SEAL, 0, Encoding.OPUS)
    assert len(read.chunks) == written
    assert read.whole_bytes == path.stat().st_size
    part.abandon()
    closed = recover_part(path, 0, SEAL, Encoding.OPUS)
    assert (closed.frames if closed else 0) == written * 12


def test_a_part_without_sound_leaves_no_file(tmp_path: Path) -> None:
    part = OpenPart(tmp_path / "part", 0, SEAL, Encoding.OPUS)
    assert part.close([], 0) is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_closed_is_what_is_read(tmp_path: Path) -> None:
    part = OpenPart(tmp_path / "part", 0, SEAL, Encoding.OPUS)
    part.write(FRAMES, 240)
    closed = part.close(FRAMES[:3], 60)
    assert closed is not None
    assert (closed.chunks, closed.frames, closed.from_ms, closed.to_ms, closed.kept_ms) == (2, 15, 0, 240, 300)
    read = read_part((tmp_path / "part").read_bytes(), SEAL, 0, Encoding.OPUS)
    assert (read.problem, read.whole_bytes) == (None, closed.size_bytes)
