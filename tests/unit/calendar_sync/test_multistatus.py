"""What a CalDAV server's XML says, and what is refused unread."""

from __future__ import annotations

import itertools
from time import perf_counter

import pytest

from calendar_sync import multistatus
from calendar_sync.errors import (
    AddressNotAllowed,
    AddressNotUsable,
    AnswersWebPage,
    CalendarCutOff,
    CalendarError,
    CalendarTooLarge,
    NotACalendar,
)
from calendar_sync.multistatus import conditions, join, parsed, place, read_multistatus, same_place

HERE = "https://dav.example/ann/work/"


def answer(*responses: str, more: str = "") -> bytes:
    return f'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{"".join(responses)}{more}</D:multistatus>'.encode()


def response(href: str, inside: str) -> str:
    return f"<D:response><D:href>{href}</D:href>{inside}</D:response>"


def etag(text: str, status: str = "HTTP/1.1 200 OK") -> str:
    return f"<D:propstat><D:prop><D:getetag>{text}</D:getetag></D:prop><D:status>{status}</D:status></D:propstat>"


def test_each_resource_is_told_with_what_it_has() -> None:
    told = read_multistatus(
        answer(
            response("/ann/work/a.ics", etag("1") + etag("2", "HTTP/1.1 404 Not Found")),
            response("https://dav.example/ann/work/b%20c.ics", "<D:status>HTTP/1.1 404 Not Found</D:status>"),
            response("d.ics", "<D:status>HTTP/1.1 403 Forbidden</D:status><D:error><D:x/></D:error>"),
            response("e.ics", "<D:status>who knows</D:status>"),
            response("f.ics", etag("3", "HTTP/1.1 500 Oh")),
            response("", etag("4")),
            response("http://other.example/g.ics", etag("5")),
            more="<D:sync-token>urn:9</D:sync-token>",
        ),
        HERE,
    )
    assert [(each.url, each.status, each.text("{DAV:}getetag")) for each in told.resources] == [
        (HERE + "a.ics", 200, "1"),
        (HERE + "b%20c.ics", 404, ""),
        (HERE + "d.ics", 403, ""),
        (HERE + "e.ics", 500, ""),
        (HERE + "f.ics", 200, ""),
    ]
    assert [each.href for each in told.resources][1:3] == [HERE + "b%20c.ics", "/ann/work/d.ics"]
    assert (told.sync_token, told.is_cut_short) == ("urn:9", False)


def test_an_answer_that_was_cut_short_says_so() -> None:
    full = "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>"
    assert read_multistatus(answer(response("/ann/work", full)), HERE).is_cut_short
    told = read_multistatus(answer(response("/ann/work/a.ics", full)), HERE)
    assert (told.is_cut_short, told.resources[0].status) == (False, 507)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", CalendarCutOff),
        (answer(response("/a", etag("1")))[:-20], CalendarCutOff),
        (answer(response("/a", "<D:x><![CDATA[BEGIN"))[:60], CalendarCutOff),
        (b"<!DOCTYPE html><html><body>Hi<br></body></html>", AnswersWebPage),
        (b"<html><body><p>Hi</body></html>", AnswersWebPage),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', AnswersWebPage),
        (b"hello", NotACalendar),
        (b'{"error": "no"}', NotACalendar),
        (b"<feed/>", NotACalendar),
        (b"BEGIN:VCALENDAR", NotACalendar),
        (answer("\x0b"), NotACalendar),
        (answer().replace(b"1.0", b'1.0" encoding="none-such'), NotACalendar),
        (answer("\xff").replace(b"\xc3", b""), NotACalendar),
        (b'<?xml version="1.0"?><!DOCTYPE m><D:multistatus xmlns:D="DAV:"/>', NotACalendar),
    ],
)
def test_what_is_no_answer_has_its_error(body: bytes, error: type[CalendarError]) -> None:
    with pytest.raises(error):
        read_multistatus(body, HERE)


def _laughs() -> str:
    names = "abcdefghijz"
    pairs = itertools.pairwise(names)
    return '<!ENTITY a "ha">' + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in pairs)


