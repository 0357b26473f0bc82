"""A hundred short talks in which people say yes and no to each other: no false yes, and no answer is missed."""

from __future__ import annotations

from collections import Counter

import pytest

from consent_notice.answers import OPENING, Reading
from tests.unit.consent_notice.answer_table import LANGUAGES
from tests.unit.consent_notice.dialogues import DIALOGUES, Dialogue, play


def test_there_are_a_hundred_and_in_every_language_ten() -> None:
    languages = Counter(dialogue.language for dialogue in DIALOGUES)
    assert len(DIALOGUES) >= 100
    assert languages.keys() == set(LANGUAGES)
    assert min(languages.values()) >= 10
    expected = Counter(line.expected for dialogue in DIALOGUES for line in dialogue.lines)
    assert expected.keys() <= {"", *Reading}
    assert expected["given"] >= 70
    assert expected["refused"] >= 40
    assert expected[""] >= 300


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: f"{dialogue.language}-{dialogue.about}")
def test_only_what_is_said_to_the_bot_is_an_answer(dialogue: Dialogue) -> None:
    for line, reading in play(dialogue):
        if line.expected:
            assert reading == line.expected, line
        else:
            assert reading not in OPENING, line
