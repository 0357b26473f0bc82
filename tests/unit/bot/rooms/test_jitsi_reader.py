"""Whose sound a track of Jitsi is: whatever comes late, twice or not at all, never somebody's who is not known."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.browser.reading import STALE_MS
from bot.browser.script import Line, Signal, Sound
from bot.platforms import JITSI
from bot.ports import Joined, Left, LeftReason, RoomRefused
from bot.rooms.jitsi import JitsiReader, address
from consent_notice.words import SeatId

TRACKS = ("t1", "t2", "t3")
PEOPLE = ("ann", "ben", "cat")


def here(
    reader: JitsiReader, whose: dict[str, str], *, room: int = 1, at_ms: int = 10_000, me: str = "me"
) -> list[Any]:
    """`whose`: of each person the track."""
    people = [
        {"id": one, "name": one, "bot": False, "phone": False, "tracks": [{"id": track, "ssrc": 7}] if track else []}
        for one, track in whose.items()
    ]
    return list(reader.take(Signal(kind="here", value={"room": room, "me": me, "people": people}, at_ms=at_ms)))


def owner(reader: JitsiReader, track: str, ssrc: int = 7) -> frozenset[SeatId] | None:
    line = Line(number=1, epoch=1, track_id=track, stream_ids=(), mid="0")
    return reader.owners(Sound(line=line, ssrc=ssrc, csrcs=(), at_ms=0))


def test_a_source_that_went_to_another_makes_the_last_moments_of_the_one_before_doubtful() -> None:
    reader = JitsiReader()
    here(reader, {"ann": "t1", "ben": ""})
    left, back = here(reader, {"ann": "", "ben": "t1"}, at_ms=60_000)
    assert (type(left), left.seat, left.at_ms) == (Left, "ann", 60_000 - JITSI.roster_lag_ms)
    assert (type(back), back.seat, back.at_ms) == (Joined, "ann", 60_000)
    assert owner(reader, "t1") == frozenset({SeatId("ben")})


def test_in_another_room_all_are_new_even_under_the_same_ids() -> None:
    reader = JitsiReader()
    here(reader, {"ann": "t1"})
    left, joined = here(reader, {"ann": "t1"}, room=2, me="me-there")
    assert (type(left), type(joined)) == (Left, Joined)
    assert reader.own_seat == "me-there"


def test_of_a_page_that_stopped_telling_nobody_is_known() -> None:
    reader = JitsiReader()
    here(reader, {"ann": "t1"}, at_ms=10_000)
    line = Line(number=1, epoch=1, track_id="t1", stream_ids=(), mid="0")
    assert reader.owners(Sound(line=line, ssrc=7, csrcs=(), at_ms=10_000 + STALE_MS - 1))
    assert reader.owners(Sound(line=line, ssrc=7, csrcs=(), at_ms=10_000 + STALE_MS)) is None
    assert not reader.is_alive(10_000 + STALE_MS)


def test_the_bot_is_nobody_in_its_own_roster() -> None:
    reader = JitsiReader()
    assert here(reader, {"me": "t1"}) == []
    assert owner(reader, "t1") is None


def test_a_line_of_nobody_who_is_here_is_no_answer() -> None:
    reader = JitsiReader()
    here(reader, {"ann": ""})
    told = {"id": "m", "text": "record yes", "private": False, "reply_to": ""}
    for sender, number in (("ann", 1), ("left", 0), ("", 0), ("me", 0)):
        facts = list(reader.take(Signal(kind="message", value=told | {"id": sender, "from": sender}, at_ms=1)))
        assert len(facts) == number, sender
    assert reader.own_message("record yes") == "me"


SNAPSHOTS = st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(("", *TRACKS)), max_size=3)
STEPS = st.lists(st.one_of(SNAPSHOTS, st.just("apart"), st.just("garbage")), max_size=20)


@given(steps=STEPS, twice=st.sets(st.integers(0, 19)))
def test_an_owner_is_always_somebody_whom_the_last_snapshot_names_for_that_very_source(
    steps: list[Any], twice: set[int]
) -> None:
    reader, present = JitsiReader(), set[str]()
    for number, step in enumerate(steps):
        last: dict[str, str] = {}
        for _ in range(1 + (number in twice)):
            if step == "apart":
                reader.take(Signal(kind="apart", value=1, at_ms=1))
            elif step == "garbage":
                with pytest.raises((KeyError, TypeError, ValueError)):
                    reader.take(Signal(kind="here", value={"room": 1, "me": "me", "people": [{"id": "x"}]}, at_ms=1))
            else:
                for fact in here(reader, step):
                    present = present | {fact.seat} if isinstance(fact, Joined) else present - {fact.seat}
                assert present == set(step)  # what was told adds up to who is there
        if isinstance(step, dict):
            last = {track: one for one, track in step.items() if track}
            for track in TRACKS:
                found = owner(reader, track)
                assert found == (frozenset({SeatId(last[track])}) if track in last else None)
                assert owner(reader, track, ssrc=8) is None
        elif step == "apart":
            assert not reader.is_alive(1)
            assert all(owner(reader, track) is None for track in TRACKS)


@given(st.text(max_size=80), st.sampled_from(("here", "apart", "message", "deleted", "other")))
def test_garbage_says_nothing(noise: str, kind: str) -> None:
    reader = JitsiReader()
    for value in (noise, None, 5, [noise], {"a": noise}):
        try:
            assert list(reader.take(Signal(kind=kind, value=value, at_ms=1))) == []
        except (KeyError, TypeError, ValueError):
            continue


@pytest.mark.parametrize("link", ["ftp://jitsi.example.org/Talk", "https://jitsi.example.org/", "https:///Talk", "x"])
def test_what_is_no_room_is_not_opened(link: str) -> None:
    with pytest.raises(RoomRefused) as refused:
        address(link, "onrecord")
    assert refused.value.reason is LeftReason.NOT_FOUND


def test_a_name_stays_a_name_in_the_address() -> None:
    name = 'onrecord, invited by "A&config.p2p.enabled=true#'
    opened = urlsplit(address("https://jitsi.example.org:8443/Talk?jwt=x#config.prejoinConfig.enabled=true", name))
    assert (opened.netloc, opened.path, opened.query) == ("jitsi.example.org:8443", "/Talk", "")
    options = [part.split("=", 1) for part in opened.fragment.split("&")]
    assert [value for key, value in options if key == "config.p2p.enabled"] == ["false"]
    assert [json.loads(unquote(value)) for key, value in options if key == "userInfo.displayName"] == [name]
