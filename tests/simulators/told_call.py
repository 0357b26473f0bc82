"""A call of which we know who truly sounds on what, and a page that tells it to a bot: late, twice, half, not at all.

The page shows what is true up to its platform's lag later, and packets travel up to its path delay. Through each
platform's own reader, the session, its record and the gate.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bot.browser.script import NONSENSE, Line, PageFact, Signal, Sound
from bot.capture import Capture
from bot.meet_wire import write_answer, write_channel
from bot.platforms import GOOGLE_MEET, JITSI, TEAMS, ZOOM
from bot.ports import Joined, RoomCapabilities
from bot.rooms.google_meet import MeetReader
from bot.rooms.jitsi import JitsiReader
from bot.rooms.teams import TeamsReader
from bot.rooms.zoom import ZoomReader
from consent_notice.events import Decided
from consent_notice.frames import Encoding, GateTimes, HeardFrame
from consent_notice.gate import AdmittedFrame
from consent_notice.words import Rule, SeatId
from tests.simulators.visit import SimulatedVisit

TICK_MS = 20
AGREE = ("ann", "ben")  # nobody else does


@dataclass
class Truth:
    """Who is there, and whose each source is."""

    here: frozenset[str] = frozenset()
    owners: dict[int, str] = field(default_factory=dict)

    def after(self, act: tuple[str, Any]) -> Truth:
        match act:
            case ("comes", who):
                return Truth(self.here | {who}, self.owners)
            case ("goes", who):
                return Truth(self.here - {who}, {key: one for key, one in self.owners.items() if one != who})
            case ("takes", (who, source)) if who in self.here:
                return Truth(self.here, self.owners | {source: who})
            case ("frees", source):
                return Truth(self.here, {key: one for key, one in self.owners.items() if key != source})
        return self


class Call:
    """A page that tells of a call, and a bot that listens to it."""

    def __init__(self, can: RoomCapabilities, reader: Any, page: Page) -> None:
        self.can, self.reader, self.page = can, reader, page
        self.now_ms = self.beat_ms = self.settled_ms = 100_000
        self.truths: list[tuple[int, Truth]] = [(0, Truth())]
        self.lag_ms = self.delay_ms = 0
        self.state = "well"
        self.names: dict[SeatId, str] = {}
        self.told = Truth()
        self.shown_ms = 0  # the page never shows what was before what it showed
        self.kept: list[AdmittedFrame] = []
        self._due: list[Truth] = []  # to be shown
        self._was_still = self._was_away = False
        self._arriving: list[tuple[int, int, int, bytes]] = []
        self._numbers = count()
        rule = Rule.EACH_VOICE if page.is_separate else Rule.EVERYONE
        changes = {key: getattr(can, key) for key in ("roster_lag_ms", "names_only")} | {"empty_after_ms": 9_999_999}
        self.visit = SimulatedVisit(rule=rule, changes=changes)
        self.visit.now_ms = self.now_ms
        self.visit.enter()
        times = GateTimes(path_delay_ms=can.path_delay_ms, settle_ms=can.roster_lag_ms)
        self.capture = Capture(self.visit.session.record, times, self.kept.append, self.now_ms)
        self._asked: dict[SeatId, int] = {}

    def at(self, at_ms: int) -> Truth:
        return next(truth for since_ms, truth in reversed(self.truths) if since_ms <= at_ms)

    def act(self, act: tuple[str, Any]) -> None:
        match act:
            case ("page", state):
                self.state = state
                if state in ("apart", "garbage"):
                    self.tell(self.page.breaks(state))
            case ("lag", share):
                self.lag_ms = int(self.can.roster_lag_ms * share)
            case ("delay", share):
                self.delay_ms = int((self.can.path_delay_ms - TICK_MS) * share)
            case _:
                self.truths.append((self.now_ms + 1, self.truths[-1][1].after(act)))

    def passes(self, ms: int) -> None:
        for _ in range(ms // TICK_MS):
            self.now_ms += TICK_MS
            self.page.now_ms = self.now_ms
            self._sound()
            self._page_lives()
            self._agree()
            while self._arriving and self._arriving[0][0] <= self.now_ms:
                self._hear(*heapq.heappop(self._arriving))
            self.capture.feed_known(self.now_ms)
            known_ms = self.reader.known_until(self.now_ms)
            if known_ms is not None:
                self.capture.room_known(min(self.settled_ms, known_ms))
            self.capture.tick(self.now_ms)

    def tell(self, signals: Iterable[tuple[str, Any]]) -> None:
        for kind, value in signals:
            signal = Signal(kind=kind, value=value, at_ms=self.now_ms, since_ms=self.settled_ms)
            try:
                facts: list[PageFact] = list(self.reader.take(signal))
            except NONSENSE:
                continue
            self.visit.now_ms = self.now_ms
            for fact in facts:
                self.visit.tell(fact)
                if isinstance(fact, Joined):
                    self.names[fact.seat] = fact.name
                    if fact.name in AGREE:
                        self._asked.setdefault(fact.seat, self.now_ms)

    def _page_lives(self) -> None:
        """Where it does not stand still as a whole."""
        if self.state == "still":
            self._was_still = True
            return
        if self._was_still:  # its timers come before what had waited for it
            self._was_still, self._was_away = False, True
            if not self.page.lists_seldom:
                self.tell(self.page.tells(self.told, self.told))
            self._beats()
            return
        before_ms, self.shown_ms = self.shown_ms, max(self.shown_ms, self.now_ms - self.lag_ms)
        self._due += [truth for since_ms, truth in self.truths if before_ms < since_ms <= self.shown_ms]
        is_time = (self.now_ms // TICK_MS) % self.page.every_ticks == 0
        if self.state not in ("well", "twice"):
            if self._due and self.state == "garbage":
                self.tell(self.page.breaks(self.state))
            self.told, self._due = [self.told, *self._due][-1], []  # what it does not tell then is lost
        elif is_time or (self._due and self.page.tells_at_once):
            self._tell_what_is_due()
        if self.now_ms % 100 == 0:
            self._beats()

    def _beats(self) -> None:
        self.settled_ms, self.beat_ms = self.beat_ms, self.now_ms

    def _tell_what_is_due(self) -> None:
        """One after the other what is told at once; else one a list, and after a standstill the last."""
        if self._was_away and not self.page.tells_at_once:
            self._due = self._due[-1:]
        many = len(self._due) if self.page.tells_at_once else 1
        states, self._due, self._was_away = self._due[:many], self._due[many:], False
        for shown in states or [self.told]:
            for _ in range(1 + (self.state == "twice")):
                self.tell(self.page.tells(self.told, shown))
            self.told = shown

    def _agree(self) -> None:
        """Whoever is asked says yes, a moment later."""
        self.visit.now_ms = self.now_ms
        if (self.now_ms // TICK_MS) % 5 == 0:
            self.visit.later(0)
        for seat, since_ms in list(self._asked.items()):
            if self.now_ms - since_ms > 500:
                del self._asked[seat]
                self.visit.say_yes(seat)

    def _sound(self) -> None:
        truth = self.truths[-1][1]
        for source in self.page.sounding(truth):
            arrives_ms = self.now_ms + self.delay_ms
            payload = f"{source} {self.now_ms}".encode()
            heapq.heappush(self._arriving, (arrives_ms, next(self._numbers), source, payload))

    def _hear(self, arrives_ms: int, number: int, source: int, payload: bytes) -> None:
        del arrives_ms, number
        sent_ms = int(payload.split()[1])
        owners = self.reader.owners(self.page.sound(source, self.at(sent_ms), self.now_ms))
        if owners:
            frame = HeardFrame(
                track="-",
                speakers=owners,
                captured_ms=self.now_ms - TICK_MS,
                duration_ms=TICK_MS,
                rtp_timestamp=0,
                encoding=Encoding.OPUS,
                payload=payload,
            )
            self.capture.heard(frame)

    def check(self) -> None:
        """Of each frame that is kept: whoever truly sounds in it has said yes, and it names their yes (laws 1, 4)."""
        for frame in self.kept:
            source, at_ms = map(int, frame.payload.split())
            truth = self.at(at_ms)
            yeses = [self.visit.log[index].event for index in frame.relies_on]
            agreed = {self.names[event.seat] for event in yeses if isinstance(event, Decided)}
            whose = {truth.owners[source]} if self.page.is_separate else truth.here - {"bot"}
            assert whose == agreed if self.page.is_separate else whose <= agreed, f"{whose} as {agreed} at {at_ms}"
            assert self.page.is_separate or "bot" not in truth.owners.values()


class Page:
    """How a platform's page tells it."""

    is_separate = True
    every_ticks = 10
    now_ms = 0
    tells_at_once = False  # what changes, beside its lists
    lists_seldom = False

    def sounding(self, truth: Truth) -> Iterable[int]:
        return truth.owners

    def sound(self, source: int, sent: Truth, at_ms: int) -> Sound:
        """As it comes now; `sent`: what was true when it was sent."""
        line = Line(number=1, epoch=1, track_id=f"t{source}", stream_ids=(), mid="0")
        return Sound(line=line, ssrc=7, csrcs=(source,), at_ms=at_ms)

    def tells(self, before: Truth, shown: Truth) -> Iterable[tuple[str, Any]]:
        raise NotImplementedError

    def breaks(self, state: str) -> Iterable[tuple[str, Any]]:
        """For once; what it told then is lost."""
        raise NotImplementedError


