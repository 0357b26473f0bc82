"""Every look by a person is in the log before anything is shown, once an hour, and those concerned see it."""

from __future__ import annotations

import html
import re

import pytest

from consent_notice.decisions import Act
from consent_notice.words import Purpose
from storage.errors import LogWriteFailed
from storage.transcripts import Utterance
from tests.adapter.web.conftest import People
from tests.adapter.web.test_recordings import reads, recorded
from tests.simulators.page_answers import agree
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Meeting, Site
from web.reads import COMMAND_LINE, note_reads_from_command_line


async def test_each_reading_is_noted_once_an_hour(site: Site, people: People) -> None:
    meeting, ada = await recorded(site, people)
    path = f"/recordings/{meeting.visit.id}/voices/{ada}.ogg"
    async with site.browser(people.ingrid) as browser:
        for _ in range(3):
            await browser.open(path, headers={"Range": "bytes=0-9"})
        assert reads(site, meeting) == [(people.ingrid.id, "recording")]
        site.clock.pass_s(3600)
        await browser.open(path)
    assert reads(site, meeting) == [(people.ingrid.id, "recording")] * 2


async def test_where_it_cannot_be_noted_nothing_is_shown(site: Site, people: People) -> None:
    meeting, ada = await recorded(site, people)
    async with site.browser(people.ingrid) as browser:
        site.store.log.close()
        await browser.open(f"/recordings/{meeting.visit.id}/voices/{ada}.ogg")
        assert browser.status == 503
        assert "could not be noted" in browser.text


async def test_playing_writes_no_more_than_the_first_time(site: Site, people: People) -> None:
    meeting, ada = await recorded(site, people)
    path = f"/recordings/{meeting.visit.id}/voices/{ada}.ogg"
    async with site.browser(people.ingrid) as browser:
        await browser.open(path)
        size = site.store.log.size()
        site.store.log.close()  # from here on nothing can be written, and what was noted may still be played
        await browser.open(path, headers={"Range": "bytes=0-9"})
        assert browser.status == 206
        assert site.store.log.size() == size


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/review/{visit}", "evidence"),
        ("/review/{visit}/entries/{entry}", "evidence"),
        ("/review/{visit}/erase?seat={seat}", "evidence"),
        ("/review/{visit}/erase", "evidence"),
    ],
)
async def test_every_way_to_look_is_noted_or_shows_nothing(site: Site, people: People, path: str, what: str) -> None:
    meeting, ada = await recorded(site, people)
    entry = site.store.log.entries_of(meeting.visit.id)[-1].index
    path = path.format(visit=meeting.visit.id, entry=entry, seat=ada)
    async with site.browser(people.admin) as browser:
        await browser.open(path)
        assert browser.status == 200
        assert reads(site, meeting) == [(people.admin.id, what)]
        site.clock.pass_s(3600)
        site.store.log.close()
        await browser.open(path)
        assert browser.status == 503
        assert "Ada" not in browser.text


async def test_lists_and_the_log_itself_show_nobody_and_are_no_look(site: Site, people: People) -> None:
    meeting, _ = await recorded(site, people)
    async with site.browser(people.admin) as browser:
        for path in ("/review", "/log", "/settings", "/users"):
            assert "Ada" not in await browser.open(path)
            assert browser.status == 200
    async with site.browser(people.ingrid) as browser:
        await browser.open("/recordings")
        await browser.open("/meetings")
    assert reads(site, meeting) == []


async def test_from_the_command_line_it_is_noted_once_a_day(site: Site, people: People) -> None:
    meeting, _ = await recorded(site, people)
    now = site.clock.now()
    for _ in range(3):
        await note_reads_from_command_line(site.store, [meeting.visit.id], now)
    assert reads(site, meeting) == [(COMMAND_LINE, "evidence")]
    site.clock.pass_s(24 * 3600)
    await note_reads_from_command_line(site.store, [meeting.visit.id], site.clock.now())
    assert reads(site, meeting) == [(COMMAND_LINE, "evidence")] * 2
    async with site.browser(people.admin) as browser:
        await browser.open(f"/review/{meeting.visit.id}")
        assert "Somebody on the server&#39;s command line" in browser.text
    site.clock.pass_s(24 * 3600)
    site.store.log.close()
    with pytest.raises(LogWriteFailed):
        await note_reads_from_command_line(site.store, [meeting.visit.id], site.clock.now())


