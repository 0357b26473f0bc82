"""A short meeting of three people who behave as people do when a process dies under them: they come back and go on.

One agrees in the chat, one on the page, one refuses; all of them talk all the time, each in packets of their own. Each
remembers which of their answers were acknowledged, and so may never be lost.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, CookieJar

from bot.opus import encode
from bot.practice_client import PracticeError
from config.page_form import PageNotAsExpected, fill_in_page
from config.wording import wordings
from consent_notice.clock import Clock
from storage.meetings import MeetingRow
from tests.simulators.page_visit import link_in
from tests.simulators.server import RunningServer
from tests.simulators.tones import Mouth
from web.practice.participant import Read, RoomLeft, ScriptedParticipant, sine

LONGEST_TALK_S = 80.0
BASES_HZ = (517.3, 1_131.7, 1_749.1)
PIECE_S = 0.4
THANKS_WITHIN_S = 4.0
THANKS = tuple(text.split("{")[0] for key, text in wordings()["en"]["say"].items() if key.startswith("thanks_"))


_FORM = re.compile(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass(slots=True, kw_only=True)
class Attendee:
    """One person; `thanked` are the ids of their messages that the bot acknowledged."""

    mouth: Mouth
    hz: float
    clock: Clock
    thanked: list[str] = field(default_factory=list)
    thanked_ms: int = -1

    @property
    def person(self) -> ScriptedParticipant:
        return self.mouth.person

    def notices_after(self, after_ms: int) -> list[Read]:
        """Those that this person could read."""
        return [read for read in self.person.messages if read.is_notice and read.at_ms > after_ms]

    async def talk(self) -> None:
        """Until cancelled; comes back to the room whenever it was lost."""
        while True:
            if self.person.ended is None:
                await self.mouth.say(PIECE_S)
                await asyncio.sleep(0)
                continue
            with suppress(PracticeError):
                await self.person.rejoin()
            await asyncio.sleep(0.2)

    async def answer(self) -> None:
        """Until cancelled."""
        raise NotImplementedError

    async def say_until_thanked(self, text: str) -> None:
        """Writes it to the bot, and again whenever no thanks come or the room is lost."""
        while not await self._says(text):
            await asyncio.sleep(0.1)

    async def _says(self, text: str) -> bool:
        """Whether the bot thanked them for it."""
        person = self.person
        with suppress(RoomLeft, TimeoutError):
            await person.wait_until(lambda: person.bot_seat is not None)
            asked_ms = self.clock.boot_ms()
            message = await person.chat(text, reply_to=self._last_notice(), to=person.bot_seat)
            if message is not None:
                thanks = await person.wait_for_chat(partial(self._is_thanks, after_ms=asked_ms), THANKS_WITHIN_S)
                self.thanked.append(message)
                self.thanked_ms = thanks.at_ms
                return True
        return False

    def _last_notice(self) -> str | None:
        return next((read.message_id for read in reversed(self.person.messages) if read.is_notice), None)

    def _is_thanks(self, read: Read, *, after_ms: int) -> bool:
        is_for_them = read.seat == self.person.bot_seat and read.to == self.person.seat
        return is_for_them and read.at_ms >= after_ms and read.text.startswith(THANKS)


class InTheChat(Attendee):
    """Answers every time they are asked, always the same."""

    words = "record yes"

    async def answer(self) -> None:
        while True:
            with suppress(RoomLeft, TimeoutError):
                await self.person.wait_until(lambda: bool(self.notices_after(self.thanked_ms)))
                await self.say_until_thanked(self.words)
            await asyncio.sleep(0.1)


class WhoRefuses(InTheChat):
    words = "record no"


@dataclass(slots=True, kw_only=True)
class OnThePage(Attendee):
    """Agrees on the page, writes its code once, and then confirms on the page again and again."""

    code: str = ""
    nonces: list[str] = field(default_factory=list)  # of forms that the page answered
    confirms_every_s: float = 0.7

    async def answer(self) -> None:
        notice = await self._first_notice()
        link = link_in(notice.text)
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:  # cookies for a bare address
            self.code = await self._first_yes(browser, link)
            while not (await self._says(self.code) or self.person.kept):  # a code that counts already gets no thanks
                await asyncio.sleep(0.1)
            while True:
                with suppress(ClientError, OSError, TimeoutError):
                    await self._confirm(browser, link)
                await asyncio.sleep(self.confirms_every_s)

    async def _first_notice(self) -> Read:
        while True:
            with suppress(RoomLeft, TimeoutError):
                return await self.person.wait_for_chat(lambda message: message.is_notice)
            await asyncio.sleep(0.1)

    @staticmethod
    async def _first_yes(browser: ClientSession, link: str) -> str:
        while True:
            with suppress(ClientError, OSError, TimeoutError, PageNotAsExpected):
                return await fill_in_page(browser, link)
            await asyncio.sleep(0.3)

    async def _confirm(self, browser: ClientSession, link: str) -> None:
        """What the page answers with a redirect, it has taken."""
        async with browser.get(f"{link}?change") as response:
            forms = dict(_FORM.findall(await response.text()))
        if urlsplit(link).path not in forms:
            return
        form = dict(_HIDDEN.findall(forms[urlsplit(link).path]))
        ticked = {"purpose_recording": "on", "alone": "yes", "decision": "yes"}
        origin = {"Origin": link.split("/c/", 1)[0]}
        async with browser.post(link, data=form | ticked, headers=origin, allow_redirects=False) as response:
            if response.status in (302, 303):
                self.nonces.append(form["nonce"])


@dataclass(slots=True, kw_only=True)
class ShortMeeting:
    """The people of one meeting; `with_people` in a task of its own is the meeting."""

    server: RunningServer
    row: MeetingRow
    agrees: InTheChat
    on_page: OnThePage
    refuses: WhoRefuses

    @classmethod
    async def invite(cls, server: RunningServer, row: MeetingRow) -> ShortMeeting:
        names = ("Maria", "Jonas", "Rafael")
        packets = await asyncio.to_thread(lambda: [encode(sine(hz, LONGEST_TALK_S, 0.25)) for hz in BASES_HZ])
        maria, jonas, rafael = (
            Mouth(server.person(row, name), said) for name, said in zip(names, packets, strict=True)
        )
        return cls(
            server=server,
            row=row,
            agrees=InTheChat(mouth=maria, hz=BASES_HZ[0], clock=server.clock),
            on_page=OnThePage(mouth=jonas, hz=BASES_HZ[1], clock=server.clock),
            refuses=WhoRefuses(mouth=rafael, hz=BASES_HZ[2], clock=server.clock),
        )

    @property
    def people(self) -> tuple[Attendee, ...]:
        return self.agrees, self.on_page, self.refuses

    async def join(self) -> None:
        for attendee in self.people:
            await attendee.person.join()

    async def leave(self) -> None:
        for attendee in self.people:
            await attendee.person.leave()
