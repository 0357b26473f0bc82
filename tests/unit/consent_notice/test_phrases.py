"""The phrases of ten languages: whole, in harmony, and none that is a yes here and a no there."""

from __future__ import annotations

import copy
import itertools
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from consent_notice.answers import Reading, read_answer
from consent_notice.forms import loose_form, loose_phrase, strict_form
from consent_notice.phrases import BadPhrases, read_phrases
from tests.unit.consent_notice.answer_table import LANGUAGES, PHRASES, TABLES, context

BY_LANGUAGE = dict(zip(LANGUAGES, TABLES, strict=True))
every_language = pytest.mark.parametrize("language", LANGUAGES)
every_pair = pytest.mark.parametrize(("here", "there"), list(itertools.permutations(LANGUAGES, 2)))
# Without its accent this word may be "if" or "one does", so it stands for "sí"/"sì" only alone or with "please".
NOT_WITHOUT_ACCENT = {"es": "sí ", "it": "sì "}


def answers(language: str) -> dict[str, dict[str, list[str]]]:
    tables: dict[str, dict[str, list[str]]] = BY_LANGUAGE[language]["answers"]
    return tables


@every_language
def test_a_language_has_every_kind_of_phrase(language: str) -> None:
    tables = answers(language)
    assert tables.keys() == answers("en").keys()
    for name, table in tables.items():
        assert list(table) == list(answers("en")[name])
        for kind, listed in table.items():
            assert listed or kind == "not_answers", (name, kind)
            assert len(listed) == len(set(listed)), (name, kind, [one for one in listed if listed.count(one) > 1])


@every_language
def test_what_the_notice_shows_is_what_is_read_in_a_meeting_of_any_language(language: str) -> None:
    own = answers(language)["own"]
    expected = {"given": "given", "sound_only": "sound_only", "refused": "refused", "stop": "refused"}
    for meeting in LANGUAGES:
        for kind, reading in expected.items():
            for phrase in own[kind]:
                crowd = context(meeting, since_ms=5_000, first=False, others=True)
                assert read_answer(phrase, crowd, PHRASES).reading == reading, (meeting, phrase)
        for phrase in own["question"]:
            assert read_answer(phrase, context(meeting), PHRASES).reading == "question", (meeting, phrase)


@every_language
def test_bare_words_are_read_in_their_own_language(language: str) -> None:
    bare = answers(language)["bare"]
    for kind in ("given", "refused", "question"):
        for phrase in bare[kind]:
            assert read_answer(phrase, context(language, reply=True), PHRASES).reading == kind, phrase
            assert read_answer(phrase, context(language, since_ms=1), PHRASES).reading == kind, phrase


@every_pair
def test_a_bare_yes_counts_only_in_its_own_language(here: str, there: str) -> None:
    shared = set(answers(here)["bare"]["given"]) & set(answers(there)["bare"]["given"])
    for phrase in set(answers(there)["bare"]["given"]) - shared:
        for where in (context(here, reply=True), context(here, since_ms=1)):
            assert read_answer(phrase, where, PHRASES).reading is Reading.UNCLEAR, phrase
    related = {frozenset({"de", "nl"}), frozenset({"es", "it"}), frozenset({"es", "pt"}), frozenset({"pt", "it"})}
    assert not shared or frozenset({here, there}) in related, shared


@every_pair
def test_a_clear_no_counts_in_a_meeting_of_any_language_unless_it_is_no_answer_there(here: str, there: str) -> None:
    for phrase in answers(there)["bare"]["refused_anywhere"]:
        reading = read_answer(phrase, context(here, reply=True), PHRASES).reading
        is_well = loose_form(phrase) in set(map(loose_form, answers(here)["bare"]["not_answers"]))
        assert reading == ("none" if is_well else "refused"), phrase
        assert not is_well or (here in ("pl", "cs") and loose_form(phrase) == "no")


