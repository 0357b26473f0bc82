"""A host's sign-in with Google: the authorization-code flow with PKCE, what was granted, and fresh access tokens.

Decides which scopes are asked for and refuses whatever could write. Follows Google's "Using OAuth 2.0 for Web Server
Applications" (developers.google.com/identity/protocols/oauth2/web-server), RFC 7636, and for the account's address
"OpenID Connect" (developers.google.com/identity/openid-connect/openid-connect, "Obtaining user profile information").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import google.auth.exceptions
import google_auth_httplib2
import httplib2
from google.oauth2.credentials import Credentials as LibraryCredentials

from calendar_sync.accounts import (
    AccessRevoked,
    AdminMustConsent,
    Credentials,
    Granted,
    ScopeMissing,
    SignIn,
    SignInDenied,
    SignInFailed,
    WrongTenant,
)
from calendar_sync.errors import CalendarError, CalendarServerFailed
from calendar_sync.google_line import GoogleLine, revoked
from consent_notice.clock import Clock

_AUTH = "https://www.googleapis.com/auth/"
LIST_SCOPE = _AUTH + "calendar.calendarlist.readonly"
OWNED_SCOPE = _AUTH + "calendar.events.owned.readonly"
WIDER_SCOPE = _AUTH + "calendar.events.readonly"
IDENTITY_SCOPES = ("openid", "email")
# as they come back
READING_SCOPES = {LIST_SCOPE, OWNED_SCOPE, WIDER_SCOPE, *IDENTITY_SCOPES, "profile"} | {
    _AUTH + "userinfo.email",
    _AUTH + "userinfo.profile",
}

EARLY = timedelta(minutes=5)  # so long before its end a token is not used any more
LONGEST_LIFE_S = 86_400
_LATER = "Google can't finish the sign-in right now; connect again in a minute"

_BY_ERROR: dict[str, SignInFailed] = {
    "access_denied": SignInDenied(),
    "admin_policy_enforced": AdminMustConsent(
        "your organisation lets only its admin allow this; ask your admin to trust this server "
        "in the Google Admin console (API controls), then connect again"
    ),
    "org_internal": WrongTenant(
        "this server takes Google accounts of its own organisation only; choose your work account"
    ),
    "redirect_uri_mismatch": SignInFailed(
        "this server's address is not registered with Google; ask your admin to add it to the OAuth client"
    ),
    "invalid_client": SignInFailed(
        "Google does not know this server, or its secret changed; ask your admin to check the OAuth client"
    ),
    "unauthorized_client": SignInFailed("this server's OAuth client may not sign hosts in; ask your admin to check it"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleApp:
    """The OAuth client that the admin registered for this server."""

    client_id: str
    client_secret: str  # secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """All of it is secret."""

    refresh_token: str
    access_token: str
    expires_at: str  # ISO 8601

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Tokens:
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):  # by another version
            raise AccessRevoked from None


class GoogleSignIn:
    def __init__(self, app: GoogleApp, line: GoogleLine, clock: Clock, new_secret: Callable[[], str]) -> None:
        self._app = app
        self._line = line
        self._clock = clock
        self._new_secret = new_secret

    def begin(self, redirect_uri: str, *, wider: bool, hint: str) -> SignIn:
        flow = {"state": self._new_secret(), "verifier": self._new_secret()}
        asked = {
            "client_id": self._app.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join([*IDENTITY_SCOPES, LIST_SCOPE, WIDER_SCOPE if wider else OWNED_SCOPE]),
            "state": flow["state"],
            "code_challenge": _challenge(flow["verifier"]),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "include_granted_scopes": "true",
            # without the question Google gives a refresh token only the first time
            "prompt": "consent" if hint else "select_account consent",
        }
        if hint:
            asked["login_hint"] = hint
        return SignIn(address=f"{self._line.addresses.authorize}?{urlencode(asked)}", flow=json.dumps(flow))

    async def finish(self, flow: str, answer: Mapping[str, str], redirect_uri: str) -> Granted:
        begun = _begun(flow)
        if not hmac.compare_digest(begun["state"].encode(), answer.get("state", "").encode()):
            raise SignInFailed("this answer belongs to another sign-in; connect the calendar again from here")
        if "error" in answer:
            raise _sign_in_error(answer["error"])
        if not answer.get("code"):
            raise SignInFailed
        asked = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": redirect_uri,
            "client_id": self._app.client_id,
            "client_secret": self._app.client_secret,
            "code_verifier": begun["verifier"],
        }
        told = await self._line.ask(lambda line: self._exchange(line, asked), may_repeat=False)
        granted = set(str(told.get("scope", "")).split())
        _judge(granted)
        address = await self._address(str(told["access_token"]))
        if not told.get("refresh_token"):
            raise SignInFailed(
                "Google gave no lasting access; remove this server under myaccount.google.com/connections, "
                "then connect again"
            )
        tokens = Tokens(
            refresh_token=str(told["refresh_token"]),
            access_token=str(told["access_token"]),
            expires_at=(self._clock.now() + _life(told.get("expires_in"))).isoformat(),
        )
        return Granted(
            name=address,
            own_addresses=frozenset({address.lower()}),
            credentials=tokens.text(),
            is_wider=WIDER_SCOPE in granted,
        )

    def _exchange(self, line: httplib2.Http, asked: Mapping[str, str]) -> dict[str, Any]:
        status, told = _post(line, self._line.addresses.token, asked)
        if status == 200 and "access_token" in told:
            return told
        if status >= 500:
            raise CalendarServerFailed(_LATER)
        raise _sign_in_error(str(told.get("error", "")))

    async def _address(self, access_token: str) -> str:
        """The mail address of who signed in."""

        def who(line: httplib2.Http) -> dict[str, Any]:
            response = google_auth_httplib2.Request(line)(
                self._line.addresses.who, headers={"Authorization": f"Bearer {access_token}"}
            )
            if response.status >= 500 or response.status == 429:
                raise CalendarServerFailed(_LATER)
            return _object(response.data)

        address = (await self._line.ask(who)).get("email")
        if not address or not isinstance(address, str):
            raise SignInFailed
        return address

    # ---- afterwards ------------------------------------------------------------------------------------------------

    def is_fresh(self, tokens: Tokens) -> bool:
        return bool(tokens.access_token) and datetime.fromisoformat(tokens.expires_at) - EARLY > self._clock.now()

    async def renew(self, tokens: Tokens) -> Tokens:
        """Raises AccessRevoked."""

        def refreshed(line: httplib2.Http) -> LibraryCredentials:
            held = LibraryCredentials(  # type: ignore[no-untyped-call]
                token=None,
                refresh_token=tokens.refresh_token,
                token_uri=self._line.addresses.token,
                client_id=self._app.client_id,
                client_secret=self._app.client_secret,
            )
            try:
                held.refresh(google_auth_httplib2.Request(line))  # type: ignore[no-untyped-call]
            except google.auth.exceptions.RefreshError as error:
                raise _refresh_error(error) from None
            return held

        held = await self._line.ask(refreshed)
        return replace(
            tokens,
            access_token=str(held.token),
            refresh_token=str(held.refresh_token),
            expires_at=(held.expiry or self._clock.now()).replace(tzinfo=UTC).isoformat(),
        )

    async def revoke(self, credentials: Credentials) -> bool:
        """Ends what the account granted to this server altogether."""
        tokens = Tokens.read(credentials.text)
        status, told = await self._line.ask(
            lambda line: _post(line, self._line.addresses.revoke, {"token": tokens.refresh_token})
        )
        return status == 200 or told.get("error") == "invalid_token"  # worth nothing already


class Access:
    """An account's tokens while it is spoken for; new ones are saved before they are used."""

    def __init__(self, sign_in: GoogleSignIn, credentials: Credentials) -> None:
        self._sign_in = sign_in
        self._save = credentials.save
        self._tokens = Tokens.read(credentials.text)

    async def token(self) -> str:
        if not self._sign_in.is_fresh(self._tokens):
            return await self.renewed()
        return self._tokens.access_token

    async def renewed(self) -> str:
        tokens = await self._sign_in.renew(self._tokens)
        await self._save(tokens.text())  # a crash after this line loses nothing; before it, the old ones still work
        self._tokens = tokens
        return tokens.access_token


