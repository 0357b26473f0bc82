"""PURE: which text of a calendar event holds which platform's join link.

Conference data beats the event's own address, which beats the place, which beats the text, which beats the text
without its HTML; of two links to one meeting the longer wins (the shorter one lost its passcode). Whole hosts are
compared, never parts of them, and no address on another host is followed: look-alikes and redirects lead nowhere.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from calendar_sync.addresses import (
    WebAddress,
    claimed_authority,
    is_host_or_below,
    take_apart,
    unescape,
    unwrap,
    wrapped_by,
)
from calendar_sync.room_patterns import read_pattern
from calendar_sync.services import service_name

MAX_TEXT_CHARS = 65_536  # what stands further down is no invitation any more
PUBLIC_JITSI_HOST = "meet.jit.si"


class Platform(StrEnum):
    GOOGLE_MEET = "google_meet"
    ZOOM = "zoom"
    TEAMS = "teams"
    JITSI = "jitsi"
    WEBEX = "webex"
    PRACTICE = "practice"
    JANUS = "janus"


PLATFORM_NAMES = {
    Platform.GOOGLE_MEET: "Google Meet",
    Platform.ZOOM: "Zoom",
    Platform.TEAMS: "Microsoft Teams",
    Platform.JITSI: "Jitsi",
    Platform.WEBEX: "Webex",
    Platform.PRACTICE: "the practice room",
    Platform.JANUS: "Janus",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTexts:
    """An event's texts in order of trust. Nothing here outlives the planning."""

    conference: tuple[str, ...] = ()
    url: str = ""
    location: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHosts:
    """The hosts that only this installation can know."""

    practice_url: str = ""
    jitsi_hosts: frozenset[str] = frozenset({PUBLIC_JITSI_HOST})  # "host" or "host:port"
    janus_rooms: tuple[str, ...] = ()  # as `room_patterns` reads them


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinLink:
    platform: Platform
    url: str
    meeting: str  # the same for every link to this meeting


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherService:
    """A meeting service that we know by name only."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlike:
    """An address that is made to look like a platform's and is not."""

    looks_like: Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedLink:
    """A mail filter's link that only that filter could open."""

    by: str


Finding = JoinLink | OtherService | LookAlike | WrappedLink | None


def find_link(texts: LinkTexts, known: KnownHosts) -> Finding:
    """The link to join by; failing that, the best reason why there is none."""
    reasons: list[OtherService | LookAlike | WrappedLink] = []
    chosen: JoinLink | None = None
    for text in _sources(texts):
        for candidate in _candidates(text[:MAX_TEXT_CHARS], known):
            finding = read_address(candidate, known)
            if not isinstance(finding, JoinLink):
                reasons += [finding] if finding is not None else []
            elif chosen is None or (_is_same(finding, chosen) and len(finding.url) > len(chosen.url)):
                chosen = finding  # the first of the most trusted text, with the code that another text may have kept
    if chosen is not None:
        return chosen
    return min(reasons, key=lambda reason: _WORTH_TELLING.index(type(reason)), default=None)


_WORTH_TELLING = (OtherService, LookAlike, WrappedLink)


def _is_same(one: JoinLink, other: JoinLink) -> bool:
    return (one.platform, one.meeting) == (other.platform, other.meeting)


def read_address(text: str, known: KnownHosts) -> Finding:
    """What one address leads to, wrappers taken off."""
    text = unwrap(text.replace("&amp;", "&").replace("&#38;", "&"))
    address = take_apart(text)
    if address is not None:
        link = _practice(address, known) or _jitsi(address, known) or _janus(address, known)
        for reader in _READERS:
            link = link or reader(address)
        if link is not None:
            return link
        name = service_name(address)
        if name is not None:
            return OtherService(name=name)
        if filter_name := wrapped_by(address):
            return WrappedLink(by=filter_name)
        if address.host == PUBLIC_JITSI_HOST and _JITSI_ROOM.fullmatch(address.path) and not _is_jitsi_page(address):
            return OtherService(name="Jitsi at meet.jit.si")
    return _look_alike(text, address)


