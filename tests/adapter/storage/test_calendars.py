"""Connected calendars: off at first, secrets sealed, a failed pass keeps what was."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent_notice.words import CalendarId, Rule
from storage.calendar_policy import CalendarPolicy, Externals, Recorded
from storage.calendars import CalendarRow
from storage.errors import BrokenRecord, NotStored
from storage.schema import calendars
from storage.store import Store
from tests.adapter.storage.hand_clock import HandClock

ADDRESS = "https://calendars.example/very-secret-address.ics"


@pytest.fixture
async def calendar(store: Store) -> CalendarRow:
    host = await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")
    return await store.calendars.add(
        host_id=host.id, provider="ics", title="Work", address=ADDRESS, rule=Rule.EVERYONE, language="en"
    )


async def test_it_is_off_at_first(store: Store, calendar: CalendarRow) -> None:
    assert not calendar.enabled
    assert await store.calendars.list(calendar.host_id) == await store.calendars.list() == [calendar]


async def test_its_rule_and_fallback_are_set_together(store: Store, calendar: CalendarRow) -> None:
    assert (calendar.rule, calendar.fallback) == (Rule.EVERYONE, None)
    for rule, fallback in ((Rule.EVERYONE, Rule.EACH_VOICE), (Rule.EACH_VOICE, None)):
        await store.calendars.set_rule(calendar.id, rule, fallback)
        row = await store.calendars.get(calendar.id)
        assert row is not None
        assert (row.rule, row.fallback) == (rule, fallback)


async def test_a_failed_pass_keeps_cursor_and_time(store: Store, calendar: CalendarRow, clock: HandClock) -> None:
    await store.calendars.save_sync(calendar.id, "cursor-1", None, 2)
    good_at = clock.now()
    clock.pass_ms(60_000)
    await store.calendars.save_sync(calendar.id, None, "it answers HTML", 0)
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert (row.sync_state, row.last_error, row.last_synced_at) == ("cursor-1", "it answers HTML", good_at)


async def test_addresses_and_cursors_lie_sealed(store: Store, calendar: CalendarRow, data_dir: Path) -> None:
    await store.calendars.save_sync(calendar.id, "secret-cursor", None, 0)
    store.close()
    stored = b"".join(path.read_bytes() for path in data_dir.iterdir())
    assert b"very-secret" not in stored
    assert b"secret-cursor" not in stored


async def test_a_seal_opens_only_in_its_own_row(store: Store, calendar: CalendarRow) -> None:
    other = await store.calendars.add(
        host_id=calendar.host_id, provider="ics", title="2", address="x", rule=Rule.EVERYONE, language="en"
    )
    move = calendars.update().where(calendars.c.id == other.id)
    taken = calendars.select().where(calendars.c.id == calendar.id)
    store._database.write_now(
        lambda connection: connection.execute(
            move.values(address_sealed=connection.execute(taken).one().address_sealed)
        )
    )
    with pytest.raises(BrokenRecord):
        await store.calendars.get(other.id)


async def test_what_is_deleted_is_gone(store: Store, calendar: CalendarRow) -> None:
    await store.calendars.delete(calendar.id)
    assert await store.calendars.get(calendar.id) is None
    with pytest.raises(NotStored):
        await store.calendars.set_enabled(CalendarId(calendar.id), True)


async def test_what_is_recorded_of_it_is_kept_as_it_was_said(store: Store, calendar: CalendarRow) -> None:
    assert calendar.policy == CalendarPolicy()
    said = CalendarPolicy(
        recorded=Recorded.ORGANISED, skip_words=("1:1", "Zażółć"), externals=Externals.ONLY, join_early_s=0
    )
    await store.calendars.set_policy(calendar.id, said)
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert row.policy == said
    spoil = calendars.update().where(calendars.c.id == calendar.id).values(skip_words="{")
    store._database.write_now(lambda connection: connection.execute(spoil))
    with pytest.raises(BrokenRecord):
        await store.calendars.get(calendar.id)


async def test_use_is_noted_where_it_is_on_and_ends_a_warning(
    store: Store, calendar: CalendarRow, clock: HandClock
) -> None:
    await store.calendars.note_use(calendar.host_id)
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert row.last_used_at is None
    await store.calendars.set_enabled(calendar.id, True)
    await store.calendars.note_warning(calendar.id)
    used_at = clock.now()
    clock.pass_ms(60_000)
    await store.calendars.note_recording(calendar.id, used_at)
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert (row.last_used_at, row.warned_at) == (used_at, used_at)
    await store.calendars.note_use(calendar.host_id)
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert (row.last_used_at, row.warned_at) == (clock.now(), None)
    await store.calendars.note_warning(calendar.id)
    clock.pass_ms(60_000)
    await store.calendars.note_recording(calendar.id, clock.now())
    await store.calendars.set_enabled(calendar.id, False, because="nobody was here")
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert (row.last_used_at, row.warned_at, row.off_because) == (clock.now(), None, "nobody was here")
    await store.calendars.set_enabled(calendar.id, True)
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert row.off_because == ""
