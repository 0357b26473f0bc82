"""The room of a simulated meeting: seats, chat, notices and sound, told to each bot late, dated early, twice, or never.

Keeps what `bot.ports` promises of a room: a join is told at most `roster_lag_ms` late, nothing is dated too kindly, the
chat comes in its order. Where only names are known, a seat goes to whoever bears the name next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.ports import (
    Admitted,
    ChatDeleted,
    ChatEdited,
    ChatSaid,
    DigitsPressed,
    Ended,
    Hears,
    Joined,
    Left,
    LeftReason,
    RoomCapabilities,
    RoomEvent,
    StopPressed,
)
from consent_notice.frames import Encoding, HeardFrame
from consent_notice.words import IdentityLevel, SeatId, SeatKind
from tests.simulators.visit import BOT
from tests.simulators.world_truth import DATED_EARLY_MS, Fact, Person, Sitting

if TYPE_CHECKING:
    from tests.simulators.world import World
    from tests.simulators.world_bot import Bot

FRAME_MS, ALIVE_MS = 20, 50
REPLAYED = 25  # messages that a room tells again
CHAT_LAGS_MS = (0, 0, 1, 20, 60)


@dataclass(slots=True, eq=False)
class Track:
    """How the sound of a sitting comes: `lag_ms` late, and `early_ms` older than the bot takes it for."""

    name: str
    lag_ms: int
    early_ms: int
    unknown_until_ms: int = 0


@dataclass(slots=True, eq=False)
class Message:
    """Something said to the bot in the room; told again after a restart where the room does so."""

    message_id: str
    seat: str
    name: str
    at_ms: int
    make: Callable[[SeatId, int], RoomEvent]  # with the seat it is told to be from, and when on the boot clock
    is_chat: bool = True
    is_gone: bool = False  # deleted
    is_told_again: bool = True
    is_whisper: bool = False
    is_talk: bool = False  # stands between somebody's question and another's answer
    reply_to: str | None = None
    code: str = ""  # of a page
    is_bare: bool = False
    changed_ms: int | None = None
    on_told: Callable[[Bot], None] | None = None


class Room:
    def __init__(self, world: World, capabilities: RoomCapabilities, *, replays: bool) -> None:
        self.world = world
        self.capabilities = capabilities
        self.replays = replays
        self.silent_until_ms = 0
        self.tracks: dict[str, tuple[Track, Sitting | None]] = {}  # by name; None: the mix
        self.track_of: dict[int, Track] = {}  # by the sitting's own identity
        self.names: dict[str, str] = {}  # of seats, as shown now
        self.phones: set[str] = set()
        self.history: list[Message] = []
        self.notices: dict[str, list[tuple[int, str]]] = {}  # readable at a seat: when, which
        self.public_notices: set[str] = set()
        self._numbers = 0
        self.mix = self._track("mix", None)

    def new_id(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}{self._numbers}"

    # ---- people ------------------------------------------------------------------------------------------------------

    def sits(self, people: list[Person], name: str, *, kind: SeatKind = SeatKind.PERSON, is_phone: bool = False) -> str:
        world = self.world
        seat = self._seat_for(people[0], name)
        sitting = Sitting(seat, people, world.now_ms, is_bot=kind is SeatKind.BOT)
        world.truth.sittings.append(sitting)
        self.names[seat] = name
        if is_phone:
            self.phones.add(seat)
        self.track_of[id(sitting)] = self._track(f"{seat}:{self.new_id('t')}", sitting)
        lag_ms = world.dice.choice((0, 0, 1, self.capabilities.roster_lag_ms))
        if world.dice.random() < 0.01:  # the room breaks its promise
            lag_ms = self.capabilities.roster_lag_ms + world.dice.choice((250, 700))
            sitting.told = Fact(world.now_ms, "room")
            world.words.says(seat, f"joined {world.now_ms}", sitting.told, is_told_again=False)
            sitting.told.ever_heard_by.clear()
        for bot in world.bots_in_room():
            self.tell_joined(bot, sitting, lag_ms)
        return seat

    def _seat_for(self, person: Person, name: str) -> str:
        if not self.capabilities.names_only:
            return f"s-{person.key}"
        taken = {sitting.seat for sitting in self.world.truth.present()}
        return next(seat for seat in (f"n-{name}-{number}" for number in range(9)) if seat not in taken)

    def tell_joined(self, bot: Bot, sitting: Sitting, lag_ms: int) -> None:
        seat, name = sitting.seat, self.names[sitting.seat]
        kind = SeatKind.BOT if seat == BOT else SeatKind.PERSON
        knows_person = not self.capabilities.names_only and len(sitting.people) == 1
        event = Joined(
            seat=SeatId(seat),
            name=name,
            seat_kind=kind,
            identity_level=self.capabilities.identity_level,
            at_ms=self.world.boot_ms(sitting.from_ms - self.world.dice.choice((0, 0, 5, DATED_EARLY_MS))),
            platform_id=sitting.people[0].key if knows_person else "",
            is_phone=seat in self.phones,
        )

        def told() -> None:
            bot.roster[seat] = name
            if sitting.told is not None:
                sitting.told.ever_heard_by.add(bot.epoch)
            bot.take(event)

        self._push(bot, f"seat {seat}", lag_ms, told)

    def leaves(self, sitting: Sitting) -> None:
        sitting.to_ms = self.world.now_ms
        lag_ms = self.world.dice.choice((0, 0, 1, self.capabilities.roster_lag_ms))
        early_ms = self.world.dice.choice((0, 0, 1, 60))
        for bot in self.world.bots_in_room():
            self._tell_left(bot, sitting.seat, self.world.boot_ms(sitting.to_ms - early_ms), lag_ms)

    def _tell_left(self, bot: Bot, seat: str, at_ms: int, lag_ms: int) -> None:
        def told() -> None:
            bot.roster.pop(seat, None)
            bot.take(Left(seat=SeatId(seat), at_ms=at_ms))

        self._push(bot, f"seat {seat}", lag_ms, told)

    def renames(self, sitting: Sitting, name: str) -> None:
        self.names[sitting.seat] = name
        for bot in self.world.bots_in_room():
            self.tell_joined(bot, sitting, self.world.dice.choice((0, 1, self.capabilities.roster_lag_ms)))

    # ---- what is said ------------------------------------------------------------------------------------------------

    def writes(self, sitting: Sitting, text: str, *, reply_to: str | None = None, whisper: bool = False) -> Message:
        message_id = self.new_id("m")

        def make(seat: SeatId, at_ms: int, said: str = text) -> RoomEvent:
            return ChatSaid(
                message_id=message_id, seat=seat, text=said, reply_to=reply_to, to_bot_only=whisper, at_ms=at_ms
            )

        message = self._says(sitting, message_id, make)
        message.is_whisper, message.reply_to = whisper, reply_to
        message.is_talk = not text.startswith("/")
        return message

    def edits(self, message: Message, text: str) -> Message:
        """Read again after a restart, it is the new text under the old id."""

        def make(seat: SeatId, at_ms: int) -> RoomEvent:
            return ChatEdited(message_id=message.message_id, seat=seat, text=text, at_ms=at_ms)

        def make_again(seat: SeatId, at_ms: int) -> RoomEvent:
            return ChatSaid(
                message_id=message.message_id,
                seat=seat,
                text=text,
                reply_to=None,
                to_bot_only=False,
                at_ms=at_ms,
                was_changed=True,
            )

        self.world.words.is_over(message)
        edit = Message(message.message_id, message.seat, message.name, self.world.now_ms, make)
        self._tell_all(edit)
        message.make, message.changed_ms = make_again, self.world.now_ms
        return edit

    def deletes(self, message: Message) -> Message:
        def make(seat: SeatId, at_ms: int) -> RoomEvent:
            return ChatDeleted(message_id=message.message_id, seat=seat, at_ms=at_ms)

        message.is_gone = True
        self.world.words.is_over(message)
        deletion = Message(message.message_id, message.seat, message.name, self.world.now_ms, make)
        self._tell_all(deletion)
        return deletion

    def presses_stop(self, sitting: Sitting) -> Message:
        """The room itself shuts that person's sound off first."""
        message_id = self.new_id("b")
        for bot in self.world.bots_in_room():
            bot.heard_seats -= {sitting.seat}

        def make(seat: SeatId, at_ms: int) -> RoomEvent:
            return StopPressed(message_id=message_id, seat=seat, at_ms=at_ms)

        return self._says(sitting, message_id, make, is_chat=False)

    def presses_key(self, sitting: Sitting, digits: str) -> Message:
        message_id = self.new_id("d")

        def make(seat: SeatId, at_ms: int) -> RoomEvent:
            return DigitsPressed(message_id=message_id, seat=seat, digits=digits, at_ms=at_ms)

        message = self._says(sitting, message_id, make, is_chat=False)
        message.is_told_again = False
        return message

    def _says(
        self, sitting: Sitting, message_id: str, make: Callable[[SeatId, int], RoomEvent], *, is_chat: bool = True
    ) -> Message:
        message = Message(message_id, sitting.seat, self.names[sitting.seat], self.world.now_ms, make, is_chat)
        self.history.append(message)
        self._tell_all(message)
        return message

    def _tell_all(self, message: Message) -> None:
        for bot in self.world.bots_in_room():
            self.tell_message(bot, message, self.world.dice.choice(CHAT_LAGS_MS))

    def tell_message(self, bot: Bot, message: Message, lag_ms: int) -> None:
        """After the join of whoever said it. Where only names are known, it is from whoever bears the name."""
        as_of_ms = message.at_ms if message.changed_ms is None else message.changed_ms
        at_ms, make = self.world.boot_ms(as_of_ms), message.make

        def told() -> None:
            seat = message.seat
            if self.capabilities.names_only and message.is_chat:
                named = sorted(each for each, name in bot.roster.items() if name == message.name)
                if not named:
                    return
                seat = self.world.dice.choice(named)
            self.world.words.told_message(bot, message, as_of_ms)
            if message.on_told is not None:
                message.on_told(bot)
            bot.take(make(SeatId(seat), at_ms))

        self._push(bot, "chat" if message.is_chat else "keys", lag_ms, told, after=f"seat {message.seat}")

    def post_notice(self, bot: Bot, seats: set[str]) -> str:
        """Readable from now on to those who are there; empty where the room takes no more from that bot."""
        if not bot.is_in_room:
            return ""
        message_id = self.new_id("n")
        for seat in seats:
            self.notices.setdefault(seat, []).append((self.world.now_ms, message_id))
        self.public_notices.add(message_id)
        return message_id

    # ---- bots --------------------------------------------------------------------------------------------------------

    def admit(self, bot: Bot) -> None:
        def admitted() -> None:
            bot.is_in_room, bot.admitted_ms = True, self.world.now_ms
            bot.take(Admitted(own_seat=BOT, at_ms=self.world.boot_ms()))
            self._own_joined(bot)
            for sitting in self.world.truth.present():
                self.tell_joined(bot, sitting, 0)
            if self.replays:
                for message in self.history[:-REPLAYED]:
                    self.world.words.is_over(message)
                for message in self.history[-REPLAYED:]:
                    if not message.is_gone and message.is_told_again:
                        self.world.words.told_again(bot, message)
                        self.tell_message(bot, message, self.world.dice.choice((0, 1, 40)))
            self._is_alive(bot)

        self.world.at(self.world.now_ms + 10, lambda: bot.on_loop("room", admitted))

    def _own_joined(self, bot: Bot) -> None:
        bot.take(
            Joined(
                seat=BOT,
                name="onrecord",
                seat_kind=SeatKind.BOT,
                identity_level=IdentityLevel.DISPLAY_NAME,
                at_ms=self.world.boot_ms(),
            )
        )

    def drops(self, bot: Bot) -> None:
        """The connection is lost; the last sign of life may be a moment old."""
        at_ms = self.world.boot_ms(self.world.now_ms - self.world.dice.choice((0, 1, 45)))
        bot.is_in_room = False
        bot.on_loop("room", lambda: bot.take(Ended(reason=LeftReason.CONNECTION_LOST, detail="lost", at_ms=at_ms)))

    def _is_alive(self, bot: Bot) -> None:
        if not bot.is_in_room or not bot.is_alive:
            return
        now_ms = self.world.now_ms
        if now_ms >= self.silent_until_ms:
            bot.on_loop("room", lambda: bot.room_known(now_ms))
        self.world.at(now_ms + ALIVE_MS, lambda: self._is_alive(bot))

    def _push(self, bot: Bot, channel: str, lag_ms: int, told: Callable[[], None], *, after: str | None = None) -> None:
        due_ms = max(self.world.now_ms + lag_ms, bot.due_ms.get(channel, 0), bot.due_ms.get(after or "", 0))
        bot.due_ms[channel] = due_ms

        def deliver() -> None:
            bot.held.append(told)
            self._let_go(bot)

        self.world.at(due_ms, deliver)

    def _let_go(self, bot: Bot) -> None:
        """In the order in which it came, once the room speaks again."""
        if self.world.now_ms < self.silent_until_ms:
            self.world.at(self.silent_until_ms, lambda: self._let_go(bot))
            return
        held, bot.held = bot.held, []
        for told in held if bot.is_in_room else []:
            bot.on_loop("room", told)

    # ---- sound -------------------------------------------------------------------------------------------------------

    def _track(self, name: str, sitting: Sitting | None) -> Track:
        dice = self.world.dice
        track = Track(name, dice.choice((0, 0, 1, 19, 45)), dice.choice((0, self.capabilities.path_delay_ms)))
        self.tracks[name] = (track, sitting)
        return track

    def changes_owner(self, sitting: Sitting, unknown_ms: int) -> None:
        """Whose sound the line carries is unknown for a while; then it is a new track."""
        fresh = self._track(f"{sitting.seat}:{self.new_id('t')}", sitting)
        fresh.unknown_until_ms = self.world.now_ms + unknown_ms
        self.track_of[id(sitting)] = fresh
        self.mix.unknown_until_ms = self.world.now_ms + unknown_ms

    def talk(self) -> None:
        """One packet of everybody who has just been there."""
        now_ms, world = self.world.now_ms, self.world
        bots = world.bots_in_room()
        if bots and self.capabilities.hears is Hears.MIXED:
            for bot in bots:
                is_known = now_ms >= self.mix.unknown_until_ms
                speakers = frozenset(map(SeatId, bot.roster)) if is_known else None
                self._send(bot, self.mix, speakers, Encoding.PCM_S16LE_48K)
        elif bots:
            for sitting in world.truth.sittings:
                track = self.track_of[id(sitting)]
                earliest_ms = now_ms - FRAME_MS - track.lag_ms - track.early_ms
                if sitting.to_ms <= earliest_ms or sitting.from_ms >= earliest_ms + FRAME_MS:
                    continue
                speakers = frozenset({SeatId(sitting.seat)}) if now_ms >= track.unknown_until_ms else None
                for bot in bots:
                    if not self.capabilities.withholds or sitting.seat in bot.heard_seats:
                        self._send(bot, track, speakers, Encoding.OPUS)
        world.at(now_ms + FRAME_MS, self.talk)

    def _send(self, bot: Bot, track: Track, speakers: frozenset[SeatId] | None, encoding: Encoding) -> None:
        if self.world.now_ms - FRAME_MS - track.lag_ms - track.early_ms < bot.admitted_ms:
            return
        captured_ms = self.world.boot_ms(self.world.now_ms - FRAME_MS - track.lag_ms)
        frame = HeardFrame(
            track=track.name,
            speakers=speakers,
            captured_ms=captured_ms,
            duration_ms=FRAME_MS,
            rtp_timestamp=captured_ms * 48,
            encoding=encoding,
            payload=b"\x78",
        )
        bot.on_loop("sound", lambda: bot.hear(frame))
