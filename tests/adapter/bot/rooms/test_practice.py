"""The practice room as the bot's MeetingRoom, over real WebRTC."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
import signal
import socket

import pytest

from bot.ports import (
    Admitted,
    ChatSaid,
    Ended,
    Joined,
    Left,
    LeftReason,
    Post,
    RoomError,
    RoomRefused,
    RoomUnreachable,
    RosterKnownUntil,
    Speech,
    Tile,
    TileState,
)
from consent_notice.words import SeatId, SeatKind
from tests.simulators.hearing import decoded, level_db
from tests.simulators.practice_people import Enter, enter, room, tasks
from tests.simulators.practice_room import practice_process, practice_room
from tests.simulators.practice_stay import CLOCK, NOBODY, NewStay, StayInRoom, new_stay, only, seat
from web.practice.participant import ScriptedParticipant, sine

# ---- who is there ----------------------------------------------------------------------------------------------------


async def test_joining_tells_who_is_there_since_when(enter: Enter, new_stay: NewStay) -> None:
    before_ms = CLOCK.boot_ms()
    ann = await enter("Ann")
    after_ms = CLOCK.boot_ms()
    await asyncio.sleep(0.4)
    stay = await new_stay()
    assert isinstance(stay.events[0], Admitted)
    (joined,) = stay.all(Joined)
    assert (joined.seat, joined.name, joined.seat_kind) == (seat(ann), "Ann", SeatKind.PERSON)
    assert before_ms - 60 <= joined.at_ms <= after_ms
    assert joined.platform_id == ""


async def test_who_is_known_again_is_told_by_the_same_id(enter: Enter, new_stay: NewStay) -> None:
    stay = await new_stay()
    for person in ("secret-of-anns-browser", "secret-of-bobs-browser", "secret-of-anns-browser"):
        await (await enter("Ann", person=person)).leave()
    await stay.until(Joined, count=3)
    first, other, again = (joined.platform_id for joined in stay.all(Joined))
    assert first == again != other
    assert len(first) == 32
    assert "secret" not in first + other


async def test_coming_and_going_is_told_and_never_later_than_it_was(enter: Enter, new_stay: NewStay) -> None:
    stay = await new_stay()
    await stay.until(RosterKnownUntil)
    latest = []
    for name in ("Ann", "Bob", "Cia"):
        person = await enter(name)  # which returns after the room has let them in
        latest.append(CLOCK.boot_ms())
        before_leave_ms = CLOCK.boot_ms()
        if name == "Bob":
            await person.leave()
            left = await stay.until(Left)
            assert before_leave_ms <= left.at_ms <= CLOCK.boot_ms()
    await stay.until(Joined, count=3)
    assert all(joined.at_ms <= at_ms for joined, at_ms in zip(stay.all(Joined), latest, strict=True))


async def test_the_roster_is_known_up_to_just_now_and_never_beyond(new_stay: NewStay) -> None:
    stay = await new_stay()
    await asyncio.sleep(1.0)
    known = [
        (event.at_ms, pushed_ms)
        for event, pushed_ms in zip(stay.events, stay.pushed_ms, strict=True)
        if isinstance(event, RosterKnownUntil)
    ]
    assert all(at_ms <= pushed_ms for at_ms, pushed_ms in known)
    assert max(pushed_ms - at_ms for at_ms, pushed_ms in known[2:]) < 150
    assert len(known) >= 10  # at least every 100 ms


async def test_a_join_is_never_told_after_it_was_said_to_be_known(enter: Enter, new_stay: NewStay) -> None:
    """What the gate relies on: RosterKnownUntil(t) means that no Joined with an earlier time is still to come."""
    stay = await new_stay()
    await stay.until(RosterKnownUntil)
    for number in range(5):
        await enter(f"person {number}")
    await stay.until(Joined, count=5)
    known_ms = 0
    for event in stay.events:
        if isinstance(event, RosterKnownUntil):
            assert event.at_ms >= known_ms
            known_ms = event.at_ms
        if isinstance(event, Joined):
            assert event.at_ms >= known_ms


async def test_a_restarted_bot_has_its_seat_again_and_the_old_connection_is_told(new_stay: NewStay) -> None:
    first = await new_stay()
    second = await new_stay()
    assert (await first.until(Ended)).reason is LeftReason.TAKEN_OVER
    assert first.all(Admitted)[0].own_seat == second.all(Admitted)[0].own_seat
    assert not second.all(Ended)


# ---- writing, speaking, showing --------------------------------------------------------------------------------------


async def test_posts_have_ids_and_answers_come_in_their_thread(enter: Enter, new_stay: NewStay) -> None:
    ann, bob = await enter("Ann"), await enter("Bob")
    stay = await new_stay()
    notice_id = await stay.port.post(Post(text="May I record?", is_notice=True))
    notice = await ann.wait_for_chat(lambda message: message.is_notice, 2)
    assert notice.message_id == notice_id
    answer_id = await ann.chat("record yes", reply_to=notice_id, to=ann.bot_seat)
    said = await stay.until(ChatSaid)
    assert (said.message_id, said.seat, said.text) == (answer_id, seat(ann), "record yes")
    assert (said.reply_to, said.to_bot_only) == (notice_id, True)
    thanks_id = await stay.port.post(Post(text="Thank you", to_seat=seat(ann), reply_to=answer_id))
    await ann.wait_for_chat(lambda message: message.message_id == thanks_id, 2)
    await bob.chat("hello")
    assert not (await stay.until(ChatSaid, count=2)).to_bot_only
    assert [message.text for message in bob.messages] == ["May I record?", "hello"]


async def test_a_post_that_the_room_refuses_is_an_error(new_stay: NewStay) -> None:
    stay = await new_stay()
    with pytest.raises(RoomError):
        await stay.port.post(Post(text="for someone who left", to_seat=SeatId("0123456789ab")))
    assert await stay.port.post(Post(text="the room goes on"))


async def test_everybody_hears_the_bot_at_the_pace_of_speech(enter: Enter, new_stay: NewStay) -> None:
    heard: dict[str, list[bytes]] = {"Ann": [], "Bob": []}
    for name, packets in heard.items():
        await enter(name, on_sound=lambda _seat, packet, _at, packets=packets: packets.append(packet.payload))
    stay = await new_stay()
    before_ms = CLOCK.boot_ms()
    await stay.port.speak(Speech(text="beep", language="en", pcm=sine(700, 1.0, 0.25)))
    took_ms = CLOCK.boot_ms() - before_ms
    await asyncio.sleep(0.1)
    assert 1_000 <= took_ms < 1_400
    for packets in heard.values():
        assert 50 <= len(packets) <= 51
        assert level_db(decoded(packets), 700) > -20


async def test_leaving_breaks_off_the_bots_own_voice(new_stay: NewStay) -> None:
    stay = await new_stay()
    async with asyncio.timeout(1.5), asyncio.TaskGroup() as group:
        group.create_task(stay.port.speak(Speech(text="long", language="en", pcm=sine(700, 5.0, 0.25))))
        await asyncio.sleep(0.4)
        await stay.port.leave()


async def test_the_tile_is_for_all_and_kept_for_each_alone(enter: Enter, new_stay: NewStay) -> None:
    ann, bob = await enter("Ann"), await enter("Bob")
    stay = await new_stay()
    await stay.port.show(
        Tile(
            state=TileState.RECORDING,
            text="RECORDING · write stop",
            invited_by="Hana",
            page_link="https://example.test/c/abc",
            kept={seat(ann): True, seat(bob): False},
        )
    )
    await ann.wait_until(lambda: ann.kept is True, 2)
    await bob.wait_until(lambda: bob.kept is False, 2)
    assert ann.tile is not None
    assert (ann.tile["state"], ann.tile["link"]) == ("recording", "https://example.test/c/abc")


# ---- the end ---------------------------------------------------------------------------------------------------------


async def test_leaving_twice_and_after_a_failed_join_does_nothing(new_stay: NewStay, tasks: asyncio.TaskGroup) -> None:
    stay = await new_stay()
    await stay.port.leave()
    await stay.port.leave()
    assert not stay.all(Ended)
    await stay.port.hear(frozenset({SeatId("0123456789ab")}))
    assert await stay.port.post(Post(text="nobody there")) == ""
    events = len(stay.events)
    await asyncio.sleep(0.1)
    assert len(stay.events) == events
    failed = StayInRoom(tasks, "http://127.0.0.1:9/room/nowhere")
    with pytest.raises(RoomUnreachable):
        await failed.join()
    await failed.port.leave()


@pytest.mark.parametrize(
    "link", ["https://meet.google.com/abc-defg-hij", "http://127.0.0.1:1/room/AB", "ftp://x/room/abc", ""]
)
async def test_a_link_that_is_no_rooms_is_not_found(tasks: asyncio.TaskGroup, link: str) -> None:
    with pytest.raises(RoomRefused) as caught:
        await StayInRoom(tasks, link).join()
    assert caught.value.reason is LeftReason.NOT_FOUND


async def test_a_full_room_is_its_own_reason(enter: Enter, room: str, tasks: asyncio.TaskGroup) -> None:
    for number in range(8):
        await enter(f"person {number}")
    with pytest.raises(RoomRefused) as caught:
        await StayInRoom(tasks, room).join()
    assert caught.value.reason is LeftReason.ROOM_FULL


async def test_a_killed_room_is_told_at_once_and_can_be_joined_again(tasks: asyncio.TaskGroup) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    link = f"http://127.0.0.1:{port}/room/test-room"
    async with practice_process(port) as process:
        ann = ScriptedParticipant(room_link=link, name="Ann", token="token-of-ann....", clock=CLOCK, tasks=tasks)
        await ann.join()
        stay = await StayInRoom(tasks, link).join()
        await stay.port.hear(only(ann))
        process.kill()
        killed_ms = CLOCK.boot_ms()
        ended = await stay.until(Ended)
        assert ended.reason is LeftReason.CONNECTION_LOST
        assert ended.at_ms - killed_ms < 500
        events = len(stay.events)
        await stay.port.hear(NOBODY)
        await stay.port.leave()
        assert len(stay.events) == events
        await ann.leave()
    async with practice_process(port):
        again = await StayInRoom(tasks, link).join()
        assert again.all(Admitted)[0].own_seat == stay.all(Admitted)[0].own_seat
        await again.port.leave()


async def test_a_room_that_hangs_is_noticed(tasks: asyncio.TaskGroup) -> None:
    """Its process lives and answers nothing: no word for 2 s is the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with practice_process(port) as process:
        stay = await StayInRoom(tasks, f"http://127.0.0.1:{port}/room/test-room").join()
        process.send_signal(signal.SIGSTOP)
        try:
            assert (await stay.until(Ended, within_s=4)).reason is LeftReason.CONNECTION_LOST
        finally:
            process.send_signal(signal.SIGCONT)
        await stay.port.leave()


async def test_a_room_that_closes_says_so(tasks: asyncio.TaskGroup) -> None:
    async with practice_room() as link:
        stay = await StayInRoom(tasks, link).join()
    assert (await stay.until(Ended)).reason is LeftReason.CONNECTION_LOST
    await stay.port.leave()
