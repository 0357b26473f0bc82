"""The one byte form of a JSON value (RFC 8785), so that a hash of it means the same everywhere.

Takes strings, whole numbers, booleans, null, lists and objects. Fractions are left out on purpose: nothing that is
logged needs them, and they are where implementations differ.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterable
from typing import Any

from consent_notice.events import JsonValue

_FLAT = frozenset({str, bool, type(None)})  # types whose every value has one form, surrogates aside
_STRINGS = frozenset({str})
_quoted = json.JSONEncoder(ensure_ascii=False).encode  # made once: `json.dumps` would make one for each string
MAX_INTEGER = 2**53 - 1  # RFC 7493 section 2.2: beyond it other readers lose digits
# Made once, since most of the time went into making it. The same bytes as `_write`, for what `_is_plain` lets through.
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


class NotCanonical(Exception):
    """That value has no single byte form. Use text, whole numbers up to 2**53 - 1, booleans, null, lists, objects."""


def canonical(value: JsonValue) -> bytes:
    """UTF-8 bytes. Raises NotCanonical for floats, huge integers, lone surrogates and keys that are no strings."""
    parts: list[str] = []
    try:
        if _is_plain(value):
            return _written(value).encode("utf-8")
        _write(value, parts)
        return "".join(parts).encode("utf-8")
    except RecursionError:
        raise NotCanonical("couldn't write canonical JSON: it is nested too deep") from None
    except UnicodeEncodeError:
        raise NotCanonical("couldn't write canonical JSON: a string holds half of a surrogate pair") from None


def read_canonical(text: bytes) -> JsonValue:
    """Raises NotCanonical unless `text` is exactly what `canonical` would write: no spaces, no double keys."""
    value = read_json(text)
    if canonical(value) != text:
        raise NotCanonical("couldn't read canonical JSON: the text is JSON in another form")
    return value


def read_json(text: bytes) -> JsonValue:
    """In whatever form. Raises NotCanonical for numbers with a fraction or exponent, and what is no JSON."""
    try:
        value: JsonValue = _read(text.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise NotCanonical("couldn't read canonical JSON: the text is no JSON of this kind") from None
    return value


def _refuse(number: str) -> Any:
    raise ValueError(f"not a whole number: {number}")


_read = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse).decode


def _is_plain(value: object) -> bool:
    """Nothing in it that has no form, and no name for which the order of code points is not that of UTF-16."""
    kind = type(value)
    if kind in _FLAT:
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]
    if kind is dict:
        members = typing.cast(dict[object, object], value)
        if not _STRINGS.issuperset(map(type, members)) or not "".join(typing.cast(dict[str, object], value)).isascii():
            return False
        inner: Iterable[object] = members.values()
    elif kind is list or kind is tuple:
        inner = typing.cast(list[object], value)
    else:
        return False
    return _FLAT.issuperset(map(type, inner)) or all(map(_is_plain, inner))


def _write(value: JsonValue, parts: list[str]) -> None:
    if value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, str):
        parts.append(_quoted(str(value)))
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise NotCanonical("couldn't write canonical JSON: a number is beyond 2**53 - 1")
        parts.append(int.__repr__(value))
    elif isinstance(value, list | tuple):
        _write_list(value, parts)
    elif isinstance(value, dict):
        _write_object(value, parts)
    else:
        raise NotCanonical(f"couldn't write canonical JSON: expected a JSON value, got {type(value).__name__}")


def _write_list(items: list[JsonValue] | tuple[JsonValue, ...], parts: list[str]) -> None:
    parts.append("[")
    for position, item in enumerate(items):
        if position:
            parts.append(",")
        _write(item, parts)
    parts.append("]")


def _write_object(members: dict[str, JsonValue], parts: list[str]) -> None:
    if not all(isinstance(name, str) for name in members):
        raise NotCanonical("couldn't write canonical JSON: expected names that are strings")
    parts.append("{")
    for position, name in enumerate(sorted(members, key=_utf16)):
        if position:
            parts.append(",")
        parts.append(_quoted(str(name)))
        parts.append(":")
        _write(members[name], parts)
    parts.append("}")


def _utf16(name: str) -> bytes:
    """Names sort by their UTF-16 code units (RFC 8785 section 3.2.3), not by code points."""
    return name.encode("utf-16-be", "surrogatepass")
