"""What the bot needs of the world: a meeting room, a voice, a transcriber, a clock.

Rooms push events and do what they are told; wording, retries, timeouts and policy live in `session` and `runner`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from consent_notice.frames import HeardFrame
from consent_notice.words import IdentityLevel, SeatId, SeatKind


class Hears(StrEnum):
    """Whether a frame holds one seat's sound or everybody's."""

    SEPARATE = "separate"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomCapabilities:
    """What a platform lets the bot do; the session picks from it."""

    platform: str
    hears: Hears
    withholds: bool  # True: a person's sound is not even received until `hear` names their seat
    can_speak: bool
    can_chat: bool
    can_whisper: bool  # chat to one seat only
    can_show_tile: bool
    chat_limit_chars: int
    identity_level: IdentityLevel  # what a seat alone proves about the person
    roster_lag_ms: int  # a join is told at most this late
    path_delay_ms: int  # a sound is at most this much older than its captured time
    names_only: bool = False  # whoever writes in the chat is known by the shown name alone
    hears_digits: bool = False  # keys of a telephone arrive as DigitsPressed


class LeftReason(StrEnum):
    """Why a stay ended; each is shown to the host in words of its own."""

    MEETING_ENDED = "meeting_ended"
    EVERYONE_LEFT = "everyone_left"
    REMOVED = "removed"
    DENIED = "denied"
    HOST_STOPPED = "host_stopped"
    CALLED_OFF = "called_off"
    NOT_EVERYONE_AGREED = "not_everyone_agreed"
    PLATFORM_REFUSES_BOTS = "platform_refuses_bots"
    SIGN_IN_REQUIRED = "sign_in_required"
    NOT_FOUND = "not_found"
    ROOM_FULL = "room_full"
    CONNECTION_LOST = "connection_lost"
    NO_MEDIA = "no_media"
    TAKEN_OVER = "taken_over"
    STORAGE_FAILED = "storage_failed"
    NOT_ALLOWED_THERE = "not_allowed_there"


class RoomError(Exception):
    """The room could not do that. This meeting ends; others go on."""

    reason: LeftReason = LeftReason.CONNECTION_LOST

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or "")


class RoomUnreachable(RoomError):
    """The meeting server does not answer. Check that it runs and that the link is right."""


class RoomRefused(RoomError):
    """The meeting does not let the bot in."""

    def __init__(self, reason: LeftReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSnapshot:
    """A page when the bot was out of it unexpectedly, scrubbed: no names, no chat."""

    state: str  # the name of the look that fitted last
    outline: str  # elements, roles and states; no text
    picture_png: bytes


def _ignore(told: object) -> None:
    del told


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    link: str
    name: str  # says what the bot is
    invited_by: str
    resume_token: str  # the same token gives the same seat after a restart
    keep_snapshot: Callable[[PageSnapshot], None] = _ignore  # for rooms that have a page; never blocks
    tell_step: Callable[[str], None] = _ignore  # each look and step of a page as it is reached, by its script's names

    def shown_name(self, most_chars: int) -> str:
        """For a roster that shows a name alone: who invited it is cut first."""
        whole = f"{self.name}, invited by {self.invited_by}" if self.invited_by else self.name
        return whole if len(whole) <= most_chars else whole[: max(0, most_chars - 1)] + "…"


# ---- what a room pushes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingInLobby:
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    own_seat: SeatId
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    seat: SeatId
    name: str
    seat_kind: SeatKind
    identity_level: IdentityLevel
    at_ms: int  # when they joined, not when we were told
    platform_id: str = ""  # what the platform calls this person in every meeting, hashed; empty: it does not say
    is_phone: bool = False  # hears and speaks only: reads no chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    seat: SeatId
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceDoubted:
    """What was heard as this seat's in that span may have been somebody else's: the platform told late whose it is."""

    seat: SeatId
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSaid:
    message_id: str  # the platform's, unique within the meeting
    seat: SeatId
    text: str
    reply_to: str | None  # message id of the thread's root
    to_bot_only: bool
    at_ms: int  # when it was written; of one that is told again as it was changed to, when it was changed
    was_changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEdited:
    """What was said before under that id reads so from now on."""

    message_id: str
    seat: SeatId
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDeleted:
    message_id: str
    seat: SeatId
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitsPressed:
    """Keys of a telephone, as this seat pressed them."""

    message_id: str
    seat: SeatId
    digits: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPressed:
    """The room's own "stop keeping my voice" button; the room has already shut off that person's sound."""

    message_id: str
    seat: SeatId
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    frame: HeardFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterKnownUntil:
    """Everything the room had to tell before `at_ms` has been pushed; sent at least every 100 ms while connected and
    known, in its lobby too."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StillThere:
    """The room answers, also where it can't say now who is in it; of one that can, RosterKnownUntil says it too."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    reason: LeftReason
    detail: str  # for the host; no names
    at_ms: int


RoomEvent = (
    WaitingInLobby
    | Admitted
    | Joined
    | Left
    | VoiceDoubted
    | ChatSaid
    | ChatEdited
    | ChatDeleted
    | DigitsPressed
    | StopPressed
    | Heard
    | RosterKnownUntil
    | StillThere
    | Ended
)


class TileState(StrEnum):
    NOT_RECORDING = "not_recording"
    RECORDING = "recording"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """What the bot's own picture shows to all, and to each seat alone whether its voice is kept."""

    state: TileState
    text: str
    invited_by: str
    page_link: str
    kept: Mapping[SeatId, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    text: str
    reply_to: str | None = None
    to_seat: SeatId | None = None  # a whisper, where the room can
    is_notice: bool = False  # a room may show answers as buttons under it; they arrive as threaded replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Mono 16-bit little-endian PCM at 48 kHz, and the words in it."""

    text: str
    language: str
    pcm: bytes

    @property
    def duration_ms(self) -> int:
        return len(self.pcm) // 96


class MeetingRoom(Protocol):
    """One stay in one meeting. Vendor errors never cross: every method raises RoomError or returns.

    After `Ended` was pushed, or `leave` returned, nothing more is pushed and every method does nothing.
    """

    capabilities: RoomCapabilities

    async def join(self, request: JoinRequest, push: Callable[[RoomEvent], None]) -> None:
        """Returns when admitted or waiting in the lobby; then pushes events from the loop's own thread, in order."""
        ...

    async def hear(self, seats: frozenset[SeatId]) -> None:
        """The complete set of seats to receive sound from. On return the room has acknowledged every removal."""
        ...

    async def post(self, post: Post) -> str:
        """Returns the platform's message id once the room has accepted it."""
        ...

    async def speak(self, speech: Speech) -> None:
        """Returns when the last of it has been sent, at the pace of speech."""
        ...

    async def show(self, tile: Tile) -> None: ...

    async def leave(self) -> None:
        """Says goodbye to the server and closes; safe to call twice and after a failed join."""
        ...


class VoiceUnavailable(Exception):
    """No voice that can be understood speaks this language here; the notice goes out as text only."""


class Voice(Protocol):
    async def say(self, text: str, language: str) -> Speech:
        """Raises VoiceUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    start_ms: int  # from the beginning of the PCM given
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenSegment:
    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...]  # empty where the engine tells no word times


class TranscriptionFailed(Exception):
    """Speech recognition did not finish. The recording is kept; transcription can be tried again."""


class Transcriber(Protocol):
    model: str  # name and hash, for the record

    async def transcribe(self, pcm_16k: bytes, language: str) -> tuple[SpokenSegment, ...]:
        """Mono 16-bit little-endian PCM at 16 kHz. Raises TranscriptionFailed."""
        ...
