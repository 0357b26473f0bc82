"""The full text of a notice, paragraph by paragraph: what GDPR articles 13 and 14 want, as far as it is stated.

Puts sentences together that `notice` has filled in; words none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consent_notice.information import Information, is_none
from consent_notice.settling import Setting
from consent_notice.words import Rule

PAGE_KEYS = frozenset(
    [
        "heading_who",
        "who",
        "who_organisation",
        "contact",
        "address",
        "representative",
        "dpo",
        "heading_what",
        "what",
        "basis_consent",
        "basis_contract",
        "basis_legal_obligation",
        "basis_public_task",
        "basis_legitimate_interests",
        "interests",
        "basis_safeguard",
        "obligatory",
        "workplace",
        "works_council",
        "heading_rule",
        "rule_everyone",
        "rule_each_voice",
        "rule_presenters",
        "fallback_each_voice",
        "before",
        "silence",
        "heading_kept",
        "kept",
        "speech_to_text",
        "readers",
        "readers_recipients",
        "transfers",
        "no_transfers",
        "invitees",
        "others",
        "record",
        "heading_mind",
        "withdraw",
        "withdraw_everyone",
        "withdraw_each_voice",
        "withdraw_presenters",
        "rights",
        "authority",
        "automated",
    ]
)


def page_text(
    say: Mapping[str, str],
    purposes: Sequence[str],
    information: Information,
    *,
    rule: Rule,
    states_fallback: bool,
    names_organisation: bool,
    has_contact: bool,
    is_transcribed: bool,
    is_for_invitees: bool,
) -> str:
    """Paragraphs with an empty line between. `say`: every sentence of PAGE_KEYS with the facts in it."""
    paragraphs = [
        "# " + say["heading_who"],
        say["who_organisation" if names_organisation else "who"],
        say["contact"] if has_contact else "",
        say["address"] if information.said("organisation_address") else "",
        say["representative"] if information.said("representative") else "",
        say["dpo"] if information.said("dpo_contact") else "",
        "# " + say["heading_what"],
        say["what"],
        "\n".join("- " + purpose for purpose in purposes),
        _basis(say, information),
        say["obligatory"] if information.said("obligatory") else "",
        say["workplace"] if information.setting is Setting.WORKPLACE else "",
        say["works_council"] if information.said("works_council_agreement") else "",
        "# " + say["heading_rule"],
        say[f"rule_{rule}"],
        say["fallback_each_voice"] if states_fallback else "",
        say["before"],
        say["silence"],
        "# " + say["heading_kept"],
        say["kept"],
        say["speech_to_text"] if is_transcribed else "",
        say["readers_recipients" if information.said("recipients") else "readers"],
        _transfers(say, information),
        say["invitees"] if is_for_invitees else "",
        say["others"],
        say["record"],
        "# " + say["heading_mind"],
        say["withdraw"],
        say[f"withdraw_{rule}"],
        say["rights"],
        say["authority"] if information.said("authority") else "",
        say["automated"],
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _basis(say: Mapping[str, str], information: Information) -> str:
    if information.legal_basis.is_consent:
        return say["basis_consent"]
    interests = say["interests"] if information.said("legitimate_interests") else ""
    sentences = (say[f"basis_{information.legal_basis}"], interests, say["basis_safeguard"])
    return " ".join(sentence for sentence in sentences if sentence)


def _transfers(say: Mapping[str, str], information: Information) -> str:
    if is_none(information.transfers):
        return say["no_transfers"]
    return say["transfers"] if information.transfers else ""
