"""In which context words are read: who was asked when, and who else has said what since. The talks: see `dialogues`."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import NoticePosted
from bot.ports import ChatSaid, Joined
from bot.seats import Seats
from consent_notice.answers import Reading
from consent_notice.words import IdentityLevel, SeatId, SeatKind
from tests.simulators.visit import PHRASES

ASK_MS = 100_000


def asked(*seats: str) -> Seats:
    found = Seats(phrases=PHRASES, language="en")
    for seat in seats:
        join(found, seat, 0)
    found.noticed(NoticePosted(message_id="notice", seats=frozenset(map(SeatId, seats))), ASK_MS)
    return found


def join(seats: Seats, seat: str, at_ms: int, kind: SeatKind = SeatKind.PERSON) -> None:
    joined = Joined(
        seat=SeatId(seat), name=seat, seat_kind=kind, identity_level=IdentityLevel.DISPLAY_NAME, at_ms=at_ms
    )
    seats.joined(joined, has_answered=False)


def said(seat: str, text: str, at_ms: int, reply_to: str | None = None, *, whisper: bool = False) -> ChatSaid:
    return ChatSaid(
        message_id=f"{seat} at {at_ms}",
        seat=SeatId(seat),
        text=text,
        reply_to=reply_to,
        to_bot_only=whisper,
        at_ms=at_ms,
    )


def read(seats: Seats, message: ChatSaid) -> Reading:
    return seats.read(message, has_given=False).reading


def test_a_bare_yes_right_after_the_ask_counts() -> None:
    assert read(asked("a", "b"), said("a", "yes", ASK_MS + 5_000)) is Reading.GIVEN


def test_a_bare_no_to_any_line_of_the_bot_counts_and_a_bare_yes_to_the_notice_alone() -> None:
    """As to its reminder, or to its thanks for a yes; what others say in between is no matter."""
    for text, before, after in (
        ("no", Reading.REFUSED, Reading.WITHDRAWN),
        ("👎", Reading.REFUSED, Reading.WITHDRAWN),
        ("Wait, I did not mean that, no", Reading.UNCLEAR, Reading.WITHDRAWN),
        ("yes", Reading.UNCLEAR, Reading.UNCLEAR),
        ("thank you!", Reading.NONE, Reading.NONE),
        ("why?", Reading.QUESTION, Reading.QUESTION),
    ):
        for has_given, reading in ((False, before), (True, after)):
            seats = asked("a", "b")
            seats.posted("reminder")
            read(seats, said("b", "shall we begin?", ASK_MS + 1_000))
            reply = said("a", text, ASK_MS + 90_000, reply_to="reminder")
            assert seats.read(reply, has_given=has_given).reading is reading, text
            assert seats.read(replace(reply, reply_to="of b"), has_given=False).reading is not Reading.REFUSED


def test_the_question_of_another_notetaker_stands_between() -> None:
    seats = asked("a", "b")
    join(seats, "bot", ASK_MS + 1_000, SeatKind.BOT)
    seats.somebody_wrote(said("bot", "May NoteTaker record? Reply yes.", ASK_MS + 2_000), was_talk=True)
    assert read(seats, said("a", "yes", ASK_MS + 5_000)) is Reading.NONE


def test_so_does_what_somebody_says_whom_the_roster_does_not_have() -> None:
    seats = asked("a", "b")
    seats.somebody_wrote(said("unknown", "Ada, is it sound only?", ASK_MS + 2_000), was_talk=True)
    assert read(seats, said("a", "yes", ASK_MS + 5_000)) is Reading.NONE
    assert read(seats, said("a", "sound only", ASK_MS + 6_000)) is Reading.UNCLEAR


def test_a_whisper_to_the_bot_is_meant_for_nobody_else() -> None:
    seats = Seats(phrases=PHRASES, language="en")
    join(seats, "a", 0)
    join(seats, "b", 0)
    assert read(seats, said("b", "Ada, do you have the report, or sound only?", ASK_MS - 10_000)) is Reading.NONE
    seats.noticed(NoticePosted(message_id="notice", seats=frozenset({SeatId("a"), SeatId("b")})), ASK_MS)
    assert read(seats, said("a", "sound only", ASK_MS + 1_000, whisper=True)) is Reading.SOUND_ONLY
    seats.noticed(NoticePosted(message_id="again", seats=frozenset({SeatId("a")})), ASK_MS + 2_000)
    assert read(seats, said("a", "yes", ASK_MS + 3_000, whisper=True)) is Reading.GIVEN


def test_a_whisper_of_somebody_else_stands_between_nothing() -> None:
    seats = asked("a", "b")
    assert read(seats, said("b", "why do you ask me?", ASK_MS + 1_000, whisper=True)) is Reading.NONE
    assert read(seats, said("a", "yes", ASK_MS + 5_000)) is Reading.GIVEN


def test_what_was_said_in_the_minute_before_the_ask_casts_doubt_and_what_was_said_earlier_does_not() -> None:
    for seconds, reading in ((60, Reading.UNCLEAR), (61, Reading.GIVEN)):
        seats = Seats(phrases=PHRASES, language="en")
        join(seats, "a", 0)
        join(seats, "b", 0)
        read(seats, said("b", "shall we begin?", ASK_MS - seconds * 1_000))
        seats.noticed(NoticePosted(message_id="notice", seats=frozenset({SeatId("a")})), ASK_MS)
        assert read(seats, said("a", "yes", ASK_MS + 5_000)) is reading


def test_what_was_said_before_somebody_came_casts_no_doubt_on_their_answer() -> None:
    seats = asked("b")
    read(seats, said("b", "is everybody here?", ASK_MS + 1_000))
    join(seats, "a", ASK_MS + 5_000)
    seats.noticed(NoticePosted(message_id="late", seats=frozenset({SeatId("a")})), ASK_MS + 6_000)
    assert read(seats, said("a", "yes", ASK_MS + 9_000)) is Reading.GIVEN


def test_a_new_notice_begins_a_thread_anew() -> None:
    seats = asked("a", "b")
    read(seats, said("b", "can you hear me?", ASK_MS + 1_000, "notice"))
    assert read(seats, said("a", "yes", ASK_MS + 5_000, "notice")) is Reading.UNCLEAR
    seats.noticed(NoticePosted(message_id="again", seats=frozenset({SeatId("a")})), ASK_MS + 200_000)
    assert read(seats, said("a", "yes", ASK_MS + 205_000, "again")) is Reading.GIVEN
