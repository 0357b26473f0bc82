"""PURE: where the bot stands towards a meeting, as the table NEXT_PRESENCE.

Whether sound is kept is not here: capture is no state, it is asked of the record each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from bot.commands import CalledOff, HostStopped, JoinFailed, OwnershipLost, ServerStops, Started, StorageFailed
from bot.ports import Admitted, Ended, WaitingInLobby


class Presence(StrEnum):
    SCHEDULED = "scheduled"
    JOINING = "joining"
    WAITING_ROOM = "waiting_room"
    IN_ROOM = "in_room"
    LEAVING = "leaving"
    LEFT = "left"


class IllegalEvent(Exception):
    """That cannot happen in this presence. Nothing was changed; the stay ends."""


_ENDS = {
    Ended: Presence.LEFT,
    HostStopped: Presence.LEAVING,
    CalledOff: Presence.LEAVING,
    OwnershipLost: Presence.LEAVING,
    StorageFailed: Presence.LEAVING,
    ServerStops: Presence.LEAVING,
}
NEXT_PRESENCE: Mapping[Presence, Mapping[type, Presence]] = MappingProxyType(
    {
        Presence.SCHEDULED: {Started: Presence.JOINING},
        Presence.JOINING: {
            **_ENDS,
            JoinFailed: Presence.LEFT,
            WaitingInLobby: Presence.WAITING_ROOM,
            Admitted: Presence.IN_ROOM,
        },
        Presence.WAITING_ROOM: {**_ENDS, Admitted: Presence.IN_ROOM},
        Presence.IN_ROOM: {**_ENDS},
        Presence.LEAVING: {Ended: Presence.LEFT},
        Presence.LEFT: {},
    }
)
_MOVING = frozenset({Started, JoinFailed, WaitingInLobby, Admitted, Ended})  # out of place, these are errors


def next_presence(presence: Presence, event: object) -> Presence:
    """The same presence for an event that moves nothing. Raises IllegalEvent."""
    following = NEXT_PRESENCE[presence].get(type(event))
    if following is None and type(event) in _MOVING:
        raise IllegalEvent(f"couldn't take {type(event).__name__}: the bot is {presence.value}")
    return presence if following is None else following
