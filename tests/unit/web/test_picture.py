"""Lanes and where they lie."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from consent_notice.decisions import Act
from consent_notice.words import Purpose, SeatId, SeatKind
from tests.unit.web.test_replay import BOT, YES, asked, closed, decided, joined, left, opened, told
from web.picture import draw, merged, place


def test_a_lane_is_cut_where_the_standing_changes() -> None:
    story = told(
        joined(1_000), asked(2_000), decided(3_000, *YES), opened(3_000), closed(3_000, 6_000),
        decided(6_000, (Purpose.RECORDING, Act.WITHDRAW)), left(11_000),
    )  # fmt: skip
    (lane,) = draw(story, None).lanes
    assert [(band.kind, band.x, band.width) for band in lane.present] == [
        ("present", 0.0, 20.0),
        ("consented", 20.0, 30.0),
        ("ended", 50.0, 50.0),
    ]
    assert [(mark.kind, mark.x) for mark in lane.marks] == [("asked", 10.0), ("given", 20.0), ("withdrawn", 50.0)]
    assert [(span.x, span.width) for span in lane.kept] == [(20.0, 30.0)]
    assert "0:02 to 0:05" in lane.kept[0].text


def test_people_come_before_bots() -> None:
    lanes = draw(told(joined(1_000, BOT, SeatKind.BOT), joined(2_000)), None).lanes
    assert [lane.is_bot for lane in lanes] == [False, True]


def test_the_whole_counts_no_second_twice() -> None:
    eve = SeatId("eve")
    story = told(joined(1_000), joined(1_000, eve), opened(1_000), closed(1_000, 5_000), closed(3_000, 7_000))
    picture = draw(story, None)
    assert picture.kept_ms == 6_000
    assert len(picture.whole) == 1


def test_a_running_meeting_reaches_to_now() -> None:
    picture = draw(told(joined(1_000)), 60_000)
    assert picture.length_ms == 60_000
    assert picture.lanes[0].present_ms == 60_000


def test_an_empty_visit_is_drawn() -> None:
    picture = draw(told(), None)
    assert picture.lanes == ()
    assert picture.ticks[0].text == "0:00"


@given(length_ms=st.integers(1, 40_000_000))
def test_ticks_are_few_and_inside(length_ms: int) -> None:
    ticks = draw(told(), length_ms).ticks
    assert 1 <= len(ticks) <= 8
    assert all(0 <= tick.x <= 97 for tick in ticks)


@given(at_ms=st.integers(-10, 10**9), length_ms=st.integers(0, 10**9))
def test_nothing_lies_outside(at_ms: int, length_ms: int) -> None:
    assert 0 <= place(at_ms, length_ms) <= 100


@given(spans=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 50)).map(lambda s: (s[0], s[0] + s[1]))))
def test_merging_keeps_every_millisecond_and_adds_none(spans: list[tuple[int, int]]) -> None:
    def covered(some: list[tuple[int, int]]) -> set[int]:
        return {at for start, end in some for at in range(start, end)}

    joined_spans = merged(spans, 0)
    assert covered(joined_spans) == covered(spans)
    assert all(before[1] < after[0] for before, after in pairwise(joined_spans))
