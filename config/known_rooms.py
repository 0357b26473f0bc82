"""What an admin may write to name rooms on their own servers; judged here, so that a mistake is told at the start."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import ValidationInfo

from calendar_sync.addresses import take_apart
from calendar_sync.room_patterns import read_pattern


def host_names(value: tuple[str, ...]) -> tuple[str, ...]:
    """In lower case. Raises ValueError."""
    names = tuple(name.strip().lower() for name in value)
    for name in names:
        address = take_apart(f"https://{name}/")
        if address is None or f"{address.host}:{address.port}".removesuffix(":") != name:
            raise ValueError("holds what is no host's name")
    return names


def room_patterns(value: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError."""
    for text in value:
        read_pattern(text)
    return value


def web_socket_or_none(value: str) -> str:
    """Raises ValueError."""
    parts = urlsplit(value)
    if value and (parts.scheme not in {"ws", "wss"} or not parts.hostname or parts.fragment):
        raise ValueError("is no WebSocket's address")
    return value


def whole_registration(value: str, info: ValidationInfo) -> str:
    """Raises ValueError where some of the three that make a registration are missing."""
    others = [info.data.get("teams_bot_tenant", ""), info.data.get("teams_bot_client_id", "")]
    if len({bool(given) for given in (value, *others)}) > 1:
        raise ValueError("is no registration without the other two")
    return value
