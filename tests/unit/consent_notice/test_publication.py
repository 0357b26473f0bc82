"""A version is its sentences and what the installation states, and not what belongs to one meeting."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from consent_notice.information import LegalBasis
from consent_notice.notice import NoticeFacts, read_wording, render
from consent_notice.publication import Change, Text, changes, number_of, text_of
from consent_notice.words import Purpose, Rule
from tests.unit.consent_notice.test_notice import FACTS, TABLES, WORDINGS
from tests.unit.consent_notice.test_notice_page import STATED


def of(facts: NoticeFacts = FACTS, **tables: object) -> Text:
    return text_of(WORDINGS | {name: read_wording(table) for name, table in tables.items()}, facts)  # type: ignore[arg-type]


def test_what_belongs_to_one_meeting_makes_no_version() -> None:
    other = replace(FACTS, host="Ben", rule=Rule.EACH_VOICE, page_link="https://x.example", speakable=False)
    other = replace(other, publication=7, is_for_invitees=True)
    assert of(other) == of()
    assert of(other).fingerprint == of().fingerprint


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, organisation="Acme Ltd"),
        replace(FACTS, contact="dpo@acme.example"),
        replace(FACTS, retention_days=91),
        replace(FACTS, bot_name="onrecord"),
        replace(FACTS, purposes=(Purpose.RECORDING,)),
        replace(FACTS, information=STATED),
        replace(FACTS, information=replace(FACTS.information, legal_basis=LegalBasis.CONTRACT)),
    ],
)
def test_what_the_installation_states_makes_one(facts: NoticeFacts) -> None:
    assert of(facts).fingerprint != of().fingerprint


@pytest.mark.parametrize(
    ("section", "key"), [("spoken", "everyone"), ("post", "kept"), ("page", "rights"), ("purposes", "recording")]
)
def test_a_changed_sentence_of_any_language_makes_one_and_is_named(section: str, key: str) -> None:
    table = copy.deepcopy(TABLES["pl"])
    table[section][key] += "!"
    changed = of(pl=table)
    assert changed.fingerprint != of().fingerprint
    before = TABLES["pl"][section][key]
    assert changes(of(), changed) == (Change(where="pl", what=f"{section}.{key}", before=before, after=f"{before}!"),)


def test_a_phrase_that_the_notice_shows_makes_one_and_a_remark_of_the_bot_does_not() -> None:
    table = copy.deepcopy(TABLES["en"])
    table["say"]["goodbye"] += "!"
    assert of(en=table) == of()
    table["answers"]["own"]["given"].insert(0, "record me")
    assert [change.what for change in changes(of(), of(en=table))] == ["say_yes"]


def test_a_language_that_came_and_one_that_went_are_changes() -> None:
    one = text_of({"en": WORDINGS["en"]}, FACTS)
    added = changes(one, of())
    assert {change.where for change in added} == TABLES.keys() - {"en"}
    assert not any(change.before for change in added)
    assert not any(change.after for change in changes(of(), one))


def test_what_is_stated_comes_before_the_languages() -> None:
    both = changes(of(), text_of({"en": WORDINGS["en"]}, replace(FACTS, organisation="B")))
    assert both[0] == Change(where="", what="organisation", before="Acme", after="B")


def test_the_version_that_a_notice_shows_names_its_publication() -> None:
    notice = render(WORDINGS["en"], replace(FACTS, publication=12))
    assert notice.version == f"{WORDINGS['en'].version}.12"
    assert number_of(notice.version) == 12


@pytest.mark.parametrize("version", ["", "1", "1.", "1.x", "1.-2", "1.٣", "1.99999999999"])
def test_a_version_that_names_no_publication_has_no_number(version: str) -> None:
    assert number_of(version) is None
