"""Accounts of calendar services: tokens sealed, fenced by generation, and gone with everything synced."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Update, update

from consent_notice.words import Rule
from storage.accounts import AccountRow
from storage.calendars import CalendarRow
from storage.errors import NotStored
from storage.meetings import MeetingState
from storage.schema import visits
from storage.store import Store
from storage.users import User
from tests.adapter.storage.hand_clock import START, HandClock
from tests.adapter.storage.test_meetings import PLANNED


@pytest.fixture
async def host(store: Store) -> User:
    return await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")


async def connect(store: Store, host: User, credentials: str = "refresh-me", *, wider: bool = False) -> AccountRow:
    return await store.accounts.connect(
        host_id=host.id,
        provider="google",
        name="h@gmail.example",
        own_addresses=frozenset({"h@gmail.example"}),
        credentials=credentials,
        is_wider=wider,
    )


def _run(statement: Update, connection: Connection) -> None:
    connection.execute(statement)


async def add_calendar(store: Store, account: AccountRow, key: str = "primary") -> CalendarRow:
    return await store.calendars.add(
        host_id=account.host_id,
        provider="google",
        title="Work",
        address=key,
        rule=Rule.EVERYONE,
        language="en",
        account_id=account.id,
        time_zone="Europe/Warsaw",
    )


async def test_tokens_lie_sealed(store: Store, host: User, data_dir: Path) -> None:
    account = await connect(store, host, "very-secret-token")
    assert "very-secret" not in repr(account)
    found = await store.accounts.get(account.id)
    assert found is not None
    assert found.credentials == "very-secret-token"
    await store.accounts.save_credentials(account.id, 1, "another-secret-token")
    store.close()
    stored = b"".join(path.read_bytes() for path in data_dir.iterdir() if path.is_file())
    assert b"secret-token" not in stored


async def test_connecting_again_keeps_its_calendars_and_fences_what_was_before(store: Store, host: User) -> None:
    account = await connect(store, host)
    calendar = await add_calendar(store, account)
    await store.accounts.mark_broken(account.id, account.generation, "connect it again")
    again = await connect(store, host, "newer", wider=True)
    assert (again.id, again.generation, again.problem, again.is_wider) == (account.id, 2, "", True)
    with pytest.raises(NotStored):
        await store.accounts.save_credentials(account.id, account.generation, "older")
    await store.accounts.mark_broken(account.id, account.generation, "too late")
    (found,) = await store.accounts.list(host.id)
    assert (found.credentials, found.problem) == ("newer", "")
    (kept,) = await store.calendars.list(host.id)
    assert (kept.id, kept.time_zone, kept.enabled) == (calendar.id, "Europe/Warsaw", False)


async def test_a_calendar_needs_an_account_of_its_own_host(store: Store, host: User) -> None:
    other = await store.users.create(email="o@example.org", name="O", role="host", password_hash="-")
    account = await connect(store, other)
    with pytest.raises(NotStored):
        await add_calendar(store, replace(account, host_id=host.id))
    with pytest.raises(NotStored):
        await add_calendar(store, replace(account, id="gone"))


async def test_disconnecting_leaves_nothing_but_what_a_kept_recording_needs(
    store: Store, host: User, clock: HandClock
) -> None:
    account = await connect(store, host)
    calendar = await add_calendar(store, account)
    await store.calendars.set_enabled(calendar.id, True)
    keys = ("waiting", "kept", "not kept", "running", "stopped")
    await store.meetings.apply_plan(
        calendar.id, [replace(PLANNED, occurrence_key=key, link=f"https://meet.example/{key}") for key in keys]
    )
    rows = {row.occurrence_key: row for row in await store.meetings.of_calendar(calendar.id)}
    for key in ("kept", "not kept", "running"):
        epoch = await store.meetings.claim(rows[key].id, "bot", 1)
        assert epoch == 1
        visit = await store.visits.open_visit(rows[key].id, epoch, Rule.EVERYONE, "en")
        if key == "kept":
            keep = update(visits).where(visits.c.id == visit.id).values(kept_ms=5)
            await store._database.write(partial(_run, keep))
        if key != "running":
            await store.meetings.finish(rows[key].id, epoch, "meeting_ended")
    await store.meetings.stop(rows["stopped"].id)

    await store.accounts.disconnect(account.id)
    assert await store.accounts.list() == []
    assert await store.calendars.list() == []
    left = {key: await store.meetings.get(row.id) for key, row in rows.items()}
    assert left["waiting"] is None
    kept, not_kept, running, stopped = (left[key] for key in keys[1:])
    assert kept is not None
    assert not_kept is not None
    assert running is not None
    assert stopped is not None
    assert (kept.title, kept.link, kept.organiser) == ("Stand-up", None, "")
    assert (not_kept.title, not_kept.link, not_kept.organiser) == ("", None, "")
    assert (stopped.title, stopped.link, stopped.state) == ("", None, MeetingState.STOPPED)
    assert await store.meetings.called_off(running.id) == "its calendar was disconnected"

    await store.meetings.finish(running.id, 1, "called_off")
    clock.pass_ms(3_600_000)
    assert await store.accounts.forget_left_behind() > 0
    assert await store.meetings.get(stopped.id) is None
    ended = await store.meetings.get(running.id)
    assert ended is not None
    assert (ended.title, ended.link) == ("", None)
    assert await store.accounts.forget_left_behind() == 0


async def test_a_meeting_that_was_stopped_stays_so_when_its_calendar_is_connected_again(
    store: Store, host: User, clock: HandClock
) -> None:
    account = await connect(store, host)
    for _ in range(2):
        calendar = await add_calendar(store, account)
        await store.calendars.set_enabled(calendar.id, True)
        await store.meetings.apply_plan(calendar.id, [PLANNED])
        for meeting in await store.meetings.due(clock.now(), 5):
            await store.meetings.stop(meeting.id)
        await store.calendars.delete(calendar.id)
    calendar = await add_calendar(store, account)
    await store.calendars.set_enabled(calendar.id, True)
    await store.meetings.apply_plan(calendar.id, [PLANNED])
    assert await store.meetings.due(clock.now(), 5) == []
    later = replace(PLANNED, starts_at=START + timedelta(hours=1), ends_at=START + timedelta(hours=2))
    await store.meetings.apply_plan(calendar.id, [later])
    clock.pass_ms(3_600_000)
    assert len(await store.meetings.due(clock.now(), 5)) == 1


async def test_accounts_of_one_name_at_two_servers_are_two(store: Store, host: User) -> None:
    for tenant in ("dav.one.example", "dav.two.example", "dav.one.example"):
        await store.accounts.connect(
            host_id=host.id,
            provider="caldav",
            name="ann",
            tenant=tenant,
            own_addresses=frozenset(),
            credentials=f"for {tenant}",
            is_wider=False,
        )
    found = {(account.tenant, account.credentials, account.generation) for account in await store.accounts.list()}
    assert found == {("dav.one.example", "for dav.one.example", 2), ("dav.two.example", "for dav.two.example", 1)}
