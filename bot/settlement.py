"""PURE: which rule a stay begins under, and the entry that says why: from the places, the room and what was before.

What the places mean is decided in `consent_notice.finding`, what follows in `consent_notice.settling`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.commands import Durable
from bot.ports import Hears, RoomCapabilities
from consent_notice.events import Event, RuleSettled
from consent_notice.finding import Place, combine
from consent_notice.information import Information
from consent_notice.jurisdictions import Jurisdictions
from consent_notice.settling import Hearing, MixRefused, RulePolicy, Setting, SettledRule, settle_rule, tightened
from consent_notice.words import Rule, VisitId

KEEPS_LITTLE = RulePolicy(single_voices_allowed=False, one_sided_accepted=False, late_roster_accepted=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacePolicy:
    """What the installation's settings say about places, and what an admin accepted."""

    jurisdictions: Jurisdictions
    rules: RulePolicy = KEEPS_LITTLE
    host_location: str = ""  # of hosts who say nothing themselves
    bot_location: str = ""
    education_accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Of which stay, and when."""

    visit: VisitId
    epoch: int
    boot_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """`refusal`: nothing may be heard in that room; empty: the stay begins."""

    rule: Rule
    fallback: Rule | None
    entry: RuleSettled | None  # None: an earlier one of this visit still says it
    refusal: str = ""


def hearing_of(capabilities: RoomCapabilities) -> Hearing:
    return Hearing(separate=capabilities.hears is Hears.SEPARATE, roster_lags=capabilities.roster_lag_ms > 0)


def settle_opening(
    moment: Moment,
    *,
    wanted: Rule,
    fallback: Rule | None,
    stored: Rule,
    places: Iterable[Place],
    policy: PlacePolicy,
    information: Information,
    hearing: Hearing,
    earlier: Sequence[Durable],
) -> Opening:
    """`wanted`, `fallback`: what the host wants; `stored`: what an earlier stay began under, which can only tighten."""
    places = tuple(places)
    finding = combine(policy.jurisdictions, places)
    now = settle_rule(wanted=wanted, fallback=fallback, finding=finding, policy=policy.rules, hearing=hearing)
    last = last_settled(entry.event for entry in earlier)
    if last is not None and not isinstance(now, MixRefused):
        known = Rule(last.fallback) if last.fallback else None
        now = tightened(SettledRule(rule=stored, fallback=known, why=last.reasons[:1]), now)
    is_late_mix = not hearing.separate and hearing.roster_lags
    entry = RuleSettled(
        visit=moment.visit,
        epoch=moment.epoch,
        rule=Rule.EVERYONE if isinstance(now, MixRefused) else now.rule,
        profile=finding.profile.value,
        places=tuple(place.as_told() for place in places),
        reasons=(*now.why, *(reason.line() for reason in finding.reasons), *_setting(information)),
        boot_id=moment.boot_id,
        at_ms=moment.at_ms,
        fallback="" if isinstance(now, MixRefused) or now.fallback is None else now.fallback.value,
        is_late_mix=is_late_mix,
    )
    if isinstance(now, MixRefused):
        return Opening(rule=Rule.EVERYONE, fallback=None, entry=entry, refusal=" ".join(now.why))
    return Opening(
        rule=now.rule, fallback=now.fallback, entry=None if last is not None and _says_the_same(last, entry) else entry
    )


def last_settled(events: Iterable[Event | object]) -> RuleSettled | None:
    """The last entry that looked at places; a fallback that was taken looked at none."""
    found = [event for event in events if isinstance(event, RuleSettled) and event.profile]
    return found[-1] if found else None


def _says_the_same(last: RuleSettled, entry: RuleSettled) -> bool:
    """Whenever it was said, and in whatever words."""
    return last == replace(entry, epoch=last.epoch, boot_id=last.boot_id, at_ms=last.at_ms, reasons=last.reasons)


def _setting(information: Information) -> Iterable[str]:
    if information.setting is not Setting.ORDINARY:
        yield f"This installation's profile is “{information.setting.value}”."
    if not information.legal_basis.is_consent:
        basis = information.legal_basis.value.replace("_", " ")
        yield f"The legal basis that the admin declared is: {basis}. Nothing is kept without a person's own yes."
    if agreement := information.said("works_council_agreement"):
        yield f"Agreement with the works council: {agreement.rstrip('.')}."
