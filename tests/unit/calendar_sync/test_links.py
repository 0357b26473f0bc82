"""Which text holds which link: one row a form that is seen in the wild, and one a trick."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calendar_sync.links import (
    JoinLink,
    KnownHosts,
    LinkTexts,
    LookAlike,
    OtherService,
    Platform,
    find_link,
    read_address,
)

KNOWN = KnownHosts(
    practice_url="http://127.0.0.1:8481",
    jitsi_hosts=frozenset({"meet.jit.si", "talk.example.org", "video.example.org:8443"}),
)
MEET = "https://meet.google.com/abc-defg-hij"
ZOOM = "https://us02web.zoom.us/j/81234567890?pwd=Q1dFRVJUWVVJT1A"
SAFE_LINKS = "https://eur01.safelinks.protection.outlook.com/"
LAUNCHER = "https://teams.microsoft.com/dl/launcher/launcher.html?url="
LONG_TEAMS = (
    "https://teams.microsoft.com/l/meetup-join/19%3ameeting_NjA5%40thread.v2/0"
    "?context=%7b%22Tid%22%3a%22d6b1%22%2c%22Oid%22%3a%22a1f2%22%7d"
)
GOV_TEAMS = "https://gov.teams.microsoft.us/l/meetup-join/19%3agcch%3ameeting_Nj%40thread.v2/0?context=%7b%7d"

M, Z, T, J, W, P = (
    Platform.GOOGLE_MEET,
    Platform.ZOOM,
    Platform.TEAMS,
    Platform.JITSI,
    Platform.WEBEX,
    Platform.PRACTICE,
)

LINKS = [
    # Google Meet
    (MEET, M, MEET),
    ("http://meet.google.com/abc-defg-hij", M, MEET),
    ("https://meet.google.com/abc-defg-hij?authuser=0&hs=122", M, MEET),
    ("https://MEET.google.com/ABC-DEFG-HIJ", M, MEET),
    ("https://meet.google.com/abcdefghij", M, MEET),
    ("https://meet.google.com/_meet/abc-defg-hij", M, MEET),
    ("https://meet.google.com/abc-defg-hij/", M, MEET),
    ("https://meet.google.com./abc-defg-hij", M, MEET),
    ("https://meet.google.com:443/abc-defg-hij", M, MEET),
    ("https://meet.google.com/lookup/teamsync", M, "https://meet.google.com/lookup/teamsync"),
    ("meet.google.com/abc-defg-hij", M, MEET),
    # Zoom
    (ZOOM, Z, ZOOM),
    ("https://zoom.us/j/123456789", Z, "https://zoom.us/j/123456789"),
    ("https://acme-corp.zoom.us/j/98765432101?pwd=abc.1", Z, "https://acme-corp.zoom.us/j/98765432101?pwd=abc.1"),
    ("https://zoom.us/j/123456789?pwd=x#success", Z, "https://zoom.us/j/123456789?pwd=x"),
    ("https://eu01web.zoom.us/w/91234567890?tk=k.1&pwd=x", Z, "https://eu01web.zoom.us/w/91234567890?tk=k.1&pwd=x"),
    ("https://us02web.zoom.us/s/81234567890", Z, "https://us02web.zoom.us/j/81234567890"),
    ("https://app.zoom.us/wc/81234567890/join?pwd=z", Z, "https://app.zoom.us/j/81234567890?pwd=z"),
    ("https://zoom.us/wc/join/81234567890", Z, "https://zoom.us/j/81234567890"),
    ("https://zoom.us/my/jane.doe?pwd=q", Z, "https://zoom.us/my/jane.doe?pwd=q"),
    ("https://agency.zoomgov.com/j/1601234567?pwd=g", Z, "https://agency.zoomgov.com/j/1601234567?pwd=g"),
    ("https://zoom.com/j/81234567890", Z, "https://zoom.com/j/81234567890"),
    ("https://us02web.zoom.com/j/81234567890", Z, "https://us02web.zoom.com/j/81234567890"),
    ("https://firma.zoom-x.de/j/61234567890?pwd=k", Z, "https://firma.zoom-x.de/j/61234567890?pwd=k"),
    ("https://acme.zoom.com.cn/j/81234567890", Z, "https://acme.zoom.com.cn/j/81234567890"),
    ("zoommtg://zoom.us/join?action=join&confno=81234567890&pwd=abc", Z, "https://zoom.us/j/81234567890?pwd=abc"),
    ("https://zoom.us/j/81234567890?pwd=a&zak=secret&uname=Boss", Z, "https://zoom.us/j/81234567890?pwd=a"),
    ("https://zoom.us/j/81234567890?pwd=a&%7Aa%6b=secret&uname=Boss", Z, "https://zoom.us/j/81234567890?pwd=a"),
    ("zoomus://zoom.us/join?confno=81234567890&pwd=abc", Z, "https://zoom.us/j/81234567890?pwd=abc"),
    ("https://us06web.zoom.us/launch/jc/81234567890?pwd=d", Z, "https://us06web.zoom.us/j/81234567890?pwd=d"),
    ("https://acme.zoomus.cn/j/81234567890?pwd=c", Z, None),
    ("https://zoom.us/j/81234567890?tk=t&pwd=a%2Bb.1", Z, None),
    ("acme.zoom.us/j/81234567890?pwd=b", Z, "https://acme.zoom.us/j/81234567890?pwd=b"),
    # Teams
    (LONG_TEAMS, T, LONG_TEAMS),
    (GOV_TEAMS, T, GOV_TEAMS),
    (LONG_TEAMS.replace("teams.", "dod.teams.").replace(".com", ".us"), T, None),
    ("https://teams.microsoft.com/meet/2345678901234?p=aBcDeF", T, None),
    ("https://teams.live.com/meet/9312345678901?p=xYz", T, None),
    ("https://teams.cloud.microsoft/meet/2345678901234?p=aBc", T, None),
    ("https://gov.teams.microsoft.us/meet/2345678901234?p=aBc", T, None),
    ("https://teams.microsoftonline.cn/l/meetup-join/19%3ameeting_x%40thread.v2/0", T, None),
    ("https://dod.teams.microsoft.us/meet/2345678901234?p=aBc", T, None),
    ("teams.microsoft.com/meet/2345678901234?p=aBc", T, "https://teams.microsoft.com/meet/2345678901234?p=aBc"),
    ("https://teams.live.com/l/meetup-join/19%3ameeting_x%40thread.v2/0", T, None),
    ("https://teams.microsoft.com/v2/?meetingjoin=true#/meet/2345678901234?p=aBc", T,
     "https://teams.microsoft.com/meet/2345678901234?p=aBc"),
    (LAUNCHER + quote("/_#/meet/2345678901234?p=aBc", safe="") + "&type=meet", T,
     "https://teams.microsoft.com/meet/2345678901234?p=aBc"),
    (LONG_TEAMS.replace("/l/", "/_#/l/"), T, LONG_TEAMS),
    (LONG_TEAMS.replace("https", "msteams"), T, LONG_TEAMS),
    (LAUNCHER + quote("/_#" + LONG_TEAMS[27:], safe=""), T, LONG_TEAMS),
    # Webex
    ("https://acme.webex.com/meet/jane.doe", W, None),
    ("https://acme.webex.com/acme/j.php?MTID=m0123456789abcdef", W, None),
    ("https://acme.my.webex.com/acme.my-en/j.php?MTID=mff00", W, None),
    ("https://acme.webex.com/join/jdoe", W, None),
    ("https://acme.webex.com/acme/onstage/g.php?MTID=e0123", W, None),
    ("https://acme.webex.com.cn/meet/jane.doe", W, None),
    ("acme.webex.com/meet/jane.doe", W, "https://acme.webex.com/meet/jane.doe"),
    ("https://acme.webex.com/webappng/sites/acme/meeting/download/0123?siteurl=acme", W, None),
    ("https://acme.webex.com/wbxmjs/joinservice/sites/acme/meeting/download/0123", W, None),
    # Jitsi, on the configured hosts only
    ("https://meet.jit.si/OurWeekly", J, None),
    ("https://talk.example.org/team/standup", J, "https://talk.example.org/team/standup"),
    ("https://video.example.org:8443/room", J, None),
    ("https://meet.jit.si/OurWeekly?jwt=host-token#config.startWithAudioMuted=true", J, "https://meet.jit.si/OurWeekly"),
    # the practice room, by its configured address
    ("http://127.0.0.1:8481/room/team-sync", P, None),
    ("http://127.0.0.1:8481/room/team-sync/", P, "http://127.0.0.1:8481/room/team-sync"),
    # wrapped by mail filters
    (SAFE_LINKS + "?url=" + quote(ZOOM, safe="") + "&data=05%7C&reserved=0", Z, ZOOM),
    (SAFE_LINKS + "ap/t-59584e83/?url=" + quote(LONG_TEAMS, safe="") + "&data=0", T, LONG_TEAMS),
    ("https://gov01.safelinks.protection.office365.us/?url=" + quote(GOV_TEAMS, safe="") + "&amp;data=1", T, GOV_TEAMS),
    ("https://www.google.com/url?q=" + quote(ZOOM, safe="") + "&sa=D&source=calendar&usg=AOv", Z, ZOOM),
    ("https://meet.google.com/linkredirect?authuser=0&dest=" + quote(ZOOM, safe=""), Z, ZOOM),
    ("https://urldefense.proofpoint.com/v1/url?u=" + quote(MEET, safe="") + "&k=x", M, MEET),
    ("https://urldefense.proofpoint.com/v2/url?u=https-3A__meet.google.com_abc-2Ddefg-2Dhij&d=DwMF&c=x", M, MEET),
    ("https://urldefense.com/v3/__https://us02web.zoom.us/j/81234567890?pwd=Q1dFRVJUWVVJT1A__;!!Ab!Cd$", Z, ZOOM),
    ("https://urldefense.com/v3/__https:/meet.google.com/abc-defg-hij__;!!Ab!Cd$", M, MEET),
    ("https://urldefense.com/v3/__https://teams.microsoft.com/meet/2345678901234*p=a__;Pw!!A$", T,
     "https://teams.microsoft.com/meet/2345678901234?p=a"),
    ("https://linkprotect.cudasvc.com/url?a=" + quote(MEET, safe="") + "&c=E,1", M, MEET),
    ("https://secure-web.cisco.com/1abcDEF/" + quote(MEET, safe=""), M, MEET),
    ("https://ca-1.protection.sophos.com/?d=x&u=" + base64.b64encode(MEET.encode()).decode() + "&i=1", M, MEET),
    ("https://clicktime.symantec.com/3abc?u=" + quote(MEET, safe=""), M, MEET),
    ("https://us-east-2.protect.trendmicro.com/wis/clicktime/v1/query?url=" + quote(MEET, safe=""), M, MEET),
    ("https://nam12.safelinks.protection.outlook.com/?url="
     + quote("https://www.google.com/url?q=" + quote(MEET, safe=""), safe=""), M, MEET),
]  # fmt: skip


@pytest.mark.parametrize(("address", "platform", "joined"), LINKS)
def test_each_form_is_read(address: str, platform: Platform, joined: str | None) -> None:
    for texts in (LinkTexts(location=address), LinkTexts(description=f"Hello,\njoin here: {address}.\nBye")):
        finding = find_link(texts, KNOWN)
        assert isinstance(finding, JoinLink), finding
        assert finding.platform is platform
        assert finding.url == (joined or address)


NO_LINKS = [
    # look-alikes
    ("https://meet.google.com.evil.example/abc-defg-hij", LookAlike(looks_like=M)),
    ("https://meet.google.com@evil.example/abc-defg-hij", LookAlike(looks_like=M)),
    ("https://user:x@meet.google.com/abc-defg-hij", LookAlike(looks_like=M)),
    ("https://meet.google.com:8443/abc-defg-hij", LookAlike(looks_like=M)),
    ("https://evil-meet.google.com.example/abc-defg-hij", LookAlike(looks_like=M)),
    ("https://meet.g\u043e\u043egle.com/abc-defg-hij", LookAlike(looks_like=M)),
    ("https://meet.xn--ggle-55da.com/abc-defg-hij", LookAlike(looks_like=M)),
    ("https://meet.g00gle.com/abc-defg-hij", LookAlike(looks_like=M)),
    ("https://zoom.us.evil.example/j/81234567890", LookAlike(looks_like=Z)),
    ("https://my-zoom.us/j/81234567890", LookAlike(looks_like=Z)),
    ("https://z\u043e\u043em.us/j/81234567890", LookAlike(looks_like=Z)),
    ("https://teams.microsoft.com.login.example/l/meetup-join/19%3ax/0", LookAlike(looks_like=T)),
    ("https://webex.com.evil.example/meet/jane", LookAlike(looks_like=W)),
    # open redirects and addresses inside addresses
    ("https://evil.example/go?u=https://meet.google.com/abc-defg-hij", None),
    ("https://evil.example/https://meet.google.com/abc-defg-hij", None),
    ("https://evil.example/#https://zoom.us/j/81234567890", None),
    ("https://www.google.com/url?q=https://evil.example/abc-defg-hij", None),
    ("https://meet.google.com/linkredirect?dest=https://evil.example/j/81234567890", None),
    ("https://evil.example/url?q=https%3A%2F%2Fmeet.google.com%2Fabc-defg-hij", None),
    ("https://safelinks.protection.outlook.com.evil.example/?url=" + quote(MEET, safe=""), None),
    ("https://evil.example\\@meet.google.com/abc-defg-hij", None),
    ("evil.example/meet.google.com/abc-defg-hij", None),
    # pages of the platforms that are no meetings
    ("https://meet.google.com/", None),
    ("https://meet.google.com/new", None),
    ("https://meet.google.com/landing", None),
    ("https://zoom.us/j/12345", None),
    ("https://zoom.us/signin", None),
    ("https://zoom.us/rec/share/abcdef", None),
    ("https://zoom.us/meeting/register/tJ0", None),
    ("https://teams.microsoft.com/l/channel/19%3aabc%40thread.tacv2/General", None),
    ("https://teams.microsoft.com/l/chat/0/0?users=a", None),
    ("https://www.webex.com/pricing", None),
    ("https://meet.jit.si/", None),
    ("https://meet.jit.si/static/close.html", None),
    ("http://127.0.0.1:8481/", None),
    ("http://127.0.0.1:8481/room/ab", None),
    ("http://127.0.0.1:8481/room/UPPER", None),
    ("http://127.0.0.1:9999/room/team-sync", None),
    ("https://unknown-jitsi.example/OurWeekly", None),
    ("https://calendar.google.com/event?eid=abc", None),
    ("https://tel.meet/abc-defg-hij?pin=123", None),
    ("tel:+48-22-123-45-67,,81234567890#", None),
    ("ftp://meet.google.com/abc-defg-hij", None),
    ("javascript://meet.google.com/abc-defg-hij", None),
    ("Room 4.12, second floor", None),
    ("", None),
    # other services, by name
    ("https://whereby.com/acme", OtherService(name="Whereby")),
    ("https://acme.whereby.com/standup", OtherService(name="Whereby")),
    ("https://global.gotomeeting.com/join/123456789", OtherService(name="GoTo Meeting")),
    ("https://meet.goto.com/123456789", OtherService(name="GoTo Meeting")),
    ("https://bluejeans.com/123456789", OtherService(name="BlueJeans")),
    ("https://chime.aws/1234567890", OtherService(name="Amazon Chime")),
    ("https://app.chime.aws/meetings/1234567890", OtherService(name="Amazon Chime")),
    ("https://discord.gg/abcdef", OtherService(name="Discord")),
    ("https://discord.com/channels/1/2", OtherService(name="Discord")),
    ("https://join.skype.com/AbCdEf", OtherService(name="Skype")),
    ("https://meet.lync.com/acme/jane/ABC123", OtherService(name="Skype for Business")),
    ("https://app.slack.com/huddle/T1/C2", OtherService(name="Slack huddles")),
    ("https://v.ringcentral.com/join/123456789", OtherService(name="RingCentral")),
    ("https://meeting.zoho.eu/meeting/join?key=1", OtherService(name="Zoho Meeting")),
    ("https://app.gather.town/app/x/y", OtherService(name="Gather")),
    ("https://facetime.apple.com/join#v=1", OtherService(name="FaceTime")),
    ("https://meeting.tencent.com/dm/abc", OtherService(name="Tencent Meeting")),
    ("https://bbb.example.edu/b/abc-def-ghi", OtherService(name="BigBlueButton")),
    ("https://8x8.vc/acme/room", OtherService(name="8x8")),
]


@pytest.mark.parametrize(("text", "reason"), NO_LINKS)
def test_nothing_else_is_taken_for_a_link(text: str, reason: object) -> None:
    assert find_link(LinkTexts(location=text), KNOWN) == reason
    assert find_link(LinkTexts(description=f"see {text} there"), KNOWN) == reason


def url_of(texts: LinkTexts) -> str | None:
    finding = find_link(texts, KNOWN)
    return finding.url if isinstance(finding, JoinLink) else None


def test_the_order_of_trust() -> None:
    rooms = [f"https://zoom.us/j/{number}00000000" for number in range(1, 6)]
    conference, url, location, text, html = rooms
    sources = {
        "conference": (conference,),
        "url": url,
        "location": location,
        "description": f"{text} <b>{html[:20]}</b>{html[20:]}",
    }
    for name, expected in zip(list(sources), (conference, url, location, text), strict=True):
        assert url_of(LinkTexts(**sources)) == expected  # type: ignore[arg-type]
        del sources[name]
    # a link that only shows once the tags are gone
    split = f"<p>https://zoom.us/<wbr>j/5<span>00000000?pwd=a</span></p>"  # noqa: F541
    assert url_of(LinkTexts(description=split)) == "https://zoom.us/j/500000000?pwd=a"


def test_of_two_links_to_one_meeting_the_longer_wins() -> None:
    text = (
        "Join https://zoom.us/j/81234567890\nor https://us02web.zoom.us/j/81234567890?pwd=abc\nor zoom.us/j/81234567890"
    )
    assert url_of(LinkTexts(description=text)) == "https://us02web.zoom.us/j/81234567890?pwd=abc"


def test_a_code_that_a_less_trusted_text_has_kept_is_taken_along() -> None:
    short, long = "https://us02web.zoom.us/j/81234567890", "https://acme.zoom.us/j/81234567890?pwd=abc"
    assert url_of(LinkTexts(location=short, description=f"Join {long}")) == long
    assert url_of(LinkTexts(conference=(long,), location=short)) == long
    other = "https://us02web.zoom.us/j/99999999999?pwd=abcdefghijkl"
    assert url_of(LinkTexts(location=short, description=other)) == short


def test_of_two_meetings_in_one_text_the_first_wins() -> None:
    text = "Today https://zoom.us/j/111111111 and next week https://zoom.us/j/222222222?pwd=abcdefgh"
    assert url_of(LinkTexts(description=text)) == "https://zoom.us/j/111111111"


def test_links_in_html_keep_their_passcode() -> None:
    html = '<a href="https://zoom.us/j/81234567890?pwd=a&amp;tk=b">https://zoom.us/j/81234567890</a>'
    assert url_of(LinkTexts(description=html)) == "https://zoom.us/j/81234567890?pwd=a&tk=b"


@pytest.mark.parametrize(
    "around",
    ["<{}>", "({})", "[{}]", '"{}"', "{}.", "{},", "\u201c{}\u201d", "*{}*", "link:{}", "{}\\nPhone", "[join]({})"],
)
def test_punctuation_around_a_link_is_no_part_of_it(around: str) -> None:
    assert url_of(LinkTexts(description=around.format(MEET))) == MEET


def test_a_join_link_beats_the_name_of_another_service() -> None:
    assert url_of(LinkTexts(location="https://whereby.com/acme", description=MEET)) == MEET


def test_jitsi_of_a_server_not_configured_is_named() -> None:
    finding = find_link(LinkTexts(location="https://meet.jit.si/Room"), KnownHosts(jitsi_hosts=frozenset()))
    assert finding == OtherService(name="Jitsi at meet.jit.si")


def test_the_practice_room_may_live_below_a_path() -> None:
    known = KnownHosts(practice_url="https://rooms.example.org/practice/")
    finding = read_address("https://rooms.example.org/practice/room/abc", known)
    assert isinstance(finding, JoinLink)
    assert finding.url == "https://rooms.example.org/practice/room/abc"
    assert read_address("https://rooms.example.org/room/abc", known) is None


def test_a_long_text_is_read_quickly() -> None:
    assert url_of(LinkTexts(description="https://" * 200_000)) is None
    assert url_of(LinkTexts(description="meet.google.com." * 100_000)) is None
    assert url_of(LinkTexts(description="<a " * 100_000)) is None


HOSTILE = st.sampled_from(
    ["https://", "http://", "meet.google.com", "zoom.us", "evil.example", "/", "\\", "@", ":", "?", "#", "%2f", "%40",
     ".", "//", "abc-defg-hij", "j/81234567890", "url?q=", "\u3002", "\uff0e", "\u0000", " ", "www.google.com/"]
)  # fmt: skip


@given(st.lists(HOSTILE, min_size=1, max_size=12).map("".join))
@settings(max_examples=400, deadline=None)
def test_whatever_is_found_goes_to_the_platform_itself(text: str) -> None:
    finding = find_link(LinkTexts(description=text), KNOWN)
    if isinstance(finding, JoinLink):
        assert finding.url.startswith(("https://meet.google.com/", "https://zoom.us/")) or ".zoom.us/" in finding.url
        assert "evil" not in finding.url.partition("?")[0] or finding.url.startswith("https://evil.example.zoom.us/")


def test_the_table_is_as_long_as_promised() -> None:
    assert len(LINKS) + len(NO_LINKS) >= 80
