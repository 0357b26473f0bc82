"""PURE: to which platforms the bots of this installation go, and the words for where they do not."""

from __future__ import annotations

from dataclasses import dataclass

from calendar_sync.links import PLATFORM_NAMES, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """To which platforms the bots of this installation go."""

    joinable: frozenset[Platform]
    switched_off: frozenset[Platform] = frozenset()  # by the admin
    without_browser: frozenset[Platform] = frozenset()  # joined by their page, and this server has no browser

    def why_not(self, platform: Platform) -> str | None:
        """In words for the host; None: a bot can go there."""
        name = PLATFORM_NAMES[platform]
        if platform in self.switched_off:
            return f"{name[:1].upper()}{name[1:]} is switched off here by your admin"
        if platform in self.without_browser:
            return f"{name} needs a browser on this server: ask your admin to install one"
        return None if platform in self.joinable else f"{name} is not supported yet: the bot can't join there"
