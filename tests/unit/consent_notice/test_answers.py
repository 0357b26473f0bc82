"""The table of answers in `answer_table`, and that there is no false yes, whatever is mixed into a text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent_notice.answers import (
    ASK_WINDOW_MS,
    OPENING,
    SHUTTING,
    AnswerContext,
    Reading,
    asks_others,
    find_page_code,
    is_talk,
    read_answer,
    read_deletion,
    read_edit,
)
from consent_notice.forms import strict_form
from tests.unit.consent_notice.answer_table import (
    CASES,
    GAVE_REPLY,
    LANGUAGES,
    PHRASES,
    REPLY,
    TABLES,
    UNASKED,
    WINDOW,
    context,
    placed,
)
from tests.unit.consent_notice.answer_table_germanic import GERMANIC
from tests.unit.consent_notice.answer_table_romance import ROMANCE
from tests.unit.consent_notice.answer_table_slavic import SLAVIC

BY_LANGUAGE = {**GERMANIC, **ROMANCE, **SLAVIC}
EVERY_CASE = [
    *CASES,
    *(
        (text, placed(language, place), reading)
        for language, rows in BY_LANGUAGE.items()
        for text, place, reading in rows
    ),
]


def test_the_tables_are_large_enough() -> None:
    assert len(EVERY_CASE) >= 600
    assert BY_LANGUAGE.keys() == set(LANGUAGES)
    for language in LANGUAGES:
        cases = [(text, where, reading) for text, where, reading in EVERY_CASE if where.language == language]
        assert len(cases) >= 40
        assert {reading for _, _, reading in cases} == set(Reading), language


@pytest.mark.parametrize(("text", "where", "reading"), EVERY_CASE)
def test_reading(text: str, where: AnswerContext, reading: str) -> None:
    answer = read_answer(text, where, PHRASES)
    assert answer.reading == reading
    assert answer.why


CONTEXTS = st.builds(
    context,
    st.sampled_from(LANGUAGES),
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
    {word for table in TABLES for kind in ("no", "condition") for word in table["answers"]["words"][kind]}
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
        ("Mein Code ist 7KQX2", "7KQX2"),
        ("el código es 7KQX2", "7KQX2"),
        ("le code est 7KQX2", "7KQX2"),
        ("il codice è 7KQX2", "7KQX2"),
        ("o meu código é 7KQX2", "7KQX2"),
        ("můj kód je 7KQX2", "7KQX2"),
        ("мій код: 7KQX2", "7KQX2"),
        ("7KQX2" + " " * 200, None),
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


# ---- edits and deletions ---------------------------------------------------------------------------------------------

GAVE_CHAT = context(has_given=True, first=False)


@pytest.mark.parametrize(
    ("before", "was", "after", "where", "reading"),
    [
        # a yes is taken back by any change of it
        ("record yes", Reading.GIVEN, "record yes, but not my name", GAVE_CHAT, "withdrawn"),
        ("record yes", Reading.GIVEN, "record no", GAVE_CHAT, "withdrawn"),
        ("record yes", Reading.GIVEN, "", GAVE_CHAT, "withdrawn"),
        ("record yes", Reading.GIVEN, "hello", GAVE_CHAT, "withdrawn"),
        ("record yes", Reading.GIVEN, "record yes?", GAVE_CHAT, "withdrawn"),
        ("record yes", Reading.GIVEN, "sound only", GAVE_CHAT, "withdrawn"),
        ("sound only", Reading.SOUND_ONLY, "record yes", GAVE_CHAT, "withdrawn"),
        ("yes", Reading.GIVEN, "yes I agree", GAVE_REPLY, "withdrawn"),
        ("tak", Reading.GIVEN, "nie", context("pl", reply=True, has_given=True), "withdrawn"),
        # also while the yes is still on its way to the log
        ("record yes", Reading.GIVEN, "hello", UNASKED, "withdrawn"),
        ("record yes", Reading.GIVEN, "record no", UNASKED, "refused"),
        # unless only what makes no difference has changed
        ("record yes", Reading.GIVEN, "record yes", GAVE_CHAT, "none"),
        ("record yes", Reading.GIVEN, "Record yes!", GAVE_CHAT, "none"),
        ("> x\nyes", Reading.GIVEN, "> y\nyes", GAVE_REPLY, "withdrawn"),  # no strict form: not the same
        # a no stays a no
        ("record no", Reading.REFUSED, "record yes", UNASKED, "unclear"),
        ("record no", Reading.REFUSED, "hello", UNASKED, "none"),
        ("record no", Reading.REFUSED, "", REPLY, "none"),
        ("stop", Reading.WITHDRAWN, "stop it, Tom", UNASKED, "none"),
        ("no", Reading.REFUSED, "no thanks", REPLY, "refused"),
        # nothing is opened by an edit, whatever it was
        ("record yse", Reading.UNCLEAR, "record yes", REPLY, "unclear"),
        ("hello", Reading.NONE, "record yes", WINDOW, "unclear"),
        ("hello", Reading.NONE, "yes", REPLY, "unclear"),
        ("why?", Reading.QUESTION, "sound only", REPLY, "unclear"),
        # but it may shut, or ask
        ("hello", Reading.NONE, "record no", UNASKED, "refused"),
        ("hello", Reading.NONE, "stop", GAVE_CHAT, "withdrawn"),
        ("hello", Reading.NONE, "no", REPLY, "refused"),
        ("hello", Reading.NONE, "hello everybody", UNASKED, "none"),
        ("hm", Reading.UNCLEAR, "why?", REPLY, "question"),
    ],
)
def test_an_edit_can_shut_and_never_opens(
    before: str, was: Reading, after: str, where: AnswerContext, reading: str
) -> None:
    answer = read_edit(before, was, after, where, PHRASES)
    assert answer.reading == reading
    assert answer.why


@given(st.sampled_from(list(Reading)), st.sampled_from([*YES_PHRASES, "hello", "no", ""]), CONTEXTS)
@settings(max_examples=1000, deadline=None)
def test_no_edit_opens_and_none_of_a_yes_leaves_it_in_doubt(was: Reading, after: str, where: AnswerContext) -> None:
    reading = read_edit("Record yes", was, after, where, PHRASES).reading
    assert reading not in OPENING
    if was in OPENING and strict_form(after) != "record yes":
        assert reading in SHUTTING


@pytest.mark.parametrize("was", list(Reading))
def test_deleting_a_yes_takes_it_back_and_deleting_anything_else_changes_nothing(was: Reading) -> None:
    assert read_deletion(was).reading is (Reading.WITHDRAWN if was in OPENING else Reading.NONE)


# ---- who talks to whom -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reading", "where", "talk"),
    [
        ("record yes", Reading.GIVEN, REPLY, False),
        ("no", Reading.REFUSED, REPLY, False),
        ("ok", Reading.UNCLEAR, REPLY, False),
        ("ok, sure!", Reading.UNCLEAR, REPLY, False),
        ("👍", Reading.UNCLEAR, REPLY, False),
        ("why?", Reading.QUESTION, WINDOW, False),
        ("Ann, can you hear me?", Reading.QUESTION, REPLY, True),
        ("yes Ann, I sent it", Reading.UNCLEAR, REPLY, True),
        ("hello", Reading.NONE, WINDOW, True),
    ],
)
def test_what_a_bare_yes_may_be_meant_for(text: str, reading: Reading, where: AnswerContext, talk: bool) -> None:
    assert is_talk(text, reading, where, PHRASES) is talk


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("is there video?", True),
        ("video or sound only", True),
        ("Відео чи тільки звук", True),
        ("> is there video?\nno", False),
        ("I see you", False),
        ("solo soñar", False),
    ],
)
def test_what_sound_only_may_be_an_answer_to(text: str, asks: bool) -> None:
    assert asks_others(text, PHRASES) is asks