# ---- the platforms -----------------------------------------------------------------------------------------------

_ZOOM_DOMAINS = ("zoom.us", "zoom.com", "zoomgov.com", "zoom.com.cn", "zoomus.cn", "zoom-x.de")
_TEAMS_HOSTS = (
    "teams.microsoft.com",
    "teams.live.com",
    "teams.cloud.microsoft",
    "gov.teams.microsoft.us",
    "dod.teams.microsoft.us",
    "teams.microsoftonline.cn",
)
_WEBEX_DOMAINS = ("webex.com", "webex.com.cn")
_ZOOM_DIGITS = re.compile(r"/(?:j|w|s|wc|wc/join|launch/jc)/(\d{9,11})(?:/(?:join|start|\w*))?/?")
_ZOOM_PERSONAL = re.compile(r"/my/([\w.-]{3,80})/?", re.ASCII)
_ZOOM_NOT_OURS = ("zak", "uname", "un")  # would let the bot in as the host, or under another name
_MEET_CODE = re.compile(r"/(?:_meet/)?([a-z]{3})-?([a-z]{4})-?([a-z]{3})/?", re.IGNORECASE)
_MEET_NICKNAME = re.compile(r"/(?:_meet/)?lookup/([\w-]{3,80})/?", re.ASCII)
_TEAMS_LONG = re.compile(r"/l/meetup-join/([^/?#]+)(/.*)?")
_TEAMS_SHORT = re.compile(r"/meet/(\d{8,20})/?")
_WEBEX_NAMED = re.compile(r"(?:/[\w.-]+)?/(?:meet|join|m|w)/([\w.@%-]{2,120})/?", re.ASCII)
_WEBEX_SITES = re.compile(r"/(?:webappng|wbxmjs|recordingservice)/.*?(?:meeting|joinservice)/.+")
_JITSI_ROOM = re.compile(r"/((?:[^/]{1,100}/)?[^/]{1,200})/?")
_JITSI_PAGES = ("static", "images", "libs", "sounds", "http-bind", "xmpp-websocket", "config.js", "favicon.ico")
_PRACTICE_ROOM = re.compile(r"/room/([a-z0-9-]{3,40})/?")


def _secure(address: WebAddress) -> bool:
    """These platforms live on the standard ports only; an old http link is joined by https."""
    return address.scheme in ("http", "https") and not address.port


def _practice(address: WebAddress, known: KnownHosts) -> JoinLink | None:
    base = take_apart(known.practice_url) if known.practice_url else None
    if base is None or address.origin != base.origin:
        return None
    prefix = base.path.rstrip("/")
    room = _PRACTICE_ROOM.fullmatch(address.path.removeprefix(prefix)) if address.path.startswith(prefix) else None
    if room is None:
        return None
    return JoinLink(platform=Platform.PRACTICE, url=f"{base.origin}{prefix}/room/{room[1]}", meeting=room[1])


def _google_meet(address: WebAddress) -> JoinLink | None:
    if address.host != "meet.google.com" or not _secure(address):
        return None
    if code := _MEET_CODE.fullmatch(address.path):
        name = "-".join(code.groups()).lower()
    elif nickname := _MEET_NICKNAME.fullmatch(address.path):
        name = f"lookup/{nickname[1]}"
    else:
        return None
    return JoinLink(platform=Platform.GOOGLE_MEET, url=f"https://meet.google.com/{name}", meeting=name)


