"""Who may call what: every route names its access, every form proves that it is ours.

A page of another person answers 404, not 403, so that nobody learns what exists. Signing in itself is in `accounts`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp_session import Session, get_session

from consent_notice.clock import Clock
from consent_notice.words import UserId
from storage.store import Store
from storage.users import User
from web.settings import SETTINGS

STORE: web.AppKey[Store] = web.AppKey("store", Store)
CLOCK: web.AppKey[Clock] = web.AppKey("clock", object)  # type: ignore[arg-type]  # a Protocol
NEW_ID: web.AppKey[Callable[[], str]] = web.AppKey("new_id", object)  # type: ignore[arg-type]
USER: web.RequestKey[User] = web.RequestKey("user", User)
NOT_FORMS: web.AppKey[set[object]] = web.AppKey("not forms", set)
ARRIVED_MS: web.RequestKey[int] = web.RequestKey("arrived_ms", int)

SIGNED_IN_FOR = timedelta(hours=12)
_FORM_METHODS = frozenset({"POST"})
_FETCH_SITES_ALLOWED = frozenset({"", "same-origin", "none"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(Enum):
    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    method: str
    path: str
    handler: Handler
    access: Access
    is_form: bool = True  # False: a machine sends it, and the handler itself proves who


def get(path: str, handler: Handler, access: Access) -> Route:
    return Route(method="GET", path=path, handler=handler, access=access)


def post(path: str, handler: Handler, access: Access) -> Route:
    return Route(method="POST", path=path, handler=handler, access=access)


def add_routes(app: web.Application, routes: list[Route]) -> None:
    for route in routes:
        guarded = _guarded(route.handler, route.access)
        if route.method == "GET":
            app.router.add_get(route.path, guarded)
        else:
            resource = app.router.add_post(route.path, guarded)
            if not route.is_form:
                app[NOT_FORMS].add(resource.handler)


def _guarded(handler: Handler, access: Access) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        user = await _signed_in_user(request)
        if user is not None:
            request[USER] = user
        if access is not Access.ANYONE and user is None:
            if request.method == "GET" and request.headers.get("X-Fragment") is None:
                raise web.HTTPSeeOther(f"/sign-in?next={quote(request.path, safe='/')}")
            raise web.HTTPForbidden(text="Your sign-in has ended. Sign in again.")
        if access is Access.ADMIN and (user is None or user.role != "admin"):
            raise web.HTTPNotFound
        return await handler(request)

    return guarded


def user_of(request: web.Request) -> User:
    """For routes that need a signed-in person."""
    return request[USER]


def fingerprint(password_hash: str) -> str:
    """Ties a session to the password it began with: changing the password ends every other session."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]


async def _signed_in_user(request: web.Request) -> User | None:
    session = await get_session(request)
    user_id, since = session.get("user"), session.get("since")
    if not isinstance(user_id, str) or not isinstance(since, str):
        return None
    if request.app[CLOCK].now() - datetime.fromisoformat(since) > SIGNED_IN_FOR:
        return None
    user = await request.app[STORE].users.get(UserId(user_id))
    if user is None or session.get("password") != fingerprint(user.password_hash):
        return None
    return user


async def csrf_token(request: web.Request) -> str:
    session = await get_session(request)
    if not isinstance(session.get("csrf"), str):
        session["csrf"] = request.app[NEW_ID]()
    return str(session["csrf"])


@web.middleware
async def forms_are_ours(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A form is taken only from our own pages: same Origin, and the token of this browser's session."""
    request[ARRIVED_MS] = request.app[CLOCK].boot_ms()
    if request.method in _FORM_METHODS and request.match_info.handler not in request.app[NOT_FORMS]:
        if not _same_origin(request):
            raise web.HTTPForbidden(text="This form was sent from another site, so it was not taken.")
        session = await get_session(request)
        try:
            form = await request.post()
        except ValueError:
            raise web.HTTPBadRequest(text="The form arrived broken. Go back and send it again.") from None
        expected, sent = session.get("csrf"), form.get("csrf")
        if not isinstance(expected, str) or not isinstance(sent, str) or not hmac.compare_digest(expected, sent):
            raise web.HTTPForbidden(
                text="This form is too old, or your browser does not keep cookies for this page. "
                "Go back, reload the page and try again."
            )
    return await handler(request)


def _same_origin(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "") not in _FETCH_SITES_ALLOWED:
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True  # not a browser's form; the token still decides
    return origin == request.app[SETTINGS].origin or urlsplit(origin).netloc == request.host


async def tell(request: web.Request, text: str, kind: str = "good") -> None:
    """Shows `text` once, on the next page that this browser opens."""
    session = await get_session(request)
    session["told"] = [*session.get("told", []), [kind, text]][-3:]


def take_told(session: Session) -> list[tuple[str, str]]:
    told = session.get("told")
    if not told:
        return []
    del session["told"]
    return [(str(kind), str(text)) for kind, text in told]


def back_to(place: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(place)


async def text_of(request: web.Request, field: str, limit: int = 2000) -> str:
    """A text field of the form, without surrounding blanks; empty when it is absent or a file."""
    sent = (await request.post()).get(field)
    return sent.strip()[:limit] if isinstance(sent, str) else ""
