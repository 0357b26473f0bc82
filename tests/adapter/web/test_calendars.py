"""Calendars: added switched off, shown without their secret, changed by their host."""

from __future__ import annotations

import io

import aiohttp
import pytest

from consent_notice.words import Rule
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Site, open_site
from web.calendars import UPLOADED, place_of

ADDRESS = "https://calendar.example.org/private-s3cr3t/basic.ics"
FILE = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


async def test_a_new_calendar_is_off_and_its_address_stays_hidden(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit(
            "/calendars", address=ADDRESS, title="Work", rule="each_voice", fallback="each_voice", language="pl"
        )
        assert "and off" in browser.text
        assert "calendar.example.org" in browser.text
        assert "s3cr3t" not in browser.text
    (row,) = await site.store.calendars.list(people.ingrid.id)
    assert (row.enabled, row.rule, row.language, row.address) == (False, Rule.EACH_VOICE, "pl", ADDRESS)


async def test_switching_on_off_and_disconnecting(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit("/calendars", address="webcal://calendar.example.org/a.ics")
        (row,) = await site.store.calendars.list()
        assert row.address == "https://calendar.example.org/a.ics"
        await browser.submit(f"/calendars/{row.id}/enabled")
        assert 'aria-checked="true"' in browser.text
        await browser.submit(f"/calendars/{row.id}/enabled")
        assert 'aria-checked="false"' in browser.text
        for rule, fallback, kept in (
            ("everyone", "each_voice", (Rule.EVERYONE, Rule.EACH_VOICE)),
            ("everyone", "leave", (Rule.EVERYONE, None)),
            ("each_voice", "each_voice", (Rule.EACH_VOICE, None)),
        ):
            await browser.submit(f"/calendars/{row.id}/rule", rule=rule, fallback=fallback)
            (changed,) = await site.store.calendars.list()
            assert (changed.rule, changed.fallback) == kept
        await browser.submit(f"/calendars/{row.id}/delete")
        assert "No calendar yet" in browser.text


async def test_one_voice_alone_needs_the_admin(tmp_path: object, people: People, site: Site) -> None:
    async with open_site(site.settings.data_dir.parent / "strict", each_voice_allowed=False) as strict:
        host = await strict.person("host", "Lea", "lea@example.org")
        async with strict.browser(host) as browser:
            await browser.open("/calendars")
            assert "each_voice" not in browser.text
            await browser.submit("/calendars", address=ADDRESS, rule="each_voice", fallback="each_voice")
        (row,) = await strict.store.calendars.list()
        assert (row.rule, row.fallback) == (Rule.EVERYONE, None)


async def test_presenters_are_a_choice_where_the_admin_allows_it(people: People, site: Site) -> None:
    async with open_site(site.settings.data_dir.parent / "large", presenters_allowed=True) as large:
        host = await large.person("host", "Lea", "lea@example.org")
        async with large.browser(host) as browser:
            await browser.open("/calendars")
            assert "Only presenters who agree" in browser.text
            await browser.submit("/calendars", address=ADDRESS, rule="presenters", fallback="each_voice")
        (row,) = await large.store.calendars.list()
        assert (row.rule, row.fallback) == (Rule.PRESENTERS, None)


async def test_errors_and_broken_events_are_in_words(site: Site, people: People) -> None:
    row = await site.store.calendars.add(
        host_id=people.ingrid.id, provider="ics", title="Work", address=ADDRESS, rule=Rule.EVERYONE, language="en"
    )
    await site.store.calendars.save_sync(row.id, "cursor", None, 3)
    async with site.browser(people.ingrid) as browser:
        text = await browser.open("/calendars")
        assert "3 events in this calendar could not be read" in text
        assert "Last read" in text
        await site.store.calendars.save_sync(row.id, None, "The address answered with a web page.", 0)
        assert "The address answered with a web page." in await browser.open("/calendars")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Give the calendar"),
        ("basic.ics", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("/etc/passwd", "Only an admin can name a file"),
        ("https://", "no server name"),
        ("http://[", "no server name"),
    ],
)
async def test_what_is_no_address_says_so(site: Site, people: People, address: str, words: str) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit("/calendars", address=address)
        assert browser.status == 422
        assert words in browser.text
    assert await site.store.calendars.list() == []


async def test_an_admin_may_name_a_file(site: Site, people: People) -> None:
    async with site.browser(people.admin) as browser:
        await browser.open("/calendars")
        await browser.submit("/calendars", address="/srv/calendars/team.ics")
        assert "File on the server" in browser.text
        assert "/srv/calendars" not in browser.text


@pytest.mark.parametrize(
    ("content", "status"), [(FILE, 200), (b"\xef\xbb\xbf" + FILE, 200), (b"<html>", 422), (b"x" * 2_100_000, 422)]
)
async def test_an_upload_is_kept_sealed(site: Site, people: People, content: bytes, status: int) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        form = aiohttp.FormData(browser.hidden("/calendars"))
        form.add_field("file", io.BytesIO(content), filename="../../team.ics", content_type="text/calendar")
        await browser.send("/calendars", form)
        assert browser.status == status
    rows = await site.store.calendars.list()
    assert [row.address.startswith(UPLOADED) for row in rows] == ([True] if status == 200 else [])


async def test_too_large_an_upload_is_refused_in_words(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        form = aiohttp.FormData(browser.hidden("/calendars"))
        form.add_field("file", io.BytesIO(b"x" * 4_000_000), filename="team.ics", content_type="text/calendar")
        await browser.send("/calendars", form)
        assert browser.status == 413
        assert "2 MB" in browser.text


def test_only_the_place_of_an_address_is_shown() -> None:
    assert place_of("https://user:pass@c.example:8443/secret?token=1") == "c.example"
    assert place_of(UPLOADED + "QkVHSU4=") == "Uploaded file"
    assert place_of("/srv/x.ics") == "File on the server"
