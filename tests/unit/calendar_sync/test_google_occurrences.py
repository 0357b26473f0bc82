"""Which occurrence is which from pass to pass: moves, other hours, splits, late cancellations, two on a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calendar_sync.errors import StateExpired
from calendar_sync.google_events import Identity, Reading
from calendar_sync.google_occurrences import Places, Told, tell
from calendar_sync.planning import CalendarEvent


def single(key: str, title: str = "") -> Reading:
    return Reading(identity=Identity(key), event=_event(title or key))


def instance(series: str, stamp: str, title: str = "") -> Reading:
    """`stamp`: its original start, of a series at home in UTC."""
    identity = Identity(f"{series}_{stamp}", series, stamp, stamp[:8])
    return Reading(identity=identity, event=_event(title or stamp))


def change(readings: list[Reading], before: Places) -> Told:
    return tell(readings, before, is_full=False)


def gone(key: str, series: str = "", stamp: str = "", day: str = "") -> Reading:
    return Reading(identity=Identity(key, series, stamp, day), event=None)


def gone_instance(series: str, stamp: str) -> Reading:
    return gone(f"{series}_{stamp}", series, stamp, stamp[:8])


def _event(title: str) -> CalendarEvent:
    starts_at = datetime(2026, 12, 1, tzinfo=UTC)
    return CalendarEvent(
        occurrence_key="", title=title, organiser="", starts_at=starts_at, ends_at=starts_at + timedelta(hours=1)
    )


def keys(told: Told) -> dict[str, str]:
    return {event.title: event.occurrence_key for event in told.events}


def full(*readings: Reading) -> Told:
    return tell(readings, {}, is_full=True)


def test_a_single_event_goes_by_its_id() -> None:
    first = full(single("a", "x"), single("b", "y"))
    assert len(set(keys(first).values())) == 2
    assert keys(change([single("a", "moved")], first.places))["moved"] == keys(first)["x"]
    after = change([gone("a")], first.places)
    assert after.removed == {keys(first)["x"]}
    assert all(event.series == "" for event in first.events)


def test_an_occurrence_keeps_its_key_when_it_moves_or_its_whole_series_does() -> None:
    first = full(instance("s", "20261201T130000Z", "x"))
    moved = change([instance("s", "20261201T130000Z", "moved")], first.places)
    assert keys(moved)["moved"] == keys(first)["x"]
    later = change([gone_instance("s", "20261201T130000Z"), instance("s", "20261201T150000Z", "late")], moved.places)
    assert keys(later)["late"] == keys(first)["x"]
    assert not later.removed & set(keys(later).values())
    whole_day = change([instance("s", "20261201", "day"), gone_instance("s", "20261201T150000Z")], later.places)
    assert keys(whole_day)["day"] == keys(first)["x"], "in whichever order they are told"
    assert not whole_day.removed & set(keys(whole_day).values())


def test_a_split_series_keeps_its_occurrences_and_is_another_series() -> None:
    first = full(instance("s", "20261201T130000Z", "a"), instance("s", "20261208T130000Z", "b"))
    split = "s_R20261208T140000"
    after = change([gone_instance("s", "20261208T130000Z"), instance(split, "20261208T140000Z", "b")], first.places)
    assert keys(after)["b"] == keys(first)["b"]
    assert not after.removed & set(keys(after).values())
    assert after.events[0].series not in {event.series for event in first.events} | {""}
    again = full(instance("s", "20261201T130000Z", "a"), instance(split, "20261208T140000Z", "b"))
    assert keys(again) == keys(first), "a full pass says the same"
    twice_split = full(instance("s_R20261208T140000_R20261215T100000", "20261208T100000Z", "b"))
    assert keys(twice_split)["b"] == keys(first)["b"]


def test_a_late_or_repeated_cancellation_of_what_was_replaced_takes_nothing_away() -> None:
    first = full(instance("s", "20261201T130000Z"))
    after = change([gone_instance("s", "20261201T130000Z"), instance("s", "20261201T150000Z")], first.places)
    for late in (
        gone_instance("s", "20261201T130000Z"),
        gone("s_20261201T130000Z"),
        gone("s_20261201T130000Z", "s", "20261201T130000Z"),
    ):
        assert not change([late], after.places).removed & set(keys(after).values())
    real = change([gone_instance("s", "20261201T150000Z")], after.places)
    assert real.removed >= set(keys(after).values())
    assert real.places == {}


def test_a_cancellation_of_something_never_told_changes_no_place() -> None:
    first = full(instance("s", "20261201T130000Z"))
    after = change([gone_instance("s", "20270101T130000Z"), gone("never")], first.places)
    assert after.places == first.places
    assert not after.removed & set(keys(first).values())


def test_a_series_that_is_cancelled_by_its_own_id_is_gone_as_a_whole() -> None:
    first = full(
        instance("s", "20261201T130000Z"), instance("s", "20261208T130000Z"), instance("t", "20261208T130000Z")
    )
    after = change([gone("s")], first.places)
    assert after.removed >= {key for title, key in keys(first).items() if title == "20261201T130000Z"}
    assert set(after.places) == {"t"}


def test_one_event_that_becomes_a_series_and_back() -> None:
    first = full(single("a", "one"))
    as_series = change([instance("a", "20261201T130000Z", "many")], first.places)
    assert keys(first)["one"] in as_series.removed
    back = change([single("a", "one")], as_series.places)
    assert keys(as_series)["many"] in back.removed
    assert keys(back)["one"] == keys(first)["one"]
    assert keys(first)["one"] not in back.removed
    assert back.places == {}


NINE, THREE, EIGHT = "20261201T090000Z", "20261201T150000Z", "20261201T200000Z"


def test_two_of_a_series_on_one_day_are_two() -> None:
    twice = full(instance("s", THREE), instance("s", NINE), instance("s", "20261202T090000Z"))
    assert len(set(keys(twice).values())) == 3
    again = change([instance("s", THREE, "moved")], twice.places)
    assert keys(again)["moved"] == keys(twice)[THREE]
    assert keys(full(instance("s", NINE)))[NINE] == keys(twice)[NINE], "the first has the day, with another or without"
    # the first one goes: the second keeps its key, and does not inherit what was said of the first
    alone = change([gone_instance("s", NINE)], twice.places)
    assert keys(twice)[NINE] in alone.removed
    moved = change([instance("s", THREE, "still")], alone.places)
    assert keys(moved)["still"] == keys(twice)[THREE]
    rolled = tell([instance("s", THREE, "next day")], alone.places, is_full=True)
    assert keys(rolled)["next day"] == keys(twice)[THREE]


def test_a_second_one_on_a_day_is_believed_only_by_a_full_pass() -> None:
    one = full(instance("s", NINE))
    with pytest.raises(StateExpired):
        change([instance("s", THREE)], one.places)
    assert keys(full(instance("s", THREE)))[THREE] == keys(one)[NINE], "the first was gone, and nobody had said so"
    both = full(instance("s", NINE), instance("s", THREE))
    assert keys(both)[NINE] == keys(one)[NINE]
    with pytest.raises(StateExpired):
        change([instance("s", EIGHT)], both.places)


def test_what_came_before_is_left_as_it_was() -> None:
    places: Places = {"s": {"20261201T130000Z": "20261201"}}
    change([gone_instance("s", "20261201T130000Z"), instance("t", "20261202T130000Z")], places)
    assert places == {"s": {"20261201T130000Z": "20261201"}}


def test_the_last_word_counts() -> None:
    first = full(single("a", "x"))
    assert keys(change([gone("a"), single("a", "back")], first.places))["back"] == keys(first)["x"]
    ended = change([single("a", "x"), gone("a")], first.places)
    assert (ended.events, ended.removed) == ((), frozenset(keys(first).values()))
    ended = change([instance("s", "20261201T130000Z"), gone_instance("s", "20261201T130000Z")], first.places)
    assert ended.events == ()
