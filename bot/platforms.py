"""What each platform lets the bot promise, as data: for its room, for the host before a meeting, and for the README.

A figure that is not measured against the live service is a bound from what is known of it, on the careful side: sound
is taken to be older, and a join to be told later, than they are likely to be; docs/rooms.md says what is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from bot.ports import Hears, RoomCapabilities
from consent_notice.words import IdentityLevel


class Way(StrEnum):
    """How the bot takes part."""

    NATIVE = "native"  # speaks the platform's own wire
    BROWSER = "browser"  # opens its page in a Chromium, as a guest does


class Tried(StrEnum):
    """Against what a room was tried; each stands for itself, none is a promise about the next."""

    LIVE = "live service"
    THIRD_PARTY = "third-party server"
    REPLICA = "page replica"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One platform that the bot can go to."""

    way: Way
    tried: Tried
    capabilities: RoomCapabilities


PRACTICE = RoomCapabilities(
    platform="practice",
    hears=Hears.SEPARATE,
    withholds=True,
    can_speak=True,
    can_chat=True,
    can_whisper=True,
    can_show_tile=True,
    chat_limit_chars=2_000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=150,
    path_delay_ms=100,
    hears_digits=True,
)

JANUS = RoomCapabilities(
    platform="janus",
    hears=Hears.SEPARATE,
    withholds=True,  # subscribed to by publisher
    can_speak=True,
    can_chat=True,
    can_whisper=True,
    can_show_tile=False,
    chat_limit_chars=4_000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=400,  # asked for ten times a second
    path_delay_ms=400,  # through the internet and the server
    names_only=True,  # VideoRoom and TextRoom have a shown name in common, and no id
)

GOOGLE_MEET = RoomCapabilities(
    platform="google_meet",
    hears=Hears.SEPARATE,  # each packet names whose it is
    withholds=False,
    can_speak=True,
    can_chat=True,
    can_whisper=False,
    can_show_tile=True,
    chat_limit_chars=500,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=2_000,
    path_delay_ms=500,
)

JITSI = RoomCapabilities(
    platform="jitsi",
    hears=Hears.SEPARATE,
    withholds=False,  # the bridge is asked to; not every bridge does it
    can_speak=True,
    can_chat=True,
    can_whisper=True,
    can_show_tile=True,
    chat_limit_chars=2_000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=1_000,
    path_delay_ms=500,
)

TEAMS = RoomCapabilities(
    platform="teams",
    hears=Hears.MIXED,
    withholds=False,
    can_speak=True,
    can_chat=True,
    can_whisper=False,
    can_show_tile=True,
    chat_limit_chars=4_000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=2_000,
    path_delay_ms=700,
)

ZOOM = RoomCapabilities(
    platform="zoom",
    hears=Hears.MIXED,
    withholds=False,
    can_speak=True,
    can_chat=True,
    can_whisper=False,
    can_show_tile=True,
    chat_limit_chars=4_000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=3_000,
    path_delay_ms=700,
    names_only=True,
)

OFFERS: Mapping[str, Offer] = MappingProxyType(
    {
        "google_meet": Offer(way=Way.BROWSER, tried=Tried.REPLICA, capabilities=GOOGLE_MEET),
        "janus": Offer(way=Way.NATIVE, tried=Tried.THIRD_PARTY, capabilities=JANUS),
        "jitsi": Offer(way=Way.BROWSER, tried=Tried.REPLICA, capabilities=JITSI),
        "practice": Offer(way=Way.NATIVE, tried=Tried.LIVE, capabilities=PRACTICE),
        "teams": Offer(way=Way.BROWSER, tried=Tried.REPLICA, capabilities=TEAMS),
        "zoom": Offer(way=Way.BROWSER, tried=Tried.REPLICA, capabilities=ZOOM),
    }
)
