"""A host's way to a calendar service and back: told first what is read, sent there, and told in words how it went.

One way at a time: what it needs on return is sealed in the host's session, holds for ten minutes, for that host and
service, and once. What comes back is judged by the service's adapter; what is then kept is in `calendar_accounts`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web
from aiohttp_session import get_session
from limits import RateLimitItemPerMinute
from yarl import URL

from calendar_sync.accounts import AccountProvider, AdminMustConsent, Granted
from calendar_sync.errors import CalendarError
from web.access import CLOCK, Access, Route, back_to, get, post, tell, text_of, user_of
from web.accounts import LIMITER
from web.calendar_accounts import keep_account, own_account
from web.pages import page
from web.services import NEVER, READ, SERVICES, WORDS
from web.settings import SETTINGS

HOLDS_FOR = timedelta(minutes=10)
_TRIES = RateLimitItemPerMinute(10, 10)
_SESSION = "connecting"
_MOST_FLOW_CHARS = 2_000  # a cookie holds 4,096 bytes, sealed and with all else that is in it
_COMES_BACK = frozenset({"code", "error", "state", "admin_consent"})
_LOG = logging.getLogger(__name__)


class Used:
    """Which ways back were taken, as long as they would hold: whoever kept an old cookie takes none twice."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def take(self, flow: str, now: datetime) -> bool:
        """False where it was taken before."""
        self._until = {mark: until for mark, until in self._until.items() if until > now}
        mark = hashlib.sha256(flow.encode()).hexdigest()
        if mark in self._until:
            return False
        self._until[mark] = now + HOLDS_FOR
        return True


USED: web.AppKey[Used] = web.AppKey("used ways back", Used)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    flow: str
    is_wider: bool


def routes() -> list[Route]:
    return [
        get("/calendars/connect/{provider}", explain_or_return, Access.SIGNED_IN),
        post("/calendars/connect/{provider}", begin, Access.SIGNED_IN),
    ]


def set_up(app: web.Application) -> None:
    app[USED] = Used()


async def explain_or_return(request: web.Request) -> web.StreamResponse:
    if _COMES_BACK & set(request.query):
        return await _return(request)
    return await _explain(request, is_wider=request.query.get("wider") == "yes")


async def begin(request: web.Request) -> web.StreamResponse:
    provider = _provider(request)
    if not await request.app[LIMITER].hit(_TRIES, "connect", user_of(request).id):
        return await _explain(request, problem="Too many tries. Wait ten minutes, then try again.", status=429)
    by_password = request.app[SERVICES].by_password.get(provider)
    if by_password is not None:
        address, user = await text_of(request, "address"), await text_of(request, "user", 320)
        try:
            granted = await by_password.connect(address, user, await text_of(request, "password", 1000))
        except CalendarError as error:
            return await _explain(request, problem=str(error), status=422, typed={"address": address, "user": user})
        return await _connected(request, by_password, granted)

    service = request.app[SERVICES].sign_in.get(provider)
    if service is None:
        raise web.HTTPNotFound
    is_wider = await text_of(request, "wider") == "yes"
    account_id = await text_of(request, "account", 80)
    hint = (await own_account(request, account_id)).name if account_id else ""
    try:
        sign_in = await service.begin(_redirect_uri(request, provider), wider=is_wider, hint=hint)
    except CalendarError as error:
        return await _explain(request, problem=str(error), status=422)
    packed = base64.b85encode(zlib.compress(sign_in.flow.encode(), 9)).decode()
    if len(packed) > _MOST_FLOW_CHARS:
        raise ValueError(f"couldn't begin a sign-in: its state has {len(packed)} characters, a cookie has no room")
    session = await get_session(request)
    session[_SESSION] = {
        "provider": provider,
        "host": user_of(request).id,
        "until": (request.app[CLOCK].now() + HOLDS_FOR).isoformat(),
        "wider": is_wider,
        "state": URL(sign_in.address).query.get("state", ""),
        "flow": packed,
    }
    # A page that goes on by itself, not a redirect: a form's policy (form-action) would hold that one back.
    return await page(request, "connect_go.html", words=WORDS[provider], address=sign_in.address)