def _zoom(address: WebAddress) -> JoinLink | None:
    if not any(is_host_or_below(address.host, domain) for domain in _ZOOM_DOMAINS):
        return None
    if address.scheme in ("zoommtg", "zoomus") and not address.port:
        number = address.parameter("confno") or ""
        if not re.fullmatch(r"\d{9,11}", number):
            return None
        secret = address.parameter("pwd")
        query = f"?pwd={secret}" if secret and re.fullmatch(r"[\w.~-]+", secret, re.ASCII) else ""
        return JoinLink(platform=Platform.ZOOM, url=f"https://{address.host}/j/{number}{query}", meeting=number)
    if not _secure(address):
        return None
    pairs = [pair for pair in address.query.split("&") if pair]
    kept = [pair for pair in pairs if unescape(pair.partition("=")[0]).lower() not in _ZOOM_NOT_OURS]
    query = "?" + "&".join(kept) if kept else ""
    if digits := _ZOOM_DIGITS.fullmatch(address.path):
        kind = "w" if address.path.startswith("/w/") else "j"
        url = f"https://{address.host}/{kind}/{digits[1]}{query}"
        return JoinLink(platform=Platform.ZOOM, url=url, meeting=digits[1])
    if personal := _ZOOM_PERSONAL.fullmatch(address.path):
        url = f"https://{address.host}/my/{personal[1]}{query}"
        return JoinLink(platform=Platform.ZOOM, url=url, meeting=f"{address.host}/my/{personal[1]}")
    return None


def _teams(address: WebAddress) -> JoinLink | None:
    if address.scheme == "msteams":  # msteams://teams.microsoft.com/l/meetup-join/…, the app's own form
        address = take_apart("https" + f"://{address.host}{address.path}?{address.query}") or address
    if address.host not in _TEAMS_HOSTS or not _secure(address):
        return None
    path, query = address.path, address.query
    if address.fragment.startswith("/") and not _TEAMS_LONG.fullmatch(path):  # …/_#/l/meetup-join/…
        path, _, query = address.fragment.partition("?")
    elif path.startswith("/dl/launcher/"):  # the page that asks "open the app?": the meeting is in its url
        inner = (address.parameter("url") or "").removeprefix("/_#")
        path, _, query = inner.partition("?")
    tail = f"?{query}" if query else ""
    if long := _TEAMS_LONG.fullmatch(path):
        url = f"https://{address.host}{path}{tail}"
        return JoinLink(platform=Platform.TEAMS, url=url, meeting=unescape(long[1]).lower())
    if short := _TEAMS_SHORT.fullmatch(path):
        return JoinLink(platform=Platform.TEAMS, url=f"https://{address.host}/meet/{short[1]}{tail}", meeting=short[1])
    return None


def _webex(address: WebAddress) -> JoinLink | None:
    if not any(is_host_or_below(address.host, domain) for domain in _WEBEX_DOMAINS) or not _secure(address):
        return None
    tail = f"?{address.query}" if address.query else ""
    url = f"https://{address.host}{address.path}{tail}"
    if address.path.endswith(("/j.php", "/g.php", "/e.php")):  # a meeting, an event, a training
        number = address.parameter("mtid")
        return JoinLink(platform=Platform.WEBEX, url=url, meeting=number.lower()) if number else None
    if named := _WEBEX_NAMED.fullmatch(address.path):
        return JoinLink(platform=Platform.WEBEX, url=url, meeting=f"{address.host}/{named[1].lower()}")
    if _WEBEX_SITES.fullmatch(address.path):
        return JoinLink(platform=Platform.WEBEX, url=url, meeting=f"{address.host}{address.path}")
    return None


def _is_jitsi_page(address: WebAddress) -> bool:
    return address.path.split("/")[1] in _JITSI_PAGES


def _jitsi(address: WebAddress, known: KnownHosts) -> JoinLink | None:
    at = address.host + (f":{address.port}" if address.port else "")
    if at not in known.jitsi_hosts or address.scheme not in ("http", "https"):
        return None
    room = _JITSI_ROOM.fullmatch(address.path)
    if room is None or _is_jitsi_page(address):
        return None
    # the fragment and the query could set the bot's own options or carry the host's token: left out
    url = f"https://{at}/{room[1]}"
    return JoinLink(platform=Platform.JITSI, url=url, meeting=f"{at}/{unescape(room[1]).lower()}")


def _janus(address: WebAddress, known: KnownHosts) -> JoinLink | None:
    for text in known.janus_rooms:
        room = read_pattern(text).room_of(address)
        if room is not None:
            tail = f"?{address.query}" if address.query else ""
            url = f"{address.origin}{address.path}{tail}"
            return JoinLink(platform=Platform.JANUS, url=url, meeting=f"{text} {room}")
    return None


