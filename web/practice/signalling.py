"""One practice room: who sits where, what they write, and which bot may hear whom.

Decides seats, limits, whispers and routes. Keeps nothing: no chat, no sound, no name outlives the people in the room.
A person's microphone goes to a bot only between that bot's `subscribe` and the first of its `unsubscribe`, the
person's `stop_voice`, and the end of either connection.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from bot.rtp import RtpPacket
from bot.webrtc import PacketPeer, PeerError
from consent_notice.clock import Clock
from web.practice import wire
from web.practice.sfu import Switchboard
from web.practice.wire import SLOTS

MOST_SEATS = 8
FLOOD_MESSAGES = 10
FLOOD_WINDOW_MS = 5_000
BOT_FLOOD_MESSAGES = 60  # it answers everybody
LONGEST_OUTBOX = 512  # messages; who is so far behind is cut off
MOST_STOPS = 64  # of people who have left and may be back

Message = dict[str, Any]


class Refused(Exception):
    """The room can't do that; `code` and text go back to the sender."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Connection:
    """One client's way out of the room: a bounded queue that its socket is fed from."""

    def __init__(self) -> None:
        self.outbox: asyncio.Queue[Message | None] = asyncio.Queue(LONGEST_OUTBOX)
        self.closing = False

    def send(self, message: Message) -> None:
        if self.closing:
            return
        if self.outbox.qsize() >= LONGEST_OUTBOX - 2:
            self.end("too_slow")
        else:
            self.outbox.put_nowait(message)

    def end(self, reason: str) -> None:
        """Says why and closes; what is queued goes out first."""
        if not self.closing:
            self.closing = True
            self.outbox.put_nowait({"t": "ended", "reason": reason})
            self.outbox.put_nowait(None)


class Participant:
    """One taken seat."""

    def __init__(
        self,
        *,
        seat: str,
        name: str,
        kind: str,
        invited_by: str | None,
        platform_id: str | None,
        joined_ms: int,
        is_phone: bool,
    ) -> None:
        self.seat = seat
        self.is_phone = is_phone
        self.name = name
        self.kind = kind
        self.invited_by = invited_by
        self.platform_id = platform_id  # the same in every room; for bots' ears only
        self.joined_ms = joined_ms
        self.microphone_on = True
        self.connection = Connection()
        self.peer: PacketPeer | None = None
        self.slots: list[str | None] = [None] * SLOTS  # whom this one hears on which slot
        self.stop_id: str | None = None  # they pressed stop, and no bot has subscribed to them knowingly since
        self.wrote_ms: deque[int] = deque(maxlen=BOT_FLOOD_MESSAGES)
        self.ping: tuple[int, int] | None = None  # what a bot's last ping said, and when it came
        self.told_forwarding = False

    @property
    def is_bot(self) -> bool:
        return self.kind == "bot"

    def described(self, now_ms: int, *, to_bot: bool) -> Message:
        described: Message = {
            "seat": self.seat,
            "name": self.name,
            "kind": self.kind,
            "mic": self.microphone_on,
            "age_ms": now_ms - self.joined_ms,
        }
        if self.invited_by is not None:
            described["invited_by"] = self.invited_by
        if to_bot and self.platform_id is not None:
            described["platform_id"] = self.platform_id
        if self.is_phone:
            described["phone"] = True
        if to_bot and self.stop_id is not None:
            described["stop_id"] = self.stop_id
        return described


def platform_id(person: str) -> str:
    """What bots call a browser by, in every room: its secret can't be found from it."""
    return hashlib.sha256(f"practice room person|{person}".encode()).hexdigest()[:32]


