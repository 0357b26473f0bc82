"""What GDPR articles 13 and 14 want people to be told beside what the bot knows by itself, and what of it is missing.

All of it is the organisation's own statement. What is not stated is left out of a notice, never made up; here it is
counted, so that an admin sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from consent_notice.settling import Setting

NONE = "none"  # written for "there is none": stated, and nothing more to say


class LegalBasis(StrEnum):
    """GDPR art. 6(1), as the admin declares it; whatever it is, the bot keeps nothing without a person's own yes."""

    NOT_DECLARED = ""  # the bot asks for consent, and that is what it is
    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"

    @property
    def is_consent(self) -> bool:
        return self in (LegalBasis.NOT_DECLARED, LegalBasis.CONSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Information:
    """Each text may be empty: not stated."""

    organisation_address: str = ""
    representative: str = ""  # in the European Union, of an organisation outside it
    dpo_contact: str = ""  # of the data protection officer
    recipients: str = ""  # whom recordings are passed on to
    transfers: str = ""  # where they go outside the European Economic Area, and under which safeguard
    authority: str = ""  # the data protection authority in charge of the organisation
    obligatory: str = ""  # whether anybody is obliged, and what follows from a no
    legal_basis: LegalBasis = LegalBasis.NOT_DECLARED
    legitimate_interests: str = ""  # which, where they are the legal basis
    works_council_agreement: str = ""
    setting: Setting = Setting.ORDINARY

    def said(self, name: str) -> str:
        """The text for a notice; empty where nothing is stated, or nothing but that there is none."""
        text = str(getattr(self, name))
        return "" if is_none(text) else text


NOTHING_STATED = Information()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One item that nobody stated."""

    setting: str  # its name in [notice]
    article: str
    what: str


_WANTED = (
    Missing(setting="organisation_address", article="13(1)(a)", what="the organisation's address"),
    Missing(
        setting="representative",
        article="13(1)(a)",
        what="its representative in the European Union, if it sits outside",
    ),
    Missing(setting="dpo_contact", article="13(1)(b)", what="how to reach the data protection officer"),
    Missing(setting="legal_basis", article="13(1)(c)", what="the legal basis; the notice says that it is consent"),
    Missing(setting="recipients", article="13(1)(e)", what="who else gets recordings"),
    Missing(setting="transfers", article="13(1)(f)", what="transfers outside the European Economic Area"),
    Missing(setting="authority", article="13(2)(d)", what="the data protection authority in charge"),
    Missing(setting="obligatory", article="13(2)(e)", what="whether anybody is obliged, and what follows from a no"),
)
_INTERESTS = Missing(setting="legitimate_interests", article="13(1)(d)", what="which legitimate interests")
_WORKS_COUNCIL = Missing(setting="works_council_agreement", article="88", what="the agreement with the works council")


def missing(information: Information) -> tuple[Missing, ...]:
    """In the order of the articles; `none` counts as stated."""
    return tuple(item for item in _wanted(information) if not getattr(information, item.setting))


def missing_line(information: Information) -> str:
    """For whoever starts the server; empty where all is stated."""
    items = ", ".join(f"{item.setting} (art. {item.article})" for item in missing(information))
    advice = 'state it under [notice], or write "none" where there is none'
    return f"the notice does not state: {items}; {advice}" if items else ""


def is_none(text: str) -> bool:
    return text.strip().casefold() == NONE


def facts_of(information: Information) -> dict[str, str]:
    """Every item as text, for what a version of the notice is made of."""
    return {field.name: str(getattr(information, field.name)) for field in fields(information)}


def _wanted(information: Information) -> Iterator[Missing]:
    yield from _WANTED
    if information.legal_basis is LegalBasis.LEGITIMATE_INTERESTS:
        yield _INTERESTS
    if information.setting is Setting.WORKPLACE:
        yield _WORKS_COUNCIL
