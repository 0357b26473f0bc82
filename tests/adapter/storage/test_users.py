"""Accounts."""

from __future__ import annotations

import pytest

from consent_notice.words import UserId
from storage.errors import AlreadyStored, BrokenRecord, NotStored
from storage.host_rules import HostRules
from storage.schema import users
from storage.store import Store


async def test_an_address_has_one_account_however_it_is_written(store: Store) -> None:
    user = await store.users.create(email=" Ann@Example.org", name="Ann", role="host", password_hash="one")
    assert await store.users.by_email("ann@example.ORG ") == user
    assert await store.users.get(user.id) == user
    with pytest.raises(AlreadyStored):
        await store.users.create(email="ANN@example.org", name="Ann", role="host", password_hash="two")


async def test_passwords_and_admins(store: Store) -> None:
    assert not await store.users.any_admin()
    user = await store.users.create(email="a@example.org", name="A", role="admin", password_hash="one")
    assert await store.users.any_admin()
    assert await store.users.list() == [user]
    await store.users.set_password(user.id, "two")
    changed = await store.users.get(user.id)
    assert changed is not None
    assert changed.password_hash == "two"
    with pytest.raises(NotStored):
        await store.users.set_password(UserId("none"), "three")


async def test_a_host_has_no_rules_until_they_set_some(store: Store) -> None:
    ann = await store.users.create(email="a@example.org", name="A", role="host", password_hash="one")
    ben = await store.users.create(email="b@example.org", name="B", role="host", password_hash="one")
    assert await store.users.host_rules(ann.id) == HostRules()
    rules = HostRules(never_titled=("HR *",), own_domains=("example.org",), only_when_present=True)
    await store.users.set_host_rules(ann.id, rules)
    assert await store.users.host_rules(ann.id) == rules
    assert await store.users.host_rules(ben.id) == HostRules()
    with pytest.raises(NotStored):
        await store.users.host_rules(UserId("none"))
    with pytest.raises(NotStored):
        await store.users.set_host_rules(UserId("none"), rules)


async def test_rules_that_can_not_be_read_are_not_taken_for_none(store: Store) -> None:
    ann = await store.users.create(email="a@example.org", name="A", role="host", password_hash="one")
    broken = users.update().values(host_rules='{"never_titled": "HR"}')
    store._database.write_now(lambda connection: connection.execute(broken))
    with pytest.raises(BrokenRecord):
        await store.users.host_rules(ann.id)
