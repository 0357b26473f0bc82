"""A meeting in memory that keeps the promises of `bot.ports.MeetingRoom`, and fails as real ones do when it is told to.

`SimulatedMeeting` is the world: its people, and all that the bot wrote. `SimulatedRoom` is one connection of a bot.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from bot.ports import (
    Admitted,
    ChatDeleted,
    ChatEdited,
    ChatSaid,
    DigitsPressed,
    Ended,
    Heard,
    Hears,
    Joined,
    JoinRequest,
    Left,
    LeftReason,
    Post,
    RoomCapabilities,
    RoomError,
    RoomEvent,
    RosterKnownUntil,
    Speech,
    StillThere,
    StopPressed,
    Tile,
    WaitingInLobby,
)
from consent_notice.clock import Clock
from consent_notice.frames import Encoding, HeardFrame
from consent_notice.words import IdentityLevel, SeatId, SeatKind

CAPABILITIES = RoomCapabilities(
    platform="practice",
    hears=Hears.SEPARATE,
    withholds=True,
    can_speak=True,
    can_chat=True,
    can_whisper=True,
    can_show_tile=True,
    chat_limit_chars=2000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=100,
    path_delay_ms=0,
)
ALIVE_EVERY_S = 0.05
FRAME_MS = 20


def seat_of(name: str) -> SeatId:
    return SeatId(hashlib.sha256(name.encode()).hexdigest()[:12])


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A message of the bot, as the room accepted it."""

    message_id: str
    at_ms: int
    post: Post


@dataclass(slots=True)
class SimulatedMeeting:
    clock: Clock
    refuses: RoomError | None = None  # what a bot that knocks is told
    knows_nobody: bool = False  # and says that it is there
    is_silent: bool = False  # tells nothing any more, and goes on sending sound
    post_takes_s: float = 0.0
    capabilities: RoomCapabilities = CAPABILITIES
    refuses_posts: int = 0  # so many of the next ones
    arrives_after_s: float = 0.0  # a browser and a page that take their time
    has_lobby: bool = False  # whoever knocks waits until `lets_in`
    fails_to_hear: bool = False  # `hear` fails and changes nothing: who was sent is sent on
    said_ms: list[tuple[int, Speech]] = field(default_factory=list)  # when the bot began to say what
    rooms: list[SimulatedRoom] = field(default_factory=list)
    knocks: list[JoinRequest] = field(default_factory=list)
    posts: list[Posted] = field(default_factory=list)
    tiles: list[Tile] = field(default_factory=list)
    people: dict[SeatId, Joined] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def room(self, tasks: asyncio.TaskGroup) -> SimulatedRoom:
        self.rooms.append(SimulatedRoom(self, tasks, len(self.rooms)))
        return self.rooms[-1]

    # ---- what people do ------------------------------------------------------------------------------------------

    def joins(
        self,
        name: str,
        *,
        kind: SeatKind = SeatKind.PERSON,
        platform_id: str = "",
        is_phone: bool = False,
        id_of: str = "",
    ) -> SeatId:
        """`id_of`: what makes the seat this one, where two have one name."""
        seat = seat_of(id_of or name)
        level = IdentityLevel.SHARED_OR_ANONYMOUS if is_phone else self.capabilities.identity_level
        self.people[seat] = Joined(
            seat=seat,
            name=name,
            seat_kind=kind,
            identity_level=level,
            at_ms=self.clock.boot_ms(),
            platform_id=platform_id,
            is_phone=is_phone,
        )
        self.push(self.people[seat])
        return seat

    def leaves(self, seat: SeatId) -> None:
        del self.people[seat]
        self.push(Left(seat=seat, at_ms=self.clock.boot_ms()))

    def writes(self, seat: SeatId, text: str, *, reply_to: str | None = None) -> str:
        """The message's id."""
        message_id = self.new_message()
        self.push(
            ChatSaid(
                message_id=message_id,
                seat=seat,
                text=text,
                reply_to=reply_to,
                to_bot_only=False,
                at_ms=self.clock.boot_ms(),
            )
        )
        return message_id

    def edits(self, message_id: str, seat: SeatId, text: str) -> None:
        self.push(ChatEdited(message_id=message_id, seat=seat, text=text, at_ms=self.clock.boot_ms()))

    def deletes(self, message_id: str, seat: SeatId) -> None:
        self.push(ChatDeleted(message_id=message_id, seat=seat, at_ms=self.clock.boot_ms()))

    def presses_keys(self, seat: SeatId, digits: str) -> None:
        at_ms = self.clock.boot_ms()
        self.push(DigitsPressed(message_id=self.new_message(), seat=seat, digits=digits, at_ms=at_ms))

    def presses_stop(self, seat: SeatId) -> None:
        """The room itself stops sending that voice, before it tells the bot."""
        for room in self.rooms:
            room.heard_seats -= {seat}
        self.push(StopPressed(message_id=self.new_message(), seat=seat, at_ms=self.clock.boot_ms()))

    async def talk(self) -> None:
        """Until cancelled, everybody talks all the time, in packets of 20 ms."""
        for number in count():
            await asyncio.sleep(FRAME_MS / 1000)
            for room in self.rooms:
                room.send(number)

    # ---- what the meeting does -----------------------------------------------------------------------------------

    def lets_in(self) -> None:
        self.has_lobby = False
        for room in self.rooms:
            room.let_in()

    def ends(self, reason: LeftReason) -> None:
        """For every bot in it; CONNECTION_LOST is a dropped line."""
        for room in self.rooms:
            room.end(reason)

    def push(self, event: RoomEvent) -> None:
        if not self.is_silent:
            for room in self.rooms:
                room.push(event)

    def new_message(self) -> str:
        return f"m{next(self._numbers)}"

    # ---- what a test asks ----------------------------------------------------------------------------------------

    @property
    def texts(self) -> list[str]:
        return [posted.post.text for posted in self.posts]

    def notices_to(self, seat: SeatId) -> list[Posted]:
        return [one for one in self.posts if one.post.is_notice and one.post.to_seat in (None, seat)]

    def is_kept(self, seat: SeatId) -> bool:
        """By what the bot's own picture tells that person."""
        return bool(self.tiles) and self.tiles[-1].kept.get(seat, False)


