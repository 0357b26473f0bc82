"""Four people with a frequency each, who answer when and how a seed says, and what is on disk of each afterwards."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np

from config.clock import SystemClock
from consent_notice.clock import Clock
from consent_notice.decisions import Act
from consent_notice.events import Decided
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, SegmentId
from storage.meetings import MeetingRow
from storage.parts import StoredFrame
from storage.store import Store
from storage.visits import VisitRow
from tests.simulators.page_visit import link_in, visit_page
from tests.simulators.server import RunningServer
from tests.simulators.tones import (
    FRAME,
    FRAME_MS,
    Mouth,
    Samples,
    decoded,
    hidden,
    level_db,
    loudest_db,
    timeline,
    tuned_in,
)

CLOCK = SystemClock()
BASES_HZ = (517.3, 1_131.7, 1_749.1, 2_357.9)
BEFORE, AGREED, AFTER = 0.0, 200.0, 400.0  # added to the base: which tone stands for which time
STEP_S = 0.2  # spans are whole swells
AFTER_S = 2.0
WINDOW = 24 * FRAME  # 480 ms: fine enough to tell the tones apart by far more than is asked
HEARD_DB = -40.0  # a piece of tone is there; the loudest are at -12 dB, and a tone begins and ends loud
COPY_DB = -60.0  # a second copy is there


class Way(StrEnum):
    CHAT = "chat"
    PAGE = "page"
    BUTTON = "button"
    NEVER = "never"


@dataclass(slots=True, kw_only=True)
class Sender:
    """One person of a schedule; times are boot milliseconds."""

    base_hz: float
    mouth: Mouth
    agrees: Way
    refuses: Way = Way.NEVER
    withdraws: Way = Way.NEVER
    before_s: float
    agreed_s: float
    no_ms: int | None = None
    yes_logged_ms: int = 0
    kept: list[list[StoredFrame]] = field(default_factory=list)  # by segment

    @property
    def name(self) -> str:
        return self.mouth.person.name

    async def play(self) -> None:
        person, mouth = self.mouth.person, self.mouth
        await person.wait_until(lambda: person.bot_seat is not None)
        notice = await person.wait_for_chat(lambda message: message.is_notice)
        async with AsyncExitStack() as open_pages:
            page = await open_pages.enter_async_context(visit_page(link_in(notice.text)))
            yes = await page.agree() if self.agrees is Way.PAGE else "record yes"
            await mouth.say(self.before_s)
            if self.agrees is Way.NEVER:
                if self.refuses is Way.CHAT:
                    await person.chat("record no", to=person.bot_seat)
                elif self.refuses is Way.PAGE:
                    await page.refuse_as(person.name)
                await mouth.say()
                return
            async with asyncio.TaskGroup() as at_once:
                at_once.create_task(person.chat(yes, to=person.bot_seat))
                speaking = at_once.create_task(mouth.say(self.agreed_s))
                if self.withdraws is Way.PAGE:
                    await person.wait_until(lambda: person.kept is True)
                    await page.find_withdrawal()
                await speaking
            if self.withdraws is Way.NEVER:
                await mouth.say()
                return
            async with asyncio.TaskGroup() as at_once:
                self.no_ms = person._clock.boot_ms()
                if self.withdraws is Way.BUTTON:
                    person.stop_voice()
                elif self.withdraws is Way.CHAT:
                    at_once.create_task(person.chat("stop", to=person.bot_seat))
                else:
                    at_once.create_task(page.press_withdraw())
                at_once.create_task(mouth.say())


def draw_senders(server: RunningServer, meeting: MeetingRow, seed: int) -> list[Sender]:
    """One does not agree, one stays, one withdraws, one does either; when and how is drawn."""
    draw = random.Random(seed)
    kinds = [
        (Way.NEVER, Way.NEVER),
        (Way.PAGE, Way.NEVER),
        (Way.CHAT, list(Way)[seed % 3]),
        (draw.choice((Way.CHAT, Way.PAGE)), draw.choice((Way.CHAT, Way.BUTTON, Way.NEVER))),
    ]
    if kinds[2][1] is Way.PAGE:
        kinds[2] = (Way.PAGE, Way.PAGE)  # the button is on the page of who agreed there
    draw.shuffle(kinds)
    senders = []
    for base_hz, (agrees, withdraws) in zip(BASES_HZ, kinds, strict=True):
        before_s = STEP_S * draw.randint(2, 10)
        agreed_s = STEP_S * draw.randint(10, 20)
        senders.append(
            Sender(
                base_hz=base_hz,
                mouth=Mouth(
                    server.person(meeting, f"Person {base_hz:.0f}"),
                    timeline(
                        [
                            (base_hz + BEFORE, before_s + (0 if agrees is not Way.NEVER else agreed_s + AFTER_S)),
                            (base_hz + AGREED, agreed_s if withdraws is not Way.NEVER else agreed_s + AFTER_S),
                            (base_hz + AFTER, AFTER_S),
                        ][: 1 if agrees is Way.NEVER else 2 if withdraws is Way.NEVER else 3]
                    ),
                ),
                agrees=agrees,
                refuses=draw.choice((Way.CHAT, Way.PAGE, Way.NEVER)) if agrees is Way.NEVER else Way.NEVER,
                withdraws=withdraws,
                before_s=before_s,
                agreed_s=agreed_s,
            )
        )
    return senders


async def play_schedule(server: RunningServer, seed: int) -> list[Sender]:
    meeting = await server.meeting(Rule.EACH_VOICE)
    senders = await asyncio.to_thread(draw_senders, server, meeting, seed)
    try:
        for sender in senders:
            await sender.mouth.person.join()
        async with asyncio.TaskGroup() as together:
            for sender in senders:
                together.create_task(sender.play())
        await asyncio.sleep(0.5)
    finally:
        for sender in senders:
            await sender.mouth.person.leave()
    await read_back(server.store, await server.ended(meeting.id), senders)
    return senders


async def read_back(store: Store, visit: VisitRow, senders: list[Sender]) -> None:
    """Every segment of the visit, opened; the folders on disk are those segments and no others."""
    by_seat = {SeatId(sender.mouth.person.seat): sender for sender in senders}
    rows = await store.tracks.segments(visit.id)
    folder = store.data_dir / "tracks" / visit.id
    assert {row.id for row in rows} == {path.name for path in folder.iterdir()} if rows else not folder.exists()
    bots = {known.seat for known in await store.visits.seats(visit.id) if known.kind is SeatKind.BOT}
    for row in rows:
        (seat,) = row.seats
        if seat in bots:
            continue  # what the bot said itself
        by_seat[seat].kept.append(await asyncio.to_thread(_frames, store, row.id))
    for entry in await asyncio.to_thread(store.log.entries_of, visit.id):
        event = entry.event
        if isinstance(event, Decided) and (Purpose.RECORDING, Act.GIVE) in event.acts:
            by_seat[event.seat].yes_logged_ms = boot_ms_of(CLOCK, entry.at)


def _frames(store: Store, segment: SegmentId) -> list[StoredFrame]:
    return list(store.tracks.read(segment)[1])


def boot_ms_of(clock: Clock, at: datetime) -> int:
    return clock.boot_ms() - round((clock.now() - at).total_seconds() * 1_000)


# ---- measuring -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Of one person whose voice was kept."""

    name: str
    kept_ms: int
    first_ms: int  # the earliest sound that can be got out of what was kept, second copies included
    last_ms: int
    isolation_db: float  # own tone over the loudest of all other people's tones, at its worst
    early_ms: int  # of the tone from before the yes
    late_ms: int  # of the tone from after the withdrawal


