"""Zoom by its web client, as a guest: how its states are recognised, and who its list shows.

The client tells names alone, so people who share one are told apart by nothing, and come anew when their number
changes; everybody does after a second without a whole list, since anybody may have taken another's place under the same
name. All voices are one mix: a frame is everybody's who is listed, and while the list is not whole, nobody's. Where
Zoom wants bots to come another way (RTMS), that is a refusal. Selectors and words are as in docs/rooms.md; none was
tried against the live service.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bot.browser.reading import STALE_MS, Person, Reader
from bot.browser.script import Chat, Do, Look, PageFact, PageScript, PageState, Sign, Signal, Sound, Step
from bot.platforms import ZOOM
from bot.ports import ChatSaid, LeftReason, RoomRefused
from consent_notice.words import SeatId

DOMAINS = ("zoom.us", "zoom.com", "zoomgov.com", "zoom.com.cn", "zoomus.cn", "zoom-x.de")
_NUMBER = re.compile(r"/(?:j|w|wc|wc/join)/(\d{9,11})(?:/.*)?")
_PERSONAL = re.compile(r"/my/[\w.-]+")
_ME = re.compile(r"\bme\b", re.IGNORECASE)  # in the label after a name: "(Host, me)"
_EVERYONE = re.compile(r"everyone\b", re.IGNORECASE)  # in a line's label, after the sender
_TELEPHONE = re.compile(r"\+?[\d*][\d* ()-]{5,}")
YOU = "You"
MOST_WAITING = 100  # lines


def address(link: str, name: str) -> str:
    """Of the web client, which the meeting's own page would only offer after the app. Raises RoomRefused."""
    del name
    parts = urlsplit(link)
    host = (parts.hostname or "").removesuffix(".")
    domain = next((one for one in DOMAINS if host == one or host.endswith(f".{one}")), None)
    number = _NUMBER.fullmatch(parts.path)
    if parts.scheme != "https" or domain is None or parts.port not in (None, 443):
        raise RoomRefused(LeftReason.NOT_FOUND, "this is no link to a Zoom meeting")
    query = f"?{parts.query}" if parts.query else ""
    if number is None:
        if not _PERSONAL.fullmatch(parts.path):
            raise RoomRefused(LeftReason.NOT_FOUND, "this is no link to a Zoom meeting")
        return f"https://{host}{quote(parts.path)}{query}"
    if domain == "zoom.us":
        return f"https://app.zoom.us/wc/{number[1]}/join{query}"
    return f"https://{host}/wc/join/{number[1]}{query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A line of the chat, as it is drawn."""

    header: str
    label: str
    row: str
    text: str
    at_ms: int


