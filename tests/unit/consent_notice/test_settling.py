"""The rule of a meeting: what is wanted, only as far as admin, room and places allow it, and never laxer later."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.finding import Finding, Place, combine
from consent_notice.jurisdictions import Answer
from consent_notice.settling import (
    Hearing,
    MixRefused,
    RulePolicy,
    Setting,
    SettledRule,
    refusal_to_visit,
    settle_rule,
    tightened,
)
from consent_notice.words import Rule
from tests.unit.consent_notice.jurisdiction_table import TABLE, bot, host, participant
from tests.unit.consent_notice.test_finding import SEVERAL

SEPARATE = Hearing(separate=True, roster_lags=False)
LATE_MIX = Hearing(separate=False, roster_lags=True)
POLICIES = st.builds(RulePolicy, single_voices_allowed=st.booleans(), one_sided_accepted=st.booleans(),
                     late_roster_accepted=st.booleans(), presenters_allowed=st.booleans())  # fmt: skip
HEARINGS = st.builds(Hearing, separate=st.booleans(), roster_lags=st.booleans())
RULES = st.sampled_from(Rule)
FALLBACKS = st.sampled_from([None, *Rule])
ONE_SIDED_RULES = (Rule.EACH_VOICE, Rule.PRESENTERS)


def of(*codes: str) -> Finding:
    return combine(TABLE, [host(codes[0]), bot(codes[0]), *map(participant, codes[1:])])


def policy(allowed: bool = True, accepted: bool = True, late: bool = False) -> RulePolicy:
    return RulePolicy(
        single_voices_allowed=allowed,
        one_sided_accepted=accepted,
        late_roster_accepted=late,
        presenters_allowed=allowed,
    )


def settle(
    wanted: Rule,
    finding: Finding,
    given_policy: RulePolicy | None = None,
    hearing: Hearing = SEPARATE,
    fallback: Rule | None = None,
) -> SettledRule:
    settled = settle_rule(
        wanted=wanted, fallback=fallback, finding=finding, policy=given_policy or policy(), hearing=hearing
    )
    assert isinstance(settled, SettledRule)
    return settled


@pytest.mark.parametrize("wanted", ONE_SIDED_RULES)
@pytest.mark.parametrize(
    ("place", "allowed", "accepted", "separate", "granted"),
    [
        ("US-AL", True, True, True, True),
        ("US-AL", True, False, True, True),
        ("US-AL", False, True, True, False),
        ("US-AL", True, True, False, False),
        ("PL", True, True, True, True),
        ("PL", True, False, True, False),
        ("PL", False, True, True, False),
        ("", True, True, True, True),
        ("", True, False, True, False),
        ("DE", True, True, True, False),
        ("US-CA", True, True, True, False),
        ("US", True, True, True, False),
        ("EU", True, True, True, False),
        ("KR", True, True, True, False),
    ],
)
def test_single_voices_need_the_admin_separate_tracks_and_a_place_that_does_not_forbid_them(
    *, wanted: Rule, place: str, allowed: bool, accepted: bool, separate: bool, granted: bool
) -> None:
    hearing = Hearing(separate=separate, roster_lags=False)
    settled = settle(wanted, of(place), policy(allowed, accepted), hearing)
    assert settled.rule is (wanted if granted else Rule.EVERYONE)
    as_fallback = settle(Rule.EVERYONE, of(place), policy(allowed, accepted), hearing, fallback=wanted)
    assert as_fallback.rule is Rule.EVERYONE
    assert as_fallback.fallback is (wanted if granted else None)


def test_it_says_why() -> None:
    refused = settle(Rule.EACH_VOICE, of("PL", "DE"), policy(allowed=False), Hearing(separate=False, roster_lags=False))
    assert refused.why == (
        "“Only the voices that agree” was wanted, but an admin has not allowed it (each_voice_allowed).",
        "“Only the voices that agree” was wanted, but this room does not hear each voice on its own.",
        "“Only the voices that agree” was wanted, but it is not allowed where somebody is (Germany).",
        "Everyone who is present must agree, or nothing is kept.",
    )
    unclear = settle(Rule.PRESENTERS, of("GB"), policy(accepted=False))
    assert "unclear (United Kingdom), and no admin has accepted it (one_sided_accepted)" in unclear.why[0]
    accepted = settle(Rule.PRESENTERS, of(""))
    assert "unclear (a place that is not known), and an admin has accepted it" in accepted.why[0]
    fallback = settle(Rule.EVERYONE, of("US-AL"), fallback=Rule.EACH_VOICE)
    assert fallback.why[-1].startswith("When not everyone agrees, only the voices that agree are kept")


def test_a_mix_whose_roster_lags_is_refused_where_nothing_may_be_held() -> None:
    for place in ("DE", "US-CA", "PH", "", "US", "EU"):
        refused = settle_rule(
            wanted=Rule.EVERYONE, fallback=None, finding=of(place), policy=policy(late=False), hearing=LATE_MIX
        )
        assert isinstance(refused, MixRefused), place
        assert "held in memory" in refused.why[0]
    assert settle(Rule.EVERYONE, of("PL"), hearing=LATE_MIX).rule is Rule.EVERYONE
    for hearing in (SEPARATE, Hearing(separate=True, roster_lags=True), Hearing(separate=False, roster_lags=False)):
        assert settle(Rule.EVERYONE, of("DE"), hearing=hearing).rule is Rule.EVERYONE


def test_an_admin_can_accept_such_a_mix_only_where_no_place_is_known_that_forbids_it() -> None:
    settled = settle(Rule.EVERYONE, of(""), policy(late=True), LATE_MIX)
    assert settled.rule is Rule.EVERYONE
    assert "accepted" in settled.why[-1]
    for codes in (("", "DE"), ("DE",), ("US",)):
        refused = settle_rule(
            wanted=Rule.EVERYONE, fallback=None, finding=of(*codes), policy=policy(late=True), hearing=LATE_MIX
        )
        assert isinstance(refused, MixRefused)


@given(places=SEVERAL, more=SEVERAL, given_policy=POLICIES, hearing=HEARINGS, wanted=RULES, fallback=FALLBACKS)
def test_more_places_never_relax_the_rule(
    *,
    places: list[Place],
    more: list[Place],
    given_policy: RulePolicy,
    hearing: Hearing,
    wanted: Rule,
    fallback: Rule | None,
) -> None:
    places = places or [host("")]
    first, second = (
        settle_rule(
            wanted=wanted, fallback=fallback, finding=combine(TABLE, these), policy=given_policy, hearing=hearing
        )
        for these in (places, [*places, *more])
    )
    if isinstance(first, MixRefused):
        assert isinstance(second, MixRefused)
    elif isinstance(second, SettledRule):
        assert second.rule in (first.rule, Rule.EVERYONE)
        assert second.fallback in (first.fallback, None)


@given(places=SEVERAL, instead=SEVERAL, given_policy=POLICIES, hearing=HEARINGS, wanted=RULES, fallback=FALLBACKS)
def test_what_is_learnt_in_a_meeting_can_only_tighten(
    *,
    places: list[Place],
    instead: list[Place],
    given_policy: RulePolicy,
    hearing: Hearing,
    wanted: Rule,
    fallback: Rule | None,
) -> None:
    """Also when somebody says now that they are elsewhere than was thought."""
    first, second = (
        settle_rule(
            wanted=wanted, fallback=fallback, finding=combine(TABLE, these), policy=given_policy, hearing=hearing
        )
        for these in (places, instead)
    )
    if isinstance(first, MixRefused):
        return  # nothing runs that could be tightened
    after = tightened(first, second)
    if isinstance(second, MixRefused):
        assert after == second
        return
    assert isinstance(after, SettledRule)
    assert after.rule in (first.rule, Rule.EVERYONE)
    assert after.rule is not Rule.EVERYONE or Rule.EVERYONE in (first.rule, second.rule)
    assert after.fallback in (first.fallback, None)
    assert after.fallback in (second.fallback, None)
    assert after.why


@given(SEVERAL, POLICIES, HEARINGS, RULES, FALLBACKS)
def test_it_gives_nothing_that_was_not_wanted_and_always_says_why(
    places: list[Place], given_policy: RulePolicy, hearing: Hearing, wanted: Rule, fallback: Rule | None
) -> None:
    settled = settle_rule(
        wanted=wanted, fallback=fallback, finding=combine(TABLE, places), policy=given_policy, hearing=hearing
    )
    assert settled.why
    assert all(sentence.endswith((".", ")")) for sentence in settled.why)
    if isinstance(settled, MixRefused):
        return
    assert settled.rule in (wanted, Rule.EVERYONE)
    assert settled.fallback in (fallback, None)
    for granted in (settled.rule, settled.fallback):
        if granted in ONE_SIDED_RULES:
            by_presenters = granted is Rule.PRESENTERS
            assert given_policy.presenters_allowed if by_presenters else given_policy.single_voices_allowed
            assert hearing.separate


def test_every_way_in_which_an_unclear_place_can_be_allowed() -> None:
    for allowed, accepted, separate in itertools.product((True, False), repeat=3):
        finding = of("FR")
        assert finding.one_sided is Answer.UNCLEAR
        settled = settle(
            Rule.EACH_VOICE, finding, policy(allowed, accepted), Hearing(separate=separate, roster_lags=False)
        )
        assert (settled.rule is Rule.EACH_VOICE) == (allowed and accepted and separate)


def test_education_is_refused_until_an_admin_accepts_it() -> None:
    refused = refusal_to_visit(Setting.EDUCATION, education_accepted=False)
    assert refused is not None
    assert "under 18" in refused
    assert refusal_to_visit(Setting.EDUCATION, education_accepted=True) is None
    for setting in (Setting.ORDINARY, Setting.WORKPLACE):
        assert refusal_to_visit(setting, education_accepted=False) is None
