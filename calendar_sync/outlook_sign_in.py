"""Sign-in at Microsoft's identity platform by msal: code flow with PKCE, tokens and their renewal, refusals in words.

Decides which scopes are asked for (the narrowest that finds meetings, or one wider for links in the text), and what an
account's credentials are: msal's token cache with what was granted. New tokens are saved before they are used.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import msal
import requests
from msal.exceptions import MsalError

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
from calendar_sync.errors import CalendarError, CalendarServerFailed, CalendarUnreachable
from calendar_sync.outlook_wire import AT_ONCE_A_MAILBOX, OutlookSettings, ReadingSession
from consent_notice.clock import Clock

NARROW, WIDER = "Calendars.ReadBasic", "Calendars.Read"
OWN_PROFILE = "User.Read"  # for the host's own address
MARGIN_S = 300  # a token this close to its end is renewed
MAX_ACCOUNTS_HELD = 4_096

# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_ADMIN = frozenset({"65001", "90008", "90093", "90094", "90095", "900941", "900971"})
_DENIED = frozenset({"65004"})
_TENANT = frozenset({"50020", "50034", "50128", "50129", "50194", "90002", "90072", "500208", "700016"})
_SERVER = frozenset({"7000215", "7000222", "7000216", "50011", "50012", "700027"})
_PASSING = frozenset({"90033", "90020", "50196", "90007"})
_CODE = re.compile(r"AADSTS(\d{4,7})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the text of an account's credentials holds."""

    cache: str  # secret: msal's own serialisation
    scopes: tuple[str, ...]
    own_addresses: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Account:
        """Raises AccessRevoked."""
        try:
            stored = json.loads(text)
            return cls(
                cache=stored["cache"], scopes=tuple(stored["scopes"]), own_addresses=tuple(stored["own_addresses"])
            )
        except (ValueError, KeyError, TypeError):
            raise AccessRevoked from None

    def written(self) -> str:
        return json.dumps(asdict(self))


@dataclass(slots=True)
class Held:
    """One account in this process, whichever of its saved texts it is asked for by."""

    text: str  # secret: the newest
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_A_MAILBOX))
    token: str = ""  # secret
    usable_until_ms: float = 0.0


