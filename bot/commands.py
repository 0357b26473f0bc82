"""What a session is told besides room events, and what it orders: frozen facts and imperatives, no behaviour.

Commands name a line of the wording by key; which words that is, and how they are spoken, is the runner's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.facts import NoticeRef
from bot.ports import LeftReason, Tile
from consent_notice.decisions import Act
from consent_notice.events import Event
from consent_notice.notice import Say
from consent_notice.words import IdentityLevel, Purpose, SeatId

# ---- what happened, besides what the room tells -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The visit begins; the room is to be joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFailed:
    reason: LeftReason
    detail: str


Stays = frozenset[tuple[SeatId, int]]  # the how manieth of each seat


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePosted:
    """The room has accepted the notice: `seats` can read (or, on a telephone, have heard) it from now on."""

    message_id: str
    seats: frozenset[SeatId]
    line: Say | None = None  # the short form that it went out in
    stays: Stays = frozenset()  # as in the order


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFailed:
    """The room did not take it; whoever it was for is asked again in a while."""

    seats: frozenset[SeatId]
    stays: Stays = frozenset()  # as in the order


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePosted:
    """The room has accepted another line of the bot's: whoever replies to it speaks to the bot."""

    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Durable:
    """An entry of this visit is in the log for good; told in the log's order, whoever wrote it."""

    index: int
    event_id: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBound:
    """A page's code was typed in the chat by this seat; these were its choices."""

    seat: SeatId
    page: str
    acts: tuple[tuple[Purpose, Act], ...]
    is_shared: bool
    is_known: bool  # its choices are in the log already
    at_ms: int
    person: str = ""  # of those who share the seat
    people: int = 1  # how many do, as the page was told
    notice: NoticeRef | None = None  # the text that was answered on it; None: the meeting's own
    identity_level: IdentityLevel = IdentityLevel.PAGE_BOUND_BY_CODE
    matched_by: str = "page code"
    agreement: str = ""  # what was said ahead, that the page continues


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFound:
    """What this person said ahead, for this meeting or its series; no acts: nothing."""

    seat: SeatId
    agreement: str
    acts: tuple[tuple[Purpose, Act], ...]
    identity_level: IdentityLevel
    matched_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageUnknown:
    """A code was typed that no open page of this meeting shows."""

    seat: SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStopped:
    """Final for this occurrence (law 8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledOff:
    """The meeting is not to be visited any more: its calendar or its host says so now."""

    detail: str  # for the host


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageFailed:
    """Something could not be stored; nothing more may be captured."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStops:
    """This process ends in order; the visit may go on when it runs again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipLost:
    """Another bot has taken this meeting over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time passed; sent a few times a second."""


OwnEvent = (
    Started
    | JoinFailed
    | NoticePosted
    | NoticeFailed
    | LinePosted
    | Durable
    | PageBound
    | AgreementFound
    | PageUnknown
    | HostStopped
    | CalledOff
    | StorageFailed
    | ServerStops
    | OwnershipLost
    | Tick
)

# ---- what is to be done -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRoom:
    """Answered by room events, or by JoinFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """Receive sound from these seats and no other."""

    seats: frozenset[SeatId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    tile: Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class PostNotice:
    """Answered by NoticePosted. `to_seat` None: to all."""

    seats: frozenset[SeatId]
    to_seat: SeatId | None
    line: Say | None = None  # in this short form, which leads to the whole text
    stays: Stays = frozenset()  # for whom it is: who leaves and comes back meanwhile has not read it


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLine:
    """One sentence in the chat, to all or as a whisper."""

    line: Say
    to_seat: SeatId | None = None
    reply_to: str | None = None
    count: int = 0
    names: str = ""  # of other bots, never of people


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakNotice:
    """The short spoken line that asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakLine:
    """One sentence by voice, where the room and the language have one."""

    line: Say


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPhone:
    """Who reads no chat is told by voice how to answer; answered by NoticePosted."""

    seat: SeatId
    stays: Stays = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindAgreement:
    """Answered by AgreementFound."""

    seat: SeatId
    platform_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMeeting:
    """The host's stop, said in the chat: final for this occurrence. Answered by HostStopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Into the consent log; its durability comes back as Durable through the feed."""

    event: Event
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BindPage:
    """Answered by PageBound or PageUnknown."""

    code: str
    seat: SeatId
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CutBack:
    """A no was learnt of late: of this seat (None: of all) nothing captured after `after_ms` may stay on disk."""

    seat: SeatId | None
    after_ms: int
    of_earlier_stays: bool = False  # what an earlier stay kept, too: it may have ended before it could know


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveRoom:
    """Say what is queued, then leave; answered by nothing."""

    reason: LeftReason
    detail: str


Command = (
    JoinRoom
    | Hear
    | Show
    | PostNotice
    | PostLine
    | SpeakNotice
    | SpeakLine
    | AskPhone
    | FindAgreement
    | StopMeeting
    | Append
    | BindPage
    | CutBack
    | LeaveRoom
)
