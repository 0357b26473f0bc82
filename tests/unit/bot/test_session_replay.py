"""Whatever the order in which a stay hears of things: what it kept is judged kept again by whoever replays the log.

A small world drives session, capture and log with late rows, early dates, pages beside the chat, reloads and crashes.
Storage is a list: what the session cuts back leaves it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from bot.capture import Capture
from bot.commands import Append, Command, CutBack, Durable, NoticePosted, PostNotice, Started, Tick
from bot.ports import Admitted, ChatSaid, Joined, Left, StopPressed
from bot.session import Session
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means, VisitOpened
from consent_notice.frames import Encoding, GateTimes, HeardFrame, judged_from_ms
from consent_notice.gate import AdmittedFrame
from consent_notice.rules import Grounds, judge
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind, VisitId
from storage.replay import replay
from tests.simulators.visit import BOT, session_facts

PATH_DELAY_MS = 100
SETTLE_MS = 200
FRAME_MS = 20
STEP_MS = 10
SEATS = ("ann", "bob", "cia")
TEXTS = ("record yes", "record yes", "record yes", "sound only", "record no", "stop", "stop", "hello there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    index: int
    event_id: str
    event: Event


@dataclass(slots=True)
class World:
    dice: random.Random
    rule: Rule
    now_ms: int = 1_000
    epoch: int = 0
    log: list[Entry] = field(default_factory=list)
    told: int = 0  # how much of the log this stay was told of
    waiting: list[tuple[Event, str]] = field(default_factory=list)  # ordered into the log, not yet durable
    forms: list[tuple[int, Decided]] = field(default_factory=list)  # arrived at the pages, durable at that time
    there: dict[str, int] = field(default_factory=dict)
    kept: list[tuple[AdmittedFrame, str]] = field(default_factory=list)
    kept_by_earlier_stays: int = 0
    stops: int = 0
    messages: int = 0
    session: Session = field(init=False)
    capture: Capture = field(init=False)

    # ---- the bot's life ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        self.epoch += 1
        self.waiting.clear()  # a crash loses what was not durable
        self.kept_by_earlier_stays = len(self.kept)
        earlier = [Durable(index=one.index, event_id=one.event_id, event=one.event) for one in self.log]
        self.told = len(self.log)
        self.append(
            VisitOpened(
                visit=VisitId("visit"),
                epoch=self.epoch,
                meeting="m",
                platform="practice",
                host="Ada",
                bot_name="bot",
                rule=self.rule,
                path_delay_ms=PATH_DELAY_MS,
                boot_id="boot",
                at_ms=self.now_ms,
            ),
            f"opened{self.epoch}",
        )
        self.session = Session(session_facts(self.rule, epoch=self.epoch), earlier)
        times = GateTimes(path_delay_ms=PATH_DELAY_MS, settle_ms=SETTLE_MS)
        self.capture = Capture(
            self.session.record, times, lambda frame: self.kept.append((frame, str(frame.track))), self.now_ms
        )
        self.tell(Started())
        self.now_ms += STEP_MS
        self.tell(Admitted(own_seat=BOT, at_ms=self.now_ms))
        for seat, since_ms in self.there.items():
            self.joined(seat, since_ms - self.dice.choice((0, 5, 40)))

    def tell(self, event: object) -> None:
        for order in self.session.apply(event, self.now_ms):  # type: ignore[arg-type]
            self.perform(order)

    def perform(self, order: Command) -> None:
        if isinstance(order, Append):
            self.waiting.append((order.event, order.event_id))
        elif isinstance(order, CutBack):
            spared = 0 if order.of_earlier_stays else self.kept_by_earlier_stays  # as the stay does it
            earlier, own = self.kept[:spared], self.kept[spared:]
            self.kept = earlier + [
                (frame, track)
                for frame, track in own
                if (order.seat is not None and order.seat not in frame.speakers)
                or frame.captured_ms + frame.duration_ms <= order.after_ms
            ]
            self.kept_by_earlier_stays = min(self.kept_by_earlier_stays, len(self.kept))
        elif isinstance(order, PostNotice):
            self.messages += 1
            self.tell(NoticePosted(message_id=f"n{self.messages}", seats=order.seats))

    # ---- the log -----------------------------------------------------------------------------------------------------

    def append(self, event: Event, event_id: str) -> None:
        if all(one.event_id != event_id for one in self.log):
            self.log.append(Entry(index=len(self.log), event_id=event_id, event=event))

    def write_some(self) -> None:
        for _ in range(self.dice.randint(0, len(self.waiting))):
            self.append(*self.waiting.pop(0))
        for due_ms, form in list(self.forms):
            if due_ms <= self.now_ms:
                self.forms.remove((due_ms, form))
                self.append(form, f"form{form.message_id}")

    def feed(self) -> None:
        entries, self.told = self.log[self.told :], len(self.log)
        for one in entries:
            self.tell(Durable(index=one.index, event_id=one.event_id, event=one.event))
        self.capture.feed_known(self.now_ms)

    # ---- the room ----------------------------------------------------------------------------------------------------

    def joined(self, seat: str, at_ms: int) -> None:
        self.tell(
            Joined(
                seat=SeatId(seat),
                name=seat,
                seat_kind=SeatKind.PERSON,
                identity_level=IdentityLevel.DISPLAY_NAME,
                at_ms=at_ms,
            )
        )

    def something_happens(self) -> None:
        seat, kind = self.dice.choice(SEATS), self.dice.random()
        if kind < 0.25 and seat not in self.there:
            self.there[seat] = self.now_ms
            self.joined(seat, self.now_ms - self.dice.choice((0, 5, 60)))
        elif kind < 0.32 and seat in self.there:
            del self.there[seat]
            self.tell(Left(seat=SeatId(seat), at_ms=self.now_ms))
            if self.dice.random() < 0.5:  # the page was reloaded
                self.there[seat] = self.now_ms
                self.joined(seat, self.now_ms - self.dice.choice((0, 5, 60)))
        elif kind < 0.65 and seat in self.there:
            self.messages += 1
            self.tell(
                ChatSaid(
                    message_id=f"m{self.messages}",
                    seat=SeatId(seat),
                    text=self.dice.choice(TEXTS),
                    reply_to=None,
                    to_bot_only=False,
                    at_ms=self.now_ms,
                )
            )
        elif kind < 0.72 and seat in self.there:
            self.stops += self.dice.choice((0, 1))  # some are told twice
            self.tell(StopPressed(message_id=f"s{seat}{self.stops}", seat=SeatId(seat), at_ms=self.now_ms - 30))
        elif kind < 0.98:
            act = self.dice.choice((Act.GIVE, Act.GIVE, Act.REFUSE, Act.WITHDRAW))
            self.messages += 1
            due_ms = self.now_ms + self.dice.choice((0, 10, 60, 700, 3_000))
            self.forms.append((due_ms, self.form(seat, act)))
        else:
            self.begin()

    def form(self, seat: str, act: Act) -> Decided:
        return Decided(
            visit=VisitId("visit"),
            epoch=self.epoch,
            seat=SeatId(seat),
            acts=((Purpose.RECORDING, act), (Purpose.TRANSCRIPTION, act)),
            means=Means.PAGE,
            identity_level=IdentityLevel.PAGE_BOUND_BY_CODE,
            matched_by="page code",
            notice="n",
            notice_version="1",
            notice_language="en",
            notice_sha256="00",
            message_id=f"{self.messages}",
            verbatim="",
            reader_version="1",
            boot_id="boot",
            at_ms=self.now_ms,
        )

    def step(self) -> None:
        self.now_ms += STEP_MS
        if self.dice.random() < 0.05:
            self.something_happens()
        if self.dice.random() < 0.5:
            self.write_some()
        if self.dice.random() < 0.6:
            self.feed()
        self.capture.room_known(self.now_ms)
        if self.now_ms % FRAME_MS == 0:
            for seat in self.there:
                self.capture.heard(
                    HeardFrame(
                        track=seat,
                        speakers=frozenset({SeatId(seat)}),
                        captured_ms=self.now_ms - FRAME_MS,
                        duration_ms=FRAME_MS,
                        rtp_timestamp=self.now_ms * 48,
                        encoding=Encoding.OPUS,
                        payload=b"",
                    )
                )
        self.capture.tick(self.now_ms)
        if self.now_ms % 250 == 0:
            self.tell(Tick())

    def unjustified(self) -> list[tuple[int, str, str]]:
        record = replay(self.log, "boot")
        found = []
        for frame, track in self.kept:
            from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, PATH_DELAY_MS)
            verdict = judge(record, frame.speakers, from_ms, frame.captured_ms + FRAME_MS, Purpose.RECORDING)
            if not isinstance(verdict, Grounds):
                found.append((frame.captured_ms, track, verdict.why.value))
        return found


@pytest.mark.parametrize("rule", [Rule.EACH_VOICE, Rule.EVERYONE])
@pytest.mark.parametrize("seed", range(12))
def test_what_a_stay_kept_is_judged_kept_when_its_log_is_replayed(seed: int, rule: Rule) -> None:
    world = World(random.Random(f"{seed}-{rule}"), rule)
    world.begin()
    for _ in range(2_500):
        world.step()
    while world.waiting or world.forms:  # whatever was on its way arrives
        world.step()
    world.feed()
    assert world.unjustified() == []


def test_the_world_keeps_something_to_judge() -> None:
    kept = 0
    for seed in range(4):
        world = World(random.Random(seed), Rule.EACH_VOICE)
        world.begin()
        for _ in range(2_500):
            world.step()
        kept += len(world.kept)
    assert kept > 1_000