def measure(sender: Sender, everybody: list[Sender]) -> Measured:
    spoken: list[int] = []
    for frame in (frame for segment in sender.kept for frame in segment):
        at_ms = sender.mouth.spoken_at(frame.payload)
        assert at_ms is not None, f"{sender.name}: a packet that this person never sent"
        spoken.append(at_ms - FRAME_MS if loudest_db(hidden(frame.payload)) > COPY_DB else at_ms)
    stretches = [stretch for segment in sender.kept for stretch in _unbroken(segment)]
    runs = [decoded(stretch) for stretch in stretches]
    copies = [hidden(frame.payload) for segment in sender.kept for frame in segment]
    pieces = [piece for run in runs for piece in np.split(run, len(run) // FRAME)] + copies
    others = [other.base_hz + tone for other in everybody if other is not sender for tone in (BEFORE, AGREED, AFTER)]
    own_hz = sender.base_hz + AGREED
    return Measured(
        name=sender.name,
        kept_ms=len(spoken) * FRAME_MS,
        first_ms=min(spoken),
        last_ms=max(spoken) + FRAME_MS,
        isolation_db=min(
            (
                level_db(window, own_hz) - max(level_db(window, hz) for hz in others)
                for stretch in stretches
                for window in _windows(tuned_in(stretch, sender.mouth.packets))
            ),
            default=math.inf,  # nothing but snippets, as from a machine that is very busy
        ),
        early_ms=FRAME_MS * _pieces_of(pieces, sender.base_hz, BEFORE),
        late_ms=FRAME_MS * _pieces_of(pieces, sender.base_hz, AFTER),
    )


def _pieces_of(pieces: list[Samples], base_hz: float, tone: float) -> int:
    """In how many 20 ms pieces this tone is there, and not as the skirt of a louder one of the same person."""
    found = 0
    for piece in pieces:
        levels = {one: level_db(piece, base_hz + one) for one in (BEFORE, AGREED, AFTER)}
        found += levels[tone] > HEARD_DB and levels[tone] > max(levels.values()) - 15
    return found


def _unbroken(frames: list[StoredFrame]) -> list[list[bytes]]:
    """Stretches without a hole: a hole clicks, and a click holds every frequency."""
    stretches: list[list[bytes]] = []
    next_timestamp = None
    for frame in frames:
        if frame.rtp_timestamp != next_timestamp:
            stretches.append([])
        stretches[-1].append(frame.payload)
        next_timestamp = frame.rtp_timestamp + FRAME
    return stretches


def _windows(run: Samples) -> list[Samples]:
    """A stretch that is shorter than half of one says little."""
    if WINDOW // 2 <= len(run) < WINDOW:
        return [run]
    return [run[at : at + WINDOW] for at in range(0, len(run) - WINDOW + 1, WINDOW // 2)]
