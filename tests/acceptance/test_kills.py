"""Processes die by SIGKILL in the middle of a meeting: nothing acknowledged is lost, and nothing is kept without a yes.

Each meeting has one death, of a drawn process at a drawn moment, while everybody talks and answers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Decided, Means
from consent_notice.words import Purpose, Rule, SeatId, SegmentId
from storage.parts import StoredFrame
from storage.verify import verify
from storage.visits import VisitRow
from tests.simulators.server import RunningServer, running_server
from tests.simulators.short_meeting import Attendee, ShortMeeting
from tests.simulators.speech import human_prompt
from tests.simulators.tones import level_db, tuned_in
from tests.simulators.waiting import eventually
from web.practice.participant import ScriptedParticipant

LIVE_ROLES = ("bots", "practice", "web")
LATEST_KILL_S = 7.0
BACK_WITHIN_MS = 10_000
SETTLED_LOSS_MS = 1_000  # law 10
SETTLES_MS = 400  # what was not settled yet may be missing too: settling, one tick, one word of room and feed
ISOLATION_DB = 50.0
RUN_OF_FRAMES = 25  # half a second that follows on without a gap
TRANSCRIBED_WITHIN_S = 120.0
KILLED_WITHIN_S = 0.8  # of its beginning; a fast machine is through with these few words in 2.5 s


@asynccontextmanager
async def going_on(meeting: ShortMeeting) -> AsyncIterator[None]:
    """Everybody talks and answers inside, and leaves at its end."""
    await meeting.join()
    async with asyncio.TaskGroup() as tasks:
        lives = [tasks.create_task(life()) for one in meeting.people for life in (one.talk, one.answer)]
        try:
            yield
        finally:
            for life in lives:
                life.cancel()
    await meeting.leave()


async def kill_in_a_meeting(server: RunningServer, seed: int, role: str) -> None:
    draw = random.Random(seed)
    row = await server.meeting(Rule.EACH_VOICE)
    meeting = await ShortMeeting.invite(server, row)
    maria, jonas, rafael = meeting.agrees, meeting.on_page, meeting.refuses
    async with going_on(meeting):
        await maria.person.wait_for_chat(lambda message: message.is_notice)
        bot_seat = maria.person.bot_seat
        await asyncio.sleep(draw.uniform(0.2, LATEST_KILL_S))
        had_answered = [one for one in meeting.people if one.thanked]
        was_heard = [one for one in (maria, jonas) if is_heard_since(one, server.clock.boot_ms() - 2_000)]
        killed_ms = server.clock.boot_ms()
        server.kill(role)
        if role in ("bots", "practice"):
            await bot_comes_back(meeting, killed_ms)
            assert maria.person.bot_seat == bot_seat
        for one in (maria, jonas):
            await eventually(partial(is_kept, one), "their voice is kept again")
        confirmed = len(jonas.nonces)
        await eventually(lambda: len(jonas.nonces) > confirmed, "the page takes answers again")
        await eventually(lambda: rafael.thanked, "the refusal is acknowledged")
        went_on_ms = server.clock.boot_ms()
        await asyncio.sleep(1.5)
        asked_again = [one for one in had_answered if one.notices_after(killed_ms)]
    if role in ("bots", "practice"):
        assert asked_again == [one for one in had_answered if one is maria], "only a yes said in the room is asked anew"
    else:
        assert asked_again == []
    await server.store.meetings.stop(row.id)
    visit = await server.ended(row.id)
    await check_nothing_acknowledged_is_lost(server, meeting, visit)
    kept = await kept_by_segment(server, visit)
    check_only_who_agreed(meeting, kept)
    for one in (maria, jonas):
        frames = [frame for seat, segment in kept if seat == one.person.seat for frame in segment]
        assert max(frame.ends_ms for frame in frames) > went_on_ms, "it went on after the kill"
        if one in was_heard:
            last_ms = max(frame.ends_ms for frame in frames if frame.captured_ms < killed_ms)
            assert killed_ms - last_ms <= SETTLED_LOSS_MS + SETTLES_MS
    report = await asyncio.to_thread(verify, server.settings.data_dir)
    assert report.faults == []


def is_kept(attendee: Attendee) -> bool:
    return attendee.person.ended is None and is_told_kept(attendee.person)


def is_told_kept(person: ScriptedParticipant) -> bool:
    return person.kept is True


def is_heard_since(attendee: Attendee, since_ms: int) -> bool:
    told = attendee.person.forwarding
    return bool(told) and told[-1].on and told[-1].at_ms <= since_ms


async def bot_comes_back(meeting: ShortMeeting, killed_ms: int) -> None:
    """As a person sees it, who may have to come back to the room themselves first."""
    person = meeting.agrees.person
    await eventually(lambda: person.ended is not None or person.bot_seat is None, "the bot is gone")
    await eventually(lambda: person.ended is None and person.bot_seat is not None, "the bot is back")
    assert meeting.server.clock.boot_ms() - killed_ms <= BACK_WITHIN_MS


async def check_nothing_acknowledged_is_lost(server: RunningServer, meeting: ShortMeeting, visit: VisitRow) -> None:
    decided = [entry.event for entry in await server.entries(visit.id) if isinstance(entry.event, Decided)]

    def answers(attendee: Attendee, means: Means) -> dict[str, Act | None]:
        """What each message of theirs, the last word of its id, said about recording."""
        return {
            event.message_id.rpartition(":")[2]: dict(event.acts).get(Purpose.RECORDING)
            for event in decided
            if event.seat == attendee.person.seat and event.means is means
        }

    for attendee, act in ((meeting.agrees, Act.GIVE), (meeting.refuses, Act.REFUSE)):
        logged = answers(attendee, Means.CHAT)
        assert attendee.thanked
        assert {message: logged.get(message) for message in attendee.thanked} == dict.fromkeys(attendee.thanked, act)
    on_page = answers(meeting.on_page, Means.PAGE)
    assert on_page.get(meeting.on_page.code) is Act.GIVE
    assert [nonce for nonce in meeting.on_page.nonces if on_page.get(nonce) is not Act.GIVE] == []


async def kept_by_segment(server: RunningServer, visit: VisitRow) -> list[tuple[SeatId, list[StoredFrame]]]:
    found = []
    for row in await server.store.tracks.segments(visit.id):
        (seat,) = row.seats
        found.append((seat, await asyncio.to_thread(frames_of, server, row.id)))
    return found


def frames_of(server: RunningServer, segment: SegmentId) -> list[StoredFrame]:
    return list(server.store.tracks.read(segment)[1])


def check_only_who_agreed(meeting: ShortMeeting, kept: Iterable[tuple[SeatId, list[StoredFrame]]]) -> None:
    """The refusing person's packets are nowhere, and their tone is 50 dB below whatever is there."""
    theirs = set(meeting.refuses.mouth.packets)
    who = {attendee.person.seat: attendee for attendee in (meeting.agrees, meeting.on_page)}
    for seat, frames in kept:
        assert theirs.isdisjoint(frame.payload for frame in frames)
        if seat not in who:
            continue  # what the bot said itself
        for run in unbroken(frames):
            sound = tuned_in([frame.payload for frame in run], who[seat].mouth.packets)
            assert level_db(sound, meeting.refuses.hz) <= level_db(sound, who[seat].hz) - ISOLATION_DB


