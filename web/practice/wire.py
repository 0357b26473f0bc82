"""What a client may say to the practice room, checked before anything acts on it; how names and texts are cleaned.

The whole wire is in docs/practice-room.md. Nothing here is escaped for HTML: clients must show texts as text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

CODE = re.compile(r"[a-z0-9-]{3,40}")
LONGEST_MESSAGE_BYTES = 16 * 1024
LONGEST_OFFER_BYTES = 64 * 1024  # a browser describes nine lines in up to 30 KiB
LONGEST_NAME = 80
LONGEST_TEXT = 2_000
SLOTS = 8

_JOINERS = "\u200c\u200d"  # they hold emoji and some scripts together, and turn nothing round

Seat = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
Slot = Annotated[int, Field(ge=0, lt=SLOTS)]
Id = Annotated[str, Field(min_length=1, max_length=64)]


class WireError(Exception):
    """The room did not understand that. Reload the page; if it happens again, report it."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Join(_Message):
    t: Literal["join"]
    name: Annotated[str, Field(max_length=4_000)]
    kind: Literal["person", "bot"] = "person"
    token: Annotated[str, Field(min_length=16, max_length=200)]
    invited_by: Annotated[str, Field(max_length=400)] | None = None
    person: Annotated[str, Field(min_length=16, max_length=200)] | None = None  # the browser's own secret
    phone: bool = False  # dialled in: hears and speaks, and reads no chat


class Offer(_Message):
    t: Literal["offer"]
    sdp: str


class Chat(_Message):
    t: Literal["chat"]
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    reply_to: Id | None = None
    to: Seat | None = None
    nonce: Id | None = None
    notice: bool = False


class Mic(_Message):
    t: Literal["mic"]
    on: bool


class Digits(_Message):
    t: Literal["digits"]
    digits: Annotated[str, Field(pattern=r"^[0-9*#A-D]{1,32}$")]


class StopVoice(_Message):
    t: Literal["stop_voice"]


class Leave(_Message):
    t: Literal["leave"]


class Subscribe(_Message):
    t: Literal["subscribe"]
    seat: Seat
    slot: Slot
    seen_stop: Id | None = None  # the last stop_voice of that seat that the bot knew of when it asked


class Unsubscribe(_Message):
    t: Literal["unsubscribe"]
    slot: Slot


class ShowTile(_Message):
    t: Literal["tile"]
    state: Literal["not_recording", "recording", "paused"]
    text: Annotated[str, Field(max_length=500)]
    invited_by: Annotated[str, Field(max_length=400)]
    link: Annotated[str, Field(max_length=1_000, pattern=r"^(https?://[^\s\"'<>]+)?$")]


class Kept(_Message):
    t: Literal["kept"]
    seat: Seat
    kept: bool


class Ping(_Message):
    t: Literal["ping"]
    n: int  # the sender's own clock; comes back in the next `alive`


Said = Annotated[
    Join | Offer | Chat | Mic | Digits | StopVoice | Leave | Subscribe | Unsubscribe | ShowTile | Kept | Ping,
    Field(discriminator="t"),
]
BOTS_ONLY = (Subscribe, Unsubscribe, ShowTile, Kept, Ping)

_said: TypeAdapter[Said] = TypeAdapter(Said)


def read_message(text: str) -> Said:
    """Raises WireError; its message is safe to send back and repeats nothing of the input."""
    try:
        size_bytes = len(text.encode())
        if size_bytes > LONGEST_OFFER_BYTES:
            raise WireError("That message is too long.")
        said = _said.validate_json(text)
    except (ValidationError, UnicodeError) as error:
        raise WireError from error
    if size_bytes > LONGEST_MESSAGE_BYTES and not isinstance(said, Offer):
        raise WireError("That message is too long.")
    return said


def clean_name(name: str) -> str:
    """One line without control, direction or unassigned characters. Raises WireError if nothing or too much is left."""
    cleaned = " ".join(_without_controls(name, keep="").split())
    if not cleaned.strip(_JOINERS):
        raise WireError("Enter a name that others can read.")
    if len(cleaned) > LONGEST_NAME:
        raise WireError(f"Use a name of at most {LONGEST_NAME} characters.")
    return cleaned


def clean_text(text: str) -> str:
    """Line breaks and tabs stay."""
    return _without_controls(text, keep="\n\t").strip()


def _without_controls(text: str, keep: str) -> str:
    return "".join(
        " " if character in "\n\r\t" and character not in keep else character
        for character in text
        if character in keep
        or character in _JOINERS
        or character in "\n\r\t"
        or unicodedata.category(character)[0] != "C"
    )
