"""A message is as old as the page says, whatever held it up."""

from __future__ import annotations

import math

from bot.browser.page_clock import KNOWN_FOR_MS, PageClock


def test_what_waited_on_its_way_is_dated_to_when_it_was_said() -> None:
    clock = PageClock()
    assert clock.said_ms({"at": 100.0, "page": 0}, 5_110) == 5_110
    assert clock.said_ms({"at": 200.5, "page": 0}, 5_205) == 5_205  # it took less than the first
    assert [clock.said_ms({"at": at, "page": 0}, 9_000) for at in (300.0, 400.0)] == [5_304, 5_404]
    assert clock.said_ms({"at": 4_000.0, "page": 0}, 9_010) == 9_004


def test_each_page_has_a_clock_of_its_own() -> None:
    clock = PageClock()
    clock.said_ms({"at": 90_000.0, "page": 0}, 100_000)
    assert clock.said_ms({"at": 5.0, "page": 1_000}, 200_000) == 200_000
    assert clock.said_ms({"at": 95_000.0, "page": 0}, 200_000) == 105_000


def test_a_page_that_says_no_time_says_it_now() -> None:
    clock = PageClock()
    clock.said_ms({"at": 0.0, "page": 0}, 1_000)
    for told in ({}, {"at": None, "page": 0}, {"at": "5", "page": 0}, {"at": True}):
        assert clock.said_ms(told, 3_000) == 3_000
    for at in (math.nan, math.inf, -1.0, 1e300, 10**400):
        assert clock.said_ms({"at": at, "page": 0}, 3_000) == 3_000
    assert clock.said_ms({"at": 500.0, "page": 0}, 3_000) == 1_500


def test_a_server_that_slept_is_known_to_within_a_minute() -> None:
    clock = PageClock()
    said_ms = clock.said_ms({"at": 0.0, "page": 0}, 1_000)
    for at in range(0, 2 * KNOWN_FOR_MS + 1_000, 500):  # its own clock went on for three seconds, the page's did not
        said_ms = clock.said_ms({"at": float(at), "page": 0}, at + 4_000)
        assert said_ms in (at + 1_000, at + 4_000)
    assert said_ms == at + 4_000


def test_all_was_told_at_the_beat_before_the_last() -> None:
    clock = PageClock()
    clock.begins(1_000)
    clock.beats(1_100, 1_102)
    assert (clock.settled_ms, clock.alive_ms) == (1_000, 1_102)
    clock.beats(5_000, 9_000)  # after a standstill, and after the server slept
    assert (clock.settled_ms, clock.alive_ms) == (1_100, 9_000)
