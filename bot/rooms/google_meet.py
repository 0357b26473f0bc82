"""Google Meet by its own page: how its states are recognised, and whose sound each packet is.

A track of Meet is no person: it carries whoever speaks, and the CSRC of each packet says who. What maps CSRCs to
devices comes on a data channel of the page; a CSRC that was not told, and a screen's sound, are nobody's. Who left is
missing in the whole list that the page fetches now and then. Without the channel, after a message that cannot be read,
and until the next whole list after either, nothing is known. Selectors, texts and field numbers are as in
docs/rooms.md; none was tried against the live service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from bot.browser.reading import Person, Reader, Sources
from bot.browser.script import (
    NONSENSE,
    Chat,
    Do,
    Look,
    PageFact,
    PageScript,
    PageState,
    Sign,
    Signal,
    Sound,
    Step,
)
from bot.meet_wire import MeetUser, Told, read_answer, read_channel
from bot.platforms import GOOGLE_MEET
from bot.ports import ChatSaid, LeftReason, RoomRefused
from consent_notice.words import SeatId

_CODE = re.compile(r"/([a-z]{3}-[a-z]{4}-[a-z]{3})")
SEVERAL = "adaptive audio"  # in the name that Meet gives to several devices in one room


def address(link: str, name: str) -> str:
    """English whatever the guest's or the meeting's language is. Raises RoomRefused."""
    del name
    parts = urlsplit(link)
    code = _CODE.match(parts.path)
    if parts.scheme != "https" or parts.hostname != "meet.google.com" or code is None:
        raise RoomRefused(LeftReason.NOT_FOUND, "this is no link to a Google Meet meeting")
    return f"https://meet.google.com/{code[1]}?hl=en"


class MeetReader(Reader):
    def __init__(self) -> None:
        super().__init__(GOOGLE_MEET)
        self._screens: set[str] = set()
        self._sources = Sources[int](GOOGLE_MEET)  # by CSRC
        self._told_ms: dict[str | int, int] = {}  # when the channel last told of a device, or of a CSRC
        self._channels = 0  # open ones
        self._blind_ms = 0  # a whole list that was asked for earlier may not have what was told while nothing was known
        self._is_listed = False  # such a list has come
        self._known_ms: int | None = None  # while it has not: until when all was known

    def take(self, signal: Signal) -> Iterable[PageFact]:
        try:
            match signal.kind:
                case "channel" if signal.value == "open":
                    self._channels += 1  # another beside one that is open: that one may be dead
                    return self._knows_nothing(signal)
                case "channel":
                    self._channels -= self._channels > 0
                    return self._knows_nothing(signal)
                case "collections":
                    return self._told(read_channel(signal.value), signal)
                case "people":
                    asked_ms = signal.at_ms - int(signal.value["age_ms"])
                    return self._listed(read_answer(signal.value["body"]), signal, asked_ms)
        except NONSENSE:  # it may have told of anything
            return self._knows_nothing(signal)
        return ()

    def owners(self, sound: Sound) -> frozenset[SeatId] | None:
        if self.known_until(sound.at_ms) is None:
            return None
        devices = {self._sources.whose(csrc, sound.at_ms) for csrc in sound.csrcs}
        here = frozenset(SeatId(device) for device in devices if device and device in self._roster.here)
        return here if here and here == devices else None  # else somebody unknown, one who left, or a screen

    def known_until(self, now_ms: int) -> int | None:
        """While the channel is open: what changes is told there at once."""
        return now_ms if self._channels and self._is_listed else None

    def _knows_nothing(self, signal: Signal) -> Iterator[PageFact]:
        """Who was here is taken to be, and owns nothing."""
        self._sources.forget()
        self._blind_ms = signal.at_ms
        if self._is_listed:
            self._is_listed, self._known_ms = False, signal.since_ms
            yield from self._doubted(set(self._roster.here), since_ms=signal.since_ms, at_ms=signal.at_ms)

    def _told(self, told: Told, signal: Signal) -> Iterator[PageFact]:
        """On the channel: the latest there is."""
        self._told_ms |= {user.device_id: signal.at_ms for user in told.users}
        self._told_ms |= {csrc: signal.at_ms for csrc, _ in told.streams}
        yield from self._changed(told, signal)

    def _listed(self, told: Told, signal: Signal, asked_ms: int) -> Iterator[PageFact]:
        """The whole list, as it was at some time since it was asked for; what the channel told since then is later."""
        if not told.users:
            yield from self._changed(told, signal)  # the answer about something else
            return
        is_news = {key for key, at_ms in self._told_ms.items() if at_ms >= asked_ms}
        users = tuple(user for user in told.users if user.device_id not in is_news)
        streams = tuple(stream for stream in told.streams if stream[0] not in is_news)
        yield from self._changed(replace(told, users=users, streams=streams), signal)
        for device in self._roster.here.keys() - {user.device_id for user in told.users} - is_news:
            yield from self._goes(device, signal.at_ms)
        if self._channels and asked_ms >= self._blind_ms:
            self._is_listed, self._known_ms = True, None

    def _changed(self, told: Told, signal: Signal) -> Iterator[PageFact]:
        at_ms = signal.at_ms
        since_ms = signal.since_ms if self._known_ms is None else self._known_ms
        yield from self._doubted(self._sources.become(told.streams, at_ms), since_ms=since_ms, at_ms=at_ms)
        for user in told.users:
            if user.is_screen:
                self._screens.add(user.device_id)
                yield from self._goes(user.device_id, at_ms)
            elif user.is_self:
                self._own = SeatId(user.device_id)
            elif user.has_left:
                yield from self._goes(user.device_id, at_ms)
            elif user.device_id not in self._screens:
                yield from self._roster.comes(user.device_id, self._person(user), since_ms)
        for message in told.messages:
            is_own = message.device_id == self._own
            if is_own or self._roster.knows(message.device_id):
                said = ChatSaid(
                    message_id=message.message_id,
                    seat=SeatId(message.device_id),
                    text=message.text,
                    reply_to=None,
                    to_bot_only=False,
                    at_ms=at_ms,
                )
                yield from self._messages.said(said, is_own=is_own)

    def _goes(self, device: str, at_ms: int) -> Iterator[PageFact]:
        self._sources.are_free([device])
        yield from self._roster.goes(device, at_ms)

    def _person(self, user: MeetUser) -> Person:
        before = self._roster.here.get(user.device_id)
        name = user.name or (before.name if before else "")  # a change may tell less than the whole
        return Person(name=name, is_shared=SEVERAL in name.lower())


def _button(*texts: str) -> Sign:
    return Sign(css="button", texts=texts)


LEAVE = Sign(css='button[aria-label="Leave call"]', must_be_seen=False)


def _over(name: str, reason: LeftReason, detail: str, *texts: str, once_in_call: bool | None = None) -> Look:
    return Look(
        name=name,
        state=PageState.OVER,
        signs=(Sign(texts=texts),),
        # In the call such words may stand in its chat; but then the call's own controls are there too.
        unless=() if once_in_call is False else (LEAVE,),
        reason=reason,
        detail=detail,
        once_in_call=once_in_call,
    )


LOOKS = (
    _over("sign-in", LeftReason.SIGN_IN_REQUIRED, "Google wants a signed-in account", "use your google account",
          once_in_call=False),
    _over("refused by Google", LeftReason.PLATFORM_REFUSES_BOTS, "Google Meet did not let the bot into this call",
          "you can't join this video call", "there is a problem connecting to this video call",
          "you can't join this meeting", once_in_call=False),
    Look(name="captcha", state=PageState.OVER, signs=(Sign(css='iframe[title*="recaptcha challenge"]'),),
         reason=LeftReason.PLATFORM_REFUSES_BOTS, detail="Google Meet asks to prove that the guest is a human"),
    _over("no such meeting", LeftReason.NOT_FOUND, "Google Meet knows no meeting of that code",
          "check your meeting code", "invalid video call name", "your meeting code has expired",
          "the meeting code you entered doesn't work", once_in_call=False),
    _over("denied", LeftReason.DENIED, "somebody in the call did not let the bot in",
          "denied your request to join", "your request to join was denied", "weren't allowed to join",
          once_in_call=False),
    _over("nobody answered", LeftReason.DENIED, "nobody in the call let the bot in",
          "no one responded to your request to join the call", once_in_call=False),
    _over("removed", LeftReason.REMOVED, "somebody removed the bot from the call",
          "you've been removed from the meeting", once_in_call=True),
    _over("ended", LeftReason.MEETING_ENDED, "the call ended", "your host ended the meeting for everyone",
          "meeting ended", "call ended", "you left the meeting", once_in_call=True),
    Look(name="no devices", state=PageState.BLOCKED,
         signs=(_button("continue without microphone and camera"),), once_in_call=False),
    Look(name="shared with others", state=PageState.BLOCKED,
         signs=(Sign(css='div[aria-modal="true"][role="dialog"]',
                     texts=("is being recorded", "is being transcribed", "is taking notes", "will be shared with",
                            "may see your video differently")),)),
    Look(name="waiting for the host", state=PageState.WAITING,
         signs=(Sign(texts=("waiting for the host to join", "until a meeting host brings you into the call",
                            "admits you to the call")),)),
    Look(name="lobby", state=PageState.WAITING,
         signs=(Sign(texts=("asking to be let in", "you'll join the call when someone lets you in")),)),
    Look(name="in the call", state=PageState.IN_CALL,
         signs=(LEAVE,),
         unless=(Sign(css='input[aria-label="Your name"]'),)),
    Look(name="before the call", state=PageState.BEFORE,
         signs=(Sign(css='input[aria-label="Your name"]'),
                _button("ask to join", "join now", "join anyway", "join the call now"))),
)  # fmt: skip

STEPS = (
    Step(name="go on without devices", do=Do.CLICK, target=(_button("continue without microphone and camera"),)),
    Step(name="stay though it is shared", do=Do.CLICK, repeats=True, when=frozenset({PageState.BLOCKED}),
         target=(Sign(css='button[data-mdc-dialog-action="ok"]'), _button("join now"))),
    Step(name="type the name", do=Do.FILL, target=(Sign(css='input[aria-label="Your name"]'),), text="{name}"),
    Step(name="ask to join", do=Do.CLICK, repeats=True, when=frozenset({PageState.BEFORE}),
         target=(_button("ask to join", "join now", "join anyway", "join the call now", "join here too"),)),
)  # fmt: skip

OPEN_CHAT = Step(name="open the chat", do=Do.CLICK, target=(Sign(css='button[aria-label="Chat with everyone"]'),))
MICROPHONE_ON = Step(
    name="microphone on", do=Do.CLICK, target=(Sign(css='[aria-label="Turn on microphone"]', must_be_seen=False),)
)

SCRIPT = PageScript(
    capabilities=GOOGLE_MEET,
    address=address,
    looks=LOOKS,
    steps=STEPS,
    leave=(Step(name="leave", do=Do.CLICK, target=(Sign(css='button[aria-label="Leave call"]'),)),),
    chat=Chat(open=(OPEN_CHAT,), box=(Sign(css='textarea[aria-label^="Send a message"]'),)),
    before_speech=(MICROPHONE_ON,),
    hooks=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    reader=MeetReader,
    advice={
        LeftReason.SIGN_IN_REQUIRED: "Let guests without an account join, in the meeting's host controls.",
        LeftReason.PLATFORM_REFUSES_BOTS: "onrecord does not hide that it is a bot: allow it there, or meet elsewhere.",
        LeftReason.DENIED: "Somebody has to admit the guest that calls itself a recorder.",
    },
)
