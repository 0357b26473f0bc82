"""A bot's stay: one visit a meeting, fenced by epoch; seats; the list; the transcription queue."""

from __future__ import annotations

import pytest

from consent_notice.words import MeetingId, Rule, SeatId, SeatKind, UserId, VisitId
from storage.errors import NotStored, StaleEpoch
from storage.store import Store
from storage.visits import RecordingFilter, VisitRow
from tests.adapter.storage.hand_clock import HandClock


@pytest.fixture
async def host_id(store: Store) -> UserId:
    return (await store.users.create(email="h@example.org", name="H", role="host", password_hash="-")).id


async def begin(store: Store, host_id: UserId) -> VisitRow:
    meeting = await store.meetings.add_by_hand(host_id, "http://127.0.0.1/room/abc", "Quick talk")
    epoch = await store.meetings.claim(meeting.id, "bot", 5_000)
    assert epoch == 1
    return await store.visits.open_visit(meeting.id, epoch, Rule.EACH_VOICE, "en")


async def test_a_restarted_bot_goes_on_with_the_same_visit(store: Store, host_id: UserId, clock: HandClock) -> None:
    visit = await begin(store, host_id)
    clock.pass_ms(10_000)
    epoch = await store.meetings.claim(visit.meeting_id, "other", 5_000)
    assert epoch == 2
    with pytest.raises(StaleEpoch):  # from the claim on, before the new bot has opened anything
        await store.visits.set_visit_state(visit.id, 1, "in_room")
    again = await store.visits.open_visit(visit.meeting_id, epoch, Rule.EACH_VOICE, "en")
    assert (again.id, again.page_token, again.started_boot_ms) == (visit.id, visit.page_token, visit.started_boot_ms)
    with pytest.raises(StaleEpoch):
        await store.visits.end_visit(visit.id, 1, "removed")
    await store.visits.end_visit(visit.id, 2, "meeting_ended", "all good")
    ended = await store.visits.get(visit.id)
    assert ended is not None
    assert (ended.state, ended.left_reason, ended.ended_at) == ("left", "meeting_ended", clock.now())


async def test_the_public_link_finds_its_visit_and_lies_sealed(store: Store, host_id: UserId) -> None:
    visit = await begin(store, host_id)
    found = await store.visits.by_page_token(visit.page_token)
    assert found == visit
    assert await store.visits.by_page_token(visit.id) is None
    assert await store.visits.visit_of_meeting(MeetingId("none")) is None


async def test_seats_keep_their_stays(store: Store, host_id: UserId, clock: HandClock) -> None:
    visit = await begin(store, host_id)
    ann, bob = SeatId("b-seat"), SeatId("a-seat")
    await store.visits.upsert_seat(visit.id, ann, "Ann", SeatKind.PERSON, 100)
    await store.visits.upsert_seat(visit.id, bob, "Bob", SeatKind.PERSON, 200)
    await store.visits.upsert_seat(visit.id, ann, "Ann B.", SeatKind.PERSON, 250)
    await store.visits.left_seat(visit.id, ann, 300)
    await store.visits.upsert_seat(visit.id, ann, "Ann B.", SeatKind.PERSON, 400)
    first, second = await store.visits.seats(visit.id)
    assert (first.name, [(stay.joined_ms, stay.left_ms) for stay in first.stays]) == (
        "Ann B.",
        [(100, 300), (400, None)],
    )
    assert first.is_present
    await store.visits.end_visit(visit.id, 1, "meeting_ended")
    first, second = await store.visits.seats(visit.id)
    assert [first.is_present, second.is_present] == [False, False]


async def test_the_list_pages_by_its_last_row(store: Store, host_id: UserId, clock: HandClock) -> None:
    visits: list[VisitId] = []
    for _ in range(7):
        visits.append((await begin(store, host_id)).id)
        clock.pass_ms(1_000)
    seen: list[VisitId] = []
    before = None
    while page := await store.visits.recordings(RecordingFilter(host_id=host_id), before=before, limit=3):
        seen += [row.visit.id for row in page]
        before = (page[-1].visit.started_at, page[-1].visit.id)
    assert seen == visits[::-1]
    assert await store.visits.recordings(RecordingFilter(host_id=UserId("other"))) == []
    assert await store.visits.recordings(RecordingFilter(only_ended=True)) == []


async def test_each_waiting_visit_is_taken_once(store: Store, host_id: UserId) -> None:
    visit = await begin(store, host_id)
    assert await store.visits.next_waiting() is None
    await store.visits.set_transcription(visit.id, "waiting")
    taken = await store.visits.next_waiting()
    assert taken is not None
    assert (taken.id, taken.transcription_state) == (visit.id, "running")
    assert await store.visits.next_waiting() is None
    await store.visits.set_transcription_progress(visit.id, 300)
    assert await store.visits.requeue_transcription() == 1
    again = await store.visits.next_waiting()
    assert again is not None
    assert (again.transcription_tries, again.transcription_permille) == (2, 0)
    with pytest.raises(NotStored):
        await store.visits.set_transcription(VisitId("none"), "done")
