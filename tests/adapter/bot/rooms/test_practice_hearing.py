"""Whom the bot hears in a practice room, when, and for how long; over real WebRTC."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio

from bot.ports import Heard, Joined, Left, StopPressed
from bot.rtp import WARM_UP_MS
from consent_notice.words import SeatId
from tests.simulators.hearing import decoded, level_db
from tests.simulators.practice_people import Enter, enter, room, tasks
from tests.simulators.practice_stay import CLOCK, NOBODY, NewStay, new_stay, only, seat


async def test_only_those_named_are_heard_each_on_a_track_of_their_own(enter: Enter, new_stay: NewStay) -> None:
    ann, bob, cia = await enter("Ann"), await enter("Bob"), await enter("Cia")
    stay = await new_stay()
    await asyncio.gather(ann.tone(500, 0.4), bob.tone(1_100, 0.4), cia.tone(1_900, 0.4))
    assert stay.packets == 0
    await stay.port.hear(only(ann, cia))
    await asyncio.gather(ann.tone(500, 1), bob.tone(1_100, 1), cia.tone(1_900, 1))
    await asyncio.sleep(0.1)

    tracks = {frame.track for frame in stay.frames}
    assert len(tracks) == 2
    for track in tracks:
        frames = [frame for frame in stay.frames if frame.track == track]
        assert len({frame.speakers for frame in frames}) == 1
        speaker = next(iter(frames[0].speakers or ()))
        own_hz, others_hz = (500, (1_100, 1_900)) if speaker == ann.seat else (1_900, (500, 1_100))
        sound = decoded(frame.payload for frame in frames)
        assert level_db(sound, own_hz) > -20
        assert max(level_db(sound, hz) for hz in others_hz) < level_db(sound, own_hz) - 50
        stamps = [frame.rtp_timestamp for frame in frames]
        assert stamps == sorted(set(stamps))
        assert {frame.duration_ms for frame in frames} == {20}


async def test_sound_is_dated_when_it_was_spoken(enter: Enter, new_stay: NewStay) -> None:
    ann, stay = await enter("Ann"), await new_stay()
    await stay.port.hear(only(ann))
    said = await ann.tone(500, 1.0)
    await asyncio.sleep(0.1)
    frames = stay.frames
    late_ms = [frame.captured_ms - (said.start_ms + 20 * index) for index, frame in enumerate(frames)]
    assert min(late_ms) >= 0
    assert sorted(late_ms)[len(late_ms) // 2] <= 10
    assert max(late_ms) <= stay.port.capabilities.path_delay_ms


async def test_after_hear_without_them_nothing_of_them_is_sent_or_pushed(enter: Enter, new_stay: NewStay) -> None:
    ann, bob = await enter("Ann", sends_silence=True), await enter("Bob", sends_silence=True)
    stay = await new_stay()
    await stay.port.hear(only(ann, bob))
    await asyncio.sleep(0.4)
    await stay.port.hear(only(bob))
    pushed = sum(frame.speakers == only(ann) for frame in stay.frames)
    assert pushed > 5
    await stay.port.hear(NOBODY)
    await asyncio.sleep(0.05)
    received = stay.packets
    await asyncio.sleep(0.4)
    assert sum(frame.speakers == only(ann) for frame in stay.frames) == pushed
    assert stay.packets == received


async def test_who_is_heard_again_is_heard_on_a_new_track_and_a_rested_slot(enter: Enter, new_stay: NewStay) -> None:
    ann, stay = await enter("Ann", sends_silence=True), await new_stay()
    for _ in range(3):
        await stay.port.hear(only(ann))
        await asyncio.sleep(0.4)
        await stay.port.hear(NOBODY)
    assert len({frame.track for frame in stay.frames}) == 3
    for slot in stay.room._slots:  # as if all had been used just now
        slot.rests_until_ms = CLOCK.boot_ms() + 500
    before_ms = CLOCK.boot_ms()
    await stay.port.hear(only(ann))
    assert CLOCK.boot_ms() - before_ms >= 490


async def test_a_newcomer_on_a_slot_of_one_who_left_is_a_new_track(enter: Enter, new_stay: NewStay) -> None:
    ann, stay = await enter("Ann", sends_silence=True), await new_stay()
    await stay.port.hear(only(ann))
    await asyncio.sleep(0.4)
    for slot in stay.room._slots[1:]:
        slot.rests_until_ms = CLOCK.boot_ms() + 60_000
    await ann.leave()
    await stay.until(Left)
    bob = await enter("Bob", sends_silence=True)
    await stay.until(Joined, count=2)
    await stay.port.hear(only(bob))
    await asyncio.sleep(0.4)
    assert stay.room._slots[0].seat == seat(bob)
    tracks = {frame.track: frame.speakers for frame in stay.frames}
    assert list(tracks.values()) == [only(ann), only(bob)]
    assert tracks.keys() == {f"{ann.seat}:1", f"{bob.seat}:2"}


async def test_seats_that_are_not_there_are_passed_over(enter: Enter, new_stay: NewStay) -> None:
    stay = await new_stay()
    await stay.port.hear(frozenset({SeatId("0123456789ab")}))
    assert stay.packets == 0


async def test_loss_leaves_holes_and_nothing_stalls(enter: Enter, new_stay: NewStay) -> None:
    """2 % of the bot's datagrams dropped below DTLS; what is left comes in time and keeps its place."""
    ann, stay = await enter("Ann"), await new_stay()
    await stay.port.hear(only(ann))
    peer = stay.room._client.peer
    assert peer is not None
    take, count = peer._take_rtp, 0

    async def lossy(data: bytes, arrival_time_ms: int) -> None:
        nonlocal count
        count += 1
        if count % 50 != 25:
            await take(data, arrival_time_ms)

    peer._transport._handle_rtp_data = lossy  # type: ignore[method-assign]
    said = await ann.tone(500, 4.0)
    await asyncio.sleep(0.4)
    frames = [
        (event.frame, at) for event, at in zip(stay.events, stay.pushed_ms, strict=True) if isinstance(event, Heard)
    ]
    assert len(frames) == 197
    steps = [(frame.rtp_timestamp - frames[0][0].rtp_timestamp) // 960 for frame, _ in frames]
    assert set(range(201)) - set(steps) == {24, 74, 124, 174}
    assert max(pushed_ms - frame.ends_ms for frame, pushed_ms in frames[WARM_UP_MS // 20 :]) < 150
    assert all(
        abs(frame.captured_ms - said.start_ms - 20 * step) <= 20 for (frame, _), step in zip(frames, steps, strict=True)
    )


async def test_the_stop_button_cuts_tells_and_stays_until_it_was_heeded(enter: Enter, new_stay: NewStay) -> None:
    ann, bob = await enter("Ann", sends_silence=True), await enter("Bob", sends_silence=True)
    stay = await new_stay()
    await stay.port.hear(only(ann, bob))
    await asyncio.sleep(0.4)
    pressed_ms = CLOCK.boot_ms()
    ann.stop_voice()
    stop = await stay.until(StopPressed)
    assert stop.seat == seat(ann)
    assert pressed_ms - 100 <= stop.at_ms <= CLOCK.boot_ms()
    heard = sum(frame.speakers == only(ann) for frame in stay.frames)
    await stay.port.hear(only(ann, bob))  # by one who did not know of the stop yet
    await asyncio.sleep(0.4)
    assert sum(frame.speakers == only(ann) for frame in stay.frames) == heard
    assert not ann.forwarding[-1].on
    await stay.port.hear(only(bob))  # heeded
    await stay.port.hear(only(ann, bob))  # a new yes
    await asyncio.sleep(0.4)
    assert sum(frame.speakers == only(ann) for frame in stay.frames) > heard
    assert ann.forwarding[-1].on


async def test_a_stop_that_no_bot_heard_of_is_told_on_joining(enter: Enter, new_stay: NewStay) -> None:
    ann = await enter("Ann")
    first = await new_stay()
    await first.port.hear(only(ann))
    await first.port.leave()
    ann.stop_voice()
    await ann.wait_until(lambda: bool(ann.forwarding) and not ann.forwarding[-1].on, 2)
    second = await new_stay()
    (stop,) = second.all(StopPressed)
    third = await new_stay()
    assert third.all(StopPressed)[0].message_id == stop.message_id  # once and the same event
    await third.port.hear(only(ann))
    assert not (await new_stay()).all(StopPressed)
