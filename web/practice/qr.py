"""Draws the consent page's address as a QR code for the bot's tile. Decides what a phone can read off a screen."""

from __future__ import annotations

import io

import segno

QUIET_ZONE_MODULES = 3  # the tile's own white plate adds the fourth (ISO/IEC 18004 asks for four)


def link_as_svg(link: str) -> bytes:
    """A whole SVG document without a size of its own; always dark on white, which is what phone cameras expect."""
    drawing = io.BytesIO()
    segno.make(link, error="m", micro=False).save(
        drawing, kind="svg", border=QUIET_ZONE_MODULES, dark="#14161a", light="#ffffff", omitsize=True, nl=False
    )
    return drawing.getvalue()
