"""Which addresses an admin's pattern takes for rooms, and how links to them are read."""

from __future__ import annotations

import pytest

from calendar_sync.addresses import take_apart
from calendar_sync.links import JoinLink, KnownHosts, LinkTexts, Platform, find_link
from calendar_sync.room_patterns import BadPattern, read_pattern

PATH = "https://janus.example.org/rooms/{room}"
QUERY = "https://janus.example.org:8443/videoroom.html?plugin=videoroom&room={room}"
KNOWN = KnownHosts(practice_url="http://127.0.0.1:8481", janus_rooms=(PATH, QUERY))


@pytest.mark.parametrize(
    ("pattern", "address", "room"),
    [
        (PATH, "https://janus.example.org/rooms/1234", "1234"),
        (PATH, "https://JANUS.example.org:443/rooms/team-sync?pin=x#a", "team-sync"),
        (QUERY, "https://janus.example.org:8443/videoroom.html?plugin=videoroom&room=1234", "1234"),
        (QUERY, "https://janus.example.org:8443/videoroom.html?room=1234&pin=5&plugin=videoroom", "1234"),
        ("http://10.0.0.5/{room}.html", "http://10.0.0.5/daily.html", "daily"),
        ("https://j.example/a.b/{room}", "https://j.example/a.b/x", "x"),
        (PATH, "https://janus.example.org/rooms/", None),
        (PATH, "https://janus.example.org/rooms/a/b", None),
        (PATH, "https://janus.example.org/rooms/a%2Fb", None),
        (PATH, "https://janus.example.org/rooms/" + "a" * 81, None),
        (PATH, "https://janus.example.org:8443/rooms/1234", None),
        (PATH, "http://janus.example.org/rooms/1234", None),
        (PATH, "https://janus.example.org.evil.example/rooms/1234", None),
        (PATH, "https://evil.example/https://janus.example.org/rooms/1234", None),
        (QUERY, "https://janus.example.org:8443/videoroom.html?room=1234", None),
        (QUERY, "https://janus.example.org:8443/videoroom.html?plugin=echotest&room=1234", None),
        (QUERY, "https://janus.example.org:8443/videoroom.html?plugin=videoroom&room=1&room=2", None),
        ("https://j.example/a.b/{room}", "https://j.example/aXb/x", None),
    ],
)
def test_a_pattern_takes_its_rooms_and_no_others(pattern: str, address: str, room: str | None) -> None:
    taken_apart = take_apart(address)
    assert taken_apart is not None
    assert read_pattern(pattern).room_of(taken_apart) == room


@pytest.mark.parametrize(
    "text",
    [
        "", "{room}", "https://janus.example.org/", "https://{room}.example.org/", "https://j.example/{room}/{room}",
        "https://j.example/#{room}", "ftp://j.example/{room}", "https://user:x@j.example/{room}", "j.example/{room}",
        "https://j.example/{Room}", "https://j.example/ {room}",
    ],
)  # fmt: skip
def test_what_describes_no_rooms_is_refused(text: str) -> None:
    with pytest.raises(BadPattern):
        read_pattern(text)


@pytest.mark.parametrize(
    "address",
    [
        "https://janus.example.org/rooms/1234",
        "https://janus.example.org/rooms/1234?pin=77",
        "https://janus.example.org:8443/videoroom.html?plugin=videoroom&room=1234&pin=77",
    ],
)
def test_a_link_to_a_janus_room_keeps_its_code(address: str) -> None:
    found = find_link(LinkTexts(description=f"Join: {address}."), KNOWN)
    assert isinstance(found, JoinLink)
    assert (found.platform, found.url) == (Platform.JANUS, address)


def test_the_same_room_with_its_code_wins_and_without_a_pattern_there_is_none() -> None:
    bare, coded = "https://janus.example.org/rooms/1234", "https://janus.example.org/rooms/1234?pin=77"
    found = find_link(LinkTexts(location=bare, description=f"{bare} or {coded}"), KNOWN)
    assert isinstance(found, JoinLink)
    assert found.url == coded
    assert find_link(LinkTexts(location=bare), KnownHosts()) is None
