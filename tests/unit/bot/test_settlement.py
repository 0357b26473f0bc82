"""The rule that a stay begins under: as wanted, as far as places and room allow it, and never laxer than before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.commands import Durable
from bot.ports import Hears
from bot.settlement import Moment, Opening, PlacePolicy, hearing_of, last_settled, settle_opening
from config.jurisdictions import jurisdictions
from consent_notice.events import RuleSettled
from consent_notice.finding import places_of
from consent_notice.information import NOTHING_STATED, Information, LegalBasis
from consent_notice.settling import Hearing, RulePolicy, Setting
from consent_notice.words import Rule, VisitId
from tests.simulators.visit import CAPABILITIES

ALLOWED = RulePolicy(single_voices_allowed=True, one_sided_accepted=True, late_roster_accepted=False)
SEPARATE = Hearing(separate=True, roster_lags=True)
LATE_MIX = Hearing(separate=False, roster_lags=True)
MOMENT = Moment(visit=VisitId("visit"), epoch=1, boot_id="boot", at_ms=5)


def opening(
    *declared: str, wanted: Rule = Rule.EACH_VOICE, host: str = "PL", bot: str = "PL", **changes: Any
) -> Opening:
    given: dict[str, Any] = {
        "wanted": wanted,
        "fallback": None,
        "stored": wanted,
        "places": places_of(host=host, usual_host="", bot=bot, declared=declared),
        "policy": PlacePolicy(jurisdictions=jurisdictions(), rules=ALLOWED),
        "information": NOTHING_STATED,
        "hearing": SEPARATE,
        "earlier": [],
    }
    return settle_opening(changes.pop("moment", MOMENT), **(given | changes))


def as_logged(*openings: Opening) -> list[Durable]:
    entries = [one.entry for one in openings if one.entry is not None]
    return [Durable(index=index, event_id=str(index), event=entry) for index, entry in enumerate(entries)]


def later(*before: Opening, declared: tuple[str, ...] = (), stored: Rule = Rule.EACH_VOICE, **changes: Any) -> Opening:
    moment = Moment(visit=VisitId("visit"), epoch=2, boot_id="boot 2", at_ms=9)
    return opening(*declared, earlier=as_logged(*before), stored=stored, moment=moment, **changes)


def test_the_first_stay_says_why_with_each_place_and_its_row() -> None:
    found = opening()
    assert (found.rule, found.refusal) == (Rule.EACH_VOICE, "")
    entry = found.entry
    assert entry is not None
    assert entry.places == (("PL", "host (profile)"), ("PL", "bot (setting)"), ("", "participant (unknown)"))
    assert (entry.rule, entry.profile, entry.at_ms) == (Rule.EACH_VOICE, "explicit_all", 5)
    assert any("Poland" in reason and "a summary was read" in reason for reason in entry.reasons)
    assert "derived from the row's own words" in " ".join(entry.reasons)


@pytest.mark.parametrize("place", ["DE", "US-CA", "KR"])
def test_a_place_that_forbids_it_makes_it_everyone(place: str) -> None:
    for found in (opening(host=place), opening(bot=place), opening(place)):
        assert found.rule is Rule.EVERYONE
        assert found.entry is not None
        assert "is not allowed where somebody is" in found.entry.reasons[0]


def test_what_no_admin_allowed_is_everyone() -> None:
    assert opening(policy=PlacePolicy(jurisdictions=jurisdictions())).rule is Rule.EVERYONE


def test_a_fallback_is_held_to_the_same_conditions_and_is_in_the_entry() -> None:
    for place, expected in (("PL", Rule.EACH_VOICE), ("DE", None)):
        found = opening(host=place, wanted=Rule.EVERYONE, fallback=Rule.EACH_VOICE)
        assert (found.rule, found.fallback) == (Rule.EVERYONE, expected)
        assert found.entry is not None
        assert found.entry.fallback == (expected or "")


def test_a_room_that_may_not_be_heard_at_all_is_refused_with_the_reason() -> None:
    found = opening(hearing=LATE_MIX)
    assert found.rule is Rule.EVERYONE
    assert found.fallback is None
    assert "tells late who joined" in found.refusal
    assert found.entry is not None
    assert found.entry.is_late_mix


def test_a_stay_that_finds_all_as_it_was_adds_nothing_to_the_log() -> None:
    first = opening()
    again = later(first)
    assert (again.rule, again.entry) == (Rule.EACH_VOICE, None)


def test_a_later_stay_is_tightened_by_what_was_declared_since_and_stays_so() -> None:
    first = opening()
    tightened = later(first, declared=("DE",))
    assert tightened.rule is Rule.EVERYONE
    assert tightened.entry is not None
    taken_back = later(first, tightened, stored=Rule.EVERYONE)
    assert taken_back.rule is Rule.EVERYONE


def test_a_later_stay_never_gets_a_fallback_that_was_taken_away() -> None:
    everyone: dict[str, Any] = {"wanted": Rule.EVERYONE, "stored": Rule.EVERYONE, "fallback": Rule.EACH_VOICE}
    first = opening(wanted=Rule.EVERYONE, fallback=Rule.EACH_VOICE)
    assert later(first, **everyone).fallback is Rule.EACH_VOICE
    taken = later(first, declared=("DE",), **everyone)
    assert taken.fallback is None
    assert later(first, taken, **everyone).fallback is None


def test_a_visit_of_an_older_version_is_settled_now() -> None:
    assert later(host="DE").rule is Rule.EVERYONE
    assert later(host="DE").entry is not None


def test_an_entry_that_looked_at_no_place_is_not_the_last_that_did() -> None:
    first = opening().entry
    assert first is not None
    fallen = RuleSettled(
        visit=first.visit, epoch=1, rule=Rule.EACH_VOICE, profile="", places=(), reasons=("x",), boot_id="b", at_ms=7
    )
    assert last_settled([first, fallen, "something else"]) is first
    assert last_settled([fallen]) is None


def test_the_profile_the_legal_basis_and_the_works_council_are_in_the_evidence() -> None:
    information = Information(
        setting=Setting.WORKPLACE,
        legal_basis=LegalBasis.LEGITIMATE_INTERESTS,
        works_council_agreement="of 3 March 2026, no. 14.",
    )
    entry = opening(information=information).entry
    assert entry is not None
    assert entry.reasons[-3:] == (
        "This installation's profile is “workplace”.",
        "The legal basis that the admin declared is: legitimate interests. Nothing is kept without a person's own yes.",
        "Agreement with the works council: of 3 March 2026, no. 14.",
    )
    plain = opening(information=Information(works_council_agreement="none")).entry
    assert plain is not None
    assert "works council" not in " ".join(plain.reasons)


def test_how_a_room_hears_follows_from_what_it_can_do() -> None:
    assert hearing_of(CAPABILITIES) == SEPARATE
    assert hearing_of(replace(CAPABILITIES, hears=Hears.MIXED)) == LATE_MIX
    assert not hearing_of(replace(CAPABILITIES, roster_lag_ms=0)).roster_lags
