"""Copies in a folder: whole or not there, never replaced, and a missing or full disk is said in one line."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.copies import Copy, CopyFailed, CopyTaken
from storage.folder_copies import FolderPlace
from tests.adapter.storage.place_contract import copy, keeps_its_promises


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "copies"
    made.mkdir()
    return made


async def test_it_keeps_the_promises_of_a_place(folder: Path) -> None:
    await keeps_its_promises(FolderPlace(folder, "abc"))
    assert sorted(path.name for path in (folder / "abc").iterdir()) == [
        "000000000009.checkpoint",
        "000000000010.checkpoint",
        "000000000012.checkpoint",
        "000000000100.checkpoint",
        "000000000100.tsr",
    ]


async def test_logs_that_share_a_folder_do_not_meet(folder: Path) -> None:
    ours, others = FolderPlace(folder, "abc"), FolderPlace(folder, "def")
    await others.put(copy(50))
    assert await ours.newest() is None
    await ours.put(copy(50, root="B"))
    assert await others.newest() == copy(50).note


async def test_a_folder_that_is_not_there_is_never_made(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "mount", "abc")
    for work in (place.newest, lambda: place.put(copy(1))):
        with pytest.raises(CopyFailed, match="no such folder") as caught:
            await work()
        assert caught.value.is_lasting
    assert not (tmp_path / "mount").exists()


async def test_what_is_no_copy_is_not_taken_for_one(folder: Path) -> None:
    place = FolderPlace(folder, "abc")
    await place.put(copy(3))
    for name in ("999.checkpoint", "000000000999.checkpoint.new", ".000000000999.checkpoint.new", "000000000999.tsr"):
        (folder / "abc" / name).write_text("no")
    assert await place.newest() == copy(3).note


@contextmanager
def full_disk(after_bytes: int) -> Iterator[None]:
    """As near to one as a test comes without a disk of its own: no file may grow beyond that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_leaves_no_half_copy_and_is_tried_again(folder: Path) -> None:
    place = FolderPlace(folder, "abc")
    await place.put(copy(3))
    with full_disk(after_bytes=40), pytest.raises(CopyFailed, match="free its disk") as caught:
        await place.put(copy(4))
    assert not caught.value.is_lasting
    assert [path.name for path in (folder / "abc").iterdir()] == ["000000000003.checkpoint"]
    assert await place.put(copy(4))


async def test_a_file_in_the_way_is_said(folder: Path) -> None:
    (folder / "abc").write_text("a file")
    place = FolderPlace(folder, "abc")
    assert await place.newest() is None
    with pytest.raises(CopyFailed, match="couldn't write a copy"):
        await place.put(copy(1))


async def test_a_disk_that_knows_no_links_gets_copies_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as FAT, and many network mounts."""

    def no_links(source: object, target: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    await keeps_its_promises(FolderPlace(folder, "abc"))


async def test_a_copy_that_was_changed_there_is_never_written_over(folder: Path) -> None:
    place = FolderPlace(folder, "abc")
    await place.put(copy(3))
    path = folder / "abc" / "000000000003.checkpoint"
    path.write_text("changed")
    with pytest.raises(CopyTaken):
        await place.put(Copy(size=3, note=copy(3).note))
    assert path.read_text() == "changed"
