"""The full text says each thing that is stated, leaves out what is not, and never claims what a statement undoes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consent_notice.information import NOTHING_STATED, Information, LegalBasis
from consent_notice.notice import NoticeFacts, render
from consent_notice.notice_page import PAGE_KEYS
from consent_notice.settling import Setting
from consent_notice.words import Purpose, Rule
from tests.unit.consent_notice.test_notice import FACTS, LANGUAGES, WORDINGS

STATED = Information(
    organisation_address="1 Quay Street, Gdynia",
    representative="Acme Europe, Bruges",
    dpo_contact="dpo@acme.example",
    recipients="the minute-taker of the board",
    transfers="to Canada, under an adequacy decision",
    authority="UODO, Warsaw",
    obligatory="nobody has to, and nothing follows",
    legal_basis=LegalBasis.LEGITIMATE_INTERESTS,
    legitimate_interests="to look up what was decided",
    works_council_agreement="of 3 March 2026, no. 14",
    setting=Setting.WORKPLACE,
)
TEXTS = [name for name in NOTHING_STATED.__dataclass_fields__ if name not in ("legal_basis", "setting")]
SENTENCE_OF = {
    "organisation_address": "address",
    "representative": "representative",
    "dpo_contact": "dpo",
    "recipients": "readers_recipients",
    "transfers": "transfers",
    "authority": "authority",
    "obligatory": "obligatory",
    "legitimate_interests": "interests",
    "works_council_agreement": "works_council",
}
every_language = pytest.mark.parametrize("language", LANGUAGES)


def page(language: str, information: Information, **changes: object) -> str:
    facts: NoticeFacts = replace(FACTS, information=information, **changes)  # type: ignore[arg-type]
    return render(WORDINGS[language], facts).page


def beginning(language: str, key: str) -> str:
    """Of a sentence, up to its first fact."""
    return WORDINGS[language].sections["page"][key].partition("{")[0]


@every_language
@pytest.mark.parametrize("name", TEXTS)
def test_what_is_stated_is_said_and_what_is_not_is_left_out(language: str, name: str) -> None:
    statement, sentence = str(getattr(STATED, name)), SENTENCE_OF[name]
    assert statement in page(language, STATED)
    for empty in ("", "none", " NONE "):
        without = page(language, replace(STATED, **{name: empty}))  # type: ignore[arg-type]
        assert statement not in without
        assert ": none" not in without.lower()
        if (opening := beginning(language, sentence)) and sentence != "readers_recipients":
            assert opening not in without


@every_language
@pytest.mark.parametrize("basis", LegalBasis)
def test_it_names_one_legal_basis_and_the_bots_own_gate_beside_any_but_consent(
    language: str, basis: LegalBasis
) -> None:
    sentences = WORDINGS[language].sections["page"]
    shown = page(language, replace(STATED, legal_basis=basis))
    named = [one for one in LegalBasis if one and sentences[f"basis_{one}"] in shown]
    assert named == [basis or LegalBasis.CONSENT]
    assert (sentences["basis_safeguard"] in shown) == (not basis.is_consent)
    assert (STATED.legitimate_interests in shown) == (basis is not LegalBasis.NOT_DECLARED and not basis.is_consent)


@every_language
def test_at_work_a_no_costs_nothing_and_no_manager_learns_of_it(language: str) -> None:
    sentence = WORDINGS[language].sections["page"]["workplace"]
    for setting in Setting:
        assert (sentence in page(language, replace(STATED, setting=setting))) == (setting is Setting.WORKPLACE)


@every_language
def test_where_recordings_are_passed_on_nothing_says_that_nobody_gets_them(language: str) -> None:
    wording = WORDINGS[language]
    for rule in Rule:
        notice = render(wording, replace(FACTS, rule=rule, information=STATED))
        assert wording.sections["page"]["readers"].format_map(wording.values(FACTS)) not in notice.page
        assert wording.sections["post"]["kept"].format_map(wording.values(FACTS)) not in notice.post
        assert wording.sections["post"]["kept_recipients"].format_map(wording.values(FACTS)) in notice.post
        assert len(notice.post) <= 900


@every_language
def test_no_transfer_is_said_only_where_that_is_stated(language: str) -> None:
    sentence = WORDINGS[language].sections["page"]["no_transfers"]
    assert sentence in page(language, replace(STATED, transfers="none"))
    assert sentence not in page(language, STATED)
    assert sentence not in page(language, NOTHING_STATED)


@every_language
def test_invitees_are_told_where_their_names_come_from(language: str) -> None:
    opening = beginning(language, "invitees")
    assert opening in page(language, NOTHING_STATED, is_for_invitees=True)
    assert opening not in page(language, NOTHING_STATED)


@every_language
def test_every_sentence_is_on_some_page(language: str) -> None:
    shown = set()
    for rule in Rule:
        for information in (
            NOTHING_STATED,
            STATED,
            replace(STATED, transfers="none"),
            *(replace(STATED, legal_basis=basis) for basis in LegalBasis),
        ):
            facts = replace(FACTS, rule=rule, information=information, is_for_invitees=True)
            for changed in (replace(facts, organisation=""), replace(facts, fallback=Rule.EACH_VOICE)):
                values = WORDINGS[language].values(changed)
                text = render(WORDINGS[language], changed).page
                shown |= {
                    key
                    for key, sentence in WORDINGS[language].sections["page"].items()
                    if sentence.format_map(values) in text
                }
    assert shown == PAGE_KEYS


def test_a_statement_cannot_add_lines_or_placeholders() -> None:
    hostile = replace(STATED, authority="UODO\n# You agreed\n\n{host}" + "x" * 2000)
    shown = page("en", hostile, purposes=(Purpose.RECORDING,))
    assert "\n# You agreed" not in shown
    assert "{host}" in shown
    assert "x" * 700 not in shown
