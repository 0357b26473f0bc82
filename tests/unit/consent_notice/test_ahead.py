"""Which answer given ahead counts: a yes only for whom it was tied to, a no for everybody who may have said it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.ahead import (
    BY_NAME,
    BY_PLATFORM_ID,
    AheadAnswer,
    Covers,
    FoundAgreement,
    acts_of_yes,
    found,
    objection,
    same_name,
)
from consent_notice.decisions import Act
from consent_notice.words import IdentityLevel, Purpose

TODAY = date(2026, 11, 20)
YES = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: True}
NO = dict.fromkeys(YES, False)


def said(choices: dict[Purpose, bool], order: int = 1, name: str = "Ada", **changes: Any) -> AheadAnswer:
    answer = AheadAnswer(
        agreement=f"agreement {order}",
        order=order,
        covers=Covers.SERIES,
        choices=choices,
        until=TODAY + timedelta(days=90),
        notice_version="1",
        level=IdentityLevel.PAGE_BOUND_BY_CODE,
        name=name,
        tied={},
    )
    return replace(answer, **changes)


def look(*answers: AheadAnswer, platform_id: str = "id-1", name: str = "Ada", today: date = TODAY) -> str:
    """yes, no or nothing."""
    counted = found(answers, platform_id, name, today, lambda version: version == "1")
    if counted is None:
        return "nothing"
    return "yes" if (Purpose.RECORDING, Act.GIVE) in counted.acts else "no"


TIED = {"id-1": "Ada"}


def test_a_yes_counts_for_whom_it_was_tied_to() -> None:
    assert found([said(YES, tied=TIED)], "id-1", "ada", TODAY, lambda _: True) == FoundAgreement(
        agreement="agreement 1",
        acts=((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.GIVE)),
        identity_level=IdentityLevel.PAGE_BOUND_BY_CODE,
        matched_by=BY_PLATFORM_ID,
    )


@pytest.mark.parametrize(
    ("answer", "looked_for"),
    [
        (said(YES), {}),  # never tied: a name alone opens nothing
        (said(YES), {"platform_id": ""}),
        (said(YES, tied=TIED), {"platform_id": ""}),
        (said(YES, tied=TIED), {"platform_id": "id-2"}),
        (said(YES, tied=TIED), {"name": "Bob"}),  # somebody else at the same machine
        (said(YES, tied=TIED), {"name": ""}),
        (said(YES, tied=TIED, until=TODAY - timedelta(days=1)), {}),
        (said(YES, tied=TIED, is_withdrawn=True), {}),
        (said(YES, tied=TIED, link="link", link_is_revoked=True), {}),
        (said(YES, tied=TIED, notice_version="2"), {}),
        (said(NO, is_withdrawn=True), {}),
        (said(NO, until=TODAY - timedelta(days=1)), {}),
        (said(NO), {"name": "Bob"}),
        (said(NO, name=""), {"name": ""}),
    ],
)
def test_what_counts_for_nobody(answer: AheadAnswer, looked_for: dict[str, Any]) -> None:
    assert look(answer, **looked_for) == "nothing"


def test_the_last_day_is_whole_and_the_next_is_not() -> None:
    answer = said(YES, tied=TIED, until=TODAY)
    assert look(answer) == "yes"
    assert look(answer, today=TODAY + timedelta(days=1)) == "nothing"


def test_the_name_that_it_was_tied_under_will_do_too() -> None:
    assert look(said(YES, name="Ada Lovelace", tied={"id-1": "Ada L."}), name="ada l.") == "yes"
    assert look(said(YES, name="Ada Lovelace", tied={"id-1": "Ada L."}), name="ADA  lovelace") == "yes"
    assert look(said(YES, name="Ada Lovelace", tied={"id-1": "Ada L."}), name="Ada") == "nothing"


@pytest.mark.parametrize("platform_id", ["", "id-1", "id-9"])
def test_a_no_counts_by_name_for_whoever_has_it(platform_id: str) -> None:
    counted = found([said(NO)], platform_id, " aDA ", TODAY, lambda _: False)
    assert counted is not None
    assert counted.acts == ((Purpose.RECORDING, Act.REFUSE), (Purpose.TRANSCRIPTION, Act.REFUSE))
    assert (counted.identity_level, counted.matched_by) == (IdentityLevel.DISPLAY_NAME, BY_NAME)


def test_doubt_is_a_no() -> None:
    """A yes that is tied, and a no under the same name that nobody can tell whose it is."""
    assert look(said(YES, 2, tied=TIED), said(NO, 1)) == "no"
    assert look(said(YES, 1, tied=TIED), said(NO, 2)) == "no"
    assert look(said(YES, 1, tied=TIED, name="Ada L."), said(NO, 2, name="Ada L.")) == "no"  # she has two names
    assert look(said(YES, 1, tied=TIED, name="Ada L."), said(NO, 2, name="Ada L."), name="Bob") == "nothing"
    assert look(said(YES, 1, tied=TIED), said(NO, 2, tied={"id-2": "Ada"})) == "yes"  # that one is known to be another
    assert look(said(YES, 1, tied=TIED), said(NO, 2, tied={"id-2": "Ada"}), platform_id="") == "no"


def test_a_no_under_the_same_link_counts_whatever_name_was_typed() -> None:
    assert look(said(YES, 2, tied=TIED, link="link"), said(NO, 1, name="A. L.", link="link")) == "no"
    assert look(said(YES, 2, tied=TIED, link="link"), said(NO, 1, name="A. L.", link="other")) == "yes"


def test_of_the_same_person_the_last_answer_holds() -> None:
    assert look(said(YES, 1, tied=TIED), said(NO, 2, tied=TIED)) == "no"
    assert look(said(NO, 1, tied=TIED), said(YES, 2, tied=TIED)) == "yes"
    assert look(said(YES, 1, tied=TIED), said(YES, 2, tied=TIED, is_withdrawn=True)) == "nothing"


def test_a_host_cannot_undo_a_no_by_revoking_the_link() -> None:
    assert look(said(NO, tied=TIED, link="link", link_is_revoked=True)) == "no"


def test_a_no_to_a_meeting_holds_for_it_wherever_it_is_moved() -> None:
    moved: dict[str, Any] = {"until": TODAY - timedelta(days=7), "covers": Covers.MEETING}
    assert look(said(NO, **moved)) == "no"
    assert look(said(YES, tied=TIED, **moved)) == "nothing"


def test_what_was_not_ticked_is_a_no_and_what_needs_a_better_known_person_is_left_open() -> None:
    choices = {**YES, Purpose.TRANSCRIPTION: False, Purpose.INSIGHTS: True}
    assert acts_of_yes(choices, IdentityLevel.PAGE_BOUND_BY_CODE) == (
        (Purpose.RECORDING, Act.GIVE),
        (Purpose.TRANSCRIPTION, Act.REFUSE),
    )
    assert acts_of_yes(choices, IdentityLevel.SIGNED_PERSONAL_LINK)[-1] == (Purpose.INSIGHTS, Act.GIVE)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada", "ada", True),
        ("Ａｄａ", "Ada", True),
        ("Ada\u200b\u2066", " ada ", True),
        ("Zoe\u0301", "Zoé", True),
        ("", "", False),
        ("\u200b", "", False),
        (" Ada  Lovelace ", "Ada Lovelace", True),
        ("STRASSE", "Straße", True),
        (" ", "\u3000", False),
        ("Ada", "Ada B", False),
    ],
)
def test_names_are_the_same_where_nobody_would_see_a_difference(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same


# ---- against a plain reading of the rule, over boundary values -------------------------------------------------------

NAMES, IDS = ["Ada", "Bob", ""], ["", "id-1", "id-2"]


@st.composite
def answers(draw: st.DrawFn) -> list[AheadAnswer]:
    orders = draw(st.permutations(range(draw(st.integers(0, 4)))))
    return [
        said(
            draw(st.sampled_from([YES, NO, {**YES, Purpose.TRANSCRIPTION: False}])),
            order,
            draw(st.sampled_from(NAMES)),
            covers=draw(st.sampled_from(Covers)),
            until=TODAY + timedelta(days=draw(st.sampled_from([-1, 0, 1]))),
            tied={one: draw(st.sampled_from(NAMES)) for one in draw(st.sets(st.sampled_from(IDS[1:])))},
            link=draw(st.sampled_from(["", "link"])),
            link_is_revoked=draw(st.booleans()),
            is_withdrawn=draw(st.booleans()),
            notice_version=draw(st.sampled_from(["1", "2"])),
        )
        for order in orders
    ]


@given(answers(), st.sampled_from(IDS), st.sampled_from(NAMES))
def test_a_yes_counts_only_where_nothing_speaks_against_it(
    answers: list[AheadAnswer], platform_id: str, name: str
) -> None:
    own = [one for one in answers if platform_id and platform_id in one.tied]
    last = max(own, key=lambda one: one.order, default=None)
    noes = [
        one
        for one in answers
        if not one.is_withdrawn
        and not one.choices[Purpose.RECORDING]
        and (one.until >= TODAY or one.covers is Covers.MEETING)
    ]
    theirs = {name}
    if last is not None and name and name in (last.name, *last.tied.values()):
        theirs |= {last.name, *last.tied.values()}
    expected = "nothing"
    if (last is not None and last in noes) or any(
        (one.name in theirs and one.name != "" and not (last is not None and bool(one.tied)))
        or (last is not None and last.link != "" and one.link == last.link)
        for one in noes
        if one is not last
    ):
        expected = "no"
    elif (
        last is not None
        and not last.is_withdrawn
        and last.choices[Purpose.RECORDING]
        and last.until >= TODAY
        and not last.link_is_revoked
        and last.notice_version == "1"
        and bool(name)
        and name in (last.name, last.tied[platform_id])
    ):
        expected = "yes"
    assert look(*answers, platform_id=platform_id, name=name) == expected


@given(answers())
def test_an_objection_is_never_ones_own_answer(answers: list[AheadAnswer]) -> None:
    for own in answers:
        assert objection(answers, own, "Ada", TODAY) is not own
