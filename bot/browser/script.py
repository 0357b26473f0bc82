"""What is known of one platform's page: how its states are recognised, what is done in each, what its signals mean.

A page script is data and a reader; it decides nothing about consent and touches no browser. `room` performs it. The
reader is PURE: it turns what the page's hooks told into people, chat and owners of sound, and where it does not know,
it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from bot.ports import ChatDeleted, ChatEdited, ChatSaid, Ended, Joined, Left, LeftReason, RoomCapabilities, VoiceDoubted
from consent_notice.words import SeatId


class PageState(StrEnum):
    """Where the page is; looked for in this order, so that a lobby that looks like a call is never taken for one."""

    OVER = "over"  # refused, denied, removed, ended: `Look.reason` says which
    BLOCKED = "blocked"  # a question of the page that must be answered to go on, before or in the call
    WAITING = "waiting"
    IN_CALL = "in_call"
    BEFORE = "before"  # name to be typed, buttons to be pressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing to look for: what matches `css` and, where given, shows one of `texts` (any case, part of its text).

    Kept this simple so that a page replica can be made from it. `’` and `'` in texts are the same.
    """

    css: str = "body"
    texts: tuple[str, ...] = ()
    must_be_seen: bool = True  # False: being in the page is enough, as where toolbars hide themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One way to recognise a state. Any of `signs` is enough; of several looks that fit, the first in order counts."""

    name: str  # names it in reports of `onrecord doctor room` and in tests
    state: PageState
    signs: tuple[Sign, ...]
    unless: tuple[Sign, ...] = ()  # none of these may be there
    reason: LeftReason | None = None  # for OVER: the typed end
    detail: str = ""  # for OVER: what the host is told; no names
    once_in_call: bool | None = None  # True: counts only after, False: only before the bot was in the call


class Do(StrEnum):
    CLICK = "click"
    CLICK_THROUGH = "click_through"  # where the page lays something over it
    FILL = "fill"  # types `text`, with real key events
    PRESS = "press"  # the key named by `text`, on the element
    RUN = "run"  # calls the hook named by `text` in the page
    RELOAD = "reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Done when its target is there; `{name}` in `text` is the bot's shown name. A step that is done is not done again
    before the page was loaded anew, unless `repeats`."""

    name: str
    do: Do
    target: tuple[Sign, ...] = ()
    text: str = ""
    repeats: bool = False
    every_s: float = 0.0  # of one that repeats: not more often; of RELOAD: nor sooner after the page was loaded
    when: frozenset[PageState] = frozenset({PageState.BEFORE, PageState.BLOCKED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a hook of the page told: `kind` is the script's own word, `value` is JSON (bytes as base64)."""

    kind: str
    value: Any
    at_ms: int  # boot clock, when the page told it
    since_ms: int  # then it had told all that it knew; it may have stood still since


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One receiving track object of the page, under one epoch.

    The same object told again, or muted, unmuted or removed, is another epoch: it may carry somebody else from now on.
    """

    number: int
    epoch: int
    track_id: str
    stream_ids: tuple[str, ...]
    mid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What tells whose sound a packet is; never the sound itself."""

    line: Line
    ssrc: int
    csrcs: tuple[int, ...]
    at_ms: int


NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # a page may tell anything
PageFact = Joined | Left | VoiceDoubted | ChatSaid | ChatEdited | ChatDeleted | Ended


class PageReader(Protocol):
    """One stay's understanding of the page. PURE: no clock, no waiting, no I/O.

    Signals may be late, doubled or missing; whatever follows from them must err towards "unknown". Of one that makes no
    sense nothing is taken in; then `take`, or the iterator that it gives, may raise any of NONSENSE.
    """

    def take(self, signal: Signal) -> Iterable[PageFact]:
        """What the signal means. Joined comes before a seat owns any sound; own chat messages are left out."""
        ...

    def owners(self, sound: Sound) -> frozenset[SeatId] | None:
        """Who can be in that packet; None: unknown, and it is dropped. On a mix: all that speak in it."""
        ...

    def own_message(self, text: str) -> str | None:
        """The platform's id of the bot's own message of that text once the page showed it; None: not yet."""
        ...

    def known_until(self, now_ms: int) -> int | None:
        """Until when all is known that the page had to tell of who is there (`RosterKnownUntil`); None: not now."""
        ...

    @property
    def own_seat(self) -> SeatId | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """How a line is written where no hook of the page does it."""

    open: tuple[Step, ...] = ()  # once, after the call was entered
    box: tuple[Sign, ...] = ()
    send_key: str = "Enter"
    hook: str = ""  # a function of the page, called with the text: then no box is needed
    whisper: str = (
        ""  # likewise, called with {seat, text}; returns the message's id, or nothing where it did not go out
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageScript:
    """All that `room` needs of a platform. Texts are English: the browser's language is pinned to it."""

    capabilities: RoomCapabilities
    address: Callable[[str, str], str]  # join link, bot's name -> the address to open; raises RoomRefused
    looks: tuple[Look, ...]
    steps: tuple[Step, ...]
    leave: tuple[Step, ...]
    chat: Chat
    hear: str = ""  # a function of the page, called with the seats whose sound alone the platform shall send
    before_speech: tuple[Step, ...] = ()  # as switching the microphone on
    after_speech: tuple[Step, ...] = ()
    hooks: str  # JavaScript, run before any of the page's; tells by `onrecord.tell(kind, value)`
    reader: Callable[[], PageReader]
    origins: tuple[str, ...] = ()  # granted microphone and camera besides the address's own
    advice: Mapping[LeftReason, str] = field(default_factory=dict)  # what the host can do about a refusal
