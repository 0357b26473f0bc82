"""The phrases that count as answers, of every language, as tables to look a message up in.

Phrases are data, in the [answers] tables of the wording files; this module checks that they cannot be mistaken for one
another, also across languages. How a message is read by them is decided in `answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from consent_notice.forms import LONGEST_NGRAM_WORDS, loose_phrase, strict_form


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguagePhrases:
    """What counts in a meeting whose notice is in this language. `given` and `question` are in their strict form."""

    given: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    question: frozenset[str] = frozenset()
    not_answers: frozenset[str] = frozenset()
    yes_words: frozenset[str] = frozenset()
    no_words: frozenset[str] = frozenset()
    condition_words: frozenset[str] = frozenset()
    stop_words: frozenset[str] = frozenset()
    not_a_no: frozenset[str] = frozenset()  # what holds such a word and says neither: "no problem"
    takes_back: frozenset[str] = frozenset()  # how a condition begins that follows a yes in a message of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The notice's own phrases of every language, which always count, and each language's bare words."""

    own_given: frozenset[str]  # strict, like the next two and `own_question`
    own_sound_only: frozenset[str]
    own_of_other_things: frozenset[str]  # those of them that people also say of other things: "sound only"
    own_refused: frozenset[str]
    own_stop: frozenset[str]
    own_question: frozenset[str]
    own_words: frozenset[str]  # loose: a message that holds one of these is about the recording
    other_words: frozenset[str]  # loose: `own_of_other_things`
    given_somewhere: frozenset[str]  # strict: a bare yes in one of the languages
    refused_anywhere: frozenset[str]  # loose: a clear bare no, whatever the notice's language
    bare: Mapping[str, LanguagePhrases]


class BadPhrases(Exception):
    """That wording has no usable answers. Compare its [answers] tables with wording/en.toml."""


def read_phrases(wordings: Iterable[Mapping[str, Any]]) -> Phrases:
    """From whole wording tables, one a language. Raises BadPhrases, also when a phrase means two things."""
    own: dict[str, set[str]] = {name: set() for name in _OWN_FORMS}
    openings, about_recording, given_somewhere, refused_anywhere = set[str](), set[str](), set[str](), set[str]()
    bare: dict[str, LanguagePhrases] = {}
    for table in wordings:
        try:
            language, answers = str(table["language"]), table["answers"]
            for name, phrases in own.items():
                phrases |= {_OWN_FORMS[name](phrase) for phrase in answers["own"][name]}
            listed, words = answers["bare"], answers["words"]
            own_yes = {*answers["own"]["given"], *answers["own"]["sound_only"]}
            own_no, own_other = answers["own"]["refused"], answers["own"]["of_other_things"]
            openings |= set(map(_loose, [*own_yes, *listed["given"]]))
            about_recording |= set(map(_loose, [*(own_yes - set(own_other)), *own_no]))
            given_somewhere |= set(map(_strict, listed["given"]))
            refused_anywhere |= set(map(_loose, listed["refused_anywhere"]))
            bare[language] = LanguagePhrases(
                given=frozenset(map(_strict, listed["given"])),
                refused=frozenset(map(_loose, [*listed["refused"], *listed["refused_anywhere"]])),
                question=frozenset(map(_strict, listed["question"])),
                not_answers=frozenset(map(_loose, listed["not_answers"])),
                yes_words=frozenset(map(_loose, words["yes"])),
                no_words=frozenset(map(_loose, words["no"])),
                condition_words=frozenset(map(_loose, words["condition"])),
                stop_words=frozenset(map(_loose, words["stop"])),
                not_a_no=frozenset(map(_loose, words["not_a_no"])),
                takes_back=frozenset(map(_loose, words["takes_back"])),
            )
        except (KeyError, TypeError, AttributeError):
            raise BadPhrases from None
    read = Phrases(
        own_given=frozenset(own["given"]),
        own_sound_only=frozenset(own["sound_only"]),
        own_of_other_things=frozenset(own["of_other_things"]),
        own_refused=frozenset(own["refused"]),
        own_stop=frozenset(own["stop"]),
        own_question=frozenset(own["question"]),
        own_words=frozenset(about_recording),
        other_words=frozenset(map(_loose, own["of_other_things"])),
        given_somewhere=frozenset(given_somewhere),
        refused_anywhere=frozenset(refused_anywhere),
        bare=bare,
    )
    _check(read, frozenset(openings))
    return read


def _check(read: Phrases, openings: frozenset[str]) -> None:
    """A yes of any language is no no, and no "well", of any other: people answer in their own."""
    for language in read.bare.values():
        if openings & (read.own_refused | read.own_stop | language.refused | language.not_answers):
            raise BadPhrases("couldn't use phrases: one stands for a yes and, there or in another language, for a no")
        if language.not_answers & (language.refused | read.own_refused | read.own_stop):
            raise BadPhrases("couldn't use phrases: one stands for a no and for no answer at all")
    if not read.own_of_other_things <= read.own_given | read.own_sound_only:
        raise BadPhrases("couldn't use phrases: one of `of_other_things` is none of the notice's own for a yes")


def _strict(phrase: str) -> str:
    form = strict_form(phrase)
    if not form:
        raise BadPhrases("couldn't use phrases: one is not in ordinary letters, or is too long")
    return form


def _loose(phrase: str) -> str:
    form = loose_phrase(phrase)
    if not form:
        raise BadPhrases("couldn't use phrases: one is empty")
    if len(form.split()) > LONGEST_NGRAM_WORDS:
        raise BadPhrases(f"couldn't use phrases: one has more than {LONGEST_NGRAM_WORDS} words")
    return form


_OWN_FORMS: Mapping[str, Callable[[str], str]] = {
    "given": _strict,
    "sound_only": _strict,
    "of_other_things": _strict,
    "refused": _loose,
    "stop": _loose,
    "question": _strict,
}
