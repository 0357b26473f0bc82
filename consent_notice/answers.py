"""Reads what a person wrote in the chat, in its context: is it an answer, and which?

A yes must be one of the listed phrases, whole, in ordinary letters, said where nobody can take it for something else.
A no is read generously: look-alike letters, accents, stretched letters. Whatever is in between opens nothing. Phrases
are data, in the wording files. What an answer then changes is decided in `decisions`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from consent_notice.lookalikes import LATIN_FOR

READER_VERSION = "1"  # stands in each evidence record; a change of what is read as what is a new version
ASK_WINDOW_MS = 60_000  # a bare yes or no counts this long after the ask
CODE_LENGTH = 5


class Reading(StrEnum):
    """UNCLEAR is meant for the bot but is no answer; NONE is not meant for it, and is not kept."""

    GIVEN = "given"
    SOUND_ONLY = "sound_only"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    QUESTION = "question"
    UNCLEAR = "unclear"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """Where in the conversation the message stands."""

    language: str  # of the notice
    reply_to_notice: bool
    ms_since_ask: int | None  # None: this person has not been asked
    is_first_since_ask: bool  # the sender's first message since
    others_spoke_since_ask: bool
    has_given: bool  # this person's recording consent is in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    reading: Reading
    why: str  # plain English, none of the person's words in it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrases:
    """Of one language; refusals and stops in their loose form, all else in their strict form."""

    given: frozenset[str]
    refused: frozenset[str]
    question: frozenset[str]
    not_answers: frozenset[str]
    yes_words: frozenset[str]
    no_words: frozenset[str]
    condition_words: frozenset[str]
    stop_words: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The notice's own phrases of every language, which always count, and each language's bare words."""

    own_given: frozenset[str]
    own_sound_only: frozenset[str]
    own_refused: frozenset[str]
    own_stop: frozenset[str]
    own_question: frozenset[str]
    bare: Mapping[str, _Phrases]


class BadPhrases(Exception):
    """That wording has no usable answers. Compare its [answers] tables with wording/en.toml."""


def read_phrases(wordings: Iterable[Mapping[str, Any]]) -> Phrases:
    """From whole wording tables, one a language. Raises BadPhrases, also when a phrase means two things."""
    own: dict[str, set[str]] = {name: set() for name in ("given", "sound_only", "refused", "stop", "question")}
    bare: dict[str, _Phrases] = {}
    for table in wordings:
        try:
            language, answers = str(table["language"]), table["answers"]
            for name, phrases in own.items():
                form = loose_form if name in ("refused", "stop") else _listed
                phrases |= {form(phrase) for phrase in answers["own"][name]}
            listed, words = answers["bare"], answers["words"]
            bare[language] = _Phrases(
                given=frozenset(map(_listed, listed["given"])),
                refused=frozenset(map(loose_form, listed["refused"])),
                question=frozenset(map(_listed, listed["question"])),
                not_answers=frozenset(map(loose_form, listed["not_answers"])),
                yes_words=frozenset(map(loose_form, words["yes"])),
                no_words=frozenset(map(loose_form, words["no"])),
                condition_words=frozenset(map(loose_form, words["condition"])),
                stop_words=frozenset(map(loose_form, words["stop"])),
            )
        except (KeyError, TypeError, AttributeError):
            raise BadPhrases from None
    read = Phrases(
        own_given=frozenset(own["given"]),
        own_sound_only=frozenset(own["sound_only"]),
        own_refused=frozenset(own["refused"]),
        own_stop=frozenset(own["stop"]),
        own_question=frozenset(own["question"]),
        bare=bare,
    )
    openings = {loose_form(phrase) for phrase in read.own_given | read.own_sound_only}
    for each in bare.values():
        shuttings = read.own_refused | read.own_stop | each.refused
        if (openings | set(map(loose_form, each.given))) & shuttings or "" in openings | shuttings | each.given:
            raise BadPhrases("couldn't use phrases: one is empty, or stands for both a yes and a no")
    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """One message in the forms that it is compared in."""

    said: str  # without quoted lines
    strict: str | None
    loose: str
    has_quote: bool
    is_asking: bool