# ---- taking answers apart ------------------------------------------------------------------------------------------


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _life(expires_in: object) -> timedelta:
    if isinstance(expires_in, int | float) and 0 <= expires_in <= LONGEST_LIFE_S:
        return timedelta(seconds=expires_in)
    return timedelta(0)  # renewed before its first use


def _begun(flow: str) -> dict[str, str]:
    try:
        begun = json.loads(flow)
        return {name: str(begun[name]) for name in ("state", "verifier")}
    except (ValueError, KeyError, TypeError):
        raise SignInFailed from None


def _judge(granted: set[str]) -> None:
    """People may untick any of the boxes, and an OAuth client used for other things brings their scopes along."""
    if granted - READING_SCOPES:
        raise SignInFailed(
            "Google gave this server more than reading, which it never takes; "
            "ask your admin to register an OAuth client for it alone"
        )
    has_events, has_list = bool(granted & {OWNED_SCOPE, WIDER_SCOPE}), LIST_SCOPE in granted
    if not has_events and not has_list:
        raise SignInDenied
    if not has_events:
        raise ScopeMissing(
            "you did not allow seeing the events, so no meeting could be found; "
            "connect again and tick “See the events on Google calendars you own”"
        )
    if not has_list:
        raise ScopeMissing(
            "you did not allow seeing the list of your calendars; "
            "connect again and tick “See the list of Google calendars you’re subscribed to”"
        )


def _sign_in_error(error: str) -> SignInFailed:
    known = _BY_ERROR.get(error)
    return type(known)(str(known)) if known else SignInFailed()


def _refresh_error(error: google.auth.exceptions.RefreshError) -> CalendarError:
    told = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    if told.get("error") == "invalid_grant":
        return revoked()
    if told.get("error") in ("invalid_client", "unauthorized_client"):
        return CalendarError(str(_BY_ERROR[told["error"]]))
    return CalendarServerFailed("Google can't renew the access right now; we try again, and what was planned stays")


def _post(line: httplib2.Http, address: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    response = google_auth_httplib2.Request(line)(
        address,
        method="POST",
        body=urlencode(form).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
    )
    return int(response.status), _object(response.data)


def _object(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text or b"{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
