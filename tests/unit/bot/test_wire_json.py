"""What is read can be written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wire_json import read_json

TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXT), lambda of: st.lists(of) | st.dictionaries(TEXT, of)
)


def test_half_of_a_pair_is_a_question_mark_and_a_whole_one_stays() -> None:
    assert read_json(r'{"name": "Ann\ud83d", "id\udc00": ["\ud83d\ude00"], "count": 3}') == {
        "name": "Ann?", "id?": ["\N{GRINNING FACE}"], "count": 3,
    }  # fmt: skip


@given(VALUES)
def test_whatever_is_read_can_be_written(value: Any) -> None:
    json.dumps(read_json(json.dumps(value)), ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ["", "{", "[1,]"])
def test_what_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        read_json(text)
