"""Reads short talks that are written down as data, and plays them through the tracking of contexts that a meeting has.

A talk begins with `language: what it is about`; each line has the second after the ask (before it: negative), who says
it, what, and `=> reading` where it is an answer to the bot. No other line may open anything. `Ann>` replies to the
notice, `Ann~` to somebody else's message; `+Zoe` comes into the meeting and is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.commands import NoticePosted
from bot.ports import ChatSaid, Joined
from bot.seats import Seats
from consent_notice.answers import OPENING, SHUTTING, Reading
from consent_notice.words import IdentityLevel, SeatId, SeatKind
from tests.unit.consent_notice.answer_table import PHRASES
from tests.unit.consent_notice.dialogues_germanic import GERMANIC
from tests.unit.consent_notice.dialogues_romance import ROMANCE
from tests.unit.consent_notice.dialogues_slavic import SLAVIC

_ASK_MS = 1_000_000  # of the boot clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    at_s: int
    who: str
    reply_to: str | None
    text: str
    expected: str  # "": anything that opens nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    language: str
    about: str
    lines: tuple[Line, ...]


def read_dialogues(text: str) -> Iterator[Dialogue]:
    for block in text.strip().split("\n\n"):
        head, *rows = block.splitlines()
        language, _, about = head.partition(": ")
        yield Dialogue(language=language, about=about, lines=tuple(map(_line, rows)))


def play(dialogue: Dialogue) -> Iterator[tuple[Line, Reading]]:
    """What each line is read as; whoever said yes has given from then on."""
    seats = Seats(phrases=PHRASES, language=dialogue.language)
    people = sorted({line.who for line in dialogue.lines if line.text})
    late = {line.who for line in dialogue.lines if not line.text}
    for who in people:
        if who not in late:
            _join(seats, who, _ASK_MS - 600_000)
    given: set[str] = set()
    asked = False
    for number, line in enumerate(dialogue.lines):
        at_ms = _ASK_MS + line.at_s * 1_000
        if not asked and line.at_s >= 0:
            there = frozenset(SeatId(who) for who in people if who not in late)
            seats.noticed(NoticePosted(message_id="notice", seats=there), _ASK_MS)
            asked = True
        if not line.text:
            _join(seats, line.who, at_ms)
            seats.noticed(NoticePosted(message_id=f"notice to {line.who}", seats=frozenset({SeatId(line.who)})), at_ms)
            continue
        said = ChatSaid(
            message_id=f"message {number}",
            seat=SeatId(line.who),
            text=line.text,
            reply_to=line.reply_to,
            to_bot_only=False,
            at_ms=at_ms,
        )
        reading = seats.read(said, has_given=line.who in given).reading
        if reading in OPENING:
            given.add(line.who)
        elif reading in SHUTTING:
            given.discard(line.who)
        yield line, reading


def _join(seats: Seats, who: str, at_ms: int) -> None:
    joined = Joined(
        seat=SeatId(who),
        name=who,
        seat_kind=SeatKind.PERSON,
        identity_level=IdentityLevel.DISPLAY_NAME,
        at_ms=at_ms,
    )
    seats.joined(joined, has_answered=False)


def _line(row: str) -> Line:
    at_s, who, *words = row.split(maxsplit=2)
    text, _, expected = (words[0] if words else "").partition(" => ")
    reply_to = {">": "notice", "~": "an older message"}.get(who[-1])
    return Line(at_s=int(at_s), who=who.strip(">~+"), reply_to=reply_to, text=text, expected=expected)


DIALOGUES = tuple(read_dialogues(GERMANIC + ROMANCE + SLAVIC))
