"""The demo's meeting: who comes, what they say with which voice, and how each of them answers the bot.

Only plays people, over the network, as anybody would; it knows nothing of the server's inside. Tells what it sees
through `Screen`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from aiohttp import ClientSession, CookieJar

from bot.voice import speak_as
from config.page_form import fill_in_page
from config.screen import Screen
from consent_notice.clock import Clock
from web.practice.participant import Read, ScriptedParticipant

BOT_COMES_WITHIN_S = 45.0
NOTICE_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    voice: str  # one of bot.voice.VOICE_NAMES
    answers: str  # for the screen


MARIA = Person(name="Maria", voice="heart", answers="agrees in the chat")
JONAS = Person(name="Jonas", voice="pico-gb", answers="agrees on the page")
RAFAEL = Person(name="Rafael", voice="pico-it", answers="refuses")
LENA = Person(name="Lena", voice="pico-us", answers="comes late, agrees, then withdraws")
PEOPLE = (MARIA, JONAS, RAFAEL, LENA)

LINES: Mapping[str, str] = MappingProxyType(
    {
        "opening": "Good morning everybody. The new version is ready, and all the tests have passed.",
        "migration": "Thank you. I moved the last customers to the new server on Friday, and nobody noticed anything.",
        "private": "I would rather not be recorded today, so no word of this sentence may be found later.",
        "welcome": "Hello Lena, good that you are here. We are talking about the release.",
        "late": "Hello, sorry that I am late. The pictures for the home page will arrive on Wednesday.",
        "thursday": "Then we can publish on Thursday, if nothing else comes up.",
        "withdrawn": "There is one more thing, about my holidays, and that should stay between us. I will be away for "
        "the whole of August, so please do not plan anything with me.",
        "closing": "All right, Thursday it is. Thank you all, and see you next week.",
    }
)


@dataclass(slots=True)
class Story:
    """Plays once. `spoken_s` is what each of them said, at the mouth."""

    room_link: str
    clock: Clock
    new_id: Callable[[], str]
    screen: Screen
    spoken_s: dict[str, float] = field(default_factory=dict)
    _pcm: dict[str, bytes] = field(default_factory=dict)
    _people: dict[str, ScriptedParticipant] = field(default_factory=dict)

    async def rehearse(self) -> None:
        """Renders every line beforehand, so that the meeting runs at the pace of speech."""
        speakers = {
            "opening": MARIA,
            "migration": JONAS,
            "private": RAFAEL,
            "welcome": MARIA,
            "late": LENA,
            "thursday": JONAS,
            "withdrawn": LENA,
            "closing": MARIA,
        }
        for line, person in speakers.items():
            self._pcm[line] = await speak_as(person.voice, LINES[line])

    async def play(self) -> None:
        """Raises TimeoutError where the bot does not do its part."""
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._play(tasks)
            finally:
                for name, person in self._people.items():
                    self.spoken_s[name] = sum(said.sent_ms for said in person.spoken) / 1000
                    await person.leave()

    async def _play(self, tasks: asyncio.TaskGroup) -> None:
        maria, jonas, rafael = [await self._joins(person, tasks) for person in (MARIA, JONAS, RAFAEL)]
        await maria.wait_until(lambda: maria.bot_seat is not None, BOT_COMES_WITHIN_S)
        self.screen.tell("bot", f"joins as “{self._bot_name(maria)}”")
        notice = await maria.wait_for_chat(lambda message: message.is_notice, NOTICE_WITHIN_S)
        self.screen.quote("bot", notice.text)
        await asyncio.sleep(4)
        await self._answers(rafael, "record no", notice)
        await asyncio.sleep(2)
        await self._answers(maria, "record yes", notice)
        await self._answers_on_page(jonas, notice)
        await self._is_kept(maria)
        await self._is_kept(jonas)
        await self._says(maria, "opening")
        await self._says(jonas, "migration")
        await self._says(rafael, "private")
        lena = await self._joins(LENA, tasks)
        own_notice = await lena.wait_for_chat(
            lambda message: message.is_notice and message.to == lena.seat, NOTICE_WITHIN_S
        )
        self.screen.tell("bot", "asks Lena in a message that only she sees")
        await self._says(maria, "welcome")
        await self._answers(lena, "record yes", own_notice)
        await self._is_kept(lena)
        await self._says(lena, "late")
        await self._says(jonas, "thursday")
        async with asyncio.TaskGroup() as at_once:
            at_once.create_task(self._says(lena, "withdrawn"))
            await asyncio.sleep(3.0)
            await self._answers(lena, "stop", None)
        await self._says(maria, "closing")
        await asyncio.sleep(1)
        for person in (jonas, rafael, lena, maria):
            await person.leave()
            self.screen.tell(person.name, "leaves")

    async def _joins(self, person: Person, tasks: asyncio.TaskGroup) -> ScriptedParticipant:
        participant = ScriptedParticipant(
            room_link=self.room_link,
            name=person.name,
            token=self.new_id(),
            clock=self.clock,
            tasks=tasks,
            on_message=lambda message: self._notices(person.name, message),
        )
        self._people[person.name] = participant
        await participant.join()
        self.screen.tell(person.name, f"joins ({person.answers})")
        return participant

    def _notices(self, name: str, message: dict[str, Any]) -> None:
        """What this person sees of the recording, as the room and the bot tell it."""
        match message:
            case {"t": "kept", "kept": kept}:
                self.screen.gate(name, is_open=kept)
            case {"t": "tile", "state": str(), "text": text} if name == MARIA.name:
                self.screen.tile(text)
            case {"t": "chat", "notice": False, "name": who, "text": text, "to": to} if who not in {
                person.name for person in PEOPLE
            } and (to is not None or name == MARIA.name):
                self.screen.tell("bot", f"“{text}”", aside=f"only to {name}" if to is not None else "")
            case _:
                pass

    async def _answers(self, person: ScriptedParticipant, text: str, notice: Read | None) -> None:
        self.screen.tell(person.name, f"writes “{text}”")
        await person.chat(text, reply_to=notice.message_id if notice else None, to=person.bot_seat)

    async def _answers_on_page(self, person: ScriptedParticipant, notice: Read) -> None:
        link = next(word for word in notice.text.split() if word.startswith("http") and "/c/" in word)
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:  # unsafe: of an address without a name
            code = await fill_in_page(browser, link)
        self.screen.tell(person.name, f"opens the page, ticks sound and transcript, and writes its code “{code}”")
        await person.chat(code, to=person.bot_seat)

    async def _is_kept(self, person: ScriptedParticipant) -> None:
        await person.wait_until(lambda: person.kept is True, 10.0)
        await asyncio.sleep(0.3)

    async def _says(self, person: ScriptedParticipant, line: str) -> None:
        self.screen.quote(person.name, LINES[line])
        await person.say_pcm(self._pcm[line])
        await asyncio.sleep(0.4)

    @staticmethod
    def _bot_name(person: ScriptedParticipant) -> str:
        return str(person.people[person.bot_seat or ""]["name"])