def read_answer(text: str, context: AnswerContext, phrases: Phrases) -> Answer:
    message = _forms(text)
    here = phrases.bare.get(context.language, _NO_PHRASES)
    return (
        _own_answer(message, context, phrases, here)
        or _bare_answer(message, context, here)
        or _question(message, context, phrases, here)
        or _no_answer(message, context, phrases, here)
    )


def find_page_code(text: str, alphabet: str) -> str | None:
    """The code, where the whole message is one: spaces, dashes and a word such as "code" before it are allowed.

    A code holds at least one digit, so that no ordinary word ("great", "never") is taken for one.
    """
    folded = unicodedata.normalize("NFKC", text).strip().rstrip(".!").upper()
    folded = re.sub(r"^(?:(?:MY|THE|MÓJ|MOJ)\s+)?(?:PAGE\s+)?(?:CODE|KOD)(?:\s+(?:IS|TO))?\s*[:=]?\s+", "", folded)
    code = re.sub(r"[\s\-–]", "", folded)
    if len(code) != CODE_LENGTH or any(character not in alphabet for character in code):
        return None
    return code if any(character.isdigit() for character in code) else None


# ---- forms of a text ---------------------------------------------------------------------------------------------

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"  # what copying from a page leaves behind
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ‛´", "'"))
_QUESTION_MARKS = ("?", "？", "؟", "‽")
_SEPARATORS = "-_/,.;:–—+=|"
_TO_LATIN = str.maketrans(dict(LATIN_FOR))
_THUMB = re.compile("(?:\\s*(?:\N{THUMBS UP SIGN}[\U0001f3fb-\U0001f3ff]?|\N{WHITE HEAVY CHECK MARK})\ufe0f?)+$")
_HARMLESS_DECOMPOSITIONS = ("<wide>", "<noBreak>", "<narrow>")


def strict_form(text: str) -> str | None:
    """For a yes: case, spaces, commas, one full stop, a thumb up and full-width letters make no difference.

    None where letters are styled or text direction is tampered with, or where the message has several lines: doubt.
    """
    trimmed = "".join(c for c in text.strip() if c not in _INVISIBLE)
    trimmed = _THUMB.sub("", trimmed)
    for character in trimmed:
        decomposition = unicodedata.decomposition(character)
        if decomposition.startswith("<") and not (
            decomposition.startswith(_HARMLESS_DECOMPOSITIONS) or character.isspace()
        ):
            return None
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") and character != "\t":
            return None
    folded = unicodedata.normalize("NFKC", trimmed).casefold().translate(_APOSTROPHES)
    folded = re.sub(r"\s*,\s*", " ", folded)
    folded = re.sub(r"\s*(?:\.|!{1,3})$", "", folded)
    return " ".join(folded.split())


def loose_form(text: str) -> str:
    """For a no: letters by their looks, without accents, marks, punctuation and repetition."""
    folded = unicodedata.normalize("NFKD", text).translate(_TO_LATIN).casefold()
    folded = unicodedata.normalize("NFKD", folded).translate(_TO_LATIN)
    spaced = "".join(" " if c.isspace() or c in _SEPARATORS else c for c in folded)
    letters = "".join(c for c in spaced if c.isalnum() or c == " ")
    return " ".join(re.sub(r"([^\W\d_])\1+", r"\1", letters).split())


def _listed(phrase: str) -> str:
    form = strict_form(phrase)
    if not form:
        raise BadPhrases("couldn't use phrases: one is not in ordinary letters")
    return form


def _forms(text: str) -> _Message:
    said, has_quote = _without_quotes(text)
    return _Message(
        said=said,
        strict=None if has_quote else strict_form(said),
        loose=loose_form(said),
        has_quote=has_quote,
        is_asking=said.rstrip().endswith(_QUESTION_MARKS),
    )


def _without_quotes(text: str) -> tuple[str, bool]:
    """Drops quoted lines ("> yes"): those are somebody else's words, or their own of another moment."""
    lines = text.splitlines()
    own = [line for line in lines if not line.lstrip(_INVISIBLE + " \t").startswith((">", "＞", "»", "❯"))]
    return "\n".join(own), len(own) < len(lines)


# ---- what is an answer ---------------------------------------------------------------------------------------------

_NO_PHRASES = _Phrases(
    given=frozenset(),
    refused=frozenset(),
    question=frozenset(),
    not_answers=frozenset(),
    yes_words=frozenset(),
    no_words=frozenset(),
    condition_words=frozenset(),
    stop_words=frozenset(),
)