class JitsiPage(Page):
    tells_at_once = True

    def tells(self, before: Truth, shown: Truth) -> Iterable[tuple[str, Any]]:
        people = [
            {"id": who, "name": who, "bot": False, "phone": False,
             "tracks": [{"id": f"t{source}", "ssrc": 7} for source, one in shown.owners.items() if one == who]}
            for who in shown.here
        ]  # fmt: skip
        return [("here", {"room": 1, "me": "me", "people": people})]

    def breaks(self, state: str) -> Iterable[tuple[str, Any]]:
        return [("apart", 1) if state == "apart" else ("here", {"room": 1, "me": "me", "people": [{}]})]


class TeamsPage(Page):
    """One mix, of all who have a source."""

    is_separate = False
    every_ticks = 5

    def sounding(self, truth: Truth) -> Iterable[int]:
        return [0] if truth.owners else []

    def sound(self, source: int, sent: Truth, at_ms: int) -> Sound:
        line = Line(number=1, epoch=1, track_id="mainAudio", stream_ids=(), mid="0")
        return Sound(line=line, ssrc=7, csrcs=tuple(sent.owners), at_ms=at_ms)

    def tells(self, before: Truth, shown: Truth) -> Iterable[tuple[str, Any]]:
        people = [{"id": _teams_id(who), "name": who} for who in shown.here]
        sources = {str(source): [_teams_id(who)] for source, who in shown.owners.items()}
        return [("here", {"me": "8:me", "call": "c", "people": people, "sources": sources})]

    def breaks(self, state: str) -> Iterable[tuple[str, Any]]:
        broken: dict[str, Any] = {"me": "m", "call": "c", "people": [{}]}
        return [("apart", None) if state == "apart" else ("here", broken)]


