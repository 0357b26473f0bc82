"""The table of answers in `answer_table`, and that there is no false yes, whatever is mixed into a text."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent_notice.answers import (
    ASK_WINDOW_MS,
    AnswerContext,
    BadPhrases,
    Reading,
    find_page_code,
    loose_form,
    read_answer,
    read_phrases,
    strict_form,
)
from tests.unit.consent_notice.answer_table import CASES, PHRASES, TABLES, context


def test_the_table_is_large_enough() -> None:
    assert len(CASES) >= 120
    assert {reading for _, _, reading in CASES} == set(Reading)


@pytest.mark.parametrize(("text", "where", "reading"), CASES)
def test_reading(text: str, where: AnswerContext, reading: str) -> None:
    answer = read_answer(text, where, PHRASES)
    assert answer.reading == reading
    assert answer.why


OPENING = {Reading.GIVEN, Reading.SOUND_ONLY}
CONTEXTS = st.builds(
    context,
    st.sampled_from(["en", "pl"]),
    reply=st.booleans(),
    since_ms=st.none() | st.sampled_from([-1, 0, 1, ASK_WINDOW_MS - 1, ASK_WINDOW_MS, ASK_WINDOW_MS + 1]),
    first=st.booleans(),
    others=st.booleans(),
    has_given=st.booleans(),
)
YES_PHRASES = sorted(
    phrase
    for table in TABLES
    for group in (
        table["answers"]["own"]["given"],
        table["answers"]["own"]["sound_only"],
        table["answers"]["bare"]["given"],
    )
    for phrase in group
)
SPOILERS = sorted(
    # "only" is a word of the notice's own "sound only"; alone it spoils nothing
    {word for table in TABLES for kind in ("no", "condition") for word in table["answers"]["words"][kind]}
    - {"only", "tylko"}
)
WORDS = st.sampled_from(
    ["well", "please", "Bob", "recording", "today", "hm", "proszę", "dziś", ",", "👍", "!", ".", "\n"]
)


@given(
    st.sampled_from(YES_PHRASES),
    st.lists(st.sampled_from(SPOILERS), min_size=1, max_size=3),
    st.lists(WORDS, max_size=4),
    st.randoms(use_true_random=False),
    CONTEXTS,
)
@settings(max_examples=2000, deadline=None)
def test_no_text_with_a_negation_or_a_condition_opens(
    phrase: str, spoilers: list[str], fillers: list[str], random: Any, where: AnswerContext
) -> None:
    parts = phrase.split() + fillers if random.random() < 0.5 else [phrase, *fillers]
    for spoiler in spoilers:
        parts.insert(random.randrange(len(parts) + 1), spoiler)
    text = random.choice([" ", "  ", " , ", "\t", " - "]).join(parts)
    text = random.choice([text, text.upper(), text.capitalize(), f" {text}!", f"{text} 👍"])
    assert read_answer(text, where, PHRASES).reading not in OPENING


@given(st.text(max_size=40) | st.text("yesrcodno tak?>!.\u0435\u200b\u202e", max_size=14), CONTEXTS)
@example("record yes", context())
@settings(max_examples=2000, deadline=None)
def test_nothing_opens_but_a_listed_phrase_in_ordinary_letters(text: str, where: AnswerContext) -> None:
    """Any text is read without error; if it opens, taking away what may vary leaves exactly a listed phrase."""
    if read_answer(text, where, PHRASES).reading in OPENING:
        bones = "".join(c for c in text.casefold() if c.isalpha())
        assert bones in {"".join(c for c in phrase if c.isalpha()) for phrase in YES_PHRASES}


@given(st.sampled_from(YES_PHRASES), st.data())
@settings(max_examples=500, deadline=None)
def test_a_yes_with_any_letter_replaced_opens_nothing(phrase: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(phrase) - 1))
    other = data.draw(st.characters(min_codepoint=0xA1, max_codepoint=0x2FFF, categories=("L", "N", "M")))
    text = phrase[:at] + other + phrase[at + 1 :]
    reading = read_answer(text, context("pl", reply=True), PHRASES).reading
    assert reading not in OPENING or strict_form(text) in {strict_form(each) for each in YES_PHRASES}


@given(st.sampled_from(["no", "stop", "record no", "nie", "nagrywanie nie"]), st.data())
def test_a_no_in_look_alike_letters_stays_a_no(phrase: str, data: st.DataObject) -> None:
    rows = {
        "o": "oоοօ0ᴏ",
        "n": "nոпɴ",
        "s": "sѕꜱ",
        "t": "tтτ",
        "p": "pрρ",
        "e": "eеє",
        "i": "iіι",
        "a": "aаα",
        "r": "rг",
    }
    text = "".join(data.draw(st.sampled_from(rows.get(letter, letter))) for letter in phrase)
    language = "en" if phrase in ("no", "stop", "record no") else "pl"
    assert read_answer(text, context(language, reply=True), PHRASES).reading is Reading.REFUSED


def test_what_the_notice_shows_is_what_is_read() -> None:
    for table in TABLES:
        own = table["answers"]["own"]
        for name, reading in (
            ("given", "given"),
            ("sound_only", "sound_only"),
            ("refused", "refused"),
            ("stop", "refused"),
        ):
            assert read_answer(own[name][0], context(table["language"]), PHRASES).reading == reading


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("7KQX2", "7KQX2"),
        (" 7kqx2 ", "7KQX2"),
        ("7KQ X2", "7KQX2"),
        ("7KQ-X2.", "7KQX2"),
        ("code 7KQX2", "7KQX2"),
        ("Code: 7kqx2", "7KQX2"),
        ("my code is 7KQX2!", "7KQX2"),
        ("kod 7KQX2", "7KQX2"),
        ("mój kod to 7KQX2", "7KQX2"),
        ("７ＫＱＸ２", "7KQX2"),
        ("great", None),
        ("never", None),
        ("7KQX", None),
        ("7KQX22", None),
        ("7KQX0", None),
        ("is it 7KQX2?", None),
        ("yes 7KQX2", None),
        ("", None),
    ],
)
def test_page_codes(text: str, code: str | None) -> None:
    assert find_page_code(text, "23456789ABCDEFGHJKMNPQRSTVWXYZ") == code


def test_forms() -> None:
    assert strict_form("  Yes,  please! ") == "yes please"
    assert strict_form("yes!!!!") != "yes"
    assert loose_form("NÓOO, ТHАNKЅ!!") == "no thanks"


def test_phrases_that_contradict_or_are_missing_are_refused() -> None:
    table = copy.deepcopy(TABLES[0])
    table["answers"]["bare"]["given"].append("Nope!")
    with pytest.raises(BadPhrases):
        read_phrases([table])
    table = copy.deepcopy(TABLES[0])
    del table["answers"]["bare"]["question"]
    with pytest.raises(BadPhrases):
        read_phrases([table])
    table = copy.deepcopy(TABLES[0])
    table["answers"]["own"]["stop"].append("...")
    with pytest.raises(BadPhrases):
        read_phrases([table])
