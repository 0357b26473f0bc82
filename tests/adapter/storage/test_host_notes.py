"""A host's notes lie sealed, are replaced by newer ones, and go with the retention time."""

from __future__ import annotations

from datetime import timedelta

from consent_notice.words import Rule, VisitId
from storage.host_notes import LONGEST_NOTES
from storage.retention import Retention
from storage.store import Store
from tests.adapter.storage.hand_clock import HandClock

DAY_MS = 24 * 3_600_000


async def visit_of(store: Store) -> VisitId:
    host = await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")
    meeting = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/abc", "Talk")
    epoch = await store.meetings.claim(meeting.id, "bot", 5_000)
    assert epoch is not None
    return (await store.visits.open_visit(meeting.id, epoch, Rule.EVERYONE, "en")).id


async def test_they_are_read_as_written_last_and_lie_sealed(store: Store) -> None:
    visit = await visit_of(store)
    assert await store.host_notes.read(visit) == ""
    await store.host_notes.write(visit, "first")
    await store.host_notes.write(visit, "agreed on Thursday, zażółć 👍")
    assert await store.host_notes.read(visit) == "agreed on Thursday, zażółć 👍"
    stored = b"".join(path.read_bytes() for path in store.data_dir.glob("onrecord.db*"))
    assert b"Thursday" not in stored
    await store.host_notes.write(visit, "x" * (LONGEST_NOTES + 5))
    assert len(await store.host_notes.read(visit)) == LONGEST_NOTES
    await store.host_notes.write(visit, "  ")
    assert await store.host_notes.read(visit) == ""


async def test_they_go_when_recordings_would(store: Store, clock: HandClock) -> None:
    visit = await visit_of(store)
    await store.host_notes.write(visit, "notes")
    clock.pass_ms(89 * DAY_MS)
    assert await store.host_notes.forget(clock.now() - timedelta(days=90)) == 0
    clock.pass_ms(2 * DAY_MS)
    await Retention(store, clock, 90).tidy()
    assert await store.host_notes.read(visit) == ""
