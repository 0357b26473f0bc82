"""What clients say is checked first; names and texts come out readable and harmless."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.practice import wire


def read(**said: object) -> wire.Said:
    return wire.read_message(json.dumps(said))


def test_a_join_needs_a_token_that_cannot_be_guessed() -> None:
    assert isinstance(read(t="join", name="Ann", token="x" * 16), wire.Join)
    with pytest.raises(wire.WireError):
        read(t="join", name="Ann", token="short")


def test_what_a_browser_is_known_by_may_be_left_out_and_not_be_guessed() -> None:
    for known_by in ({}, {"person": None}, {"person": "x" * 16}):
        assert isinstance(read(t="join", name="Ann", token="x" * 16, **known_by), wire.Join)
    for wrong in ("short", "x" * 201, 7):
        with pytest.raises(wire.WireError):
            read(t="join", name="Ann", token="x" * 16, person=wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"t":"unheard of"}',
        '{"t":"chat"}',
        '{"t":"chat","text":7}',
        '{"t":"mic","on":"yes"}',
        '{"t":"subscribe","seat":"0123456789ab","slot":8}',
        '{"t":"subscribe","seat":"0123456789ab","slot":-1}',
        '{"t":"subscribe","seat":"../../etc","slot":1}',
        '{"t":"tile","state":"recording","text":"","invited_by":"","link":"javascript:alert(1)"}',
        '{"t":"chat","text":"\\ud800"}',
    ],
)
def test_what_is_not_understood_is_an_error_that_repeats_nothing(text: str) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.read_message(text)
    assert str(caught.value) in ("", "That message is too long.")


def test_too_long_a_message_is_refused_but_an_offer_may_be_longer() -> None:
    with pytest.raises(wire.WireError, match="too long"):
        read(t="leave", filler="x" * wire.LONGEST_MESSAGE_BYTES)
    assert isinstance(read(t="offer", sdp="x" * wire.LONGEST_MESSAGE_BYTES), wire.Offer)
    with pytest.raises(wire.WireError):
        read(t="offer", sdp="x" * wire.LONGEST_OFFER_BYTES)


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("  Ann \n Lee\t", "Ann Lee"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # clients show it as text
        ("Bob\u202egnp.exe", "Bobgnp.exe"),
        ("\u2066Eve\u2069\u200f", "Eve"),
        ("a\x00b\x07c", "abc"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("Łukasz", "Łukasz"),
    ],
)
def test_names_lose_what_turns_or_hides_text_and_nothing_else(given_name: str, shown: str) -> None:
    assert wire.clean_name(given_name) == shown


@pytest.mark.parametrize("name", ["", "   ", "\u202e\u2066", "\u200d", "🙂" * 300, "x" * 81])
def test_a_name_that_cannot_be_shown_is_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(wire.WireError, match="name"):
        wire.clean_name(name)


def test_texts_keep_their_lines() -> None:
    assert wire.clean_text("one\r\ntwo\u202e\x1b[2J\n") == "one \ntwo[2J"


@given(st.text(st.characters()))
def test_whatever_is_left_can_be_sent(text: str) -> None:
    wire.clean_text(text).encode()
