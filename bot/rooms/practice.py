"""The built-in practice room as a MeetingRoom: it withholds a person's sound until `hear` names their seat.

Hides the room's wire, which slot carries whom, and how the room's times become the bot's: what the room said came
after the bot's last ping that it had seen, so that a time is never taken for later than it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.ears import Ear
from bot.opus import SpokenLine, encode
from bot.platforms import PRACTICE
from bot.ports import (
    Admitted,
    ChatSaid,
    DigitsPressed,
    Ended,
    Heard,
    Joined,
    JoinRequest,
    Left,
    LeftReason,
    Post,
    RoomError,
    RoomEvent,
    RoomRefused,
    RoomUnreachable,
    RosterKnownUntil,
    Speech,
    StopPressed,
    Tile,
)
from bot.practice_client import (
    SLOTS,
    JoinRefused,
    NoMedia,
    NotAPracticeLink,
    PracticeClient,
    PracticeError,
)
from bot.rtp import RtpPacket
from consent_notice.clock import Clock
from consent_notice.frames import HeardFrame
from consent_notice.words import IdentityLevel, SeatId, SeatKind

LONGEST_NAME = 80
LONGEST_TILE_TEXT = 500
ACKNOWLEDGED_WITHIN_S = 3.0
SLOT_RESTS_MS = 500  # after `unsubscribed`, stragglers of the last owner may still be on their way
PING_EVERY_S = 0.25
SILENT_PINGS = 8  # the room tells every 50 ms that it lives

_REFUSALS = {
    "full": LeftReason.ROOM_FULL,
    "not_found": LeftReason.NOT_FOUND,
    "name": LeftReason.DENIED,
    "bad": LeftReason.DENIED,
    "replaced": LeftReason.TAKEN_OVER,
}
_DETAILS = {
    "replaced": "another bot took this one's seat",
    "too_slow": "the bot could not keep up with the room",
    "media_lost": "no sound could pass between the bot and the room",
}

Message = dict[str, Any]


class NotPosted(RoomError):
    """The room did not take a message. It may be too long, or its receiver has left."""


@dataclass(slots=True)
class _Slot:
    """What the bot hears on one line: nothing, or one seat's track."""

    ear: Ear | None = None
    rests_until_ms: int = 0
    acknowledged: asyncio.Future[bool] | None = None  # True: subscribed; False: unsubscribed

    @property
    def seat(self) -> SeatId | None:
        return next(iter(self.ear.speakers)) if self.ear is not None else None