def looks_on(text: str) -> list[str]:
    part = text.partition('id="looks-title"')[2].partition("</section>")[0]
    return [html.unescape(re.sub("<[^>]*>", "", row)) for row in re.findall(r"<li[^>]*><span>(.*?)</span>", part)]


async def test_whom_it_concerns_sees_who_looked_by_role(site: Site, people: People) -> None:
    """Ada agreed to all, Ben to sound alone, Eve refused: each sees the looks at what could be of them."""
    meeting = await Meeting.begin(site, people.ingrid)
    seats = {name: await meeting.join(name) for name in ("Ada", "Ben", "Eve")}
    async with site.browser() as ada, site.browser() as ben, site.browser() as eve:
        await agree(meeting, ada, seats["Ada"])
        assert looks_on(ada.text) == []
        assert "Nobody so far" in ada.text
        await agree(meeting, ben, seats["Ben"], purpose_transcription="")
        await agree(meeting, eve, seats["Eve"], purpose_transcription="")
        await eve.submit(f"{meeting.link}/withdraw")
        await meeting.speak(seats["Ada"], opus_packets(tone(440, 1000)))
        await meeting.end()
        (segment,) = [row.id for row in await site.store.tracks.segments(meeting.visit.id)]
        said = Utterance(seat=seats["Ada"], start_ms=0, end_ms=900, text="Good morning", segment=segment, words=2)
        await site.store.transcripts.put(
            meeting.visit.id, seats["Ada"], [said], language="en", model="m", segments=[segment], relies_on=()
        )
        async with site.browser(people.ingrid) as host:
            await host.open(f"/recordings/{meeting.visit.id}/voices/{seats['Ada']}.ogg")
            site.clock.pass_s(60)
            await host.open(f"/recordings/{meeting.visit.id}")
        site.clock.pass_s(60)
        async with site.browser(people.admin) as reviewer:
            await reviewer.open(f"/review/{meeting.visit.id}")
        site.clock.pass_s(60)
        await note_reads_from_command_line(site.store, [meeting.visit.id], site.clock.now())
        answers = ["Somebody who runs this server: looked at the answers", "A reviewer: looked at the answers"]
        heard, read = "The host: listened to the recording", "The host: read the transcript"
        for browser, expected in ((ada, [*answers, read, heard]), (ben, [*answers, heard]), (eve, [*answers, heard])):
            await browser.open(meeting.link)
            assert looks_on(browser.text) == expected
            assert "Marek" not in browser.text
            assert "13:0" in browser.text.partition('id="looks-title"')[2]


async def test_who_never_agreed_hears_of_looks_at_the_answers_alone(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    eve, ada = await meeting.join("Eve"), await meeting.join("Ada")
    await meeting.decide(ada, Act.GIVE, [Purpose.RECORDING])
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, purpose_recording="on", alone="yes", decision="yes")
        row = (await site.store.pages.by_seat(meeting.visit.id, eve)) or None
        assert row is None
        await browser.open(meeting.link)
        code = browser.text.split('class="page-code"')[1].split(">")[1].split("<")[0]
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, decision="no")
        await meeting.type_code(code, eve)
        await meeting.speak(ada, opus_packets(tone(440, 1000)))
        await meeting.end()
        async with site.browser(people.ingrid) as host:
            await host.open(f"/recordings/{meeting.visit.id}/voices/{ada}.ogg")
        await browser.open(meeting.link)
        assert "You said no" in browser.text
        assert looks_on(browser.text) == []