def _own_answer(message: _Message, context: AnswerContext, phrases: Phrases, here: _Phrases) -> Answer | None:
    """Phrases that count wherever they are said."""
    shut = Reading.WITHDRAWN if context.has_given else Reading.REFUSED
    if message.loose and message.loose in here.not_answers:
        return Answer(reading=Reading.NONE, why="means neither yes nor no in this language")
    if message.strict in phrases.own_given:
        return Answer(reading=Reading.GIVEN, why="the notice's own phrase for yes")
    if message.strict in phrases.own_sound_only:
        return Answer(reading=Reading.SOUND_ONLY, why="the notice's own phrase for sound only")
    if message.loose in phrases.own_stop and (not message.is_asking or context.has_given):
        return Answer(reading=shut, why="the word that stops it")
    if message.loose in phrases.own_refused and not message.is_asking:
        return Answer(reading=shut, why="a phrase that says no to recording")
    return None


def _bare_answer(message: _Message, context: AnswerContext, here: _Phrases) -> Answer | None:
    if message.is_asking or not (context.reply_to_notice or _is_in_window(context)):
        return None
    where = "as a reply to the notice" if context.reply_to_notice else "right after the ask"
    if message.strict in here.given:
        return Answer(reading=Reading.GIVEN, why=f"a bare yes {where}")
    if message.loose in here.refused:
        shut = Reading.WITHDRAWN if context.has_given else Reading.REFUSED
        return Answer(reading=shut, why=f"a bare no {where}")
    return None


def _question(message: _Message, context: AnswerContext, phrases: Phrases, here: _Phrases) -> Answer | None:
    asked = strict_form(message.said.strip().rstrip("".join(_QUESTION_MARKS) + "! ")) or ""
    is_meant_for_us = context.reply_to_notice or _is_in_window(context)
    answers = here.given | phrases.own_given | phrases.own_sound_only
    shuttings = here.refused | phrases.own_refused | phrases.own_stop
    if (
        asked in phrases.own_question
        or (is_meant_for_us and asked in here.question)
        or (is_meant_for_us and message.is_asking and not asked)
        or (
            context.reply_to_notice
            and message.is_asking
            and not message.has_quote
            and asked not in answers
            and message.loose not in shuttings
        )
    ):
        return Answer(reading=Reading.QUESTION, why="asks what this is")
    return None


def _no_answer(message: _Message, context: AnswerContext, phrases: Phrases, here: _Phrases) -> Answer:
    loose = message.loose
    says_yes, says_no = _holds(loose, here.yes_words), _holds(loose, here.no_words)
    has_condition, says_stop = _holds(loose, here.condition_words), _holds(loose, here.stop_words)
    own = {loose_form(phrase) for phrase in phrases.own_given | phrases.own_sound_only} | phrases.own_refused
    if (
        context.has_given
        and context.reply_to_notice
        and says_stop
        and not (says_no or has_condition or message.is_asking)
    ):
        return Answer(reading=Reading.WITHDRAWN, why="a reply to the notice that speaks of stopping: doubt is a no")
    if not loose and not context.reply_to_notice:
        return Answer(reading=Reading.NONE, why="no words of their own")
    is_meant_for_us = context.reply_to_notice or _holds(loose, own)
    if not is_meant_for_us and not (_is_in_window(context) and (says_yes or says_no or says_stop)):
        return Answer(reading=Reading.NONE, why="not said to the bot")
    if message.has_quote:
        why = "a quote: whose words these are is not clear"
    elif message.is_asking:
        why = "a question, no answer"
    elif has_condition:
        why = "a condition, or more than a yes or a no"
    elif says_yes and says_no:
        why = "says both yes and no"
    elif message.strict is None:
        why = "not in ordinary letters on one line, so no yes"
    else:
        why = "not one of the answers that the notice names"
    return Answer(reading=Reading.UNCLEAR, why=why)


def _is_in_window(context: AnswerContext) -> bool:
    return (
        context.ms_since_ask is not None
        and 0 <= context.ms_since_ask <= ASK_WINDOW_MS
        and context.is_first_since_ask
        and not context.others_spoke_since_ask
    )


def _holds(loose: str, words: Iterable[str]) -> bool:
    padded = f" {loose} "
    return any(f" {word} " in padded for word in words)
