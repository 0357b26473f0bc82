"""Whose the mix of Teams is: everybody's who is here, and nobody's where somebody unknown may speak in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.browser.reading import STALE_MS
from bot.browser.script import Line, Signal, Sound
from bot.platforms import TEAMS
from bot.ports import ChatDeleted, ChatEdited, ChatSaid, Joined, Left, LeftReason, RoomRefused, VoiceDoubted
from bot.rooms.teams import TeamsReader, address
from consent_notice.words import IdentityLevel, SeatId

PEOPLE = ("8:a", "8:b", "4:+49", "28:bot")
CSRCS = (11, 12, 13, 14)


def here(
    reader: TeamsReader, people: set[str], sources: dict[int, str], *, call: str = "c1", at_ms: int = 10_000
) -> list[Any]:
    """`sources`: CSRC -> whose, with a blank between several."""
    value = {
        "me": "8:me",
        "call": call,
        "people": [{"id": one, "name": one} for one in people] + [{"id": "48:service", "name": ""}],
        "sources": {str(csrc): whose.split() for csrc, whose in sources.items()},
    }
    return list(reader.take(Signal(kind="here", value=value, at_ms=at_ms, since_ms=at_ms)))


def owners(
    reader: TeamsReader, *csrcs: int, track: str = "mainAudio-7", at_ms: int = 10_000
) -> frozenset[SeatId] | None:
    line = Line(number=1, epoch=1, track_id=track, stream_ids=(), mid="0")
    return reader.owners(Sound(line=line, ssrc=1, csrcs=csrcs, at_ms=at_ms))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sets(st.sampled_from(PEOPLE)), st.dictionaries(st.sampled_from(CSRCS), st.sampled_from(PEOPLE))),
        st.just("apart"),
    ),
    max_size=20,
)


@given(steps=STEPS, twice=st.sets(st.integers(0, 19)), csrcs=st.sets(st.sampled_from((*CSRCS, 99)), max_size=3))
def test_the_owners_are_all_who_are_here_as_long_as_every_source_is_one_of_theirs(
    steps: list[Any], twice: set[int], csrcs: set[int]
) -> None:
    """Every ten seconds, so that no packet is on its way any more."""
    reader, now_ms = TeamsReader(), 0
    for number, step in enumerate(steps):
        for _ in range(1 + (number in twice)):
            now_ms += 10_000
            if step == "apart":
                reader.take(Signal(kind="apart", value=None, at_ms=now_ms, since_ms=now_ms))
            else:
                here(reader, *step, at_ms=now_ms - 200)  # the first after a standstill may be one of before it
                here(reader, *step, at_ms=now_ms)
        people, sources = (set[str](), dict[int, str]()) if step == "apart" else step
        persons = {one for one in people if not one.startswith("28:")}
        is_known = bool(csrcs) and all(sources.get(csrc) in persons for csrc in csrcs)
        expected = frozenset(map(SeatId, persons)) if is_known else None
        assert owners(reader, *csrcs, at_ms=now_ms + 900) == expected
        assert owners(reader, *csrcs, track="other", at_ms=now_ms + 900) is None
        assert reader.known_until(now_ms) == (None if step == "apart" else now_ms)


def test_of_a_page_that_stopped_telling_nobody_is_known() -> None:
    reader = TeamsReader()
    here(reader, {"8:a"}, {11: "8:a"})
    assert owners(reader, 11, at_ms=10_000 + STALE_MS - 1)
    assert owners(reader, 11, at_ms=10_000 + STALE_MS) is None
    assert reader.known_until(10_000 + STALE_MS) is None


@pytest.mark.parametrize(("key", "is_somebody"), [("8:guest:1", True), ("4:+49", True), ("48:x", False), ("x", False)])
def test_who_shows_no_name_is_somebody_unnamed_where_the_id_is_a_persons(key: str, is_somebody: bool) -> None:
    reader = TeamsReader()
    value = {"me": "8:me", "call": "c", "people": [{"id": key, "name": ""}], "sources": {"11": [key]}}
    facts = list(reader.take(Signal(kind="here", value=value, at_ms=10_000, since_ms=10_000)))
    levels = [fact.identity_level for fact in facts if isinstance(fact, Joined)]
    assert levels == [IdentityLevel.SHARED_OR_ANONYMOUS] * is_somebody
    assert owners(reader, 11) == ({SeatId(key)} if is_somebody else None)


def test_while_a_bot_sounds_nothing_is_anybodys() -> None:
    reader = TeamsReader()
    here(reader, {"8:a", "28:bot"}, {11: "8:a", 14: "28:bot"})
    assert owners(reader, 11) == frozenset({SeatId("8:a")})
    assert owners(reader, 11, 14) is owners(reader, 14) is None


def written(
    reader: TeamsReader, content: str, *, by: str = "8:a", edited: bool = False, deleted: bool = False
) -> list[Any]:
    value = {"id": "m1", "from": by, "content": content, "type": "Text", "edited": edited, "deleted": deleted}
    return list(reader.take(Signal(kind="message", value=value, at_ms=10_000, since_ms=10_000)))


def test_a_line_that_was_changed_before_we_saw_it_says_so() -> None:
    reader = TeamsReader()
    here(reader, {"8:a"}, {})
    (said,) = written(reader, "record yes", edited=True)
    assert isinstance(said, ChatSaid)
    assert said.was_changed
    (edited,) = written(reader, "stop", edited=True)
    assert isinstance(edited, ChatEdited)
    (gone,) = written(reader, "stop", edited=True, deleted=True)
    assert isinstance(gone, ChatDeleted)
    assert written(TeamsReader(), "record yes") == []  # of nobody who is here


def test_a_stop_that_comes_after_its_writer_left_is_theirs() -> None:
    reader = TeamsReader()
    here(reader, {"8:a"}, {})
    here(reader, set(), {})
    assert [type(fact) for fact in written(reader, "stop")] == [ChatSaid]


def test_half_a_list_is_taken_in_not_at_all() -> None:
    reader = TeamsReader()
    value = {"me": "8:me", "call": "c", "people": [{"id": "8:a", "name": "A"}, {}], "sources": {}}
    with pytest.raises(KeyError):
        list(reader.take(Signal(kind="here", value=value, at_ms=1, since_ms=1)))
    assert reader.own_seat is None
    assert [type(fact) for fact in here(reader, {"8:a"}, {})] == [Joined]
    assert reader.own_seat == "8:me"


def test_in_another_call_all_are_new_and_no_source_is_known() -> None:
    reader = TeamsReader()
    here(reader, {"8:a"}, {11: "8:a"})
    left, joined = here(reader, {"8:a"}, {}, call="c2")
    assert (type(left), type(joined)) == (Left, Joined)
    assert owners(reader, 11) is None
    assert here(reader, {"8:a"}, {11: "8:a"}, call="c2") == []
    assert owners(reader, 11) == frozenset({SeatId("8:a")})


def test_the_bot_is_nobody_in_its_own_roster_and_its_lines_are_nobodys() -> None:
    reader = TeamsReader()
    assert [fact.seat for fact in here(reader, {"8:a", "8:me"}, {11: "8:a", 12: "8:me"})] == ["8:a"]
    assert owners(reader, 11, 12) is None
    assert written(reader, "May I record?", by="8:me") == []
    assert reader.own_message("May I record?") == "m1"


def test_a_source_that_is_told_no_more_is_nobodys() -> None:
    reader = TeamsReader()
    here(reader, {"8:a", "8:b"}, {11: "8:a", 12: "8:b"})
    for now in ({12: "8:b"}, {11: "", 12: "8:b"}, {11: "8:a 8:b", 12: "8:b"}):
        here(reader, {"8:a", "8:b"}, now)
        assert owners(reader, 11) is owners(reader, 11, 12) is None


@pytest.mark.parametrize("between", ["8:a", "", "gone"])
def test_a_source_that_comes_to_another_makes_the_last_moments_of_the_whole_mix_doubtful(between: str) -> None:
    reader = TeamsReader()
    here(reader, {"8:a", "8:b", "28:bot"}, {11: "8:a"}, at_ms=59_800)
    here(reader, {"8:a", "8:b", "28:bot"}, {} if between == "gone" else {11: between}, at_ms=59_900)
    facts = here(reader, {"8:b", "28:bot"}, {11: "28:bot"}, at_ms=60_000)
    doubted = [fact for fact in facts if isinstance(fact, VoiceDoubted)]
    assert {fact.seat for fact in doubted} >= {"8:a", "8:b"}
    assert {(fact.from_ms, fact.to_ms) for fact in doubted} == {(59_900 - TEAMS.roster_lag_ms, 60_000)}
    here(reader, {"8:b", "28:bot"}, {11: "8:b"}, at_ms=60_100)
    assert owners(reader, 11, at_ms=60_200) is None  # the bot's packets may still come


def test_what_changed_while_no_list_came_is_dated_back_to_the_last_that_did() -> None:
    reader = TeamsReader()
    here(reader, {"8:a"}, {}, at_ms=60_000)
    value = {"me": "8:me", "call": "c1", "people": [{}], "sources": {}}
    with pytest.raises(KeyError):
        list(reader.take(Signal(kind="here", value=value, at_ms=60_100, since_ms=60_100)))
    assert reader.known_until(60_100) is None
    doubted, joined = here(reader, {"8:a", "8:b"}, {}, at_ms=65_000)
    assert isinstance(joined, Joined)
    assert joined.at_ms == 60_000 - TEAMS.roster_lag_ms
    assert doubted == VoiceDoubted(seat=SeatId("8:a"), from_ms=joined.at_ms, to_ms=65_000)


@pytest.mark.parametrize(
    "link",
    ["https://teams.microsoft.com.evil.example/meet/1", "http://teams.microsoft.com/meet/1",
     "https://teams.microsoft.com:8443/meet/1", "https://evil.example/#https://teams.microsoft.com/meet/1"],
)  # fmt: skip
def test_only_teams_itself_is_opened(link: str) -> None:
    with pytest.raises(RoomRefused) as refused:
        address(link, "onrecord")
    assert refused.value.reason is LeftReason.NOT_FOUND


def test_the_passcode_stays_and_a_fragment_does_not() -> None:
    link = "https://teams.microsoft.com/meet/1?p=a%2Bb"
    assert address(link + "#token=forged", "onrecord") == link
