"""The bot in a page that others wrote, over a server that others wrote: Debian's janus-demos in a real Chromium."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bot.browser import listening
from bot.browser.room import SILENT_MS, BrowserRoom
from bot.browser.script import Line
from bot.ports import (
    Admitted,
    Ended,
    Heard,
    Joined,
    JoinRequest,
    Left,
    LeftReason,
    PageSnapshot,
    RoomRefused,
    RosterKnownUntil,
    Speech,
)
from config.clock import SystemClock
from consent_notice.words import SeatId
from tests.simulators.janus_page import SCRIPT, janus_pages
from tests.simulators.janus_server import JanusPerson, JanusServer, janus_server
from tests.simulators.practice_people import tasks
from tests.simulators.told import Told
from tests.simulators.tones import decoded, level_db
from web.practice.participant import sine

CLOCK = SystemClock()
CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")
ANN_HZ, BEN_HZ, CIA_HZ = 517.3, 1_131.7, 1_749.1
pytestmark = [pytest.mark.browser, pytest.mark.janus, pytest.mark.timeout(120)]


class Stay(Told):
    def __init__(self, link: str, tasks: asyncio.TaskGroup, program: Path) -> None:
        super().__init__()
        self.snapshots: list[PageSnapshot] = []
        self.left_the_browser = 0  # frames of sound
        self.request = JoinRequest(
            link=link,
            name="onrecord",
            invited_by="Hana",
            resume_token="token",
            keep_snapshot=self.snapshots.append,
        )
        self.room = BrowserRoom(script=SCRIPT, program=program, token="t0ken", clock=CLOCK, tasks=tasks)
        take = self.room._tap._on_frame

        def count(tapped: Any) -> None:
            self.left_the_browser += 1
            take(tapped)

        self.room._tap._on_frame = count

    async def join(self) -> None:
        await self.room.join(self.request, self.push)
        await self.until(Admitted)

    def sound_of(self, seat: SeatId) -> list[bytes]:
        return [event.frame.payload for event in self.all(Heard) if event.frame.speakers == frozenset({seat})]


NewStay = Callable[..., Awaitable[Stay]]
Enter = Callable[..., Awaitable[JanusPerson]]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[JanusServer]:
    async with janus_server(tmp_path / "janus") as running:
        yield running


@pytest.fixture
async def page(server: JanusServer) -> AsyncIterator[str]:
    async with janus_pages(server) as link:
        yield link


@pytest.fixture
async def new_stay(page: str, tasks: asyncio.TaskGroup) -> AsyncIterator[NewStay]:
    stays: list[Stay] = []

    async def new(*, program: Path = CHROMIUM, joins: bool = True) -> Stay:
        stays.append(Stay(page, tasks, program))
        if joins:
            await stays[-1].join()
        return stays[-1]

    yield new
    for stay in stays:
        await stay.room.leave()


@pytest.fixture
async def enter(server: JanusServer, tasks: asyncio.TaskGroup) -> AsyncIterator[Enter]:
    inside: list[JanusPerson] = []

    async def enter(name: str, hz: float) -> JanusPerson:
        inside.append(JanusPerson(server, name, tasks))
        await inside[-1].join(writes=False)
        inside[-1].talk(hz)
        return inside[-1]

    yield enter
    for person in inside:
        await person.leave()


async def test_each_voice_comes_apart_once_it_is_wanted_and_nothing_before(enter: Enter, new_stay: NewStay) -> None:
    ann, ben = await enter("Ann", ANN_HZ), await enter("Ben", BEN_HZ)
    stay = await new_stay()
    await stay.until(Joined, count=2)
    await asyncio.sleep(2)
    assert (stay.left_the_browser, stay.all(Heard)) == (0, [])

    await stay.room.hear(frozenset({SeatId(ann.seat)}))
    await stay.until(Heard, count=60)
    assert stay.sound_of(SeatId(ben.seat)) == []
    await stay.room.hear(frozenset({SeatId(ann.seat), SeatId(ben.seat)}))
    already = len(stay.all(Heard))
    await stay.until(Heard, count=already + 140)
    for seat, own_hz, other_hz in ((ann.seat, ANN_HZ, BEN_HZ), (ben.seat, BEN_HZ, ANN_HZ)):
        sound = decoded(stay.sound_of(SeatId(seat))[10:58])
        assert level_db(sound, own_hz) - level_db(sound, other_hz) >= 50

    await stay.room.hear(frozenset({SeatId(ben.seat)}))
    of_ann = len(stay.sound_of(SeatId(ann.seat)))
    await asyncio.sleep(0.3)
    sent = stay.left_the_browser
    await asyncio.sleep(1)
    assert len(stay.sound_of(SeatId(ann.seat))) == of_ann
    assert stay.left_the_browser - sent < 75  # of one voice, not of two


async def reused_line(enter: Enter, new_stay: NewStay) -> tuple[Stay, SeatId, SeatId]:
    """Ann is heard and leaves; Cia comes, and the page hears her on Ann's own track object."""
    ann = await enter("Ann", ANN_HZ)
    stay = await new_stay()
    await stay.until(Joined)
    wanted = frozenset({SeatId(ann.seat)})
    await stay.room.hear(wanted)
    await stay.until(Heard, count=30)
    (line,) = stay.room._listening._lines
    await ann.leave()
    await stay.until(Left)
    cia = await enter("Cia", CIA_HZ)
    await stay.until(Joined, count=2)
    await stay.room.hear(wanted)  # the yes of Ann's seat still stands
    await asyncio.sleep(2.5)
    assert list(stay.room._listening._lines) == [line], "the page does not use the line again: nothing is shown here"
    return stay, SeatId(ann.seat), SeatId(cia.seat)


