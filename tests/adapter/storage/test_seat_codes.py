"""Codes for whoever can only hear: digits, one a seat, and of no other visit."""

from __future__ import annotations

from itertools import pairwise

import pytest

from consent_notice.words import Rule, SeatId, VisitId
from storage.seat_codes import CODE_DIGITS
from storage.store import Store


@pytest.fixture
async def visits(store: Store) -> list[VisitId]:
    host = await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")
    found = []
    for _ in range(2):
        meeting = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/abc", "Talk")
        epoch = await store.meetings.claim(meeting.id, "bot", 5_000)
        assert epoch is not None
        found.append((await store.visits.open_visit(meeting.id, epoch, Rule.EACH_VOICE, "en")).id)
    return found


async def test_a_seat_keeps_its_code_and_two_seats_differ(store: Store, visits: list[VisitId]) -> None:
    codes = [await store.seat_codes.make(visits[0], SeatId(seat)) for seat in ("a", "b", "a")]
    assert codes[0] == codes[2] != codes[1]
    assert all(len(code) == CODE_DIGITS and code.isdigit() for code in codes)


async def test_a_code_is_of_its_own_visit_alone(store: Store, visits: list[VisitId]) -> None:
    code = await store.seat_codes.make(visits[0], SeatId("a"))
    assert await store.seat_codes.seat_of(visits[0], code) == "a"
    assert await store.seat_codes.seat_of(visits[1], code) is None
    assert await store.seat_codes.seat_of(visits[0], "x" + code) is None


async def test_no_code_is_misheard(store: Store, visits: list[VisitId]) -> None:
    codes = [await store.seat_codes.make(visits[0], SeatId(str(number))) for number in range(40)]
    assert len(set(codes)) == 40
    assert not set("".join(codes)) & set("035")
    assert not [code for code in codes if any(one == two for one, two in pairwise(code))]


async def test_a_code_ends_with_the_meeting(store: Store, visits: list[VisitId]) -> None:
    code = await store.seat_codes.make(visits[0], SeatId("a"))
    await store.visits.end_visit(visits[0], 1, "meeting_ended")
    assert await store.seat_codes.seat_of(visits[0], code) is None