class PracticeRoom:
    """One stay. `tasks` must outlive it; a room that breaks is told as `Ended`, never as an exception in `tasks`."""

    capabilities = PRACTICE

    def __init__(self, *, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self._clock = clock
        self._tasks = tasks
        self._client = PracticeClient(
            clock=clock, tasks=tasks, on_message=self._take, on_packet=self._take_packet, on_over=self._lost
        )
        self._push_out: Callable[[RoomEvent], None] | None = None
        self._over = False
        self._own_seat = SeatId("")
        self._present: set[SeatId] = set()
        self._slots = [_Slot() for _ in range(SLOTS)]
        self._tracks_begun = 0
        self._hearing = asyncio.Lock()
        self._stopped: dict[SeatId, str] = {}  # the last stop of each seat
        self._unanswered_stops: set[SeatId] = set()  # seats not to be heard until `hear` was called without them
        self._posted: dict[str, asyncio.Future[str]] = {}
        self._posts = 0
        self._kept_told: dict[SeatId, bool] = {}
        self._voice: SpokenLine | None = None
        self._speaking = asyncio.Lock()
        self._known_ms = 0
        self._heard_of_room = False
        self._pinger: asyncio.Task[None] | None = None

    # ---- the port ------------------------------------------------------------------------------------------------

    async def join(self, request: JoinRequest, push: Callable[[RoomEvent], None]) -> None:
        if self._over:
            return
        self._push_out = push
        self._known_ms = self._clock.boot_ms()  # whatever the room says, it says after this
        said = {
            "name": request.name[:LONGEST_NAME],
            "kind": "bot",
            "token": request.resume_token,
            "invited_by": request.invited_by[:LONGEST_NAME],
        }
        try:
            welcome = await self._client.join(request.link, said)
        except NotAPracticeLink as error:
            raise RoomRefused(LeftReason.NOT_FOUND, str(error.__doc__)) from error
        except JoinRefused as error:
            raise RoomRefused(_REFUSALS.get(error.code, LeftReason.CONNECTION_LOST), str(error)) from error
        except NoMedia as error:
            raise RoomRefused(LeftReason.NO_MEDIA, str(error.__doc__)) from error
        except PracticeError as error:
            raise RoomUnreachable from error
        assert self._client.microphone is not None
        self._voice = SpokenLine(self._client.microphone, self._clock)
        self._own_seat = SeatId(welcome["seat"])
        self._push(Admitted(own_seat=self._own_seat, at_ms=self._clock.boot_ms()))
        for person in welcome["people"]:
            self._joined(person)
        self._ping()
        self._pinger = self._tasks.create_task(self._keep_pinging())

    async def hear(self, seats: frozenset[SeatId]) -> None:
        async with self._hearing:
            self._unanswered_stops &= seats
            wanted = (seats & self._present) - self._unanswered_stops
            gone = [slot for slot in self._slots if slot.seat is not None and slot.seat not in wanted]
            for slot in gone:
                self._forget(slot)  # our own ears first, then the room's promise
            for slot in gone:
                await self._ask(slot, {"t": "unsubscribe"})
            heard = {slot.seat for slot in self._slots}
            for seat in sorted(wanted - heard):
                await self._subscribe(seat)

    async def post(self, post: Post) -> str:
        if self._over:
            return ""
        self._posts += 1
        nonce = str(self._posts)
        self._posted[nonce] = asyncio.get_running_loop().create_future()
        message = {"t": "chat", "text": post.text, "reply_to": post.reply_to, "to": post.to_seat, "nonce": nonce}
        self._client.send({**message, "notice": post.is_notice})
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                return await self._posted[nonce]
        except TimeoutError as error:
            raise NotPosted from error
        finally:
            del self._posted[nonce]

    async def speak(self, speech: Speech) -> None:
        if self._over or self._voice is None:
            return
        packets = await asyncio.to_thread(encode, speech.pcm)
        async with self._speaking:
            await self._voice.say(packets)

    async def show(self, tile: Tile) -> None:
        if self._over:
            return
        shown = {"state": tile.state.value, "text": tile.text[:LONGEST_TILE_TEXT], "invited_by": tile.invited_by}
        self._client.send({"t": "tile", **shown, "link": tile.page_link})
        for seat, kept in tile.kept.items():
            if seat in self._present and self._kept_told.get(seat) is not kept:
                self._kept_told[seat] = kept
                self._client.send({"t": "kept", "seat": seat, "kept": kept})

    async def leave(self) -> None:
        self._finish()
        await self._client.close()

    # ---- hearing -------------------------------------------------------------------------------------------------

    async def _subscribe(self, seat: SeatId) -> None:
        now_ms = self._clock.boot_ms()
        slot = min((slot for slot in self._slots if slot.seat is None), key=lambda slot: slot.rests_until_ms)
        if slot.rests_until_ms > now_ms:
            await asyncio.sleep((slot.rests_until_ms - now_ms) / 1_000)
        if self._over or seat not in self._present or seat in self._unanswered_stops:
            return
        self._tracks_begun += 1
        slot.ear = Ear(
            track=f"{seat}:{self._tracks_begun}", speakers=frozenset({seat}), clock=self._clock, push=self._push_frame
        )
        await self._ask(slot, {"t": "subscribe", "seat": seat, "seen_stop": self._stopped.get(seat)})

    async def _ask(self, slot: _Slot, message: Message) -> None:
        """Sends and waits for the room's word on that slot."""
        if self._over:
            return
        slot.acknowledged = asyncio.get_running_loop().create_future()
        self._client.send({**message, "slot": self._slots.index(slot)})
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                await slot.acknowledged
        except TimeoutError as error:
            self._lost("connection_lost")
            raise RoomUnreachable from error
        finally:
            slot.acknowledged = None

    def _forget(self, slot: _Slot) -> None:
        if slot.ear is not None:
            slot.ear.close()
        slot.ear = None
        slot.rests_until_ms = self._clock.boot_ms() + SLOT_RESTS_MS

    def _acknowledged(self, slot: _Slot, *, subscribed: bool) -> None:
        if not subscribed:
            self._forget(slot)
        if slot.acknowledged is not None and not slot.acknowledged.done():
            slot.acknowledged.set_result(subscribed)

    def _take_packet(self, number: int, packet: RtpPacket, arrival_ms: int) -> None:
        ear = self._slots[number].ear
        if ear is not None and not self._over:
            ear.put(packet, arrival_ms)

    def _push_frame(self, frame: HeardFrame) -> None:
        self._push(Heard(frame=frame))

    # ---- what the room says --------------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        now_ms = self._clock.boot_ms()
        match message["t"]:
            case "alive":
                self._alive(message)
            case "joined":
                self._joined(message["person"])
            case "left":
                self._left(SeatId(message["seat"]), now_ms - int(message["age_ms"]))
            case "chat":
                self._chat(message, now_ms)
            case "digits":
                reference, seat, digits = str(message["id"]), SeatId(message["seat"]), str(message["digits"])
                at_ms = now_ms - int(message["age_ms"])
                self._push(DigitsPressed(message_id=reference, seat=seat, digits=digits, at_ms=at_ms))
            case "stop_voice":
                self._stop_pressed(SeatId(message["seat"]), str(message["id"]))
            case "subscribed" | "unsubscribed" as word:
                self._acknowledged(self._slots[message["slot"]], subscribed=word == "subscribed")
            case "error":
                refused = self._posted.get(str(message.get("nonce")))
                if refused is not None and not refused.done():
                    refused.set_exception(NotPosted())

    def _alive(self, message: Message) -> None:
        self._heard_of_room = True
        if message["echo"] is not None:
            self._known_ms = max(self._known_ms, int(message["echo"]) + int(message["age_ms"]))
            self._push(RosterKnownUntil(at_ms=self._known_ms))

    def _joined(self, person: Message) -> None:
        seat, is_phone = SeatId(person["seat"]), bool(person.get("phone"))
        self._present.add(seat)
        self._push(
            Joined(
                seat=seat,
                name=str(person["name"]),
                # That a client is a bot is only its own claim: until somebody vouches for it, it may be a person.
                seat_kind=SeatKind.BOT if seat == self._own_seat else SeatKind.PERSON,
                identity_level=IdentityLevel.SHARED_OR_ANONYMOUS if is_phone else IdentityLevel.DISPLAY_NAME,
                at_ms=self._known_ms - int(person["age_ms"]),
                platform_id=str(person.get("platform_id", "")),
                is_phone=is_phone,
            )
        )
        if "stop_id" in person:  # pressed while no bot, or an earlier run of this one, was there to hear of it
            self._stopped[seat] = str(person["stop_id"])
            self._push(StopPressed(message_id=self._stopped[seat], seat=seat, at_ms=self._known_ms))

    def _left(self, seat: SeatId, at_ms: int) -> None:
        self._present.discard(seat)
        self._kept_told.pop(seat, None)
        self._unanswered_stops.discard(seat)
        for slot in self._slots:
            if slot.seat == seat:
                self._acknowledged(slot, subscribed=False)
        self._push(Left(seat=seat, at_ms=at_ms))

    def _stop_pressed(self, seat: SeatId, stop_id: str) -> None:
        self._stopped[seat] = stop_id
        self._unanswered_stops.add(seat)
        for slot in self._slots:
            if slot.seat == seat:
                self._acknowledged(slot, subscribed=False)
        self._push(StopPressed(message_id=stop_id, seat=seat, at_ms=self._known_ms))

    def _chat(self, message: Message, now_ms: int) -> None:
        if message["seat"] == self._own_seat:
            posted = self._posted.get(str(message.get("nonce")))
            if posted is not None and not posted.done():
                posted.set_result(str(message["id"]))
            return
        self._push(
            ChatSaid(
                message_id=str(message["id"]),
                seat=SeatId(message["seat"]),
                text=str(message["text"]),
                reply_to=message["reply_to"],
                to_bot_only=message["to"] == self._own_seat,
                at_ms=now_ms - int(message["age_ms"]),
            )
        )

    # ---- the end -------------------------------------------------------------------------------------------------

    def _ping(self) -> None:
        self._client.send({"t": "ping", "n": self._clock.boot_ms()})

    async def _keep_pinging(self) -> None:
        silent = 0
        while not self._over and silent < SILENT_PINGS:
            self._heard_of_room = False
            await asyncio.sleep(PING_EVERY_S)
            silent = 0 if self._heard_of_room else silent + 1
            self._ping()
        self._lost("connection_lost")

    def _lost(self, reason: str) -> None:
        if self._over:
            return
        self._push(
            Ended(
                reason=LeftReason.TAKEN_OVER if reason == "replaced" else LeftReason.CONNECTION_LOST,
                detail=_DETAILS.get(reason, "the connection to the practice room broke"),
                at_ms=self._clock.boot_ms(),
            )
        )
        self._finish()

    def _finish(self) -> None:
        self._over = True
        if self._voice is not None:
            self._voice.silence()
        if self._pinger is not None and self._pinger is not asyncio.current_task():
            self._pinger.cancel()
        for slot in self._slots:
            self._acknowledged(slot, subscribed=False)
        for posted in self._posted.values():
            if not posted.done():
                posted.set_result("")

    def _push(self, event: RoomEvent) -> None:
        if not self._over and self._push_out is not None:
            self._push_out(event)
