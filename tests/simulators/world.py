"""A meeting in which everything is learnt of late, in awkward order, twice or never: one true clock, and all that runs.

Owns time and what happens when; who is where and said what is in `world_truth`, the room, the pages, the log and each
bot in files of their own. The laws watch every order and every kept frame (`world_laws`).
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.commands import Append, Command, Durable, FindAgreement
from bot.ports import Hears
from bot.runner import FEED_INTERVAL_MS, SETTLE_FLOOR_MS
from consent_notice.events import (
    Decided,
    VisitOpened,
)
from consent_notice.frames import judged_from_ms
from consent_notice.gate import AdmittedFrame
from consent_notice.rules import Grounds, MeetingRecord, judge, whose_consent
from consent_notice.words import Purpose, Rule, SeatId
from storage.errors import LogWriteFailed
from storage.replay import replay
from tests.simulators.visit import session_facts
from tests.simulators.world_bot import Bot
from tests.simulators.world_laws import Laws
from tests.simulators.world_log import WorldLog
from tests.simulators.world_pages import VISIT, Pages
from tests.simulators.world_room import FRAME_MS, Room
from tests.simulators.world_truth import HOST_NAME, Person, Truth
from tests.simulators.world_words import Words

GRACE_MS, OFFER_MS, EMPTY_MS = 4_000, 1_500, 3_000  # short, so that a walk lives through them


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    rule: Rule = Rule.EACH_VOICE
    hears: Hears = Hears.SEPARATE
    fallback: Rule | None = None
    attested_opens: bool = False
    needs_host: bool = False
    names_only: bool = False
    withholds: bool = False
    can_whisper: bool = True
    hears_digits: bool = True
    knows_agreements: bool = False
    replays_chat: bool = True
    roster_lag_ms: int = 100
    path_delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    frame: AdmittedFrame
    epoch: int
    boot: str
    seats: frozenset[str] | None  # whose sound it truly is; None: everybody's, mixed
    from_ms: int  # when what is in it was truly said, the packet before it included
    to_ms: int


class World:
    def __init__(self, circumstances: Circumstances, seed: object, log: WorldLog | None = None) -> None:
        self.circumstances = circumstances
        self.dice = random.Random(str(seed))
        self.now_ms = 100_000
        self.boots = {"1": 0}  # when each began, on the true clock
        self.boot_id = "1"
        self.counts: Counter[str] = Counter()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        facts = session_facts(
            circumstances.rule,
            host_name=HOST_NAME,
            hears=circumstances.hears,
            withholds=circumstances.withholds,
            can_whisper=circumstances.can_whisper,
            names_only=circumstances.names_only,
            hears_digits=circumstances.hears_digits,
            roster_lag_ms=circumstances.roster_lag_ms,
            path_delay_ms=circumstances.path_delay_ms,
            fallback=circumstances.fallback,
            needs_host=circumstances.needs_host,
            knows_agreements=circumstances.knows_agreements,
            attested_opens=circumstances.attested_opens,
            known_bots=("Otter",),
            offer_after_ms=OFFER_MS,
            grace_ms=GRACE_MS,
            empty_after_ms=EMPTY_MS,
        )
        self.facts = facts
        self.settle_ms = max(circumstances.roster_lag_ms, 2 * FEED_INTERVAL_MS, SETTLE_FLOOR_MS)
        self.truth = Truth(circumstances.rule is Rule.EVERYONE)
        self.log = log or WorldLog(lambda: self.now_ms)
        self.room = Room(self, facts.capabilities, replays=circumstances.replays_chat)
        self.pages = Pages(self)
        self.laws = Laws(self)
        self.bots: list[Bot] = []
        self.kept: list[Kept] = []
        self.words = Words(self)
        self.feed_silent_until_ms = 0
        self.is_stopped = self.is_settling = False
        self.people: dict[str, Person] = {}
        self.groups: dict[str, list[Person]] = {}  # who comes with whom, at one seat
        self.room.talk()

    # ---- time --------------------------------------------------------------------------------------------------------

    def boot_ms(self, true_ms: int | None = None) -> int:
        return (self.now_ms if true_ms is None else true_ms) - self.boots[self.boot_id]

    def at(self, due_ms: int, work: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._due, (due_ms, self._number, work))

    def advance(self, ms: int) -> None:
        until_ms = self.now_ms + ms
        while self._due and self._due[0][0] <= until_ms:
            due_ms, _, work = heapq.heappop(self._due)
            self.now_ms = max(self.now_ms, due_ms)
            work()
        self.now_ms = max(self.now_ms, until_ms)

    def suspend(self, ms: int) -> None:
        """The machine sleeps: its clocks go on, nothing runs."""
        self.now_ms += ms

    # ---- bots --------------------------------------------------------------------------------------------------------

    def bots_in_room(self) -> list[Bot]:
        return [bot for bot in self.bots if bot.is_in_room]

    def begin_stay(self) -> Bot | None:
        """As the runner does: claims the meeting, reads what the log has, and goes in."""
        if self.is_stopped:
            return None
        epoch = self.log.claim()
        for bot in self.bots:
            bot.is_replaced_since_ms = bot.is_replaced_since_ms or self.now_ms
        told = self.log.size()
        self.pages.hurry()
        earlier = [Durable(index=one.index, event_id=one.event_id, event=one.event) for one in self.log.tail(0)]
        try:
            self.log.append(self._opened(epoch), f"opened{epoch}")
        except LogWriteFailed:
            return None
        self.refuse()
        facts = replace(self.facts, epoch=epoch, boot_id=self.boot_id)
        bot = Bot(self, facts, earlier, told)
        self.bots.append(bot)
        self.counts["stays"] += 1
        bot.start()
        return bot

    def _opened(self, epoch: int) -> VisitOpened:
        return VisitOpened(
            visit=VISIT,
            epoch=epoch,
            meeting="m",
            platform="practice",
            host=HOST_NAME,
            bot_name="onrecord",
            rule=self.circumstances.rule,
            path_delay_ms=self.circumstances.path_delay_ms,
            boot_id=self.boot_id,
            at_ms=self.boot_ms(),
            attested_opens=self.circumstances.attested_opens,
        )

    def bot_left(self, bot: Bot) -> None:
        """Its process goes on until what it has to store is stored."""

        def look() -> None:
            if not bot.is_alive:
                return
            if bot.is_drained():
                bot.end()
            else:
                self.at(self.now_ms + 20, look)

        self.at(self.now_ms + 20, look)

    def bot_ended(self, bot: Bot) -> None:
        if bot in self.bots:
            self.bots.remove(bot)
        self.words.bot_ended(bot)

    def machine_restarts(self) -> None:
        for bot in list(self.bots):
            bot.end()
        self.pages.lose()
        self.boot_id = str(len(self.boots) + 1)
        self.now_ms += 2_000
        self.boots[self.boot_id] = self.now_ms - 1_000

    def settle(self) -> None:
        """No more goes wrong, nobody does anything, and all that is under way arrives."""
        self.advance(max(0, self.room.silent_until_ms - self.now_ms))
        self.feed_silent_until_ms = 0
        self.log.failing.clear()
        self.is_settling = True
        for _ in range(120):
            if not self.bots:
                self.begin_stay()
            self.advance(250)
            if not self.pages.under_way and self._all_is_told():
                break
        else:
            raise AssertionError("couldn't let the world settle")
        self.is_settling = False
        if not self.bots:
            self.refuse()
        self.laws.settled()

    def _all_is_told(self) -> bool:
        if self.is_stopped:
            return not self.bots
        newest = [bot for bot in self.bots if bot.is_in_room]
        is_told = all(bot.is_drained() and self.log.size() - 1 in bot.told_ms for bot in newest)
        return len(self.bots) == 1 and bool(newest) and is_told

    # ---- what is kept ------------------------------------------------------------------------------------------------

    def keep(self, bot: Bot, frame: AdmittedFrame) -> None:
        kept = self._kept(bot, frame)
        self.laws.kept(bot, kept)
        self.kept.append(kept)

    def _kept(self, bot: Bot, frame: AdmittedFrame) -> Kept:
        base_ms = self.boots[bot.boot]
        if frame.track == "own":
            return Kept(
                frame,
                bot.epoch,
                bot.boot,
                frozenset(),
                frame.captured_ms + base_ms,
                frame.captured_ms + base_ms + FRAME_MS,
            )
        track, sitting = self.room.tracks[frame.track]
        from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, track.early_ms) + base_ms
        to_ms = frame.captured_ms - track.early_ms + frame.duration_ms + base_ms
        seats = None if sitting is None else frozenset({sitting.seat})
        return Kept(frame, bot.epoch, bot.boot, seats, from_ms, to_ms)

    def refuse(self) -> None:
        """As storage does it before a stay begins and when a visit is over: what the log refuses goes."""
        records = {boot: replay(self.log.tail(0), boot) for boot in {kept.boot for kept in self.kept}}
        before = len(self.kept)
        self.kept = [kept for kept in self.kept if self._is_allowed(records[kept.boot], kept.frame)]
        self.counts["refused afterwards"] += before - len(self.kept)

    def _is_allowed(self, record: MeetingRecord, frame: AdmittedFrame) -> bool:
        delay_ms = self.circumstances.path_delay_ms
        from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, delay_ms)
        to_ms = frame.captured_ms + frame.duration_ms
        if not isinstance(judge(record, frame.speakers, from_ms, to_ms, Purpose.RECORDING), Grounds):
            return False
        yeses = (self.log.tail(index)[0].event for index in frame.relies_on)
        named = {yes.seat for yes in yeses if isinstance(yes, Decided)}
        return whose_consent(record, frame.speakers, frame.rule, from_ms, to_ms) <= named

    def cut_back(self, boot: str, seat: SeatId | None, after_ms: int) -> None:
        """As the writer of sound does it: whatever stay kept it, on the clock of this boot."""
        before = len(self.kept)
        self.kept = [
            kept
            for kept in self.kept
            if kept.boot != boot
            or (seat is not None and seat not in kept.frame.speakers)
            or kept.frame.captured_ms + kept.frame.duration_ms <= after_ms
        ]
        self.counts["cut back"] += before - len(self.kept)

    def delay_of(self, lane: str, command: Command) -> int:
        if self.is_settling:
            return 0
        if isinstance(command, FindAgreement):
            return self.dice.choice((0, 0, 50, 500, 3_500))
        if isinstance(command, Append):
            return self.dice.choice((0, 0, 0, 1, 1, 5, 5, 40, 300))
        if lane == "log":
            return self.dice.choice((0, 0, 0, 1, 1, 5, 5, 40, 700))
        return self.dice.choice((0, 1, 5, 60))
