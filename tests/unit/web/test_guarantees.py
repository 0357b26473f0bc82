"""Before a meeting a host reads what holds there, and no more than the room can claim."""

from __future__ import annotations

import re
from pathlib import Path

from bot.platforms import OFFERS
from web.display import PLATFORM_WORDS
from web.guarantees import guarantees

README = Path(__file__).parents[3] / "README.md"


def test_what_withholds_says_so_and_nothing_else_does() -> None:
    for platform, offer in OFFERS.items():
        said = " ".join(guarantees(platform))
        assert ("even sent to the bot" in said) == offer.capabilities.withholds
        assert ("by the name they show" in said) == offer.capabilities.names_only
    assert guarantees("webex") == ()


def test_the_readme_says_of_each_platform_what_its_room_does() -> None:
    rows = {
        line.split("|")[1].strip().partition(" (")[0].lower(): [cell.strip() for cell in line.split("|")[2:-1]]
        for line in README.read_text(encoding="utf-8").splitlines()
        if re.match(r"\| [A-Z p].* \| (natively|by browser|not yet) \|", line)
    }
    for platform, words in PLATFORM_WORDS.items():
        if platform == "meet":
            continue
        offer, row = OFFERS.get(platform), rows[words.lower()]
        if offer is None:
            assert row[0] == "not yet"
            continue
        assert row[0] == {"native": "natively", "browser": "by browser"}[offer.way.value]
        assert (row[1], row[2]) == (
            "yes" if offer.capabilities.hears.value == "separate" else "no",
            "yes" if offer.capabilities.withholds else "no",
        )
        assert row[4].startswith(offer.tried.value)