class Room:
    def __init__(
        self, *, code: str, clock: Clock, new_id: Callable[[], str], media_addresses: Sequence[str] | None
    ) -> None:
        self.code = code
        self._clock = clock
        self._new_id = new_id
        self._addresses = media_addresses
        self._seats: dict[str, Participant] = {}
        self._switchboard = Switchboard()
        self.tile: Message | None = None
        self._tile_of: str | None = None
        self._stops: dict[str, str] = {}  # by seat: a stop is not taken back by reloading the page

    @property
    def is_empty(self) -> bool:
        return not self._seats

    # ---- coming and going ----------------------------------------------------------------------------------------

    def join(self, said: wire.Join) -> Participant:
        """Takes the seat that belongs to the token, from its earlier connection if need be. Raises Refused."""
        seat = hashlib.sha256(f"{self.code}|{said.token}".encode()).hexdigest()[:12]
        try:
            name = wire.clean_name(said.name)
            invited_by = wire.clean_name(said.invited_by) if said.invited_by and said.kind == "bot" else None
        except wire.WireError as error:
            raise Refused("name", str(error)) from error
        earlier = self._seats.get(seat)
        if earlier is not None:
            earlier.connection.end("replaced")
            self.leave(earlier)
        if len(self._seats) >= MOST_SEATS:
            raise Refused("full", f"This room is full: it seats {MOST_SEATS}.")
        now_ms = self._clock.boot_ms()
        newcomer = Participant(
            seat=seat,
            name=name,
            kind=said.kind,
            invited_by=invited_by,
            platform_id=platform_id(said.person) if said.person and said.kind == "person" else None,
            joined_ms=now_ms,
            is_phone=said.phone and said.kind == "person",
        )
        newcomer.stop_id = self._stops.pop(seat, None)
        others = list(self._seats.values())
        self._seats[seat] = newcomer
        welcome: Message = {
            "t": "welcome",
            "seat": seat,
            "people": [person.described(now_ms, to_bot=newcomer.is_bot) for person in others],
            "max": MOST_SEATS,
        }
        if self.tile is not None:
            welcome["tile"] = self.tile
        newcomer.connection.send(welcome)
        for other in others:
            other.connection.send({"t": "joined", "person": newcomer.described(now_ms, to_bot=other.is_bot)})
            self._let_hear(other, newcomer)
            self._let_hear(newcomer, other)
        return newcomer

    def leave(self, leaver: Participant) -> None:
        """Safe to call twice, and after the seat was taken over."""
        if self._seats.get(leaver.seat) is not leaver:
            return
        del self._seats[leaver.seat]
        if leaver.stop_id is not None:
            self._stops[leaver.seat] = leaver.stop_id
            while len(self._stops) > MOST_STOPS:
                del self._stops[next(iter(self._stops))]
        self._switchboard.detach(leaver.seat)
        for other in self._seats.values():
            other.connection.send({"t": "left", "seat": leaver.seat, "age_ms": 0})
            for slot, source in enumerate(other.slots):
                if source == leaver.seat:
                    other.slots[slot] = None
                    if not other.is_bot:
                        other.connection.send({"t": "slot", "slot": slot, "seat": None})
        if self._tile_of == leaver.seat:
            self.tile = self._tile_of = None
            self._send_all({"t": "tile", "state": None, "text": "", "invited_by": "", "link": "", "seat": leaver.seat})
        if leaver.is_bot:
            for other in self._seats.values():
                if not other.is_bot:
                    self._tell_forwarding(other)

    def end(self, reason: str) -> None:
        for person in self._seats.values():
            person.connection.end(reason)

    async def offer(self, sender: Participant, sdp: str, tasks: asyncio.TaskGroup) -> None:
        """Answers with the room's side of the media. Raises Refused."""
        if sender.peer is not None:
            raise Refused("bad", "This connection has its sound already. Reload the page.")

        async def pass_on(_line: int, packet: RtpPacket, arrival_ms: int) -> None:
            if self._seats.get(sender.seat) is sender:  # a connection that was replaced speaks for the seat no more
                await self._switchboard.forward(sender.seat, packet, arrival_ms)

        peer = PacketPeer(
            clock=self._clock,
            tasks=tasks,
            addresses=self._addresses,
            lines=1 + SLOTS,
            on_packet=pass_on,
            on_lost=lambda: sender.connection.end("media_lost"),
        )
        sender.peer = peer
        try:
            answer = await peer.answer(sdp)
        except PeerError as error:
            raise Refused("bad", "The room could not set up sound with this browser.") from error
        if self._seats.get(sender.seat) is not sender:
            return
        self._switchboard.attach(sender.seat, peer, SLOTS)
        sender.connection.send({"t": "answer", "sdp": answer})

    # ---- what they say -------------------------------------------------------------------------------------------

    def take(self, sender: Participant, said: wire.Said) -> None:
        """Everything but join, offer and leave. Raises Refused."""
        if self._seats.get(sender.seat) is not sender:
            return
        if isinstance(said, wire.BOTS_ONLY) and not sender.is_bot:
            raise Refused("bad", "Only a bot can do that.")
        match said:
            case wire.Chat():
                self._chat(sender, said)
            case wire.Mic():
                if said.on is not sender.microphone_on:
                    sender.microphone_on = said.on
                    self._send_all({"t": "mic", "seat": sender.seat, "on": said.on})
            case wire.Digits():
                self._digits(sender, said.digits)
            case wire.StopVoice():
                self._stop_voice(sender)
            case wire.Subscribe():
                self._subscribe(sender, said)
            case wire.Unsubscribe():
                self._unsubscribe(sender, said.slot)
            case wire.ShowTile() if self._tile_of not in (None, sender.seat):
                raise Refused("bad", "Another bot's tile is shown in this room.")
            case wire.ShowTile():
                self.tile = {**said.model_dump(), "seat": sender.seat}
                self._tile_of = sender.seat
                self._send_all(self.tile)
            case wire.Kept():
                self._seat(said.seat).connection.send({"t": "kept", "kept": said.kept})
            case wire.Ping():
                sender.ping = (said.n, self._clock.boot_ms())
            case _:
                raise Refused("bad", "The room did not expect that now.")

    def alive(self, bot: Participant) -> None:
        """Tells a bot that it has been told everything so far, and how its own clock stood at least by now."""
        now_ms = self._clock.boot_ms()
        said, came_ms = bot.ping if bot.ping is not None else (None, now_ms)
        bot.connection.send({"t": "alive", "echo": said, "age_ms": now_ms - came_ms})

    def _digits(self, sender: Participant, digits: str) -> None:
        """To bots alone: nobody else can hear which keys a telephone pressed."""
        if not sender.is_phone:
            raise Refused("bad", "Only a telephone has keys.")
        pressed = {"t": "digits", "id": self._new_id(), "seat": sender.seat, "digits": digits, "age_ms": 0}
        for other in self._seats.values():
            if other.is_bot:
                other.connection.send(pressed)

    def _chat(self, sender: Participant, said: wire.Chat) -> None:
        now_ms = self._clock.boot_ms()
        allowed = BOT_FLOOD_MESSAGES if sender.is_bot else FLOOD_MESSAGES
        recent = [wrote_ms for wrote_ms in sender.wrote_ms if now_ms - wrote_ms < FLOOD_WINDOW_MS]
        if len(recent) >= allowed:
            raise Refused("flood", "Too many messages at once. Wait a few seconds; your last one was not sent.")
        text = wire.clean_text(said.text)
        if not text:
            raise Refused("bad", "There is nothing to read in that message.")
        if sender.is_phone:
            raise Refused("bad", "A telephone writes no chat.")
        readers = [person for person in self._seats.values() if not person.is_phone]
        receivers = readers if said.to is None else [self._seat(said.to), sender]
        sender.wrote_ms.append(now_ms)
        message: Message = {
            "t": "chat",
            "id": self._new_id(),
            "seat": sender.seat,
            "name": sender.name,
            "text": text,
            "reply_to": said.reply_to,
            "to": said.to,
            "age_ms": 0,
            "notice": said.notice and sender.is_bot,
        }
        for receiver in dict.fromkeys(receivers):
            nonce = said.nonce if receiver is sender else None
            receiver.connection.send({**message, "nonce": nonce})

    # ---- who hears whom ------------------------------------------------------------------------------------------

    def _let_hear(self, listener: Participant, speaker: Participant) -> None:
        if listener.is_bot:
            return  # a bot hears whom it subscribed to, and nobody else
        slot = listener.slots.index(None)
        listener.slots[slot] = speaker.seat
        self._switchboard.connect(speaker.seat, listener.seat, slot)
        listener.connection.send({"t": "slot", "slot": slot, "seat": speaker.seat})

    def _subscribe(self, bot: Participant, said: wire.Subscribe) -> None:
        speaker = self._seats.get(said.seat)
        if speaker is None or speaker is bot or (speaker.stop_id is not None and speaker.stop_id != said.seen_stop):
            # Gone, or they pressed stop and the bot did not know of it when it asked.
            bot.connection.send({"t": "unsubscribed", "slot": said.slot})
            return
        if bot.slots[said.slot] not in (None, speaker.seat):
            raise Refused("bad", "That slot is taken: unsubscribe it first.")
        speaker.stop_id = None
        bot.slots[said.slot] = speaker.seat
        self._switchboard.connect(speaker.seat, bot.seat, said.slot)
        bot.connection.send({"t": "subscribed", "seat": speaker.seat, "slot": said.slot})
        self._tell_forwarding(speaker)

    def _unsubscribe(self, bot: Participant, slot: int) -> None:
        source = bot.slots[slot]
        bot.slots[slot] = None
        self._switchboard.disconnect(bot.seat, slot)
        bot.connection.send({"t": "unsubscribed", "slot": slot})
        speaker = self._seats.get(source) if source is not None else None
        if speaker is not None:
            self._tell_forwarding(speaker)

    def _stop_voice(self, speaker: Participant) -> None:
        bots = [other for other in self._seats.values() if other.is_bot]
        for bot in bots:
            for slot, source in enumerate(bot.slots):
                if source == speaker.seat:
                    bot.slots[slot] = None
                    self._switchboard.disconnect(bot.seat, slot)
        speaker.stop_id = self._new_id()
        for bot in bots:
            bot.connection.send({"t": "stop_voice", "seat": speaker.seat, "id": speaker.stop_id})
        self._tell_forwarding(speaker, always=True)

    def _tell_forwarding(self, speaker: Participant, *, always: bool = False) -> None:
        heard = any(speaker.seat in other.slots for other in self._seats.values() if other.is_bot)
        if heard != speaker.told_forwarding or always:
            speaker.told_forwarding = heard
            speaker.connection.send({"t": "forwarding", "on": heard})

    def _seat(self, seat: str) -> Participant:
        if seat not in self._seats:
            raise Refused("not_found", "They have left the room.")
        return self._seats[seat]

    def _send_all(self, message: Message) -> None:
        for person in self._seats.values():
            person.connection.send(message)
