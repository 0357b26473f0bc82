"""Languages of the participant's page."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from consent_notice.words import Rule
from tests.simulators.web_site import Meeting, open_site, settings_for
from web.notices import ahead_words, choose_language, page_words

LOCALES = Path("web/locales")


@pytest.mark.parametrize(
    ("asked", "accepted", "meeting", "chosen"),
    [
        ("pl", "en", "en", "pl"),
        ("", "pl-PL,pl;q=0.9", "en", "pl"),
        ("", "ja, pl;q=0.5", "en", "pl"),
        ("", "ja", "pl", "pl"),
        ("xx", "", "ja", "en"),
        ("../../etc", ";;;,,", "", "en"),
    ],
)
def test_the_asked_for_language_then_the_browsers_then_the_meetings(
    asked: str, accepted: str, meeting: str, chosen: str, tmp_path: Path
) -> None:
    assert choose_language(asked, accepted, meeting, settings_for(tmp_path)) == chosen


def test_every_locale_is_whole_and_keeps_the_places_to_fill_in() -> None:
    english = tomllib.loads((LOCALES / "en.toml").read_text())
    for file in LOCALES.glob("*.toml"):
        words = tomllib.loads(file.read_text())
        assert words.keys() == english.keys(), file.name
        for key, text in english.items():
            places = {part.split("}")[0] for part in text.split("{")[1:]}
            assert places == {part.split("}")[0] for part in words[key].split("{")[1:]}, (file.name, key)


def test_every_language_has_its_own_words_for_answers_ahead_with_the_places_to_fill_in() -> None:
    english = tomllib.loads((LOCALES / "ahead" / "en.toml").read_text())
    files = list((LOCALES / "ahead").glob("*.toml"))
    assert {file.stem for file in files} == {file.stem for file in LOCALES.glob("*.toml")}
    for file in files:
        words = tomllib.loads(file.read_text())
        assert words.keys() == english.keys(), file.name
        for key, text in english.items():
            places = {part.split("}")[0] for part in text.split("{")[1:]}
            assert places == {part.split("}")[0] for part in words[key].split("{")[1:]}, (file.name, key)
        assert file.stem == "en" or not [key for key, text in words.items() if text == english[key]]
    assert {**page_words("de"), **tomllib.loads((LOCALES / "ahead" / "de.toml").read_text())} == ahead_words("de")
    assert ahead_words("ja") == ahead_words("en")


def test_a_language_without_words_of_its_own_reads_english() -> None:
    assert page_words("ja") == page_words("en")
    assert page_words("pl")["given_title"] == "Zgoda udzielona"


def test_every_language_with_a_notice_has_words(tmp_path: Path) -> None:
    assert settings_for(tmp_path).wording.keys() == {file.stem for file in LOCALES.glob("*.toml")}


@pytest.mark.parametrize(
    ("rule", "fallback", "allowed", "is_stated"),
    [
        (Rule.EVERYONE, Rule.EACH_VOICE, True, True),
        (Rule.EVERYONE, Rule.EACH_VOICE, False, False),
        (Rule.EVERYONE, None, True, False),
        (Rule.EACH_VOICE, Rule.EACH_VOICE, True, False),
    ],
)
async def test_the_page_states_the_fallback_that_the_meeting_has(
    tmp_path: Path, rule: Rule, fallback: Rule | None, allowed: bool, is_stated: bool
) -> None:
    async with open_site(tmp_path / "data", each_voice_allowed=allowed) as site:
        host = await site.person("host", "Ingrid Solberg", "ingrid@example.org")
        meeting = await Meeting.begin(site, host, rule=rule, fallback=fallback)
        async with site.browser() as browser:
            await browser.open(meeting.link)
    assert ("the bot may go on with only the voices of those who did" in browser.text) is is_stated
    assert ("If not all do, Ingrid Solberg may go on" in browser.text) is is_stated
    assert ("Everyone present must agree, or nothing is kept." in browser.text) is (
        rule is Rule.EVERYONE and not is_stated
    ), "it promises no more than the notice"
    assert ("I may go on with only the voices of those who did" in meeting.notice.post) is is_stated, (
        "as the bot does in the chat"
    )
