"""Which calendar services this installation has, from its settings: each by the one adapter that speaks for it.

A service without its client id is not there, and the pages say so.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from calendar_sync.accounts import AccountProvider, PasswordProvider, PushProvider
from calendar_sync.fetching import FetchLimits
from calendar_sync.ics import IcsCalendar
from calendar_sync.sync import CalendarProvider
from config.settings import Settings
from web.services import CalendarServices

MICROSOFT_SIGN_IN = "https://login.microsoftonline.com"


def new_secret() -> str:
    """256 bits, as 43 characters that go into an address as they are."""
    return secrets.token_urlsafe(32)


def calendar_services(settings: Settings) -> CalendarServices:
    sign_in: dict[str, AccountProvider] = {}
    by_password: dict[str, PasswordProvider] = {}
    push: dict[str, PushProvider] = {}
    consent_links = {}
    if settings.microsoft_client_id:
        consent_links["outlook"] = consent_link(settings)
    return CalendarServices(sign_in=sign_in, by_password=by_password, push=push, consent_links=consent_links)


def consent_link(settings: Settings) -> str:
    """Where an admin allows the app for a whole organisation ("Admin consent on the Microsoft identity platform",
    learn.microsoft.com/entra/identity-platform/v2-admin-consent).
    """
    tenant = "organizations" if settings.microsoft_tenant == "common" else settings.microsoft_tenant
    base = settings.microsoft_endpoint or MICROSOFT_SIGN_IN
    return f"{base}/{tenant}/adminconsent?client_id={settings.microsoft_client_id}"


def calendar_providers(settings: Settings) -> Mapping[str, CalendarProvider]:
    """By name, as calendars hold it."""
    limits = FetchLimits(allow_private_addresses=settings.private_calendars_allowed)
    return {"ics": IcsCalendar(limits)}
