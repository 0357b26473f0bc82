"""Wrappers of mail filters: what is inside, what can't be opened, and what only looks like one."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from calendar_sync.addresses import MAX_WRAPPERS, take_apart, unwrap, wrapped_by
from calendar_sync.links import JoinLink, KnownHosts, LinkTexts, LookAlike, OtherService, WrappedLink, find_link

ZOOM = "https://us02web.zoom.us/j/81234567890?pwd=Q1dFRVJUWVVJT1A&from=addon"
INSIDE = quote(ZOOM, safe="")
SAFE = "https://nam02.safelinks.protection.outlook.com/?url="


def proofpoint_v3(address: str, replaced: str) -> str:
    """As URL Defense writes it: each of `replaced` is a * in the text, and stands after the ; in base64."""
    for character in replaced:
        address = address.replace(character, "*", 1)
    return f"https://urldefense.com/v3/__{address}__;{base64.urlsafe_b64encode(replaced.encode()).decode()}!!Ab-c!Cd$"


@pytest.mark.parametrize(
    "wrapped",
    [
        SAFE + INSIDE + "&data=05%7C02%7Cann%40example.org%7C&sdata=x%3D&reserved=0",
        "https://chn.safelinks.protection.partner.outlook.cn/?url=" + INSIDE,
        "https://www.google.com/url?q=" + INSIDE + "&sa=D&ust=1&usg=AOv",
        "https://www.google.com/url?sa=j&url=" + INSIDE + "&uct=1",
        "https://urldefense.proofpoint.com/v1/url?u=" + INSIDE + "&k=x%3D",
        "https://urldefense.proofpoint.com/v2/url?u=" + INSIDE.replace("%", "-").replace("/", "_") + "&d=DwMFaQ&e=",
        f"https://urldefense.com/v3/__{ZOOM}__;!!Ab-c!Cd$",
        proofpoint_v3(ZOOM, "?&"),
        f"https://urldefense.us/v3/__{ZOOM}__;!!Ab-c!Cd$",
        "https://linkprotect.cudasvc.com/url?a=" + INSIDE + "&c=E,1,abc&typo=1",
        "https://secure-web.cisco.com/1aBcDeF-x/" + INSIDE,
        "https://protect2.fireeye.com/v1/url?k=1&q=1&e=2&u=" + INSIDE,
        "https://scanmail.trustwave.com/?c=1&d=2&s=5&u=" + INSIDE,
        f"https://protect.checkpoint.com/v2/___{ZOOM}___.YXAxZTphY21lOmE6bzo=",
        f"https://protect.checkpoint.com/v2/r01/___{ZOOM}___.YXAxZTphY21lOmE6bzo=",
        f"https://url.avanan.click/v2/___{ZOOM}___.YXAxZTphY21l",
        "https://eu-west-1.protection.sophos.com/?d=zoom.us&u=" + base64.b64encode(ZOOM.encode()).decode() + "&p=m",
        SAFE + quote("https://urldefense.com/v3/__" + ZOOM + "__;!!A!B$", safe="") + "&data=05",
    ],
)
def test_what_is_inside_a_wrapper_is_joined_with_its_code(wrapped: str) -> None:
    assert unwrap(wrapped) == ZOOM
    found = find_link(LinkTexts(description=f"Join here <{wrapped}> now"), KnownHosts())
    assert isinstance(found, JoinLink)
    assert found.url == ZOOM


def test_a_run_of_replaced_characters_comes_back() -> None:
    """`**C` stands for four of them, as Proofpoint's decoder counts: A is two."""
    text = (
        "https://urldefense.com/v3/__https://example.org/**Cx*y__;"
        + base64.urlsafe_b64encode(b"????!").decode()
        + "!!A$"
    )
    assert unwrap(text) == "https://example.org/????x!y"


@pytest.mark.parametrize(
    ("address", "by"),
    [
        ("https://protect-eu.mimecast.com/s/AbCdC1234?domain=us02web.zoom.us", "Mimecast"),
        ("https://url.uk.m.mimecastprotect.com/s/AbCd?domain=meet.google.com", "Mimecast"),
        ("https://url.emailprotection.link/?bAbC~", "Intermedia"),
        ("https://link.edgepilot.com/s/1a2b/xyz", "EdgePilot"),
    ],
)
def test_a_wrapper_that_cant_be_opened_is_named(address: str, by: str) -> None:
    assert find_link(LinkTexts(description=f"Join: {address}"), KnownHosts()) == WrappedLink(by=by)
    beside = LinkTexts(description=f"{address} or {ZOOM}")
    assert isinstance(find_link(beside, KnownHosts()), JoinLink), "a link that can be read is worth more"
    named = LinkTexts(description=f"{address} https://meet.google.com.evil.example/x https://whereby.com/acme")
    assert find_link(named, KnownHosts()) == OtherService(name="Whereby")
    looks = LinkTexts(description=f"{address} https://meet.google.com.evil.example/x")
    assert isinstance(find_link(looks, KnownHosts()), LookAlike)


@pytest.mark.parametrize(
    "address",
    [
        "https://mimecast.com.evil.example/s/AbC",
        "https://evil-mimecast.com/s/AbC",
        "https://www.mimecast.com/products",
        "ftp://protect-eu.mimecast.com/s/AbC",
    ],
)
def test_what_is_no_wrapper_is_not_named(address: str) -> None:
    taken_apart = take_apart(address)
    assert taken_apart is not None
    assert wrapped_by(taken_apart) is None


def test_a_wrapper_around_another_place_leads_nowhere() -> None:
    for inside in ("https://evil.example/j/81234567890", "javascript:alert(1)", "//zoom.us/j/81234567890", ""):
        assert find_link(LinkTexts(location=SAFE + quote(inside, safe="")), KnownHosts()) is None


def test_wrappers_in_wrappers_have_an_end() -> None:
    text = ZOOM
    for _ in range(MAX_WRAPPERS + 1):
        text = SAFE + quote(text, safe="")
    assert unwrap(text) != ZOOM
    assert find_link(LinkTexts(location=text), KnownHosts()) is None
