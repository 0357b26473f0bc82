"""Three messages at first, and one more for every five minutes."""

from __future__ import annotations

from bot.budget import MORE_EVERY_MS, Budget
from bot.commands import PostLine, PostNotice, SpeakNotice
from consent_notice.notice import Say
from consent_notice.words import SeatId


def test_whispers_and_words_cost_nothing() -> None:
    budget = Budget()
    for command in (PostLine(line=Say.REMINDER, to_seat=SeatId("a")), SpeakNotice()) * 9:
        budget.note(command, 0)
    assert budget.spent == 0
    assert budget.has_room(0)


def test_three_and_one_more_for_every_five_minutes_since_the_first() -> None:
    budget = Budget()
    budget.note(PostNotice(seats=frozenset(), to_seat=None), 1_000)
    for _ in range(2):
        assert budget.has_room(2_000)
        budget.note(PostLine(line=Say.RECORDING_STARTED), 2_000)
    assert not budget.has_room(1_000 + MORE_EVERY_MS - 1)
    assert budget.has_room(1_000 + MORE_EVERY_MS)
