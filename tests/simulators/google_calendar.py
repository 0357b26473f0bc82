"""A stand-in for Google's sign-in and Calendar API, over https, written from Google's documentation.

- calendarList.list, events.list, events.watch, channels.stop: developers.google.com/workspace/calendar/api/v3/reference
- sync tokens, what can't stand beside one, 410: …/calendar/api/guides/sync; pages: …/calendar/api/guides/pagination
- errors and their reasons: …/calendar/api/guides/errors; partial answers (`fields`): …/calendar/api/guides/performance
- notices: …/calendar/api/guides/push
- scopes: …/calendar/api/auth

`google_identity` signs in, `google_events` holds the calendars. It remembers every request, and misbehaves when told.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.simulators.certificate_authority import CertificateAuthority, certificate_authority
from tests.simulators.google_events import GoogleEvents, Resource
from tests.simulators.google_identity import GoogleIdentity, Grant
from tests.simulators.request_log import note

_AUTH = "https://www.googleapis.com/auth/"
_ROLES = ("freeBusyReader", "reader", "writer", "owner")
_NOT_BESIDE_A_TOKEN = ("iCalUID", "orderBy", "q", "timeMin", "timeMax", "updatedMin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    id: str
    calendar: str
    address: str
    token: str
    resource_id: str
    expiration_ms: int


@dataclass(slots=True, kw_only=True)
class _Listing:
    """The rest of a list that is handed out page by page."""

    items: list[Resource]
    sync_token: str


@dataclass(slots=True, kw_only=True)
class GoogleCalendarServer:
    authority: CertificateAuthority
    identity: GoogleIdentity = field(default_factory=GoogleIdentity)
    calendars: dict[str, GoogleEvents] = field(default_factory=dict)
    page_size: int = 3
    empty_pages: int = 0  # before the first page that holds something
    faults: deque[str] = field(default_factory=deque)  # one for each request to events.list; "" for none
    is_told_twice: bool = False  # every item of a delta
    generation: int = 1  # sync tokens of an older one are gone
    asked: list[Asked] = field(default_factory=list)
    channels: dict[str, Channel] = field(default_factory=dict)
    channel_life_s: int = 604_800
    origin: str = ""
    _listings: dict[str, _Listing] = field(default_factory=dict)
    _message: int = 1

    def add(self, calendar: GoogleEvents) -> GoogleEvents:
        self.calendars[calendar.id] = calendar
        return calendar

    def forget_sync_tokens(self) -> None:
        self.generation += 1

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._remember])
        app.add_routes(self.identity.routes())
        base = "/calendar/v3"
        app.router.add_get(f"{base}/users/me/calendarList", self.list_calendars)
        app.router.add_get(f"{base}/calendars/{{calendar}}/events", self.list_events)
        app.router.add_post(f"{base}/calendars/{{calendar}}/events/watch", self.watch)
        app.router.add_post(f"{base}/channels/stop", self.stop)
        return app

    @web.middleware
    async def _remember(self, request: web.Request, handler: Any) -> web.StreamResponse:
        note("google", request.method, request.path)
        body = (await request.read()).decode()
        self.asked.append(
            Asked(method=request.method, path=request.path, query={**request.query}, body=body),
        )
        answer: web.StreamResponse = await handler(request)
        return answer

    # ---- lists -----------------------------------------------------------------------------------------------------

    async def list_calendars(self, request: web.Request) -> web.StreamResponse:
        self._authorised(request, {"calendar.calendarlist.readonly"})
        least = _ROLES.index(request.query.get("minAccessRole", "freeBusyReader"))
        items = [
            {
                "kind": "calendar#calendarListEntry",
                "id": calendar.id,
                "summary": calendar.summary,
                "timeZone": calendar.time_zone,
                "accessRole": calendar.access_role,
                "primary": calendar.is_primary,
                "backgroundColor": "#9fe1e7",
            }
            for calendar in self.calendars.values()
            if _ROLES.index(calendar.access_role) >= least
        ]
        if "pageToken" not in request.query:
            return self._page(request, _Listing(items=items, sync_token=""), {"kind": "calendar#calendarList"})
        return self._page(request, self._listings[request.query["pageToken"]], {"kind": "calendar#calendarList"})

    async def list_events(self, request: web.Request) -> web.StreamResponse:
        calendar = self._calendar(request)
        fault = self.faults.popleft() if self.faults else ""
        if fault and (answer := await self._misbehave(request, fault)):
            return answer
        if request.query.get("singleEvents") != "true":
            raise _failure(501, "notImplemented")  # this stand-in writes series out, always
        page_token = request.query.get("pageToken")
        if page_token is not None:
            if page_token not in self._listings:
                raise _failure(400, "invalidParameter")
            listing = self._listings[page_token]
        elif "syncToken" in request.query:
            listing = self._changes(request, calendar)
        else:
            bounds = [request.query.get(name) for name in ("timeMin", "timeMax")]
            times = [None if bound is None else datetime.fromisoformat(bound) for bound in bounds]
            listing = _Listing(
                items=_in_no_order(calendar.within(*times)), sync_token=self._sync_token(request, calendar)
            )
            self._leave_empty_pages(listing)
        types = set(request.query.getall("eventTypes", []))
        if types:
            listing.items = [one for one in listing.items if _kind(one) in types]
        frame = {
            "kind": "calendar#events",
            "summary": calendar.summary,
            "timeZone": calendar.time_zone,
            "accessRole": calendar.access_role,
        }
        return self._page(request, listing, frame, is_cut=fault == "truncated")

    def _changes(self, request: web.Request, calendar: GoogleEvents) -> _Listing:
        if any(name in request.query for name in _NOT_BESIDE_A_TOKEN) or request.query.get("showDeleted") == "false":
            raise _failure(400, "badRequest")
        generation, _, rest = request.query["syncToken"].partition(".")
        place, _, shape = rest.partition(".")
        if not place.isdigit() or shape != _shape(request, calendar):
            raise _failure(400, "invalid")
        if int(generation) != self.generation:
            raise _failure(410, "fullSyncRequired")
        items = calendar.changed_since(int(place))
        listing = _Listing(
            items=items + items if self.is_told_twice else items, sync_token=self._sync_token(request, calendar)
        )
        self._leave_empty_pages(listing)
        return listing

    def _sync_token(self, request: web.Request, calendar: GoogleEvents) -> str:
        return f"{self.generation}.{len(calendar.history)}.{_shape(request, calendar)}"

    def _leave_empty_pages(self, listing: _Listing) -> None:
        listing.items = [{}] * (self.empty_pages * self.page_size) + listing.items

    def _page(
        self, request: web.Request, listing: _Listing, frame: Resource, *, is_cut: bool = False
    ) -> web.StreamResponse:
        """As many as are asked for or fewer, empty ones too; the sync token stands on the last page only."""
        size = min(self.page_size, int(request.query.get("maxResults", "250")))
        some, rest = listing.items[:size], listing.items[size:]
        answer = frame | {"etag": '"p33"', "items": [one for one in some if one]}
        if rest:
            token = secrets.token_urlsafe(12)
            self._listings[token] = _Listing(items=rest, sync_token=listing.sync_token)
            answer["nextPageToken"] = token
        elif listing.sync_token:
            answer["nextSyncToken"] = listing.sync_token
        text = json.dumps(_only(answer, request.query["fields"]) if "fields" in request.query else answer)
        return web.Response(text=text[: len(text) // 2] if is_cut else text, content_type="application/json")

    # ---- who may ask -----------------------------------------------------------------------------------------------

    def _authorised(self, request: web.Request, scopes: set[str]) -> Grant:
        grant = self.identity.grant_of(request)
        if grant is None:
            raise _failure(401, "authError")
        if not grant.scopes & {_AUTH + scope for scope in scopes}:
            raise _failure(403, "insufficientPermissions")
        return grant

    def _calendar(self, request: web.Request) -> GoogleEvents:
        calendar = self.calendars.get(request.match_info["calendar"])
        is_owned = calendar is None or calendar.access_role == "owner"
        self._authorised(
            request, {"calendar.events.readonly"} | ({"calendar.events.owned.readonly"} if is_owned else set())
        )
        if calendar is None:
            raise _failure(404, "notFound")
        return calendar

    async def _misbehave(self, request: web.Request, fault: str) -> web.StreamResponse | None:
        status, _, wait = fault.partition(" after ")
        headers = {"Retry-After": wait} if wait else {}
        if status.isdigit():
            reason = {"410": "fullSyncRequired", "429": "rateLimitExceeded", "404": "notFound"}.get(
                status, "backendError"
            )
            raise _failure(int(status), reason, headers)
        if status.startswith("403 "):
            raise _failure(403, status.removeprefix("403 "), headers)
        if fault == "hangs up":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if fault in ("silent", "drip"):
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            if fault == "drip":
                await response.prepare(request)
            for _ in range(300):
                await asyncio.sleep(0.1)
                if fault == "drip":
                    await response.write(b" ")
            return response
        if fault in ("empty", "nothing"):
            return web.Response(text="{}" if fault == "empty" else "", content_type="application/json")
        if fault == "web page":
            return web.Response(text="<html><title>Error 502</title></html>", content_type="text/html")
        assert fault == "truncated", fault
        return None

    # ---- notices ---------------------------------------------------------------------------------------------------

    async def watch(self, request: web.Request) -> web.StreamResponse:
        calendar = self._calendar(request)
        body = await request.json()
        if body.get("type") != "web_hook" or not body.get("address", "").startswith("https://"):
            raise _failure(400, "push.webhookUrlNotHttps")
        if not body.get("id") or len(body["id"]) > 64 or len(body.get("token", "")) > 256:
            raise _failure(400, "required")
        if body["id"] in self.channels:
            raise _failure(400, "channelIdNotUnique")
        life_s = min(int(body.get("params", {}).get("ttl", self.channel_life_s)), self.channel_life_s)
        channel = Channel(
            id=body["id"],
            calendar=calendar.id,
            address=body["address"],
            token=body.get("token", ""),
            resource_id=hashlib.sha256(calendar.id.encode()).hexdigest()[:27],
            expiration_ms=int((time.time() + life_s) * 1000),
        )
        self.channels[channel.id] = channel
        return web.json_response(
            {
                "kind": "api#channel",
                "id": channel.id,
                "resourceId": channel.resource_id,
                "resourceUri": f"{self.origin}/calendar/v3/calendars/{calendar.id}/events?alt=json",
                "token": channel.token,
                "expiration": str(channel.expiration_ms),
            }
        )

    async def stop(self, request: web.Request) -> web.StreamResponse:
        self._authorised(request, {"calendar.events.readonly", "calendar.events.owned.readonly"})
        body = await request.json()
        channel = self.channels.get(body.get("id", ""))
        if channel is None or channel.resource_id != body.get("resourceId"):
            raise _failure(404, "notFound")
        del self.channels[channel.id]
        return web.Response(status=204)

    async def notify(self, channel: Channel, state: str = "exists") -> int:
        """The status that the receiver answers; a notice has no body, and says only that something changed."""
        self._message += 1
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Token": channel.token,
            "X-Goog-Channel-Expiration": str(channel.expiration_ms),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-URI": f"{self.origin}/calendar/v3/calendars/{channel.calendar}/events?alt=json",
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(self._message),
        }
        async with aiohttp.ClientSession() as session:
            context = self.authority.client_context()
            async with session.post(channel.address, headers=headers, ssl=context) as answer:
                return answer.status


def _failure(status: int, reason: str, headers: dict[str, str] | None = None) -> _Failed:
    error = {"domain": "global", "reason": reason, "message": "Told in English for developers."}
    body = {"error": {"code": status, "message": error["message"], "errors": [error]}}
    return _Failed(status, json.dumps(body), headers)


class _Failed(web.HTTPException):
    def __init__(self, status: int, text: str, headers: dict[str, str] | None) -> None:
        self.status_code = status
        super().__init__(text=text, content_type="application/json", headers=headers)


def _kind(item: Resource) -> str:
    return str(item.get("eventType", "default")) if item else "default"


def _shape(request: web.Request, calendar: GoogleEvents) -> str:
    """All other parameters have to be those of the first request."""
    same = [calendar.id, *(sorted(request.query.getall(name, [])) for name in ("singleEvents", "eventTypes"))]
    return hashlib.sha256(json.dumps(same).encode()).hexdigest()[:12]


def _in_no_order(items: list[Resource]) -> list[Resource]:
    """A stable one that means nothing."""
    return sorted(items, key=lambda item: hashlib.sha256(item["id"].encode()).hexdigest())


def _only(value: Any, fields: str) -> Any:
    """What `fields` asks for: names, a/b for a part, a(b,c) for several."""
    if isinstance(value, list):
        return [_only(each, fields) for each in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for name, inner in _split_fields(fields):
        if name in value:
            kept[name] = _only(value[name], inner) if inner else value[name]
    return kept


def _split_fields(fields: str) -> list[tuple[str, str]]:
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(f"{fields},"):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(fields[start:place])
            start = place + 1
    pairs = []
    for part in parts:
        slash, bracket = part.find("/"), part.find("(")
        if slash >= 0 and (bracket < 0 or slash < bracket):
            pairs.append((part[:slash], part[slash + 1 :]))
        elif bracket >= 0:
            pairs.append((part[:bracket], part[bracket + 1 : -1]))
        else:
            pairs.append((part, ""))
    return pairs


@asynccontextmanager
async def google_calendar_server(folder: Path) -> AsyncIterator[GoogleCalendarServer]:
    server = GoogleCalendarServer(authority=certificate_authority(folder))
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server.authority.server_context())
    await site.start()
    server.origin = server.identity.origin = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
