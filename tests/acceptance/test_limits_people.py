"""People at the limits: odd names, two of one name, floods, answers to others, silent microphones, lost connections.

Each story ends with what the person concerned is told; after all of them the data directory must verify.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, CookieJar

from bot.practice_client import JoinRefused
from consent_notice.decisions import Act
from consent_notice.words import Rule, SeatId
from tests.simulators.page_visit import link_in, visit_page
from tests.simulators.people import (
    agrees,
    answers,
    comes,
    decisions,
    ends,
    is_told,
    keeps_packets,
    kept_of,
    line,
    onrecord,
    recording_status,
    talks,
)
from tests.simulators.server import RunningServer, running_server
from tests.simulators.waiting import eventually
from tests.simulators.web_site import PASSWORD, Browser
from web.accounts import Passwords
from web.practice.participant import ScriptedParticipant

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]
SCRIPT = "<script>alert(1)</script>"
EMOJI = "🦊" * 300
FRAME_MS = 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServer]:
    """One for all stories, each in a meeting of its own."""
    async with running_server(tmp_path_factory.mktemp("limits") / "data") as running:
        yield running


async def test_two_people_of_one_name_answer_each_for_themselves(server: RunningServer) -> None:
    meeting = await server.meeting(Rule.EACH_VOICE)
    first, second = [await comes(server, meeting, "Alex") for _ in range(2)]
    await agrees(first)
    await answers(second, "record no")
    await is_told(first, "thanks_given_no_transcript_each_voice")
    await is_told(second, "thanks_refused")
    assert first.kept is True
    assert second.kept is not True
    # A name alone can't tell them apart: a no under it counts for both, and each can say yes again.
    notice = await second.wait_for_chat(lambda read: read.is_notice)
    async with visit_page(link_in(notice.text)) as page:
        await page.refuse_as("alex")
    await first.wait_until(lambda: first.kept is False)
    visit = await ends(server, meeting)
    assert (await decisions(server, visit))[-2:] in (
        [(first.seat, Act.WITHDRAW), (second.seat, Act.REFUSE)],
        [(second.seat, Act.REFUSE), (first.seat, Act.WITHDRAW)],
    )
    for person in (first, second):
        await person.leave()


async def test_a_script_as_a_name_is_only_ever_text(server: RunningServer) -> None:
    meeting = await server.meeting(Rule.EACH_VOICE, title=SCRIPT)
    person = await comes(server, meeting, SCRIPT)
    await agrees(person)
    await person.tone(440.0, 1.0)
    visit = await server.visit(meeting.id, lambda visit: visit.state == "in_room")
    await keeps_packets(server, visit.id, person.seat)
    await ends(server, meeting)
    await person.leave()
    status = await recording_status(server.settings.data_dir, visit.id)
    assert status["participants"][0]["name"] == SCRIPT
    assert status["participants"][0]["kept_s"] > 0
    await server.store.users.create(
        email="admin@example.org", name=SCRIPT, role="admin", password_hash=await Passwords().hash(PASSWORD)
    )
    pages = ("/review", f"/review/{visit.id}", "/recordings", f"/recordings/{visit.id}")
    shown = 0
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        browser = Browser(session, server.settings.public_url)
        await browser.sign_in("admin@example.org")
        for path in pages:
            text = await browser.open(path)
            assert SCRIPT not in text
            shown += html.escape(SCRIPT) in text
    assert shown, "the name is on the pages, as text"


async def test_three_hundred_emoji_are_too_long_a_name_and_eighty_are_not(server: RunningServer) -> None:
    meeting = await server.meeting(Rule.EACH_VOICE)
    with pytest.raises(JoinRefused) as refused:
        await comes(server, meeting, EMOJI)
    assert refused.value.code == "name"
    person = await comes(server, meeting, EMOJI[:80])
    await agrees(person)
    await is_told(person, "thanks_given_no_transcript_each_voice")
    visit = await ends(server, meeting)
    await person.leave()
    status = await recording_status(server.settings.data_dir, visit)
    assert status["participants"][0]["name"] == EMOJI[:80]


async def test_a_withdrawal_counts_at_once_in_a_flood(server: RunningServer) -> None:
    meeting = await server.meeting(Rule.EACH_VOICE)
    person, *floods = [await comes(server, meeting, name) for name in ("Maria", "Bo", "Cy", "Di")]
    await agrees(person)
    async with asyncio.TaskGroup() as at_once:
        talking = at_once.create_task(talks(person))
        for flood in floods:
            for number in range(30):
                at_once.create_task(flood.chat(f"record yes! stop {number}"))
        await eventually(lambda: sum(len(flood.errors) for flood in floods) > 10, "the room stems the flood")
        said_ms = server.clock.boot_ms()
        await person.chat("stop", to=person.bot_seat)
        await person.wait_until(lambda: not person.forwarding[-1].on)
        await is_told(person, "thanks_withdrawn")
        talking.cancel()
    assert all("flood" in flood.errors for flood in floods), "each is told why their message was not sent"
    visit = await ends(server, meeting)
    kept = await kept_of(server, visit)
    assert all(frame.ends_ms <= said_ms + 2 * FRAME_MS for frame in kept.get(SeatId(person.seat), []))
    assert set(kept) <= {person.seat}
    for one in (person, *floods):
        await one.leave()


async def test_a_yes_to_somebody_else_is_no_yes(server: RunningServer) -> None:
    meeting = await server.meeting(Rule.EACH_VOICE)
    asks, says = [await comes(server, meeting, name) for name in ("Maria", "Jonas")]
    for person in (asks, says):
        await person.wait_for_chat(lambda read: read.is_notice)
    question = await asks.chat("Shall we take Thursday?")
    await says.chat("yes", reply_to=question)
    await says.chat("yes, I agree")
    await says.chat("record why", to=says.bot_seat)
    await is_told(says, "explanation")  # nothing is kept of them; whatever they had said before was taken for no yes
    assert says.kept is not True
    assert not [read for read in says.messages if line("thanks_given_no_transcript_each_voice") in read.text]
    await agrees(says)
    visit = await ends(server, meeting)
    assert [act for seat, act in await decisions(server, visit) if seat == says.seat] == [Act.GIVE]
    for person in (asks, says):
        await person.leave()


async def test_a_microphone_that_never_sends_leaves_a_true_record_of_nothing(server: RunningServer) -> None:
    meeting = await server.meeting(Rule.EACH_VOICE)
    person = await comes(server, meeting, "Maria")
    await agrees(person)
    await is_told(person, "thanks_given_no_transcript_each_voice")
    visit = await ends(server, meeting)
    await person.leave()
    assert await kept_of(server, visit) == {}
    status = await recording_status(server.settings.data_dir, visit)
    assert status["participants"] == [{"name": "Maria", "consent_status": "given", "kept_s": 0.0, "words": 0}]


async def test_somebody_vanishes_in_the_middle_of_a_sentence(server: RunningServer) -> None:
    meeting = await server.meeting(Rule.EACH_VOICE)
    person, other = [await comes(server, meeting, name) for name in ("Maria", "Jonas")]
    await agrees(person)
    visit = await server.visit(meeting.id, lambda visit: visit.state == "in_room")
    async with asyncio.TaskGroup() as at_once:
        at_once.create_task(talks(person))
        await keeps_packets(server, visit.id, person.seat)
        gone_ms = server.clock.boot_ms()
        await person.vanish()
    await other.wait_until(lambda: person.seat not in other.people)
    await eventually(lambda: other.tile is not None and other.tile["state"] != "recording", "the room sees the pause")

    async def has_left() -> bool:
        return not any(
            seat.is_present for seat in await server.store.visits.seats(visit.id) if seat.seat == person.seat
        )

    await eventually(has_left, "the bot has noted it")
    await ends(server, meeting)
    await other.leave()
    kept = (await kept_of(server, visit.id))[SeatId(person.seat)]
    assert kept[-1].ends_ms <= gone_ms + 1_000
    assert (await recording_status(server.settings.data_dir, visit.id))["participants"][0]["kept_s"] > 0


def _is_kept(person: ScriptedParticipant) -> bool:
    return person.kept is True


async def test_under_everyone_nothing_is_kept_between_a_late_join_and_its_yes(server: RunningServer) -> None:
    meeting = await server.meeting(Rule.EVERYONE)
    people = [await comes(server, meeting, name) for name in ("Maria", "Jonas")]
    async with asyncio.TaskGroup() as at_once:
        talking = [at_once.create_task(talks(person)) for person in people]
        for person in people:
            await answers(person, "record yes")
        await people[0].wait_until(lambda: people[0].kept is True)
        visit = await server.visit(meeting.id, lambda visit: visit.state == "in_room")
        await keeps_packets(server, visit.id, people[0].seat)
        await asyncio.sleep(1)
        late = await comes(server, meeting, "Lena")
        joined_ms = server.clock.boot_ms()
        talking.append(at_once.create_task(talks(late)))
        await late.wait_for_chat(lambda read: read.is_notice and read.to == late.seat)
        await is_told(people[0], "recording_paused", alone=False)
        await asyncio.sleep(1)
        agreed_ms = server.clock.boot_ms()
        await answers(late, "record yes")
        for person in (*people, late):  # by voice and by sign: the chat has had its share of messages
            await person.wait_until(partial(_is_kept, person))
        await asyncio.sleep(1.5)
        for talk in talking:
            talk.cancel()
    await ends(server, meeting)
    frames = [frame for of_seat in (await kept_of(server, visit.id)).values() for frame in of_seat]
    assert [frame for frame in frames if frame.ends_ms > joined_ms and frame.captured_ms < agreed_ms] == []
    assert any(frame.ends_ms <= joined_ms for frame in frames)
    assert any(frame.captured_ms >= agreed_ms for frame in frames)
    for person in (*people, late):
        await person.leave()


async def test_the_data_of_all_these_verifies_from_a_shell(server: RunningServer) -> None:
    code, printed = await onrecord(Path(server.settings.data_dir), "verify")
    assert (code, printed.startswith("no fault in")) == (0, True), printed
