"""A room that takes its time: a page that has to load, a lobby, a chat that takes short posts only."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot import seats
from bot.ports import LeftReason, PageSnapshot
from bot.runner import STALE_AFTER_MS
from config.wording import wordings
from storage.meetings import MeetingState
from tests.adapter.bot.conftest import BotAtWork, until

SAYS = wordings()["en"]["say"]
LONGER_THAN_STALE_S = STALE_AFTER_MS / 1_000 + 1


async def test_a_page_that_loads_slowly_is_waited_for_and_no_second_bot_comes(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    world.arrives_after_s = LONGER_THAN_STALE_S
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await asyncio.sleep(LONGER_THAN_STALE_S - 0.3)
        assert await at_work.store.meetings.claim(meeting.id, "another bot", STALE_AFTER_MS) is None
        await until(lambda: world.notices_to(ann))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    assert len(world.knocks) == 1


async def test_the_bot_waits_in_a_lobby_is_seen_to_wait_and_asks_once_it_is_in(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    world.has_lobby = True
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await asyncio.sleep(LONGER_THAN_STALE_S)
        assert (await at_work.visit_of(meeting)).state == "waiting_room"
        assert await at_work.store.meetings.claim(meeting.id, "another bot", STALE_AFTER_MS) is None
        assert not world.posts
        world.lets_in()
        await until(lambda: world.notices_to(ann))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    assert len(world.knocks) == 1


async def test_a_lobby_that_goes_silent_is_a_lost_connection(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    world.has_lobby = True
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.rooms)
        world.is_silent = True
        await until(lambda: len(world.rooms) == 2, 15)
        world.is_silent = False
        await at_work.store.meetings.stop(meeting.id)
        await asyncio.wait_for(visiting, 5)
    row = await at_work.store.meetings.get(meeting.id)
    assert row is not None
    assert row.state is MeetingState.STOPPED


async def test_a_notice_that_the_chat_would_cut_off_comes_in_parts(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    world.capabilities = replace(world.capabilities, chat_limit_chars=300)
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        (notice,) = world.notices_to(ann)
        parts = world.texts[: world.texts.index(notice.post.text) + 1]
        assert len(parts) > 1
        assert all(len(part) <= 300 for part in parts)
        assert sum("/c/" in part for part in parts) == 1
        world.writes(ann, "record yes", reply_to=notice.message_id)
        await until(lambda: world.is_kept(ann))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting


async def test_what_a_room_saw_of_its_page_is_kept_for_the_admin(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.knocks)
        world.knocks[0].keep_snapshot(PageSnapshot(state="removed", outline="main", picture_png=b"png"))
        world.ends(LeftReason.REMOVED)
        await visiting
    (kept,) = await at_work.store.snapshots.of_visit((await at_work.visit_of(meeting)).id)
    assert (kept.state, kept.outline, kept.picture_png) == ("removed", "main", b"png")


async def test_a_notice_that_the_chat_did_not_take_is_posted_again(
    at_work: BotAtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats, "ASK_AGAIN_AFTER_MS", (300, 300, 300))
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    world.refuses_posts = 2
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    assert world.refuses_posts == 0


async def test_a_chat_that_takes_nothing_is_not_tried_for_ever(
    at_work: BotAtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats, "ASK_AGAIN_AFTER_MS", (200, 200, 200))
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    world.refuses_posts = 1_000
    async with at_work.visiting(meeting) as visiting:
        await asyncio.sleep(3)
        assert 1_000 - world.refuses_posts == 4
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    assert not world.notices_to(ann)
