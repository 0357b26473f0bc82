"""Versions of the notice at rest: a changed text counts at once, and older agreements only once an admin said so."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from consent_notice.publication import Text
from consent_notice.words import UserId
from storage.errors import AlreadyStored, NotStored
from storage.store import Store
from tests.adapter.storage.hand_clock import HandClock

ADMIN = UserId("admin")


def text(words: str) -> Text:
    return Text(content=words.encode())


async def numbers_valid(store: Store, last: int) -> set[int]:
    return {number for number in range(last + 2) if await store.publications.is_still_valid(f"2.{number}")}


async def test_the_first_text_is_the_first_version_and_has_nothing_to_renew(store: Store) -> None:
    first = await store.publications.in_use(text("a"))
    assert (first.number, first.renews, first.published_by) == (1, True, None)
    assert first.is_decided
    assert await numbers_valid(store, 1) == {1}


async def test_the_same_text_again_is_the_same_version_also_after_a_restart(
    store: Store, data_dir: Path, clock: HandClock, new_id: Callable[[], str]
) -> None:
    first = await store.publications.in_use(text("a"))
    assert await store.publications.in_use(text("a")) == first
    store.close()
    again = Store.open(data_dir, clock, new_id)
    assert await again.publications.in_use(text("a")) == first
    assert await again.publications.list() == [first]
    again.close()


async def test_a_changed_text_is_a_new_version_under_which_older_agreements_do_not_hold_yet(store: Store) -> None:
    await store.publications.in_use(text("a"))
    changed = await store.publications.in_use(text("b"))
    assert (changed.number, changed.renews, changed.published_at) == (2, None, None)
    assert not changed.is_decided
    assert await numbers_valid(store, 2) == {2}


async def test_the_admin_says_that_they_stay_valid_or_that_they_must_be_renewed(store: Store) -> None:
    await store.publications.in_use(text("a"))
    for words, renews, valid in (("b", False, {1, 2}), ("c", False, {1, 2, 3}), ("d", True, {4}), ("e", False, {4, 5})):
        number = (await store.publications.in_use(text(words))).number
        await store.publications.publish(number, renews=renews, by=ADMIN)
        assert await numbers_valid(store, number) == valid, words
    assert [one.published_by for one in await store.publications.list()] == [ADMIN, ADMIN, ADMIN, ADMIN, None]


@pytest.mark.parametrize(("renews", "valid"), [(False, {1, 2, 3, 4}), (True, {4})])
async def test_what_is_said_of_the_last_holds_for_those_that_nobody_spoke_of(
    store: Store, renews: bool, valid: set[int]
) -> None:
    await store.publications.in_use(text("a"))
    await store.publications.in_use(text("b"))
    await store.publications.publish(2, renews=False, by=ADMIN)
    for words in ("c", "d"):
        await store.publications.in_use(text(words))
    assert await numbers_valid(store, 4) == {4}
    await store.publications.publish(4, renews=renews, by=ADMIN)
    assert await numbers_valid(store, 4) == valid


async def test_going_back_to_an_older_text_is_a_version_of_its_own(store: Store) -> None:
    for words in ("a", "b", "a"):
        await store.publications.in_use(text(words))
    assert [one.number for one in await store.publications.list()] == [3, 2, 1]
    assert await numbers_valid(store, 3) == {3}


async def test_it_is_said_once_and_of_the_last_version_only(store: Store) -> None:
    await store.publications.in_use(text("a"))
    with pytest.raises(AlreadyStored):
        await store.publications.publish(1, renews=False, by=ADMIN)
    await store.publications.in_use(text("b"))
    for number in (1, 3):
        with pytest.raises(NotStored):
            await store.publications.publish(number, renews=False, by=ADMIN)
    await store.publications.publish(2, renews=True, by=ADMIN)
    with pytest.raises(AlreadyStored):
        await store.publications.publish(2, renews=False, by=ADMIN)
    assert await numbers_valid(store, 2) == {2}


@pytest.mark.parametrize("version", ["", "1", "2.0", "2.9", "2.x", "one.two", "2.1.1x", "2.-1"])
async def test_a_version_that_is_not_known_is_not_valid(store: Store, version: str) -> None:
    await store.publications.in_use(text("a"))
    assert not await store.publications.is_still_valid(version)


async def test_without_any_version_nothing_is_valid(store: Store) -> None:
    assert not await store.publications.is_still_valid("2.1")


async def test_two_processes_that_start_together_make_one_version(
    store: Store, data_dir: Path, clock: HandClock, new_id: Callable[[], str]
) -> None:
    other = Store.open(data_dir, clock, new_id)
    found = await asyncio.gather(*(one.publications.in_use(text("a")) for one in (store, other) * 4))
    other.close()
    assert {one.number for one in found} == {1}
    with closing(sqlite3.connect(data_dir / "onrecord.db")) as connection:
        assert connection.execute("SELECT count(*) FROM publications").fetchone() == (1,)
