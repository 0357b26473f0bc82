"""Google's sign-in, from its documentation: consent page, tokens, their end, and who signed in.

- the consent page and its answers, code and refresh requests, revoking:
  developers.google.com/identity/protocols/oauth2/web-server
- PKCE: developers.google.com/identity/protocols/oauth2/native-app (step 1 and 3) and RFC 7636
- people may untick scopes one by one: developers.google.com/identity/protocols/oauth2/resources/granular-permissions
- user info: developers.google.com/identity/openid-connect/openid-connect
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

from aiohttp import web

CLIENT_ID, CLIENT_SECRET = "onrecord.apps.googleusercontent.test", "GOCSPX-secret"
EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email"


@dataclass(slots=True, kw_only=True)
class Person:
    """Who sits before the consent page, and what they click."""

    email: str = "ann@example.org"
    unticked: set[str] = field(default_factory=set)
    refuses: str | None = None  # the error that Google sends back instead of a code


@dataclass(slots=True, kw_only=True)
class Grant:
    email: str
    scopes: frozenset[str]
    is_ended: bool = False


@dataclass(slots=True, kw_only=True)
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    is_offline: bool


@dataclass(slots=True, kw_only=True)
class GoogleIdentity:
    origin: str = ""
    redirect_uris: set[str] = field(default_factory=lambda: {"https://onrecord.test/back"})
    person: Person = field(default_factory=Person)
    client_secret: str = CLIENT_SECRET
    token_life_s: int = 3599
    extra_scopes: set[str] = field(default_factory=set)  # granted to the same OAuth client by another app
    fault: str | None = None  # of the token endpoint: "503", "who 503", "no address", "no refresh token"
    codes: dict[str, _Code] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    access_tokens: dict[str, Grant] = field(default_factory=dict)
    asked_for: list[dict[str, str]] = field(default_factory=list)  # the queries of the consent page
    refreshes: int = 0

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/o/oauth2/v2/auth", self.consent_page),
            web.post("/token", self.token),
            web.post("/revoke", self.revoke),
            web.get("/v1/userinfo", self.user_info),
        ]

    def grant_of(self, request: web.Request) -> Grant | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        grant = self.access_tokens.get(token) if scheme == "Bearer" else None
        return None if grant is None or grant.is_ended else grant

    def expire_access_tokens(self) -> None:
        self.access_tokens.clear()

    def take_back(self, email: str) -> None:
        """As the person does under myaccount.google.com/connections, or by a new password."""
        for grant in self.refresh_tokens.values():
            grant.is_ended = grant.is_ended or grant.email == email

    # ---- the endpoints ---------------------------------------------------------------------------------------------

    async def consent_page(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked_for.append(query)
        if query.get("client_id") != CLIENT_ID or query.get("redirect_uri") not in self.redirect_uris:
            return web.Response(status=400, text="Error 400: redirect_uri_mismatch")  # shown, never sent back
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            return web.Response(status=400, text="Error 400: invalid_request")
        back = {"state": query["state"]} if "state" in query else {}
        if self.person.refuses:
            raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(back | {'error': self.person.refuses})}")
        asked = {EMAIL_SCOPE if scope == "email" else scope for scope in query["scope"].split()}
        scopes = frozenset(asked - self.person.unticked)
        if query.get("include_granted_scopes") == "true":
            earlier = [grant.scopes for grant in self.refresh_tokens.values() if self._is_live(grant)]
            scopes = scopes.union(self.extra_scopes, *earlier)
        code = f"4/{secrets.token_urlsafe(12)}"
        self.codes[code] = _Code(
            grant=Grant(email=self.person.email, scopes=scopes),
            redirect_uri=query["redirect_uri"],
            challenge=query["code_challenge"],
            is_offline=query.get("access_type") == "offline" and "consent" in query.get("prompt", ""),
        )
        back |= {"code": code, "scope": " ".join(sorted(scopes)), "authuser": "0", "prompt": "consent"}
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(back)}")

    def _is_live(self, grant: Grant) -> bool:
        return grant.email == self.person.email and not grant.is_ended

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if self.fault == "503":
            return web.Response(status=503, text="Service Unavailable")
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != self.client_secret:
            return _error("invalid_client", 401)
        if form.get("grant_type") == "refresh_token":
            grant = self.refresh_tokens.get(form.get("refresh_token", ""))
            if grant is None or grant.is_ended:
                return _error("invalid_grant")
            self.refreshes += 1
            return web.json_response(self._tokens(grant))
        if form.get("grant_type") != "authorization_code":
            return _error("unsupported_grant_type")
        code = self.codes.pop(form.get("code", ""), None)  # works once
        if code is None or code.redirect_uri != form.get("redirect_uri"):
            return _error("invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
            return _error("invalid_grant")
        answer = self._tokens(code.grant)
        if code.is_offline and self.fault != "no refresh token":
            refresh_token = f"1//{secrets.token_urlsafe(16)}"
            self.refresh_tokens[refresh_token] = code.grant
            answer["refresh_token"] = refresh_token
        return web.json_response(answer)

    def _tokens(self, grant: Grant) -> dict[str, object]:
        access_token = f"ya29.{secrets.token_urlsafe(16)}"
        self.access_tokens[access_token] = grant
        scope = " ".join(sorted(grant.scopes))
        return {
            "access_token": access_token,
            "expires_in": self.token_life_s,
            "scope": scope,
            "token_type": "Bearer",
        }

    async def revoke(self, request: web.Request) -> web.Response:
        token = str((await request.post()).get("token", ""))
        grant = self.refresh_tokens.get(token) or self.access_tokens.get(token)
        if grant is None or grant.is_ended:
            return _error("invalid_token")
        self.take_back(grant.email)
        return web.json_response({})

    async def user_info(self, request: web.Request) -> web.Response:
        grant = self.grant_of(request)
        if self.fault == "who 503":
            return web.Response(status=503, text="Service Unavailable")
        if grant is None or "openid" not in grant.scopes:
            return _error("invalid_request", 401)
        claims: dict[str, object] = {"sub": "1" + hashlib.sha256(grant.email.encode()).hexdigest()[:20]}
        if EMAIL_SCOPE in grant.scopes and self.fault != "no address":
            claims |= {"email": grant.email, "email_verified": True}
        return web.json_response(claims)


def _error(error: str, status: int = 400) -> web.Response:
    return web.json_response({"error": error, "error_description": "Told in English for developers."}, status=status)
