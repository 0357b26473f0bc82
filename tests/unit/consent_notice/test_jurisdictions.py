"""The table is whole, read strictly, and looked up so that a place that is half known counts as its strictest part."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from consent_notice.jurisdictions import Answer, BadJurisdictions, Checked, Least, Parties, read_jurisdictions
from tests.unit.consent_notice.jurisdiction_table import RAW, TABLE, TEXT

STATES = {row["code"] for row in RAW["jurisdiction"] if row["code"].startswith("US-")}


def codes(place: str) -> set[str]:
    return {row.code for row in TABLE.locate(place).rows}


def overlays(place: str) -> set[str]:
    return {overlay.id for overlay in TABLE.locate(place).overlays}


def test_every_row_of_the_file_is_read_with_everything_that_it_says() -> None:
    assert len(TABLE.rows) == TEXT.count("\n[[jurisdiction]]") == 89
    assert len(TABLE.overlays) == TEXT.count("\n[[overlay]]") == 9
    assert len(TABLE.groups) == TEXT.count("\n[[group]]") == 2
    for entry in RAW["jurisdiction"]:
        row = TABLE.rows[entry["code"]]
        for column, value in entry.items():
            assert getattr(row, column) == value, (entry["code"], column)
    for entry, overlay in zip(RAW["overlay"], TABLE.overlays, strict=True):
        assert (overlay.id, overlay.cite, overlay.checked) == (entry["id"], entry["cite"], entry["checked"])
        assert (list(overlay.duties), list(overlay.applies_to)) == (entry["duties"], entry["applies_to"])


def test_all_fifty_states_and_the_capital_have_a_row() -> None:
    assert len(STATES) == 51


def test_the_groups_are_those_of_today() -> None:
    members = {group.code: set(group.members) for group in TABLE.groups}
    assert len(members["EU"]) == 27
    assert members["EEA"] - members["EU"] == {"IS", "LI", "NO"}
    assert "GB" not in members["EEA"] | members["EU"]


def test_every_row_says_how_far_it_was_checked_and_where_it_was_read() -> None:
    for row in TABLE.rows.values():
        assert row.checked in (Checked.PRIMARY, Checked.SECONDARY, Checked.MEMORY)
        assert row.cite


def test_the_file_says_what_it_is_and_how_the_derived_columns_came_about() -> None:
    head = " ".join(TEXT.partition("\n[meta]")[0].replace("#", "").split())
    assert "no legal advice" in head
    assert 'count as checked = "derived"' in head
    assert RAW["meta"]["derived"] == ["one_sided", "no_buffer"]
    for mark in ("/work", "/home", "/tmp"):
        assert mark not in TEXT


def test_one_sided_is_allowed_only_where_the_row_says_so_without_a_but() -> None:
    allowed = [row for row in TABLE.rows.values() if row.one_sided is Answer.YES]
    assert allowed
    for row in allowed:
        assert row.rule is Parties.ONE
        assert row.notice_suffices is Answer.YES
        assert row.profile is Least.NOTICE_ALL
        assert row.checked is not Checked.MEMORY
        assert not row.disputed
        assert not row.note or row.code == "US"


def test_one_sided_is_forbidden_where_everyone_must_consent_and_notice_does_not_do() -> None:
    for row in TABLE.rows.values():
        if row.rule is Parties.ALL and row.notice_suffices is Answer.NO:
            assert row.one_sided is Answer.NO, row.code
            assert row.no_buffer, row.code
    assert {row.code for row in TABLE.rows.values() if row.one_sided is Answer.NO} == {
        "US-CA", "US-MI", "DE", "PT", "PH", "AE", "KR",
    }  # fmt: skip


def test_no_disputed_row_allows_anything_that_it_need_not() -> None:
    for row in TABLE.rows.values():
        if row.disputed:
            assert row.one_sided is not Answer.YES, row.code


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("PL", {"EU", "PL"}),
        ("pl ", {"EU", "PL"}),
        ("NO", {"NO"}),
        ("GB", {"GB"}),
        ("US-CA", {"US", "US-CA"}),
        ("US-AL", {"US", "US-AL"}),
        ("US", {"US", *STATES}),
        ("US-ZZ", {"US", *STATES}),
        ("AU", {code for code in TABLE.rows if code.startswith("AU-")}),
        ("AU-XX", {code for code in TABLE.rows if code.startswith("AU-")}),
        ("AU-NSW", {"AU-NSW"}),
        ("CA-QC", {"CA"}),
        ("DE-BY", {"EU", "DE"}),
        ("GR", {"EU", ""}),
        ("IS", {""}),
        ("UA", {""}),
        ("", {""}),
        ("XX", {""}),
        ("*", {""}),
        ("EEA", {""}),
    ],
)
def test_a_place_counts_as_all_the_rows_that_may_hold_there(place: str, expected: set[str]) -> None:
    assert codes(place) == expected


def test_the_union_without_a_country_counts_as_each_of_its_members_and_as_those_without_a_row() -> None:
    assert codes("EU") >= {"EU", "DE", "PL", "PT", ""}
    assert "NO" not in codes("EU")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("PL", {"gdpr", "eprivacy", "eu_ai_act", "children"}),
        ("NO", {"gdpr", "eprivacy", "children"}),
        ("IS", {"gdpr", "eprivacy", "children"}),
        ("EU", {"gdpr", "eprivacy", "eu_ai_act", "children"}),
        ("GB", {"uk_gdpr", "children"}),
        ("US-AL", {"us_ecpa", "children"}),
        ("US-CA", {"us_ecpa", "us_ca_cipa", "children"}),
        ("US-IL", {"us_ecpa", "us_il_bipa", "children"}),
        ("US", {"us_ecpa", "us_ca_cipa", "us_il_bipa", "us_tx_cubi", "children"}),
        ("US-ZZ", {"us_ecpa", "us_ca_cipa", "us_il_bipa", "us_tx_cubi", "children"}),
        ("", {"children"}),
    ],
)
def test_overlays_apply_to_places_groups_and_every_part_that_it_may_be(place: str, expected: set[str]) -> None:
    assert overlays(place) == expected


def test_every_place_can_be_chosen_once_by_a_name_of_its_own_and_is_known_again() -> None:
    choices = TABLE.choices()
    assert len({code for code, _ in choices}) == len({name for _, name in choices}) == len(choices)
    assert {code for code, _ in choices} == TABLE.rows.keys() | TABLE.countries.keys()
    assert all(TABLE.is_known(code) and TABLE.name_of(code) == name for code, name in choices)
    order = [code for code, _ in choices]
    assert order.index("US") + 1 == order.index("US-AL")
    assert order.index("AU") + 1 == order.index("AU-ACT")
    for member in next(group for group in TABLE.groups if group.code == "EEA").members:
        assert TABLE.is_known(member), member


@pytest.mark.parametrize(("code", "name"), [("US", "United States"), ("US-ZZ", "United States"), ("XX", ""), ("", "")])
def test_a_part_that_nobody_knows_is_called_by_its_country(code: str, name: str) -> None:
    assert TABLE.name_of(code) == name


def test_an_unknown_place_is_asked_for_everyones_yes_and_never_relaxes() -> None:
    unknown = TABLE.unknown
    assert unknown.profile is Least.EXPLICIT_ALL
    assert unknown.one_sided is Answer.UNCLEAR
    assert unknown.no_buffer
    assert unknown.announce_on_tape


def test_a_table_that_is_not_whole_is_refused_with_every_problem() -> None:
    table: dict[str, Any] = copy.deepcopy(RAW)
    table["extra"] = 1
    table["meta"] |= {"schema": 2, "unknown_location": "notice_all", "unknown_one_sided": "yes", "mood": "good"}
    rows = {row["code"]: row for row in table["jurisdiction"]}
    rows["PL"] |= {"rule": "two_party", "note": "", "colour": "red"}
    del rows["DE"]["one_sided"]
    rows["FR"]["disputed"] = "no"
    rows["ES"]["checked"] = "derived"
    rows["IT"]["code"] = "ES"
    table["jurisdiction"].append("a row")
    table["overlay"][0]["duties"] = []
    table["overlay"][1]["applies_to"] = "GB"
    del table["group"]
    table["countries"]["BG"] = 3
    with pytest.raises(BadJurisdictions) as refused:
        read_jurisdictions(table)
    for problem in (
        "extra: not known",
        "meta.schema: expected 1, got 2",
        "meta.unknown_location: expected one of explicit_all",
        "meta.unknown_one_sided: expected one of unclear, no",
        "meta.mood: not known",
        "jurisdiction PL.rule: expected one of one_party",
        "jurisdiction PL.note: expected a text",
        "jurisdiction PL.colour: not known",
        "jurisdiction DE.one_sided: missing",
        "jurisdiction FR.disputed: expected true or false",
        "jurisdiction ES.checked: expected one of primary, secondary, memory",
        "jurisdiction ES: there twice",
        "jurisdiction 90: expected a table",
        "overlay gdpr.duties: expected a list",
        "overlay uk_gdpr.applies_to: expected a list",
        "[[group]]: missing",
        "countries.BG: expected a text",
    ):
        assert problem in str(refused.value), problem


def test_what_contradicts_itself_is_refused() -> None:
    table: dict[str, Any] = copy.deepcopy(RAW)
    table["countries"]["PL"] = "Poland"
    table["group"][0]["members"].append("ZZ")
    table["overlay"][0]["applies_to"].append("QQ")
    table["meta"]["derived"].append("mood")
    with pytest.raises(BadJurisdictions) as refused:
        read_jurisdictions(table)
    for problem in ("countries.PL: has a row", "ZZ is no place", "QQ is no place", "mood is no column"):
        assert problem in str(refused.value)


@pytest.mark.parametrize("table", [{}, {"meta": 1, "countries": [], "jurisdiction": {}, "overlay": [1], "group": [{}]}])
def test_anything_else_is_refused_too(table: dict[str, Any]) -> None:
    with pytest.raises(BadJurisdictions, match="meta"):
        read_jurisdictions(table)
