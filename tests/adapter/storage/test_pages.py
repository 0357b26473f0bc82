"""Participants' pages: a code binds a page to one seat, once."""

from __future__ import annotations

import pytest

from consent_notice.words import Purpose, Rule, SeatId, VisitId
from storage.errors import NotStored
from storage.pages import CODE_ALPHABET, CODE_LENGTH, BoundBy
from storage.store import Store


@pytest.fixture
async def visit(store: Store) -> VisitId:
    host = await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")
    meeting = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/abc", "Quick talk")
    await store.meetings.claim(meeting.id, "bot", 5_000)
    return (await store.visits.open_visit(meeting.id, 1, Rule.EACH_VOICE, "en")).id


async def test_a_code_is_made_of_signs_that_are_not_mistaken(store: Store, visit: VisitId) -> None:
    codes = {(await store.pages.open(visit)).code for _ in range(20)}
    assert len(codes) == 20
    assert all(len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET) for code in codes)
    assert all(any(sign.isdigit() for sign in code) for code in codes)


async def test_a_page_is_bound_once(store: Store, visit: VisitId) -> None:
    page = await store.pages.open(visit)
    ann, bob = SeatId("ann"), SeatId("bob")
    assert await store.pages.bind(visit, "22222" if page.code != "22222" else "33333", ann) is None
    bound = await store.pages.bind(visit, page.code.lower(), ann)
    assert bound is not None
    assert bound.seat == ann
    assert await store.pages.bind(visit, page.code, bob) is None
    assert await store.pages.bind(visit, page.code, ann) == bound  # said twice by the same seat
    assert await store.pages.by_seat(visit, ann) == [bound]
    assert await store.pages.by_seat(visit, bob) == []


async def test_choices_are_kept_as_ticked(store: Store, visit: VisitId) -> None:
    page = await store.pages.open(visit)
    assert page.choices is None
    chosen = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: False}
    await store.pages.choose(page.page_id, chosen, alone=True, notice_sha256="ab")
    found = await store.pages.get(page.page_id)
    assert found is not None
    assert (found.choices, found.alone_on_device, found.notice_sha256) == (chosen, True, "ab")
    with pytest.raises(NotStored):
        await store.pages.choose("guess", chosen, alone=True)


async def test_how_many_share_a_seat_only_grows_once_the_page_is_bound(store: Store, visit: VisitId) -> None:
    page = await store.pages.open(visit)
    chosen = {Purpose.RECORDING: True}
    for said, kept in ((5, 5), (3, 3)):
        assert (await store.pages.choose(page.page_id, chosen, alone=False, people=said)).people == kept
    await store.pages.bind(visit, page.code, SeatId("ann"))
    for said, kept in ((1, 3), (4, 4)):
        assert (await store.pages.choose(page.page_id, chosen, alone=False, people=said)).people == kept


async def test_a_page_knows_its_own_answers_in_the_log(store: Store, visit: VisitId) -> None:
    page = await store.pages.open(visit)
    assert page.wrote(page.code)
    assert page.wrote(f"{page.reference}:nonce")
    assert not page.wrote("m17")
    assert page.page_id not in page.reference


async def test_a_page_bound_by_telephone_says_so_and_is_bound_once(store: Store, visit: VisitId) -> None:
    page = await store.pages.open(visit)
    bound = await store.pages.bind_by_telephone(page.page_id, SeatId("tel"))
    assert (bound.seat, bound.bound_by) == ("tel", BoundBy.TELEPHONE)
    assert (await store.pages.bind_by_telephone(page.page_id, SeatId("other"))).seat == "tel"
    assert await store.pages.bind(visit, page.code, SeatId("other")) is None
    typed = await store.pages.open(visit)
    by_code = await store.pages.bind(visit, typed.code, SeatId("ann"))
    assert by_code is not None
    assert by_code.bound_by is BoundBy.CODE
    again = await store.pages.bind_by_telephone(typed.page_id, SeatId("ann"))
    assert again.bound_by is BoundBy.CODE
    with pytest.raises(NotStored):
        await store.pages.bind_by_telephone("guess", SeatId("tel"))


async def test_no_page_without_a_visit(store: Store) -> None:
    with pytest.raises(NotStored):
        await store.pages.open(VisitId("none"))
