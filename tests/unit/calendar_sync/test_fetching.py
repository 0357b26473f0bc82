"""Which addresses may be asked, as a table of the ways to spell a private one."""

from __future__ import annotations

import ipaddress

import pytest

from calendar_sync.errors import AddressNotAllowed, AddressNotUsable, CalendarError
from calendar_sync.fetching import FetchLimits, checked_address, is_public, retry_after_s

PUBLIC = FetchLimits()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.0.192", "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::1",
    ],
)  # fmt: skip
def test_private_addresses_are_known_in_every_form(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["142.250.186.46", "8.8.8.8", "2a00:1450:4001:80b::200e", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("http://127.0.0.1/c.ics", AddressNotAllowed),
        ("http://127.0.0.1:8480/c.ics", AddressNotAllowed),
        ("http://[::1]/c.ics", AddressNotAllowed),
        ("http://[::ffff:169.254.169.254]/latest/meta-data/", AddressNotAllowed),
        ("http://169.254.169.254/latest/meta-data/", AddressNotAllowed),
        ("http://0x7f000001/c.ics", AddressNotAllowed),
        ("http://2130706433/c.ics", AddressNotAllowed),
        ("http://127.1/c.ics", AddressNotAllowed),
        ("http://017700000001/c.ics", AddressNotAllowed),
        ("http://127.0.0.1./c.ics", AddressNotAllowed),
        ("http://127\u30020\u30020\u30021/c.ics", AddressNotAllowed),
        ("http://169\uff0e254\uff0e169\uff0e254/latest/meta-data/", AddressNotAllowed),
        ("http://10\uff610\uff610\uff611/c.ics", AddressNotAllowed),
        ("http://\uff11\uff12\uff17.0.0.1/c.ics", AddressNotAllowed),
        ("http://\u2460\u2461\u2466.0.0.1/c.ics", AddressNotAllowed),
        ("http://calendar\u200b.example/c.ics", AddressNotUsable),
        ("webcal://10.0.0.1/c.ics", AddressNotAllowed),
        ("ftp://calendar.example/c.ics", AddressNotUsable),
        ("file:///etc/passwd", AddressNotUsable),
        ("gopher://calendar.example/", AddressNotUsable),
        ("javascript:alert(1)", AddressNotUsable),
        ("https://", AddressNotUsable),
        ("https:///c.ics", AddressNotUsable),
        ("https://user:password@calendar.example/c.ics", AddressNotUsable),
        ("https://calendar.example:99999/c.ics", AddressNotUsable),
        ("https://[half/c.ics", AddressNotUsable),
        ("calendar.example/c.ics", AddressNotUsable),
        ("", AddressNotUsable),
    ],
)
def test_addresses_that_are_not_asked(address: str, error: type[CalendarError]) -> None:
    with pytest.raises(error) as caught:
        checked_address(address, PUBLIC)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://calendar.example/c.ics", "https://calendar.example/c.ics"),
        ("  webcal://calendar.example/c.ics?k=1#x ", "https://calendar.example/c.ics?k=1"),
        ("HTTP://calendar.example", "http://calendar.example/"),
        ("https://8.8.8.8/c.ics", "https://8.8.8.8/c.ics"),
        ("https://3com.example/c.ics", "https://3com.example/c.ics"),
    ],
)
def test_addresses_that_are_asked(address: str, asked: str) -> None:
    assert checked_address(address, PUBLIC) == asked


def test_an_admin_may_allow_private_addresses() -> None:
    allowed = FetchLimits(allow_private_addresses=True)
    assert checked_address("http://127.0.0.1:1/c.ics", allowed) == "http://127.0.0.1:1/c.ics"


def test_the_servers_wish_to_wait_has_a_limit() -> None:
    assert [retry_after_s(text) for text in ("120", "999999999", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "")] == [
        120.0, 86_400.0, None, None, None,
    ]  # fmt: skip
