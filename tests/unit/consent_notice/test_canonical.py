"""RFC 8785 as far as it is used: order of names, escapes, numbers; and nothing that has two forms gets through."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.canonical import MAX_INTEGER, NotCanonical, canonical, read_canonical

TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def test_names_sort_by_utf16_units_as_in_rfc_8785_section_3_2_3() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = canonical({name: position for position, name in enumerate(names)})
    assert list(json.loads(written)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_strings_are_escaped_as_in_rfc_8785_section_3_2_2() -> None:
    assert canonical('\u20ac$\u000f\nA\'B"\\\\"/\x7f') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'.encode()


def test_whole_numbers_literals_and_nesting() -> None:
    assert canonical({"b": [1, -0, True, False, None, {}], "a": []}) == b'{"a":[],"b":[1,0,true,false,null,{}]}'


@pytest.mark.parametrize("value", [1.0, 2**53, -(2**53), "\ud800", {1: "a"}, {"\udfff": 1}, b"x", {"a": {2, 3}}])
def test_what_has_no_single_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b"1.0",
        b"NaN",
        b"1e2",
        b'"\\u0041"',
        b"\xff",
        b"",
        b"[1,]",
        b"-0",
    ],
)
def test_reading_takes_the_one_form_only(text: bytes) -> None:
    with pytest.raises(NotCanonical):
        read_canonical(text)


@given(VALUES)
def test_writing_and_reading_return_the_value(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]
    assert read_canonical(canonical(value)) == value  # type: ignore[arg-type]
