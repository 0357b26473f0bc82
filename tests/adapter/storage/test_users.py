"""Accounts."""

from __future__ import annotations

import pytest

from consent_notice.words import UserId
from storage.errors import AlreadyStored, NotStored
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
