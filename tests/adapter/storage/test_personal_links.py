"""Personal links: refused by their address alone when forged or over, revocable, and they tell a host nothing else."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import LinkForged, LinkOver, NotStored, StorageError
from storage.personal_links import LONGEST_TOKEN, PersonalLink, read_token, signed_token
from storage.store import Store
from tests.adapter.storage.ahead import YES, StandUp
from tests.adapter.storage.hand_clock import HandClock

KEY = b"k" * 32
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
IDS = st.text(string.ascii_lowercase + "234567", min_size=26, max_size=26)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds


@pytest.fixture
async def stand_up(store: Store, clock: HandClock) -> StandUp:
    return await StandUp.plan(store, clock)


@pytest.fixture
async def link(stand_up: StandUp, clock: HandClock) -> PersonalLink:
    return await stand_up.store.personal_links.make(
        stand_up.reach(), name="Ada Lovelace", email="ada@example.org", expires_at=clock.now() + timedelta(days=30)
    )


@settings(deadline=None)
@given(IDS, MOMENTS)
def test_a_signed_link_reads_until_its_end_and_not_after(link_id: str, expires_at: datetime) -> None:
    token = signed_token(link_id, expires_at, KEY)
    assert len(token) <= LONGEST_TOKEN
    assert read_token(token, KEY, expires_at - timedelta(seconds=1)) == link_id
    for later in (expires_at, expires_at + timedelta(days=1)):
        with pytest.raises(LinkOver):
            read_token(token, KEY, later)


@settings(deadline=None)
@given(IDS, st.data())
def test_any_changed_character_is_a_forgery(link_id: str, data: st.DataObject) -> None:
    token = signed_token(link_id, NOW + timedelta(days=1), KEY)
    at = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.characters(codec="utf-8").filter(lambda one: one != token[at]))
    for forged in (token[:at] + sign + token[at + 1 :], token[:at] + token[at + 1 :], token[:at] + sign + token[at:]):
        if forged == token:
            continue
        with pytest.raises(LinkForged):
            read_token(forged, KEY, NOW)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "\udcff.1.x", "x" * 10_000])
def test_no_link_at_all_is_a_forgery(token: str) -> None:
    with pytest.raises(LinkForged):
        read_token(token, KEY, NOW)


def test_a_later_end_cannot_be_put_in_and_another_key_signs_nothing() -> None:
    token = signed_token("abc", NOW, KEY)
    link_id, _, signature = token.split(".")
    with pytest.raises(LinkForged):
        read_token(f"{link_id}.{int(NOW.timestamp()) + 9:x}.{signature}", KEY, NOW)
    with pytest.raises(LinkForged):
        read_token(token, b"j" * 32, NOW - timedelta(days=1))


async def test_a_forged_or_ended_link_is_refused_before_anything_is_read(
    store: Store, link: PersonalLink, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(_work: object) -> object:
        raise AssertionError("the database was read")

    monkeypatch.setattr(store._database, "read", read)
    with pytest.raises(LinkForged):
        await store.personal_links.get(link.token[:-1])
    with pytest.raises(AssertionError):
        await store.personal_links.get(link.token)
    clock.pass_ms(30 * 24 * 3_600_000)
    with pytest.raises(LinkOver):
        await store.personal_links.get(link.token)


async def test_the_invitee_lies_sealed_and_so_does_the_link(store: Store, link: PersonalLink, data_dir: Path) -> None:
    raw = b"".join(path.read_bytes() for path in data_dir.glob("onrecord.db*"))
    for secret in ("Ada Lovelace", "ada@example.org", link.token.split(".")[0]):
        assert secret.encode() not in raw
    assert await store.personal_links.get(link.token) == link


async def test_revoked_by_its_host_alone(store: Store, stand_up: StandUp, link: PersonalLink, clock: HandClock) -> None:
    other = await StandUp.plan(store, clock, email="other@example.org")
    for reference in (link.reference, "00", "no hex"):
        with pytest.raises(NotStored):
            await store.personal_links.revoke(other.reach(), reference)
    assert link.status(clock.now()) == "sent"
    await store.personal_links.revoke(stand_up.reach(), link.reference)
    clock.pass_ms(1_000)
    await store.personal_links.revoke(stand_up.reach(), link.reference)
    found = await store.personal_links.get(link.token)
    assert found is not None
    assert found.status(clock.now()) == "revoked"
    assert found.revoked_at == clock.now() - timedelta(seconds=1)


async def test_the_list_says_sent_expired_or_revoked_and_nothing_of_answers(
    store: Store, stand_up: StandUp, link: PersonalLink, clock: HandClock
) -> None:
    other = await StandUp.plan(store, clock, series="planning")
    await store.personal_links.make(other.reach(), name="Bob", email="", expires_at=clock.now() + timedelta(days=1))
    before = await store.personal_links.list(stand_up.reach())
    assert before == [link]
    await stand_up.say(YES, link=link.reference)
    assert await store.personal_links.list(stand_up.reach()) == before
    assert {one.name for one in await store.personal_links.list(stand_up.reach(), other.reach())} == {
        "Ada Lovelace", "Bob",
    }  # fmt: skip
    assert link.status(clock.now() + timedelta(days=30)) == "expired"


async def test_one_that_is_over_is_forgotten_once_nothing_hangs_on_it(
    store: Store, stand_up: StandUp, link: PersonalLink, clock: HandClock
) -> None:
    used = await store.personal_links.make(stand_up.reach(), name="B", email="", expires_at=clock.now())
    await stand_up.say(YES, link=used.reference)
    assert await store.personal_links.forget(clock.now()) == 0
    assert await store.personal_links.forget(clock.now() + timedelta(days=30)) == 1
    with pytest.raises(StorageError):
        await stand_up.say(YES, "another page", link=link.reference)
