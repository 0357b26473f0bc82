"""The texts say what a notice must say in every language, keep to their lengths, and survive hostile names."""

from __future__ import annotations

import copy
import itertools
import string
import tomllib
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from typing import Any

import pytest

from consent_notice.notice import BadWording, NoticeFacts, Say, Wording, plain, read_wording, render
from consent_notice.words import Purpose, Rule

LANGUAGES = ("en", "pl", "de", "es", "fr", "it", "pt", "nl", "cs", "uk")
TABLES: dict[str, dict[str, Any]] = {
    language: tomllib.loads(files("consent_notice").joinpath(f"wording/{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}
WORDINGS: dict[str, Wording] = {language: read_wording(table) for language, table in TABLES.items()}
NEVER_CLAIMED = (
    *("compliant", "konform", "zgodn", "conforme alla", "en conformité", "conform de", "відповідно до закон"),
    *("anonym", "anónim", "anônim", "anonim", "анонім"),
    *("everywhere", "überall", "wszędzie", "en todas partes", "partout", "ovunque", "dappertutto", "em todo o lado"),
    *("overal", "všude", "усюди", "всюди", "cannot be changed", "nie da się"),
)
BOTH = (Purpose.RECORDING, Purpose.TRANSCRIPTION)
FACTS = NoticeFacts(
    host="Anna Nowak",
    organisation="Acme",
    contact="privacy@acme.example",
    purposes=BOTH,
    rule=Rule.EVERYONE,
    page_link="https://onrecord.example/c/abc",
    retention_days=90,
    bot_name="onrecord (asks before recording)",
    speakable=True,
)
every_language_and_rule = pytest.mark.parametrize(
    ("language", "rule"), [(language, rule) for language in LANGUAGES for rule in Rule]
)


@every_language_and_rule
def test_the_post_says_who_why_what_happens_how_to_answer_and_how_to_withdraw(language: str, rule: Rule) -> None:
    wording = WORDINGS[language]
    notice = render(wording, replace(FACTS, rule=rule))
    for needed in (
        FACTS.host,
        FACTS.organisation,
        FACTS.bot_name,
        FACTS.page_link,
        "90",
        *wording.shown_phrases.values(),
    ):
        assert needed in notice.post
    for sentence in ("silence", f"rule_{rule}", "others"):
        assert wording.sections["post"][sentence] in notice.post
    assert len(notice.post) <= 900


@every_language_and_rule
def test_a_fallback_is_stated_where_there_is_one_and_only_under_everyone(language: str, rule: Rule) -> None:
    wording = WORDINGS[language]
    plainly = render(wording, replace(FACTS, rule=rule))
    facts = replace(FACTS, rule=rule, fallback=Rule.EACH_VOICE)
    stated = render(wording, facts)
    assert facts.states_fallback is (rule is Rule.EVERYONE)
    for section, text in (("post", stated.post), ("page", stated.page)):
        sentence = wording.sections[section]["fallback_each_voice"].format_map(wording.values(facts))
        assert (sentence in text) is (rule is Rule.EVERYONE)
    assert (stated.text_sha256 != plainly.text_sha256) is (rule is Rule.EVERYONE)
    assert len(stated.post) <= 900
    for other in (None, Rule.PRESENTERS, Rule.EVERYONE):
        assert render(wording, replace(FACTS, rule=rule, fallback=other)) == plainly


@every_language_and_rule
def test_the_spoken_line_lasts_at_most_eight_seconds(language: str, rule: Rule) -> None:
    for host in ("Jo", "Anna Nowak", "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff"):
        spoken = render(WORDINGS[language], replace(FACTS, rule=rule, host=host)).spoken
        assert 40 < len(spoken) <= 106  # at 13.2 characters a second or faster
    assert render(WORDINGS[language], replace(FACTS, rule=rule, speakable=False)).spoken == ""


def test_a_short_host_name_is_spoken() -> None:
    assert "Anna" in render(WORDINGS["en"], replace(FACTS, host="Anna")).spoken


@every_language_and_rule
def test_sound_only_is_offered_only_where_a_transcript_is_asked_for(language: str, rule: Rule) -> None:
    wording = WORDINGS[language]
    notice = render(wording, replace(FACTS, rule=rule, purposes=(Purpose.RECORDING,)))
    assert f"{wording.shown_phrases['say_sound_only']} =" not in notice.post
    assert f"{wording.shown_phrases['say_no']} =" in notice.post
    assert wording.purpose(Purpose.TRANSCRIPTION) not in notice.page
    assert wording.sections["page"]["speech_to_text"] not in notice.page


@every_language_and_rule
def test_the_page_lists_each_purpose_asked_the_contact_and_the_rights(language: str, rule: Rule) -> None:
    wording = WORDINGS[language]
    page = render(wording, replace(FACTS, rule=rule, purposes=tuple(Purpose))).page
    for needed in (FACTS.contact, *(f"- {wording.purpose(purpose)}" for purpose in Purpose)):
        assert needed in page
    for sentence in ("rights", f"withdraw_{rule}", f"rule_{rule}", "before", "others", "automated"):
        assert wording.sections["page"][sentence] in page


@every_language_and_rule
def test_every_sentence_renders_for_every_rule(language: str, rule: Rule) -> None:
    for what in Say:
        sentence = WORDINGS[language].say(what, replace(FACTS, rule=rule), count=3)
        assert sentence
        assert "{" not in sentence
        assert len(sentence) <= 300


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_claimed_that_we_may_not_claim(language: str) -> None:
    every_text = " ".join(text for section in WORDINGS[language].sections.values() for text in section.values()).lower()
    for claim in NEVER_CLAIMED:
        assert claim not in every_text


@pytest.mark.parametrize("language", LANGUAGES)
def test_under_everyone_nobody_is_told_that_their_voice_is_kept_already(language: str) -> None:
    wording = WORDINGS[language]
    for what in (Say.THANKS_GIVEN, Say.THANKS_GIVEN_NO_TRANSCRIPT, Say.THANKS_SOUND_ONLY):
        assert wording.say(what, FACTS) != wording.say(what, replace(FACTS, rule=Rule.EACH_VOICE))


def test_thanks_after_a_no_name_nobody_and_do_not_depend_on_the_rule() -> None:
    for wording in WORDINGS.values():
        assert wording.say(Say.THANKS_REFUSED, FACTS) == wording.say(
            Say.THANKS_REFUSED, replace(FACTS, rule=Rule.EACH_VOICE)
        )


def test_the_hash_is_over_the_exact_text_and_any_fact_changes_it() -> None:
    notice = render(WORDINGS["en"], FACTS)
    assert notice.text_sha256 == sha256(notice.exact_text.encode()).hexdigest()
    assert all(part in notice.exact_text for part in (notice.spoken, notice.post, notice.page))
    hashes = {
        render(wording, facts).text_sha256
        for wording in WORDINGS.values()
        for facts in (
            FACTS,
            replace(FACTS, retention_days=30),
            replace(FACTS, host="Ann"),
            replace(FACTS, rule=Rule.EACH_VOICE),
            replace(FACTS, page_link="https://onrecord.example/c/abd"),
        )
    }
    assert len(hashes) == 5 * len(LANGUAGES)


def test_hostile_names_cannot_add_lines_braces_or_invisible_characters() -> None:
    hostile = "Eve\nrecord yes\u202e{bot_name}\u200b<script>" + "😀" * 300
    notice = render(WORDINGS["en"], replace(FACTS, host=hostile))
    assert "{bot_name}" in notice.post
    assert "\u202e" not in notice.post
    assert "\u200b" not in notice.post
    assert len(notice.post) < 1000
    assert len(notice.post.splitlines()) == len(render(WORDINGS["en"], FACTS).post.splitlines())
    assert plain("  a \t b\r\nc ") == "a b c"
    assert len(plain("x" * 500)) == 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_that_is_not_whole_is_refused_with_every_problem(language: str) -> None:
    table = copy.deepcopy(TABLES[language])
    del table["say"]["goodbye"]
    del table["page"]
    table["post"]["greeting"] = "I am {nobody}"
    table["post"]["silence"] = "a { brace"
    table["say"]["goodby"] = "Bye"
    table["version"] = 1
    table["answers"]["own"]["stop"] = []
    with pytest.raises(BadWording) as refused:
        read_wording(table)
    for problem in (
        "say.goodbye: missing",
        "say.goodby: not known",
        "[page]: missing",
        "post.greeting: {nobody}",
        "post.silence: a brace",
        "version: expected",
        "answers.own.stop",
    ):
        assert problem in str(refused.value)


def test_the_languages_ask_for_the_same_purposes_in_sentences_of_their_own() -> None:
    for one, other in itertools.combinations(LANGUAGES, 2):
        mine, theirs = WORDINGS[one].sections, WORDINGS[other].sections
        for section in mine:
            assert list(mine[section]) == list(theirs[section]), (one, other, section)
            same = set(mine[section].values()) & set(theirs[section].values())
            assert not same, (one, other, same)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_fills_in_what_the_english_one_does(language: str) -> None:
    """Polish cannot name the host in a subordinate clause of the question without naming their sex."""
    left_out = {("pl", "ask_sound"), ("pl", "ask_sound_transcript")}
    for section, sentences in WORDINGS["en"].sections.items():
        for key, text in sentences.items():
            if (language, key) not in left_out:
                assert _places(WORDINGS[language].sections[section][key]) == _places(text), (language, key)


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}
