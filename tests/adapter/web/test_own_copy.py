"""A person fetches what was kept of them: their own, nobody else's, once the meeting is over, and it is noted."""

from __future__ import annotations

import io

import av
import pytest

from consent_notice.decisions import Act
from consent_notice.events import RecordRead
from consent_notice.words import SeatId
from storage.transcripts import Utterance
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import YES, agree
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Browser, Meeting, Site

SECOND = opus_packets(tone(440, 1_000))
VOICE, WORDS = "my-voice-1.ogg", "my-words.txt"


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid, "Secret merger")


async def write_down(meeting: Meeting, seat: SeatId, text: str) -> None:
    rows = [row for row in await meeting.site.store.tracks.segments(meeting.visit.id) if seat in row.seats]
    said = [Utterance(seat=seat, start_ms=61_000, end_ms=62_000, text=text, segment=rows[0].id, words=2)]
    await meeting.site.store.transcripts.put(
        meeting.visit.id, seat, said, language="en", model="m", segments=[rows[0].id], relies_on=rows[0].relies_on
    )


async def both_kept(meeting: Meeting, browser: Browser) -> tuple[SeatId, SeatId]:
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    await meeting.decide(grace, Act.GIVE)
    await agree(meeting, browser, ada)
    await meeting.speak(ada, SECOND)
    await meeting.speak(grace, SECOND + SECOND)
    return ada, grace


def reads(meeting: Meeting) -> list[RecordRead]:
    events = [entry.event for entry in meeting.site.store.log.entries_of(meeting.visit.id)]
    return [event for event in events if isinstance(event, RecordRead)]


async def fetch(meeting: Meeting, browser: Browser, what: str) -> tuple[int, bytes, str]:
    async with browser.session.get(f"{meeting.site.url}{meeting.link}/{what}") as answer:
        return answer.status, await answer.read(), answer.headers.get("Content-Disposition", "")


async def test_ones_own_sound_and_words_and_nobody_elses(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        ada, grace = await both_kept(meeting, browser)
        await meeting.end()
        await write_down(meeting, ada, "Good morning")
        await write_down(meeting, grace, "A secret of Grace")
        await browser.open(meeting.link)
        for what in (VOICE, WORDS):
            assert f'href="{meeting.link}/{what}"' in browser.text
        status, sound, name = await fetch(meeting, browser, VOICE)
        assert (status, name) == (200, 'attachment; filename="onrecord-my-voice-2026-11-20.ogg"')
        with av.open(io.BytesIO(sound), "r") as opened:
            seconds = sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0))
        assert 0.9 < seconds < 1.2
        status, text, name = await fetch(meeting, browser, WORDS)
        assert (status, name) == (200, 'attachment; filename="onrecord-my-words-2026-11-20.txt"')
        assert "1:01  Good morning" in text.decode()
        assert b"Grace" not in text
        assert b"merger" not in text
        for piece in ("2", "0", "²", "9" * 5_000):
            assert (await fetch(meeting, browser, f"my-voice-{piece}.ogg"))[0] == 404
        (page,) = await site.store.pages.by_seat(meeting.visit.id, ada)
        assert [(read.reader, read.what) for read in reads(meeting)] == [
            (f"page {page.reference}", "recording"),
            (f"page {page.reference}", "transcript"),
        ]
        await browser.open(meeting.link)
        assert "You: listened to the recording" in browser.text


async def test_while_the_meeting_runs_there_is_none_and_after_an_erasure_no_more(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await both_kept(meeting, browser)
        assert (await fetch(meeting, browser, VOICE))[0] == 404
        await meeting.end()
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw", erase="yes")
        assert "my-voice" not in browser.text
        assert (await fetch(meeting, browser, VOICE))[0] == 404
    assert reads(meeting) == []


async def test_of_a_shared_microphone_there_is_none_since_it_would_hold_the_others(
    meeting: Meeting, site: Site
) -> None:
    room = await meeting.join("Room")
    async with site.browser() as first, site.browser() as second:
        for phone in (first, second):
            await agree(meeting, phone, room, alone="no", people="2")
        await meeting.speak(room, SECOND)
        await meeting.end()
        await first.open(meeting.link)
        assert "my-voice" not in first.text
        assert "For a copy of what was kept of you, ask privacy@northwind.example" in first.text
        assert (await fetch(meeting, first, VOICE))[0] == 404


async def test_digits_that_everybody_heard_prove_too_little_for_it(meeting: Meeting, site: Site) -> None:
    line = await meeting.join("+47 ··· 112")
    digits = await site.store.seat_codes.make(meeting.visit.id, line)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        await browser.submit(f"{meeting.link}/telephone", heard=digits)
        await meeting.speak(line, SECOND)
        await meeting.end()
        await browser.open(meeting.link)
        assert "my-voice" not in browser.text
        assert (await fetch(meeting, browser, VOICE))[0] == 404


async def test_nobody_else_gets_it(meeting: Meeting, site: Site, people: People) -> None:
    async with site.browser() as browser, site.browser() as stranger, site.browser(people.omar) as other_host:
        await both_kept(meeting, browser)
        await meeting.end()
        for visitor in (stranger, other_host):
            for what in (VOICE, WORDS, "my-voice-0.ogg", "my-voice-x.ogg"):
                assert (await fetch(meeting, visitor, what))[0] == 404
    assert reads(meeting) == []


async def test_what_cannot_be_noted_is_not_sent(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await both_kept(meeting, browser)
        await meeting.end()
        await browser.open(meeting.link)
        site.store.log.close()
        status, body, _ = await fetch(meeting, browser, VOICE)
        assert status == 503
        assert b"OggS" not in body


async def test_that_somebody_fetched_their_own_is_for_them_and_the_reviewer_alone(
    meeting: Meeting, site: Site, people: People
) -> None:
    async with site.browser() as browser, site.browser() as other, site.browser(people.admin) as admin:
        _, grace = await both_kept(meeting, browser)
        await agree(meeting, other, grace)
        await meeting.end()
        await fetch(meeting, browser, VOICE)
        await other.open(meeting.link)
        assert "listened to the recording" not in other.text
        await admin.open(f"/review/{meeting.visit.id}")
        assert "own page" in admin.text
