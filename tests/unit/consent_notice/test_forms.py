"""The strict form lets harmless variants through only; the loose one sees through disguises; both are quick."""

from __future__ import annotations

import time

import pytest

from consent_notice.forms import (
    LONGEST_YES_CHARS,
    is_asking,
    is_sign_for_no,
    loose_form,
    loose_forms,
    loose_phrase,
    ngrams,
    strict_form,
    without_phrases,
    without_question,
    without_quotes,
)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  Yes,  please! ", "yes please"),
        ("YES!!!", "yes"),
        ("yes .", "yes"),
        ("Oui\u202f!", "oui"),
        ("¡Sí!", "sí"),
        ("¡¡¡Sí!!!", "sí"),
        ("J’accepte", "j'accepte"),
        ("j´accepte", "j'accepte"),
        ("j`accepte", "j`accepte"),
        ("yes\u00ad\u200b", "yes"),
        ("ｙｅｓ！", "yes"),
        ("s\u0131\u0301", "s\u0131\u0301"),
        ("si\u0301", "sí"),
        ("yes 👍🏽✅", "yes"),
        ("Yes\tplease", "yes please"),
    ],
)
def test_what_makes_no_difference_for_a_yes(text: str, form: str) -> None:
    assert strict_form(text) == form


@pytest.mark.parametrize(
    "text",
    [
        "yes\nplease",
        "yes\u2028",  # stripped like any white space at the end; inside it is a line
        "y\u2028es",
        "\u202eyes",
        "\u200fyes",
        "𝐲𝐞𝐬",
        "ⓨⓔⓢ",
        "ʸᵉˢ",
        "yeſ",
        "ye\ue000s",
        "yes\U000e0001",
        "\ud83dyes",
        "yes" + " " + "x" * LONGEST_YES_CHARS,
    ],
)
def test_what_is_no_ordinary_text_on_one_line_has_no_strict_form(text: str) -> None:
    assert strict_form(text) in ({"yes"} if text == "yes\u2028" else {None})


@pytest.mark.parametrize(
    "text", ["yes!!!!", "yes..", "yes…", "yes?", "(yes)", '"yes"', "«oui»", "y-es", "yes;", "yes 👎"]
)
def test_what_makes_a_difference_stays(text: str) -> None:
    assert strict_form(text) not in ("yes", "oui")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("NÓOO, ТHАNKЅ!!", "no thanks"),
        ("n o", "no"),
        ("S.T.O.P.", "stop"),
        ("s-t-o-o-o-p", "stop"),
        ("no no no no", "no"),
        ("record no, record no!", "record no"),
        ("st0p", "stop"),
        ("**no**", "no"),
        ("“no”", "no"),
        ("n\u0336o\u0336", "no"),
        ("n\u200bo", "no"),
        ("\u202eno", "no"),
        ("𝕟𝕠", "no"),
        ("não", "nao"),
        ("NÄO", "nao"),
        ("nö", "no"),
        ("d’accord", "dacord"),
    ],
)
def test_a_no_is_seen_through_what_it_wears(text: str, form: str) -> None:
    assert loose_form(text) == form


def test_cyrillic_is_read_as_cyrillic_and_as_latin_in_disguise_and_latin_never_as_cyrillic() -> None:
    assert loose_phrase("ні, дякую") == "ні дякую"
    assert "ні" in loose_forms("нi")
    assert "ні" in loose_forms("HІ")
    assert "стоп" in loose_forms("cтoп")
    assert "stop" in loose_forms("sтор")
    assert loose_forms("hi") == ("hi",)
    assert "ні" not in loose_forms("hi")


@pytest.mark.parametrize("text", ["yes?", "yes??", "no?!", "why？", "yes ?", "¿sí", "yes? 🙂", 'no?"', "da‽"])
def test_a_question_mark_after_the_last_letter_asks(text: str) -> None:
    assert is_asking(text)


@pytest.mark.parametrize("text", ["yes", "May I? yes", "", "!", "no."])
def test_no_question_mark_after_the_last_letter_asks_nothing(text: str) -> None:
    assert not is_asking(text)


def test_quoted_lines_are_not_the_persons_own() -> None:
    assert without_quotes("> yes") == ("", True)
    assert without_quotes(" \u200b> yes\nno") == ("no", True)
    assert without_quotes("＞yes") == ("", True)
    assert without_quotes("&gt; yes") == ("", True)
    assert without_quotes("» yes") == ("", True)
    assert without_quotes("»nein«") == ("»nein«", False)
    assert without_quotes("5 > 3") == ("5 > 3", False)


def test_signs_for_no() -> None:
    assert is_sign_for_no("👎🏿 👎!")
    assert is_sign_for_no("🙅‍♀️")
    assert is_sign_for_no("⛔️")
    assert not is_sign_for_no("👍")
    assert not is_sign_for_no("👎 no")
    assert not is_sign_for_no(" ")


def test_words_and_phrases_are_found_in_a_text() -> None:
    assert set(ngrams("a b c")) == {"a", "b", "c", "a b", "b c", "a b c"}
    assert without_phrases("no problem no", frozenset({"no problem", "problem"})) == "no"
    assert without_phrases("", frozenset({"x"})) == ""
    assert without_question(" ¿Por qué?! ") == "Por qué"


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 200_000 + "b",
        ", " * 100_000,
        "." * 200_000,
        "no " * 60_000,
        "n o " * 50_000,
        "👍 " * 100_000,
        "a" + "\u0301\u0316" * 100_000,  # marks out of order: sorting a run of them takes quadratic time
        "\u0f73" * 100_000,  # one that comes apart into such marks
        "?" * 200_000,
        "> \n" * 60_000,
        "x" * 200_000,
    ],
    ids=lambda text: repr(text[:4]),
)
def test_a_long_text_takes_time_in_proportion(text: str) -> None:
    began = time.process_time()
    said, _ = without_quotes(text)
    strict_form(said)
    for loose in loose_forms(said):
        assert without_phrases(loose, frozenset({"no"})) is not None
        sum(1 for _ in ngrams(loose))
    is_asking(said)
    is_sign_for_no(said)
    assert time.process_time() - began < 5  # under 0.5 here; quadratic would take minutes


def test_a_text_of_signs_that_stand_for_whole_phrases_gets_no_longer() -> None:
    """Two thousand of them held the loop up for longer than it may be: nothing was kept of anybody meanwhile."""
    assert len(loose_form("\ufdfa" * 2_000)) <= 2_000
    assert loose_form("\ufb03x") == "fix"
    assert loose_form("\ufdfa no") != "no"
