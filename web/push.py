"""Where calendar services tell of changes. A notice with its watch's secret has that calendar read now; nothing else in
it is read, and whatever comes without is answered and forgotten.

Google: "Push notifications" (developers.google.com/workspace/calendar/api/guides/push): what matters is in headers.
Microsoft: "Receive change notifications through webhooks" and "Reduce missing subscriptions and change notifications"
(learn.microsoft.com/graph/change-notifications-delivery-webhooks and /change-notifications-lifecycle-events): an
address is proven by sending its validation token back as plain text, notices carry `clientState`.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from limits import RateLimitItemPerMinute

from web.access import CLOCK, STORE, Access, Route
from web.accounts import LIMITER

MOST_NOTICES = 1_000
MOST_STRANGERS = 20  # in one body: watches that ended not long ago; whoever sends more is guessing
LONGEST_TOKEN = 2_000
MOST_REQUESTS_A_MINUTE = 600  # of one address; a service asks again later, and calendars are read at their interval
_REQUESTS = RateLimitItemPerMinute(MOST_REQUESTS_A_MINUTE)
_LATER = {"Retry-After": "60"}  # seconds
_LONGEST_ID = 400


def routes() -> list[Route]:
    return [
        Route(method="POST", path="/push/google", handler=from_google, access=Access.ANYONE, is_form=False),
        Route(method="POST", path="/push/outlook", handler=from_outlook, access=Access.ANYONE, is_form=False),
    ]


async def from_google(request: web.Request) -> web.Response:
    """`sync` only says that the channel stands."""
    if await _is_flood(request):
        return web.Response(status=429, headers=_LATER)
    channel, secret = request.headers.get("X-Goog-Channel-ID", ""), request.headers.get("X-Goog-Channel-Token", "")
    if request.headers.get("X-Goog-Resource-State") != "sync" and len(channel) <= _LONGEST_ID:
        await request.app[STORE].watches.take_notice("google", channel, secret)
    return web.Response(status=204)


async def from_outlook(request: web.Request) -> web.Response:
    if await _is_flood(request):
        return web.Response(status=429, headers=_LATER)
    token = request.query.get("validationToken")
    if token is not None:
        if len(token) > LONGEST_TOKEN:
            raise web.HTTPBadRequest
        return web.Response(text=token, content_type="text/plain")
    try:
        told = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest from None
    notices = told.get("value") if isinstance(told, dict) else None
    strangers = 0
    for notice in notices[:MOST_NOTICES] if isinstance(notices, list) else ():
        strangers += not await _take(request, notice)
        if strangers >= MOST_STRANGERS:
            break
    return web.Response(status=202)


async def _is_flood(request: web.Request) -> bool:
    return not await request.app[LIMITER].hit(_REQUESTS, "push", request.remote or "?")


async def _take(request: web.Request, notice: Any) -> bool:
    """False where it is not one of ours."""
    watches = request.app[STORE].watches
    if not isinstance(notice, dict):
        return False
    remote_id, secret = notice.get("subscriptionId"), notice.get("clientState")
    if not isinstance(remote_id, str) or not isinstance(secret, str) or len(remote_id) > _LONGEST_ID:
        return False
    found = await watches.take_notice("outlook", remote_id, secret)  # also after `missed`: the delta tells what was
    if found is None:
        return False
    if notice.get("lifecycleEvent") == "reauthorizationRequired":
        await watches.renew_now(found.id, request.app[CLOCK].now())
    elif notice.get("lifecycleEvent") == "subscriptionRemoved":
        await watches.forget(found.id)  # and a new one is ordered
    return True
