"""How facts read to people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.ports import LeftReason
from consent_notice.events import KINDS, Means
from consent_notice.words import ConsentStatus, Purpose, Rule, Standing
from web import display


@pytest.mark.parametrize(
    ("duration_ms", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (4_240, "4.2 s"),
        (10_960, "11 s"),
        (59_940, "59 s"),
        (60_000, "1 min"),
        (125_000, "2 min 5 s"),
        (3_900_000, "1 h 5 min"),
    ],
)
def test_lengths_are_rounded_to_what_matters(duration_ms: int, words: str) -> None:
    assert display.length_text(duration_ms) == words


def test_positions_read_like_a_clock() -> None:
    assert [display.clock_text(at) for at in (0, 61_999, 3_723_000)] == ["0:00", "1:01", "1:02:03"]


def test_moments_name_their_zone() -> None:
    at = datetime(2026, 11, 5, 9, 4, 3, 7_000, tzinfo=UTC)
    assert display.moment_text(at) == "Thu 5 Nov 2026, 09:04 UTC"
    assert display.precise_text(at) == "2026-11-05 09:04:03.007 UTC"
    assert display.iso(at) == "2026-11-05T09:04:03.007Z"


def test_all_of_it_is_said_only_of_all_of_it() -> None:
    assert display.percent(999, 1000) == 99
    assert display.percent(1, 0) == 0


def test_one_act_after_the_other_in_a_sentence() -> None:
    acts = (("recording", "give"), ("ai_notes", "give"), ("transcription", "refuse"))
    assert display.acts_text(acts) == "Agreed to recording and AI notes; refused transcript"


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (display.STATUS_WORDS, ConsentStatus),
        (display.STATUS_MEANS, ConsentStatus),
        (display.STANDING_WORDS, Standing),
        (display.PURPOSE_WORDS, Purpose),
        (display.RULE_WORDS, Rule),
        (display.RULE_MEANS, Rule),
        (display.MEANS_WORDS, Means),
        (display.LEFT_WORDS, LeftReason),
        (display.KIND_WORDS, KINDS),
    ],
)
def test_every_value_has_words(table: dict[str, str], values: object) -> None:
    assert table.keys() == {str(value) for value in values}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada", "Ada"),
        ("  Ada \n Lovelace ", "Ada Lovelace"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("", "(no name)"),
        ("\u202e", "(no name)"),
        ("👩‍🚀", "👩‍🚀"),
        ("أحمد", "أحمد"),
    ],
)
def test_names_are_one_line_without_direction_tricks(name: str, shown: str) -> None:
    assert display.shown_name(name) == shown


def test_a_name_of_300_emoji_is_cut() -> None:
    assert len(display.shown_name("🎉" * 300)) == 80