@every_pair
def test_no_yes_of_one_language_is_a_no_or_a_well_of_another(here: str, there: str) -> None:
    tables = answers(there)
    yes = set(map(loose_phrase, answers(here)["bare"]["given"] + answers(here)["own"]["given"]))
    for kind in ("refused", "refused_anywhere", "not_answers"):
        assert not yes & set(map(loose_phrase, tables["bare"][kind]))
    assert not yes & set(map(loose_phrase, tables["words"]["no"] + tables["words"]["stop"]))


def test_no_ukrainian_phrase_looks_like_a_no_in_latin_letters() -> None:
    latin = [table for table in TABLES if table["language"] != "uk"]
    noes = [*(table["answers"]["bare"]["refused"] for table in latin), *(t["answers"]["own"]["refused"] for t in latin)]
    refused = {loose_form(phrase) for phrases in noes for phrase in phrases}
    for table in answers("uk").values():
        for phrase in itertools.chain.from_iterable(table.values()):
            assert phrase.isascii() or loose_form(phrase) not in refused, phrase


@every_language
def test_a_yes_typed_without_accents_counts_where_it_can_mean_nothing_else(language: str) -> None:
    tables = answers(language)
    for kind, table in (("given", "own"), ("sound_only", "own"), ("given", "bare")):
        for phrase in tables[table][kind]:
            plain = "".join(c for c in unicodedata.normalize("NFKD", phrase) if not unicodedata.combining(c))
            plain = plain.replace("ł", "l").replace("ß", "ss")
            if language == "uk" or (language == "de" and "ü" in phrase):
                continue  # a letter of its own; German writes it "ue"
            if phrase.startswith(NOT_WITHOUT_ACCENT.get(language, "-")) and "favor" not in phrase:
                continue
            assert plain in tables[table][kind], (kind, phrase, plain)


def test_listed_phrases_are_in_their_strict_form() -> None:
    for language in LANGUAGES:
        for kind, table in (("given", "own"), ("sound_only", "own"), ("given", "bare")):
            for phrase in answers(language)[table][kind]:
                assert strict_form(phrase) == phrase


def _no_that_is_a_yes(table: dict[str, Any]) -> None:
    table["answers"]["bare"]["given"].append("Nope!")


def _no_of_another_language_that_is_a_yes(table: dict[str, Any]) -> None:
    table["answers"]["bare"]["given"].append("nein")


def _well_of_another_language_that_is_a_yes(table: dict[str, Any]) -> None:
    table["answers"]["own"]["given"].append("No jasne")


def _without_a_list(table: dict[str, Any]) -> None:
    del table["answers"]["bare"]["question"]


def _empty_phrase(table: dict[str, Any]) -> None:
    table["answers"]["own"]["stop"].append("...")


def _styled_yes(table: dict[str, Any]) -> None:
    table["answers"]["own"]["given"].append("𝐲𝐞𝐬")


def _endless_yes(table: dict[str, Any]) -> None:
    table["answers"]["own"]["given"].append("record yes " + "x" * 120)


def _endless_no(table: dict[str, Any]) -> None:
    table["answers"]["own"]["refused"].append("one two three four five six seven eight nine ten")


def _other_thing_that_is_no_yes(table: dict[str, Any]) -> None:
    table["answers"]["own"]["of_other_things"].append("video")


def _no_that_is_no_answer(table: dict[str, Any]) -> None:
    table["answers"]["bare"]["not_answers"].append("nope")


@pytest.mark.parametrize(
    "spoil",
    [
        _no_that_is_a_yes,
        _no_of_another_language_that_is_a_yes,
        _well_of_another_language_that_is_a_yes,
        _without_a_list,
        _empty_phrase,
        _styled_yes,
        _endless_yes,
        _endless_no,
        _other_thing_that_is_no_yes,
        _no_that_is_no_answer,
    ],
)
def test_phrases_that_contradict_each_other_or_are_missing_are_refused(spoil: Callable[[dict[str, Any]], None]) -> None:
    spoiled = copy.deepcopy(TABLES)
    spoil(spoiled[0])
    with pytest.raises(BadPhrases):
        read_phrases(spoiled)