class MicrosoftIdentity:
    def __init__(self, settings: OutlookSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._held: OrderedDict[str, Held] = OrderedDict()

    # ---- signing in --------------------------------------------------------------------------------------------------

    async def begin(self, redirect_uri: str, *, wider: bool, hint: str) -> SignIn:
        """Raises CalendarError."""
        return await asyncio.to_thread(self._begin, redirect_uri, wider=wider, hint=hint)

    async def finish(self, flow: str, answer: Mapping[str, str], redirect_uri: str) -> Granted:
        """With no addresses yet but the one that the sign-in names. Raises CalendarError, SignInFailed among them."""
        return await asyncio.to_thread(self._finish, flow, answer, redirect_uri)

    def _begin(self, redirect_uri: str, *, wider: bool, hint: str) -> SignIn:
        scopes = [self._scope(WIDER if wider else NARROW), self._scope(OWN_PROFILE)]
        with ReadingSession(self._settings) as session:
            flow = self._app(session, msal.SerializableTokenCache()).initiate_auth_code_flow(
                scopes, redirect_uri=redirect_uri, login_hint=hint or None, prompt=None if hint else "select_account"
            )
        if "auth_uri" not in flow:
            raise SignInFailed
        return SignIn(address=flow["auth_uri"], flow=json.dumps(flow))

    def _finish(self, flow_text: str, answer: Mapping[str, str], redirect_uri: str) -> Granted:
        if "admin_consent" in answer and "error" not in answer:
            raise SignInFailed("your admin has allowed it now; connect the calendar once more")
        try:
            flow = json.loads(flow_text)
            its_own = flow["redirect_uri"]
        except (ValueError, KeyError, TypeError):
            raise SignInFailed from None
        if its_own != redirect_uri:
            raise SignInFailed
        cache = msal.SerializableTokenCache()
        with ReadingSession(self._settings) as session:
            app = self._app(session, cache)
            try:
                result = app.acquire_token_by_auth_code_flow(flow, dict(answer))
            except (requests.RequestException, MsalError, OSError):
                raise _unreachable() from None
            except (ValueError, KeyError, TypeError, RuntimeError):  # another state or nonce than we sent, or no JSON
                raise SignInFailed from None
        if "access_token" not in result:
            raise self._refusal(result, is_sign_in=True)
        claims = result.get("id_token_claims") or {}
        if claims.get("aud") != self._settings.client_id:  # msal has not looked at it since 1.38
            raise SignInFailed
        granted = {scope.rpartition("/")[2].lower() for scope in str(result.get("scope", "")).split()}
        is_wider = WIDER.lower() in granted
        if not is_wider and NARROW.lower() not in granted:
            raise ScopeMissing
        name = str(claims.get("preferred_username") or claims.get("email") or "")
        scopes = (self._scope(WIDER if is_wider else NARROW), self._scope(OWN_PROFILE))
        account = Account(cache=cache.serialize(), scopes=scopes, own_addresses=(name.lower(),) if name else ())
        return Granted(
            name=name,
            own_addresses=frozenset(account.own_addresses),
            credentials=account.written(),
            is_wider=is_wider,
            tenant=str(claims.get("tid") or ""),
        )

    # ---- tokens ------------------------------------------------------------------------------------------------------

    def held(self, credentials: Credentials) -> Held:
        """The same for every text that this process has saved for one account."""
        found = self._held.get(credentials.text)
        if found is None:
            found = self._held[credentials.text] = Held(text=credentials.text)
        self._held.move_to_end(credentials.text)
        while len(self._held) > MAX_ACCOUNTS_HELD:
            self._held.popitem(last=False)
        return found

    def forget(self, credentials: Credentials) -> None:
        gone = self._held.get(credentials.text)
        for text in [text for text, held in self._held.items() if held is gone]:
            del self._held[text]

    async def access_token(self, credentials: Credentials, refused: str | None = None) -> str:
        """`refused`: the one that Graph did not take; another is got then. Raises CalendarError, and StorageError of
        saving.
        """
        held = self.held(credentials)
        async with held.lock:
            if held.token and held.token != refused and self._clock.boot_ms() < held.usable_until_ms:
                return held.token
            asked_ms = self._clock.boot_ms()
            token, lasts_s, text = await asyncio.to_thread(self._renew, held.text, is_forced=refused is not None)
            if text != held.text:
                # if we die before this line the old refresh token is asked with again, which Microsoft allows
                await credentials.save(text)
                held.text = text
                self._held[text] = held
            held.token, held.usable_until_ms = token, asked_ms + (lasts_s - MARGIN_S) * 1000
            return token

    def _renew(self, text: str, *, is_forced: bool) -> tuple[str, float, str]:
        account = Account.read(text)
        cache = msal.SerializableTokenCache()
        try:
            cache.deserialize(account.cache)
        except ValueError:
            raise AccessRevoked from None
        with ReadingSession(self._settings) as session:
            app = self._app(session, cache)
            try:
                signed_in = app.get_accounts()
                result = signed_in and app.acquire_token_silent_with_error(
                    list(account.scopes), account=signed_in[0], force_refresh=is_forced
                )
            except (requests.RequestException, MsalError, OSError):
                raise _unreachable() from None
            except (ValueError, KeyError, TypeError, RuntimeError):
                raise CalendarServerFailed(
                    "Microsoft's sign-in answers with something that is no answer; we try again by ourselves"
                ) from None
        if not result:
            raise AccessRevoked
        if "access_token" not in result:
            raise self._refusal(result, is_sign_in=False)
        changed = replace(account, cache=cache.serialize()).written() if cache.has_state_changed else text
        return str(result["access_token"]), float(result.get("expires_in") or 0), changed

    def _app(self, session: ReadingSession, cache: msal.SerializableTokenCache) -> Any:
        """Asks the authority for its endpoints."""
        kind = msal.ConfidentialClientApplication if self._settings.client_secret else msal.PublicClientApplication
        try:
            return kind(
                self._settings.client_id,
                client_credential=self._settings.client_secret or None,
                authority=self._settings.authority,
                token_cache=cache,
                http_client=session,
                instance_discovery=False,  # the authority is the admin's setting, not a stranger's word
            )
        except (requests.RequestException, MsalError, OSError, RuntimeError):
            raise _unreachable() from None
        except (ValueError, KeyError):
            raise WrongTenant(
                "this server names an organisation that Microsoft does not know; ask your admin to check its setting"
            ) from None

    def _scope(self, name: str) -> str:
        """Short in the worldwide cloud, where Graph is meant by default; by its address in the others."""
        graph = urlsplit(self._settings.graph_root)
        return name if graph.hostname == "graph.microsoft.com" else f"{graph.scheme}://{graph.netloc}/{name}"

    # ---- refusals ----------------------------------------------------------------------------------------------------

    def admin_consent_link(self) -> str:
        """https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent, "Construct the URL"."""
        authority = urlsplit(self._settings.authority)
        tenant = authority.path.strip("/").partition("/")[0]
        if tenant in ("common", "consumers", ""):
            tenant = "organizations"
        query = urlencode({"client_id": self._settings.client_id})
        return f"{authority.scheme}://{authority.netloc}/{tenant}/adminconsent?{query}"

    def _refusal(self, result: Mapping[str, Any], *, is_sign_in: bool) -> CalendarError:
        error = str(result.get("error", ""))
        codes = set(_CODE.findall(str(result.get("error_description", ""))))
        codes |= {str(code) for code in result.get("error_codes") or ()}
        if codes & _SERVER or error in ("invalid_client", "unauthorized_client"):
            return CalendarError(
                "Microsoft does not know this server any more: its registration or its secret has run out; "
                "ask your admin to renew it"
            )
        if codes & _PASSING or error in ("temporarily_unavailable", "server_error", "slow_down"):
            return CalendarServerFailed(
                "Microsoft's sign-in is busy; we try again by ourselves, what was planned stays"
            )
        if not is_sign_in:
            return AccessRevoked()
        if codes & _DENIED:
            return SignInDenied()
        if codes & _TENANT:
            return WrongTenant()
        if codes & _ADMIN or error == "consent_required":
            return AdminMustConsent(link=self.admin_consent_link())
        return SignInDenied() if error == "access_denied" else SignInFailed()


def _unreachable() -> CalendarError:
    return CalendarUnreachable("Microsoft's sign-in does not answer; try again in a moment, what was planned stays")
