"""Several places together: the strictest counts, in any order, and no place that is added relaxes anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.finding import NOBODY_KNOWS, Finding, Place, Source, Whose, combine
from consent_notice.jurisdictions import Answer, Checked, Jurisdiction, Least
from tests.unit.consent_notice.jurisdiction_table import TABLE, bot, host, participant, place

CODES = sorted({code for code, _ in TABLE.choices()} | {"", "XX", "US-ZZ", "CA-QC"})
PLACES = st.builds(place, st.sampled_from(Whose), st.sampled_from(CODES), st.sampled_from(Source))
SEVERAL = st.lists(PLACES, max_size=6)


def of(*places: Place) -> Finding:
    return combine(TABLE, places)


YES, UNCLEAR, NO = Answer.YES, Answer.UNCLEAR, Answer.NO
EXPLICIT, NOTICE = Least.EXPLICIT_ALL, Least.NOTICE_ALL

# Host, bot, participants: the least, one-sided, no buffer, announcement on tape, disputed.
COMBINATIONS = [
    ("US-AL", "US-AL", [], NOTICE, YES, False, False, False),
    ("US-NY", "US-TX", ["US-OH"], NOTICE, YES, False, False, False),
    ("US-NY", "US-TX", ["US-CA"], EXPLICIT, NO, True, False, False),
    ("US-NY", "US-NY", ["US-WA"], EXPLICIT, UNCLEAR, False, True, False),
    ("US-NY", "US-NY", ["US-CT"], EXPLICIT, UNCLEAR, False, True, True),
    ("US-NY", "US-NY", ["US-GA"], NOTICE, UNCLEAR, False, False, True),
    ("US-NY", "US-NY", ["US-WI"], NOTICE, UNCLEAR, False, False, False),
    ("US-NY", "US-NY", ["US-VT"], EXPLICIT, UNCLEAR, False, False, True),
    ("US-NY", "US-NY", ["US-MI"], EXPLICIT, NO, True, False, True),
    ("US-NY", "US-NY", ["US"], EXPLICIT, NO, True, True, True),
    ("US-NY", "US-NY", ["US-ZZ"], EXPLICIT, NO, True, True, True),
    ("US-NY", "US-NY", [""], EXPLICIT, UNCLEAR, True, True, False),
    ("US-NY", "US-NY", ["GB"], NOTICE, UNCLEAR, False, False, False),
    ("US-NY", "US-NY", ["KR"], NOTICE, NO, True, False, False),
    ("PL", "PL", [], EXPLICIT, UNCLEAR, False, False, False),
    ("PL", "PL", ["PL", "PL"], EXPLICIT, UNCLEAR, False, False, False),
    ("PL", "DE", [], EXPLICIT, NO, True, False, False),
    ("PL", "PL", ["DE"], EXPLICIT, NO, True, False, False),
    ("DE", "DE", ["DE-BY"], EXPLICIT, NO, True, False, False),
    ("PL", "PL", ["AT"], EXPLICIT, UNCLEAR, True, False, True),
    ("PL", "PL", ["BE"], EXPLICIT, UNCLEAR, True, False, True),
    ("PL", "PL", ["PT"], EXPLICIT, NO, True, False, False),
    ("PL", "PL", ["GR"], EXPLICIT, UNCLEAR, True, True, False),
    ("PL", "PL", ["EU"], EXPLICIT, NO, True, True, True),
    ("GB", "GB", ["NZ", "SG", "JP"], NOTICE, UNCLEAR, False, False, False),
    ("AU-VIC", "AU-VIC", [], EXPLICIT, UNCLEAR, False, False, False),
    ("AU-VIC", "AU-VIC", ["AU"], EXPLICIT, UNCLEAR, False, False, False),
    ("CA", "CA", ["CA-QC"], EXPLICIT, UNCLEAR, False, False, False),
    ("CH", "CH", ["FR"], EXPLICIT, UNCLEAR, True, False, False),
    ("MX", "BR", ["IN"], EXPLICIT, UNCLEAR, True, False, True),
    ("AE", "PH", [], EXPLICIT, NO, True, False, False),
    ("", "", [], EXPLICIT, UNCLEAR, True, True, False),
    ("XX", "US-AL", [], EXPLICIT, UNCLEAR, True, True, False),
]


@pytest.mark.parametrize(
    ("hosts", "bots", "others", "profile", "one_sided", "no_buffer", "on_tape", "disputed"), COMBINATIONS
)
def test_the_strictest_of_host_participants_and_bot_counts(
    *,
    hosts: str,
    bots: str,
    others: list[str],
    profile: Least,
    one_sided: Answer,
    no_buffer: bool,
    on_tape: bool,
    disputed: bool,
) -> None:
    found = of(host(hosts), bot(bots), *map(participant, others))
    assert (found.profile, found.one_sided, found.no_buffer) == (profile, one_sided, no_buffer)
    assert (found.announce_on_tape, found.disputed) == (on_tape, disputed)


@given(SEVERAL, PLACES)
def test_a_place_that_is_added_never_relaxes(places: list[Place], added: Place) -> None:
    before, after = of(*places), of(*places, added)
    if places:  # of no place at all nothing is known, and the first one tells something
        assert after.is_at_least_as_strict_as(before)
    assert after.is_at_least_as_strict_as(of(added))


@given(st.lists(PLACES, max_size=6).flatmap(lambda places: st.tuples(st.just(places), st.permutations(places))))
def test_neither_order_nor_repetition_matters(both: tuple[list[Place], list[Place]]) -> None:
    places, shuffled = both
    assert of(*places) == of(*shuffled) == of(*places, *shuffled)


@given(SEVERAL, SEVERAL)
def test_two_groups_together_are_as_strict_as_the_stricter_of_each_and_no_stricter(
    these: list[Place], those: list[Place]
) -> None:
    if not these or not those:
        return
    one, other, both = of(*these), of(*those), of(*these, *those)
    assert both.no_buffer == (one.no_buffer or other.no_buffer)
    assert both.announce_on_tape == (one.announce_on_tape or other.announce_on_tape)
    assert both.disputed == (one.disputed or other.disputed)
    assert both.profile in (one.profile, other.profile)
    assert both.one_sided in (one.one_sided, other.one_sided)
    assert set(both.duties) == set(one.duties) | set(other.duties)


@pytest.mark.parametrize("row", TABLE.rows.values(), ids=lambda row: row.code)
def test_each_row_counts_in_full_where_somebody_is_there(row: Jurisdiction) -> None:
    found = of(host(row.code), bot("US-AL"), participant("US-AL"))
    assert found.profile is EXPLICIT or row.profile is NOTICE
    assert (YES, UNCLEAR, NO).index(found.one_sided) >= (YES, UNCLEAR, NO).index(row.one_sided)
    assert found.no_buffer or not row.no_buffer
    assert found.announce_on_tape or not row.announce_on_tape
    assert found.disputed or not row.disputed


@pytest.mark.parametrize("row", TABLE.rows.values(), ids=lambda row: row.code)
def test_a_place_that_is_not_known_is_as_strict_as_any_row_save_where_a_row_forbids(row: Jurisdiction) -> None:
    """What nobody knows is unclear: it needs an admin's acceptance, and no row of a real place forbids it."""
    unknown = of(participant(""))
    assert unknown.profile is EXPLICIT
    assert unknown.no_buffer
    assert unknown.announce_on_tape
    assert unknown.one_sided is UNCLEAR
    assert row.one_sided is NO or unknown.one_sided in (row.one_sided, UNCLEAR)