_READERS: tuple[Callable[[WebAddress], JoinLink | None], ...] = (_google_meet, _zoom, _teams, _webex)

# ---- finding addresses in texts ----------------------------------------------------------------------------------

_ADDRESS = re.compile(
    r"(?:https?|zoommtg|zoomus|msteams)://[^\s<>\"'`|\\^{}\u2018-\u201f\u00ab\u00bb\uff1e\u3002\uff0c]+", re.IGNORECASE
)
_SCHEMELESS_DOMAINS = ("meet.google.com", *_TEAMS_HOSTS, *_ZOOM_DOMAINS, "webex.com")
_TRAILING = ".,;:!?*_~"
_PAIRS = {")": "(", "]": "["}


def _sources(texts: LinkTexts) -> Iterator[str]:
    yield from texts.conference
    yield texts.url
    yield texts.location
    yield texts.description
    if "<" in texts.description or "&" in texts.description:
        yield _without_html(texts.description[:MAX_TEXT_CHARS])


def _candidates(text: str, known: KnownHosts) -> Iterator[str]:
    spans: list[tuple[int, str]] = []
    rest = list(text)
    for match in _ADDRESS.finditer(text):
        spans.append((match.start(), match[0]))
        rest[match.start() : match.end()] = " " * len(match[0])  # an address inside an address is not looked for
    spans.extend((match.start(), "https://" + match[0]) for match in _schemeless(known).finditer("".join(rest)))
    for _, span in sorted(spans):
        yield _trimmed(span)


def _schemeless(known: KnownHosts) -> re.Pattern[str]:
    domains = "|".join(re.escape(domain) for domain in (*_SCHEMELESS_DOMAINS, *sorted(known.jitsi_hosts)))
    return re.compile(
        rf"(?<![\w@./\\%=&?#:-])(?:[a-z0-9-]{{1,63}}\.){{0,4}}(?:{domains})/[^\s<>\"'`|\\^{{}}]+", re.IGNORECASE
    )


def _trimmed(span: str) -> str:
    """Without the punctuation of the sentence around it."""
    while span:
        last = span[-1]
        if last in _TRAILING or (last in _PAIRS and span.count(last) > span.count(_PAIRS[last])):
            span = span[:-1]
        else:
            return span
    return span


# parsed by pattern and not by html.parser, which takes minutes for a text of many unfinished tags
_PARTING_TAG = re.compile(r"</?(?:p|br|div|li|td|tr|ul|ol|table|h[1-6]|hr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)


def _without_html(text: str) -> str:
    """Block tags part words; other tags vanish, so that a link cut in pieces by them is whole again."""
    text = _TAG.sub("", _PARTING_TAG.sub(" ", text))
    return _REFERENCE.sub(lambda found: html.unescape(found[0]), text)


# ---- look-alikes -------------------------------------------------------------------------------------------------

_LOOKS = (
    ("meet.google.com", Platform.GOOGLE_MEET),
    ("zoom.us", Platform.ZOOM),
    ("teams.microsoft.com", Platform.TEAMS),
    ("teams.live.com", Platform.TEAMS),
    ("webex.com", Platform.WEBEX),
)
# Cyrillic, Greek and Armenian letters and digits drawn like the Latin letters of these names (Unicode TR 39)
_CONFUSABLE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u050d\u043c\u0442"
    "\u0578\u03bf\u03b1\u03bd\u03c9\u03b5\u03c4\u03b9\u03ba01",
    "aeopcyxijsdhgmtnoavwetikol",
)


def _look_alike(text: str, address: WebAddress | None) -> LookAlike | None:
    authority = claimed_authority(text)
    drawn = ".".join(_from_punycode(label) for label in unicodedata.normalize("NFKC", authority).split("."))
    drawn = drawn.translate(_CONFUSABLE)
    for domain, platform in _LOOKS:
        genuine = address is not None and not address.port and is_host_or_below(address.host, domain)
        if not genuine and domain in drawn:
            return LookAlike(looks_like=platform)
    return None


def _from_punycode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