class SimulatedRoom:
    """Implements `bot.ports.MeetingRoom`."""

    def __init__(self, meeting: SimulatedMeeting, tasks: asyncio.TaskGroup, number: int) -> None:
        self.capabilities = meeting.capabilities
        self._meeting = meeting
        self._tasks = tasks
        self._number = number
        self._to: Callable[[RoomEvent], None] | None = None
        self._token = ""
        self._alive: asyncio.Task[None] | None = None
        self.heard_seats: frozenset[SeatId] = frozenset()
        self.left_ms: int | None = None

    async def join(self, request: JoinRequest, push: Callable[[RoomEvent], None]) -> None:
        self._meeting.knocks.append(request)
        if self._meeting.refuses is not None:
            raise self._meeting.refuses
        await asyncio.sleep(self._meeting.arrives_after_s)
        self._to, self._token = push, request.resume_token
        self._alive = self._tasks.create_task(self._tell_alive())
        if self._meeting.has_lobby:
            self.push(WaitingInLobby(at_ms=self._meeting.clock.boot_ms()))
        else:
            self.let_in()

    async def hear(self, seats: frozenset[SeatId]) -> None:
        if self._meeting.fails_to_hear:
            raise RoomError("couldn't change whom the bot hears: the meeting server did not answer")
        self.heard_seats = seats if self._to is not None else frozenset()

    async def post(self, post: Post) -> str:
        await asyncio.sleep(self._meeting.post_takes_s)
        if self._meeting.refuses_posts > 0:
            self._meeting.refuses_posts -= 1
            raise RoomError("the chat did not take it")
        message_id = self._meeting.new_message()
        if self._to is not None:
            at_ms = self._meeting.clock.boot_ms()
            self._meeting.posts.append(Posted(message_id=message_id, at_ms=at_ms, post=post))
        return message_id

    async def speak(self, speech: Speech) -> None:
        self._meeting.said_ms.append((self._meeting.clock.boot_ms(), speech))
        await asyncio.sleep(speech.duration_ms / 1000)

    async def show(self, tile: Tile) -> None:
        if self._to is not None:
            self._meeting.tiles.append(tile)

    async def leave(self) -> None:
        if self.left_ms is None:
            self.left_ms = self._meeting.clock.boot_ms()
        self._close()

    # ---- for the meeting -----------------------------------------------------------------------------------------

    def let_in(self) -> None:
        self.push(Admitted(own_seat=seat_of(self._token), at_ms=self._meeting.clock.boot_ms()))
        for person in self._meeting.people.values():
            self.push(person)

    def push(self, event: RoomEvent) -> None:
        if self._to is not None:
            self._to(event)

    def send(self, number: int) -> None:
        """One packet of everybody whom the bot hears, with its time and its owner in it."""
        captured_ms = self._meeting.clock.boot_ms() - FRAME_MS
        for seat in self.heard_seats & self._meeting.people.keys():
            self.push(
                Heard(
                    frame=HeardFrame(
                        track=f"{seat}:{self._number}",
                        speakers=frozenset({seat}),
                        captured_ms=captured_ms,
                        duration_ms=FRAME_MS,
                        rtp_timestamp=number * FRAME_MS * 48,
                        encoding=Encoding.OPUS,
                        payload=b"\xf8" + captured_ms.to_bytes(8, "big") + seat.encode(),
                    )
                )
            )

    def end(self, reason: LeftReason) -> None:
        self.push(Ended(reason=reason, detail=f"simulated: {reason.value}", at_ms=self._meeting.clock.boot_ms()))
        self._close()

    def _close(self) -> None:
        self._to = None
        self.heard_seats = frozenset()
        if self._alive is not None:
            self._alive.cancel()

    async def _tell_alive(self) -> None:
        while True:
            if not self._meeting.is_silent:
                told = StillThere if self._meeting.knows_nobody else RosterKnownUntil
                self.push(told(at_ms=self._meeting.clock.boot_ms()))
            await asyncio.sleep(ALIVE_EVERY_S)
