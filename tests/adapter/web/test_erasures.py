"""An admin erases a person's sound and words, or a recording: in two steps, without a script, on the record."""

from __future__ import annotations

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Erased, SegmentOpened
from consent_notice.words import SeatId
from storage.transcripts import Utterance
from storage.verify import verify
from tests.adapter.web.conftest import People
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Meeting, Site


async def recorded(site: Site, people: People) -> tuple[Meeting, SeatId, SeatId]:
    """Ada has sound and words, Grace only sound, and Kurt refused."""
    meeting = await Meeting.begin(site, people.ingrid)
    ada, grace, kurt = await meeting.join("Ada"), await meeting.join("Grace"), await meeting.join("Kurt")
    for seat in (ada, grace, kurt):
        await meeting.ask(seat)
    yes = await meeting.decide(ada, Act.GIVE)
    await meeting.decide(grace, Act.GIVE)
    await meeting.decide(kurt, Act.REFUSE)
    for seat in (ada, grace):
        await meeting.speak(seat, opus_packets(tone(440, 2000)))
    entries = site.store.log.entries_of(meeting.visit.id)
    segment = next(e.event.segment for e in entries if isinstance(e.event, SegmentOpened) and ada in e.event.seats)
    said = Utterance(seat=ada, start_ms=0, end_ms=900, text="Good morning", segment=segment, words=2)
    await site.store.transcripts.put(
        meeting.visit.id, ada, [said], language="en", model="m", segments=[segment], relies_on=[yes]
    )
    return meeting, ada, grace


def erasures(site: Site, meeting: Meeting) -> list[Erased]:
    events = [entry.event for entry in site.store.log.entries_of(meeting.visit.id)]
    return [event for event in events if isinstance(event, Erased)]


async def test_a_person_is_erased_in_two_steps(site: Site, people: People) -> None:
    meeting, ada, _ = await recorded(site, people)
    await meeting.end()
    place = f"/review/{meeting.visit.id}"
    async with site.browser(people.admin) as browser:
        review = await browser.open(place)
        assert f'href="{place}/erase?seat={ada}"' in review
        assert "erase?seat=000000000003" not in review, "nothing of Kurt is kept"
        asked = await browser.open(f"{place}/erase?seat={ada}")
        assert "Ada</bdi>: 2 s of sound, 2 words of transcript" in asked
        assert "no names, please" in asked
        assert "Grace" not in asked
        assert erasures(site, meeting) == [], "coming here erases nothing"
        await browser.submit(f"{place}/erase", authority="request of 3 November\r\ncase 17")
        assert browser.place == place
        assert "Erased. What was kept" in browser.text
        assert "Good morning" not in browser.text
        assert f"erase?seat={ada}" not in browser.text
        assert "Erased later" in browser.text
    (erased,) = erasures(site, meeting)
    assert erased.authority == "request of 3 November case 17"
    assert (len(erased.segments), len(erased.transcripts)) == (1, 1)
    async with site.browser(people.ingrid) as browser:
        await browser.open(f"/recordings/{meeting.visit.id}/voices/{ada}.ogg")
        assert browser.status == 404
        text = await browser.open(f"/recordings/{meeting.visit.id}")
        assert "Good morning" not in text
        assert ">Grace</bdi>" in text
    assert verify(site.settings.data_dir).faults == []


async def test_a_whole_recording_is_erased_and_its_host_sees_that(site: Site, people: People) -> None:
    meeting, *_ = await recorded(site, people)
    await meeting.end()
    place = f"/review/{meeting.visit.id}/erase"
    async with site.browser(people.admin) as browser:
        await browser.open(place)
        await site.store.snapshots.keep(meeting.visit.id, state="removed", outline="main", picture_png=b"png")
        await browser.submit(place, authority="court order 5")
        assert await site.store.snapshots.of_visit(meeting.visit.id) == []
        assert "Erase the whole recording" not in browser.text
        await browser.open(place)
        assert browser.status == 404
        assert "gone already" in browser.text
    async with site.browser(people.ingrid) as browser:
        listed = await browser.open("/recordings")
        assert 'data-label="Kept, all voices">erased<' in listed
        assert "<strong>Erased</strong>" in await browser.open(f"/recordings/{meeting.visit.id}")
    assert verify(site.settings.data_dir).faults == []


@pytest.mark.parametrize("authority", ["", " \t ", "x" * 301])
async def test_without_an_authority_nothing_goes(site: Site, people: People, authority: str) -> None:
    meeting, ada, _ = await recorded(site, people)
    await meeting.end()
    place = f"/review/{meeting.visit.id}/erase"
    async with site.browser(people.admin) as browser:
        await browser.open(f"{place}?seat={ada}")
        await browser.submit(place, authority=authority)
        assert browser.status == 400
        assert "Nothing was erased" in browser.text
        await browser.submit(place, authority="now with a reason")
        assert browser.status == 200
    assert len(erasures(site, meeting)) == 1


async def test_a_running_meeting_offers_nothing_and_takes_nothing(site: Site, people: People) -> None:
    meeting, ada, _ = await recorded(site, people)
    place = f"/review/{meeting.visit.id}"
    async with site.browser(people.admin) as browser:
        assert "/erase" not in await browser.open(place)
        await browser.open(f"{place}/erase?seat={ada}")
        await browser.submit(f"{place}/erase", authority="too early")
        assert "The meeting still runs" in browser.text
    assert erasures(site, meeting) == []


async def test_only_an_admin_erases_and_only_what_is_there(site: Site, people: People) -> None:
    meeting, ada, _ = await recorded(site, people)
    await meeting.end()
    place = f"/review/{meeting.visit.id}/erase"
    async with site.browser(people.ingrid) as browser:
        await browser.open("/account")
        fields = {**browser.hidden("/account"), "seat": ada, "authority": "mine"}
        assert (await browser.open(place), browser.status)[1] == 404
        assert (await browser.send(place, fields), browser.status)[1] == 404
    async with site.browser(people.admin) as browser:
        await browser.open(place)
        fields = browser.hidden(place)
        for seat in ("000000000003", "nobody"):
            assert (await browser.send(place, {**fields, "seat": seat, "authority": "a"}), browser.status)[1] == 404
        assert (await browser.send(place, {"seat": ada, "authority": "no token"}), browser.status)[1] == 403
    assert erasures(site, meeting) == []
