"""A person played by a script: joins a practice room over real WebRTC, speaks, writes, presses the button, leaves.

For the demo, the tests and the bench. It notes what it really said and when, so that others can measure against it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.opus import FRAME_BYTES, SpokenLine, encode
from bot.practice_client import PracticeClient, PracticeError
from bot.rtp import SAMPLES_PER_MS, RtpPacket
from consent_notice.clock import Clock

SAMPLES_PER_S = SAMPLES_PER_MS * 1_000
FADE_SAMPLES = 240  # 5 ms: a tone that begins and ends softly stays within its own band
MOST_REMEMBERED = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What was said in [start_ms, end_ms) of the boot clock: at the mouth, before coding and network."""

    start_ms: int
    end_ms: int
    sent_ms: int  # the length of the packets that it was sent in: the last one is filled up


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A chat message that this person saw."""

    message_id: str
    seat: str
    name: str
    text: str
    reply_to: str | None
    to: str | None
    is_notice: bool
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """The room's word whether this person's sound goes to a bot from now on."""

    on: bool
    at_ms: int


class RoomLeft(PracticeError):
    """What the script waited for can't come any more: this person is no longer in the room."""


class ScriptedParticipant:
    """One person in one room. `tasks` must outlive them.

    `person` is the secret that a browser would keep: bots know them again by it, in any room.
    `on_sound(seat, packet, arrival_ms)` gets what they hear, undecoded. With `sends_silence` the microphone also sends
    between the sentences, as a browser's does. Raises PracticeError from `join`.
    """

    def __init__(
        self,
        *,
        room_link: str,
        name: str,
        token: str,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        person: str | None = None,
        sends_silence: bool = False,
        is_phone: bool = False,
        on_sound: Callable[[str, RtpPacket, int], None] | None = None,
        on_message: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.name = name
        self._room_link = room_link
        self._token = token
        self._person = person
        self._clock = clock
        self._tasks = tasks
        self._sends_silence = sends_silence
        self._is_phone = is_phone
        self._on_sound = on_sound
        self._on_message = on_message
        self._client = self._new_client()
        self._voice: SpokenLine | None = None
        self._mouth = asyncio.Lock()
        self._silence: asyncio.Task[None] | None = None
        self._slots: dict[int, str] = {}
        self._changed = asyncio.Event()
        self._posted: dict[str, str | None] = {}
        self.seat = ""
        self.people: dict[str, dict[str, Any]] = {}  # who is there, without this person
        self.spoken: list[Spoken] = []
        self.messages: deque[Read] = deque(maxlen=MOST_REMEMBERED)
        self.forwarding: deque[Forwarding] = deque(maxlen=MOST_REMEMBERED)
        self.kept: bool | None = None  # what the bot told this person about their voice
        self.tile: dict[str, Any] | None = None
        self.errors: deque[str] = deque(maxlen=MOST_REMEMBERED)  # codes
        self.ended: str | None = None  # why the room closed the connection

    @property
    def bot_seat(self) -> str | None:
        return next((seat for seat, person in self.people.items() if person["kind"] == "bot"), None)

    async def join(self) -> None:
        """Returns when sound can pass both ways."""
        said = {"name": self.name, "token": self._token, "phone": self._is_phone, "person": self._person}
        welcome = await self._client.join(self._room_link, said)
        self.seat = welcome["seat"]
        self.people = {person["seat"]: person for person in welcome["people"]}
        self.tile = welcome.get("tile")
        assert self._client.microphone is not None
        self._voice = SpokenLine(self._client.microphone, self._clock)
        if self._sends_silence:
            self._silence = self._tasks.create_task(self._keep_silence())

    async def rejoin(self) -> None:
        """Takes the same seat again after the connection broke; what was said and read so far stays.

        Raises PracticeError; may then be tried again.
        """
        await self._client.close()
        self._client = self._new_client()
        self._slots.clear()
        self.people, self.tile, self.kept, self.ended = {}, None, None, None
        try:
            await self.join()
        except PracticeError:
            self._end("connection_lost")
            raise
        self._changed.set()

    async def say_pcm(self, pcm_48k: bytes) -> Spoken:
        """Mono 16-bit little-endian PCM at 48 kHz; returns when all of it was said, or the room was left."""
        packets = await asyncio.to_thread(encode, pcm_48k)
        return await self.say_packets(packets, length_ms=len(pcm_48k) // (2 * SAMPLES_PER_MS))

    async def say_packets(self, packets: list[bytes], length_ms: int | None = None) -> Spoken:
        """Opus packets of 20 ms, from this moment on; `length_ms` where the last is not full."""
        assert self._voice is not None
        async with self._mouth:
            start_ms, end_ms = await self._voice.say(packets)
        said_ms = end_ms - start_ms if length_ms is None else min(end_ms - start_ms, length_ms)
        said = Spoken(start_ms=start_ms, end_ms=start_ms + said_ms, sent_ms=end_ms - start_ms)
        self.spoken.append(said)
        return said

    async def tone(self, hz: float, seconds: float, level: float = 0.25) -> Spoken:
        """A sine at `level` of full scale."""
        return await self.say_pcm(await asyncio.to_thread(sine, hz, seconds, level))

    async def chat(self, text: str, *, reply_to: str | None = None, to: str | None = None) -> str | None:
        """Returns the message's id once the room has accepted it; None if it refused."""
        nonce = str(len(self._posted))
        self._posted[nonce] = None
        said = {"t": "chat", "text": text, "reply_to": reply_to, "to": to, "nonce": nonce}
        errors_before = len(self.errors)
        self._client.send(said)
        await self._until(lambda: self._posted[nonce] is not None or len(self.errors) > errors_before)
        return self._posted[nonce]

    async def wait_for_chat(self, matches: Callable[[Read], bool], timeout_s: float = 30.0) -> Read:
        """The first such message since joining, those already read included. Raises TimeoutError, RoomLeft."""
        async with asyncio.timeout(timeout_s):
            await self._until(lambda: any(matches(message) for message in self.messages))
        return next(message for message in self.messages if matches(message))

    async def wait_until(self, holds: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Asked again whenever the room says something. Raises TimeoutError, RoomLeft."""
        async with asyncio.timeout(timeout_s):
            await self._until(holds)

    def stop_voice(self) -> None:
        """Presses "Stop keeping my voice"."""
        self._client.send({"t": "stop_voice"})

    def press(self, digits: str) -> None:
        """Keys of a telephone."""
        self._client.send({"t": "digits", "digits": digits})

    def switch_microphone(self, on: bool) -> None:
        self._client.send({"t": "mic", "on": on})

    async def leave(self) -> None:
        """Breaks off what is being said. Safe to call twice."""
        self._end(self.ended or "left")
        await self._client.close()

    def _new_client(self) -> PracticeClient:
        return PracticeClient(
            clock=self._clock, tasks=self._tasks, on_message=self._take, on_packet=self._hear, on_over=self._end
        )

    async def vanish(self) -> None:
        """In the middle of a word, as when the tab is closed."""
        self._end("vanished")
        await self._client.vanish()

    # ---- what the room says --------------------------------------------------------------------------------------

    def _take(self, message: dict[str, Any]) -> None:
        now_ms = self._clock.boot_ms()
        match message["t"]:
            case "joined":
                self.people[message["person"]["seat"]] = message["person"]
            case "left":
                self.people.pop(message["seat"], None)
            case "slot" if message["seat"] is None:
                self._slots.pop(message["slot"], None)
            case "slot":
                self._slots[message["slot"]] = message["seat"]
            case "chat":
                self._read(message, now_ms)
            case "forwarding":
                self.forwarding.append(Forwarding(on=message["on"], at_ms=now_ms))
            case "kept":
                self.kept = message["kept"]
            case "tile":
                self.tile = message if message["state"] is not None else None
            case "error":
                self.errors.append(message["code"])
        if self._on_message is not None:
            self._on_message(message)
        self._changed.set()

    def _read(self, message: dict[str, Any], now_ms: int) -> None:
        if message["nonce"] is not None:
            self._posted[message["nonce"]] = message["id"]
        self.messages.append(
            Read(
                message_id=message["id"],
                seat=message["seat"],
                name=message["name"],
                text=message["text"],
                reply_to=message["reply_to"],
                to=message["to"],
                is_notice=message["notice"],
                at_ms=now_ms,
            )
        )

    def _hear(self, slot: int, packet: RtpPacket, arrival_ms: int) -> None:
        seat = self._slots.get(slot)
        if seat is not None and self._on_sound is not None:
            self._on_sound(seat, packet, arrival_ms)

    def _end(self, reason: str) -> None:
        self.ended = reason
        self._quiet()
        self._changed.set()

    def _quiet(self) -> None:
        if self._voice is not None:
            self._voice.silence()
        if self._silence is not None:
            self._silence.cancel()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            if self.ended is not None:
                raise RoomLeft
            self._changed.clear()
            await self._changed.wait()

    async def _keep_silence(self) -> None:
        assert self._voice is not None
        silent = encode(bytes(FRAME_BYTES))[:1]
        while self.ended is None:
            async with self._mouth:
                await self._voice.say(silent)


def sine(hz: float, seconds: float, level: float) -> bytes:
    """Mono 16-bit little-endian PCM at 48 kHz, with soft ends; `level` is of full scale."""
    at = np.arange(int(seconds * SAMPLES_PER_S))
    fade = np.minimum(1.0, np.minimum(at, len(at) - at) / FADE_SAMPLES)
    wave = level * 32_767 * fade * np.sin(2 * np.pi * hz / SAMPLES_PER_S * at)
    return bytes(wave.round().astype("<i2").tobytes())
