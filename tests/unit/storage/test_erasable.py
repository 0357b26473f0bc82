"""Whose sound and entries an erasure means."""

from __future__ import annotations

from consent_notice.events import SegmentOpened
from consent_notice.words import Rule, SeatId, SegmentId, VisitId
from storage.erasable import is_agreed_before

ANN, BOB = SeatId("ann"), SeatId("bob")
DECIDED = {3: ANN, 4: BOB, 9: ANN}


def opened(relies_on: tuple[int, ...], *seats: SeatId) -> SegmentOpened:
    return SegmentOpened(
        visit=VisitId("v"),
        epoch=1,
        segment=SegmentId("s"),
        track="t",
        seats=seats or (ANN,),
        rule=Rule.EVERYONE,
        relies_on=relies_on,
        header_sha256="00",
        boot_id="b",
        at_ms=1,
    )


def test_a_segment_is_meant_by_the_yes_that_it_relies_on_and_not_by_its_own_place() -> None:
    assert is_agreed_before(opened((3,)), ANN, DECIDED, 6)
    assert not is_agreed_before(opened((9,)), ANN, DECIDED, 6)
    assert not is_agreed_before(opened((3,)), ANN, DECIDED, 3)


def test_others_yeses_say_nothing_about_it() -> None:
    """Under `everyone` a segment of Ann's voice relies on Bob's yes, which may be later than her wish."""
    assert is_agreed_before(opened((3, 4)), ANN, DECIDED, 4)
    assert not is_agreed_before(opened((4, 9)), ANN, DECIDED, 6)
    assert not is_agreed_before(opened((4,), BOB), ANN, DECIDED, 99)


def test_of_several_on_one_seat_the_last_of_their_yeses_counts() -> None:
    shared = {3: ANN, 5: ANN, 9: ANN}
    assert is_agreed_before(opened((3, 5)), ANN, shared, 7)
    assert not is_agreed_before(opened((5, 9)), ANN, shared, 7)
