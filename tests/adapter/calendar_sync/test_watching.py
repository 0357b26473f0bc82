"""Orders to be told of changes: made for what is on, renewed early, ended when it goes off, and nobody's hindrance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from calendar_sync.accounts import AccessRevoked
from calendar_sync.errors import CalendarServerFailed
from calendar_sync.sync import CalendarSync
from calendar_sync.watching import WatchKeeper
from consent_notice.words import Rule
from storage.calendars import CalendarRow
from tests.adapter.calendar_sync.conftest import POLICY, Installation
from tests.simulators.calendar_account import SimulatedService


@dataclass
class Clock:
    boot_id = "b"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def boot_ms(self) -> int:
        return int(self.at.timestamp() * 1000)

    def now(self) -> datetime:
        return self.at


@dataclass(kw_only=True)
class Set:
    here: Installation
    service: SimulatedService
    clock: Clock
    keeper: WatchKeeper
    calendar: CalendarRow


@pytest.fixture
async def on(here: Installation) -> Set:
    account = await here.store.accounts.connect(
        host_id=here.host.id,
        provider="google",
        name="ann@gmail.example",
        own_addresses=frozenset(),
        credentials="t",
        is_wider=False,
    )
    calendar = await here.store.calendars.add(
        host_id=here.host.id,
        provider="google",
        title="Work",
        address="primary",
        rule=Rule.EVERYONE,
        language="en",
        account_id=account.id,
    )
    service, clock = SimulatedService(), Clock()
    keeper = keeper_of(here, service, clock)
    return Set(here=here, service=service, clock=clock, keeper=keeper, calendar=calendar)


def keeper_of(here: Installation, service: SimulatedService, clock: Clock) -> WatchKeeper:
    sync = CalendarSync(here.store, {}, here.clock, POLICY)
    return WatchKeeper(
        here.store,
        sync,
        {"google": service},
        clock,
        public_url="https://onrecord.example",
        new_secret=lambda: "s" * 43,
    )


async def test_only_what_is_on_is_watched_and_once(on: Set) -> None:
    await on.keeper.look()
    assert on.service.watching == []
    await on.here.store.calendars.set_enabled(on.calendar.id, True)
    for _ in range(3):
        await on.keeper.look()
    assert on.service.watching == ["watch-0"]
    (watch,) = await on.here.store.watches.list()
    assert (watch.calendar_id, watch.secret, watch.remote_id) == (on.calendar.id, "s" * 43, "watch-0")
    assert watch.extra == {"address": "https://onrecord.example/push/google"}
    await on.here.store.calendars.set_enabled(on.calendar.id, False)
    await on.keeper.look()
    assert on.service.unwatched == ["watch-0"]
    assert await on.here.store.watches.list() == []


async def test_it_is_renewed_when_half_of_its_life_is_over(on: Set) -> None:
    await on.here.store.calendars.set_enabled(on.calendar.id, True)
    await on.keeper.look()
    on.clock.at += timedelta(days=3, hours=11)
    await on.keeper.look()
    assert on.service.renewed == 0
    on.clock.at += timedelta(hours=2)
    await on.keeper.look()
    await on.keeper.look()
    assert on.service.renewed == 1


async def test_after_a_restart_it_is_renewed_a_day_before_its_end(on: Set) -> None:
    await on.here.store.calendars.set_enabled(on.calendar.id, True)
    await on.keeper.look()
    on.clock.at += timedelta(days=5, hours=23)
    again = keeper_of(on.here, on.service, on.clock)
    await again.look()
    assert on.service.renewed == 0
    on.clock.at += timedelta(hours=2)
    await again.look()
    assert on.service.renewed == 1


async def test_a_service_that_wants_it_renewed_now_gets_that(on: Set) -> None:
    await on.here.store.calendars.set_enabled(on.calendar.id, True)
    await on.keeper.look()
    (watch,) = await on.here.store.watches.list()
    await on.here.store.watches.renew_now(watch.id, on.clock.now())
    await on.keeper.look()
    assert on.service.renewed == 1
    (watch,) = await on.here.store.watches.list()
    await on.here.store.watches.forget(watch.id)  # as when the service has removed it
    await on.keeper.look()
    assert len(on.service.watching) == 2


def is_in_trouble(service: SimulatedService) -> bool:
    return service.fails is not None


async def test_a_service_in_trouble_is_asked_later_each_time(on: Set) -> None:
    await on.here.store.calendars.set_enabled(on.calendar.id, True)
    for wait_s in (60, 120, 240):
        on.service.fails = CalendarServerFailed()
        await on.keeper.look()
        assert not is_in_trouble(on.service)
        on.service.fails = CalendarServerFailed()
        on.clock.at += timedelta(seconds=wait_s - 1)
        await on.keeper.look()
        assert is_in_trouble(on.service), "asked too early"
        on.clock.at += timedelta(seconds=1)
    on.service.fails = None
    await on.keeper.look()
    assert on.service.watching == ["watch-0"]


async def test_one_that_ended_unrenewed_is_ordered_anew(on: Set) -> None:
    await on.here.store.calendars.set_enabled(on.calendar.id, True)
    await on.keeper.look()
    on.clock.at += timedelta(days=8)
    on.service.fails = CalendarServerFailed()
    await on.keeper.look()
    on.clock.at += timedelta(seconds=60)
    await on.keeper.look()
    assert (on.service.renewed, on.service.watching) == (0, ["watch-0", "watch-1"])


async def test_an_account_without_access_is_left_alone(on: Set) -> None:
    await on.here.store.calendars.set_enabled(on.calendar.id, True)
    (account,) = await on.here.store.accounts.list()
    await on.here.store.accounts.mark_broken(account.id, account.generation, str(AccessRevoked()))
    await on.keeper.look()
    assert on.service.watching == []
