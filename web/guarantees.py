"""What a host may count on where a meeting is held, in sentences, before the bot goes there. Pure.

From what each room states of itself; a claim that a room can't make is not made.
"""

from __future__ import annotations

from bot.platforms import OFFERS, Tried
from bot.ports import Hears


def guarantees(platform: str) -> tuple[str, ...]:
    """Empty where no bot can go."""
    offer = OFFERS.get(platform)
    if offer is None:
        return ()
    can = offer.capabilities
    found = [
        "Nobody's voice is even sent to the bot before their yes."
        if can.withholds
        else "The meeting's sound reaches this server once the bot is let in; nothing of it is taken before a yes.",
        "Each voice comes apart, so that one can be kept and another left out."
        if can.hears is Hears.SEPARATE
        else "All voices come as one sound, kept only while everyone present has agreed, whatever rule you chose.",
    ]
    if can.hears is Hears.MIXED and can.roster_lag_ms:
        found.append(
            "Who joined is told late there, so the bot goes only where nothing in our table of laws speaks against it, "
            "or where your admin accepted it for places that are not known."
        )
    if can.names_only:
        found.append(
            "People are told apart by the name they show; those who share one are asked to answer on the page."
        )
    if not can.can_chat:
        found.append("There is no chat: people answer on the page that the bot names.")
    if offer.tried is not Tried.LIVE:
        found.append(
            f"Tried against a {offer.tried}, not against yours: your admin can do that (onrecord doctor room)."
            if offer.tried is not Tried.NOT_YET
            else "Not tried yet: your admin can do that (onrecord doctor room)."
        )
    return tuple(found)
