"""The rule that a stay begins under: as wanted, as far as places and room allow it, and never laxer than before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consent_notice.events import RecordingBarred, RuleSettled, VisitOpened
from consent_notice.finding import places_of
from consent_notice.information import NOTHING_STATED, Information, LegalBasis
from consent_notice.settlement import Moment, Opening, PlacePolicy, last_settled, settle_declared, settle_opening
from consent_notice.settling import Hearing, RulePolicy, Setting
from consent_notice.words import Rule, VisitId
from tests.unit.consent_notice.jurisdiction_table import TABLE

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
        "policy": PlacePolicy(jurisdictions=TABLE, rules=ALLOWED),
        "information": NOTHING_STATED,
        "hearing": SEPARATE,
        "earlier": [],
    }
    return settle_opening(changes.pop("moment", MOMENT), **(given | changes))


def as_logged(*openings: Opening) -> list[object]:
    return [one.entry for one in openings if one.entry is not None]


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
    assert opening(policy=PlacePolicy(jurisdictions=TABLE)).rule is Rule.EVERYONE


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


OPENED = VisitOpened(
    visit=VisitId("visit"),
    epoch=1,
    meeting="meeting",
    platform="practice",
    host="Host",
    bot_name="onrecord",
    rule=Rule.EACH_VOICE,
    path_delay_ms=0,
    boot_id="boot",
    at_ms=1,
)

# ---- somebody says where they are -------------------------------------------------------------------------------


def declared(
    first: Opening, *codes: str, after: tuple[object, ...] = (), rules: RulePolicy = ALLOWED
) -> list[RuleSettled | RecordingBarred]:
    return settle_declared(
        Moment(visit=VisitId("visit"), epoch=1, boot_id="boot", at_ms=50),
        places=places_of(host="PL", usual_host="", bot="PL", declared=codes),
        policy=PlacePolicy(jurisdictions=TABLE, rules=rules),
        information=NOTHING_STATED,
        earlier=[replace(OPENED, rule=first.rule), *as_logged(first), *after],
    )


def test_a_place_that_forbids_single_voices_tightens_the_meeting_that_runs() -> None:
    (entry,) = declared(opening(), "DE")
    assert isinstance(entry, RuleSettled)
    assert (entry.rule, entry.at_ms) == (Rule.EVERYONE, 50)
    assert ("DE", "participant (declared)") in entry.places


def test_a_place_that_changes_nothing_is_not_logged_under_single_voices() -> None:
    """Else whoever declares it could overtake somebody whose place forbids them, and loosen what they tightened."""
    assert declared(opening(), "FR") == []
    assert declared(opening()) == []


def test_once_tightened_nothing_loosens_it_and_nothing_is_said_twice() -> None:
    first = opening()
    (tight,) = declared(first, "DE")
    for codes in (("DE",), ("FR",), (), ("DE", "FR", "US-CA")):
        assert declared(first, *codes, after=(tight,)) == []


def test_a_fallback_goes_with_the_first_place_that_forbids_it() -> None:
    first = opening(wanted=Rule.EVERYONE, fallback=Rule.EACH_VOICE)
    assert declared(first, "FR") == []
    (entry,) = declared(first, "DE")
    assert isinstance(entry, RuleSettled)
    assert (entry.rule, entry.fallback) == (Rule.EVERYONE, "")
    assert "is not allowed where somebody is (Germany)" in entry.reasons[0]
    assert declared(first, "FR", after=(entry,)) == []


def test_a_fallback_that_was_taken_is_taken_back() -> None:
    first = opening(wanted=Rule.EVERYONE, fallback=Rule.EACH_VOICE)
    fallen = RuleSettled(
        visit=VisitId("visit"), epoch=1, rule=Rule.EACH_VOICE, profile="", places=(), reasons=("x",), boot_id="boot",
        at_ms=40,
    )  # fmt: skip
    (entry,) = declared(first, "DE", after=(fallen,))
    assert isinstance(entry, RuleSettled)
    assert (entry.rule, entry.fallback) == (Rule.EVERYONE, "")
    assert declared(first, "FR", after=(fallen,)) == []


def test_in_a_mix_that_tells_late_who_joined_it_bars_the_recording() -> None:
    accepts = RulePolicy(single_voices_allowed=True, one_sided_accepted=True, late_roster_accepted=True)
    first = opening(wanted=Rule.EVERYONE, hearing=LATE_MIX, policy=PlacePolicy(jurisdictions=TABLE, rules=accepts))
    assert not first.refusal
    entry, bar = declared(first, "DE", rules=accepts)
    assert isinstance(entry, RuleSettled)
    assert isinstance(bar, RecordingBarred)
    assert "held in memory" in bar.why
    assert entry.is_late_mix


def test_before_a_visit_is_opened_nothing_is_logged() -> None:
    moment = Moment(visit=VisitId("visit"), epoch=1, boot_id="boot", at_ms=50)
    policy = PlacePolicy(jurisdictions=TABLE, rules=ALLOWED)
    places = places_of(host="", usual_host="", bot="", declared=("DE",))
    assert settle_declared(moment, places=places, policy=policy, information=NOTHING_STATED, earlier=[]) == []


def test_a_visit_that_an_older_version_opened_is_tightened_too() -> None:
    moment = Moment(visit=VisitId("visit"), epoch=1, boot_id="boot", at_ms=50)
    policy = PlacePolicy(jurisdictions=TABLE, rules=ALLOWED)
    for code, rules in (("DE", [Rule.EVERYONE]), ("FR", [])):
        places = places_of(host="", usual_host="", bot="", declared=(code,))
        found = settle_declared(moment, places=places, policy=policy, information=NOTHING_STATED, earlier=[OPENED])
        assert [entry.rule for entry in found if isinstance(entry, RuleSettled)] == rules
