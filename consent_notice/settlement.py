"""The entry that says whose yes is needed and why: when a stay begins, and when somebody says where they are.

What the places mean is decided in `finding`, what follows in `settling`; each later entry can only tighten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from consent_notice.events import Event, RecordingBarred, RuleSettled, VisitOpened
from consent_notice.finding import Finding, Place, combine
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
    earlier: Sequence[Event | object],
) -> Opening:
    """`wanted`, `fallback`: what the host wants; `stored`: what an earlier stay began under, which can only tighten.

    `earlier`: what is in the log of this visit, in its order.
    """
    places = tuple(places)
    finding = combine(policy.jurisdictions, places)
    now = settle_rule(wanted=wanted, fallback=fallback, finding=finding, policy=policy.rules, hearing=hearing)
    last = last_settled(earlier)
    if last is not None and not isinstance(now, MixRefused):
        known = Rule(last.fallback) if last.fallback else None
        now = tightened(SettledRule(rule=stored, fallback=known, why=last.reasons[:1]), now)
    entry = _entry(moment, now, finding, places, information, is_late_mix=not hearing.separate and hearing.roster_lags)
    if isinstance(now, MixRefused):
        return Opening(rule=Rule.EVERYONE, fallback=None, entry=entry, refusal=" ".join(now.why))
    return Opening(
        rule=now.rule, fallback=now.fallback, entry=None if last is not None and _says_the_same(last, entry) else entry
    )


def settle_declared(
    moment: Moment,
    *,
    places: Iterable[Place],
    policy: PlacePolicy,
    information: Information,
    earlier: Sequence[Event | object],
) -> list[RuleSettled | RecordingBarred]:
    """What a running meeting has to log when `places` is what is known now; nothing where that changes nothing.

    A rule that keeps single voices is not logged again: of two people who declare at once, the one whose place forbids
    it must not be overtaken by the one whose place does not.
    """
    last, places = last_settled(earlier), tuple(places)  # None: an older version opened it, and looked at none
    first, current = _rules_of(earlier)
    fallback = Rule(last.fallback) if last is not None and last.fallback else None
    is_late_mix = last is not None and last.is_late_mix
    finding = combine(policy.jurisdictions, places)
    now = settle_rule(
        wanted=first if current is Rule.EVERYONE else current,
        fallback=fallback,
        finding=finding,
        policy=policy.rules,
        hearing=Hearing(separate=not is_late_mix, roster_lags=is_late_mix),
    )
    entry = _entry(moment, now, finding, places, information, is_late_mix=is_late_mix)
    if isinstance(now, MixRefused):
        why = "a place where nothing may be held in memory before everyone agreed"
        return [
            entry,
            RecordingBarred(
                visit=moment.visit, epoch=moment.epoch, why=why, boot_id=moment.boot_id, at_ms=moment.at_ms
            ),
        ]
    takes_fallback = fallback is not None and not entry.fallback
    return [entry] if entry.rule is Rule.EVERYONE and (current is not Rule.EVERYONE or takes_fallback) else []


def last_settled(events: Iterable[Event | object]) -> RuleSettled | None:
    """The last entry that looked at places; a fallback that was taken looked at none."""
    found = [event for event in events if isinstance(event, RuleSettled) and event.profile]
    return found[-1] if found else None


def _rules_of(events: Sequence[Event | object]) -> tuple[Rule, Rule]:
    """What the visit began under, and what is in force after the last of them. One that is yet to be opened can't be
    tightened: every place that was declared is looked at then.
    """
    rules = [event.rule for event in events if isinstance(event, VisitOpened | RuleSettled)]
    return (rules[0], rules[-1]) if rules else (Rule.EVERYONE, Rule.EVERYONE)


def _entry(
    moment: Moment,
    now: SettledRule | MixRefused,
    finding: Finding,
    places: tuple[Place, ...],
    information: Information,
    *,
    is_late_mix: bool,
) -> RuleSettled:
    return RuleSettled(
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