async def test_whoever_comes_on_a_line_that_was_anothers_is_not_taken_for_them(enter: Enter, new_stay: NewStay) -> None:
    stay, ann, cia = await reused_line(enter, new_stay)
    sound = decoded(stay.sound_of(ann))
    assert level_db(sound[-len(sound) // 2 :], CIA_HZ) < -50
    await stay.room.hear(frozenset({cia}))
    already = len(stay.all(Heard))
    await stay.until(Heard, count=already + 30)
    assert level_db(decoded(stay.sound_of(cia)[5:29]), CIA_HZ) > -30


async def test_without_epochs_it_would_be(enter: Enter, new_stay: NewStay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hazard is real: the same stay, with lines that keep their first epoch."""
    for name in ("line", "source", "frame"):
        monkeypatch.setattr(listening.Listening, name, _in_one_epoch(getattr(listening.Listening, name)))
    stay, ann, _ = await reused_line(enter, new_stay)
    assert level_db(decoded(stay.sound_of(ann)[-24:]), CIA_HZ) > -30


def _in_one_epoch(method: Any) -> Any:
    from dataclasses import is_dataclass, replace

    def same(self: Any, told: Any) -> None:
        changed = replace(told, epoch=1) if is_dataclass(told) else {**told, "epoch": 1}  # type: ignore[type-var]
        if method.__name__ == "line":
            known = self._lines.get(told["number"])
            if known is not None:  # whose it was is kept
                self._lines[told["number"]] = Line(
                    number=known.number, epoch=1, track_id=known.track_id, stream_ids=known.stream_ids, mid=known.mid
                )
                return
        method(self, changed)

    return same


async def test_the_bot_is_heard_by_somebody_else(enter: Enter, new_stay: NewStay) -> None:
    ann = await enter("Ann", ANN_HZ)
    stay = await new_stay()
    await ann.listen_to(int(stay.all(Admitted)[0].own_seat))
    await asyncio.sleep(0.5)
    ann.heard.clear()
    await stay.room.speak(Speech(text="beep", language="en", pcm=sine(700, 1.0, 0.25)))
    await asyncio.sleep(0.3)
    sound = decoded(ann.heard)
    assert max(level_db(sound[at : at + 24_000], 700) for at in range(0, len(sound) - 24_000, 4_800)) > -20


async def test_a_page_that_hangs_or_dies_ends_it_and_leaves_nothing_behind(enter: Enter, new_stay: NewStay) -> None:
    ann = await enter("Ann", ANN_HZ)
    await enter("Ben", BEN_HZ)  # not wanted: the tap goes on telling that there is a source, though the page hangs
    stay = await new_stay()
    await stay.until(Joined, count=2)
    await stay.room.hear(frozenset({SeatId(ann.seat)}))
    await stay.until(Heard)
    page = stay.room._chromium._there()
    hung_ms = CLOCK.boot_ms()
    hanging = asyncio.ensure_future(page.evaluate("() => { for (;;); }"))
    ended = await stay.until(Ended)
    assert ended.reason is LeftReason.CONNECTION_LOST
    assert ended.at_ms - hung_ms < SILENT_MS + 3_000  # not only when its server had missed it
    known = stay.all(RosterKnownUntil)[-1].at_ms
    assert ended.at_ms - known >= SILENT_MS - 500  # of the time in which it hung nothing was known
    await stay.room.leave()
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)

    second = await new_stay()
    processes = [process for process in psutil.Process().children(recursive=True) if "chrom" in process.name()]
    assert processes
    for process in processes:
        process.kill()
    assert (await second.until(Ended)).reason is LeftReason.CONNECTION_LOST
    await second.room.leave()
    await asyncio.sleep(0.5)
    left = [process.name() for process in psutil.Process().children(recursive=True) if process.status() != "zombie"]
    assert not [name for name in left if "chrom" in name or name == "node"]


async def test_a_server_without_a_browser_says_what_to_install(new_stay: NewStay) -> None:
    stay = await new_stay(program=Path("/nowhere/chromium"), joins=False)
    with pytest.raises(RoomRefused, match="Install Debian's package chromium"):
        await stay.join()
    assert stay.events == []


async def test_a_snapshot_holds_no_name(enter: Enter, new_stay: NewStay) -> None:
    await enter("Ann", ANN_HZ)
    stay = await new_stay()
    await stay.until(Joined)
    await stay.room._take_snapshot()
    (taken,) = stay.snapshots
    assert taken.state == "in the call"
    assert "button[type=button]" in taken.outline
    assert "Ann" not in taken.outline
    assert taken.picture_png.startswith(b"\x89PNG")
