"""A Janus VideoRoom with the TextRoom of the same id, as a MeetingRoom; hears by `janus_ears`, writes by `janus_chat`.

People are those in the server's own list, asked for ten times a second; whoever only subscribes without joining is in
nobody's list. Its two plugins have no id in common, so a chat message is of the person who shows that name; who else
shows it in the chat is told as a namesake, and whoever comes to the chat after a question to all is told as come again,
so that they are asked.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from bot.janus_api import MALFORMED, Handle, JanusApi, JanusError, JanusRefused, Message
from bot.janus_chat import JanusChat, Written
from bot.janus_ears import JanusEars, seat_of
from bot.opus import SpokenLine, encode
from bot.platforms import JANUS
from bot.ports import (
    Admitted,
    ChatSaid,
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
    Tile,
)
from bot.rtp import RtpPacket
from bot.webrtc import PacketPeer, PeerError, media_addresses
from consent_notice.clock import Clock
from consent_notice.frames import HeardFrame
from consent_notice.words import IdentityLevel, SeatId, SeatKind

PLUGIN = "janus.plugin.videoroom"
LONGEST_NAME = 120
ASK_EVERY_S = 0.08
MEDIA_WITHIN_S = 8.0
MOST_SILENT_S = 4.0
REASON_WITHIN_S = 1.0  # a kick ends the media, and is told; were it taken for a lost line, the bot would come back

# videoroom.c, JANUS_VIDEOROOM_ERROR_*
_REFUSALS = {
    426: (LeftReason.NOT_FOUND, "the Janus server has no such room"),
    429: (LeftReason.SIGN_IN_REQUIRED, "the room wants a PIN that the link does not have"),
    430: (LeftReason.NOT_FOUND, "the Janus server has no room of such a name"),
    432: (LeftReason.ROOM_FULL, "the room takes no more publishers"),
    433: (LeftReason.SIGN_IN_REQUIRED, "the room wants a PIN or token that the link does not have"),
    403: (LeftReason.SIGN_IN_REQUIRED, "the server wants its API secret: set `janus_secret`"),
}
_SEAT_TAKEN = 436
_NEEDS_TEXT_ID = 430
_NO_TEXT_ROOM = 417
_IN_CHAT = "chat:"  # seats of those who show somebody's name there


class NotSubscribed(RoomError):
    """The Janus server did not change whom the bot hears."""


class NotPosted(RoomError):
    """The text room did not take the message. Its receiver may have left."""


class JanusRoom:
    """One stay. `tasks` must outlive it; a room that breaks is told as `Ended`, never as an exception in `tasks`."""

    capabilities = JANUS

    def __init__(
        self,
        *,
        server: str,
        secret: str,
        room_of: Callable[[str], str | None],
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        """`server`: the API's WebSocket address. `room_of`: the room's name in a link; None: it leads to none."""
        self._server = server
        self._room_of = room_of
        self._clock = clock
        self._tasks = tasks
        self._addresses = media_addresses(urlsplit(server).hostname or "")
        self._api = JanusApi(tasks=tasks, on_over=self._lost, secret=secret)
        self._ears = JanusEars(
            api=self._api, clock=clock, tasks=tasks, addresses=self._addresses, push=self._heard, on_lost=self._lost
        )
        self._chat = JanusChat(api=self._api, addresses=self._addresses, on_written=self._written, on_lost=self._lost)
        self._push_out: Callable[[RoomEvent], None] | None = None
        self._over = False
        self._room: int | str = 0
        self._own: set[SeatId] = set()  # this stay's seat, and what an earlier one may have left behind
        self._people: dict[SeatId, str] = {}  # shown names
        self._left_ms: dict[SeatId, int] = {}
        self._unread: set[SeatId] = set()  # who was not in the chat when all were asked there
        self._publisher: Handle | None = None
        self._microphone: PacketPeer | None = None
        self._voice: SpokenLine | None = None
        self._speaking = asyncio.Lock()
        self._known_ms = 0
        self._asker: asyncio.Task[None] | None = None

    # ---- the port ------------------------------------------------------------------------------------------------

    async def join(self, request: JoinRequest, push: Callable[[RoomEvent], None]) -> None:
        if self._over:
            return
        name = self._room_of(request.link)
        if name is None:
            raise RoomRefused(LeftReason.NOT_FOUND, "this link leads to no Janus room that the settings describe")
        self._room = int(name) if name.isdecimal() else name
        pin = parse_qs(urlsplit(request.link).query).get("pin", [""])[0]
        self._push_out, self._known_ms = push, self._clock.boot_ms()
        try:
            own_seat = await self._enter(request, pin)
        except JanusRefused as error:
            await self.leave()
            reason, words = _REFUSALS.get(error.code, (LeftReason.DENIED, "the Janus server let the bot not in"))
            raise RoomRefused(reason, words) from error
        except (JanusError, PeerError, TimeoutError, *MALFORMED) as error:
            await self.leave()
            raise RoomUnreachable from error
        except BaseException:
            await self.leave()
            raise
        self._push(Admitted(own_seat=own_seat, at_ms=self._clock.boot_ms()))
        self._asker = self._tasks.create_task(self._keep_looking())

    async def hear(self, seats: frozenset[SeatId]) -> None:
        if self._over:
            return
        try:
            await self._ears.hear(seats)
        except JanusError as error:
            raise NotSubscribed from error

    async def post(self, post: Post) -> str:
        if self._over:
            return ""
        to_name = None
        if post.to_seat is not None and not (to_name := self._people.get(post.to_seat, "")):
            raise NotPosted
        if post.is_notice and to_name is None:
            self._unread |= {seat for seat, name in self._people.items() if not self._chat.readers(name)}
        try:
            return await self._chat.write(post.text, to_name=to_name)
        except JanusError as error:
            raise NotPosted from error

    async def speak(self, speech: Speech) -> None:
        if self._over or self._voice is None:
            return
        packets = await asyncio.to_thread(encode, speech.pcm)
        async with self._speaking:
            await self._voice.say(packets)

    async def show(self, tile: Tile) -> None:
        """Nothing: the bot sends no picture there."""

    async def leave(self) -> None:
        self._over = True
        if self._voice is not None:
            self._voice.silence()
        if self._asker is not None and self._asker is not asyncio.current_task():
            self._asker.cancel()
        await self._ears.close()
        await self._chat.close()
        if self._microphone is not None:
            await self._microphone.close()
        await self._api.close()

    # ---- going in ------------------------------------------------------------------------------------------------

    async def _enter(self, request: JoinRequest, pin: str) -> SeatId:
        await self._api.connect(self._server)
        self._publisher = await self._api.attach(PLUGIN, self._told)
        shown_name = request.shown_name(LONGEST_NAME)
        body: Message = {"request": "join", "ptype": "publisher", "room": self._room, "display": shown_name}
        body |= {"pin": pin} if pin else {}
        joined = await self._join_as(body, request.resume_token)
        own_seat = seat_of(joined["id"])
        self._own.add(own_seat)
        self._ears.begin(self._room, joined.get("publishers"))
        self._microphone = PacketPeer(
            clock=self._clock,
            tasks=self._tasks,
            addresses=self._addresses,
            lines=1,
            on_packet=_nothing,
            on_lost=self._microphone_lost,
        )
        offer = {"type": "offer", "sdp": await self._microphone.offer()}
        _, answer = await self._publisher.ask({"request": "configure", "audio": True, "video": False}, offer)
        if answer is None:
            raise PeerError
        await self._microphone.accept(str(answer["sdp"]))
        async with asyncio.timeout(MEDIA_WITHIN_S):
            await self._microphone.settled.wait()
        if not self._microphone.is_connected:
            raise RoomRefused(LeftReason.NO_MEDIA, "no sound can pass between the bot and the Janus server (UDP)")
        self._voice = SpokenLine(self._microphone.outgoing[0], self._clock)
        try:
            await self._chat.join(self._room, username=f"bot-{own_seat}", shown_name=shown_name, pin=pin)
        except JanusRefused as error:
            if error.code == _NO_TEXT_ROOM:
                words = "the Janus server has no text room of the same id, so nobody could be asked"
                raise RoomRefused(LeftReason.NOT_FOUND, words) from error
            raise
        return own_seat

    async def _join_as(self, body: Message, resume_token: str) -> Message:
        """Under the same id after a restart; where what is left of the last stay still holds it, under another."""
        assert self._publisher is not None
        number = int.from_bytes(hashlib.sha256(resume_token.encode()).digest()[:6], "big")
        self._own.add(seat_of(number))
        for own_id in (number, str(number), None):
            try:
                joined, _ = await self._publisher.ask(body | ({} if own_id is None else {"id": own_id}))
            except JanusRefused as error:
                if own_id is None or error.code not in (_SEAT_TAKEN, _NEEDS_TEXT_ID):
                    raise
            else:
                return joined
        raise AssertionError

    # ---- what the server says ------------------------------------------------------------------------------------

    def _told(self, data: Message, jsep: Message | None) -> None:
        del jsep
        if self._over:
            return
        if data.get("videoroom") == "destroyed":
            self._end(LeftReason.MEETING_ENDED, "the room was closed on the server")
        elif data.get("leaving") == "ok" and data.get("reason") == "kicked":
            self._end(LeftReason.REMOVED, "the bot was removed from the room")
        elif "unpublished" in data and data["unpublished"] != "ok":
            self._ears.stopped(seat_of(data["unpublished"]))
        elif "leaving" in data:
            self._gone(seat_of(data["leaving"]), self._clock.boot_ms())
        elif "publishers" in data:
            self._ears.publish(data["publishers"])

    def _gone(self, seat: SeatId, at_ms: int) -> None:
        self._ears.stopped(seat)
        self._unread.discard(seat)
        self._left_ms[seat] = at_ms
        if self._people.pop(seat, None) is not None:
            self._push(Left(seat=seat, at_ms=at_ms))

    async def _keep_looking(self) -> None:
        """Each answered question is a sign of life, and says that nobody else had come before it was asked."""
        try:
            while not self._over:
                async with asyncio.timeout(MOST_SILENT_S):
                    await self._look()
                await asyncio.sleep(ASK_EVERY_S)
        except (JanusError, TimeoutError, *MALFORMED):
            self._lost()

    async def _look(self) -> None:
        assert self._publisher is not None
        asked_ms = self._clock.boot_ms()
        listed, _ = await self._publisher.ask({"request": "listparticipants", "room": self._room})
        here = {seat_of(one["id"]): str(one.get("display") or "") for one in listed.get("participants", ())}
        # not the bot itself, nor who was said to have left after this question
        here = {
            seat: name
            for seat, name in here.items()
            if seat not in self._own and self._left_ms.get(seat, -1) < asked_ms
        }
        shown = {name for name in here.values() if name}
        here |= {_namesake(username): name for name in shown for username in self._chat.readers(name)[1:]}
        for seat, name in here.items():
            self._here(seat, name, self._known_ms)  # at the earliest
        for seat in self._people.keys() - here.keys():
            self._gone(seat, asked_ms)
        for seat in [seat for seat in self._unread if self._chat.readers(self._people[seat])]:
            self._unread.discard(seat)
            self._push(Left(seat=seat, at_ms=asked_ms))
            self._here(seat, self._people.pop(seat), asked_ms)
        self._known_ms = asked_ms
        self._push(RosterKnownUntil(at_ms=asked_ms))

    def _here(self, seat: SeatId, name: str, at_ms: int) -> None:
        if self._people.get(seat) == name:
            return
        self._people[seat] = name
        level = IdentityLevel.DISPLAY_NAME if name else IdentityLevel.SHARED_OR_ANONYMOUS
        self._push(Joined(seat=seat, name=name, seat_kind=SeatKind.PERSON, identity_level=level, at_ms=at_ms))

    def _written(self, written: Written) -> None:
        seats = sorted(seat for seat, name in self._people.items() if name and name == written.name)
        if not seats:
            return
        if written.username in self._chat.readers(written.name)[1:]:
            seats = [_namesake(written.username)]
            self._here(seats[0], written.name, self._known_ms)
        self._push(
            ChatSaid(
                message_id=written.message_id,
                seat=seats[0],  # where several show that name, the session sends them to the page
                text=written.text,
                reply_to=None,
                to_bot_only=written.to_bot_only,
                at_ms=self._clock.boot_ms(),
            )
        )

    # ---- the end -------------------------------------------------------------------------------------------------

    def _microphone_lost(self) -> None:
        asyncio.get_running_loop().call_later(REASON_WITHIN_S, self._lost)

    def _lost(self) -> None:
        self._end(LeftReason.CONNECTION_LOST, "the connection to the Janus server broke")

    def _end(self, reason: LeftReason, detail: str) -> None:
        if not self._over and self._push_out is not None:
            self._ears.deafen()
            self._push(Ended(reason=reason, detail=detail, at_ms=self._clock.boot_ms()))
            self._over = True

    def _heard(self, frame: HeardFrame) -> None:
        self._push(Heard(frame=frame))

    def _push(self, event: RoomEvent) -> None:
        if not self._over and self._push_out is not None:
            self._push_out(event)


def _namesake(username: str) -> SeatId:
    return SeatId(f"{_IN_CHAT}{username}")


async def _nothing(line: int, packet: RtpPacket, arrival_ms: int) -> None:
    del line, packet, arrival_ms
