"""Whose Zoom's mix is: everybody's who is listed while the list is whole, and nobody's otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.browser.reading import STALE_MS
from bot.browser.script import Line, Signal, Sound
from bot.platforms import ZOOM
from bot.ports import ChatEdited, ChatSaid, Joined, Left, LeftReason, RoomRefused, VoiceDoubted
from bot.rooms.zoom import MOST_WAITING, ZoomReader, address
from consent_notice.words import SeatId

NAMES = ("Ann", "Ben", "Ann (Me)", "me", "+49 30 12345")
SOUND = Sound(line=Line(number=1, epoch=1, track_id="x", stream_ids=(), mid="0"), ssrc=1, csrcs=(), at_ms=10_000)


def listed(
    reader: ZoomReader, names: list[str], *, hidden: int = 0, me: str = "onrecord", at_ms: int = 10_000
) -> list[Any]:
    """`hidden`: so many more are counted."""
    rows = [{"name": me, "label": "(Me)"}, *({"name": name, "label": "(Host)"} for name in names)]
    value = {"page": "p", "count": len(rows) + hidden, "rows": rows}
    return list(reader.take(Signal(kind="list", value=value, at_ms=at_ms, since_ms=at_ms)))


def said(
    reader: ZoomReader, header: str, text: str, *, label: str = "", row: str = "1", at_ms: int = 10_000
) -> list[Any]:
    value = {"id": row, "header": header, "label": label, "text": text}
    return list(reader.take(Signal(kind="message", value=value, at_ms=at_ms, since_ms=at_ms)))


STEPS = st.lists(
    st.one_of(st.tuples(st.lists(st.sampled_from(NAMES), max_size=4), st.sampled_from((0, 0, 0, 1))), st.just("apart")),
    max_size=15,
)


@given(steps=STEPS, twice=st.sets(st.integers(0, 14)))
def test_the_owners_are_all_who_are_listed_and_only_of_a_whole_list(steps: list[Any], twice: set[int]) -> None:
    reader, present = ZoomReader(), dict[SeatId, str]()
    for number, step in enumerate(steps):
        for _ in range(1 + (number in twice)):
            if step == "apart":
                reader.take(Signal(kind="apart", value=None, at_ms=1, since_ms=1))
                continue
            names, hidden = step
            for fact in listed(reader, names, hidden=hidden):
                if isinstance(fact, Joined):
                    present[fact.seat] = fact.name
                else:
                    del present[fact.seat]
            if not hidden:
                assert sorted(present.values()) == sorted(names)  # what was told adds up to who is listed
        is_whole = step != "apart" and step[1] == 0
        assert reader.known_until(10_000) == (10_000 if is_whole else None)
        assert reader.owners(SOUND) == (frozenset(present) or None if is_whole else None)


def test_of_a_page_that_stopped_telling_nobody_is_known() -> None:
    reader = ZoomReader()
    listed(reader, ["Ann"])
    assert reader.owners(replace(SOUND, at_ms=10_000 + STALE_MS - 1))
    assert reader.owners(replace(SOUND, at_ms=10_000 + STALE_MS)) is None
    assert reader.known_until(10_000 + STALE_MS) is None


def test_a_list_that_is_not_whole_is_none_and_the_next_is_dated_back_to_before_it() -> None:
    reader = ZoomReader()
    listed(reader, ["Ann", "Ben"], at_ms=60_000)
    assert listed(reader, ["Cat"], hidden=2, at_ms=60_200) == []
    assert listed(reader, ["Ann", "Ann", "Ben"], hidden=-1, at_ms=60_300) == []  # a row that is drawn twice
    (joined,) = listed(reader, ["Ann", "Ben", "Cat"], at_ms=60_400)
    assert (joined.name, joined.at_ms) == ("Cat", 60_000 - ZOOM.roster_lag_ms)


def test_a_seat_is_never_given_twice() -> None:
    reader, seats = ZoomReader(), list[SeatId]()
    for names in (["Ann"], [], ["Ann"], ["Ann", "Ann"], ["Ann"], ["Ben"], ["Ann"]):
        seats += [fact.seat for fact in listed(reader, names) if isinstance(fact, Joined)]
    assert len(seats) == len(set(seats)) == 7


def test_who_calls_themselves_me_is_not_the_bot() -> None:
    reader = ZoomReader()
    assert [fact.name for fact in listed(reader, ["me", "Ann (Me)"])] == ["me", "Ann (Me)"]
    assert reader.own_seat == "p:own"


@pytest.mark.parametrize("how", ["silence", "apart", "hidden", "garbage"])
def test_after_a_second_without_a_whole_list_anybody_may_be_another_of_the_same_name(how: str) -> None:
    reader = ZoomReader()
    (first,) = listed(reader, ["Ann"], at_ms=60_000)
    (doubted,) = listed(reader, ["Ann"], at_ms=60_000 + STALE_MS - 1)
    assert isinstance(doubted, VoiceDoubted)
    if how == "apart":
        reader.take(Signal(kind="apart", value=None, at_ms=61_200, since_ms=61_200))
    elif how == "hidden":
        assert listed(reader, [], hidden=1, at_ms=61_200) == []
    elif how == "garbage":
        with pytest.raises(KeyError):
            list(
                reader.take(
                    Signal(kind="list", value={"page": "p", "count": 1, "rows": [{}]}, at_ms=61_200, since_ms=61_200)
                )
            )
        assert reader.known_until(61_200) is None
    doubted, left, second = listed(reader, ["Ann"], at_ms=60_999 + STALE_MS)
    assert left.seat == first.seat == doubted.seat != second.seat
    assert second.at_ms == doubted.from_ms == 60_000 - ZOOM.roster_lag_ms


def test_a_line_is_of_the_first_who_shows_that_name_and_of_nobody_else() -> None:
    reader = ZoomReader()
    joined = listed(reader, ["Ann", "Ann"])
    (line,) = said(reader, "Ann", "record yes")
    assert isinstance(line, ChatSaid)
    assert line.seat == joined[0].seat
    for nobody in ("Zed", "You", "onrecord"):  # "You" is how the client shows the bot's own lines
        assert said(reader, nobody, "record yes", row=nobody) == []
    listed(reader, ["Ann", "onrecord", "You"])
    for name in ("onrecord", "You"):  # somebody bears the bot's name
        (line,) = said(reader, name, "record yes", row="2")
        assert isinstance(line, ChatSaid)


@pytest.mark.parametrize(
    ("header", "label", "sender", "is_private"),
    [
        ("Ann", "", "Ann", False),
        ("Ann", "Ann to Everyone at 10:02", "Ann", False),
        ("Ann", "Ann said to onrecord (Direct Message)", "Ann", True),
        ("", "Ben to Everyone", "Ben", False),
        ("Ann to Bob", "Ann to Bob to Everyone", "Ann to Bob", False),  # a guest's name
        ("", "Ann to Bob to Everyone", None, False),  # of whom cannot be told
        ("Ben", "Ann to Everyone", None, False),  # the line above is another's
        ("Ann", "Zed to Everyone", None, False),
        ("", "", None, False),
        ("", "Zed to Everyone", None, False),
    ],
)
def test_nobody_writes_as_another_by_their_name(header: str, label: str, sender: str | None, is_private: bool) -> None:
    reader = ZoomReader()
    seats = {fact.seat: fact.name for fact in listed(reader, ["Ann", "Ben", "Ann to Bob"])}
    lines = said(reader, header, "record yes", label=label)
    expected = [] if sender is None else [(sender, is_private)]
    assert [(seats[line.seat], line.to_bot_only) for line in lines] == expected


def test_a_line_waits_for_the_list_to_be_whole_and_is_nobodys_where_that_takes_long() -> None:
    reader = ZoomReader()
    listed(reader, ["Ann"], at_ms=60_000)
    listed(reader, ["Ann"], hidden=1, at_ms=60_200)
    assert said(reader, "Ann", "record yes", at_ms=60_200) == []  # the other may be an Ann, too
    (line,) = listed(reader, ["Ann"], at_ms=60_400)
    assert (type(line), line.at_ms) == (ChatSaid, 60_200)
    listed(reader, ["Ann"], hidden=1, at_ms=60_600)
    said(reader, "Ann", "record no", row="2", at_ms=60_600)
    *_, left, new, line = listed(reader, ["Ann"], at_ms=62_000)
    assert line.seat == left.seat != new.seat


@pytest.mark.parametrize("how", ["left", "another came", "nobody knew for long"])
def test_a_line_that_may_be_of_who_has_gone_is_theirs(how: str) -> None:
    """Whose yes then opens nothing, and whose no is one of all who show that name."""
    reader = ZoomReader()
    (first,) = listed(reader, ["Ann"], at_ms=60_000)
    names = ["Ann"] * {"left": 0, "another came": 2, "nobody knew for long": 1}[how]
    now_ms = 62_000 if how == "nobody knew for long" else 60_200
    *_, second = listed(reader, names, at_ms=now_ms)
    for at_ms in range(now_ms, now_ms + ZOOM.roster_lag_ms, 200):
        listed(reader, names, at_ms=at_ms)
    (line,) = said(reader, "Ann", "record yes", at_ms=now_ms + ZOOM.roster_lag_ms - 1)
    assert line.seat == first.seat
    late = said(reader, "Ann", "record yes", row="2", at_ms=now_ms + ZOOM.roster_lag_ms)
    assert [line.seat for line in late] == ([] if how == "left" else [reader._keys["Ann"][0]])
    assert first.seat != second.seat or how == "left"


def test_a_line_under_a_label_alone_is_found_for_who_has_just_left_too() -> None:
    reader = ZoomReader()
    (ann,) = listed(reader, ["Ann"], at_ms=60_000)
    listed(reader, [], at_ms=60_200)
    (line,) = said(reader, "", "stop", label="Ann to Everyone", at_ms=60_200)
    assert line.seat == ann.seat


def test_a_row_that_is_drawn_anew_is_of_who_wrote_it_and_of_no_other_of_that_name() -> None:
    reader = ZoomReader()
    (first,) = listed(reader, ["Ann"], at_ms=60_000)
    said(reader, "Ann", "record yes", at_ms=60_000)
    *_, second = listed(reader, ["Ann"], at_ms=70_000)
    for at_ms in range(70_200, 80_000, 200):
        listed(reader, ["Ann"], at_ms=at_ms)
    # The row above it, with the name, has gone out of sight: nothing was written.
    assert said(reader, "", "record yes", label="Ann to Everyone", at_ms=80_000) == []
    (edited,) = said(reader, "", "stop", label="Ann to Everyone", at_ms=80_000)
    assert (type(edited), edited.seat) == (ChatEdited, first.seat)
    (own,) = said(reader, "Ann", "record yes", row="2", at_ms=80_000)
    assert own.seat == second.seat != first.seat


def test_too_many_lines_while_the_list_is_not_whole_make_everybody_new() -> None:
    reader = ZoomReader()
    (ann,) = listed(reader, ["Ann"], at_ms=60_000)
    listed(reader, ["Ann"], hidden=1, at_ms=60_200)
    said(reader, "Ann", "stop", at_ms=60_200)
    for row in range(MOST_WAITING):
        said(reader, "Ann", "x", row=f"x{row}", at_ms=60_300)
    left = next(fact for fact in listed(reader, ["Ann"], at_ms=60_400) if isinstance(fact, Left))
    assert left.seat == ann.seat


def test_two_of_a_name_of_whom_one_is_drawn_are_two() -> None:
    reader = ZoomReader()
    listed(reader, ["Ann", "Ann"], at_ms=60_000)
    for turn in range(1, 20):
        names = ["Ann"] if turn % 2 else ["Ann", "Ann"]
        assert listed(reader, names, hidden=turn % 2, at_ms=60_000 + 100 * turn) == []


def test_the_bots_own_lines_are_found_while_the_list_is_not_whole() -> None:
    reader = ZoomReader()
    listed(reader, ["Ann"], hidden=1)
    said(reader, "You", "May I record?")
    assert reader.own_message("May I record?")


def test_a_row_that_is_drawn_anew_with_anothers_line_is_no_edit_of_the_first() -> None:
    reader = ZoomReader()
    listed(reader, ["Ann", "Ben"])
    for name, text in (("Ann", "record yes"), ("Ben", "stop")):
        (line,) = said(reader, name, text)
        assert isinstance(line, ChatSaid)
        assert line.text == text


@given(st.text(max_size=50), st.sampled_from(("list", "apart", "message", "other")))
def test_garbage_says_nothing(noise: str, kind: str) -> None:
    reader = ZoomReader()
    for value in (noise, None, 5, [noise], {"page": noise}):
        try:
            assert list(reader.take(Signal(kind=kind, value=value, at_ms=1, since_ms=1))) == []
        except (KeyError, TypeError, ValueError):
            continue


@pytest.mark.parametrize(
    ("link", "opened"),
    [
        ("https://us02web.zoom.us/j/81234567890?pwd=abc.1", "https://app.zoom.us/wc/81234567890/join?pwd=abc.1"),
        ("https://acme.zoom.us/w/812345678", "https://app.zoom.us/wc/812345678/join"),
        ("https://acme.zoomgov.com/j/8123456789?pwd=x", "https://acme.zoomgov.com/wc/join/8123456789?pwd=x"),
        ("https://zoom.us/my/jane.doe", "https://zoom.us/my/jane.doe"),
    ],
)
def test_the_web_client_is_opened(link: str, opened: str) -> None:
    assert address(link, "onrecord") == opened


@pytest.mark.parametrize(
    "link",
    ["https://zoom.us.evil.example/j/81234567890", "http://zoom.us/j/81234567890", "https://evilzoom.us/j/81234567890",
     "https://zoom.us:8443/j/81234567890", "https://zoom.us/pricing", "https://evil.example/?https://zoom.us/j/1"],
)  # fmt: skip
def test_only_zoom_itself_is_opened(link: str) -> None:
    with pytest.raises(RoomRefused) as refused:
        address(link, "onrecord")
    assert refused.value.reason is LeftReason.NOT_FOUND
