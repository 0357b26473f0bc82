"""Why a bot does not go to a platform, in words for the host."""

from __future__ import annotations

from calendar_sync.links import Platform
from calendar_sync.reach import Reach


def test_what_is_switched_off_is_so_whether_a_bot_could_go_there_or_not() -> None:
    reach = Reach(joinable=frozenset({Platform.ZOOM, Platform.JITSI}), switched_off=frozenset({Platform.ZOOM}))
    assert reach.why_not(Platform.JITSI) is None
    assert reach.why_not(Platform.ZOOM) == "Zoom is switched off here by your admin"
    bare = Reach(joinable=frozenset(), without_browser=frozenset({Platform.GOOGLE_MEET}))
    assert bare.why_not(Platform.GOOGLE_MEET) == (
        "Google Meet needs a browser on this server: ask your admin to install one"
    )
    assert reach.why_not(Platform.TEAMS) == "Microsoft Teams is not supported yet: the bot can't join there"
