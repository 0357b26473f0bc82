"""One stay of the bot in a room: performs what the session orders and feeds back what came of it.

Orders run in lanes (log, room, chat, speech), each in order and none waiting for another, so that a long sentence never
delays a shutting gate. Room events are taken the moment they are pushed. Ends when the bot has left or was thrown out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace

import structlog

from bot import books
from bot.books import Ledger
from bot.capture import Capture
from bot.commands import (
    Append,
    AskPhone,
    BindPage,
    CalledOff,
    Command,
    CutBack,
    Durable,
    FindAgreement,
    Hear,
    HostStopped,
    JoinFailed,
    JoinRoom,
    LeaveRoom,
    LinePosted,
    NoticeFailed,
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
from bot.facts import VisitWords
from bot.opus import as_frames, encode
from bot.ports import (
    Ended,
    Heard,
    JoinRequest,
    LeftReason,
    MeetingRoom,
    Post,
    RoomError,
    RoomEvent,
    RoomRefused,
    RosterKnownUntil,
    StillThere,
    Voice,
    VoiceUnavailable,
)
from bot.posting import cut_into_posts
from bot.presence import IllegalEvent, Presence
from bot.session import Session
from consent_notice.clock import Clock
from consent_notice.notice import Say
from storage.errors import StaleEpoch, StorageError
from storage.log_entries import ErasedBody, LogEntry

log = structlog.get_logger()

LANE_LIMIT = 200
LOG_LANE_LIMIT = 5_000  # whoever is there when the bot comes is told at once, and each of them is a few orders
CAPTURE_TICK_S = 0.04
SESSION_TICK_S = 0.25
GOODBYE_LIMIT_S = 4.0
ROOM_LOST_MS = 8_000
JOINING_LIMIT_MS = 90_000  # a browser has to start and a page to load before a room can show any life


class Stay:
    """Run once."""

    def __init__(
        self,
        *,
        session: Session,
        capture: Capture,
        room: MeetingRoom,
        join: JoinRequest,
        voice: Voice | None,
        words: VisitWords,
        ledger: Ledger,
        clock: Clock,
        on_progress: Callable[[Presence], None],
    ) -> None:
        self._session = session
        self._capture = capture
        self._room = room
        self._join = join
        self._voice = voice
        self._words = words
        self._ledger = ledger
        self._clock = clock
        self._on_progress = on_progress
        self._lanes: dict[str, asyncio.Queue[Command]] = {
            name: asyncio.Queue(LOG_LANE_LIMIT if name == "log" else LANE_LIMIT)
            for name in ("log", "room", "chat", "speech")
        }
        self._sayings = 0
        self._over = asyncio.Event()
        self._began_ms = self._room_lived_ms = clock.boot_ms()

    async def run(self) -> tuple[LeftReason, str]:
        """Why the bot left, and the detail for the host. CancelledError passes on, after goodbye and what was said."""
        try:
            async with asyncio.TaskGroup() as tasks:
                helpers = [
                    tasks.create_task(work)
                    for work in (
                        self._lane("log"),
                        self._lane("room"),
                        self._lane("chat"),
                        self._lane("speech"),
                        self._tick_capture(),
                        self._tick_session(),
                        self._watch_owner(),
                    )
                ]
                self._take(Started())
                await self._until_over()
                for helper in helpers:
                    helper.cancel()
        finally:
            self._capture.shut()
            await self._room.leave()
            log.info("stay_over", visit=self._session.facts.visit, **asdict(self._capture.counts))
        return self._session.left_reason or LeftReason.CONNECTION_LOST, self._session.left_detail

    async def _until_over(self) -> None:
        try:
            await self._over.wait()
        except asyncio.CancelledError:
            self._take(ServerStops())
            with suppress(TimeoutError):  # the lanes may be dead: one of them may be why
                async with asyncio.timeout(GOODBYE_LIMIT_S):
                    await self._drain()
            raise
        await self._drain()

    def feed_batch(self, entries: list[LogEntry], known_until_ms: int) -> None:
        """From the decision feed, on the loop's thread: all that was logged, in the log's order."""
        for entry in entries:
            if not isinstance(entry.event, ErasedBody) and entry.event.visit == self._session.facts.visit:
                self._take(Durable(index=entry.index, event_id=entry.event_id, event=entry.event))
        self._capture.feed_known(known_until_ms)

    def storage_failed(self, detail: str) -> None:
        """Something could not be written: nothing more is captured from this moment on."""
        self._take(StorageFailed(detail=detail))

    # ---- taking events -------------------------------------------------------------------------------------------

    def _pushed(self, event: RoomEvent) -> None:
        match event:
            case Heard(frame=frame):
                self._capture.heard(frame)
            case RosterKnownUntil(at_ms=at_ms):
                self._room_lived_ms = max(self._room_lived_ms, at_ms)
                self._capture.room_known(at_ms)
            case StillThere(at_ms=at_ms):
                self._room_lived_ms = max(self._room_lived_ms, at_ms)
            case _:
                self._take(event)

    def _take(self, event: RoomEvent | OwnEvent) -> None:
        before = self._session.presence
        try:
            commands = self._session.apply(event, self._clock.boot_ms())
        except IllegalEvent:
            log.warning("event_out_of_order", happened=type(event).__name__, presence=before.value)
            return
        if self._session.presence in (Presence.LEAVING, Presence.LEFT):
            self._capture.shut()
        if self._session.presence is not before:
            self._on_progress(self._session.presence)
        for command in commands:
            self._order(command)
        if self._session.presence is Presence.LEFT:
            self._over.set()

    def _order(self, command: Command) -> None:
        match command:
            case Append() | BindPage() | CutBack() | FindAgreement() | StopMeeting():
                lane = "log"
            case PostLine() | PostNotice():
                lane = "chat"
            case SpeakLine() | SpeakNotice() | AskPhone():
                lane = "speech"
            case LeaveRoom():
                self._over.set()
                return
            case _:
                lane = "room"
        try:
            self._lanes[lane].put_nowait(command)
        except asyncio.QueueFull:
            if lane == "log":
                self.storage_failed("answers came faster than they could be stored")
            else:
                log.warning("order_dropped", lane=lane)

    # ---- performing orders ---------------------------------------------------------------------------------------

    async def _lane(self, name: str) -> None:
        lane = self._lanes[name]
        while True:
            command = await lane.get()
            try:
                await self._perform(command)
            except RoomError as error:
                # The room says itself when it has ended; of the orders that fail, a notice alone is tried again.
                log.info("order_failed", order=type(command).__name__, error=type(error).__name__)
                if isinstance(command, PostNotice | AskPhone):
                    seats = command.seats if isinstance(command, PostNotice) else frozenset({command.seat})
                    self._take(NoticeFailed(seats=seats, stays=command.stays))
            finally:
                lane.task_done()

    async def _perform(self, command: Command) -> None:
        match command:
            case JoinRoom():
                await self._join_room()
            case Hear(seats=seats):
                await self._room.hear(seats)
            case Show(tile=tile):
                await self._room.show(replace(tile, text=self._words.tile(tile.state)))
            case PostNotice(seats=seats, to_seat=to_seat, line=short, stays=stays):
                text = self._words.notice.post if short is None else self._words.say(short)
                message_id = await self._post(Post(text=text, to_seat=to_seat, is_notice=True))
                self._take(NoticePosted(message_id=message_id, seats=seats, line=short, stays=stays))
            case PostLine():
                await self._post_line(command)
            case SpeakNotice():
                await self._speak(self._words.notice.spoken)
            case SpeakLine(line=line):
                await self._speak(self._words.say(line))
            case AskPhone():
                await self._ask_phone(command)
            case Append() | BindPage() | CutBack() | FindAgreement() | StopMeeting():
                await self._store(command)
            case LeaveRoom():
                pass

    async def _join_room(self) -> None:
        try:
            await self._room.join(self._join, self._pushed)
        except RoomRefused as error:
            self._take(JoinFailed(reason=error.reason, detail=str(error)))
        except RoomError as error:
            self._take(JoinFailed(reason=LeftReason.CONNECTION_LOST, detail=str(error)))

    async def _post_line(self, command: PostLine) -> None:
        if command.to_seat is not None and not self._room.capabilities.can_whisper:
            return  # what is for one person's eyes is not said to all
        text = self._words.say(command.line, count=command.count, names=command.names)
        message_id = await self._post(Post(text=text, reply_to=command.reply_to, to_seat=command.to_seat))
        self._take(LinePosted(message_id=message_id))

    async def _post(self, post: Post) -> str:
        """The id of the last part: a notice is delivered once all of it was accepted."""
        *first, last = cut_into_posts(post.text, self._room.capabilities.chat_limit_chars)
        for part in first:
            await self._room.post(replace(post, text=part, is_notice=False))
        return await self._room.post(replace(post, text=last))

    async def _speak(self, text: str) -> bool:
        """Whether it was said."""
        if self._voice is None or not text or not self._room.capabilities.can_speak:
            return False
        try:
            speech = await self._voice.say(text, self._session.facts.language)
        except VoiceUnavailable:
            return False  # the same words stand in the chat
        packets = await asyncio.to_thread(encode, speech.pcm)
        starts_ms = self._clock.boot_ms()
        await self._room.speak(speech)
        self._put_on_tape(packets, starts_ms)
        return True

    def _put_on_tape(self, packets: list[bytes], starts_ms: int) -> None:
        """What the bot says goes the way of all sound: it is kept only where the gate is open."""
        own = self._session.record.own_voice
        if own is None:
            return
        self._sayings += 1
        for frame in as_frames(packets, track=f"{own}:{self._sayings}", speaker=own, starts_ms=starts_ms):
            self._capture.heard(frame)

    async def _ask_phone(self, order: AskPhone) -> None:
        """Where it cannot be asked by voice, nothing of it is kept: it stays without a notice."""
        try:
            if self._room.capabilities.hears_digits:
                line, code = Say.PHONE_KEYS, ""
            else:
                line, code = Say.PHONE_CODE, ", ".join(await self._ledger.make_seat_code(order.seat))
        except StorageError as error:
            self.storage_failed(str(error))
            return
        if await self._speak(self._words.say(line, code=code)):
            message_id = f"voice:{order.seat}:{self._clock.boot_ms()}"
            seats = frozenset({order.seat})
            self._take(NoticePosted(message_id=message_id, seats=seats, line=line, stays=order.stays))

    async def _store(self, command: Append | BindPage | CutBack | FindAgreement | StopMeeting) -> None:
        try:
            match command:
                case Append(event=event, event_id=event_id):
                    await self._ledger.append(event, event_id)
                case CutBack(seat=seat, after_ms=after_ms, of_earlier_stays=of_earlier_stays):
                    is_older = of_earlier_stays and after_ms < self._capture.began_ms
                    # The bot's own words rely on the yeses of the others.
                    for each in (seat,) if seat is None else (seat, self._session.record.own_voice):
                        if is_older or self._capture.kept_after(each, after_ms):
                            await self._ledger.cut_back(each, after_ms)
                case BindPage(code=code, seat=seat, at_ms=at_ms):
                    page = await self._ledger.bind_page(code, seat, at_ms)
                    self._take(PageUnknown(seat=seat) if page is None else books.bound(page, seat, at_ms))
                case FindAgreement(seat=seat, platform_id=platform_id, name=name):
                    found = await self._ledger.find_agreement(seat, platform_id, name)
                    self._take(books.found(found, seat))
                case StopMeeting():
                    await self._ledger.stop_meeting()
                    self._take(HostStopped())
        except StaleEpoch:
            self._take(OwnershipLost())
        except StorageError as error:
            log.warning("not_stored", order=type(command).__name__, error=type(error).__name__, detail=str(error))
            self.storage_failed(str(error))

    async def _drain(self) -> None:
        """Says and stores what is still queued, the goodbye among it, but not for long."""
        try:
            async with asyncio.timeout(GOODBYE_LIMIT_S):
                for name in ("room", "chat", "log"):
                    await self._lanes[name].join()
        except TimeoutError:
            log.warning("left_with_orders_open")
        await self._lanes["log"].join()

    # ---- time and liveness ---------------------------------------------------------------------------------------

    async def _tick_capture(self) -> None:
        while True:
            self._capture.tick(self._clock.boot_ms())
            await asyncio.sleep(CAPTURE_TICK_S)

    async def _tick_session(self) -> None:
        while True:
            await asyncio.sleep(SESSION_TICK_S)
            now_ms = self._clock.boot_ms()
            is_there = self._session.presence in (Presence.IN_ROOM, Presence.WAITING_ROOM)
            if is_there and now_ms - self._room_lived_ms > ROOM_LOST_MS:
                detail = "the meeting server went silent"
                self._take(Ended(reason=LeftReason.CONNECTION_LOST, detail=detail, at_ms=self._room_lived_ms))
            self._take(Tick())

    def _alive_ms(self) -> int:
        if self._session.presence is not Presence.JOINING:
            return self._room_lived_ms
        return max(self._room_lived_ms, min(self._clock.boot_ms(), self._began_ms + JOINING_LIMIT_MS))

    async def _watch_owner(self) -> None:
        """The heartbeat carries the time of the last sign of life from the room, never of this loop (law 9).

        Before the room is reached there is none to carry: then nothing can be heard either, and it is for so long only.
        """
        while True:
            await asyncio.sleep(0.5)
            if self._session.presence in (Presence.LEAVING, Presence.LEFT):
                continue
            try:
                owns = await self._ledger.beat(self._alive_ms(), self._session.presence.value)
                stopped = await self._ledger.host_stopped()
                called_off = await self._ledger.called_off()
            except StorageError as error:
                self.storage_failed(str(error))
                continue
            if stopped:
                self._take(HostStopped())
            elif called_off is not None:
                self._take(CalledOff(detail=called_off))
            elif not owns:
                self._take(OwnershipLost())
