"""PURE: rooms of a service that an admin describes by how its addresses look, such as Janus rooms.

A pattern is an address with `{room}` where the room's name stands. Scheme, host, port, path and the parameters in it
must be the same; whatever else an address asks for is kept, as a room's code may be in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from calendar_sync.addresses import WebAddress, take_apart

ROOM = "{room}"
_STAND_IN = "onrecord-room"  # `{` and `}` are no characters of an address
_NAME = r"[A-Za-z0-9._~-]{1,80}"


class BadPattern(ValueError):
    """That describes no rooms. Write an address with {room} in its path or query, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPattern:
    origin: str
    path: re.Pattern[str]
    parameters: tuple[tuple[str, re.Pattern[str]], ...]

    def room_of(self, address: WebAddress) -> str | None:
        """The name of the room that an address leads to; None where it leads elsewhere."""
        if address.origin != self.origin:
            return None
        found = [self.path.fullmatch(address.path)]
        given = _parameters(address.query)
        for name, pattern in self.parameters:
            values = [value for key, value in given if key == name]
            # twice the same parameter could be read in two ways
            found.append(pattern.fullmatch(values[0]) if len(values) == 1 else None)
        if not all(found):
            return None
        return next((match["room"] for match in found if match and "room" in match.re.groupindex), None)


@lru_cache(maxsize=64)
def read_pattern(text: str) -> RoomPattern:
    """Raises BadPattern."""
    address = take_apart(text.strip().replace(ROOM, _STAND_IN))
    if address is None or address.scheme not in ("http", "https") or address.fragment:
        raise BadPattern
    if text.count(ROOM) != 1 or (address.path + address.query).count(_STAND_IN) != 1:
        raise BadPattern
    return RoomPattern(
        origin=address.origin,
        path=_compiled(address.path),
        parameters=tuple((name, _compiled(value)) for name, value in _parameters(address.query)),
    )


def room_in(link: str, patterns: Iterable[str]) -> str | None:
    """The name of the room by the first pattern that describes it; None: none does. Raises BadPattern."""
    address = take_apart(link)
    rooms = (read_pattern(text).room_of(address) for text in patterns if address is not None)
    return next((room for room in rooms if room is not None), None)


def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(re.escape(_STAND_IN), f"(?P<room>{_NAME})"), re.ASCII)


def _parameters(query: str) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return [(unquote(name), value) for name, _, value in pairs]
