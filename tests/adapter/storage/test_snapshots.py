"""Snapshots of pages lie sealed, are few, and go after seven days or with their visit."""

from __future__ import annotations

import pytest

from consent_notice.words import VisitId
from storage.errors import BrokenRecord
from storage.retention import Retention
from storage.snapshots import LARGEST_BYTES, MOST_A_VISIT
from storage.store import Store
from tests.adapter.storage.hand_clock import HandClock

DAY_MS = 24 * 3_600_000
VISIT, OTHER = VisitId("visit-1"), VisitId("visit-10")
PICTURE = b"\x89PNG and so on"


async def keep(store: Store, visit: VisitId, state: str = "in_call") -> bool:
    return await store.snapshots.keep(visit, state=state, outline="main > button[aria-pressed]", picture_png=PICTURE)


async def test_they_are_read_as_they_were_taken_and_lie_sealed(store: Store) -> None:
    assert await store.snapshots.of_visit(VISIT) == []
    assert await keep(store, VISIT, "removed")
    (kept,) = await store.snapshots.of_visit(VISIT)
    assert (kept.state, kept.outline, kept.picture_png) == ("removed", "main > button[aria-pressed]", PICTURE)
    stored = b"".join(path.read_bytes() for path in (store.data_dir / "snapshots").iterdir())
    assert b"PNG" not in stored
    assert b"button" not in stored
    assert {path.stat().st_mode & 0o077 for path in [store.data_dir / "snapshots"]} == {0}


async def test_one_visit_has_a_few_and_its_own(store: Store) -> None:
    for _ in range(MOST_A_VISIT):
        assert await keep(store, VISIT)
    assert not await keep(store, VISIT)
    assert await keep(store, OTHER)
    assert not await store.snapshots.keep(OTHER, state="x", outline="", picture_png=bytes(LARGEST_BYTES + 1))
    assert await store.snapshots.forget(VISIT) == MOST_A_VISIT
    assert await store.snapshots.of_visit(VISIT) == []
    assert len(await store.snapshots.of_visit(OTHER)) == 1


async def test_they_go_after_seven_days_by_themselves(store: Store, clock: HandClock) -> None:
    await keep(store, VISIT)
    clock.pass_ms(7 * DAY_MS - 2_000)
    await Retention(store, clock, 90).tidy()
    assert len(await store.snapshots.of_visit(VISIT)) == 1
    clock.pass_ms(3_000)
    await Retention(store, clock, 90).tidy()
    assert await store.snapshots.of_visit(VISIT) == []
    assert list((store.data_dir / "snapshots").iterdir()) == []


async def test_one_put_in_anothers_place_is_not_shown(store: Store) -> None:
    await keep(store, VISIT)
    (path,) = (store.data_dir / "snapshots").iterdir()
    path.rename(path.with_name(path.name.replace("visit-1", "visit-2")))
    with pytest.raises(BrokenRecord):
        await store.snapshots.of_visit(VisitId("visit-2"))
