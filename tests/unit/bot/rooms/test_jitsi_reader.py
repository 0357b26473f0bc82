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
from bot.ports import Joined, Left, LeftReason, RoomRefused, VoiceDoubted
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
    return list(
        reader.take(Signal(kind="here", value={"room": room, "me": me, "people": people}, at_ms=at_ms, since_ms=at_ms))
    )


def doubt(who: str, since_ms: int, to_ms: int) -> VoiceDoubted:
    return VoiceDoubted(seat=SeatId(who), from_ms=since_ms - JITSI.roster_lag_ms, to_ms=to_ms)


def owner(reader: JitsiReader, track: str, ssrc: int = 7, *, at_ms: int = 10_000) -> frozenset[SeatId] | None:
    line = Line(number=1, epoch=1, track_id=track, stream_ids=(), mid="0")
    return reader.owners(Sound(line=line, ssrc=ssrc, csrcs=(), at_ms=at_ms))


@pytest.mark.parametrize("between", ["t1", ""])
def test_a_source_that_went_to_another_makes_the_last_moments_of_the_one_before_doubtful(between: str) -> None:
    reader = JitsiReader()
    here(reader, {"ann": "t1", "ben": ""}, at_ms=59_600)
    here(reader, {"ann": between, "ben": ""}, at_ms=59_800)
    (doubted,) = here(reader, {"ann": "", "ben": "t1"}, at_ms=60_000)
    assert doubted == doubt("ann", 59_800, 60_000)
    here(reader, {"ann": "", "ben": "t1"}, at_ms=60_200)
    here(reader, {"ann": "", "ben": "t1"}, at_ms=60_400)
    assert owner(reader, "t1", at_ms=60_400) is None  # packets of hers may still come
    here(reader, {"ann": "", "ben": "t1"}, at_ms=60_600)
    assert owner(reader, "t1", at_ms=60_600) == frozenset({SeatId("ben")})


def test_what_two_claim_is_nobodys() -> None:
    reader = JitsiReader()
    here(reader, {"ann": "t1"})
    assert [type(fact) for fact in here(reader, {"ann": "t1", "ben": "t1"})] == [Joined, VoiceDoubted]
    assert owner(reader, "t1", at_ms=10_900) is None


@pytest.mark.parametrize("how", ["silence", "apart", "garbage"])
def test_what_changed_while_no_list_came_is_dated_back_to_the_last_that_did(how: str) -> None:
    reader = JitsiReader()
    here(reader, {"ann": "t1", "ben": "t2"}, at_ms=60_000)
    if how == "apart":
        reader.take(Signal(kind="apart", value=1, at_ms=60_200, since_ms=60_200))
    if how == "garbage":
        with pytest.raises(KeyError):
            list(
                reader.take(
                    Signal(
                        kind="here",
                        value={"room": 1, "me": "me", "people": [{"id": "x"}]},
                        at_ms=60_200,
                        since_ms=60_200,
                    )
                )
            )
        assert reader.known_until(60_200) is None
        assert owner(reader, "t1", at_ms=60_200) is None
    # Of so long a time nobody knows who sounded as whom; and the first list may still be one of before it.
    facts = here(reader, {"ann": "t1", "ben": "t2"}, at_ms=65_000)
    assert facts == [doubt("ann", 60_000, 65_000), doubt("ben", 60_000, 65_000)]
    assert reader.known_until(65_000) == 60_000
    *everybody, joined, doubted = here(reader, {"ann": "t1", "ben": "", "cat": "t2"}, at_ms=65_200)
    assert everybody == [doubt("ann", 60_000, 65_200), doubt("ben", 60_000, 65_200)]
    assert isinstance(joined, Joined)
    assert joined.at_ms == 60_000 - JITSI.roster_lag_ms
    assert doubted == doubt("ben", 60_000, 65_200)
    assert here(reader, {"ann": "t1", "ben": "", "cat": "t2"}, at_ms=65_400) == []
    assert reader.known_until(65_400) == 65_400


