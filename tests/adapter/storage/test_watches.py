"""Watches: one a calendar, sealed, and believed only with their secret."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from consent_notice.words import CalendarId, Rule
from storage.calendars import CalendarRow
from storage.errors import NotStored
from storage.store import Store
from tests.adapter.storage.hand_clock import START


@pytest.fixture
async def calendar(store: Store) -> CalendarRow:
    host = await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")
    return await store.calendars.add(
        host_id=host.id, provider="google", title="Work", address="primary", rule=Rule.EVERYONE, language="en"
    )


async def keep(store: Store, calendar_id: CalendarId, remote_id: str = "channel-1") -> None:
    await store.watches.keep(
        calendar_id=calendar_id,
        provider="google",
        remote_id=remote_id,
        secret="s3cret-of-watch",
        extra={"resource": "r3source-of-watch"},
        expires_at=START + timedelta(days=1),
    )


async def test_only_a_notice_with_its_secret_marks_the_calendar(store: Store, calendar: CalendarRow) -> None:
    await keep(store, calendar.id)
    for provider, remote_id, secret in (
        ("google", "channel-1", "guessed"),
        ("google", "channel-2", "s3cret-of-watch"),
        ("outlook", "channel-1", "s3cret-of-watch"),
        ("google", "channel-1", ""),
    ):
        assert await store.watches.take_notice(provider, remote_id, secret) is None
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert row.told_changes == 0
    found = await store.watches.take_notice("google", "channel-1", "s3cret-of-watch")
    assert found is not None
    assert (found.calendar_id, dict(found.extra)) == (calendar.id, {"resource": "r3source-of-watch"})
    row = await store.calendars.get(calendar.id)
    assert row is not None
    assert row.told_changes == 1


async def test_there_is_one_a_calendar_and_it_goes_with_it(store: Store, calendar: CalendarRow) -> None:
    await keep(store, calendar.id)
    await keep(store, calendar.id, "channel-2")
    (watch,) = await store.watches.list()
    assert watch.remote_id == "channel-2"
    assert "s3cret" not in repr(watch)
    await store.watches.renew_now(watch.id, START)
    (watch,) = await store.watches.list()
    assert watch.expires_at == START
    await store.calendars.delete(calendar.id)
    assert await store.watches.list() == []
    with pytest.raises(NotStored):
        await keep(store, calendar.id)


async def test_it_can_be_forgotten(store: Store, calendar: CalendarRow) -> None:
    await keep(store, calendar.id)
    (watch,) = await store.watches.list()
    await store.watches.forget(watch.id)
    assert await store.watches.find("google", "channel-1", "s3cret-of-watch") is None


async def test_secrets_lie_sealed(store: Store, calendar: CalendarRow, data_dir: Path) -> None:
    await keep(store, calendar.id)
    store.close()
    stored = b"".join(path.read_bytes() for path in data_dir.iterdir() if path.is_file())
    assert b"s3cret-of-watch" not in stored
    assert b"r3source-of-watch" not in stored