class ZoomReader(Reader):
    def __init__(self) -> None:
        super().__init__(ZOOM)
        self._own_name = ""
        self._keys: dict[str, list[str]] = {}  # shown name -> the seats of those who show it
        self._gone: dict[str, tuple[str, int]] = {}  # shown name -> a seat that showed it, until when
        self._seats = 0
        self._waiting: list[_Written] = []  # lines that came while the list was not whole
        self._writers: dict[str, str] = {}  # of each line the seat, though others of that name came since

    def take(self, signal: Signal) -> Iterable[PageFact]:
        match signal.kind:
            case "list":
                return self._list(signal.value, signal.at_ms)
            case "apart":
                self._pulse.stops()
            case "message":
                told = signal.value
                header, label = str(told["header"]), str(told["label"])
                row, text = str(told["id"]), str(told["text"])
                return self._said(_Written(header=header, label=label, row=row, text=text, at_ms=signal.at_ms))
        return ()

    def owners(self, sound: Sound) -> frozenset[SeatId] | None:
        if self._pulse.known_until(sound.at_ms) is None:
            return None
        return frozenset(map(SeatId, self._roster.here)) or None

    def _list(self, told: Mapping[str, Any], at_ms: int) -> Iterator[PageFact]:
        since_ms, gap_ms = self._pulse.since(at_ms), self._pulse.gap_ms(at_ms)
        self._pulse.stops()  # until the whole of it was read
        page, count = str(told["page"]), int(told["count"])
        rows = [(str(row["name"]), str(row["label"])) for row in told["rows"]]
        own = [name for name, label in rows if _ME.search(label)]
        if len(own) != 1:
            return
        self._own, self._own_name = SeatId(f"{page}:own"), own[0]
        if len(rows) != count:
            return  # rows that are not drawn, or twice: nobody came or went because of that
        yield from self._unseen(since_ms=since_ms, at_ms=at_ms)
        if gap_ms >= STALE_MS or len(self._waiting) > MOST_WAITING:
            self._renew(list(self._keys), at_ms)
        people = self._people(Counter(name for name, label in rows if not _ME.search(label)), page, at_ms)
        yield from self._roster.becomes(people, since_ms=since_ms, at_ms=at_ms)
        self._pulse.beats(at_ms)
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            yield from self._said(line)

    def _people(self, shown: Counter[str], page: str, at_ms: int) -> dict[str, Person]:
        """By seat."""
        self._renew([name for name, keys in self._keys.items() if len(keys) != shown[name]], at_ms)
        for name, number in shown.items():
            if name not in self._keys:
                self._keys[name] = [f"{page}:{self._seats + one}" for one in range(number)]
                self._seats += number
        return {
            key: Person(name=name, is_phone=_TELEPHONE.fullmatch(name) is not None)
            for name, keys in self._keys.items()
            for key in keys
        }

    def _renew(self, names: list[str], at_ms: int) -> None:
        """Who of them came or went can't be told: whoever shows these from now on may be somebody else."""
        for name in names:
            for key in self._keys.pop(name, ())[:1]:
                self._gone[name] = (key, at_ms + ZOOM.roster_lag_ms)

    def _said(self, line: _Written) -> Iterator[PageFact]:
        found = self._sender(line.header, line.label)
        if found is None:
            return
        sender, is_private = found
        keys = self._keys.get(sender, [])  # whoever bears the bot's name, or is called so, loses no word of theirs
        gone, until_ms = self._gone.get(sender, ("", 0))
        if gone and line.at_ms < until_ms:  # it may be theirs: then a no counts of all who bear that name, and a yes
            keys = [gone]  # of none
        is_own = sender in (YOU, self._own_name) and not keys
        if not is_own and self._pulse.known_until(line.at_ms) is None:
            self._waiting = [*self._waiting[-MOST_WAITING:], line]
        elif is_own or keys:
            message_id = f"{line.row} {sender}"  # a row may be drawn anew with somebody else's line
            said = ChatSaid(
                message_id=message_id,
                seat=SeatId(self._writers.setdefault(message_id, keys[0] if keys else "")),
                text=line.text,
                reply_to=None,
                to_bot_only=is_private,
                at_ms=line.at_ms,
            )
            yield from self._messages.said(said, is_own=is_own)

    def _sender(self, header: str, label: str) -> tuple[str, bool] | None:
        """The name, and whether the line was for the bot alone. Where a name ends in a label ("Ann to Everyone") can't
        be told, so the name above the line tells; where there is none, the label has to fit one person alone."""
        names = {header} if header else {*self._keys, *self._gone, self._own_name, YOU} - {""}
        if not label:
            return (header, False) if header else None
        fitting = {name: said_to for name in names if (said_to := _addressee(label, name))}
        if len(fitting) != 1:
            return None
        ((name, said_to),) = fitting.items()
        return name, _EVERYONE.match(said_to) is None


def _addressee(label: str, name: str) -> str:
    for verb in (" to ", " said to "):
        if label.startswith(name + verb):
            return label.removeprefix(name + verb)
    return ""


LEAVE = Sign(css='button[aria-label="Leave"]', must_be_seen=False)
ENDED = ".zm-modal-body-title"
NAME = tuple(Sign(css=css) for css in ("#input-for-name", "#inputname", 'input[placeholder="Your Name"]'))
JOIN = (Sign(css="button.preview-join-button"), Sign(css="#joinBtn"))
IN_BROWSER = Sign(css="a", texts=("join from your browser",))


def _over(name: str, reason: LeftReason, detail: str, *texts: str) -> Look:
    return Look(
        name=name,
        state=PageState.OVER,
        signs=(Sign(texts=texts),),
        unless=(LEAVE,),  # in the call such words may stand in its chat
        reason=reason,
        detail=detail,
    )


