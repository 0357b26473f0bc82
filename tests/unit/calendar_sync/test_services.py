"""The names that a host reads instead of "no join link": one address of each service."""

from __future__ import annotations

import pytest

from calendar_sync.addresses import take_apart
from calendar_sync.links import KnownHosts, LinkTexts, OtherService, find_link
from calendar_sync.services import _SERVICES, service_name


@pytest.mark.parametrize(("domain", "path", "name"), _SERVICES)
def test_each_service_is_named_by_its_addresses_only(domain: str, path: str, name: str) -> None:
    tail = f"{path or '/'}abc123"
    for host in (domain, f"acme.{domain}"):
        assert find_link(LinkTexts(location=f"https://{host}{tail}"), KnownHosts()) == OtherService(name=name)
    for other in (f"{domain}.evil.example", f"evil-{domain}", f"evil.example/{domain}"):
        address = take_apart(f"https://{other}{tail}")
        assert address is not None
        assert service_name(address) is None
    bare = take_apart(f"https://{domain}/")
    assert bare is not None
    assert service_name(bare) is None, "its front page is no meeting"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://meeting.zoho.com.au/meeting/join?key=1", "Zoho Meeting"),
        ("https://meet.zoho.in/abcd-efg-hij", "Zoho Meeting"),
        ("https://video.school.example/b/ann-abc-def-ghi", "BigBlueButton"),
        ("https://bbb.example.edu/rooms/abc-def-ghi-jkl/join", "BigBlueButton"),
        ("https://cloud.example.org/call/abcd2345", "Nextcloud Talk"),
        ("https://example.org/nextcloud/index.php/call/abcd2345", "Nextcloud Talk"),
        ("https://example.org/call/abc", None),
        ("https://example.org/blog/b/abc", None),
        ("ftp://whereby.com/acme", None),
    ],
)
def test_services_on_many_hosts_are_known_by_their_paths(address: str, name: str | None) -> None:
    taken_apart = take_apart(address)
    assert taken_apart is not None
    assert service_name(taken_apart) == name


def test_there_are_as_many_as_promised() -> None:
    assert len({name for _, _, name in _SERVICES}) >= 50
