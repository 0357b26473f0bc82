"""For the admin's support: what a meeting's page looked like when the bot was out of it unexpectedly.

Pictures and outlines hold no name and no chat; they go after seven days by themselves.
"""

from __future__ import annotations

from aiohttp import web

from consent_notice.words import VisitId
from storage.errors import BrokenRecord
from storage.snapshots import KEPT_DAYS, KeptSnapshot
from web.access import STORE, Access, Route, get


def routes() -> list[Route]:
    return [get("/review/{visit}/snapshots/{number:[0-9]{1,2}}.png", show_picture, Access.ADMIN)]


async def show_picture(request: web.Request) -> web.Response:
    wanted = int(request.match_info["number"])
    for kept in await snapshots_of(request, VisitId(request.match_info["visit"])):
        if kept.number == wanted and kept.picture_png:
            return web.Response(body=kept.picture_png, content_type="image/png", headers={"Cache-Control": "no-store"})
    raise web.HTTPNotFound(text=f"This picture is gone: they are kept for {KEPT_DAYS} days.")


async def snapshots_of(request: web.Request, visit: VisitId) -> list[KeptSnapshot]:
    """None that can't be read: support has other ways, and the review has to be shown."""
    try:
        return await request.app[STORE].snapshots.of_visit(visit)
    except (OSError, BrokenRecord):
        return []
