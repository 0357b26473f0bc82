"""Which rule a meeting gets: what the host wants, as far as an admin, the room and the places allow it.

Never relaxes: in doubt everyone must agree, and what is learnt during a meeting can only tighten. Whose yes a kept
sound then needs is judged in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from consent_notice.finding import Finding
from consent_notice.jurisdictions import Answer
from consent_notice.words import Rule


class Setting(StrEnum):
    """Where this installation's meetings take place; the spelling is that of the setting `profile`."""

    ORDINARY = ""
    WORKPLACE = "workplace"
    EDUCATION = "education"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePolicy:
    """What the admin allowed and accepted."""

    single_voices_allowed: bool  # the rule that keeps the voices of those who agreed alone
    one_sided_accepted: bool  # also where the law on that is unclear
    late_roster_accepted: bool  # a mix whose roster lags, where nothing is known against it but nothing is known
    presenters_allowed: bool = False  # the same for large meetings


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How the room hears."""

    separate: bool  # each person on a track of their own
    roster_lags: bool  # a join may be told later than its sound is heard


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRule:
    rule: Rule
    fallback: Rule | None  # what may follow, as the notice says it, when not everyone agreed; None: the bot leaves
    why: tuple[str, ...]  # plain sentences, never empty


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRefused:
    """A value, not an error: nothing may be heard in that room."""

    why: tuple[str, ...]


_WANTED: Mapping[Rule, str] = MappingProxyType(
    {
        Rule.EVERYONE: "everyone must agree",
        Rule.EACH_VOICE: "only the voices that agree",
        Rule.PRESENTERS: "only the speakers who agree",
    }
)
_EDUCATION = (
    "This installation is for education, where people under 18 may be present, so the bot records nothing unless an "
    "admin has accepted that (education_accepted)."
)


def settle_rule(
    *, wanted: Rule, fallback: Rule | None, finding: Finding, policy: RulePolicy, hearing: Hearing
) -> SettledRule | MixRefused:
    """`fallback`: what the host wants when not everyone agrees; it is held to the same conditions."""
    mix = tuple(_against_the_mix(finding, hearing))
    if mix and not (policy.late_roster_accepted and not any(finding.no_buffer_because)):
        return MixRefused(why=mix)
    looser = (fallback or Rule.EACH_VOICE) if wanted is Rule.EVERYONE else wanted
    against = tuple(_against_single_voices(looser, finding, policy, hearing))
    wishes = [(wanted, "was wanted")]
    if fallback is not None and wanted is Rule.EVERYONE:
        wishes.append((fallback, "was wanted when not everyone agrees"))
    why = [
        f"“{_capital(_WANTED[wish])}” {how}, but {reason}"
        for wish, how in wishes
        if wish is not Rule.EVERYONE
        for reason in against
    ]
    rule = Rule.EVERYONE if against else wanted
    if rule is Rule.EVERYONE:
        why.append("Everyone who is present must agree, or nothing is kept.")
    else:
        why.append(f"{_capital(_WANTED[rule])} are kept, as the host wants it: {_allowed(finding)}")
    settled_fallback = None
    if wanted is Rule.EVERYONE and fallback not in (None, Rule.EVERYONE) and not against:
        settled_fallback = fallback
        why.append(f"When not everyone agrees, {_WANTED[fallback]} are kept: {_allowed(finding)}")
    if mix:
        why.append("The admin accepted that this room tells late who joined.")
    return SettledRule(rule=rule, fallback=settled_fallback, why=tuple(why))


def tightened(before: SettledRule, now: SettledRule | MixRefused) -> SettledRule | MixRefused:
    """For a meeting that runs: what was learnt since can take away, never give."""
    if isinstance(now, MixRefused):
        return now
    if before.rule is Rule.EVERYONE and now.rule is not Rule.EVERYONE:
        return replace(before, fallback=None)
    # The notice that was given spoke of the earlier fallback alone.
    return replace(now, fallback=before.fallback if before.fallback is now.fallback else None)


def refusal_to_visit(setting: Setting, *, education_accepted: bool) -> str | None:
    """Why no meeting of this installation is visited; None: they are."""
    return _EDUCATION if setting is Setting.EDUCATION and not education_accepted else None


def _against_the_mix(finding: Finding, hearing: Hearing) -> Iterator[str]:
    if hearing.separate or not hearing.roster_lags or not finding.no_buffer:
        return
    for name in finding.no_buffer_because:
        where = f"in {name} " if name else "where it is not known where somebody is, "
        yield (
            f"This room mixes all voices and tells late who joined, and {where}nothing may be held in memory before it "
            "is known that everyone agreed."
        )


def _against_single_voices(rule: Rule, finding: Finding, policy: RulePolicy, hearing: Hearing) -> Iterator[str]:
    is_allowed = policy.presenters_allowed if rule is Rule.PRESENTERS else policy.single_voices_allowed
    if not is_allowed:
        yield f"an admin has not allowed it ({rule.value}_allowed)."
    if not hearing.separate:
        yield "this room does not hear each voice on its own."
    if finding.one_sided is Answer.NO:
        yield f"it is not allowed where somebody is ({_named(finding)})."
    elif finding.one_sided is Answer.UNCLEAR and not policy.one_sided_accepted:
        named = _named(finding)
        yield f"whether that is allowed is unclear ({named}), and no admin has accepted it (one_sided_accepted)."


def _allowed(finding: Finding) -> str:
    if finding.one_sided is Answer.UNCLEAR:
        return f"whether that is allowed is unclear ({_named(finding)}), and an admin has accepted it."
    return "no row of the table speaks against it."


def _named(finding: Finding) -> str:
    return ", ".join(name or "a place that is not known" for name in finding.one_sided_because)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
