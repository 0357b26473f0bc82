"""The fields of events as JSON values, and back: what turns one into the other is made once for each type.

To look at a type hint costs ten times what the reading of a value does.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any

Reader = Callable[[Any], Any]  # raises TypeError or ValueError


def plain(value: Any) -> Any:
    """Strings, whole numbers, booleans, null and lists of them. Raises TypeError."""
    if type(value) is str or type(value) is int:
        return value
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | int) or value is None:
        return value
    raise TypeError(f"couldn't write log entry: {type(value).__name__} has no JSON form here")


def reader_of(hint: Any) -> Reader:
    """For a field of that type. Raises TypeError for a type that has none."""
    hint = getattr(hint, "__supertype__", hint)  # a NewType
    if typing.get_origin(hint) is tuple:
        arguments = typing.get_args(hint)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return functools.partial(_read_list, reader_of(arguments[0]))
        return functools.partial(_read_tuple, tuple(reader_of(argument) for argument in arguments))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if hint is bool or hint is int or hint is str:
        return functools.partial(_read_exactly, hint)
    raise TypeError(f"no reader for a field of type {hint}")


def _read_exactly(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} expected")
    return value


def _read_list(read: Reader, value: Any) -> tuple[Any, ...]:
    if type(value) is not list:
        raise TypeError("list expected")
    return tuple([read(item) for item in value])


def _read_tuple(readers: tuple[Reader, ...], value: Any) -> tuple[Any, ...]:
    if type(value) is not list:
        raise TypeError("list expected")
    return tuple([read(item) for read, item in zip(readers, value, strict=True)])
