"""Somebody says in private that they are under 18: it ends at once for all, and nobody there can tell it from a no."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Erased, RecordingBarred
from consent_notice.words import Purpose, Rule, Standing
from storage.replay import replay
from storage.segments import LATE_REFUSAL
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import agree, decisions, standing
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Browser, Meeting, Site, open_site

SOUND = opus_packets(tone(440, 400))


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid)


def barred(meeting: Meeting) -> list[RecordingBarred]:
    events = [entry.event for entry in meeting.site.store.log.entries_of(meeting.visit.id)]
    return [event for event in events if isinstance(event, RecordingBarred)]


def may_be_kept(meeting: Meeting) -> bool:
    record = replay(meeting.site.store.log.entries_of(meeting.visit.id), meeting.site.clock.boot_id)
    return not record.is_in_doubt(meeting.site.clock.at_ms, meeting.site.clock.at_ms + 20)


def without_button(browser: Browser) -> str:
    return re.sub(r"(?s)<form[^>]*under-18.*?</form>", "", browser.text)


async def press(meeting: Meeting, browser: Browser) -> None:
    await browser.open(meeting.link)
    await browser.submit(f"{meeting.link}/under-18")


async def test_unbound_it_ends_for_all_and_points_to_nobody(meeting: Meeting, site: Site) -> None:
    grace = await meeting.join("Grace")
    await meeting.decide(grace, Act.GIVE)
    assert may_be_kept(meeting)
    site.clock.pass_s(1)
    async with site.browser() as browser:
        await press(meeting, browser)
        assert 'data-state="no"' in browser.text
        assert "under 18" not in without_button(browser)
    (event,) = barred(meeting)
    assert event.why == "somebody under 18"
    assert event.at_ms == site.clock.at_ms
    assert not may_be_kept(meeting)
    assert [one.seat for one in decisions(meeting)] == [grace]


async def test_bound_it_is_a_no_of_that_seat_and_erases_what_was_kept_of_it(meeting: Meeting, site: Site) -> None:
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    await meeting.decide(grace, Act.GIVE)
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        for seat in (ada, grace):
            await meeting.speak(seat, SOUND)
        await press(meeting, browser)
        assert "You took it back" in browser.text
    assert standing(meeting, ada) is Standing.WITHDRAWN
    assert standing(meeting, grace) is Standing.GIVEN
    site.clock.pass_s(5)
    await site.store.erasure_wishes.carry_out()
    rows = await site.store.tracks.segments(meeting.visit.id)
    assert {seat for row in rows for seat in row.seats} == {grace}
    events = [entry.event for entry in site.store.log.entries_of(meeting.visit.id)]
    authorities = [event.authority for event in events if isinstance(event, Erased)]
    assert [one for one in authorities if one != LATE_REFUSAL] == ["under 18"]


async def test_afterwards_the_page_is_that_of_any_refusal(site: Site, people: People) -> None:
    texts = []
    for number, way in enumerate(("no", "under-18")):
        meeting = await Meeting.begin(site, people.ingrid)
        await meeting.join("Ada")
        bound = await meeting.join("Bea")
        async with site.browser() as browser, site.browser() as other:
            await answer_no(meeting, browser, way)
            await other.open(meeting.link)
            await other.submit(meeting.link, decision="no")
            code = await code_of(meeting)
            await meeting.type_code(code, bound)
            await answer_no(meeting, other, way)
            texts.append([plain(browser.text, meeting), plain(other.text, meeting)])
        assert len(barred(meeting)) == number
    assert texts[0] == texts[1]


async def answer_no(meeting: Meeting, browser: Browser, way: str) -> None:
    if way == "under-18":
        await press(meeting, browser)
    else:
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, decision="no")


async def code_of(meeting: Meeting) -> str:
    """Of the last page that was opened; a page with a no shows none."""
    query = "SELECT code FROM pages ORDER BY rowid DESC LIMIT 1"
    return str(meeting.site.store._database.read_now(lambda c: c.exec_driver_sql(query).scalar_one()))


def plain(text: str, meeting: Meeting) -> str:
    """Without what is new each time."""
    text = re.sub(r'name="(nonce|csrf|notice|seen)" value="[^"]*"', r'name="\1"', text)
    text = re.sub(r"fingerprint \w+", "fingerprint", text)
    return text.replace(meeting.visit.page_token, "TOKEN")


async def host_pages(folder: Path, way: str) -> list[str]:
    """What the host sees of a meeting in which Ada agreed, was kept, and ended it in that way."""
    async with open_site(folder) as site:
        host = await site.person("host", "Ingrid", "i@example.org")
        meeting = await Meeting.begin(site, host, rule=Rule.EVERYONE)
        ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
        await meeting.decide(grace, Act.GIVE)
        async with site.browser(host) as watching, site.browser() as browser, site.browser() as late:
            await agree(meeting, browser, ada)
            for seat in (ada, grace):
                await meeting.speak(seat, SOUND)
            await late.open(meeting.link)
            pages = [await watching.open("/meetings/live")]
            await browser.open(meeting.link)
            if way == "under-18":
                await browser.submit(f"{meeting.link}/under-18")
            else:
                await browser.submit(f"{meeting.link}/withdraw", erase="yes")
            pages.append(await watching.open("/meetings/live"))
            if way == "under-18":
                await late.submit(f"{meeting.link}/under-18")
            else:
                await late.submit(meeting.link, decision="no")
            pages += [await watching.open("/meetings/live"), await watching.open("/meetings")]
            site.clock.pass_s(120)
            await meeting.end("not_everyone_agreed")
            await site.store.erasure_wishes.carry_out()
            for path in ("/meetings", "/recordings", f"/recordings/{meeting.visit.id}"):
                pages.append(await watching.open(path))
                assert watching.status == 200
        assert len(barred(meeting)) == (way == "under-18")
        return [re.sub(r'name="csrf" value="[^"]*"', "", text) for text in pages]


async def test_the_host_sees_byte_for_byte_the_same_as_after_a_refusal(tmp_path: Path) -> None:
    refused, under_age = [await host_pages(tmp_path / way, way) for way in ("no", "under-18")]
    assert refused == under_age


async def test_pressed_again_or_by_somebody_else_it_is_one_entry(meeting: Meeting, site: Site) -> None:
    async with site.browser() as first, site.browser() as second:
        await press(meeting, first)
        await press(meeting, first)
        await press(meeting, second)
    assert len(barred(meeting)) == 1


async def test_with_a_typed_name_the_no_is_that_seats(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await press(meeting, browser)
        await browser.submit(meeting.link, name="Ada")
        assert "Your no is noted" in browser.text
    assert standing(meeting, ada) is Standing.REFUSED


async def test_of_several_at_one_microphone_it_is_that_persons_no(meeting: Meeting, site: Site) -> None:
    room = await meeting.join("Room")
    async with site.browser() as first, site.browser() as second:
        for phone in (first, second):
            await agree(meeting, phone, room, alone="no", people="2")
        await press(meeting, first)
        await second.open(meeting.link)
        assert "1 of 2 at your microphone have agreed" in second.text
        assert "under 18" not in without_button(second)
    last = decisions(meeting)[-1]
    assert last.person
    assert dict(last.acts)[Purpose.RECORDING] is Act.WITHDRAW


async def test_it_is_not_taken_from_elsewhere_nor_after_the_meeting(meeting: Meeting, site: Site) -> None:
    await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        form = browser.hidden(f"{meeting.link}/under-18")
        await browser.send(f"{meeting.link}/under-18", form, headers={"Origin": "https://evil.example"})
        assert browser.status == 403
        await meeting.end()
        await browser.send(f"{meeting.link}/under-18", form)
        assert "This meeting is over" in browser.text
    assert barred(meeting) == []
