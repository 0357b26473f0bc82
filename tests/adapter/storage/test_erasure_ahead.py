"""What was said ahead goes when its time is over: rows and bodies, with every proof left as it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from consent_notice.ahead import Covers
from consent_notice.checkpoint import open_checkpoint
from consent_notice.events import NO_VISIT, Erased
from consent_notice.merkle import verify_inclusion
from storage.errors import ErasureUnfinished, LogWriteFailed, NotStored
from storage.log_entries import ErasedBody
from storage.retention import Retention, Tidied
from storage.store import Store
from storage.vault import verify_signature
from storage.verify import verify
from tests.adapter.storage.ahead import NO, YES, StandUp
from tests.adapter.storage.hand_clock import HandClock
from tests.adapter.storage.test_erasure import bytes_of

DAY_MS = 24 * 3_600_000


@pytest.fixture
async def stand_up(store: Store, clock: HandClock) -> StandUp:
    return await StandUp.plan(store, clock)


def is_proven(store: Store, index: int) -> bool:
    size, path = store.log.inclusion(index)
    root = open_checkpoint(store.log.latest_checkpoint(), store.log.key, verify_signature).root
    return verify_inclusion(store.log.get(index).leaf_hash, index, size, path, root)


async def test_rows_and_bodies_go_and_the_leaves_prove_what_they_did(stand_up: StandUp, data_dir: Path) -> None:
    store = stand_up.store
    for choices in (YES, NO):
        await stand_up.say(choices, name="Ada Lovelace")
    said = await stand_up.say(YES, name="Ada Lovelace")
    await store.agreements.bind_platform_id(said.id, "id-1", "Ada Lovelace")
    other = await stand_up.say(NO, "page of bob", name="Bob Marlow")
    leaves = [entry.leaf_hash for entry in store.log.read(-1, 100)]
    assert await store.erasure.erase_agreements([said.id, "unknown"], "asked for") == 1
    raw = bytes_of(data_dir, "onrecord.db")
    assert b"Ada Lovelace" not in raw
    assert b"Bob Marlow" in raw
    assert await store.agreements.by_page("page of ada") is None
    assert await store.agreements.by_page("page of bob") == other
    entries = store.log.entries_of(NO_VISIT)
    assert [entry.leaf_hash for entry in store.log.read(-1, 100)][: len(leaves)] == leaves
    gone = [entry.index for entry in entries if isinstance(entry.event, ErasedBody)]
    (erased,) = [entry.event for entry in entries if isinstance(entry.event, Erased)]
    assert (list(erased.bodies), erased.authority) == (gone, "asked for")
    assert len(gone) == 3
    assert all(is_proven(store, index) for index in gone)
    report = verify(data_dir)
    assert (report.faults, report.erased) == ([], 3)
    assert await store.erasure.erase_agreements([said.id], "asked for") == 0


async def test_by_its_entry_the_whole_of_it_goes(stand_up: StandUp, data_dir: Path) -> None:
    first = await stand_up.say(YES)
    await stand_up.say(NO)
    await stand_up.store.erasure.erase_bodies([first.log_index], "asked for")
    assert await stand_up.store.agreements.by_page("page of ada") is None
    assert verify(data_dir).faults == []


async def test_a_body_that_goes_unaccounted_is_found(stand_up: StandUp, data_dir: Path) -> None:
    said = await stand_up.say(YES)
    stand_up.store._database.write_now(
        lambda connection: connection.exec_driver_sql("DELETE FROM log_bodies WHERE idx = ?", (said.log_index,))
    )
    assert any(f"log entry {said.log_index}: its body is gone" in fault for fault in verify(data_dir).faults)


async def test_what_a_crash_cut_off_is_finished(
    stand_up: StandUp, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once before the entry, once after it: the order stands in the database, and verify says so."""
    said = await stand_up.say(YES, name="Ada Lovelace")
    erasure = stand_up.store.erasure

    def fail(*_given: object, **_named: object) -> None:
        raise LogWriteFailed

    def unfinished(_path: Path) -> None:
        raise ErasureUnfinished

    with monkeypatch.context() as broken:
        broken.setattr(stand_up.store.log, "submit", fail)
        with pytest.raises(LogWriteFailed):
            await erasure.erase_agreements([said.id], "asked for")
    assert verify(data_dir).faults == [
        "answers ahead: an erasure was begun and not finished; a running server finishes it within the hour"
    ]
    assert await stand_up.store.agreements.by_page("page of ada") is not None
    with monkeypatch.context() as broken:
        broken.setattr("storage.erasure.overwrite", unfinished)
        with pytest.raises(ErasureUnfinished):
            await erasure.resume()
    assert await stand_up.store.agreements.by_page("page of ada") is None
    assert await erasure.resume() == 1
    assert b"Ada Lovelace" not in bytes_of(data_dir, "onrecord.db")
    assert verify(data_dir).faults == []


async def test_what_was_said_again_since_the_order_stays(
    stand_up: StandUp, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await stand_up.say(YES)

    def fail(*_given: object, **_named: object) -> None:
        raise LogWriteFailed

    with monkeypatch.context() as broken:
        broken.setattr(stand_up.store.log, "submit", fail)
        with pytest.raises(LogWriteFailed):
            await stand_up.store.erasure.erase_agreements([said.id], "asked for")
    again = await stand_up.say(NO)
    await stand_up.store.erasure.resume()
    assert await stand_up.store.agreements.by_page("page of ada") == again
    assert await stand_up.finds("") == "no"
    assert verify(data_dir).faults == []


async def test_retention_erases_what_ended_thirty_days_ago(stand_up: StandUp, clock: HandClock, data_dir: Path) -> None:
    store, retention = stand_up.store, Retention(stand_up.store, clock, 90)
    link = await store.personal_links.make(
        stand_up.reach(), name="Ada Lovelace", email="", expires_at=clock.now() + timedelta(days=1)
    )
    await stand_up.say(YES, link=link.reference)
    await store.agreements.withdraw("page of ada", "nonce")
    await stand_up.say(NO, "page of bob", reach=stand_up.reach(Covers.MEETING), until=clock.now().date())
    await stand_up.say(NO, "page of cleo")
    clock.pass_ms(30 * DAY_MS - 1)
    assert await retention.tidy() == Tidied()
    clock.pass_ms(1)
    assert await retention.tidy() == Tidied(agreements=1)
    assert await store.agreements.by_page("page of ada") is None
    assert await store.personal_links.list(stand_up.reach()) == [link]  # it ran out a day after that
    clock.pass_ms(DAY_MS)
    assert await retention.tidy() == Tidied(agreements=1)
    assert await store.personal_links.list(stand_up.reach()) == []
    assert await store.agreements.by_page("page of cleo") is not None
    (one, two) = [entry.event for entry in store.log.entries_of(NO_VISIT) if isinstance(entry.event, Erased)]
    assert one.authority == two.authority == "retention: 30 days after it ended"
    assert verify(data_dir).faults == []
    with pytest.raises(NotStored):
        await store.agreements.withdraw("page of ada", "nonce")
