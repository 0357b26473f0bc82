"""Which calendar services this installation has, from its settings: each by the one adapter that speaks for it.

A service without its client id is not there, and the pages say so.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from calendar_sync.accounts import AccountProvider, PushProvider
from calendar_sync.caldav import CaldavCalendars
from calendar_sync.fetching import FetchLimits
from calendar_sync.google import GoogleCalendars
from calendar_sync.google_line import GoogleAddresses
from calendar_sync.google_sign_in import GoogleApp
from calendar_sync.ics import IcsCalendar
from calendar_sync.outlook import OutlookCalendars
from calendar_sync.outlook_wire import OutlookSettings
from calendar_sync.sync import CalendarProvider
from config.clock import SystemClock
from config.settings import Settings
from web.services import CalendarServices

MICROSOFT_SIGN_IN = "https://login.microsoftonline.com"


def new_secret() -> str:
    """256 bits, as 43 characters that go into an address as they are."""
    return secrets.token_urlsafe(32)


def calendar_services(settings: Settings) -> CalendarServices:
    google, outlook = _google(settings), _outlook(settings)
    sign_in: dict[str, AccountProvider] = {}
    push: dict[str, PushProvider] = {}
    if google is not None:
        sign_in["google"] = push["google"] = google
    if outlook is not None:
        sign_in["outlook"] = push["outlook"] = outlook
    return CalendarServices(
        sign_in=sign_in,
        by_password={"caldav": CaldavCalendars(_limits(settings))},
        push=push,
        consent_links={"outlook": consent_link(settings)} if outlook is not None else {},
        new_secret=new_secret,
    )


def consent_link(settings: Settings) -> str:
    """Where an admin allows the app for a whole organisation ("Admin consent on the Microsoft identity platform",
    learn.microsoft.com/entra/identity-platform/v2-admin-consent).
    """
    tenant = "organizations" if settings.microsoft_tenant == "common" else settings.microsoft_tenant
    base = settings.microsoft_endpoint or MICROSOFT_SIGN_IN
    return f"{base}/{tenant}/adminconsent?client_id={settings.microsoft_client_id}"


def calendar_providers(settings: Settings) -> Mapping[str, CalendarProvider]:
    """By name, as calendars hold it."""
    limits = _limits(settings)
    by_name: dict[str, CalendarProvider | None] = {
        "ics": IcsCalendar(limits),
        "caldav": CaldavCalendars(limits),
        "google": _google(settings),
        "outlook": _outlook(settings),
    }
    return {name: provider for name, provider in by_name.items() if provider is not None}


def _limits(settings: Settings) -> FetchLimits:
    return FetchLimits(allow_private_addresses=settings.private_calendars_allowed)


def _google(settings: Settings) -> GoogleCalendars | None:
    if not settings.google_client_id:
        return None
    app = GoogleApp(client_id=settings.google_client_id, client_secret=settings.google_client_secret)
    if not settings.google_endpoint:
        return GoogleCalendars(app, SystemClock(), new_secret)
    addresses = GoogleAddresses.at(settings.google_endpoint, settings.calendar_ca_file or None)
    return GoogleCalendars(app, SystemClock(), new_secret, addresses=addresses)


def _outlook(settings: Settings) -> OutlookCalendars | None:
    if not settings.microsoft_client_id:
        return None
    stand_in = settings.microsoft_endpoint
    of_microsoft = OutlookSettings(
        client_id=settings.microsoft_client_id,
        client_secret=settings.microsoft_client_secret,
        authority=f"{stand_in or MICROSOFT_SIGN_IN}/{settings.microsoft_tenant}",
        ca_file=settings.calendar_ca_file or None,
    )
    if stand_in:
        of_microsoft = replace(of_microsoft, graph_root=f"{stand_in}/v1.0")
    return OutlookCalendars(of_microsoft, SystemClock())
