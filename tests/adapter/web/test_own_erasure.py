"""A person has what was kept of them erased on their page: in one breath with the withdrawal, or later."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Erased
from consent_notice.words import SeatId, Standing
from storage.segments import LATE_REFUSAL
from storage.transcripts import Utterance
from storage.verify import verify
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import YES, agree, decisions, standing
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Meeting, Site

SOUND = opus_packets(tone(440, 400))


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid)


async def seats_kept(meeting: Meeting) -> set[SeatId]:
    rows = await meeting.site.store.tracks.segments(meeting.visit.id)
    return {seat for row in rows for seat in row.seats}


def erased(meeting: Meeting) -> list[Erased]:
    """Not what a writer moves to another segment when it begins."""
    events = [entry.event for entry in meeting.site.store.log.entries_of(meeting.visit.id)]
    return [event for event in events if isinstance(event, Erased) and event.authority != LATE_REFUSAL]


async def transcribe(meeting: Meeting, seat: SeatId) -> None:
    (row,) = [row for row in await meeting.site.store.tracks.segments(meeting.visit.id) if seat in row.seats]
    said = Utterance(seat=seat, start_ms=0, end_ms=100, text="Good morning", segment=row.id, words=2)
    await meeting.site.store.transcripts.put(
        meeting.visit.id, seat, [said], language="en", model="m", segments=[row.id], relies_on=row.relies_on
    )


async def test_one_click_stops_and_erases_while_the_meeting_goes_on(meeting: Meeting, site: Site) -> None:
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    await meeting.decide(grace, Act.GIVE)
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        for seat in (ada, grace):
            await meeting.speak(seat, SOUND)
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw", erase="yes")
        assert "You took it back" in browser.text
        assert "What was kept of you is being erased" in browser.text
        assert standing(meeting, ada) is Standing.WITHDRAWN
        assert await browser.open(f"{meeting.link}/state") == '{"state": "withdrawn pending"}'
        site.clock.pass_s(5)
        await site.store.erasure_wishes.carry_out()  # as the role does that keeps the promises
        assert await browser.open(f"{meeting.link}/state") == '{"state": "withdrawn done"}'
        await browser.open(meeting.link)
        assert "What was kept of you was erased on" in browser.text
        assert 'name="erase"' not in browser.text
    assert await seats_kept(meeting) == {grace}
    (event,) = erased(meeting)
    assert event.authority == "asked for by the person, on their page"
    await meeting.end()
    assert verify(site.store.data_dir).faults == []


async def test_stopping_alone_keeps_what_was_kept_and_offers_to_erase_it(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await meeting.speak(ada, SOUND)
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw")
        assert erased(meeting) == []
        assert await seats_kept(meeting) == {ada}
        answers = len(decisions(meeting))
        await browser.submit(f"{meeting.link}/withdraw", erase="yes")
        assert "is being erased" in browser.text
        assert len(decisions(meeting)) == answers, "nothing new was said"
        site.clock.pass_s(5)
        await site.store.erasure_wishes.carry_out()
    assert await seats_kept(meeting) == set()


async def test_after_the_meeting_it_is_done_at_once_and_takes_the_transcript(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await meeting.speak(ada, SOUND)
        await meeting.end()
        await transcribe(meeting, ada)
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw", erase="yes")
        assert "What was kept of you was erased on" in browser.text
    assert await seats_kept(meeting) == set()
    assert await site.store.transcripts.of_visit(meeting.visit.id) == []
    assert verify(site.store.data_dir).faults == []


async def test_where_nothing_was_kept_it_says_so(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await meeting.end()
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw", erase="yes")
        assert "Nothing of you had been kept" in browser.text
    assert erased(meeting) == []


async def test_what_is_kept_after_agreeing_anew_stays(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await meeting.speak(ada, SOUND)
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw", erase="yes")
        site.clock.pass_s(1)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **YES)
        assert "is being erased" in browser.text
        await meeting.speak(ada, SOUND)
        site.clock.pass_s(5)
        await site.store.erasure_wishes.carry_out()
        await browser.open(meeting.link)
        assert "was erased on" not in browser.text, "it would read as if nothing were kept now"
    assert len(await site.store.tracks.segments(meeting.visit.id)) == 1
    assert len(erased(meeting)) == 1


async def test_sent_twice_it_is_one_wish_and_sent_late_it_erases_nothing_new(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await meeting.speak(ada, SOUND)
        await browser.open(meeting.link)
        form = {**browser.hidden(f"{meeting.link}/withdraw"), "erase": "yes"}
        await browser.send(f"{meeting.link}/withdraw", form)
        site.clock.pass_s(5)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **YES)
        await meeting.speak(ada, SOUND)
        await browser.send(f"{meeting.link}/withdraw", form)  # pressed again in an old tab
        assert len(await site.store.erasure_wishes.of_seat(meeting.visit.id, ada)) == 1
        site.clock.pass_s(5)
        await site.store.erasure_wishes.carry_out()
    assert len(await site.store.tracks.segments(meeting.visit.id)) == 1


async def test_a_shared_microphone_goes_for_all_and_names_nobody(meeting: Meeting, site: Site) -> None:
    room = await meeting.join("Room")
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(site.browser()) for _ in range(2)]
        for phone in (first, second):
            await agree(meeting, phone, room, alone="no", people="2")
        await meeting.speak(room, SOUND)
        await first.open(meeting.link)
        assert "so erasing takes its sound for all of you" in first.text
        await first.submit(f"{meeting.link}/withdraw", erase="yes")
        assert "is being erased" in first.text
        await second.open(meeting.link)
        assert "is being erased" not in second.text, "it would tell who asked"
        site.clock.pass_s(5)
        await site.store.erasure_wishes.carry_out()
    assert await seats_kept(meeting) == set()


async def test_one_purpose_taken_back_erases_nothing(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await meeting.speak(ada, SOUND)
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw", erase="yes", purpose="transcription")
        assert "You agreed" in browser.text
    assert await site.store.erasure_wishes.of_seat(meeting.visit.id, ada) == []


async def test_nobody_else_can_have_it_erased(meeting: Meeting, site: Site) -> None:
    ada, eve = await meeting.join("Ada"), await meeting.join("Eve")
    async with site.browser() as browser, site.browser() as other, site.browser() as stranger:
        await agree(meeting, browser, ada)
        await meeting.speak(ada, SOUND)
        await agree(meeting, other, eve)
        await other.submit(f"{meeting.link}/withdraw", erase="yes", seat=ada)
        await stranger.open(meeting.link)
        form = {**stranger.hidden(meeting.link), "erase": "yes"}
        await stranger.send(f"{meeting.link}/withdraw", form)
    site.clock.pass_s(5)
    await site.store.erasure_wishes.carry_out()
    assert await seats_kept(meeting) == {ada}


async def test_what_cannot_be_stored_is_not_half_done(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await meeting.speak(ada, SOUND)
        await browser.open(meeting.link)
        site.store.log.close()
        await browser.submit(f"{meeting.link}/withdraw", erase="yes")
        assert browser.status == 503
    assert await site.store.erasure_wishes.of_seat(meeting.visit.id, ada) == []
