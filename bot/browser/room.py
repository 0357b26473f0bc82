"""A meeting's page as a MeetingRoom: performs a page script, and tells what the script's reader makes of the page.

Decides where the page is (never a lobby for the room: the first look that fits counts, ends before all), and when its
silence is an end. Who people are and whose sound is whose is the reader's to say, `listening` holds it to that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import segno

from bot.browser.driver import Chromium, PageFailed, Pilot, as_base64
from bot.browser.listening import Listening
from bot.browser.page_clock import PageClock
from bot.browser.script import NONSENSE, Do, Look, PageFact, PageReader, PageScript, PageState, Signal, Step
from bot.browser.tap import Tap, TappedFrame
from bot.ports import (
    Admitted,
    Ended,
    Heard,
    JoinRequest,
    Left,
    LeftReason,
    PageSnapshot,
    Post,
    RoomError,
    RoomEvent,
    RoomRefused,
    RosterKnownUntil,
    Speech,
    StillThere,
    Tile,
    WaitingInLobby,
)
from consent_notice.clock import Clock
from consent_notice.frames import HeardFrame
from consent_notice.words import SeatId

LOOK_EVERY_S = 0.25
TELL_EVERY_S = 0.08
ARRIVES_WITHIN_S = 90.0
SILENT_MS = 5_000  # the page beats every 100 ms
POSTED_WITHIN_S = 6.0
GOES_WITHIN_S = 4.0
LONGEST_NAME = 60
USUAL_ENDS = frozenset({LeftReason.MEETING_ENDED, LeftReason.EVERYONE_LEFT})


class NotPosted(RoomError):
    """The meeting's chat did not take the message. It may be closed for guests."""


class NotSpoken(RoomError):
    """The meeting's page did not let the bot speak."""


