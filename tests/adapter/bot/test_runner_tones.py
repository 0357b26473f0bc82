"""Five people with tones of their own at once, heard by a browser bot: what is on disk is each one's by their own yes,
byte for byte as they sent it. In a replica whose bridge sends all, and in the page that Janus' own demos bring.
"""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest

from bot.browser.reading import Messages
from bot.browser.room import BrowserRoom
from bot.browser.script import Chat, PageFact, PageScript, Signal
from bot.opus import SpokenLine
from bot.ports import ChatSaid, LeftReason
from bot.rooms import jitsi
from consent_notice.words import Rule, SeatId
from storage.visits import VisitRow
from tests.adapter.bot.conftest import CLOCK, BotAtWork, until
from tests.adapter.bot.test_runner_pages import Visiting
from tests.simulators import janus_page
from tests.simulators.janus_page import janus_pages
from tests.simulators.janus_server import JanusPerson, janus_server
from tests.simulators.jitsi_replica import JitsiReplica
from tests.simulators.practice_people import tasks
from tests.simulators.tone_people import BASES_HZ, Sender, Way, measure, read_back
from tests.simulators.tones import Mouth, timeline
from web.practice.participant import Spoken

NAMES = ("ann", "ben", "cia", "dan", "eve")
HZ = (*BASES_HZ, 2_911.3)
BEFORE_S, SPEAKS_S, AFTER_S = 1.0, 4.0, 2.0
ISOLATION_DB = 50.0
LATEST_END_MS = 40
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


class FiveLines(JitsiReplica):
    LINES: ClassVar[list[tuple[str, str]]] = [(f"s{line}", f"track-{line}") for line in range(5)]

    def __init__(self, tasks: Any, first: str) -> None:
        super().__init__(tasks, first)
        self.is_old = True
        self.voices: dict[int, SpokenLine] = {}  # a line goes on whoever speaks on it

    def voice(self, line: int) -> SpokenLine:
        assert self.peer is not None
        if line not in self.voices:
            self.voices[line] = SpokenLine(self.peer.outgoing[line + 1], CLOCK)
        return self.voices[line]


class Person:
    def __init__(self, replica: FiveLines, name: str, line: int) -> None:
        self.name = self.seat = name
        self._replica, self._line = replica, line

    async def say_packets(self, packets: list[bytes]) -> Spoken:
        starts_ms, ends_ms = await self._replica.voice(self._line).say(packets)
        return Spoken(start_ms=starts_ms, end_ms=ends_ms, sent_ms=ends_ms - starts_ms)


class Speaks(Protocol):
    name: str

    @property
    def seat(self) -> str: ...

    async def say_packets(self, packets: list[bytes]) -> Spoken: ...


def sender(person: Speaks, hz: float, *, agrees: bool = True, leaves: bool = False) -> Sender:
    """A tone before the yes, another from it on, a third from the withdrawal on."""
    spans = [(hz, BEFORE_S), (hz + 200, SPEAKS_S), (hz + 400, AFTER_S)]
    if not agrees:
        spans = [(hz, BEFORE_S + SPEAKS_S + AFTER_S)]
    elif not leaves:
        spans = [(hz, BEFORE_S), (hz + 200, SPEAKS_S + AFTER_S)]
    return Sender(
        base_hz=hz,
        mouth=Mouth(person, timeline(spans)),  # type: ignore[arg-type]
        agrees=Way.CHAT if agrees else Way.NEVER,
        withdraws=Way.CHAT if leaves else Way.NEVER,
        before_s=BEFORE_S,
        agreed_s=SPEAKS_S,
    )


def five(people: Sequence[Speaks]) -> list[Sender]:
    """Two stay, two take it back, one never agrees."""
    leaves, agrees = (False, True, True, False, False), (True, True, True, True, False)
    each = zip(people, HZ, leaves, agrees, strict=True)
    return [sender(person, hz, agrees=yes, leaves=no) for person, hz, no, yes in each]


async def play(one: Sender, write: Callable[[str], Awaitable[None]]) -> None:
    await one.mouth.say(BEFORE_S)
    if one.agrees is Way.NEVER:
        return await one.mouth.say()
    async with asyncio.TaskGroup() as at_once:
        at_once.create_task(write("record yes"))  # type: ignore[arg-type]
        at_once.create_task(one.mouth.say(SPEAKS_S))
    one.no_ms = CLOCK.boot_ms() if one.withdraws is Way.CHAT else None
    async with asyncio.TaskGroup() as at_once:
        if one.no_ms is not None:
            at_once.create_task(write("stop"))  # type: ignore[arg-type]
        at_once.create_task(one.mouth.say())
    return None


