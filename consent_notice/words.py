"""The words that every package shares: identifiers, purposes, rules, standings, identity levels.

Decides nothing; it only fixes spellings, which are stored and published and so must never change.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NewType

MeetingId = NewType("MeetingId", str)
VisitId = NewType("VisitId", str)
SeatId = NewType("SeatId", str)
SegmentId = NewType("SegmentId", str)
UserId = NewType("UserId", str)
CalendarId = NewType("CalendarId", str)


_OF_SEAT = "\x1f"  # in no platform's ids


def voice_of(seat: SeatId, person: str) -> SeatId:
    """Under which one of several people on a seat stands; the seat itself where it is one person's."""
    return SeatId(f"{seat}{_OF_SEAT}{person}") if person else seat


def seat_of_voice(voice: SeatId) -> SeatId:
    return SeatId(voice.partition(_OF_SEAT)[0])


def person_of_voice(voice: SeatId) -> str:
    return voice.partition(_OF_SEAT)[2]


class Purpose(StrEnum):
    """What a person is asked about, one by one; none works without RECORDING, which is the one the gate asks about."""

    RECORDING = "recording"
    TRANSCRIPTION = "transcription"
    AI_NOTES = "ai_notes"
    INSIGHTS = "insights"
    SHARING = "sharing"


class Rule(StrEnum):
    """Whose yes a kept sound needs."""

    EVERYONE = "everyone"
    EACH_VOICE = "each_voice"
    PRESENTERS = "presenters"


class Standing(StrEnum):
    """One person's answer for one purpose, in the terms of the W3C Data Privacy Vocabulary; only GIVEN opens."""

    UNKNOWN = "unknown"
    REQUESTED = "requested"
    DEFERRED = "deferred"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    ATTESTED = "attested"


class ConsentStatus(StrEnum):
    """What a recording or transcript may be told to hold; VOICES_MISSING and TIME_MISSING may both hold."""

    NONE = "none"
    COMPLETE = "complete"
    VOICES_MISSING = "voices_missing"
    TIME_MISSING = "time_missing"
    WITHDRAWN = "withdrawn"


class IdentityLevel(IntEnum):
    """How well the person behind an answer is known; each purpose has a floor."""

    SHARED_OR_ANONYMOUS = 0
    DISPLAY_NAME = 1
    MATCHED_TO_INVITEE = 2
    PAGE_BOUND_BY_CODE = 3
    SIGNED_PERSONAL_LINK = 4
    PLATFORM_ACCOUNT = 5


class SeatKind(StrEnum):
    """What sits in a seat; a bot is disclosed to all and is no voice of a person."""

    PERSON = "person"
    BOT = "bot"
