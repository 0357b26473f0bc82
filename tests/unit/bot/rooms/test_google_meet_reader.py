"""Whose sound a packet of Meet is: whatever comes late, twice or not at all, never somebody's who is not known."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.browser.script import Line, Signal, Sound
from bot.meet_wire import write_answer, write_channel
from bot.platforms import GOOGLE_MEET
from bot.ports import ChatSaid, Joined, Left, LeftReason, RoomRefused, VoiceDoubted
from bot.rooms.google_meet import MeetReader, address
from consent_notice.words import SeatId

LINE = Line(number=1, epoch=1, track_id="t", stream_ids=(), mid="0")
BEAT_MS = 100  # since the page was last known to live
DEVICES, CSRCS = ("d1", "d2", "d3"), (11, 12, 13)


def opened(*devices: str) -> MeetReader:
    """Its channel is open, and the list of people came."""
    reader = MeetReader()
    channel(reader, "open", 5_000)
    listed(reader, "self", *devices, at_ms=5_000)
    return reader


def channel(reader: MeetReader, state: str, at_ms: int) -> list[Any]:
    return list(reader.take(Signal(kind="channel", value=state, at_ms=at_ms, since_ms=at_ms - BEAT_MS)))


def listed(reader: MeetReader, *devices: str, at_ms: int, age_ms: int = 0, **csrcs: int) -> list[Any]:
    """The whole list, asked for so long ago."""
    users = [
        {"device_id": device, "full_name": device, "status": 1} | ({"is_self": b"1"} if device == "self" else {})
        for device in devices
    ]
    value = {"body": write_answer({"lists": {"users": {"users": users}}, **streams(**csrcs)}), "age_ms": age_ms}
    return list(reader.take(Signal(kind="people", value=value, at_ms=at_ms, since_ms=at_ms - BEAT_MS)))


def told(reader: MeetReader, at_ms: int = 10_000, **body: Any) -> list[Any]:
    return list(
        reader.take(
            Signal(kind="collections", value=write_channel({"body": body}), at_ms=at_ms, since_ms=at_ms - BEAT_MS)
        )
    )


def people(**status: int) -> dict[str, Any]:
    users = [{"device_id": device, "full_name": device, "status": value} for device, value in status.items()]
    return {"lists": {"users": {"users": users}}}


def streams(**csrcs: int) -> dict[str, Any]:
    outputs = [{"kind": 1, "stream_id": str(csrc), "device_id": device} for device, csrc in csrcs.items()]
    return {"devices": {"outputs": outputs}}


def owner(reader: MeetReader, *csrcs: int, at_ms: int = 10_000) -> frozenset[SeatId] | None:
    return reader.owners(Sound(line=LINE, ssrc=1, csrcs=csrcs, at_ms=at_ms))


def test_a_csrc_is_a_persons_once_both_are_known_and_until_they_leave() -> None:
    reader = opened()
    told(reader, **streams(d1=11))
    assert owner(reader, 11) is None
    (joined,) = told(reader, **people(d1=1))
    assert joined.at_ms == 10_000 - BEAT_MS - GOOGLE_MEET.roster_lag_ms
    assert owner(reader, 11) == frozenset({SeatId("d1")})
    assert told(reader, **people(d1=1)) == []
    (left,) = told(reader, **people(d1=6))
    assert isinstance(left, Left)
    assert owner(reader, 11) is None
    told(reader, **people(d1=1))
    assert owner(reader, 11) is None  # back, and not told which stream is theirs now


def test_a_change_that_tells_less_than_the_whole_makes_nobody_leave() -> None:
    reader = opened()
    told(reader, **people(d1=1), **streams(d1=11))
    assert told(reader, lists={"users": {"users": [{"device_id": "d1"}]}}) == []
    assert owner(reader, 11) == frozenset({SeatId("d1")})
    (joined,) = told(reader, lists={"users": {"users": [{"device_id": "d2", "full_name": "Ben"}]}})
    assert joined.name == "Ben"  # of somebody new it is a doubt, and doubt is somebody there


def test_a_screen_and_the_bot_itself_own_nothing() -> None:
    reader = opened()
    users = [
        {"device_id": "screen", "full_name": "Ann", "status": 1, "parent_device_id": "d1"},
        {"device_id": "me", "full_name": "onrecord", "status": 1, "is_self": b"1"},
    ]
    assert told(reader, lists={"users": {"users": users}}, **streams(screen=11, me=12)) == []
    assert reader.own_seat == "me"
    assert owner(reader, 11) is None
    assert owner(reader, 12) is None


@pytest.mark.parametrize("between", ["nothing", "freed", "left", "closed"])
def test_a_csrc_that_went_to_another_makes_the_last_seconds_of_the_one_before_doubtful(between: str) -> None:
    reader = opened("d1", "d2")
    told(reader, **streams(d1=11))
    match between:
        case "freed":
            told(reader, devices={"outputs": [{"kind": 1, "stream_id": "11"}]})
            assert owner(reader, 11) is None
        case "left":
            told(reader, **people(d1=6))
        case "closed":
            channel(reader, "closed", 20_000)
            channel(reader, "open", 30_000)
            listed(reader, "self", "d1", "d2", at_ms=40_000)
    (doubted,) = told(reader, at_ms=60_000, **streams(d2=11))
    assert doubted == VoiceDoubted(
        seat=SeatId("d1"), from_ms=60_000 - BEAT_MS - GOOGLE_MEET.roster_lag_ms, to_ms=60_000
    )
    assert owner(reader, 11, at_ms=60_000 + GOOGLE_MEET.path_delay_ms - 1) is None  # theirs may still come
    assert owner(reader, 11, at_ms=60_000 + GOOGLE_MEET.path_delay_ms) == frozenset({SeatId("d2")})


TRUNCATED = base64.b64encode(zlib.compress(bytes(50))[:-5]).decode()


@pytest.mark.parametrize("kind", ["channel", "collections", "people"])
def test_after_what_could_not_be_told_nothing_is_known_until_the_next_whole_list(kind: str) -> None:
    reader = opened("d1")
    told(reader, **streams(d1=11))
    assert (owner(reader, 11), reader.known_until(10_000)) == (frozenset({SeatId("d1")}), 10_000)
    value = {"channel": "closed", "collections": TRUNCATED, "people": {"body": TRUNCATED, "age_ms": 0}}[kind]
    since_ms = 20_000 - BEAT_MS
    (doubted,) = reader.take(Signal(kind=kind, value=value, at_ms=20_000, since_ms=since_ms))  # at once
    assert doubted == VoiceDoubted(seat=SeatId("d1"), from_ms=since_ms - GOOGLE_MEET.roster_lag_ms, to_ms=20_000)
    assert (owner(reader, 11), reader.known_until(20_000)) == (None, None)
    channel(reader, "open", 21_000)
    told(reader, at_ms=22_000, **streams(d1=11))
    assert (owner(reader, 11), reader.known_until(22_000)) == (None, None)
    (joined,) = listed(reader, "self", "d1", "d2", at_ms=30_000)
    assert (joined.seat, joined.at_ms) == ("d2", 20_000 - BEAT_MS - GOOGLE_MEET.roster_lag_ms)  # at any time since
    assert reader.known_until(30_000) == 30_000
    assert owner(reader, 11, at_ms=30_000) == frozenset({SeatId("d1")})  # told anew


def test_what_was_told_before_a_closed_channel_is_nobodys_after_it() -> None:
    reader = opened("d1")
    told(reader, **streams(d1=11))
    channel(reader, "closed", 20_000)
    listed(reader, "self", "d1", at_ms=21_000)
    assert reader.known_until(21_000) is None
    channel(reader, "open", 21_000)
    listed(reader, "self", "d1", at_ms=22_000)
    assert owner(reader, 11, at_ms=22_000) is None


def test_of_two_channels_one_may_close() -> None:
    reader = opened("d1")
    assert [type(fact) for fact in channel(reader, "open", 20_000)] == [VoiceDoubted]
    assert reader.known_until(20_000) is None  # the other may be dead, and not have said so
    channel(reader, "closed", 21_000)
    listed(reader, "self", "d1", at_ms=22_000)
    assert reader.known_until(22_000) == 22_000
    channel(reader, "closed", 23_000)
    channel(reader, "closed", 23_000)
    channel(reader, "open", 24_000)
    listed(reader, "self", "d1", at_ms=25_000)
    assert reader.known_until(25_000) == 25_000


def test_who_is_missing_in_a_whole_list_has_left() -> None:
    reader = opened("d1", "d2")
    told(reader, at_ms=10_000, **streams(d1=11))
    assert [fact.seat for fact in listed(reader, "self", "d2", at_ms=15_000)] == ["d1"]
    assert owner(reader, 11, at_ms=15_000) is None
    assert listed(reader, at_ms=60_000) == []  # an answer about something else


def test_what_the_channel_told_since_a_list_was_asked_for_is_later_than_the_list() -> None:
    reader = opened("d1", "d2")
    told(reader, at_ms=10_000, **people(d2=6, d3=1), **streams(d1=11, d3=13))
    told(reader, at_ms=11_000, **streams(d3=11))
    late = {"at_ms": 15_000, "age_ms": 6_000}
    assert listed(reader, "self", "d1", "d2", d1=11, **late) == []  # without d3, with d2, and 11 as it was
    assert owner(reader, 11, at_ms=15_000) == owner(reader, 13, at_ms=15_000) == frozenset({SeatId("d3")})
    facts = listed(reader, "self", "d1", "d2", at_ms=16_000, d1=11)
    assert [(type(fact), fact.seat) for fact in facts] == [(VoiceDoubted, "d3"), (Joined, "d2"), (Left, "d3")]


@pytest.mark.parametrize("kind", ["channel", "collections"])
def test_a_list_that_was_asked_for_before_nothing_was_known_does_not_end_that(kind: str) -> None:
    reader = opened("d1")
    value = "closed" if kind == "channel" else TRUNCATED
    list(reader.take(Signal(kind=kind, value=value, at_ms=20_000, since_ms=20_000)))
    if kind == "channel":
        listed(reader, "self", "d1", at_ms=20_500)  # while it is closed
        assert reader.known_until(20_500) is None
        channel(reader, "open", 21_000)
    listed(reader, "self", "d1", at_ms=22_000, age_ms=2_001)
    assert reader.known_until(22_000) is None
    listed(reader, "self", "d1", at_ms=22_000, age_ms=900)
    assert reader.known_until(22_000) == 22_000


def test_a_list_of_before_the_channel_was_open_is_none() -> None:
    reader = MeetReader()
    listed(reader, "self", "d1", at_ms=4_000)
    channel(reader, "open", 5_000)
    assert reader.known_until(5_000) is None
    listed(reader, "self", "d1", at_ms=6_000)
    assert reader.known_until(6_000) == 6_000


def test_of_who_has_left_a_line_still_comes() -> None:
    reader = opened("d1")
    told(reader, **people(d1=6))
    message = {"message_id": "m", "device_id": "d1", "body": {"text": "stop"}}
    assert [type(fact) for fact in told(reader, lists={"chat": {"messages": [message]}})] == [ChatSaid]


STEPS = st.lists(
    st.tuples(st.sampled_from(("joins", "leaves", "stream")), st.sampled_from(DEVICES), st.sampled_from(CSRCS)),
    max_size=30,
)


@given(steps=STEPS, twice=st.sets(st.integers(0, 29)), lost_from=st.integers(0, 30))
def test_an_owner_is_always_somebody_who_was_told_to_be_there_under_that_very_csrc(
    steps: list[tuple[str, str, int]], twice: set[int], lost_from: int
) -> None:
    """Against a plain reading of what has arrived; what comes after `lost_from` never does."""
    reader, here, last, now_ms = opened(), set[str](), dict[int, str](), 10_000
    for number, (what, device, csrc) in enumerate(steps[:lost_from]):
        for _ in range(1 + (number in twice)):
            now_ms += 1_000  # so that no packet is on its way any more
            if what == "stream":
                told(reader, at_ms=now_ms, **streams(**{device: csrc}))
                last[csrc] = device
            else:
                told(reader, at_ms=now_ms, **people(**{device: 1 if what == "joins" else 6}))
        if what == "joins":
            here.add(device)
        elif what == "leaves":
            here.discard(device)
            last = {known: whose for known, whose in last.items() if whose != device}
        for known in CSRCS:
            expected = last.get(known, "")
            assert owner(reader, known, at_ms=now_ms + 900) == (
                frozenset({SeatId(expected)}) if expected in here else None
            )
        assert owner(reader) is None
        assert owner(reader, 99) is None


@given(st.text(max_size=80), st.sampled_from(("collections", "people", "channel", "other")))
def test_garbage_says_nothing(noise: str, kind: str) -> None:
    reader = MeetReader()
    for value in (noise, None, 5, [noise], {"a": noise}):
        assert list(reader.take(Signal(kind=kind, value=value, at_ms=1, since_ms=1 - BEAT_MS))) == []


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