def _teams_id(who: str) -> str:
    return f"28:{who}" if who == "bot" else f"8:{who}"


class ZoomPage(Page):
    is_separate = False

    def sounding(self, truth: Truth) -> Iterable[int]:
        return [0] if truth.here else []

    def tells(self, before: Truth, shown: Truth) -> Iterable[tuple[str, Any]]:
        rows = [{"name": "onrecord", "label": "(Me)"}, *({"name": who, "label": ""} for who in shown.here)]
        return [("list", {"page": "p", "count": len(rows), "rows": rows})]

    def breaks(self, state: str) -> Iterable[tuple[str, Any]]:
        return [("apart", None) if state == "apart" else ("list", {"page": "p", "count": 5, "rows": [{}]})]


class MeetPage(Page):
    """Tells what changed at once; a whole list comes every three seconds, of when it was asked for, and with whose the
    sources were then."""

    every_ticks = 1
    tells_at_once = lists_seldom = True

    def __init__(self) -> None:
        self._ticks = 0
        self._is_open = False
        self._asked, self._asked_ms = Truth(), 0

    def tells(self, before: Truth, shown: Truth) -> Iterable[tuple[str, Any]]:
        if not self._is_open:
            self._is_open, before = True, Truth()
            yield "channel", "open"
        outputs = [{"kind": 1, "stream_id": str(source)} for source in before.owners.keys() - shown.owners.keys()]
        outputs += _outputs({key: who for key, who in shown.owners.items() if before.owners.get(key) != who})
        news = shown.here - before.here
        if news or outputs:
            yield "collections", write_channel({"body": {"lists": _users(*news), "devices": {"outputs": outputs}}})
        self._ticks += 1
        if self._ticks % 150 == 10:
            self._asked, self._asked_ms = shown, self.now_ms
        elif self._ticks % 150 == 15:
            body = {"lists": _users("self", *self._asked.here), "devices": {"outputs": _outputs(self._asked.owners)}}
            yield "people", {"body": write_answer(body), "age_ms": self.now_ms - self._asked_ms}

    def breaks(self, state: str) -> Iterable[tuple[str, Any]]:
        if state == "garbage":
            return [("collections", "AAAA")]
        self._is_open = False
        return [("channel", "closed")]


def _outputs(owners: dict[int, str]) -> list[dict[str, Any]]:
    return [{"kind": 1, "stream_id": str(source), "device_id": who} for source, who in owners.items()]


def _users(*names: str) -> dict[str, Any]:
    users = [{"device_id": who, "full_name": who, "status": 1} for who in names]
    return {"users": {"users": [user | ({"is_self": b"1"} if user["full_name"] == "self" else {}) for user in users]}}


CALLS: dict[str, Callable[[], Call]] = {
    "jitsi": lambda: Call(JITSI, JitsiReader(), JitsiPage()),
    "google_meet": lambda: Call(GOOGLE_MEET, MeetReader(), MeetPage()),
    "teams": lambda: Call(TEAMS, TeamsReader(), TeamsPage()),
    "zoom": lambda: Call(ZOOM, ZoomReader(), ZoomPage()),
}
