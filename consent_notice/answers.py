"""Reads what a person wrote in the chat, in its context: is it an answer, and which?

A yes must be one of the listed phrases, whole, in ordinary letters, said where nobody can take it for something else.
A no is read generously: look-alike letters, accents, stretched letters. Whatever is in between opens nothing, and an
edit never does. Phrases are data (`phrases`). What an answer then changes is decided in `decisions`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from consent_notice import forms
from consent_notice.phrases import LanguagePhrases, Phrases

READER_VERSION = "3"  # stands in each evidence record; a change of what is read as what is a new version
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


OPENING = frozenset({Reading.GIVEN, Reading.SOUND_ONLY})
SHUTTING = frozenset({Reading.REFUSED, Reading.WITHDRAWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """Where in the conversation the message stands."""

    language: str  # of the notice
    reply_to_notice: bool
    ms_since_ask: int | None  # None: this person has not been asked
    is_first_since_ask: bool  # the sender's first message since
    others_spoke_since_ask: bool
    has_given: bool  # this person's recording consent is in force
    replies_to_another: bool = False  # a threaded reply to something else than the notice
    replies_to_line: bool = False  # that something is another line of the bot's, such as its reminder
    # In the notice's thread, or else in the minute before the ask, somebody else said what is no answer to the bot.
    others_talked_before: bool = False
    follows_question: bool = False  # in the minute before, somebody else asked something (`asks_others`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    reading: Reading
    why: str  # plain English, none of the person's words in it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """One message in the forms that it is compared in."""

    said: str  # without quoted lines
    strict: str | None
    loose: tuple[str, ...]
    called: tuple[str, ...]  # what is left of `loose` where the bot is called by its name
    has_quote: bool
    is_asking: bool


def read_answer(text: str, context: AnswerContext, phrases: Phrases) -> Answer:
    message = _message(text)
    here = phrases.bare.get(context.language, _NO_PHRASES)
    return (
        _own_answer(message, context, phrases, here)
        or _bare_answer(message, context, phrases, here)
        or _second_thought(message, context, phrases, here)
        or _question(message, context, phrases, here)
        or _no_answer(message, context, phrases, here)
    )


def is_talk(text: str, reading: Reading, context: AnswerContext, phrases: Phrases) -> bool:
    """Whether a bare yes that somebody else says next may be meant for the sender of this text, and not for the bot.

    An answer is no talk, nor is what was meant as one ("ok", a thumb up, the Polish "no"). In the notice's thread a
    question may be one to another person; elsewhere only those to the bot are read as QUESTION.
    """
    here = phrases.bare.get(context.language, _NO_PHRASES)
    loose = forms.loose_phrase(text)
    if reading in OPENING | SHUTTING or loose in here.not_answers:
        return False
    if reading is Reading.UNCLEAR:
        return bool(forms.without_phrases(loose, here.yes_words | here.no_words))
    return reading is Reading.NONE or context.reply_to_notice


def asks_others(text: str, phrases: Phrases) -> bool:
    """Whether a phrase such as "sound only", said next by somebody else, may be the answer to this text.

    It ends in a question mark, or has such a phrase in it ("video or sound only").
    """
    said, _ = forms.without_quotes(text)
    return forms.is_asking(said) or any(
        not phrases.other_words.isdisjoint(forms.ngrams(loose)) for loose in forms.loose_forms(said)
    )


def read_edit(before: str, was: Reading, after: str, context: AnswerContext, phrases: Phrases) -> Answer:
    """What it means that a message which was read as `was` now reads `after`. An edit can shut, never open.

    A no in the new text counts. A yes that is edited is taken back, whatever it says now, unless only what makes no
    difference has changed (platforms also tell of an edit when they add a preview). A no stays one. All else is read
    as if it were said now, save that it opens nothing.
    """
    if was in OPENING and forms.strict_form(after) == forms.strict_form(before) is not None:
        return Answer(reading=Reading.NONE, why="an edit that leaves the yes as it was")
    answer = read_answer(after, context, phrases)
    if answer.reading in SHUTTING:
        return answer
    if was in OPENING:
        return Answer(reading=Reading.WITHDRAWN, why="the message that said yes was changed: doubt is a no")
    if answer.reading in OPENING:
        return Answer(reading=Reading.UNCLEAR, why="an edit opens nothing: a yes is a message of its own")
    if was in SHUTTING:
        return Answer(reading=Reading.NONE, why="a no stays a no when its message is changed")
    return answer


def read_deletion(was: Reading) -> Answer:
    """What it means that a message which was read as `was` is gone. Deleting a yes takes it back; a no stays."""
    if was in OPENING:
        return Answer(reading=Reading.WITHDRAWN, why="the message that said yes was deleted: doubt is a no")
    return Answer(reading=Reading.NONE, why="deleting a message that said no yes changes nothing")


def find_page_code(text: str, alphabet: str) -> str | None:
    """The code, where the whole message is one: spaces, dashes and a word such as "code" before it are allowed.

    A code holds at least one digit, so that no ordinary word ("great", "never") is taken for one.
    """
    if len(text) > forms.LONGEST_YES_CHARS:
        return None
    folded = unicodedata.normalize("NFKC", text).strip().rstrip(".!").upper()
    code = re.sub(r"[\s\-–]", "", _BEFORE_A_CODE.sub("", folded))
    if len(code) != CODE_LENGTH or any(character not in alphabet for character in code):
        return None
    return code if any(character.isdigit() for character in code) else None


_BEFORE_A_CODE = re.compile(
    r"^(?:(?:MY|THE|MÓJ|MOJ|MEIN|DER|MON|LE|MI|EL|IL MIO|IL|O MEU|MEU|O|MIJN|DE|MŮJ|MUJ|МІЙ)\s+)?(?:PAGE\s+)?"
    r"(?:CODE|KOD|KÓD|CÓDIGO|CODIGO|CODICE|КОД)(?:\s+(?:IS|TO|IST|EST|ES|È|É|JE|ЦЕ))?\s*[:=]?\s+"
)


# ---- what is an answer ---------------------------------------------------------------------------------------------

_NO_PHRASES = LanguagePhrases()
_OUR_NAMES = ("onrecord asks before recording", "onrecord")


def _message(text: str) -> _Message:
    said, has_quote = forms.without_quotes(text)
    loose = forms.loose_forms(said)
    return _Message(
        said=said,
        strict=None if has_quote else forms.strict_form(said),
        loose=loose,
        called=tuple(rest for form in loose if (rest := _without_our_name(form)) is not None),
        has_quote=has_quote,
        is_asking=forms.is_asking(said),
    )


def _without_our_name(loose: str) -> str | None:
    """None where the bot is not called by its name at the beginning or at the end."""
    for name in _OUR_NAMES:
        if loose == name or loose.startswith(f"{name} "):
            return loose[len(name) + 1 :]
        if loose.endswith(f" {name}"):
            return loose[: -len(name) - 1]
    return None


def _own_answer(message: _Message, context: AnswerContext, phrases: Phrases, here: LanguagePhrases) -> Answer | None:
    """Phrases that count wherever they are said."""
    if _any_in(message.loose, here.not_answers):
        return Answer(reading=Reading.NONE, why="means neither yes nor no in this language")
    if message.strict in phrases.own_given:
        return Answer(reading=Reading.GIVEN, why="the notice's own phrase for yes")
    if message.strict in phrases.own_sound_only:
        is_answer_to_another = context.follows_question and not context.reply_to_notice
        if is_answer_to_another and message.strict in phrases.own_of_other_things:
            return Answer(reading=Reading.UNCLEAR, why="may be the answer to what somebody else has just asked")
        return Answer(reading=Reading.SOUND_ONLY, why="the notice's own phrase for sound only")
    if message.is_asking and not context.has_given:
        return None
    if _any_in(message.loose + message.called, phrases.own_stop):
        return Answer(reading=_shut(context), why="the word that stops it")
    if _any_in(message.loose + message.called, phrases.own_refused):
        return Answer(reading=_shut(context), why="a phrase that says no to recording")
    return None


def _bare_answer(message: _Message, context: AnswerContext, phrases: Phrases, here: LanguagePhrases) -> Answer | None:
    if message.is_asking:
        return None
    if _says_bare_no(message.called, phrases, here):
        return Answer(reading=_shut(context), why="a no that calls the bot by its name")
    is_reply = context.reply_to_notice or context.replies_to_line
    if not (is_reply or _is_in_window(context)):
        return None
    said_to = "the notice" if context.reply_to_notice else "the bot"
    where = f"as a reply to {said_to}" if is_reply else "right after the ask"
    says_no = _says_bare_no(message.loose, phrases, here) or (is_reply and forms.is_sign_for_no(message.said))
    may_be_for_others = context.others_talked_before and not (
        says_no and (is_reply or context.has_given)  # a no is read generously
    )
    if context.replies_to_line and message.strict in here.given:
        return Answer(reading=Reading.UNCLEAR, why="a bare yes to another line of the bot's than the notice")
    if (message.strict in here.given or says_no) and may_be_for_others:
        return Answer(reading=Reading.UNCLEAR, why="bare, where others talk to each other: it may be meant for them")
    if message.strict in here.given:
        return Answer(reading=Reading.GIVEN, why=f"a bare yes {where}")
    if says_no:
        return Answer(reading=_shut(context), why=f"a bare no {where}")
    if message.strict in phrases.given_somewhere:
        return Answer(reading=Reading.UNCLEAR, why="a yes in another language than the notice's")
    return None


def _second_thought(
    message: _Message, context: AnswerContext, phrases: Phrases, here: LanguagePhrases
) -> Answer | None:
    """A no of somebody who has agreed, said less clearly than it would have to be before: doubt is a no."""
    if not context.has_given or message.is_asking:
        return None
    if _is_soon_after_the_ask(context):
        if _says_bare_no(message.loose, phrases, here):
            return Answer(reading=Reading.WITHDRAWN, why="a bare no right after their yes")
        if message.strict not in here.given and _begins_with(message.loose, here.takes_back, here.not_a_no):
            return Answer(reading=Reading.WITHDRAWN, why="a condition right after their yes: doubt is a no")
    if not (context.reply_to_notice or context.replies_to_line or message.called):
        return None
    is_talk = context.others_talked_before and not message.called
    for loose in message.loose:
        held = set(forms.ngrams(forms.without_phrases(loose, here.not_a_no)))
        if not here.stop_words.isdisjoint(held):
            return Answer(reading=Reading.WITHDRAWN, why="said to the bot, and speaks of stopping: doubt is a no")
        if not is_talk and not (here.no_words | phrases.refused_anywhere).isdisjoint(held - here.not_answers):
            return Answer(reading=Reading.WITHDRAWN, why="said to the bot, with a no in it: doubt is a no")
    return None


def _question(message: _Message, context: AnswerContext, phrases: Phrases, here: LanguagePhrases) -> Answer | None:
    asked = forms.strict_form(forms.without_question(message.said)) or ""
    is_said_to_us = context.reply_to_notice or context.replies_to_line or bool(message.called)
    is_meant_for_us = is_said_to_us or _is_in_window(context)
    is_answer = (
        asked in here.given | phrases.own_given | phrases.own_sound_only
        or _says_bare_no(message.loose, phrases, here)
        or _any_in(message.loose, phrases.own_refused | phrases.own_stop)
    )
    if (
        asked in phrases.own_question
        or (is_meant_for_us and asked in here.question)
        or (is_meant_for_us and message.is_asking and not asked)
        or (is_said_to_us and message.is_asking and not message.has_quote and not is_answer)
    ):
        return Answer(reading=Reading.QUESTION, why="asks what this is")
    return None


def _no_answer(message: _Message, context: AnswerContext, phrases: Phrases, here: LanguagePhrases) -> Answer:
    held = {ngram for loose in message.loose for ngram in forms.ngrams(loose)}
    says_yes, says_no, has_condition, says_stop = (
        not words.isdisjoint(held) for words in (here.yes_words, here.no_words, here.condition_words, here.stop_words)
    )
    if not held and not context.reply_to_notice:
        return Answer(reading=Reading.NONE, why="no words of their own")
    is_meant_for_us = context.reply_to_notice or not phrases.own_words.isdisjoint(held)
    may_be_meant_for_us = bool(message.called) or context.replies_to_line or _is_in_window(context)
    if not is_meant_for_us and not (may_be_meant_for_us and (says_yes or says_no or says_stop)):
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
        why = "too long, or not in ordinary letters on one line, so no yes"
    else:
        why = "not one of the answers that the notice names"
    return Answer(reading=Reading.UNCLEAR, why=why)


def _shut(context: AnswerContext) -> Reading:
    return Reading.WITHDRAWN if context.has_given else Reading.REFUSED


def _is_soon_after_the_ask(context: AnswerContext) -> bool:
    return (
        context.ms_since_ask is not None
        and 0 <= context.ms_since_ask <= ASK_WINDOW_MS
        and not context.others_spoke_since_ask
        and not context.replies_to_another
    )


def _is_in_window(context: AnswerContext) -> bool:
    return context.is_first_since_ask and _is_soon_after_the_ask(context)


def _says_bare_no(loose: tuple[str, ...], phrases: Phrases, here: LanguagePhrases) -> bool:
    return _any_in(loose, here.refused) or (
        _any_in(loose, phrases.refused_anywhere) and not _any_in(loose, here.not_answers)
    )


def _begins_with(loose: tuple[str, ...], beginnings: frozenset[str], idioms: frozenset[str]) -> bool:
    told = [f"{forms.without_phrases(form, idioms)} " for form in loose]
    return any(
        text.startswith(f"{beginning} ") and text != f"{beginning} " for text in told for beginning in beginnings
    )


def _any_in(loose: tuple[str, ...], phrases: frozenset[str]) -> bool:
    return any(form in phrases for form in loose)
