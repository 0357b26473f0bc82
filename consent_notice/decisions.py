"""How one person's standing for one purpose changes: the table NEXT_STANDING and nothing else.

Whether an answer reads as a yes is decided in `answers`; whether a standing opens the gate, in `rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from consent_notice.words import Purpose, Standing


class Act(StrEnum):
    """What happened to a standing. REVOKE is done by somebody else than the person; RESET follows an unclean end."""

    ASK = "ask"
    DEFER = "defer"
    GIVE = "give"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    EXPIRE = "expire"
    INVALIDATE = "invalidate"
    ATTEST = "attest"
    RESET = "reset"


class IllegalAct(Exception):
    """That act is not possible from this standing. Nothing was changed."""


_OWN_ANSWERS = {Act.GIVE: Standing.GIVEN, Act.REFUSE: Standing.REFUSED, Act.WITHDRAW: Standing.WITHDRAWN}

# A refusal or withdrawal is left only by the person's own act: nobody asks again (law 8), so ASK, DEFER and ATTEST
# are absent from those rows. A `withdraw` before any yes is a no, and is kept as the person said it.
NEXT_STANDING: Mapping[Standing, Mapping[Act, Standing]] = MappingProxyType(
    {
        Standing.UNKNOWN: {**_OWN_ANSWERS, Act.ASK: Standing.REQUESTED, Act.ATTEST: Standing.ATTESTED},
        Standing.REQUESTED: {
            **_OWN_ANSWERS,
            Act.ASK: Standing.REQUESTED,
            Act.DEFER: Standing.DEFERRED,
            Act.ATTEST: Standing.ATTESTED,
        },
        Standing.DEFERRED: {**_OWN_ANSWERS, Act.ASK: Standing.REQUESTED, Act.ATTEST: Standing.ATTESTED},
        Standing.GIVEN: {
            **_OWN_ANSWERS,
            Act.REVOKE: Standing.REVOKED,
            Act.EXPIRE: Standing.EXPIRED,
            Act.INVALIDATE: Standing.INVALIDATED,
            Act.RESET: Standing.REQUESTED,
        },
        Standing.REFUSED: {**_OWN_ANSWERS},
        Standing.WITHDRAWN: {**_OWN_ANSWERS},
        Standing.REVOKED: {**_OWN_ANSWERS, Act.ASK: Standing.REQUESTED},
        Standing.EXPIRED: {**_OWN_ANSWERS, Act.ASK: Standing.REQUESTED},
        Standing.INVALIDATED: {**_OWN_ANSWERS, Act.ASK: Standing.REQUESTED},
        Standing.ATTESTED: {**_OWN_ANSWERS, Act.REVOKE: Standing.REVOKED, Act.RESET: Standing.REQUESTED},
    }
)

IDENTITY_FLOOR: Mapping[Purpose, int] = MappingProxyType(
    {
        Purpose.RECORDING: 1,
        Purpose.TRANSCRIPTION: 1,
        Purpose.AI_NOTES: 2,
        Purpose.SHARING: 2,
        Purpose.INSIGHTS: 4,
    }
)


OWN_ACTS = frozenset(_OWN_ANSWERS)


def next_standing(standing: Standing, act: Act, *, by_person: bool = True) -> Standing:
    """Raises IllegalAct where the table has no such row, or where somebody else answers for the person."""
    if act in OWN_ACTS and not by_person:
        raise IllegalAct(f"couldn't apply {act.value}: only the person can do that")
    try:
        return NEXT_STANDING[standing][act]
    except KeyError:
        raise IllegalAct(f"couldn't apply {act.value}: not possible from {standing.value}") from None


def meets_floor(purpose: Purpose, identity_level: int) -> bool:
    """Whether a person known this well can say yes to it; a no needs no floor."""
    return identity_level >= IDENTITY_FLOOR[purpose]
