"""Microsoft Teams by its own page: how its states are recognised, who is in the call, and what its one mix may hold.

All voices come as one mix, so a frame of it is everybody's who is here: kept only while all of them agreed. The CSRCs
of each packet still say who speaks, and a packet with a source of somebody unknown, or with none, is dropped. Selectors
and words are as in docs/rooms.md; none was tried against the live service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.browser.reading import Person, Reader, Sources
from bot.browser.script import Chat, Do, Look, PageFact, PageScript, PageState, Sign, Signal, Sound, Step
from bot.platforms import TEAMS
from bot.ports import ChatSaid, Ended, LeftReason, RoomRefused
from bot.teams_wire import DELETED, read_content, read_end, sender
from consent_notice.words import SeatId

HOSTS = frozenset(
    {
        "teams.microsoft.com",
        "teams.live.com",
        "teams.cloud.microsoft",
        "gov.teams.microsoft.us",
        "dod.teams.microsoft.us",
        "teams.microsoftonline.cn",
    }
)
MIX = "mainAudio"  # begins the id of the track with the mix; another carries the same once more
BOT, PHONE, ACCOUNT = "28:", "4:", "8:"  # begin the ids of those; accounts are people's, guests' too
ENDS = {
    5854: (LeftReason.DENIED, "somebody in the call did not let the bot in"),
    5723: (LeftReason.SIGN_IN_REQUIRED, "the organisation lets nobody join without an account"),
    5000: (LeftReason.REMOVED, "somebody removed the bot from the call"),
    5300: (LeftReason.REMOVED, "somebody removed the bot from the call"),
}


def address(link: str, name: str) -> str:
    """Raises RoomRefused."""
    del name
    parts = urlsplit(link)
    if parts.scheme != "https" or parts.hostname not in HOSTS or parts.port not in (None, 443):
        raise RoomRefused(LeftReason.NOT_FOUND, "this is no link to a Microsoft Teams meeting")
    return parts._replace(fragment="").geturl()


class TeamsReader(Reader):
    def __init__(self) -> None:
        super().__init__(TEAMS)
        self._call = ""
        self._sources = Sources[int](TEAMS)  # by CSRC

    def take(self, signal: Signal) -> Iterable[PageFact]:
        match signal.kind:
            case "here":
                return self._here(signal.value, signal.at_ms)
            case "apart":
                self._pulse.stops()
            case "message":
                return self._said(signal.value, signal.at_ms)
            case "end":
                return self._end(str(signal.value), signal.at_ms)
        return []

    def owners(self, sound: Sound) -> frozenset[SeatId] | None:
        here = {} if self._pulse.known_until(sound.at_ms) is None else self._roster.here
        people = frozenset(SeatId(key) for key, person in here.items() if not person.is_bot)
        speaking = {self._sources.whose(csrc, sound.at_ms) for csrc in sound.csrcs}
        if not sound.line.track_id.startswith(MIX) or not speaking or not speaking <= people:
            return None  # a bot's too: a room full of people may come in by one
        return people

    def _here(self, told: Mapping[str, Any], at_ms: int) -> Iterator[PageFact]:
        since_ms = self._pulse.since(at_ms)
        self._pulse.stops()  # until the whole of it was read
        own, call = str(told["me"]), str(told["call"])
        people = {
            str(one["id"]): Person(
                name=str(one["name"]),
                is_bot=str(one["id"]).startswith(BOT),
                is_phone=str(one["id"]).startswith(PHONE),
            )
            for one in told["people"]
            if str(one["id"]) != own and (one["name"] or str(one["id"]).startswith((ACCOUNT, PHONE)))
            # others without a name are services, whose sound is nobody's
        }
        sources = [(int(csrc), str(one)) for csrc, whose in told["sources"].items() for one in whose]
        yield from self._unseen(since_ms=since_ms, at_ms=at_ms)
        if call != self._call:  # a breakout room: its roster is another
            yield from self._roster.becomes({}, since_ms=since_ms, at_ms=at_ms)
        self._own, self._call = SeatId(own), call
        yield from self._roster.becomes(people, since_ms=since_ms, at_ms=at_ms)
        yield from self._doubted(self._sources.are(sources, at_ms), since_ms=since_ms, at_ms=at_ms)
        self._pulse.beats(at_ms)

    def _said(self, told: Mapping[str, Any], at_ms: int) -> Iterator[PageFact]:
        key = sender(str(told["from"]))
        written = DELETED if told["deleted"] else read_content(str(told["content"]), str(told["type"]))
        if written is not None and (self._roster.knows(key) or key == self._own):
            said = ChatSaid(
                message_id=str(told["id"]),
                seat=SeatId(key),
                text=written.text,
                reply_to=written.reply_to,
                to_bot_only=False,
                at_ms=at_ms,
                was_changed=bool(told["edited"]),
            )
            yield from self._messages.said(said, is_own=key == self._own)

    def _end(self, frame: str, at_ms: int) -> Iterator[PageFact]:
        end = read_end(frame)
        if end is None or (self._call and end.call != self._call):
            return  # of another call
        if end.sub_code in ENDS:
            reason, detail = ENDS[end.sub_code]
            yield Ended(reason=reason, detail=detail, at_ms=at_ms)
        elif self._pulse.known_until(at_ms) is not None:
            yield Ended(reason=LeftReason.MEETING_ENDED, detail="the call ended", at_ms=at_ms)


def _over(name: str, reason: LeftReason, detail: str, *texts: str, css: str = "body", unless: bool = True) -> Look:
    return Look(
        name=name,
        state=PageState.OVER,
        signs=(Sign(css=css, texts=texts),),
        unless=HANG_UP if unless else (),  # in the call such words may stand in its chat
        reason=reason,
        detail=detail,
    )


HANG_UP = tuple(
    Sign(css=css, must_be_seen=False)
    for css in ("#hangup-button", '[data-inp="hangup-button"]', 'button[data-tid="hangup-main-btn"]')
)
IN_CALL = (*HANG_UP, Sign(css="#callingButtons-showMoreBtn", must_be_seen=False))
NAME = '[data-tid="prejoin-display-name-input"]'
JOIN = '[data-tid="prejoin-join-button"]'
LAUNCH = tuple(
    Sign(css="button", texts=(text,))
    for text in ("continue on this browser", "join meeting from this browser", "join on this browser")
)
NO_DEVICES = Sign(css="button", texts=("continue without audio or video",))
ALLOW = Sign(texts=("select allow to let microsoft teams use your mic and camera",))

LOOKS = (
    Look(name="sign-in", state=PageState.OVER, signs=(Sign(css='input[name="loginfmt"]'),),
         reason=LeftReason.SIGN_IN_REQUIRED, detail="Microsoft wants a signed-in account"),
    _over("sign-in by policy", LeftReason.SIGN_IN_REQUIRED, "the organisation wants a signed-in account",
          "due to org policy, you need to sign in", "we need to verify your info before you can join"),
    _over("refused guests", LeftReason.DENIED, "the meeting takes no guests before it begins",
          "external participants are not permitted to join before the event begins"),
    _over("captcha", LeftReason.PLATFORM_REFUSES_BOTS, "Microsoft Teams asks to prove that the guest is a human",
          "verify you're a real person"),
    _over("denied", LeftReason.DENIED, "somebody in the call did not let the bot in",
          "but you were denied access to the meeting", "sorry, but you were denied",
          "your request to join was declined"),
    _over("not connected", LeftReason.CONNECTION_LOST, "Microsoft Teams couldn't connect the bot",
          "we couldn't connect you"),
    _over("removed", LeftReason.REMOVED, "somebody removed the bot from the call",
          "you've been removed from this meeting", "removed from the meeting", css='#calling-retry-screen-title',
          unless=False),
    Look(name="encrypted", state=PageState.OVER, signs=(Sign(css='[data-tid="calling-e2ee-end-screen"]'),),
         reason=LeftReason.NO_MEDIA, detail="the call is end-to-end encrypted: nothing of it can be heard"),
    Look(name="no devices", state=PageState.BLOCKED, signs=(NO_DEVICES,)),
    Look(name="asks for devices", state=PageState.BLOCKED, signs=(ALLOW,), unless=HANG_UP),
    Look(name="before the call", state=PageState.BEFORE, signs=(Sign(css=NAME), Sign(css=JOIN), *LAUNCH)),
    Look(name="lobby", state=PageState.WAITING,
         signs=(Sign(texts=("someone will let you in soon", "someone will let you in shortly",
                            "waiting for someone to let you in", "when the meeting starts")),),
         once_in_call=False),
    Look(name="in the call", state=PageState.IN_CALL, signs=IN_CALL),
)  # fmt: skip

STEPS = (
    Step(name="go on without devices", do=Do.CLICK, target=(NO_DEVICES,), repeats=True),
    Step(name="allow devices", do=Do.RUN, target=(ALLOW,), text="onrecordTeams.allow",
         when=frozenset({PageState.BLOCKED})),
    Step(name="stay in the browser", do=Do.CLICK, target=LAUNCH, repeats=True),
    Step(name="type the name", do=Do.FILL, target=(Sign(css=NAME),), text="{name}"),
    Step(name="computer audio", do=Do.CLICK, target=(Sign(css='[role="radio"]', texts=("computer audio",)),)),
    Step(name="microphone off", do=Do.CLICK, target=(Sign(css='[data-tid="toggle-mute"][aria-checked="true"]'),)),
    Step(name="join", do=Do.CLICK, target=(Sign(css=JOIN),), repeats=True),
)  # fmt: skip

SCRIPT = PageScript(
    capabilities=TEAMS,
    address=address,
    looks=LOOKS,
    steps=STEPS,
    leave=(Step(name="leave", do=Do.CLICK, target=HANG_UP),),
    chat=Chat(
        open=(Step(name="open the chat", do=Do.CLICK, target=(Sign(css="button#chat-button"),)),),
        box=(Sign(css='[aria-label="Type a message"]'), Sign(css='[placeholder="Type a message"]')),
    ),
    before_speech=(
        Step(name="microphone on", do=Do.CLICK, target=(Sign(css='[aria-label^="Unmute mic"]', must_be_seen=False),)),
    ),
    after_speech=(
        Step(name="microphone off", do=Do.CLICK, target=(Sign(css='[aria-label^="Mute mic"]', must_be_seen=False),)),
    ),
    hooks=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    reader=TeamsReader,
    origins=tuple(f"https://{host}" for host in sorted(HOSTS)),
    advice={
        LeftReason.SIGN_IN_REQUIRED: "An admin of that organisation can let people join anonymously, or register the "
        "bot (docs/rooms.md).",
        LeftReason.PLATFORM_REFUSES_BOTS: "onrecord does not hide that it is a bot: an admin of that organisation can "
        "allow it (ExternalBotAccessMode).",
        LeftReason.DENIED: "Somebody has to admit the guest that calls itself a recorder.",
        LeftReason.NO_MEDIA: "Switch end-to-end encryption off where the meeting shall be recorded.",
    },
)