def unbroken(frames: list[StoredFrame]) -> Iterable[list[StoredFrame]]:
    run: list[StoredFrame] = []
    for frame in frames:
        if run and frame.rtp_timestamp - run[-1].rtp_timestamp != 960:
            run = []
        run.append(frame)
        if len(run) == RUN_OF_FRAMES:
            yield run
            run = []


@pytest.mark.timeout(180)
async def test_bot_web_and_room_killed_in_a_meeting(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        for seed, role in enumerate(LIVE_ROLES):
            await kill_in_a_meeting(server, seed, role)
    report = await asyncio.to_thread(verify, tmp_path / "data")
    assert report.faults == []
    assert report.parts > 0


@pytest.mark.nightly
@pytest.mark.timeout(1_800)
async def test_twenty_kills(tmp_path: Path) -> None:
    for seed in range(100, 120):
        role = random.Random(seed).choice((*LIVE_ROLES, "transcribe"))
        data_dir = tmp_path / str(seed)
        if role == "transcribe":
            await kill_while_transcribing(data_dir, seed)
            continue
        async with running_server(data_dir) as server:
            await kill_in_a_meeting(server, seed, role)
        assert (await asyncio.to_thread(verify, data_dir)).faults == []


# ---- after the meeting -----------------------------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.timeout(180)
async def test_transcription_killed(tmp_path: Path) -> None:
    await kill_while_transcribing(tmp_path / "data", seed=0)


async def kill_while_transcribing(data_dir: Path, seed: int) -> None:
    draw = random.Random(seed)
    async with running_server(data_dir, transcription={"enabled": True}) as server:
        row = await server.meeting(Rule.EACH_VOICE)
        people = [server.person(row, name) for name in ("Maria", "Jonas", "Rafael")]
        for person in people:
            await person.join()
        maria, jonas, rafael = people
        for person, words in zip(people, ("record yes", "record yes", "record no"), strict=True):
            notice = await person.wait_for_chat(lambda message: message.is_notice)
            await person.chat(words, reply_to=notice.message_id, to=person.bot_seat)
        for person in (maria, jonas):
            await person.wait_until(partial(is_told_kept, person))
        said = human_prompt("demo-congrats").pcm
        for person in (maria, jonas, rafael):
            await person.say_pcm(said[: 48_000 * 2 * 6])
        for person in people:
            await person.leave()
        await server.store.meetings.stop(row.id)
        await server.visit(row.id, lambda visit: visit.transcription_state == "running", 60.0)
        await asyncio.sleep(draw.uniform(0.0, KILLED_WITHIN_S))
        server.kill("transcribe")
        visit = await server.visit(
            row.id, lambda visit: visit.transcription_state not in ("waiting", "running"), TRANSCRIBED_WITHIN_S
        )
        assert visit.transcription_state == "done"
        assert visit.transcription_tries >= 2, "it was killed at its work"
        transcripts = await server.store.transcripts.of_visit(visit.id)
        assert sorted(transcript.seat for transcript in transcripts) == sorted([maria.seat, jonas.seat])
        assert all(transcript.words >= 8 for transcript in transcripts)
    report = await asyncio.to_thread(verify, data_dir)
    assert report.faults == []
    assert report.transcripts == 2