LOOKS = (
    _over("wants RTMS", LeftReason.PLATFORM_REFUSES_BOTS, "Zoom lets bots into this meeting by RTMS alone",
          "detected you may be a bot", "automated bots aren't allowed", "must use zoom rtms"),
    Look(name="captcha", state=PageState.OVER,
         signs=(Sign(css='iframe[title*="recaptcha challenge"]'), Sign(css='iframe[title="reCAPTCHA"]')),
         reason=LeftReason.PLATFORM_REFUSES_BOTS, detail="Zoom asks to prove that the guest is a human"),
    _over("sign-in", LeftReason.SIGN_IN_REQUIRED, "the meeting is for signed-in accounts",
          "sign in to join", "only authenticated users can join", "the host requires authentication",
          "authentication is required"),
    Look(name="passcode", state=PageState.OVER, signs=(Sign(css='input[type="password"]'),), once_in_call=False,
         reason=LeftReason.SIGN_IN_REQUIRED, detail="the meeting asks for a passcode that its link does not carry"),
    Look(name="removed", state=PageState.OVER,
         signs=(Sign(css=ENDED, texts=("you have been removed", "removed from the meeting")),),
         reason=LeftReason.REMOVED, detail="somebody removed the bot from the call"),
    Look(name="ended", state=PageState.OVER,
         signs=(Sign(css=ENDED, texts=("this meeting has been ended by host", "meeting has ended",
                                       "ended by the host", "host ended the meeting")),),
         reason=LeftReason.MEETING_ENDED, detail="the call ended"),
    Look(name="cookies", state=PageState.BLOCKED, signs=(Sign(css="#onetrust-reject-all-handler"),)),
    Look(name="not begun", state=PageState.WAITING, unless=(LEAVE,), once_in_call=False,
         signs=(Sign(texts=("this meeting link is invalid", "waiting for the host to start th")),)),
    Look(name="waiting room", state=PageState.WAITING, unless=(LEAVE,),
         signs=(Sign(texts=("please wait, the meeting host will let you in soon",
                            "host has joined. we've let them know you're here")),)),
    Look(name="before the call", state=PageState.BEFORE, signs=(*NAME, *JOIN, IN_BROWSER)),
    Look(name="in the call", state=PageState.IN_CALL, signs=(LEAVE,)),
)  # fmt: skip

IN_CALL = frozenset({PageState.IN_CALL})
STEPS = (
    Step(name="reject cookies", do=Do.CLICK, target=(Sign(css="#onetrust-reject-all-handler"),), repeats=True,
         when=frozenset({PageState.BLOCKED})),
    Step(name="look again whether it has begun", do=Do.RELOAD, every_s=15.0, repeats=True,
         target=(Sign(texts=("this meeting link is invalid",)),), when=frozenset({PageState.WAITING})),
    Step(name="stay in the browser", do=Do.CLICK, target=(IN_BROWSER,), repeats=True),
    Step(name="allow devices", do=Do.CLICK, target=(Sign(css="button.zm-btn", texts=("allow",)),)),
    Step(name="type the name", do=Do.FILL, target=NAME, text="{name}"),
    Step(name="microphone off", do=Do.CLICK,
         target=(Sign(css='#preview-audio-control-button[aria-label="Mute"]'),)),
    Step(name="join", do=Do.CLICK_THROUGH, repeats=True, every_s=2.0,
         target=(Sign(css="button.preview-join-button:not(.disabled)"), Sign(css="#joinBtn:not(.disabled)"))),
    Step(name="computer audio", do=Do.CLICK, when=IN_CALL,
         target=(Sign(css="button", texts=("join audio by computer",)),)),
    Step(name="list of participants", do=Do.CLICK, when=IN_CALL, repeats=True, every_s=2.0,
         target=(Sign(css='button[aria-label^="open the participants list"]', must_be_seen=False),)),
)  # fmt: skip

SCRIPT = PageScript(
    capabilities=ZOOM,
    address=address,
    looks=LOOKS,
    steps=STEPS,
    leave=(
        Step(name="leave", do=Do.CLICK, target=(LEAVE,)),
        Step(name="leave the meeting", do=Do.CLICK, target=(Sign(css="button.leave-meeting-options__btn--danger"),)),
    ),
    chat=Chat(
        open=(
            Step(
                name="open the chat",
                do=Do.CLICK,
                target=(Sign(css='button[aria-label*="open the chat"]', must_be_seen=False),),
            ),
        ),
        box=(Sign(css="div.tiptap.ProseMirror"), Sign(css=".chat-rtf-box__editor")),
    ),
    before_speech=(
        Step(
            name="microphone on",
            do=Do.CLICK,
            target=(Sign(css='button[aria-label="unmute my microphone"]', must_be_seen=False),),
        ),
    ),
    after_speech=(
        Step(
            name="microphone off",
            do=Do.CLICK,
            target=(Sign(css='button[aria-label="mute my microphone"]', must_be_seen=False),),
        ),
    ),
    hooks=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    reader=ZoomReader,
    advice={
        LeftReason.PLATFORM_REFUSES_BOTS: "onrecord does not hide that it is a bot. The account that holds the meeting "
        "can allow guests' bots in its settings; otherwise meet elsewhere, since RTMS brings no one to ask people",
        LeftReason.SIGN_IN_REQUIRED: "Let guests without an account join, by the link with its passcode",
    },
)
