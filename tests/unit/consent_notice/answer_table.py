"""What people write, where they write it, and what it counts as: text, context, reading."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from consent_notice.answers import ASK_WINDOW_MS, AnswerContext
from consent_notice.phrases import read_phrases

LANGUAGES = ("en", "pl", "de", "es", "fr", "it", "pt", "nl", "cs", "uk")
TABLES: list[dict[str, Any]] = [
    tomllib.loads(files("consent_notice").joinpath(f"wording/{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
]
PHRASES = read_phrases(TABLES)


def context(
    language: str = "en",
    *,
    reply: bool = False,
    since_ms: int | None = None,
    first: bool = True,
    others: bool = False,
    has_given: bool = False,
    to_another: bool = False,
    talk: bool = False,
    asked: bool = False,
) -> AnswerContext:
    return AnswerContext(
        language=language,
        reply_to_notice=reply,
        ms_since_ask=since_ms,
        is_first_since_ask=first,
        others_spoke_since_ask=others,
        has_given=has_given,
        replies_to_another=to_another,
        others_talked_before=talk,
        follows_question=asked,
    )


# Where a message stands, by the names that the tables of the other languages use.
PLACES: dict[str, dict[str, Any]] = {
    "reply": {"reply": True},
    "window": {"since_ms": 20_000},
    "late": {"since_ms": ASK_WINDOW_MS + 1},
    "second": {"since_ms": 5_000, "first": False},
    "crowd": {"since_ms": 5_000, "others": True},
    "unasked": {},
    "gave": {"has_given": True, "first": False, "since_ms": ASK_WINDOW_MS + 1},
    "gave_now": {"has_given": True, "first": False, "since_ms": 9_000},
    "gave_reply": {"has_given": True, "first": False, "reply": True},
    "to_another": {"since_ms": 5_000, "to_another": True},
    "talk_reply": {"reply": True, "talk": True},
    "talk_window": {"since_ms": 5_000, "talk": True},
    "gave_talk_reply": {"has_given": True, "reply": True, "talk": True},
    "asked": {"since_ms": 5_000, "others": True, "asked": True},
    "asked_reply": {"reply": True, "asked": True},
}


def placed(language: str, place: str) -> AnswerContext:
    return context(language, **PLACES[place])


REPLY, WINDOW = context(reply=True), context(since_ms=20_000)
LATE = context(since_ms=ASK_WINDOW_MS + 1)
EDGE = context(since_ms=ASK_WINDOW_MS)
SECOND = context(since_ms=5_000, first=False)
CROWD = context(since_ms=5_000, others=True)
UNASKED = context()
EARLY = context(since_ms=-1)
GAVE, GAVE_REPLY = context(has_given=True, first=False), context(has_given=True, reply=True)
PL, PL_REPLY = context("pl", since_ms=9_000), context("pl", reply=True)
PL_CHAT = context("pl", since_ms=9_000, others=True)
PL_GAVE = context("pl", has_given=True, first=False)
OTHER = context("xx", reply=True)  # a language without words of its own

CASES: list[tuple[str, AnswerContext, str]] = [
    # the notice's own phrases always count
    ("record yes", UNASKED, "given"),
    ("Record Yes", CROWD, "given"),
    ("RECORD YES!", LATE, "given"),
    ("record yes.", SECOND, "given"),
    ("  record   yes ", UNASKED, "given"),
    ("record\u00a0yes", UNASKED, "given"),
    ("record\u200b yes\ufeff", UNASKED, "given"),
    ("ｒｅｃｏｒｄ　ｙｅｓ", UNASKED, "given"),
    ("record yes 👍", UNASKED, "given"),
    ("record yes 👍🏿", UNASKED, "given"),
    ("record yes, please", UNASKED, "given"),
    ("record yes", PL_CHAT, "given"),
    ("record yes", OTHER, "given"),
    ("nagrywanie tak", UNASKED, "given"),
    ("Nagrywanie TAK!", PL_CHAT, "given"),
    ("sound only", CROWD, "sound_only"),
    ("Sound only.", UNASKED, "sound_only"),
    ("tylko dźwięk", PL_CHAT, "sound_only"),
    ("tylko dzwiek", PL_CHAT, "sound_only"),
    ("tylko dz\u0301wie\u0328k", PL_CHAT, "sound_only"),
    ("record no", UNASKED, "refused"),
    ("RECORD NO!!!", CROWD, "refused"),
    ("record: no", LATE, "refused"),
    ("record - no", LATE, "refused"),
    ("nagrywanie nie", PL_CHAT, "refused"),
    ("record no", GAVE, "withdrawn"),
    ("nagrywanie nie", PL_GAVE, "withdrawn"),
    ("don't record me", CROWD, "refused"),
    ("Don’t record me!", CROWD, "refused"),
    ("please do not record me", UNASKED, "refused"),
    ("proszę mnie nie nagrywać", PL_CHAT, "refused"),
    ("prosze mnie nie nagrywac", PL_CHAT, "refused"),
    ("nie wyrażam zgody na nagrywanie", UNASKED, "refused"),
    ("I do not consent.", UNASKED, "refused"),
    # stop: the whole message, from anywhere
    ("stop", UNASKED, "refused"),
    ("stop", GAVE, "withdrawn"),
    ("STOP!!!", GAVE, "withdrawn"),
    ("Stop.", GAVE, "withdrawn"),
    ("stop please", GAVE, "withdrawn"),
    ("s t o p", GAVE, "withdrawn"),
    ("sтор", GAVE, "withdrawn"),
    ("ѕtοp", GAVE, "withdrawn"),
    ("st0p", GAVE, "withdrawn"),
    ("stoooop", GAVE, "withdrawn"),
    ("stop recording", GAVE, "withdrawn"),
    ("przestań mnie nagrywać", PL_GAVE, "withdrawn"),
    ("wycofuję zgodę", PL_GAVE, "withdrawn"),
    ("wycofuje zgode", PL_GAVE, "withdrawn"),
    ("stop?", GAVE, "withdrawn"),
    ("stop?", UNASKED, "none"),
    ("my bus stop", GAVE, "none"),
    ("don't stop", GAVE, "none"),
    ("stop sharing your screen", UNASKED, "none"),
    ("please, i want this to stop", GAVE_REPLY, "withdrawn"),
    ("don't stop recording", GAVE_REPLY, "unclear"),
    ("can you stop?", GAVE_REPLY, "question"),
    # a bare yes: only as a reply to the notice, or alone right after the ask
    ("yes", REPLY, "given"),
    ("yes", WINDOW, "given"),
    ("yes", EDGE, "given"),
    ("yes", LATE, "none"),
    ("yes", SECOND, "none"),
    ("yes", CROWD, "none"),
    ("yes", UNASKED, "none"),
    ("yes", EARLY, "none"),
    ("Yes!", REPLY, "given"),
    ("YES.", WINDOW, "given"),
    ("yes 👍", WINDOW, "given"),
    ("yes, please", REPLY, "given"),
    ("yes, I agree", REPLY, "given"),
    ("I agree", CROWD, "none"),
    ("tak", PL_REPLY, "given"),
    ("Tak, zgadzam się.", PL, "given"),
    ("tak zgadzam sie", PL, "given"),
    ("tak", PL_CHAT, "none"),
    ("tak", WINDOW, "unclear"),
    ("yes", PL_REPLY, "unclear"),
    ("yes", OTHER, "unclear"),
    # a bare no
    ("no", REPLY, "refused"),
    ("no", WINDOW, "refused"),
    ("no", EDGE, "refused"),
    ("no", LATE, "none"),
    ("no", SECOND, "none"),
    ("no", CROWD, "none"),
    ("NO!", REPLY, "refused"),
    ("nooooo", REPLY, "refused"),
    ("nо", REPLY, "refused"),
    ("ΝΟ", REPLY, "refused"),
    ("n0", REPLY, "refused"),
    ("ɴᴏ", REPLY, "refused"),
    ("𝐧𝐨", REPLY, "refused"),
    ("ñö", REPLY, "refused"),
    ("no 😡", REPLY, "refused"),
    ("no, thanks", WINDOW, "refused"),
    ("I’d rather not", REPLY, "refused"),
    ("“no”", REPLY, "refused"),
    ("no", GAVE_REPLY, "withdrawn"),
    ("no", GAVE, "none"),
    ("nie", PL, "refused"),
    ("Nie, dziękuję", PL_REPLY, "refused"),
    ("niе", PL_REPLY, "refused"),
    ("nie", PL_CHAT, "none"),
    # the Polish "no" is "well, yes" in speech: no answer at all
    ("no", PL_REPLY, "none"),
    ("No!", PL, "none"),
    ("nooo", PL_REPLY, "none"),
    ("nо", PL_REPLY, "none"),
    ("no tak", PL_REPLY, "none"),
    ("no nie", PL_REPLY, "none"),
    ("no, jasne", PL_REPLY, "none"),
    # conditions, second thoughts, more than a yes
    ("yes if Bob agrees", REPLY, "unclear"),
    ("yes but not my video", REPLY, "unclear"),
    ("yes, unless my boss joins", WINDOW, "unclear"),
    ("yes after the break", REPLY, "unclear"),
    ("record yes if you delete it tomorrow", UNASKED, "unclear"),
    ("record yes, but only audio", CROWD, "unclear"),
    ("only if everyone says record yes", CROWD, "unclear"),
    ("maybe", REPLY, "unclear"),
    ("yes and no", REPLY, "unclear"),
    ("yes no", WINDOW, "unclear"),
    ("record yes record no", UNASKED, "unclear"),
    ("record yes / record no", UNASKED, "unclear"),
    ("tak, ale bez nazwisk", PL_REPLY, "unclear"),
    ("tak, jeśli wszyscy", PL, "unclear"),
    ("nagrywanie tak, o ile szef się zgodzi", PL_CHAT, "unclear"),
    # negations around a yes
    ("not yes", REPLY, "unclear"),
    ("I don't say yes", WINDOW, "unclear"),
    ("I did not say record yes", UNASKED, "unclear"),
    ("never record yes", UNASKED, "unclear"),
    ("nie tak", PL_REPLY, "unclear"),
    ("nie mówię tak", PL, "unclear"),
    # jokes, hesitation, colloquial
    ("yeah right", REPLY, "unclear"),
    ("sure, why not", REPLY, "unclear"),
    ("ok", REPLY, "unclear"),
    ("ok", CROWD, "none"),
    ("yes 😂", REPLY, "unclear"),
    ("yes...", REPLY, "unclear"),
    ("yes…", REPLY, "unclear"),
    ("yesss", REPLY, "unclear"),
    ("👍", REPLY, "unclear"),
    ("👍", CROWD, "none"),
    ("no problem", REPLY, "unclear"),
    ("no worries, go ahead", WINDOW, "unclear"),
    ("yes Your Majesty", REPLY, "unclear"),
    # quotes and what was said to somebody else
    ("> yes", REPLY, "unclear"),
    ("> record yes", UNASKED, "none"),
    ("> record yes\nlol", UNASKED, "none"),
    ("> may I record?\nyes", REPLY, "unclear"),
    ("> may I record?\nno", REPLY, "refused"),
    ("> record yes\nstop", GAVE, "withdrawn"),
    ('"yes"', REPLY, "unclear"),
    ("‘record yes’", UNASKED, "unclear"),
    ("`record yes`", UNASKED, "unclear"),
    ("Bob wrote record yes", UNASKED, "unclear"),
    ("yes Anna, I sent it", CROWD, "none"),
    ("yes Anna, I sent it", WINDOW, "unclear"),
    ("@Anna yes", CROWD, "none"),
    ("can you hear me?", WINDOW, "none"),
    ("hello everybody", WINDOW, "none"),
    ("hello everybody", REPLY, "unclear"),
    ("", REPLY, "unclear"),
    ("", WINDOW, "none"),
    ("   \u200b", WINDOW, "none"),
    # odd letters are no yes
    ("yеs", REPLY, "unclear"),
    ("rеcord yes", UNASKED, "unclear"),
    ("уes", WINDOW, "unclear"),
    ("𝐲𝐞𝐬", REPLY, "unclear"),
    ("ʸᵉˢ", REPLY, "unclear"),
    ("ⓨⓔⓢ", REPLY, "unclear"),
    ("y3s", REPLY, "unclear"),
    ("\u202esey", REPLY, "unclear"),
    ("\u202erecord yes", UNASKED, "unclear"),
    ("record\nyes", UNASKED, "unclear"),
    ("yés", REPLY, "unclear"),
    # questions
    ("why?", REPLY, "question"),
    ("Why", WINDOW, "question"),
    ("why?", CROWD, "none"),
    ("help", REPLY, "question"),
    ("?", REPLY, "question"),
    ("???", WINDOW, "question"),
    ("who will listen to it?", REPLY, "question"),
    ("why record?", CROWD, "question"),
    ("dlaczego?", PL_REPLY, "question"),
    ("po co?", PL, "question"),
    ("po co nagrywanie?", PL_CHAT, "question"),
    ("yes?", REPLY, "unclear"),
    ("no?", REPLY, "unclear"),
    ("record yes?", UNASKED, "unclear"),
    ("record no?", UNASKED, "unclear"),
    ("yes？", WINDOW, "unclear"),
]
