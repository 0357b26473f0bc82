"""Calendars of an account: read with its credentials, one at a time, and not at all once its access was taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from calendar_sync.accounts import AccessRevoked
from calendar_sync.errors import AccountReplaced
from calendar_sync.sync import CalendarSource, CalendarSync, Page, Window
from consent_notice.words import Rule
from storage.accounts import AccountRow
from storage.calendars import CalendarRow
from tests.adapter.calendar_sync.conftest import POLICY, Installation
from tests.adapter.calendar_sync.test_sync import event, states
from tests.simulators.calendar_provider import SimulatedCalendar

REVOKED = "The access was taken back."


@dataclass(kw_only=True)
class Account:
    """Gives out new tokens each time that it is read, as some services do; can take them all back."""

    calendar: SimulatedCalendar = field(default_factory=SimulatedCalendar)
    valid: str = "token 1"
    is_revoked: bool = False
    at_once: int = 0
    most_at_once: int = 0

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        assert source.credentials is not None
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(0.02)
            if self.is_revoked or source.credentials.text != self.valid:
                raise AccessRevoked(REVOKED)
            following = f"token {int(self.valid.removeprefix('token ')) + 1}"
            await source.credentials.save(following)
            self.valid = following
            async for page in self.calendar.pages(source, state, window):
                yield page
        finally:
            self.at_once -= 1


@pytest.fixture
def service() -> Account:
    return Account()


@pytest.fixture
def sync(here: Installation, service: Account) -> CalendarSync:
    return CalendarSync(here.store, {"google": service}, here.clock, POLICY)


async def connect(here: Installation, token: str = "token 1") -> AccountRow:
    return await here.store.accounts.connect(
        host_id=here.host.id,
        provider="google",
        name="ann@gmail.example",
        own_addresses=frozenset({"ann@gmail.example"}),
        credentials=token,
        is_wider=False,
    )


async def add(here: Installation, account: AccountRow, key: str) -> CalendarRow:
    row = await here.store.calendars.add(
        host_id=here.host.id,
        provider="google",
        title=key,
        address=key,
        rule=Rule.EVERYONE,
        language="en",
        account_id=account.id,
        time_zone="Asia/Tokyo",
    )
    await here.store.calendars.set_enabled(row.id, True)
    return row


async def test_a_pass_knows_the_accounts_own_addresses_and_the_calendars_zone(
    here: Installation, sync: CalendarSync, service: Account
) -> None:
    calendar = await add(here, await connect(here), "primary")
    assert (await sync.read(calendar.id)).error is None
    (source,) = service.calendar.sources
    assert source.own_addresses == {"ann@example.org", "ann@gmail.example"}
    assert (source.address, source.time_zone) == ("primary", "Asia/Tokyo")


async def test_calendars_of_one_account_are_read_one_after_the_other(
    here: Installation, sync: CalendarSync, service: Account
) -> None:
    account = await connect(here)
    calendars = [await add(here, account, key) for key in "abcd"]
    results = await asyncio.gather(*(sync.read(calendar.id) for calendar in calendars))
    assert [result.error for result in results] == [None] * 4  # each with the tokens that the one before it got
    assert service.most_at_once == 1
    kept = await here.store.accounts.get(account.id)
    assert kept is not None
    assert kept.credentials == service.valid == "token 5"


async def test_access_taken_back_marks_the_account_and_keeps_the_plan(
    here: Installation, sync: CalendarSync, service: Account
) -> None:
    account = await connect(here)
    first, second = await add(here, account, "a"), await add(here, account, "b")
    service.calendar.put(event(here, "x"))
    await sync.read(first.id)
    service.is_revoked = True
    assert (await sync.read(first.id)).error == REVOKED
    broken = await here.store.accounts.get(account.id)
    assert broken is not None
    assert broken.problem == REVOKED
    assert await states(here, first) == {"x": "planned"}

    asked = len(service.calendar.passes)
    service.is_revoked = False
    assert (await sync.read(second.id)).error == REVOKED  # not asked again until its host connects it again
    assert len(service.calendar.passes) == asked
    service.valid = "token 9"
    await connect(here, "token 9")
    assert (await sync.read(second.id)).error is None


async def test_what_an_older_connection_finds_out_does_not_touch_the_newer_one(
    here: Installation, sync: CalendarSync, service: Account
) -> None:
    account = await connect(here)
    calendar = await add(here, account, "a")

    async def connect_again() -> None:
        await connect(here, "token 7")
        raise AccessRevoked(REVOKED)

    service.calendar.during_pass.append(connect_again)
    assert (await sync.read(calendar.id)).error == REVOKED
    kept = await here.store.accounts.get(account.id)
    assert kept is not None
    assert (kept.credentials, kept.problem) == ("token 7", "")


async def test_new_tokens_of_a_connection_that_is_gone_are_not_kept(
    here: Installation, sync: CalendarSync, service: Account
) -> None:
    account = await connect(here)
    calendar = await add(here, account, "a")

    async def disconnect() -> None:
        await here.store.accounts.disconnect(account.id)
        with pytest.raises(AccountReplaced):
            credentials = service.calendar.sources[-1].credentials
            assert credentials is not None
            await credentials.save("too late")

    service.calendar.during_pass.append(disconnect)
    await sync.read(calendar.id)
    assert await here.store.accounts.list() == []
    assert await here.store.meetings.upcoming(here.host.id, here.clock.now()) == []
    assert not (await sync.read(calendar.id)).was_read
