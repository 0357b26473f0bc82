"""A meeting on a conference server that others wrote, Debian's Janus: five people with tones of their own at once.

What is on disk afterwards is opened and measured, as in the practice room (`test_tones`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.ports import LeftReason
from consent_notice.words import Rule, SeatKind
from storage.meetings import MeetingState
from storage.verify import verify
from tests.simulators.janus_server import ROOM, JanusPerson, JanusServer, janus_server
from tests.simulators.page_visit import link_in, visit_page
from tests.simulators.server import RunningServer, running_server
from tests.simulators.tone_people import BASES_HZ, Sender, Way, measure, read_back
from tests.simulators.tones import Mouth, timeline

pytestmark = pytest.mark.janus
PAGES = "https://talk.example.org/videoroom.html?room={room}"
LINK = PAGES.format(room=ROOM)
HZ = (*BASES_HZ, 2_911.3)
ISOLATION_DB = 50.0
LATEST_END_MS = 40
SPEAKS_S, AFTER_S = 4.0, 2.0


@pytest.fixture
async def janus(tmp_path: Path) -> AsyncIterator[JanusServer]:
    async with janus_server(tmp_path / "janus") as server:
        yield server


@pytest.fixture
async def server(tmp_path: Path, janus: JanusServer) -> AsyncIterator[RunningServer]:
    roles = ("web", "bots")
    async with running_server(tmp_path / "data", roles=roles, janus_rooms=(PAGES,), janus_api=janus.api) as running:
        yield running


class Speaker:
    """One person: a tone before the yes, another from it on, a third from the withdrawal on."""

    def __init__(
        self, janus: JanusServer, tasks: asyncio.TaskGroup, name: str, *, hz: float, ways: tuple[Way, Way]
    ) -> None:
        """`ways`: how they agree, and how they withdraw."""
        agrees, leaves = ways
        self.person = JanusPerson(janus, name, tasks)
        spans = [(hz, 1.0), (hz + 200, SPEAKS_S), (hz + 400, AFTER_S)]
        if agrees is Way.NEVER:
            spans = [(hz, 1.0 + SPEAKS_S + AFTER_S)]
        elif leaves is Way.NEVER:
            spans = [(hz, 1.0), (hz + 200, SPEAKS_S + AFTER_S)]
        self.sender = Sender(
            base_hz=hz,
            mouth=Mouth(self.person, timeline(spans)),  # type: ignore[arg-type]
            agrees=agrees,
            withdraws=leaves,
            before_s=1.0,
            agreed_s=SPEAKS_S,
        )

    async def notice(self) -> str:
        async with asyncio.timeout(30):
            while not any("/c/" in written.text for written in self.person.read):
                await asyncio.sleep(0.02)
        return next(written.text for written in self.person.read if "/c/" in written.text)

    async def play(self) -> None:
        sender, mouth = self.sender, self.sender.mouth
        link = link_in(await self.notice())
        async with AsyncExitStack() as open_pages:
            page = await open_pages.enter_async_context(visit_page(link))
            yes = await page.agree() if sender.agrees is Way.PAGE else "record yes"
            await mouth.say(sender.before_s)
            if sender.agrees is Way.NEVER:
                await mouth.say()
                return
            async with asyncio.TaskGroup() as at_once:
                at_once.create_task(self.person.write(yes))
                at_once.create_task(mouth.say(sender.agreed_s))
            if sender.withdraws is Way.NEVER:
                await mouth.say()
                return
            async with asyncio.TaskGroup() as at_once:
                sender.no_ms = self.person.clock.boot_ms()
                at_once.create_task(self.person.write("stop"))
                at_once.create_task(mouth.say())


async def test_five_people_at_once_and_each_is_kept_by_their_own_yes(janus: JanusServer, server: RunningServer) -> None:
    ways = ((Way.CHAT, Way.NEVER), (Way.PAGE, Way.NEVER), (Way.CHAT, Way.CHAT), (Way.PAGE, Way.CHAT),
            (Way.NEVER, Way.NEVER))  # fmt: skip
    names = ("Ann", "Ben", "Cia", "Dan", "Eve")
    speakers = [
        Speaker(janus, server.tasks, name, hz=hz, ways=how) for name, hz, how in zip(names, HZ, ways, strict=True)
    ]
    for speaker in speakers:
        await speaker.person.join()
    meeting = await server.meeting(Rule.EACH_VOICE, link=LINK, platform="janus")
    visit = await server.visit(meeting.id, lambda visit: visit.state == "in_room")
    seats = await server.store.visits.seats(visit.id)
    bot = next(seat.seat for seat in seats if seat.kind is SeatKind.BOT)
    await speakers[0].person.listen_to(int(bot))
    async with asyncio.TaskGroup() as together:
        for speaker in speakers:
            together.create_task(speaker.play())
    await asyncio.sleep(0.5)
    assert speakers[0].person.heard, "nobody could hear the bot ask"
    for speaker in speakers:
        await speaker.person.leave()
    senders = [speaker.sender for speaker in speakers]
    await read_back(server.store, await server.ended(meeting.id), senders)
    for sender in senders:
        if sender.agrees is Way.NEVER:
            assert sender.kept == []
            continue
        found = measure(sender, senders)
        print(
            found,
            "begins",
            found.first_ms - sender.yes_logged_ms,
            "ends",
            sender.no_ms and found.last_ms - sender.no_ms,
        )
        assert found.early_ms == 0
        assert found.first_ms >= sender.yes_logged_ms - 2
        assert found.isolation_db >= ISOLATION_DB
        assert found.kept_ms >= 500 * sender.agreed_s
        if sender.no_ms is not None:
            assert found.late_ms <= LATEST_END_MS
            assert found.last_ms <= sender.no_ms + LATEST_END_MS
    assert verify(server.settings.data_dir).faults == []


@pytest.mark.nightly
async def test_a_server_that_dies_is_waited_for_and_nothing_is_kept_meanwhile(
    janus: JanusServer, server: RunningServer
) -> None:
    ann = Speaker(janus, server.tasks, "Ann", hz=HZ[0], ways=(Way.CHAT, Way.NEVER))
    await ann.person.join()
    meeting = await server.meeting(Rule.EVERYONE, link=LINK, platform="janus")
    await ann.notice()
    await janus.kill()
    await ann.person.leave()
    await server.visit(meeting.id, lambda visit: visit.epoch >= 2)
    await janus.start()
    again = Speaker(janus, server.tasks, "Ann", hz=HZ[1], ways=(Way.CHAT, Way.NEVER))
    await again.person.join()
    await again.play()
    await again.person.leave()
    visit = await server.ended(meeting.id)
    assert visit.left_reason == LeftReason.EVERYONE_LEFT
    await read_back(server.store, visit, [again.sender])
    assert measure(again.sender, [again.sender, ann.sender]).early_ms == 0
    row = await server.store.meetings.get(meeting.id)
    assert row is not None
    assert row.state is MeetingState.DONE
