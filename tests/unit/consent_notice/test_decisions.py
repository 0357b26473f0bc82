"""The table of standings: who can change what, and that a no is left by the person's own act alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.decisions import IDENTITY_FLOOR, NEXT_STANDING, OWN_ACTS, Act, IllegalAct, next_standing
from consent_notice.words import Purpose, Standing


def test_the_person_can_always_give_refuse_or_withdraw() -> None:
    for standing in Standing:
        assert next_standing(standing, Act.GIVE) is Standing.GIVEN
        assert next_standing(standing, Act.REFUSE) is Standing.REFUSED
        assert next_standing(standing, Act.WITHDRAW) is Standing.WITHDRAWN


@pytest.mark.parametrize("standing", [Standing.REFUSED, Standing.WITHDRAWN])
def test_a_no_is_left_only_by_the_persons_own_act(standing: Standing) -> None:
    assert NEXT_STANDING[standing].keys() == OWN_ACTS
    for act in Act:
        with pytest.raises(IllegalAct):
            next_standing(standing, act, by_person=False)


def test_nobody_answers_for_somebody_else() -> None:
    for standing in Standing:
        for act in OWN_ACTS:
            with pytest.raises(IllegalAct, match="only the person"):
                next_standing(standing, act, by_person=False)


@given(st.lists(st.tuples(st.sampled_from(list(Act)), st.booleans()), max_size=12))
def test_given_is_reached_by_the_persons_yes_alone(acts: list[tuple[Act, bool]]) -> None:
    """Whatever happens: GIVEN means that the last thing that changed anything was the person's own GIVE."""
    standing, last = Standing.UNKNOWN, None
    for act, by_person in acts:
        try:
            standing = next_standing(standing, act, by_person=by_person)
        except IllegalAct:
            continue
        last = (act, by_person)
    assert (standing is Standing.GIVEN) == (last == (Act.GIVE, True))


def test_after_an_unclean_end_a_yes_is_asked_again_and_a_no_stays() -> None:
    assert next_standing(Standing.GIVEN, Act.RESET) is Standing.REQUESTED
    for standing in (Standing.REFUSED, Standing.WITHDRAWN):
        with pytest.raises(IllegalAct, match="reset"):
            next_standing(standing, Act.RESET)


def test_every_standing_has_a_row_and_every_purpose_a_floor() -> None:
    assert NEXT_STANDING.keys() == set(Standing)
    assert IDENTITY_FLOOR.keys() == set(Purpose)
    assert all(1 <= floor <= 5 for floor in IDENTITY_FLOOR.values())
