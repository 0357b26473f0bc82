"""Disconnecting: notices ended, tokens given back, what was read deleted, and the host told what was not confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import web.calendar_accounts
from calendar_sync.accounts import AccessRevoked
from calendar_sync.errors import CalendarServerFailed
from storage.accounts import AccountRow
from storage.users import User
from tests.simulators.calendar_account import OWN, SHARED, SimulatedService
from tests.simulators.web_site import Site, open_site
from web.services import CalendarServices


@pytest.fixture
def service() -> SimulatedService:
    return SimulatedService()


@pytest.fixture
async def site(tmp_path: Path, service: SimulatedService) -> AsyncIterator[Site]:
    services = CalendarServices(sign_in={"google": service, "outlook": service}, push={"google": service})
    async with open_site(tmp_path / "data", services) as opened:
        yield opened


@pytest.fixture
async def ann(site: Site) -> User:
    return await site.person("host", "Ann", "ann@example.org")


async def connect(site: Site, host: User, service: SimulatedService, provider: str = "google") -> AccountRow:
    async with site.browser(host) as browser:
        await browser.open(f"/calendars/connect/{provider}")
        await browser.submit(f"/calendars/connect/{provider}")
        await browser.open(f"/calendars/connect/{provider}?code=c&state={service.began[-1]['state']}")
    (account,) = await site.store.accounts.list(host.id)
    return account


@pytest.mark.parametrize("confirms", [True, False])
async def test_disconnecting_ends_notices_gives_the_tokens_back_and_deletes(
    site: Site, ann: User, service: SimulatedService, *, confirms: bool
) -> None:
    account = await connect(site, ann, service)
    service.confirms = confirms
    calendar = next(row for row in await site.store.calendars.list(ann.id) if row.address == OWN.key)
    await site.store.watches.keep(
        calendar_id=calendar.id,
        provider="google",
        remote_id="watch-1",
        secret="s",
        extra={},
        expires_at=site.clock.now() + timedelta(days=1),
    )
    async with site.browser(ann) as browser:
        await browser.open("/calendars")
        await browser.submit(f"/accounts/{account.id}/disconnect")
        assert ("confirmed that the access is void" in browser.text) is confirms
        assert ("did not confirm" in browser.text) is not confirms
    assert service.unwatched == ["watch-1"]
    assert service.revoked == [account.credentials]
    assert await site.store.accounts.list() == []
    assert await site.store.calendars.list() == []
    assert await site.store.watches.list() == []


async def test_a_service_that_fails_or_hangs_keeps_nobody(
    site: Site, ann: User, service: SimulatedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await connect(site, ann, service)
    service.fails = CalendarServerFailed()
    async with site.browser(ann) as browser:
        await browser.open("/calendars")
        await browser.submit(f"/accounts/{account.id}/disconnect")
        assert "did not confirm" in browser.text
    assert await site.store.accounts.list() == []

    account = await connect(site, ann, service)
    monkeypatch.setattr(web.calendar_accounts, "GOODBYE_LIMIT_S", 0.2)

    async def hangs(credentials: object) -> bool:
        await asyncio.Event().wait()
        return True

    service.revoke = hangs  # type: ignore[method-assign]
    async with site.browser(ann) as browser:
        await browser.open("/calendars")
        await browser.submit(f"/accounts/{account.id}/disconnect")
        assert "did not confirm" in browser.text
    assert await site.store.accounts.list() == []


async def test_only_its_own_host_can_disconnect_or_list_it(site: Site, ann: User, service: SimulatedService) -> None:
    account = await connect(site, ann, service)
    bob = await site.person("host", "Bob", "bob@example.org")
    async with site.browser(bob) as browser:
        await browser.open("/calendars")
        csrf = browser.hidden("/calendars")["csrf"]
        for act in ("disconnect", "calendars"):
            text = await browser.send(f"/accounts/{account.id}/{act}", {"csrf": csrf})
            assert "nothing here" in text
    assert len(await site.store.accounts.list()) == 1


async def test_looking_again_adds_what_is_new_and_drops_what_is_gone_and_off(
    site: Site, ann: User, service: SimulatedService
) -> None:
    account = await connect(site, ann, service)
    rows = {row.address: row for row in await site.store.calendars.list(ann.id)}
    await site.store.calendars.set_enabled(rows[OWN.key].id, True)
    new = type(OWN)(key="new", title="New one")
    service.listed = [new]
    async with site.browser(ann) as browser:
        await browser.open("/calendars")
        await browser.submit(f"/accounts/{account.id}/calendars")
        assert "up to date" in browser.text
    found = {row.address: row.enabled for row in await site.store.calendars.list(ann.id)}
    assert found == {OWN.key: True, "new": False}  # one that is on says by itself that it is gone
    assert SHARED.key not in found


async def test_access_taken_back_is_shown_with_the_way_to_connect_again(
    site: Site, ann: User, service: SimulatedService
) -> None:
    account = await connect(site, ann, service)
    service.fails = AccessRevoked()
    async with site.browser(ann) as browser:
        await browser.open("/calendars")
        await browser.submit(f"/accounts/{account.id}/calendars")
        assert "access was taken back" in browser.text
        assert f"/calendars/connect/google?account={account.id}" in browser.text
        on = next(row for row in await site.store.calendars.list(ann.id) if row.address == OWN.key)
        await site.store.calendars.set_enabled(on.id, True)
    again = await connect(site, ann, service)
    assert (again.id, again.problem, again.generation) == (account.id, "", 2)
    row = await site.store.calendars.get(on.id)
    assert row is not None
    assert (row.enabled, row.told_changes) == (True, 1)  # and read at once


async def test_a_shared_calendar_can_not_be_switched_on_without_the_wider_permission(
    site: Site, ann: User, service: SimulatedService
) -> None:
    await connect(site, ann, service)
    shared = next(row for row in await site.store.calendars.list(ann.id) if row.address == SHARED.key)
    async with site.browser(ann) as browser:
        await browser.open("/calendars")
        csrf = browser.hidden("/calendars")["csrf"]
        await browser.send(f"/calendars/{shared.id}/enabled", {"csrf": csrf, "enabled": "yes"})
    row = await site.store.calendars.get(shared.id)
    assert row is not None
    assert not row.enabled
