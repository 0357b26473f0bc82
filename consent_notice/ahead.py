"""PURE: which of the answers that were given before a meeting counts for somebody who is in it now, if any does.

A yes counts only for whom the platform knows to be the one it was tied to before, under the name it was tied to; a no
counts for everybody of its name as well. Doubt is a no. Whether and how an answer is announced is decided elsewhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from consent_notice.decisions import Act, meets_floor
from consent_notice.words import IdentityLevel, Purpose

SERIES_DAYS = 90
BY_PLATFORM_ID = "agreed ahead, platform id"
BY_NAME = "agreed ahead, same name"
BY_TAP = 'agreed ahead, "I\'m here" tap'

Acts = tuple[tuple[Purpose, Act], ...]


class Covers(StrEnum):
    """How far an answer given ahead reaches."""

    MEETING = "meeting"
    SERIES = "series"


@dataclass(frozen=True, slots=True, kw_only=True)
class AheadAnswer:
    """One person's last answer on one page, for the meeting in question or for its series."""

    agreement: str
    order: int  # grows with time: the last of several holds
    covers: Covers
    choices: Mapping[Purpose, bool]
    until: date  # it ends with that day (UTC)
    notice_version: str
    level: IdentityLevel  # of whoever it is tied to by platform id
    name: str  # as the person gave it
    tied: Mapping[str, str]  # platform id, hashed, to the name that it had when it was tied
    link: str = ""  # personal link that it came by
    link_is_revoked: bool = False
    is_withdrawn: bool = False

    @property
    def says_yes(self) -> bool:
        return not self.is_withdrawn and self.choices.get(Purpose.RECORDING, False)

    @property
    def says_no(self) -> bool:
        return not self.is_withdrawn and not self.choices.get(Purpose.RECORDING, False)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.tied.values())

    def is_called(self, name: str) -> bool:
        return any(same_name(name, known) for known in self.names)

    def is_over(self, today: date) -> bool:
        """A no to one meeting holds for it wherever it is moved (law 8); a yes was given for a day."""
        return today > self.until and not (self.covers is Covers.MEETING and self.says_no)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAgreement:
    """What was said ahead and counts in this meeting."""

    agreement: str
    acts: Acts
    identity_level: IdentityLevel
    matched_by: str


def found(
    answers: Iterable[AheadAnswer],
    platform_id: str,
    name: str,
    today: date,
    is_still_valid: Callable[[str], bool],
) -> FoundAgreement | None:
    """Among the answers for one meeting and its series. `platform_id`: hashed; empty where the platform says none.

    `is_still_valid(version)`: whether what was said to that version of the notice still counts; asked for a yes only.
    """
    known = sorted(answers, key=lambda answer: answer.order)
    last = next((answer for answer in reversed(known) if platform_id and platform_id in answer.tied), None)
    no = last if last is not None and last.says_no and not last.is_over(today) else objection(known, last, name, today)
    if no is not None:
        by_name = no is not last
        return FoundAgreement(
            agreement=no.agreement,
            acts=tuple((purpose, Act.REFUSE) for purpose in no.choices),
            identity_level=IdentityLevel.DISPLAY_NAME if by_name else no.level,
            matched_by=BY_NAME if by_name else BY_PLATFORM_ID,
        )
    if last is None or not counts_as_yes(last, today, is_still_valid):
        return None
    if not any(same_name(name, one) for one in (last.name, last.tied[platform_id])):
        return None  # the same machine or account, and maybe somebody else at it
    return FoundAgreement(
        agreement=last.agreement,
        acts=acts_of_yes(last.choices, last.level),
        identity_level=last.level,
        matched_by=BY_PLATFORM_ID,
    )


def objection(answers: Iterable[AheadAnswer], of: AheadAnswer | None, name: str, today: date) -> AheadAnswer | None:
    """The last no, given elsewhere, that may be the person's own: under a name of theirs, or by the same personal link.

    Of a person whose own answer `of` is known, a no that is tied to another one is that other one's.
    """
    names, link, is_known = {name}, "", False
    if of is not None:
        link, is_known = of.link, bool(of.tied)
        names |= {*of.names} if of.is_called(name) else set()
    own = of.agreement if of is not None else None
    noes = [one for one in answers if one.agreement != own and one.says_no and not one.is_over(today)]
    theirs = [
        one
        for one in noes
        if (link and one.link == link)
        or (not (is_known and one.tied) and any(same_name(one.name, known) for known in names))
    ]
    return max(theirs, key=lambda one: one.order, default=None)


def counts_as_yes(answer: AheadAnswer, today: date, is_still_valid: Callable[[str], bool]) -> bool:
    """What does not hang on who is there: not withdrawn, not over, its link not revoked, its text still good."""
    return (
        answer.says_yes
        and not answer.is_over(today)
        and not answer.link_is_revoked
        and is_still_valid(answer.notice_version)
    )


def acts_of_yes(choices: Mapping[Purpose, bool], level: IdentityLevel) -> Acts:
    """What was ticked as far as somebody known this well can agree to it; what was not ticked is a no."""
    return tuple(
        (purpose, Act.GIVE if chosen else Act.REFUSE)
        for purpose, chosen in choices.items()
        if not chosen or meets_floor(purpose, level)
    )


def same_name(one: str, other: str) -> bool:
    """Spelling variants that a person would not see as different; nothing is like an empty name."""
    return bool(_plain(one)) and _plain(one) == _plain(other)


def _plain(name: str) -> str:
    visible = (sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    return " ".join("".join(visible).casefold().split())
