"""PURE: which acts, purpose by purpose, an answer comes to, and which words a yes is thanked in."""

from __future__ import annotations

from collections.abc import Collection

from bot.ports import DigitsPressed
from bot.seats import Seat
from bot.standings import Acts
from consent_notice.answers import Reading
from consent_notice.decisions import Act
from consent_notice.notice import Say
from consent_notice.words import Purpose

YES_KEY = "1"  # any other key says no
_NOES = frozenset(Act) - {Act.GIVE, Act.ATTEST, Act.ASK, Act.DEFER}


def acts_of(reading: Reading, asked: Collection[Purpose], *, has_given: bool) -> Acts | None:
    """None where the reading is no answer."""
    match reading:
        case Reading.GIVEN:
            return agreement(asked)
        case Reading.SOUND_ONLY:
            return tuple((purpose, Act.GIVE if purpose is Purpose.RECORDING else Act.REFUSE) for purpose in asked)
        case Reading.REFUSED if not has_given:
            return tuple((purpose, Act.REFUSE) for purpose in Purpose)
        case Reading.REFUSED | Reading.WITHDRAWN:
            return withdrawal()
        case _:
            return None


def acts_of_keys(
    event: DigitsPressed, seat: Seat, asked: Collection[Purpose], *, is_shared: bool, is_unknown: bool
) -> Acts | None:
    """Only of a telephone that was asked; the keys come from its own line, so they are that seat's.

    A yes of one of several, or before all of the question was said, is none; a no in the middle of it is one, or to
    what an earlier stay asked, and to nothing (`is_unknown`: they stand nowhere yet) it is only a key.
    """
    if not seat.is_phone or not event.digits:
        return None
    if event.digits == YES_KEY:
        is_asked = seat.is_here and seat.noticed_ms is not None and event.at_ms >= seat.noticed_ms
        return agreement(asked) if is_asked and not is_shared else None
    return None if not seat.notice_ordered and is_unknown else withdrawal()


def agreement(asked: Collection[Purpose]) -> Acts:
    return tuple((purpose, Act.GIVE) for purpose in asked)


def withdrawal() -> Acts:
    """`stop` takes back everything: without `recording` no other purpose works."""
    return tuple((purpose, Act.WITHDRAW) for purpose in Purpose)


def says_no(acts: Acts) -> bool:
    return any(act in _NOES for _, act in acts)


def thanks_for_yes(asked: Collection[Purpose], *, is_transcribed: bool) -> Say:
    if Purpose.TRANSCRIPTION not in asked:
        return Say.THANKS_GIVEN_NO_TRANSCRIPT
    return Say.THANKS_GIVEN if is_transcribed else Say.THANKS_SOUND_ONLY
