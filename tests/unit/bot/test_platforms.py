"""What is promised of each platform fits together."""

from __future__ import annotations

from bot.platforms import OFFERS
from bot.ports import Hears
from calendar_sync.links import Platform


def test_each_is_a_platform_that_links_lead_to_and_says_so_itself() -> None:
    for name, offer in OFFERS.items():
        assert name == Platform(name).value == offer.capabilities.platform


def test_no_mix_withholds_and_every_bound_is_one() -> None:
    for offer in OFFERS.values():
        capabilities = offer.capabilities
        assert not (capabilities.withholds and capabilities.hears is Hears.MIXED)
        assert capabilities.roster_lag_ms > 0
        assert capabilities.path_delay_ms > 0
        assert capabilities.chat_limit_chars >= 300
