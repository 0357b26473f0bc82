"""A visit from claim to end: refused, lost and found again, stopped with the server, begun by a bot that died."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands import Durable
from bot.facts import SessionFacts
from bot.ports import LeftReason, RoomRefused, RoomUnreachable
from bot.runner import close_interrupted
from bot.session import Session
from config.wording import wordings
from consent_notice.events import Decided, Means, VisitClosed, VisitOpened
from consent_notice.words import Purpose, Rule
from storage.host_rules import HostRules
from storage.meetings import MeetingState
from storage.visits import VisitRow
from tests.adapter.bot.conftest import CLOCK, BotAtWork, until
from tests.simulators.room import FRAME_MS

SAYS = wordings()["en"]["say"]
BOTH = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: True}


def epochs(at_work: BotAtWork, visit: VisitRow) -> list[int]:
    return [
        entry.event.epoch for entry in at_work.store.log.entries_of(visit.id) if isinstance(entry.event, VisitOpened)
    ]


async def test_a_refused_join_ends_typed(at_work: BotAtWork) -> None:
    meeting = await at_work.plan()
    at_work.world.refuses = RoomRefused(LeftReason.ROOM_FULL, "the room is full")
    async with at_work.visiting(meeting) as visiting:
        await asyncio.wait_for(visiting, 5)
    visit = await at_work.visit_of(meeting)
    assert (visit.left_reason, visit.detail) == (LeftReason.ROOM_FULL, "the room is full")
    assert visit.ended_at is not None
    row = await at_work.store.meetings.get(meeting.id)
    assert row is not None
    assert (row.state, row.outcome) == (MeetingState.DONE, "the room is full")
    assert len(at_work.world.knocks) == 1


async def test_a_room_that_is_not_there_yet_is_knocked_at_again(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    world.refuses = RoomUnreachable()
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: len(world.knocks) == 2)
        world.refuses = None
        await until(lambda: world.notices_to(ann))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    assert len({knock.resume_token for knock in world.knocks}) == 1
    visit = await at_work.visit_of(meeting)
    assert visit.left_reason == LeftReason.MEETING_ENDED
    assert epochs(at_work, visit) == [1, 2, 3]


async def test_a_lost_room_is_gone_back_to_with_page_yeses_and_noes_kept_and_chat_yeses_asked_again(
    at_work: BotAtWork,
) -> None:
    world, meeting, store = at_work.world, await at_work.plan(), at_work.store
    ann, ben, cia = (world.joins(name) for name in ("Ann", "Ben", "Cia"))
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        visit = await at_work.visit_of(meeting)
        page = await store.pages.open(visit.id)
        await store.pages.choose(page.page_id, BOTH, alone=True)
        world.writes(ann, page.code)
        world.writes(ben, "record yes")
        world.writes(cia, "record no")
        await until(lambda: world.is_kept(ann) and world.is_kept(ben))
        await asyncio.sleep(0.5)
        lost_ms, said = CLOCK.boot_ms(), len(world.posts)
        world.ends(LeftReason.CONNECTION_LOST)
        await until(lambda: world.rooms[-1].heard_seats == {ann} and len(world.rooms) == 2)
        back_ms = CLOCK.boot_ms()
        await until(lambda: len(world.notices_to(ben)) == 2)
        await asyncio.sleep(0.5)
        assert not world.is_kept(ben)
        again_ms = CLOCK.boot_ms()
        world.writes(ben, "record yes")
        await until(lambda: world.is_kept(ben))
        await asyncio.sleep(0.5)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    asked_again = {posted.post.to_seat for posted in world.posts[said:] if posted.post.is_notice}
    assert asked_again == {ben}
    kept = {seat: await at_work.kept(visit.id, seat) for seat in (ann, ben, cia)}
    assert any(at_ms > back_ms for at_ms in kept[ann])
    assert not [at_ms for at_ms in kept[ann] if lost_ms < at_ms + FRAME_MS < back_ms - 1_000]
    assert not [at_ms for at_ms in kept[ben] if lost_ms < at_ms < again_ms]
    assert any(at_ms > again_ms for at_ms in kept[ben])
    assert kept[cia] == []
    assert epochs(at_work, visit) == [1, 2]


async def test_a_server_that_stops_says_goodbye_and_leaves_the_visit_open(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(0.5)
        visiting.cancel()
        stopped_ms = CLOCK.boot_ms()
        await asyncio.wait([visiting], timeout=5)
    assert world.texts[-1].startswith(SAYS["goodbye"].split("{")[0])
    visit = await at_work.visit_of(meeting)
    assert visit.ended_at is None
    kept = await at_work.kept(visit.id, ann)
    assert kept
    assert kept[-1] <= stopped_ms


async def test_a_platform_without_a_room_ends_with_words_for_the_host(at_work: BotAtWork) -> None:
    meeting = await at_work.plan(platform="zoom")
    async with at_work.visiting(meeting) as visiting:
        await asyncio.wait_for(visiting, 5)
    row = await at_work.store.meetings.get(meeting.id)
    assert row is not None
    assert (row.state, row.outcome) == (MeetingState.DONE, "Zoom is switched off here by your admin")
    assert not at_work.world.rooms


async def test_what_an_interrupted_bot_left_open_is_closed_when_the_meeting_is_over(at_work: BotAtWork) -> None:
    world, store = at_work.world, at_work.store
    meeting = await at_work.plan(lasts=timedelta(seconds=2))
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(0.5)
        visiting.cancel()
        await asyncio.wait([visiting])
    await asyncio.sleep(3.2)  # until its last sign of life is old enough
    await close_interrupted(at_work.parts, meeting)
    at_work.check()
    visit = await at_work.visit_of(meeting)
    assert visit.left_reason == LeftReason.CONNECTION_LOST
    assert "interrupted" in visit.detail
    assert visit.kept_ms > 0
    assert visit.transcription_state == "waiting"
    closed = [entry.event for entry in store.log.entries_of(visit.id) if isinstance(entry.event, VisitClosed)]
    assert [event.epoch for event in closed] == [2]
    row = await store.meetings.get(meeting.id)
    assert row is not None
    assert row.state is MeetingState.DONE


async def test_an_interrupted_visit_that_another_bot_has_is_left_to_it(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        await close_interrupted(at_work.parts, meeting)
        assert not visiting.done()
        visit = await at_work.visit_of(meeting)
        assert visit.ended_at is None
        assert epochs(at_work, visit) == [1]


async def test_a_yes_that_must_be_said_again_is_taken_back_in_the_log(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        world.ends(LeftReason.CONNECTION_LOST)
        await until(lambda: len(world.notices_to(ann)) == 2)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await at_work.visit_of(meeting)
    events = [entry.event for entry in at_work.store.log.entries_of(visit.id)]
    assert [event.means for event in events if isinstance(event, Decided)] == [Means.CHAT, Means.SYSTEM]


@pytest.mark.parametrize(("allowed", "fallback"), [(True, Rule.EACH_VOICE), (False, None)])
async def test_a_visit_is_told_what_its_host_and_the_admin_want(
    at_work: BotAtWork, monkeypatch: pytest.MonkeyPatch, allowed: bool, fallback: Rule | None
) -> None:
    told: list[SessionFacts] = []

    class Listening(Session):
        def __init__(self, facts: SessionFacts, earlier: Iterable[Durable] = ()) -> None:
            told.append(facts)
            super().__init__(facts, earlier)

    monkeypatch.setattr("bot.runner.Session", Listening)
    places = at_work.parts.policy.places
    places = replace(places, rules=replace(places.rules, single_voices_allowed=allowed))
    policy = replace(at_work.parts.policy, places=places, attestation_allowed=allowed)
    at_work.parts = replace(at_work.parts, policy=policy)
    meeting = await at_work.plan(rule=Rule.EVERYONE, fallback=Rule.EACH_VOICE)
    await at_work.store.users.set_host_rules(meeting.host_id, HostRules(only_when_present=allowed))
    ann = at_work.world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: at_work.world.notices_to(ann))
        at_work.world.ends(LeftReason.MEETING_ENDED)
        await visiting
    (facts,) = told
    assert (facts.fallback, facts.needs_host, facts.attested_opens) == (fallback, allowed, allowed)
    (notice,) = at_work.world.notices_to(ann)
    assert ("I may go on with only the voices of those who did" in notice.post.text) is allowed
    visit = await at_work.visit_of(meeting)
    (opened,) = [e.event for e in at_work.store.log.entries_of(visit.id) if isinstance(e.event, VisitOpened)]
    assert opened.attested_opens is allowed
