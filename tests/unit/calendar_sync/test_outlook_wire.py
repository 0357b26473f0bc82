"""Which requests can be made at all: nothing else reaches the network, so no server is needed here."""

from __future__ import annotations

import pytest

from calendar_sync.outlook_wire import NotRead, OutlookSettings, ReadingSession, is_below

ROOT = "https://graph.microsoft.com/v1.0"
AUTHORITY = "https://login.microsoftonline.com/common"


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", f"{ROOT}/me/events"),
        ("PATCH", f"{ROOT}/me/events/1"),
        ("DELETE", f"{ROOT}/me/events/1"),
        ("PUT", f"{ROOT}/me/calendars/1"),
        ("POST", f"{ROOT}/me/events/1/accept"),
        ("POST", f"{ROOT}/subscriptions/../me/events"),
        ("DELETE", f"{ROOT}/subscriptions/../me/events/1"),
        ("DELETE", f"{ROOT}/subscriptions/..%2fme"[:-6] + "../x"),
        ("POST", f"{ROOT}/subscriptions/1/reauthorize/x"),
        ("GET", "https://evil.example/v1.0/me"),
        ("GET", "http://graph.microsoft.com/v1.0/me"),
        ("GET", "https://graph.microsoft.com.evil.example/v1.0/me"),
        ("GET", "https://graph.microsoft.com@evil.example/v1.0/me"),
        ("GET", "https://graph.microsoft.com/beta/me"),
        ("POST", f"{AUTHORITY}/oauth2/v2.0/devicecode"),
        ("GET", f"{AUTHORITY}/userrealm/ann"),
    ],
)
def test_a_write_or_another_server_can_not_be_expressed(method: str, url: str) -> None:
    with ReadingSession(OutlookSettings(client_id="x")) as session, pytest.raises(NotRead):
        session.request(method, url)


def test_only_addresses_under_the_root_are_followed() -> None:
    assert is_below(f"{ROOT}/me/calendars?$skip=1", ROOT)
    assert not is_below(f"{ROOT}evil/me", ROOT)
    assert not is_below("https://graph.microsoft.com:444/v1.0/me", ROOT)
    assert not is_below(f"{ROOT}/../beta/me", ROOT)