@given(st.sampled_from([code for code in CODES if code.startswith(("US-", "AU-"))]))
def test_a_country_without_its_part_is_as_strict_as_each_of_its_parts(code: str) -> None:
    assert of(host(code.partition("-")[0])).is_at_least_as_strict_as(of(host(code)))


def test_of_no_place_nothing_is_known() -> None:
    assert of() == of(NOBODY_KNOWS)


def test_it_names_the_rows_that_decide() -> None:
    found = of(host("PL"), bot("PL"), participant("DE"), participant("US-CA"), participant("FR"))
    assert found.one_sided_because == ("Germany", "California")
    assert found.no_buffer_because == ("Germany", "California")
    assert of(host(""), bot("")).one_sided_because == ("",)


def test_the_reasons_say_whose_place_how_it_is_known_and_how_far_each_row_was_checked() -> None:
    reasons = of(host("PL"), bot(""), participant("DE"), participant("US"), participant("GR")).reasons
    texts = [reason.text for reason in reasons]
    assert texts[:5] == [
        "The host (profile): Poland.",
        "A participant (declared): Germany.",
        "A participant (declared): Greece, which the table has no rules of, so the strictest counts.",
        "A participant (declared): United States; which part is not stated, so the strictest of its parts counts.",
        "It is not known where the bot is, so the strictest counts.",
    ]
    germany = next(reason for reason in reasons if reason.text.startswith("Germany: the voices"))
    assert (germany.cite, germany.checked) == (TABLE.rows["DE"].cite, Checked.SECONDARY)
    assert germany.is_derived
    least = next(reason for reason in reasons if "explicit yes" in reason.text)
    assert not least.is_derived
    assert "Where somebody's place is not known: the announcement has to be part of the recording." in texts


@given(SEVERAL)
def test_each_reason_is_a_sentence_said_once_and_each_row_shows_how_far_it_was_checked(places: list[Place]) -> None:
    reasons = of(*places).reasons
    assert len({reason.text for reason in reasons}) == len(reasons)
    for reason in reasons:
        assert reason.text.endswith(".")
        assert bool(reason.cite) == (reason.checked is not Checked.UNKNOWN_PLACE)


@given(SEVERAL)
def test_each_duty_is_there_once_and_says_how_far_it_was_checked(places: list[Place]) -> None:
    duties = of(*places).duties
    assert len({(duty.overlay, duty.text) for duty in duties}) == len(duties)
    assert all(duty.cite and duty.checked is not Checked.UNKNOWN_PLACE for duty in duties)
    assert "children" in {duty.overlay for duty in duties}
