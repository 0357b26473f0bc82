"""One process of the bot in the simulated meeting: a real session and capture, and lanes that perform what is ordered.

Does by hand what `bot.stay` does with tasks, so that each order can be slow, fail or be lost with the process. Its loop
can be stalled: then everything waits, and comes all at once and in any order of its sources.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot import ledger
from bot.capture import Capture
from bot.commands import (
    AgreementFound,
    Append,
    AskPhone,
    BindPage,
    Command,
    CutBack,
    Durable,
    FindAgreement,
    Hear,
    HostStopped,
    JoinRoom,
    LeaveRoom,
    NoticePosted,
    OwnershipLost,
    OwnEvent,
    PageUnknown,
    PostLine,
    PostNotice,
    ServerStops,
    Show,
    SpeakLine,
    SpeakNotice,
    Started,
    StopMeeting,
    StorageFailed,
    Tick,
)
from bot.facts import SessionFacts
from bot.ports import Ended, LeftReason, RoomEvent
from bot.presence import IllegalEvent, Presence
from bot.session import Session
from consent_notice.frames import GateTimes, HeardFrame
from consent_notice.gate import AdmittedFrame
from consent_notice.words import IdentityLevel, SeatId
from storage.errors import LogWriteFailed, StaleEpoch
from tests.simulators.world_log import Entry
from tests.simulators.world_truth import HOST_NAME, Fact

if TYPE_CHECKING:
    from tests.simulators.world import World

TICK_MS, SESSION_TICK_MS, OWNER_MS, FEED_MS = 40, 250, 500, 50
ROOM_LOST_MS = 8_000
FENCE_NOTICED_MS = 600  # the writer of sound looks whose meeting it is at least so often


class Bot:
    def __init__(self, world: World, facts: SessionFacts, earlier: list[Durable], told: int) -> None:
        """`told`: how much of the log it need not be told of."""
        self.world = world
        self.epoch, self.boot = facts.epoch, facts.boot_id
        self.began_ms = world.now_ms
        self.session = Session(facts, earlier)
        times = GateTimes(path_delay_ms=facts.capabilities.path_delay_ms, settle_ms=world.settle_ms)
        self.capture = Capture(self.session.record, times, self._keep, world.boot_ms())
        self.told = told
        self.told_ms: dict[int, int] = {entry.index: world.now_ms for entry in earlier}
        self.is_alive = True
        self.is_in_room = False
        self.admitted_ms = 0
        self.stalled_until_ms = 0
        self.last_tick_ms = world.now_ms
        self.last_fed_ms = self.last_room_ms = world.now_ms  # up to when it was told, on the true clock
        self.is_replaced_since_ms: int | None = None
        self.backlog: dict[str, list[Callable[[], None]]] = {}
        self.heard_seats: frozenset[str] = frozenset()
        self.is_fed = True  # the last delivery was taken
        self.roster: dict[str, str] = {}  # whom the room has told it of, by the name shown
        self.due_ms: dict[str, int] = {}  # when the room's channels have told all that was pushed
        self.held: list[Callable[[], None]] = []  # by a silent room
        self.doubts: list[tuple[int, int, str]] = []  # what its process lived through, on the true clock
        self._lanes: dict[str, deque[Command]] = {name: deque() for name in ("log", "room", "chat", "speech")}
        self._busy: set[str] = set()

    def start(self) -> None:
        self.take(Started())
        for period_ms, work in (
            (TICK_MS, self._tick),
            (SESSION_TICK_MS, self._tick_session),
            (OWNER_MS, self._watch_owner),
        ):
            self._every(period_ms, work)
        self._poll_feed()

    # ---- the loop ----------------------------------------------------------------------------------------------------

    def on_loop(self, source: str, work: Callable[[], None]) -> None:
        """Now, or when the stalled loop goes on."""
        if not self.is_alive:
            return
        self.backlog.setdefault(source, []).append(work)
        self._go_on()

    def stall(self, until_ms: int) -> None:
        self.stalled_until_ms = until_ms
        self.world.at(until_ms, self._go_on)

    def _go_on(self) -> None:
        if self.world.now_ms < self.stalled_until_ms:
            return
        sources = sorted(self.backlog)
        self.world.dice.shuffle(sources)
        backlog, self.backlog = self.backlog, {}
        for source in sources:
            for work in backlog[source]:
                if self.is_alive:
                    work()

    def _every(self, period_ms: int, work: Callable[[], None]) -> None:
        def again() -> None:
            if self.is_alive:
                self.on_loop(work.__name__, work)
                self.world.at(max(self.world.now_ms, self.stalled_until_ms) + period_ms, again)

        self.world.at(self.world.now_ms + period_ms, again)

    def _tick(self) -> None:
        now_ms = self.world.now_ms
        self.world.laws.ticked(self)
        self.last_tick_ms = now_ms
        self.capture.tick(self.world.boot_ms())

    def _tick_session(self) -> None:
        silent_ms = self.world.now_ms - self.last_room_ms
        if self.session.presence is Presence.IN_ROOM and silent_ms > ROOM_LOST_MS:
            at_ms = self.world.boot_ms(self.last_room_ms)
            self.take(Ended(reason=LeftReason.CONNECTION_LOST, detail="silent", at_ms=at_ms))
        self.take(Tick())

    def _watch_owner(self) -> None:
        if self.session.presence in (Presence.LEAVING, Presence.LEFT):
            return
        if self.world.is_stopped:
            self.take(HostStopped())
        elif self.world.log.epoch != self.epoch:
            self.take(OwnershipLost())

    def _poll_feed(self) -> None:
        """As the feed's thread does: what is there, and until when that is all; one delivery at a time."""
        if not self.is_alive:
            return
        world = self.world
        if self.is_fed and world.now_ms >= world.feed_silent_until_ms:
            entries, known_ms = list(world.log.tail(self.told)), world.now_ms
            self.told += len(entries)
            self.is_fed = False
            world.at(
                known_ms + world.dice.choice((0, 0, 1, 10, 30)),
                lambda: self.on_loop("feed", lambda: self._fed(entries, known_ms)),
            )
        world.at(world.now_ms + FEED_MS, self._poll_feed)

    def _fed(self, entries: list[Entry], known_ms: int) -> None:
        for entry in entries:
            self.told_ms.setdefault(entry.index, self.world.now_ms)
            self.take(Durable(index=entry.index, event_id=entry.event_id, event=entry.event))
        self.capture.feed_known(self.world.boot_ms(known_ms))
        self.last_fed_ms = known_ms
        self.is_fed = True

    # ---- taking events -----------------------------------------------------------------------------------------------

    def take(self, event: RoomEvent | OwnEvent) -> None:
        if not self.is_alive:
            return
        before = self.session.presence
        try:
            commands = self.session.apply(event, self.world.boot_ms())
        except IllegalEvent:
            return
        if self.session.presence in (Presence.LEAVING, Presence.LEFT):
            self.capture.shut()
        self.world.laws.ordered(self, event, commands)
        for command in commands:
            self._order(command)
        if self.session.presence is Presence.LEFT or before is not self.session.presence is Presence.LEAVING:
            self._over()

    def knows(self, fact: Fact) -> bool:
        return self.epoch in fact.known_to or (fact.index is not None and fact.index in self.told_ms)

    def is_host(self, seat: str) -> bool:
        """As far as it was told: the only one of the host's name."""
        return [each for each, name in self.roster.items() if name == HOST_NAME] == [seat]

    def hear(self, frame: HeardFrame) -> None:
        self.capture.heard(frame)

    def room_known(self, at_ms: int) -> None:
        self.last_room_ms = max(self.last_room_ms, at_ms)
        self.capture.room_known(self.world.boot_ms(at_ms))

    def _order(self, command: Command) -> None:
        match command:
            case Append() | BindPage() | CutBack() | FindAgreement() | StopMeeting():
                lane = "log"
            case PostLine() | PostNotice():
                lane = "chat"
            case SpeakLine() | SpeakNotice() | AskPhone():
                lane = "speech"
            case LeaveRoom():
                return
            case _:
                lane = "room"
        self._lanes[lane].append(command)
        self._go(lane)

    def _over(self) -> None:
        """Out of the room; what is still to be stored is stored."""
        self.is_in_room = False
        self.world.bot_left(self)

    def end(self) -> None:
        """The process is gone, with all that was queued in it."""
        self.is_alive = self.is_in_room = False
        self.capture.shut()
        self.world.bot_ended(self)

    def is_drained(self) -> bool:
        return not self._lanes["log"] and "log" not in self._busy

    def stop_server(self) -> None:
        self.take(ServerStops())

    # ---- performing orders -------------------------------------------------------------------------------------------

    def _go(self, lane: str) -> None:
        if lane in self._busy or not self._lanes[lane] or not self.is_alive:
            return
        self._busy.add(lane)
        command = self._lanes[lane].popleft()
        takes_ms = self.world.delay_of(lane, command)
        self.world.at(self.world.now_ms + takes_ms, lambda: self._perform(lane, command))

    def _perform(self, lane: str, command: Command) -> None:
        """What it does to the world happens at once; that it was done is heard of on the loop."""
        if not self.is_alive:
            return
        after = self._do(command)
        told_ms = self.world.now_ms + self.world.dice.choice((0, 0, 1, 5, 40))
        if isinstance(command, PostNotice | AskPhone):
            told_ms += 1  # nobody answers in the millisecond in which it can be read

        def done() -> None:
            if after is not None:
                after()
            self._busy.discard(lane)
            self._go(lane)

        self.world.at(told_ms, lambda: self.on_loop("done", done))

    def _do(self, command: Command) -> Callable[[], None] | None:
        world = self.world
        match command:
            case Append() | BindPage() | CutBack() | FindAgreement() | StopMeeting():
                return self._store(command)
            case Hear(seats=seats):
                self.heard_seats = frozenset(map(str, seats))
            case PostNotice() | AskPhone():
                seats = command.seats if isinstance(command, PostNotice) else frozenset({command.seat})
                line = command.line if isinstance(command, PostNotice) else None
                message_id = world.room.post_notice(self, {str(seat) for seat in seats})
                posted = NoticePosted(message_id=message_id, seats=seats, line=line, stays=command.stays)
                return (lambda: self.take(posted)) if message_id else None
            case PostLine():
                world.laws.posted(self, command)
            case JoinRoom():
                world.room.admit(self)
            case SpeakLine() | SpeakNotice() | Show() | LeaveRoom():
                pass
        return None

    def _store(self, command: Append | BindPage | CutBack | FindAgreement | StopMeeting) -> Callable[[], None] | None:
        world = self.world
        try:
            match command:
                case Append(event=event, event_id=event_id):
                    fenced_epoch = None if ledger._is_a_no(event) else self.epoch
                    try:
                        world.log.append(event, event_id, fenced_epoch)
                    finally:
                        entry = world.log.find(event_id)
                        if entry is not None:
                            world.words.written(event, entry.index)
                case CutBack(seat=seat, after_ms=after_ms, of_earlier_stays=of_earlier_stays):
                    is_older = of_earlier_stays and after_ms < self.capture.began_ms
                    if is_older or self.capture.kept_after(seat, after_ms):
                        world.cut_back(self.boot, seat, after_ms)
                case BindPage(code=code, seat=writer, at_ms=at_ms):
                    bound = world.pages.bind(code, writer, at_ms)
                    return lambda: self.take(bound or PageUnknown(seat=writer))
                case FindAgreement(seat=whose, platform_id=platform_id):
                    found = world.pages.find_agreement(whose, platform_id)
                    return lambda: self.take(found)
                case StopMeeting():
                    world.is_stopped = True
                    return lambda: self.take(HostStopped())
        except StaleEpoch:
            return lambda: self.take(OwnershipLost())
        except LogWriteFailed as error:
            detail = str(error)
            return lambda: self.take(StorageFailed(detail=detail))
        return None

    def _keep(self, frame: AdmittedFrame) -> None:
        """The writer of sound refuses once it has seen that another bot has the meeting."""
        since_ms = self.is_replaced_since_ms
        if since_ms is not None and self.world.now_ms - since_ms > FENCE_NOTICED_MS:
            return
        self.world.keep(self, frame)


def nothing_found(seat: SeatId) -> AgreementFound:
    return AgreementFound(
        seat=seat, agreement="", acts=(), identity_level=IdentityLevel.SHARED_OR_ANONYMOUS, matched_by=""
    )
