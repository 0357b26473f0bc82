"""Under `everyone`: two agree, one comes late and says nothing, another comes late and agrees, then somebody withdraws.

The packets on disk tell when they were spoken; each stretch of the meeting either may hold some or must hold none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from consent_notice.decisions import Act
from consent_notice.events import Decided
from consent_notice.words import Purpose, Rule
from tests.simulators.page_visit import link_in, visit_page
from tests.simulators.server import RunningServer
from tests.simulators.tone_people import AGREED, BASES_HZ, Sender, Way, boot_ms_of, measure, read_back
from tests.simulators.tones import FRAME_MS, Mouth, timeline

LONGEST_S = 40.0
SPOKEN_PIECE_S = 0.2
STRETCH_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Between two moments of the meeting, in boot milliseconds."""

    what: str
    begins_ms: int
    ends_ms: int
    may_be_kept: bool
    kept_ms: int  # of the person of whom least is there (where it may be kept), or most
    last_after_ms: int | None  # the end of the last packet in it, after its beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    stretches: list[Stretch]
    isolation_db: float
    never_agreed: Sender
    everybody: list[Sender]


@dataclass(slots=True)
class _Watcher:
    """When others came and went, as the first person saw it; the room knew it before."""

    clock: Any
    came_ms: dict[str, int] = field(default_factory=dict)
    went_ms: dict[str, int] = field(default_factory=dict)

    def see(self, message: dict[str, Any]) -> None:
        if message["t"] == "joined":
            self.came_ms[message["person"]["seat"]] = self.clock.boot_ms()
        elif message["t"] == "left":
            self.went_ms[message["seat"]] = self.clock.boot_ms() - message["age_ms"]


async def play_late_joiners(server: RunningServer) -> Played:
    meeting = await server.meeting(Rule.EVERYONE)
    watcher = _Watcher(server.clock)

    def sender(base_hz: float, agrees: Way) -> Sender:
        person = server.person(meeting, f"Person {base_hz:.0f}", on_message=watcher.see)
        mouth = Mouth(person, timeline([(base_hz + AGREED, LONGEST_S)]))
        return Sender(base_hz=base_hz, mouth=mouth, agrees=agrees, before_s=0, agreed_s=0)

    kinds = (Way.CHAT, Way.PAGE, Way.NEVER, Way.CHAT)
    first, second, silent, late = everybody = await asyncio.to_thread(lambda: list(map(sender, BASES_HZ, kinds)))
    async with asyncio.TaskGroup() as mouths:
        try:
            for one in (first, second):
                await _join(one, mouths)
            notice = await second.mouth.person.wait_for_chat(lambda message: message.is_notice)
            async with visit_page(link_in(notice.text)) as page:
                await _say(first, "record yes")
                await _say(second, await page.agree())
                await _kept(first)
                await asyncio.sleep(STRETCH_S)
                await _join(silent, mouths)
                await asyncio.sleep(STRETCH_S)
                await silent.mouth.person.leave()
                await _kept(first)
                await asyncio.sleep(STRETCH_S)
                await _join(late, mouths)
                await late.mouth.person.wait_for_chat(lambda message: message.is_notice)
                await asyncio.sleep(1)
                await _say(late, "record yes")
                await _kept(late)
                await asyncio.sleep(STRETCH_S)
                await page.find_withdrawal()
                withdrawn_ms = server.clock.boot_ms()
                await page.press_withdraw()
                await asyncio.sleep(1)
        finally:
            for one in everybody:
                await one.mouth.person.leave()
    visit = await server.ended(meeting.id)
    await read_back(server.store, visit, everybody)
    yes_ms = {
        str(entry.event.seat): boot_ms_of(server.clock, entry.at)
        for entry in await server.entries(visit.id)
        if isinstance(entry.event, Decided) and (Purpose.RECORDING, Act.GIVE) in entry.event.acts
    }
    both_ms = max(yes_ms[first.mouth.person.seat], yes_ms[second.mouth.person.seat])
    came_ms, went_ms = watcher.came_ms, watcher.went_ms
    silent_seat, late_seat = silent.mouth.person.seat, late.mouth.person.seat
    long_after_ms = withdrawn_ms + 60_000
    plan = [
        ("before both have agreed", 0, both_ms, False),
        ("both have agreed", both_ms, came_ms[silent_seat], True),
        ("somebody new says nothing", came_ms[silent_seat], went_ms[silent_seat], False),
        ("that one has left", went_ms[silent_seat], came_ms[late_seat], True),
        ("somebody else is new", came_ms[late_seat], yes_ms[late_seat], False),
        ("all three have agreed", yes_ms[late_seat], withdrawn_ms, True),
        ("one has withdrawn on the page", withdrawn_ms, long_after_ms, False),
    ]
    spoken = [_spoken_ms(one) for one in (first, second, late)]
    return Played(
        stretches=[_stretch(what, begins, ends, may, spoken) for what, begins, ends, may in plan],
        isolation_db=min(measure(one, everybody).isolation_db for one in (first, second, late)),
        never_agreed=silent,
        everybody=everybody,
    )


async def _join(one: Sender, mouths: asyncio.TaskGroup) -> None:
    async def speak() -> None:
        while one.mouth.person.ended is None and len(one.mouth.spoken_ms) < len(one.mouth.packets):
            await one.mouth.say(SPOKEN_PIECE_S)

    await one.mouth.person.join()
    mouths.create_task(speak())


async def _say(one: Sender, words: str) -> None:
    person = one.mouth.person
    await person.wait_until(lambda: person.bot_seat is not None)
    await person.chat(words, to=person.bot_seat)


async def _kept(one: Sender) -> None:
    await one.mouth.person.wait_until(lambda: one.mouth.person.kept is True)


def _spoken_ms(one: Sender) -> list[int]:
    spoken = [one.mouth.spoken_at(frame.payload) for segment in one.kept for frame in segment]
    assert None not in spoken, f"{one.name}: a packet that this person never sent"
    return sorted(at_ms for at_ms in spoken if at_ms is not None)


def _stretch(what: str, begins_ms: int, ends_ms: int, may_be_kept: bool, spoken: list[list[int]]) -> Stretch:
    # The newcomer's first stretches are not theirs to fill.
    inside = [[at_ms for at_ms in one if begins_ms <= at_ms < ends_ms] for one in spoken]
    kept_ms = [len(one) * FRAME_MS for one in inside]
    last_ms = max((max(one) + FRAME_MS for one in inside if one), default=None)
    return Stretch(
        what=what,
        begins_ms=begins_ms,
        ends_ms=ends_ms,
        may_be_kept=may_be_kept,
        kept_ms=min(kept_ms[:2]) if may_be_kept else max(kept_ms),
        last_after_ms=None if last_ms is None else last_ms - begins_ms,
    )
