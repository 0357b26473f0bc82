"""Which services an installation has follows from its settings."""

from __future__ import annotations

from config.calendar_services import calendar_providers, calendar_services, consent_link, new_secret
from config.settings import Settings


def test_calendars_by_address_are_always_there() -> None:
    assert "ics" in calendar_providers(Settings())


def test_without_a_client_id_there_is_no_sign_in() -> None:
    services = calendar_services(Settings())
    assert not {"google", "outlook"} & (services.sign_in.keys() | services.push.keys())


def test_an_admins_link_names_the_app_and_no_private_accounts() -> None:
    settings = Settings(microsoft_client_id="app-1", microsoft_tenant="common")
    assert consent_link(settings) == "https://login.microsoftonline.com/organizations/adminconsent?client_id=app-1"
    settings = Settings(microsoft_client_id="app-1", microsoft_tenant="example.org")
    assert calendar_services(settings).consent_links == {"outlook": consent_link(settings)}
    assert "/example.org/adminconsent" in consent_link(settings)


def test_secrets_are_long_and_no_two_alike() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == 43 for secret in made)
