"""PURE: takes web addresses apart, and takes the wrappers off that mail filters put around links.

Decides which wrapping services are believed; what an address leads to is `links`' business. An address that could be
read in two ways (a user part, a backslash, a control character) is not taken apart at all.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

MAX_WRAPPERS = 5  # mail that was forwarded between companies is wrapped more than once
MAX_ADDRESS_CHARS = 8192

# RFC 3986 appendix B, with the scheme required
_PARTS = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.IGNORECASE | re.DOTALL)
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    scheme: str
    host: str  # lower case, no trailing dot
    port: str  # "" where it is the scheme's own
    path: str  # escaped, as it came
    query: str
    fragment: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    def parameter(self, *names: str) -> str | None:
        """The first of these query parameters that is there, unescaped."""
        for name in names:
            for pair in self.query.split("&"):
                key, _, value = pair.partition("=")
                if key.lower() == name and value:
                    return unescape(value.replace("+", "%20"))
        return None


def take_apart(text: str) -> WebAddress | None:
    """None for anything that is no plain address of a host by its ASCII name."""
    if len(text) > MAX_ADDRESS_CHARS or _UNSAFE.search(text):
        return None
    match = _PARTS.fullmatch(text)
    if match is None:
        return None
    scheme, authority = match[1].lower(), match[2].lower()
    port_part = re.search(r":(\d*)$", authority)
    host, port = (authority[: port_part.start()], port_part[1]) if port_part else (authority, "")
    host = host.removesuffix(".")
    if not _HOST.fullmatch(host) or ".." in host:
        return None
    if port == _DEFAULT_PORTS.get(scheme):
        port = ""
    return WebAddress(
        scheme=scheme, host=host, port=port, path=match[3] or "/", query=match[4] or "", fragment=match[5] or ""
    )


def claimed_authority(text: str) -> str:
    """What stands where the host belongs, user part included, for naming a look-alike; "" where nothing does."""
    match = _PARTS.match(text)
    return match[2].lower() if match else ""


def unescape(text: str) -> str:
    """Percent escapes to text; a sequence that is no UTF-8 becomes U+FFFD, which no platform's address holds."""
    return _ESCAPES.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace"), text)


def is_host_or_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def unwrap(text: str) -> str:
    """The innermost address; the text itself where it is not wrapped. A wrapper we do not know is not opened."""
    for _ in range(MAX_WRAPPERS):
        address = take_apart(text)
        inner = _inner(address, text) if address else None
        if not inner or "://" not in inner:
            return text
        text = inner
    return text


# (host or anything below it, what the path starts with, the parameters that hold the address inside)
_WRAPPERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("safelinks.protection.outlook.com", "/", ("url",)),
    ("safelinks.protection.office365.us", "/", ("url",)),
    ("safelinks.protection.partner.outlook.cn", "/", ("url",)),
    ("statics.teams.cdn.office.net", "/evergreen-assets/safelinks/", ("url",)),
    ("www.google.com", "/url", ("q", "url")),
    ("google.com", "/url", ("q", "url")),
    ("meet.google.com", "/linkredirect", ("dest",)),
    ("linkprotect.cudasvc.com", "/url", ("a",)),
    ("trendmicro.com", "/wis/clicktime/", ("url",)),
    ("clicktime.symantec.com", "/", ("u",)),
    ("fireeye.com", "/url", ("u",)),
    ("fireeye.com", "/v1/url", ("u",)),
    ("scanmail.trustwave.com", "/", ("u",)),
    ("link.edgepilot.com", "/s/", ("u",)),
    ("slack-redir.net", "/link", ("url",)),
    ("linkedin.com", "/safety/go", ("url",)),
)

# Filters whose links hold a number instead of the address: only they know where it leads, and we do not ask them.
_CLOSED: tuple[tuple[str, str, str], ...] = (
    ("mimecast.com", "/s/", "Mimecast"),
    ("mimecastprotect.com", "/s/", "Mimecast"),
    ("mimecast-offshore.com", "/s/", "Mimecast"),
    ("url.emailprotection.link", "/", "Intermedia"),
    ("atpscan.global.hornetsecurity.com", "/", "Hornetsecurity"),
    ("mailanyone.net", "/scanner", "a mail filter"),
    ("notifications.googleapis.com", "/email/redirect", "Google"),
    ("link.edgepilot.com", "/s/", "EdgePilot"),
)


def wrapped_by(address: WebAddress) -> str | None:
    """Whose wrapper it is, where it can't be taken off; None where it is none that we know."""
    if address.scheme not in ("http", "https"):
        return None
    for domain, path, name in _CLOSED:
        if is_host_or_below(address.host, domain) and address.path.startswith(path):
            return name
    return None


def _inner(address: WebAddress, text: str) -> str | None:
    if address.scheme not in ("http", "https") or address.port:
        return None
    for domain, path, parameters in _WRAPPERS:
        if is_host_or_below(address.host, domain) and address.path.startswith(path):
            return address.parameter(*parameters)
    if address.host in ("urldefense.proofpoint.com", "urldefense.com", "urldefense.us"):
        return _proofpoint(address, text)
    if address.host in ("protect.checkpoint.com", "url.avanan.click"):
        inside = re.match(r"https?://[^/]+/v2/(?:r\d+/)?___(.+?)___\.", text)
        return inside[1] if inside else None
    if address.host == "secure-web.cisco.com":
        return unescape(address.path.rpartition("/")[2])
    if is_host_or_below(address.host, "protection.sophos.com"):
        return _from_base64(address.parameter("u") or "")
    return None


def _proofpoint(address: WebAddress, text: str) -> str | None:
    """The three forms of URL Defense, as Proofpoint's own published decoder reads them."""
    if address.path == "/v1/url":
        return address.parameter("u")
    if address.path == "/v2/url":
        wrapped = address.parameter("u")
        return unescape(wrapped.replace("-", "%").replace("_", "/")) if wrapped else None
    match = re.match(r"https?://[^/]+/v3/__(.+?)__;([A-Za-z0-9_-]*)=*!", text)
    if match is None:
        return None
    # each * stands for the next of the replaced characters; ** with a run-length letter for several of them
    replaced = _from_base64(match[2]) or ""
    taken = 0

    def give_back(found: re.Match[str]) -> str:
        nonlocal taken
        count = 1 if found[0] == "*" else _RUN_LENGTH.index(found[0][2]) + 2
        piece = replaced[taken : taken + count]
        taken += count
        return piece

    inner = re.sub(r"\*\*[A-Za-z0-9_-]|\*", give_back, match[1])
    return re.sub(r"^(https?):/(?!/)", r"\1://", inner)  # some mail programs merge the two slashes


_RUN_LENGTH = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _from_base64(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