async def _return(request: web.Request) -> web.StreamResponse:
    provider = _provider(request)
    service = request.app[SERVICES].sign_in.get(provider)
    if service is None:
        raise web.HTTPNotFound
    way = await _way_back(request, provider)
    if way is None and "admin_consent" in request.query and "error" not in request.query:
        return await _explain(request, done="Your admin allowed it. Connect your calendar now.")
    if way is None:
        problem = "This sign-in was begun elsewhere, took longer than ten minutes, or was finished before. Begin again."
        return await _explain(request, problem=problem, status=400)
    try:
        granted = await service.finish(way.flow, dict(request.query), _redirect_uri(request, provider))
    except AdminMustConsent as error:
        link = error.link or request.app[SERVICES].consent_links.get(provider, "")
        return await _explain(request, problem=str(error), status=403, consent_link=link, is_wider=way.is_wider)
    except CalendarError as error:
        _LOG.info("a calendar was not connected", extra={"why": type(error).__name__})
        return await _explain(request, problem=str(error), status=422, is_wider=way.is_wider)
    return await _connected(request, service, granted)


async def _connected(request: web.Request, service: AccountProvider, granted: Granted) -> web.StreamResponse:
    provider = _provider(request)
    problem = await keep_account(request, provider, service, granted)
    if problem:
        await tell(
            request, f"{WORDS[provider].short} is connected, but its calendars could not be listed. {problem}", "warn"
        )
    else:
        await tell(
            request, f"{WORDS[provider].short} is connected. Every calendar is off: switch on what the bot may read."
        )
    raise back_to("/calendars")


async def _way_back(request: web.Request, provider: str) -> _Way | None:
    """What was begun in this session, once; None where it is not this host's, this service's, or too old."""
    session = await get_session(request)
    kept = session.get(_SESSION)
    if not isinstance(kept, dict) or kept.get("state") != request.query.get("state", ""):
        return None  # a link that anybody may have made ends no way that is open
    del session[_SESSION]
    now = request.app[CLOCK].now()
    try:
        holds = datetime.fromisoformat(kept["until"]) > now
        is_ours = kept["provider"] == provider and kept["host"] == user_of(request).id
        flow = zlib.decompress(base64.b85decode(kept["flow"])).decode()
        is_wider = bool(kept["wider"])
    except (KeyError, TypeError, ValueError, binascii.Error, zlib.error):
        return None
    if not holds or not is_ours or not request.app[USED].take(f"{provider} {flow}", now):
        return None
    return _Way(flow=flow, is_wider=is_wider)


async def _explain(
    request: web.Request,
    *,
    problem: str = "",
    done: str = "",
    status: int = 200,
    consent_link: str = "",
    is_wider: bool = False,
    typed: dict[str, str] | None = None,
) -> web.Response:
    provider = _provider(request)
    services = request.app[SERVICES]
    again = request.query.get("account", "")
    account = await own_account(request, again) if again else None
    if account is not None and account.provider != provider:
        raise web.HTTPNotFound
    return await page(
        request,
        "connect.html",
        status=status,
        provider=provider,
        words=WORDS[provider],
        read=READ,
        never=NEVER,
        is_set_up=services.of(provider) is not None,
        asks_password=provider in services.by_password,
        problem=problem,
        done=done,
        consent_link=consent_link,
        is_wider=is_wider and bool(WORDS[provider].wider_asks),
        account=account,
        typed=typed or {"address": "", "user": account.name if account is not None else ""},
    )


def _provider(request: web.Request) -> str:
    provider = request.match_info["provider"]
    if provider not in WORDS or provider == "ics":
        raise web.HTTPNotFound
    return provider


def _redirect_uri(request: web.Request, provider: str) -> str:
    """As the admin registered it with the service."""
    return f"{request.app[SETTINGS].public_url}/calendars/connect/{provider}"