class BrowserRoom:
    """One stay, in a browser of its own. `tasks` must outlive it."""

    def __init__(
        self,
        *,
        script: PageScript,
        program: Path,
        token: str,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        pilot: Pilot | None = None,
        sign: Callable[[str], Awaitable[str]] | None = None,
        flags: tuple[str, ...] = (),
        checks_certificates: bool = True,
    ) -> None:
        """`token`: fresh and secret, opens the tap. `pilot`: shared with other rooms. `sign`: adds to the address what
        says which bot this is; raises RoomError. `flags` and `checks_certificates` are for tests.
        """
        self.capabilities = script.capabilities
        self._script = script
        self._sign = sign
        self._clock = clock
        self._tasks = tasks
        self._reader, self._listening = self._new_reading()
        self._tap = Tap(token=token, on_text=self._told, on_frame=self._tapped, on_lost=self._page_left)
        self._chromium = Chromium(
            program=program, on_gone=self._cut_off, pilot=pilot, flags=flags, ca=checks_certificates
        )
        self._push_out: Callable[[RoomEvent], None] | None = None
        self._request: JoinRequest | None = None
        self._over = False
        self._was_in = False
        self._waits = False
        self._early: list[PageFact] = []  # told before the bot was let in
        self._done_ms: dict[str, int] = {}  # steps, since the page was loaded
        self._loads = self._loaded_ms = 0
        self._look: str = ""
        self._page = PageClock()
        self._want_again = asyncio.Event()
        self._asking = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._speaking = asyncio.Lock()
        self._helpers: list[asyncio.Task[None]] = []
        self._is_unexpected = False  # the end: what the page looks like then is kept for support

    # ---- the port ------------------------------------------------------------------------------------------------

    async def join(self, request: JoinRequest, push: Callable[[RoomEvent], None]) -> None:
        if self._over:
            return
        self._request = request
        name = request.shown_name(LONGEST_NAME)
        address = self._script.address(request.link, name)
        if self._sign is not None:
            address = await self._sign(address)
        self._page.begins(self._clock.boot_ms())
        try:
            tap = await self._tap.open()
            await self._chromium.open(address, tap=tap, hooks=self._script.hooks, origins=self._script.origins)
            self._push_out = push
            self._helpers.append(self._tasks.create_task(self._keep_telling()))
            async with asyncio.timeout(ARRIVES_WITHIN_S):
                while not (self._was_in or self._waits or self._over):
                    with suppress(PageFailed):  # while it leads to another page none answers
                        await self._look_once(name)
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError as error:
            self._is_unexpected = True
            await self.leave()
            raise RoomRefused(
                LeftReason.NOT_FOUND, f"the page led nowhere; last seen: {self._look or 'nothing'}"
            ) from error
        except PageFailed as error:
            await self.leave()
            raise RoomRefused(LeftReason.CONNECTION_LOST, str(error) or str(error.__doc__)) from error
        except BaseException:
            await self.leave()
            raise
        self._helpers.append(self._tasks.create_task(self._keep_looking(name)))

    async def hear(self, seats: frozenset[SeatId]) -> None:
        self._listening.hear(seats)
        await self._want()
        if self._script.hear and not self._over:
            with suppress(PageFailed):  # what comes nevertheless is not taken
                await self._chromium.ask(self._script.hear, sorted(seats))

    async def post(self, post: Post) -> str:
        if self._over:
            return ""
        async with self._writing:
            try:
                if post.to_seat is not None:
                    return await self._whisper(post.to_seat, post.text)
                await self._write(post.text)
                return await self._posted(post.text)
            except (PageFailed, TimeoutError) as error:
                raise NotPosted from error

    async def speak(self, speech: Speech) -> None:
        if self._over:
            return
        async with self._speaking:
            try:
                for step in self._script.before_speech:
                    await self._chromium.do(step)
                seconds = speech.duration_ms / 1_000
                await self._chromium.ask("onrecord.speak", as_base64(speech.pcm), within_s=seconds + 5)
                for step in self._script.after_speech:
                    await self._chromium.do(step)
            except PageFailed as error:
                raise NotSpoken from error

    async def show(self, tile: Tile) -> None:
        if self._over or not self.capabilities.can_show_tile:
            return
        code = segno.make(tile.page_link, error="m") if tile.page_link else None
        rows = ["".join("1" if dark else "0" for dark in row) for row in code.matrix] if code else []
        shown = {"state": tile.state.value, "text": tile.text, "invited_by": tile.invited_by, "qr": rows}
        with suppress(PageFailed):
            await self._chromium.ask("onrecord.show", shown)

    async def leave(self) -> None:
        was_over, self._over = self._over, True
        for helper in self._helpers:
            if helper is not asyncio.current_task():
                helper.cancel()
        self._listening.close()
        if self._is_unexpected:
            self._is_unexpected = False
            await self._take_snapshot()
        if self._was_in and not was_over:
            with suppress(PageFailed, TimeoutError):
                async with asyncio.timeout(GOES_WITHIN_S):
                    for step in self._script.leave:
                        await self._chromium.do(step)
                    await asyncio.sleep(0.5)  # so that the goodbye goes out before the browser is closed
        await self._tap.close()
        await self._chromium.close()

    # ---- where the page is ---------------------------------------------------------------------------------------

    async def _keep_looking(self, name: str) -> None:
        while not self._over:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look_once(name)
            except RoomRefused as error:
                self._ends(error.reason, str(error))
            except PageFailed:
                continue  # whether the page is gone is told by its beat

    async def _look_once(self, name: str) -> None:
        """Raises RoomRefused where the page says that it is over, PageFailed."""
        if self._loads != self._chromium.loads:
            self._loads, self._loaded_ms = self._chromium.loads, self._clock.boot_ms()
            self._done_ms.clear()
        looks = [look for look in self._script.looks if look.once_in_call in (None, self._was_in)]
        found = await self._chromium.look(looks)
        look = next((look for look in looks if look.name == found), None)
        if look is None:
            return
        if look.name != self._look:
            self._look = look.name
            self._step_told(look.name)
        await self._reached(look, name)

    async def _reached(self, look: Look, name: str) -> None:
        match look.state:
            case PageState.OVER:
                reason = look.reason or LeftReason.CONNECTION_LOST
                advice = self._script.advice.get(reason, "")
                self._is_unexpected = reason not in USUAL_ENDS
                raise RoomRefused(reason, ". ".join(part for part in (look.detail, advice) if part))
            case PageState.WAITING if not self._waits and not self._was_in:
                self._waits = True
                self._push(WaitingInLobby(at_ms=self._clock.boot_ms()))
            case PageState.IN_CALL if not self._was_in and self._reader.own_seat is not None:
                await self._take_part(self._reader.own_seat)
        for step in self._script.steps:
            if look.state not in step.when or not self._is_due(step):
                continue
            with suppress(PageFailed):  # something lies over it; the others may still be done
                if await self._chromium.do(replace(step, text=step.text.replace("{name}", name))):
                    self._done_ms[step.name] = self._clock.boot_ms()
                    self._step_told(step.name)
                    return  # the page is looked at again before the next

    def _is_due(self, step: Step) -> bool:
        is_first = step.name not in self._done_ms
        since_ms = self._clock.boot_ms() - self._done_ms.get(step.name, self._loaded_ms)
        if is_first and step.do is not Do.RELOAD:
            return True
        return (is_first or step.repeats) and since_ms >= step.every_s * 1_000

    async def _take_part(self, own_seat: SeatId) -> None:
        self._was_in = True
        self._push(Admitted(own_seat=own_seat, at_ms=self._clock.boot_ms()))
        for fact in self._early:
            self._push(fact)
        self._early.clear()
        for step in self._script.chat.open:
            with suppress(PageFailed):
                await self._chromium.do(step)

    async def _posted(self, text: str) -> str:
        """Once the page shows it as the bot's own. Raises TimeoutError."""
        async with asyncio.timeout(POSTED_WITHIN_S):
            while True:
                message_id = self._reader.own_message(text)
                if message_id is not None:
                    return message_id
                await asyncio.sleep(0.05)

    async def _whisper(self, seat: SeatId, text: str) -> str:
        """Raises PageFailed."""
        message_id = await self._chromium.ask(self._script.chat.whisper, {"seat": seat, "text": text})
        if not message_id:
            raise PageFailed
        return str(message_id)

    async def _write(self, text: str) -> None:
        """Raises PageFailed."""
        chat = self._script.chat
        if chat.hook:
            await self._chromium.ask(chat.hook, text)
        elif not await self._chromium.write(chat.box, text, chat.send_key):
            for step in chat.open:
                await self._chromium.do(step)
            if not await self._chromium.write(chat.box, text, chat.send_key):
                raise PageFailed

    # ---- what the page tells -------------------------------------------------------------------------------------

    def _told(self, told: dict[str, Any]) -> None:
        if self._over:
            return
        said_ms = self._page.said_ms(told, self._clock.boot_ms())
        try:
            match told.get("t"):
                case "beat":
                    # Of the page's own thread, after all that it told before; the tap's worker may outlive it.
                    self._page.beats(said_ms, self._clock.boot_ms())
                    return
                case "untapped":
                    self._ends(LeftReason.NO_MEDIA, "the meeting's page keeps its sound to itself (is it encrypted?)")
                case "line":
                    self._listening.line(told)
                case "source":
                    self._listening.source(told)
                case "signal":
                    kind, value = str(told["kind"]), told.get("value")
                    signal = Signal(kind=kind, value=value, at_ms=said_ms, since_ms=min(self._page.settled_ms, said_ms))
                    for fact in self._reader.take(signal):  # each as it comes, as what follows may make no sense
                        self._fact(fact)
                case _:
                    return
        except NONSENSE:
            return  # a page may send anything; what follows from it is nothing
        self._want_again.set()

    def _fact(self, fact: PageFact) -> None:
        if isinstance(fact, Ended):
            self._ends(fact.reason, fact.detail)
        elif self._was_in:
            self._push(fact)
        else:
            self._early.append(fact)
        if isinstance(fact, Left):
            self._listening.hear(self._listening.hearing - {fact.seat})

    async def _keep_telling(self) -> None:
        while not self._over:
            await asyncio.sleep(TELL_EVERY_S)
            if self._want_again.is_set():
                self._want_again.clear()
                await self._want()
            now_ms = self._clock.boot_ms()
            if now_ms - self._page.alive_ms > SILENT_MS:
                self._ends(LeftReason.CONNECTION_LOST, "the meeting's page does not answer any more")
                continue
            self._push(StillThere(at_ms=self._page.alive_ms))
            known_ms = self._reader.known_until(now_ms) if self._was_in else now_ms
            if known_ms is not None:
                self._push(RosterKnownUntil(at_ms=min(self._page.settled_ms, known_ms)))

    async def _want(self) -> None:
        async with self._asking:
            await self._tap.want(self._listening.wanted())

    def _new_reading(self) -> tuple[PageReader, Listening]:
        reader, hears = self._script.reader(), self.capabilities.hears
        return reader, Listening(reader=reader, hears=hears, clock=self._clock, push=self._heard)

    def _tapped(self, tapped: TappedFrame) -> None:
        self._listening.frame(tapped)

    def _heard(self, frame: HeardFrame) -> None:
        if self._was_in:
            self._push(Heard(frame=frame))

    # ---- the end -------------------------------------------------------------------------------------------------

    def _page_left(self) -> None:
        """For another page on the way into the call; what the one before told is worth nothing. Else it is the end."""
        if self._was_in:
            self._cut_off()
        else:
            self._reader, self._listening = self._new_reading()
            self._early.clear()

    def _cut_off(self) -> None:
        self._ends(LeftReason.CONNECTION_LOST, "the meeting's page broke off")

    def _ends(self, reason: LeftReason, detail: str) -> None:
        if self._over or self._push_out is None:
            return
        self._listening.close()
        self._is_unexpected = reason not in USUAL_ENDS
        self._push(Ended(reason=reason, detail=detail, at_ms=self._clock.boot_ms()))
        self._over = True

    async def _take_snapshot(self) -> None:
        if self._request is not None:
            outline, picture = await self._chromium.outline(), await self._chromium.picture()
            if outline or picture:
                taken = PageSnapshot(state=self._look or "unknown", outline=outline, picture_png=picture)
                self._request.keep_snapshot(taken)

    def _step_told(self, step: str) -> None:
        if self._request is not None:
            self._request.tell_step(step)

    def _push(self, event: RoomEvent) -> None:
        if not self._over and self._push_out is not None:
            self._push_out(event)