def test_in_another_room_all_are_new_even_under_the_same_ids() -> None:
    reader = JitsiReader()
    here(reader, {"ann": "t1"})
    left, joined = here(reader, {"ann": "t1"}, room=2, me="me-there")
    assert (type(left), type(joined)) == (Left, Joined)
    assert reader.own_seat == "me-there"


def test_of_a_page_that_stopped_telling_nobody_is_known() -> None:
    reader = JitsiReader()
    here(reader, {"ann": "t1"}, at_ms=10_000)
    assert owner(reader, "t1", at_ms=10_000 + STALE_MS - 1)
    assert owner(reader, "t1", at_ms=10_000 + STALE_MS) is None
    assert reader.known_until(10_000 + STALE_MS) is None


def test_the_bot_is_nobody_in_its_own_roster() -> None:
    reader = JitsiReader()
    assert here(reader, {"me": "t1"}) == []
    assert owner(reader, "t1") is None


def test_a_line_of_nobody_who_is_here_is_no_answer() -> None:
    reader = JitsiReader()
    here(reader, {"ann": ""})
    told = {"id": "m", "text": "record yes", "private": False, "reply_to": ""}
    for sender, number in (("ann", 1), ("left", 0), ("", 0), ("me", 0)):
        facts = list(
            reader.take(Signal(kind="message", value=told | {"id": sender, "from": sender}, at_ms=1, since_ms=1))
        )
        assert len(facts) == number, sender
    assert reader.own_message("record yes") == "me"


SNAPSHOTS = st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(("", *TRACKS)), max_size=3)
STEPS = st.lists(st.one_of(SNAPSHOTS, st.just("apart"), st.just("garbage")), max_size=20)


@given(steps=STEPS, twice=st.sets(st.integers(0, 19)))
def test_an_owner_is_always_somebody_whom_the_last_snapshot_alone_names_for_that_very_source(
    steps: list[Any], twice: set[int]
) -> None:
    """Every ten seconds, so that no packet is on its way any more."""
    reader, present, now_ms = JitsiReader(), set[str](), 0
    for number, step in enumerate(steps):
        for _ in range(1 + (number in twice)):
            now_ms += 10_000
            if step == "apart":
                reader.take(Signal(kind="apart", value=1, at_ms=now_ms, since_ms=now_ms))
            elif step == "garbage":
                with pytest.raises((KeyError, TypeError, ValueError)):
                    told = {"room": 1, "me": "me", "people": [{"id": "x"}]}
                    list(reader.take(Signal(kind="here", value=told, at_ms=now_ms, since_ms=now_ms)))
            else:
                facts = [*here(reader, step, at_ms=now_ms - 200), *here(reader, step, at_ms=now_ms)]
                for fact in facts:
                    if isinstance(fact, Joined):
                        present.add(fact.seat)
                    elif isinstance(fact, Left):
                        present.remove(fact.seat)
                assert present == set(step)  # what was told adds up to who is there
        last = list(step.values()) if isinstance(step, dict) else []
        assert (reader.known_until(now_ms) is None) is (step in ("apart", "garbage"))
        for track in TRACKS:
            whose = {one for one in present if isinstance(step, dict) and step.get(one) == track}
            found = owner(reader, track, at_ms=now_ms + 900)
            assert found == (frozenset(map(SeatId, whose)) if last.count(track) == 1 else None)
            assert owner(reader, track, ssrc=8, at_ms=now_ms + 900) is None


@given(st.text(max_size=80), st.sampled_from(("here", "apart", "message", "deleted", "other")))
def test_garbage_says_nothing(noise: str, kind: str) -> None:
    reader = JitsiReader()
    for value in (noise, None, 5, [noise], {"a": noise}):
        try:
            assert list(reader.take(Signal(kind=kind, value=value, at_ms=1, since_ms=1))) == []
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
