"""Builds the web application: sessions, guards, headers, errors in words, and the routes of each part.

Everything it needs is handed in; it opens and closes nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from aiohttp_session import session_middleware
from aiohttp_session.cookie_storage import EncryptedCookieStorage

from consent_notice.clock import Clock
from storage.store import Store
from web import (
    accounts,
    admins,
    ahead,
    answering,
    ask_ahead,
    calendar_accounts,
    calendars,
    checker,
    connecting,
    erasures,
    headers,
    hosts,
    live,
    notes,
    own_copy,
    pages,
    participants,
    publishing,
    push,
    receipt_mail,
    receipts,
    recordings,
    shared_seats,
    snapshots,
    telephone,
    under_18,
    withdrawing,
)
from web.access import CLOCK, NEW_ID, NOT_FORMS, STORE, Access, add_routes, forms_are_ours, get
from web.services import SERVICES, CalendarServices
from web.settings import SETTINGS, WebSettings

LARGEST_FORM_BYTES = 3_000_000
SESSION_KEY_BYTES = 32


def create_app(
    store: Store,
    settings: WebSettings,
    clock: Clock,
    new_id: Callable[[], str],
    session_key: bytes,
    *,
    services: CalendarServices | None = None,
) -> web.Application:
    """`session_key`: 32 secret bytes that outlive a restart, or everyone is signed out by it. `services`: with which
    calendars can be connected beside an ICS address.
    """
    if len(session_key) != SESSION_KEY_BYTES:
        raise ValueError(f"couldn't build the pages: expected a session key of {SESSION_KEY_BYTES} bytes")
    sessions = EncryptedCookieStorage(
        session_key,
        cookie_name="__Host-onrecord" if settings.is_https else "onrecord",
        httponly=True,
        secure=settings.is_https,
        samesite="Lax",  # Strict would lose a participant's page when the link in the chat is opened again
        max_age=7 * 24 * 3600,
    )
    app = web.Application(
        middlewares=[session_middleware(sessions), pages.errors_in_words, forms_are_ours],
        client_max_size=LARGEST_FORM_BYTES,
    )
    app[STORE], app[SETTINGS], app[CLOCK], app[NEW_ID] = store, settings, clock, new_id
    app[NOT_FORMS] = set()
    app[SERVICES] = services or CalendarServices()
    pages.set_up(app)
    connecting.set_up(app)
    accounts.set_up(app)
    admins.set_up(app)
    app.on_response_prepare.append(headers.add_headers)
    app.router.add_static("/static/", pages.STATIC_DIR)
    of_participants = (participants, answering, withdrawing, under_18, shared_seats, telephone, own_copy, ahead)
    of_records = (receipts, receipt_mail, checker)
    of_hosts = (hosts, live, ask_ahead, calendars, connecting, calendar_accounts, recordings, notes)
    for part in (accounts, *of_hosts, *of_participants, *of_records, admins, snapshots, publishing, erasures, push):
        add_routes(app, part.routes())
    add_routes(app, [get("/healthz", healthz, Access.ANYONE)])
    return app


async def healthz(request: web.Request) -> web.Response:
    """200 once the database answers."""
    await request.app[STORE].users.any_admin()
    return web.json_response({"status": "ok"})
