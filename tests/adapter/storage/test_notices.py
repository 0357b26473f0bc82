"""The exact text of every notice, sealed, by the hash that the evidence names."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from consent_notice.notice import Notice, exact_text
from storage.errors import BrokenRecord
from storage.store import Store
from tests.adapter.storage.events import NOTICE


def worded(page: str) -> Notice:
    text = exact_text(NOTICE.spoken, NOTICE.post, page)
    return replace(NOTICE, page=page, text_sha256=sha256(text.encode()).hexdigest())


async def test_each_text_is_kept_as_it_was_given_and_once(store: Store, data_dir: Path) -> None:
    other = worded("# Wolno mi nagrywać?")
    for notice in (NOTICE, other, NOTICE):
        await store.notices.keep(notice)
    for notice in (NOTICE, other):
        kept = await store.notices.get(notice.text_sha256)
        assert kept is not None
        assert kept.notice == notice
        assert kept.is_intact
    assert await store.notices.get("00") is None
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection:
        assert connection.execute("SELECT count(*) FROM notices").fetchone() == (2,)


async def test_the_page_link_in_it_is_not_in_the_file(store: Store, data_dir: Path) -> None:
    await store.notices.keep(worded("Details: http://127.0.0.1/c/secret-token"))
    store.close()
    assert not [path for path in data_dir.rglob("*") if path.is_file() and b"secret-token" in path.read_bytes()]


async def test_a_text_under_another_texts_hash_is_not_intact(store: Store) -> None:
    await store.notices.keep(replace(NOTICE, page="# You agree to everything"))
    kept = await store.notices.get(NOTICE.text_sha256)
    assert kept is not None
    assert not kept.is_intact


@pytest.mark.parametrize("column", ["spoken_sealed", "post_sealed", "page_sealed"])
async def test_a_changed_text_or_one_moved_from_another_row_is_refused(
    store: Store, data_dir: Path, column: str
) -> None:
    other = worded("# Another")
    await store.notices.keep(NOTICE)
    await store.notices.keep(other)
    move = f"UPDATE notices SET {column} = (SELECT {column} FROM notices WHERE text_sha256 = ?) WHERE text_sha256 = ?"
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection, connection:
        connection.execute(move, (other.text_sha256, NOTICE.text_sha256))
    with pytest.raises(BrokenRecord):
        await store.notices.get(NOTICE.text_sha256)
