"""Whose sound a packet of Meet is: whatever comes late, twice or not at all, never somebody's who is not known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.browser.script import Line, Signal, Sound
from bot.meet_wire import write_channel
from bot.platforms import GOOGLE_MEET
from bot.ports import Joined, Left, LeftReason, RoomRefused
from bot.rooms.google_meet import MeetReader, address
from consent_notice.words import SeatId

LINE = Line(number=1, epoch=1, track_id="t", stream_ids=(), mid="0")
DEVICES, CSRCS = ("d1", "d2", "d3"), (11, 12, 13)


def told(reader: MeetReader, at_ms: int = 10_000, **body: Any) -> list[Any]:
    return list(reader.take(Signal(kind="collections", value=write_channel({"body": body}), at_ms=at_ms)))


def people(**status: int) -> dict[str, Any]:
    users = [{"device_id": device, "full_name": device, "status": value} for device, value in status.items()]
    return {"lists": {"users": {"users": users}}}


def streams(**csrcs: int) -> dict[str, Any]:
    outputs = [{"kind": 1, "stream_id": str(csrc), "device_id": device} for device, csrc in csrcs.items()]
    return {"devices": {"outputs": outputs}}


def owner(reader: MeetReader, *csrcs: int) -> frozenset[SeatId] | None:
    return reader.owners(Sound(line=LINE, ssrc=1, csrcs=csrcs, at_ms=0))


def test_a_csrc_is_a_persons_once_both_are_known_and_until_they_leave() -> None:
    reader = MeetReader()
    told(reader, **streams(d1=11))
    assert owner(reader, 11) is None
    (joined,) = told(reader, **people(d1=1))
    assert joined.at_ms == 10_000 - GOOGLE_MEET.roster_lag_ms
    assert owner(reader, 11) == frozenset({SeatId("d1")})
    assert told(reader, **people(d1=1)) == []
    (left,) = told(reader, **people(d1=6))
    assert isinstance(left, Left)
    assert owner(reader, 11) is None
    told(reader, **people(d1=1))
    assert owner(reader, 11) is None  # back, and not told which stream is theirs now


def test_a_change_that_tells_less_than_the_whole_makes_nobody_leave() -> None:
    reader = MeetReader()
    told(reader, **people(d1=1), **streams(d1=11))
    assert told(reader, lists={"users": {"users": [{"device_id": "d1"}]}}) == []
    assert owner(reader, 11) == frozenset({SeatId("d1")})
    (joined,) = told(reader, lists={"users": {"users": [{"device_id": "d2", "full_name": "Ben"}]}})
    assert joined.name == "Ben"  # of somebody new it is a doubt, and doubt is somebody there


def test_a_screen_and_the_bot_itself_own_nothing() -> None:
    reader = MeetReader()
    users = [
        {"device_id": "screen", "full_name": "Ann", "status": 1, "parent_device_id": "d1"},
        {"device_id": "me", "full_name": "onrecord", "status": 1, "is_self": b"1"},
    ]
    assert told(reader, lists={"users": {"users": users}}, **streams(screen=11, me=12)) == []
    assert reader.own_seat == "me"
    assert owner(reader, 11) is None
    assert owner(reader, 12) is None


def test_a_csrc_that_went_to_another_makes_the_last_seconds_of_the_one_before_doubtful() -> None:
    reader = MeetReader()
    told(reader, **people(d1=1, d2=1))
    told(reader, **streams(d1=11))
    left, back = told(reader, at_ms=60_000, **streams(d2=11))
    assert isinstance(left, Left)
    assert (left.seat, left.at_ms) == ("d1", 60_000 - GOOGLE_MEET.roster_lag_ms)
    assert isinstance(back, Joined)
    assert (back.seat, back.at_ms) == ("d1", 60_000)
    assert owner(reader, 11) == frozenset({SeatId("d2")})


STEPS = st.lists(
    st.tuples(st.sampled_from(("joins", "leaves", "stream")), st.sampled_from(DEVICES), st.sampled_from(CSRCS)),
    max_size=30,
)


@given(steps=STEPS, twice=st.sets(st.integers(0, 29)), lost_from=st.integers(0, 30))
def test_an_owner_is_always_somebody_who_was_told_to_be_there_under_that_very_csrc(
    steps: list[tuple[str, str, int]], twice: set[int], lost_from: int
) -> None:
    """Against a plain reading of what has arrived; what comes after `lost_from` never does."""
    reader, here, last = MeetReader(), set[str](), dict[int, str]()
    for number, (what, device, csrc) in enumerate(steps[:lost_from]):
        for _ in range(1 + (number in twice)):
            if what == "stream":
                told(reader, **streams(**{device: csrc}))
                last[csrc] = device
            else:
                told(reader, **people(**{device: 1 if what == "joins" else 6}))
        if what == "joins":
            here.add(device)
        elif what == "leaves":
            here.discard(device)
            last = {known: whose for known, whose in last.items() if whose != device}
        for known in CSRCS:
            expected = last.get(known, "")
            assert owner(reader, known) == (frozenset({SeatId(expected)}) if expected in here else None)
        assert owner(reader) is None
        assert owner(reader, 99) is None


@given(st.text(max_size=80), st.sampled_from(("collections", "people", "channel", "other")))
def test_garbage_says_nothing(noise: str, kind: str) -> None:
    reader = MeetReader()
    for value in (noise, None, 5, [noise], {"a": noise}):
        assert list(reader.take(Signal(kind=kind, value=value, at_ms=1))) == []


@pytest.mark.parametrize(
    "link",
    ["https://meet.google.com.evil.example/abc-defg-hij", "http://meet.google.com/abc-defg-hij",
     "https://meet.google.com/landing", "https://evil.example/?https://meet.google.com/abc-defg-hij"],
)  # fmt: skip
def test_only_meet_itself_is_opened(link: str) -> None:
    with pytest.raises(RoomRefused) as refused:
        address(link, "onrecord")
    assert refused.value.reason is LeftReason.NOT_FOUND


def test_the_address_is_in_english_and_carries_nothing_else() -> None:
    assert address("https://meet.google.com/abc-defg-hij?authuser=1&pli=x", "onrecord") == (
        "https://meet.google.com/abc-defg-hij?hl=en"
    )