async def check(at_work: BotAtWork, visit: VisitRow, everybody: list[Sender]) -> None:
    """Each is kept by their own yes, and nobody else's sound in it."""
    await read_back(at_work.store, visit, everybody)
    for one in everybody:
        if one.agrees is Way.NEVER:
            assert one.kept == []
            continue
        found = measure(one, everybody)
        print(found, "begins", found.first_ms - one.yes_logged_ms, "ends", one.no_ms and found.last_ms - one.no_ms)
        assert found.early_ms == 0
        assert found.first_ms >= one.yes_logged_ms - 2
        assert found.isolation_db >= ISOLATION_DB
        assert found.kept_ms >= 500 * SPEAKS_S
        if one.no_ms is not None:
            assert found.late_ms <= LATEST_END_MS
            assert found.last_ms <= one.no_ms + LATEST_END_MS
    at_work.check()


@pytest.mark.nightly
async def test_five_people_at_once_and_one_who_takes_over_anothers_track(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    async with FiveLines.running(tmp_path / "ca", tasks) as replica:
        visiting = Visiting(at_work, jitsi.SCRIPT, replica.ADDRESS, Rule.EACH_VOICE, flags=replica.flags)
        await visiting.begin(tasks)
        await replica.until("followed")
        await replica.enter("")
        people = five([Person(replica, name, line) for line, name in enumerate(NAMES)])
        for line, one in enumerate(people):
            await replica.joins(one.name, one.name, line)
        await until(lambda: sum("whisper" in done for done in replica.did) or len(notices(replica)), 20)
        await asyncio.sleep(1.5)  # until all were asked
        async with asyncio.TaskGroup() as together:
            for one in people:
                together.create_task(play(one, partial(replica.writes, one.name)))
        await replica.say(gone="dan")  # and Fay comes on his very track and source
        await replica.joins("fay", "fay", 3)
        fay = sender(Person(replica, "fay", 3), HZ[3] + 700, agrees=False)
        await fay.mouth.say()
        await replica.say(failed="conference.destroyed")
        visit = await visiting.over()
        assert visit.left_reason == LeftReason.MEETING_ENDED
        await check(at_work, visit, [*people, fay])


def notices(replica: JitsiReplica) -> list[str]:
    return [done["chat"] for done in replica.did if "/c/" in done.get("chat", "")]


@pytest.mark.janus
async def test_five_people_at_once_in_a_page_and_a_server_of_others(
    at_work: BotAtWork, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    """Janus and its demos' page; once somebody left, the page shows who comes next on the very line of theirs."""
    async with janus_server(tmp_path / "janus") as server, janus_pages(server) as link:
        inside = [JanusPerson(server, name, tasks) for name in NAMES]
        for person in inside:
            await person.join(writes=False)
        visiting = Visiting(at_work, with_chat(janus_page.SCRIPT), link, Rule.EACH_VOICE)
        await visiting.begin(tasks)
        await until(lambda: asked_on(visiting), 30)
        await asyncio.sleep(1.5)  # until all were asked
        people = five(inside)
        async with asyncio.TaskGroup() as together:
            for one, person in zip(people, inside, strict=True):
                together.create_task(play(one, partial(said_on_the_page, visiting.room, person.seat)))
        await inside[3].leave()
        new = JanusPerson(server, "fay", tasks)
        await new.join(writes=False)
        fay = sender(new, HZ[3] + 700, agrees=False)
        await asyncio.sleep(1)
        await fay.mouth.say()
        for person in (*inside[:3], inside[4], new):
            await person.leave()
        await check(at_work, await visiting.over(), [*people, fay])


class ChattingReader(janus_page.JanusPageReader):
    def __init__(self) -> None:
        super().__init__()
        self._messages = Messages()
        self.lines: list[str] = []

    def take(self, signal: Signal) -> Iterable[PageFact]:
        if signal.kind != "message":
            return super().take(signal)
        self.lines.append(signal.value["text"])
        said = ChatSaid(
            message_id=signal.value["id"],
            seat=SeatId(signal.value["from"]),
            text=signal.value["text"],
            reply_to=None,
            to_bot_only=False,
            at_ms=signal.at_ms,
        )
        return list(self._messages.said(said, is_own=not signal.value["from"]))

    def own_message(self, text: str) -> str | None:
        return self._messages.own(text)


def with_chat(script: PageScript) -> PageScript:
    """The demos' page has none: here it is told what is written as pages with a chat tell it."""
    hook = """
    window.testChat = (from, text) => onrecord.tell("message", { id: crypto.randomUUID(), from, text });
    window.testWrite = (text) => testChat("", text);
    """
    return replace(
        script,
        capabilities=replace(script.capabilities, can_chat=True),
        chat=Chat(hook="testWrite"),
        hooks=script.hooks + hook,
        reader=ChattingReader,
    )


def asked_on(visiting: Visiting) -> bool:
    reader = visiting.room._reader if hasattr(visiting, "room") else None
    return isinstance(reader, ChattingReader) and any("/c/" in text for text in reader.lines)


async def said_on_the_page(room: BrowserRoom, seat: str, text: str) -> None:
    await room._chromium.ask("({ seat, text }) => testChat(seat, text)", {"seat": seat, "text": text})
