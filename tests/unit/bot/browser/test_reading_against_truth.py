"""Whatever a page tells late, twice, half or not at all: no sound passes the gate of whom it is not.

Pages stand still, lose their lists, tell what cannot be read; people come and go, and sources go from one to another,
with or without a word in between.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.browser.reading import UNSEEN_MS
from tests.simulators.told_call import AGREE, CALLS, TICK_MS, Call

PEOPLE = (*AGREE, "cia", "bot")
SOURCES = (1, 2)
GAPS_MS = (20, 100, 300, 700, 1_100, 2_100, 3_100)
Acts = list[tuple[str, Any]]
STATES = ("well", "well", "twice", "still", "mute", "apart", "garbage")


def acts_for(platform: str) -> st.SearchStrategy[Acts]:
    people = st.sampled_from(PEOPLE if platform == "teams" else PEOPLE[:-1])
    # A channel that lives loses nothing silently; a list may stop while the page lives.
    states = st.sampled_from([state for state in STATES if platform != "google_meet" or state != "mute"])
    act = st.one_of(
        st.tuples(st.sampled_from(("comes", "goes")), people),
        st.tuples(st.just("takes"), st.tuples(people, st.sampled_from(SOURCES))),
        st.tuples(st.just("takes"), st.tuples(people, st.sampled_from(SOURCES))),
        st.tuples(st.just("frees"), st.sampled_from(SOURCES)),
        st.tuples(st.just("page"), states),
        st.tuples(st.sampled_from(("lag", "delay")), st.sampled_from((0.0, 0.5, 1.0))),
    )
    # What lasts less than the longest time between two lists, no list can tell.
    shortest_ms = 0 if platform == "google_meet" else UNSEEN_MS + 100
    gaps = st.sampled_from(GAPS_MS)
    timed = st.tuples(act, gaps).map(
        lambda both: both if both[0][0] in ("page", "lag", "delay") else (both[0], max(both[1], shortest_ms))
    )
    return st.lists(timed, min_size=1, max_size=14)


BEGINNING: Acts = [("comes", "ann"), ("comes", "ben"), ("takes", ("ann", 1)), ("takes", ("ben", 2))]


def begun(platform: str) -> Call:
    """Ann and Ben have agreed, and sound."""
    call = CALLS[platform]()
    for act in BEGINNING:
        call.act(act)
    call.passes(2_000 + call.can.roster_lag_ms)
    return call


@pytest.mark.parametrize("platform", CALLS)
def test_what_all_agreed_to_is_kept(platform: str) -> None:
    call = begun(platform)
    call.passes(5_000)
    assert len(call.kept) >= 5_000 // TICK_MS
    call.check()


@pytest.mark.parametrize("platform", CALLS)
@pytest.mark.parametrize("examples", [80, pytest.param(5_000, marks=pytest.mark.nightly)])
@pytest.mark.timeout(1_800)
def test_no_sound_is_kept_of_whom_it_is_not_and_once_all_is_well_again_theirs_is(platform: str, examples: int) -> None:
    @given(acts=acts_for(platform))
    @settings(max_examples=examples, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck), print_blob=True)  # fmt: skip
    def held(acts: list[tuple[tuple[str, Any], int]]) -> None:
        call = begun(platform)
        for act, gap_ms in acts:
            call.act(act)
            call.passes(gap_ms)
        for act in (("page", "well"), ("lag", 0.0), ("goes", "cia"), ("goes", "bot"), *BEGINNING):
            call.act(act)
            call.passes(UNSEEN_MS + 100)
        begun_ms = call.now_ms
        call.passes(5_000 + 2 * call.can.roster_lag_ms)
        call.check()
        assert any(frame.captured_ms > begun_ms for frame in call.kept), "nothing is kept any more"

    held()