@pytest.mark.parametrize(
    "declared",
    [
        _laughs(),
        '<!ENTITY z SYSTEM "file:///etc/hostname">',
        '<!ENTITY % z SYSTEM "http://127.0.0.1/x"> %z;',
        f'<!ENTITY z "{"ha" * 40_000}">',
    ],
)
@pytest.mark.parametrize("where", ["<D:sync-token>&z;</D:sync-token>", '<D:x y="&z;"/>'])
def test_no_entity_is_ever_expanded(declared: str, where: str) -> None:
    began = perf_counter()
    body = f'<?xml version="1.0"?><!DOCTYPE m [{declared}]><D:multistatus xmlns:D="DAV:">{where * 50}</D:multistatus>'
    with pytest.raises(NotACalendar):
        parsed(body.encode())
    assert perf_counter() - began < 5


def test_an_answer_may_have_another_encoding() -> None:
    for encoding in ("utf-16", "iso-8859-1"):
        text = answer(more="<D:sync-token>ü</D:sync-token>").decode().replace('"1.0"', f'"1.0" encoding="{encoding}"')
        assert read_multistatus(text.encode(encoding), HERE).sync_token == "ü"


def test_another_encoding_hides_nothing() -> None:
    text = '<?xml version="1.0" encoding="{}"?><!DOCTYPE m [<!ENTITY z "ha">]><m>&z;</m>'
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7", "iso-8859-1"):
        with pytest.raises(NotACalendar):
            parsed(text.format(encoding).encode(encoding))


def test_a_document_type_named_in_a_calendar_is_text() -> None:
    """Outlook writes whole web pages into its events."""
    inside = "<D:sync-token><![CDATA[<!DOCTYPE HTML PUBLIC> <!ENTITY z 'x'>]]></D:sync-token>"
    assert read_multistatus(answer(more=inside), HERE).sync_token.startswith("<!DOCTYPE")


def test_more_elements_than_an_answer_can_need_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CalendarTooLarge):
        parsed(b"<a>" * 100 + b"</a>" * 100)
    monkeypatch.setattr(multistatus, "MAX_ELEMENTS", 50)
    assert parsed(b"<a>" + b"<b/>" * 49 + b"</a>").tag == "a"
    with pytest.raises(CalendarTooLarge):
        parsed(b"<a>" + b"<b/>" * 50 + b"</a>")


def test_the_conditions_of_a_refusal_are_read_where_there_are_any() -> None:
    assert "{DAV:}valid-sync-token" in conditions(b'<error xmlns="DAV:"><valid-sync-token/></error>')
    assert conditions(b"Forbidden") == frozenset()


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/x/", "https://dav.example/x/"),
        ("x y.ics", HERE + "x%20y.ics"),
        ("https://other.example/x", "https://other.example/x"),
        ("http://dav.example/x?y=1", "https://dav.example/x?y=1"),
        ("//other.example/x", "https://other.example/x"),
        ("/ü.ics", "https://dav.example/%C3%BC.ics"),
    ],
)
def test_an_address_in_an_answer_is_read_as_it_is_meant(href: str, url: str) -> None:
    assert join(HERE, href) == url


def test_an_insecure_address_in_a_secure_answer_is_refused() -> None:
    for href in ("http://other.example/x", "http://dav.example:8080/x"):
        with pytest.raises(AddressNotAllowed):
            join(HERE, href)
    with pytest.raises(AddressNotUsable):
        join(HERE, "http://[nowhere/")


def test_one_resource_has_one_place_however_it_is_spelled() -> None:
    for one, other in (
        ("https://dav.example/a%40b/c.ics", "https://dav.example/a@b/c.ics"),
        ("https://dav.example/a%3ab/", "https://dav.example/a:b"),
        ("https://dav.example/%C3%BC", "https://dav.example/%c3%bc"),
        ("https://dav.example/x%7Ey", "https://dav.example/x~y"),
    ):
        assert same_place(one, other)
    assert place("https://dav.example/a%2Fb") != place("https://dav.example/a/b")
    assert place("https://dav.example/a") != place("https://dav.example/A")
