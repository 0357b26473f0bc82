"""A line is its writer's, whatever id another gives theirs; where names alone are known, the id is all there is."""

from __future__ import annotations

import pytest

from bot.ports import ChatDeleted, ChatSaid
from bot.yes_lines import YesLines
from consent_notice.answers import Reading
from consent_notice.words import SeatId

A, B = SeatId("a"), SeatId("b")


def line(seat: SeatId, text: str) -> ChatSaid:
    return ChatSaid(message_id="m", seat=seat, text=text, reply_to=None, to_bot_only=False, at_ms=1)


@pytest.mark.parametrize("names_only", [False, True])
def test_whose_yes_a_line_was(names_only: bool) -> None:
    lines = YesLines(names_only=names_only)
    of_a, of_b = (ChatDeleted(message_id="m", seat=seat, at_ms=2) for seat in (A, B))
    assert lines.of(of_a) == (A, "", Reading.NONE)
    lines.put(line(A, "yes"), Reading.GIVEN)
    assert lines.of(of_a) == (A, "yes", Reading.GIVEN)
    assert lines.of(of_b) == ((A, "yes", Reading.GIVEN) if names_only else (B, "", Reading.NONE))
    if not names_only:
        lines.put(line(B, "record yes"), Reading.GIVEN)
        assert lines.of(of_a) == (A, "yes", Reading.GIVEN)
    lines.drop(of_a)
    lines.drop(of_a)
    assert lines.of(of_a) == (A, "", Reading.NONE)
