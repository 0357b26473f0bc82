"""One stay in a meeting that misbehaves: what is kept, what is said in the room, and how soon the bot goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.ports import LeftReason
from bot.stay import ROOM_LOST_MS
from config.wording import wordings
from consent_notice.decisions import Act
from consent_notice.events import Decided, VisitClosed
from consent_notice.words import Purpose, Rule
from storage.meetings import MeetingState
from tests.adapter.bot.conftest import CLOCK, BotAtWork, until
from tests.simulators.room import FRAME_MS

SAYS = wordings()["en"]["say"]


async def test_a_yes_opens_and_a_no_shuts_though_the_room_goes_on_sending(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann, ben = world.joins("Ann"), world.joins("Ben")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        said_yes_ms = CLOCK.boot_ms()
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(1)
        world.fails_to_hear = True
        said_no_ms = CLOCK.boot_ms()
        world.writes(ann, "stop")
        await asyncio.sleep(1)
        assert ann in world.rooms[0].heard_seats
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await at_work.visit_of(meeting)
    kept = await at_work.kept(visit.id, ann)
    assert len(kept) > 25
    assert kept[0] >= said_yes_ms
    assert kept[-1] + FRAME_MS <= said_no_ms
    assert await at_work.kept(visit.id, ben) == []
    assert visit.left_reason == LeftReason.MEETING_ENDED


async def test_slow_posts_hold_up_no_answer(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.post_takes_s = 1.5
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        world.writes(ann, "stop")
        said_no_ms = CLOCK.boot_ms()
        await until(lambda: not world.rooms[0].heard_seats, 1.0)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await at_work.visit_of(meeting)
    assert all(at_ms + FRAME_MS <= said_no_ms for at_ms in await at_work.kept(visit.id, ann))
    decided = [entry.event for entry in at_work.store.log.entries_of(visit.id) if isinstance(entry.event, Decided)]
    assert len(decided) == 2


async def test_the_rooms_stop_button_counts_when_the_chat_does_not(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(0.5)
        pressed_ms = CLOCK.boot_ms()
        world.presses_stop(ann)
        await until(lambda: not world.is_kept(ann))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    kept = await at_work.kept((await at_work.visit_of(meeting)).id, ann)
    assert kept
    assert kept[-1] + FRAME_MS <= pressed_ms


async def test_a_host_stop_ends_it_at_once_and_for_good(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await at_work.store.meetings.stop(meeting.id)
        stopped_ms = CLOCK.boot_ms()
        await asyncio.wait_for(visiting, 3)
    left_ms = world.rooms[0].left_ms
    assert left_ms is not None
    assert left_ms - stopped_ms < 1_500
    assert world.texts[-1] == SAYS["goodbye_host_stopped"]
    visit = await at_work.visit_of(meeting)
    assert visit.left_reason == LeftReason.HOST_STOPPED
    row = await at_work.store.meetings.get(meeting.id)
    assert row is not None
    assert row.state is MeetingState.STOPPED
    assert await at_work.store.meetings.claim(meeting.id, "another bot", 0) is None


async def test_sound_that_can_not_be_stored_ends_it_with_a_message_in_the_room(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    _in_the_way_of(at_work.store.data_dir / "tracks")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await asyncio.wait_for(visiting, 10)
    assert SAYS["storage_failed"] in world.texts
    visit = await at_work.visit_of(meeting)
    assert visit.left_reason == LeftReason.STORAGE_FAILED
    assert visit.kept_ms == 0
    assert len(world.rooms) == 1  # a full disk is not left by going back in


async def test_a_room_that_goes_silent_is_left_and_doubt_keeps_nothing_meanwhile(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan(rule=Rule.EVERYONE)
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(1)
        silent_ms = CLOCK.boot_ms()
        world.is_silent = True
        room = world.rooms[0]
        await until(lambda: room.left_ms, 12)
        visiting.cancel()
    assert room.left_ms is not None
    assert ROOM_LOST_MS <= room.left_ms - silent_ms + 100 <= ROOM_LOST_MS + 1_500
    kept = await at_work.kept((await at_work.visit_of(meeting)).id, ann)
    assert kept
    assert kept[-1] + FRAME_MS <= silent_ms


async def test_a_room_that_is_there_and_knows_nobody_is_stayed_in_and_nothing_is_kept_of_that_time(
    at_work: BotAtWork,
) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(0.5)
        world.knows_nobody, unknown_ms = True, CLOCK.boot_ms()
        await asyncio.sleep(ROOM_LOST_MS / 1_000 + 1)
        world.knows_nobody, known_ms = False, CLOCK.boot_ms()
        await asyncio.sleep(1.5)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await at_work.visit_of(meeting)
    assert visit.left_reason == LeftReason.MEETING_ENDED
    kept = await at_work.kept(visit.id, ann)
    assert not [at_ms for at_ms in kept if unknown_ms < at_ms + FRAME_MS < known_ms]
    assert any(at_ms > known_ms for at_ms in kept)
    assert len(world.rooms) == 1


async def test_nothing_is_kept_of_the_time_in_which_the_room_told_nothing(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await asyncio.sleep(0.5)
        world.is_silent, silent_ms = True, CLOCK.boot_ms()
        await asyncio.sleep(2)
        world.is_silent, heard_again_ms = False, CLOCK.boot_ms()
        await asyncio.sleep(1.5)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    kept = await at_work.kept((await at_work.visit_of(meeting)).id, ann)
    assert any(at_ms < silent_ms for at_ms in kept)
    assert not [at_ms for at_ms in kept if silent_ms < at_ms + FRAME_MS < heard_again_ms]
    assert any(at_ms > heard_again_ms for at_ms in kept)


async def test_a_bot_that_was_taken_over_leaves_without_a_word(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await until(lambda: len(world.posts) > 2)  # the thanks, and that it records now
        said = list(world.posts)
        while (epoch := await at_work.store.meetings.claim(meeting.id, "another bot", 0)) is None:
            await asyncio.sleep(0.005)  # it showed life in this very millisecond
        await asyncio.wait_for(visiting, 3)
    assert world.posts == said
    assert len(world.rooms) == 1
    row = await at_work.store.meetings.get(meeting.id)
    assert row is not None
    assert (row.epoch, row.owner) == (epoch, "another bot")
    visit = await at_work.visit_of(meeting)
    assert visit.ended_at is None
    assert not [entry for entry in at_work.store.log.entries_of(visit.id) if isinstance(entry.event, VisitClosed)]


def _in_the_way_of(folder: Path) -> None:
    if folder.exists():
        folder.rmdir()
    folder.write_text("not a folder", encoding="utf-8")


async def test_a_full_hall_that_is_there_already_is_no_flood(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan(rule=Rule.EVERYONE)
    people = [world.joins(f"Person {number}") for number in range(150)]
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(people[-1]), 30)
        world.writes(people[0], "record no")
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await at_work.visit_of(meeting)
    assert visit.left_reason == LeftReason.MEETING_ENDED
    decided = [entry.event for entry in at_work.store.log.entries_of(visit.id) if isinstance(entry.event, Decided)]
    assert [event.seat for event in decided] == [people[0]]


async def test_a_no_in_reply_to_the_bot_s_thanks_takes_the_yes_back(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann, ben = world.joins("Ann"), world.joins("Ben")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        await until(lambda: [posted for posted in world.posts if posted.post.to_seat == ann])
        thanks = [posted for posted in world.posts if posted.post.to_seat == ann][-1]
        world.writes(ben, "shall we begin?")
        world.writes(ann, "no", reply_to=thanks.message_id)
        await until(lambda: not world.is_kept(ann))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = await at_work.visit_of(meeting)
    decided = [entry.event for entry in at_work.store.log.entries_of(visit.id) if isinstance(entry.event, Decided)]
    assert [dict(event.acts)[Purpose.RECORDING] for event in decided] == [Act.GIVE, Act.WITHDRAW]
