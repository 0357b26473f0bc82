"""A stand-in for Microsoft's identity platform and Graph, over https, written from the vendor's documentation.

Sign-in: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow (PKCE, refresh tokens rotate) and
.../reference-error-codes. Calendars: learn.microsoft.com/graph/api/user-list-calendars, .../graph/api/event-delta,
.../graph/api/event-list-instances. Orders: .../graph/api/subscription-post-subscriptions and
.../graph/change-notifications-delivery-webhooks. Errors: .../graph/errors, .../graph/throttling.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from calendar_sync.outlook_wire import OutlookSettings
from tests.simulators.graph_ca import localhost_tls
from tests.simulators.graph_mailbox import Json, Mailbox
from tests.simulators.request_log import note

CLIENT_ID = "00000000-aaaa-bbbb-cccc-000000000001"
TENANT = "tenant-1"


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass(slots=True)
class GraphService:
    url: str = ""
    ca_file: str = ""
    mailbox: Mailbox = field(default_factory=Mailbox)
    page_size: int = 2
    empty_pages: bool = True
    token_lasts_s: int = 3600
    consent: str = "given"  # or "denied", "admin"
    refresh_error: str = ""  # an AADSTS description
    faults: list[str] = field(default_factory=list)  # for the next reads of a delta page, "" for none
    granted: str = ""  # the scopes, where they are others than asked for
    seen: list[tuple[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    subscriptions: dict[str, Json] = field(default_factory=dict)
    _now: int = 0
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)
    _access: dict[str, str] = field(default_factory=dict)

    def settings(self, **changes: Any) -> OutlookSettings:
        base: dict[str, Any] = {
            "client_id": CLIENT_ID,
            "client_secret": "a secret of the app",
            "authority": f"{self.url}/common",
            "graph_root": f"{self.url}/v1.0",
            "ca_file": self.ca_file,
            "first_wait_s": 0.01,
        }
        return OutlookSettings(**(base | changes))

    def revoke(self) -> None:
        self._refresh.clear()
        self._access.clear()
        self.refresh_error = "AADSTS50173: The provided grant has expired due to it being revoked"

    def expire_access(self) -> None:
        self._access.clear()

    # ---- the identity platform -------------------------------------------------------------------------------------

    async def metadata(self, request: web.Request) -> web.Response:
        here = f"{self.url}/common"
        return web.json_response(
            {
                "issuer": f"{self.url}/{{tenantid}}/v2.0",
                "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                "token_endpoint": f"{here}/oauth2/v2.0/token",
            }
        )

    async def authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        back = {"state": asked["state"]}
        if self.consent == "denied":
            back |= {"error": "access_denied", "error_description": "AADSTS65004: User declined to consent"}
        elif self.consent == "admin":
            back |= {"error": "access_denied", "error_description": "AADSTS90094: An administrator must consent"}
        else:
            back["code"] = secrets.token_urlsafe()
            self._codes[back["code"]] = asked
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(back)}")

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        nonce = ""
        if form["grant_type"] == "authorization_code":
            asked = self._codes.pop(form["code"], None)
            challenge = _b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            if asked is None or challenge != asked["code_challenge"] or asked["redirect_uri"] != form["redirect_uri"]:
                return self._refuse("AADSTS70000: the code or its verifier is wrong")
            nonce = asked["nonce"]
            scope = self.granted or asked["scope"]
        else:
            if self.refresh_error or form.get("refresh_token") not in self._refresh:
                return self._refuse(self.refresh_error or "AADSTS700082: The refresh token has expired")
            scope = self.granted or form["scope"]
        access, refresh, now = secrets.token_urlsafe(), secrets.token_urlsafe(), int(time.time())
        self._access[access] = scope
        self._refresh.add(refresh)
        claims = {"aud": CLIENT_ID, "iss": f"{self.url}/{TENANT}/v2.0", "tid": TENANT, "oid": "o1", "sub": "s1"}
        claims |= {"preferred_username": "ann@example.org", "nonce": nonce}
        parts = [{"alg": "none"}, claims | {"iat": now, "exp": now + 3600}]  # read over TLS, which vouches for it
        return web.json_response(
            {
                "token_type": "Bearer",
                "scope": scope,
                "expires_in": self.token_lasts_s,
                "access_token": access,
                "refresh_token": refresh,
                "id_token": ".".join([*(_b64(json.dumps(part).encode()) for part in parts), ""]),
                "client_info": _b64(json.dumps({"uid": "o1", "utid": TENANT}).encode()),
            }
        )

    def _refuse(self, description: str) -> web.Response:
        return web.json_response({"error": "invalid_grant", "error_description": description}, status=400)

    # ---- Graph -----------------------------------------------------------------------------------------------------

    async def me(self, request: web.Request) -> web.Response:
        return web.json_response({"mail": "Ann@example.org", "userPrincipalName": "ann@corp.example.org"})

    async def calendars(self, request: web.Request) -> web.Response:
        owner = {"name": "Ann", "address": "ann@example.org"}
        first = {"id": "cal-1", "name": "Calendar", "isDefaultCalendar": True, "canEdit": True, "owner": owner}
        other = {"id": "cal=2/", "name": "Team", "canEdit": False, "owner": {"address": "boss@example.org"}}
        if "$skip" not in request.query:
            further = f"{self.url}/v1.0/me/calendars?$skip=1"
            return web.json_response({"value": [other], "@odata.nextLink": further})
        return web.json_response({"value": [first]})

    async def delta(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.pop(0) if self.faults else ""
        if fault:
            return await self._fail(fault)
        query = request.query
        token = query.get("$skiptoken") or query.get("$deltatoken")
        if token:
            starts, ends, version, offset = token.split("|")
        else:
            starts, ends, version, offset = query["startDateTime"], query["endDateTime"], "0", "0"
        at = int(offset)
        span = (datetime.fromisoformat(starts), datetime.fromisoformat(ends))
        told = self.mailbox.since(int(version), span)
        base = f"{self.url}{request.path}"
        page = told[at : at + self.page_size]
        if at == 0 and self.empty_pages and "$skiptoken" not in query:
            skip = urlencode({"$skiptoken": f"{starts}|{ends}|{version}|0"})
            return web.json_response({"value": [], "@odata.nextLink": f"{base}?{skip}"})
        if at + self.page_size < len(told):
            # a replay: the last one of this page comes again on the next
            skip = urlencode({"$skiptoken": f"{starts}|{ends}|{version}|{at + max(1, self.page_size - 1)}"})
            return web.json_response({"value": page, "@odata.nextLink": f"{base}?{skip}"})
        last = urlencode({"$deltatoken": f"{starts}|{ends}|{self.mailbox.version}|0"})
        return web.json_response({"value": page, "@odata.deltaLink": f"{base}?{last}"})

    async def _fail(self, fault: str) -> web.StreamResponse:
        if fault == "truncated":
            return web.Response(body=b'{"value": [{"id": "a', content_type="application/json")
        if fault == "elsewhere":
            return web.json_response({"value": [], "@odata.nextLink": "https://evil.example/v1.0/me/x"})
        if fault == "slow":
            await asyncio.sleep(1.0)
            fault = "503"
        status, _, wait = fault.partition(" ")
        code = {"410": "resyncRequired", "400": "SyncStateNotFound", "403": "ErrorAccessDenied"}.get(status, "x")
        headers = {"Retry-After": wait} if wait else {}
        return web.json_response({"error": {"code": code, "message": "m"}}, status=int(status), headers=headers)

    async def event(self, request: web.Request) -> web.Response:
        held = self.mailbox.events.get(request.match_info["id"])
        return web.json_response(held) if held else self._missing()

    async def instances(self, request: web.Request) -> web.Response:
        master_id = request.match_info["id"]
        if master_id not in self.mailbox.events:
            return self._missing()
        starts, ends = (datetime.fromisoformat(request.query[name]) for name in ("startDateTime", "endDateTime"))
        return web.json_response({"value": self.mailbox.instances(master_id, (starts, ends), partly=False)})

    async def subscribe(self, request: web.Request) -> web.Response:
        order = await request.json()
        token = secrets.token_urlsafe()
        async with aiohttp.ClientSession() as session:
            for name in ("notificationUrl", "lifecycleNotificationUrl"):
                async with session.post(order[name], params={"validationToken": token}) as answer:
                    is_valid = answer.status == 200 and answer.content_type == "text/plain"
                    if not is_valid or await answer.text() != token:
                        return web.json_response({"error": {"code": "InvalidRequest"}}, status=400)
        order["id"] = secrets.token_hex(8)
        self.subscriptions[order["id"]] = order
        return web.json_response(order, status=201)

    async def subscription(self, request: web.Request) -> web.Response:
        order = self.subscriptions.get(request.match_info["id"])
        if order is None:
            return self._missing()
        if request.method == "DELETE":
            del self.subscriptions[order["id"]]
            return web.Response(status=204)
        order |= await request.json()
        return web.json_response(order)

    async def notify(self, subscription_id: str, lifecycle: str | None = None) -> None:
        order = self.subscriptions[subscription_id]
        notice = {"subscriptionId": subscription_id, "clientState": order["clientState"], "tenantId": TENANT}
        notice |= {"lifecycleEvent": lifecycle} if lifecycle else {"changeType": "updated", "resource": "Users/x"}
        body = {"value": [notice]}
        async with aiohttp.ClientSession() as session, session.post(order["notificationUrl"], json=body) as answer:
            assert answer.status == 202

    def _missing(self) -> web.Response:
        return web.json_response({"error": {"code": "ErrorItemNotFound"}}, status=404)

    @web.middleware
    async def watched(self, request: web.Request, handler: Any) -> web.StreamResponse:
        note("outlook", request.method, request.path)
        self.seen.append((request.method, request.path))
        if not request.path.startswith("/v1.0/"):
            return await handler(request)  # type: ignore[no-any-return]
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in self._access:
                return web.json_response({"error": {"code": "InvalidAuthenticationToken"}}, status=401)
            if request.path == "/v1.0/subscriptions" and "Calendars.Read" not in self._plain(token):
                return web.json_response({"error": {"code": "ErrorAccessDenied"}}, status=403)
            return await handler(request)  # type: ignore[no-any-return]
        finally:
            self._now -= 1

    def _plain(self, token: str) -> set[str]:
        return {scope.rpartition("/")[2] for scope in self._access[token].split()}


@asynccontextmanager
async def graph_service(folder: Path) -> AsyncIterator[GraphService]:
    service = GraphService()
    tls, service.ca_file = localhost_tls(folder)
    app = web.Application(middlewares=[service.watched])
    cal = "/v1.0/me/calendars"
    app.add_routes(
        [
            web.get("/common/v2.0/.well-known/openid-configuration", service.metadata),
            web.get("/common/oauth2/v2.0/authorize", service.authorize),
            web.post("/common/oauth2/v2.0/token", service.token),
            web.get("/v1.0/me", service.me),
            web.get(cal, service.calendars),
            web.get(cal + "/{calendar}/calendarView/delta", service.delta),
            web.get(cal + "/{calendar}/events/{id}", service.event),
            web.get(cal + "/{calendar}/events/{id}/instances", service.instances),
            web.post("/v1.0/subscriptions", service.subscribe),
            web.patch("/v1.0/subscriptions/{id}", service.subscription),
            web.delete("/v1.0/subscriptions/{id}", service.subscription),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    service.url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()
