"""Notices of change: an address proves itself, and only a notice with its watch's secret has a calendar read."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
import pytest
from limits import RateLimitItemPerMinute

from consent_notice.words import Rule
from storage.calendars import CalendarRow
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Site
from web import push
from web.push import MOST_STRANGERS

TOKEN = "Validation: Testing client application reachability <&> 1"


async def watched(site: Site, people: People, provider: str) -> CalendarRow:
    row = await site.store.calendars.add(
        host_id=people.ingrid.id, provider=provider, title="Work", address="primary", rule=Rule.EVERYONE, language="en"
    )
    await site.store.watches.keep(
        calendar_id=row.id,
        provider=provider,
        remote_id="remote-1",
        secret="s3cret",
        extra={},
        expires_at=site.clock.now() + timedelta(days=2),
    )
    return row


async def told_changes(site: Site, row: CalendarRow) -> int:
    found = await site.store.calendars.get(row.id)
    assert found is not None
    return found.told_changes


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, 1),
        ({"X-Goog-Resource-State": "not_exists"}, 1),
        ({"X-Goog-Resource-State": "sync"}, 0),
        ({"X-Goog-Channel-Token": "guessed"}, 0),
        ({"X-Goog-Channel-Token": ""}, 0),
        ({"X-Goog-Channel-ID": "another"}, 0),
        ({"X-Goog-Channel-ID": "x" * 4_000}, 0),
    ],
)
async def test_google_tells_in_headers(site: Site, people: People, changes: dict[str, str], counts: int) -> None:
    row = await watched(site, people, "google")
    headers = {
        "X-Goog-Channel-ID": "remote-1",
        "X-Goog-Channel-Token": "s3cret",
        "X-Goog-Resource-State": "exists",
        "X-Goog-Message-Number": "10",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{site.url}/push/google", headers=headers | changes) as answer,
    ):
        assert answer.status == 204
    assert await told_changes(site, row) == counts


async def test_an_address_is_proven_by_its_token_as_plain_text(site: Site) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{site.url}/push/outlook", params={"validationToken": TOKEN}) as answer,
    ):
        assert (answer.status, answer.content_type, await answer.text()) == (200, "text/plain", TOKEN)
        async with session.post(f"{site.url}/push/outlook", params={"validationToken": "x" * 3_000}) as refused:
            assert refused.status == 400


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, 1),
        ({"lifecycleEvent": "missed"}, 1),
        ({"clientState": "guessed"}, 0),
        ({"clientState": None}, 0),
        ({"subscriptionId": "another"}, 0),
        ({"subscriptionId": 7}, 0),
    ],
)
async def test_microsoft_tells_in_the_body(site: Site, people: People, changes: dict[str, object], counts: int) -> None:
    row = await watched(site, people, "outlook")
    notice = {"subscriptionId": "remote-1", "clientState": "s3cret", "changeType": "updated", "resource": "x"} | changes
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{site.url}/push/outlook", json={"value": ["nonsense", notice]}) as answer,
    ):
        assert answer.status == 202
    assert await told_changes(site, row) == counts


async def test_life_of_a_subscription(site: Site, people: People) -> None:
    await watched(site, people, "outlook")
    for event in ("reauthorizationRequired", "subscriptionRemoved"):
        notice = {"subscriptionId": "remote-1", "clientState": "s3cret", "lifecycleEvent": event}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{site.url}/push/outlook", json={"value": [notice]}) as answer,
        ):
            assert answer.status == 202
        left = [watch.expires_at for watch in await site.store.watches.list()]
        assert left == ([site.clock.now()] if event == "reauthorizationRequired" else [])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"value": 3}', b'{"value": [null, [], 1]}', b"\xff"])
async def test_what_is_no_notice_does_nothing(site: Site, body: bytes) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{site.url}/push/outlook", data=body) as answer,
    ):
        assert answer.status in (202, 400)


async def test_no_other_page_takes_a_post_without_its_form(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.send("/calendars", {"address": "https://calendar.example.org/a.ics"})
        assert "too old" in browser.text
    assert await site.store.calendars.list() == []


@pytest.mark.parametrize("told", [b"\xff", b"\xed\xa0\x80"])
async def test_a_header_that_is_no_text_is_a_notice_of_nobody(site: Site, people: People, told: bytes) -> None:
    row = await watched(site, people, "google")
    for channel, secret in ((told, b"s3cret"), (b"remote-1", told)):
        head = b"POST /push/google HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 0\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(site.url).port)
        writer.write(head + b"X-Goog-Channel-ID: " + channel + b"\r\nX-Goog-Channel-Token: " + secret + b"\r\n\r\n")
        assert (await reader.readline()).split()[1] in (b"204", b"400")
        writer.close()
    assert await told_changes(site, row) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"value": [{"subscriptionId": "\\ud800", "clientState": "x"}]}',
        b'{"value": [{"subscriptionId": "remote-1", "clientState": "\\ud800"}]}',
    ],
)
async def test_a_body_made_to_break_the_reader_is_answered_and_forgotten(
    site: Site, people: People, body: bytes
) -> None:
    row = await watched(site, people, "outlook")
    async with aiohttp.ClientSession() as session, session.post(f"{site.url}/push/outlook", data=body) as answer:
        assert answer.status in (202, 400)
    assert await told_changes(site, row) == 0


@pytest.mark.parametrize(("strangers", "counts"), [(MOST_STRANGERS - 1, 1), (MOST_STRANGERS, 0)])
async def test_whoever_guesses_is_not_listened_to_for_long(
    site: Site, people: People, strangers: int, counts: int
) -> None:
    row = await watched(site, people, "outlook")
    guessed = [{"subscriptionId": f"guess-{number}", "clientState": "x"} for number in range(strangers)]
    body = {"value": [*guessed, {"subscriptionId": "remote-1", "clientState": "s3cret"}]}
    async with aiohttp.ClientSession() as session, session.post(f"{site.url}/push/outlook", json=body) as answer:
        assert answer.status == 202
    assert await told_changes(site, row) == counts


async def test_an_address_that_floods_is_told_to_come_later(
    site: Site, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await watched(site, people, "google")
    monkeypatch.setattr(push, "_REQUESTS", RateLimitItemPerMinute(3))
    headers = {"X-Goog-Channel-ID": "remote-1", "X-Goog-Channel-Token": "s3cret", "X-Goog-Resource-State": "exists"}
    async with aiohttp.ClientSession() as session:
        for expected in (204, 204, 204, 429):
            async with session.post(f"{site.url}/push/google", headers=headers) as answer:
                assert answer.status == expected
        async with session.post(f"{site.url}/push/outlook", params={"validationToken": "x"}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert await told_changes(site, row) == 3
