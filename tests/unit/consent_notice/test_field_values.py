"""Values of fields to JSON and back; a value of another type is never read as one."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum
from typing import Any, NewType

import pytest

from consent_notice.field_values import plain, reader_of

Name = NewType("Name", str)


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Odd(Enum):
    ONE = 1


CASES: list[tuple[Any, Any, Any]] = [
    (str, "a", "a"),
    (Name, Name("a"), "a"),
    (int, 2**53, 2**53),
    (bool, True, True),
    (Colour, Colour.RED, "red"),
    (Level, Level.HIGH, 3),
    (Odd, Odd.ONE, 1),
    (tuple[int, ...], (1, 2), [1, 2]),
    (tuple[int, ...], (), []),
    (tuple[tuple[Colour, int], ...], ((Colour.RED, 1),), [["red", 1]]),
]


@pytest.mark.parametrize(("hint", "value", "written"), CASES)
def test_what_is_written_is_read(hint: Any, value: Any, written: Any) -> None:
    assert plain(value) == written
    assert type(plain(value)) in (str, int, bool, list)
    assert reader_of(hint)(written) == value


@pytest.mark.parametrize(
    ("hint", "written"),
    [
        (str, 1),
        (int, True),
        (bool, 1),
        (int, "1"),
        (Colour, "blue"),
        (tuple[int, ...], "12"),
        (tuple[int, ...], ["1"]),
        (tuple[tuple[Colour, int], ...], [["red"]]),
        (tuple[tuple[Colour, int], ...], [["red", 1, 2]]),
    ],
)
def test_a_value_of_another_type_is_refused(hint: Any, written: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        reader_of(hint)(written)


@pytest.mark.parametrize("value", [1.5, b"a", {"a": 1}, ["a"], object()])
def test_what_has_no_form_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        plain(value)


@pytest.mark.parametrize("hint", [float, bytes, int | None, list[int]])
def test_a_field_of_a_type_that_has_no_form_is_a_mistake_at_once(hint: Any) -> None:
    with pytest.raises(TypeError):
        reader_of(hint)
