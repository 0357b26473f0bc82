"""A host's recordings: real sealed sound, played in ranges; each reading noted before a byte is shown."""

from __future__ import annotations

import io
import re

import av
import pytest

from consent_notice.decisions import Act
from consent_notice.events import RecordRead
from consent_notice.words import Purpose, SeatId
from storage.transcripts import Utterance
from tests.adapter.web.conftest import People
from tests.simulators.damage import change_last_byte
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Meeting, Site


async def recorded(site: Site, people: People) -> tuple[Meeting, SeatId]:
    """Ada agreed and spoke for two seconds, Grace refused, Eve said nothing."""
    meeting = await Meeting.begin(site, people.ingrid, "Quarterly <i>planning")
    ada, grace, eve = await meeting.join("Ada <b>"), await meeting.join("Grace"), await meeting.join("Zoë")
    for seat in (ada, grace, eve):
        await meeting.ask(seat)
    site.clock.pass_s(1)
    await meeting.decide(ada, Act.GIVE)
    await meeting.decide(grace, Act.REFUSE)
    packets = opus_packets(tone(440, 2000))
    await meeting.speak(ada, packets)
    await meeting.speak(grace, packets)
    await meeting.end()
    return meeting, ada


def reads(site: Site, meeting: Meeting) -> list[tuple[str, str]]:
    entries = site.store.log.entries_of(meeting.visit.id)
    return [(entry.event.reader, entry.event.what) for entry in entries if isinstance(entry.event, RecordRead)]


async def test_what_was_kept_plays_and_the_rest_is_a_number(site: Site, people: People) -> None:
    meeting, ada = await recorded(site, people)
    async with site.browser(people.ingrid) as browser:
        await browser.open("/recordings")
        assert "Quarterly &lt;i&gt;planning" in browser.text
        assert "Voices missing" in browser.text
        await browser.open(f"/recordings/{meeting.visit.id}")
        assert "Ada &lt;b&gt;" in browser.text
        assert "Grace" not in browser.text
        assert "Zoë" not in browser.text
        assert "Some people who were present are not in the recording." in browser.text
        assert not re.search("refus|declin|said no", browser.text, re.IGNORECASE)
        for seat in meeting.seats.values():
            await browser.open(f"/recordings/{meeting.visit.id}/voices/{seat}.ogg")
            assert browser.status == (200 if seat == ada else 404)


async def test_every_voice_begins_with_the_meeting(site: Site, people: People) -> None:
    meeting, ada = await recorded(site, people)
    async with (
        site.browser(people.ingrid) as browser,
        browser.session.get(f"{site.url}/recordings/{meeting.visit.id}/voices/{ada}.ogg") as answer,
    ):
        content = await answer.read()
    with av.open(io.BytesIO(content), mode="r") as container:
        seconds = sum(frame.samples for frame in container.decode(container.streams.audio[0])) / 48_000
    spoke_at_s = (site.clock.at_ms - meeting.visit.started_boot_ms) / 1000
    assert 2.9 < seconds <= spoke_at_s


@pytest.mark.parametrize(
    ("asked", "status", "length"),
    [
        ("bytes=0-99", 206, 100),
        ("bytes=100-", 206, None),
        ("bytes=-50", 206, 50),
        ("bytes=0-99999999", 206, None),
        ("bytes=99999999-", 416, 0),
        ("bytes=5-2", 416, 0),
        ("potatoes=1", 416, 0),
    ],
)
async def test_ranges(site: Site, people: People, asked: str, status: int, length: int | None) -> None:
    meeting, ada = await recorded(site, people)
    path = f"{site.url}/recordings/{meeting.visit.id}/voices/{ada}.ogg"
    async with site.browser(people.ingrid) as browser:
        async with browser.session.get(path) as answer:
            whole = await answer.read()
            assert answer.headers["Accept-Ranges"] == "bytes"
        async with browser.session.get(path, headers={"Range": asked}) as answer:
            part = await answer.read()
            assert answer.status == status
            if status == 206:
                begin = int(answer.headers["Content-Range"].split()[1].split("-")[0])
                assert part == whole[begin : begin + len(part)]
                assert length in (None, len(part))
                assert answer.headers["Content-Range"].endswith(f"/{len(whole)}")


async def test_the_transcript_stands_beside_it_and_reading_it_is_noted(site: Site, people: People) -> None:
    meeting, ada = await recorded(site, people)
    segments = [row.id for row in await site.store.tracks.segments(meeting.visit.id)]
    said = [Utterance(seat=ada, start_ms=1200, end_ms=2000, text="Good <u>morning", segment=segments[0], words=2)]
    row = await site.store.transcripts.put(
        meeting.visit.id, ada, said, language="en", model="test", segments=segments, relies_on=()
    )
    async with site.browser(people.ingrid) as browser:
        await browser.open(f"/recordings/{meeting.visit.id}")
        assert "Good &lt;u&gt;morning" in browser.text
        assert 'data-seek-to="1200"' in browser.text
        assert reads(site, meeting) == [(people.ingrid.id, "transcript")]
        path = site.store.transcripts.path_of(row.id)
        change_last_byte(path)
        await browser.open(f"/recordings/{meeting.visit.id}")
        assert browser.status == 200
        assert "onrecord verify" in browser.text
        assert "morning" not in browser.text


async def test_a_part_that_was_changed_is_not_played(site: Site, people: People) -> None:
    meeting, ada = await recorded(site, people)
    (part,) = (site.settings.data_dir / "tracks").rglob("*.part")
    part.chmod(0o600)
    change_last_byte(part)
    async with site.browser(people.ingrid) as browser:
        await browser.open(f"/recordings/{meeting.visit.id}/voices/{ada}.ogg")
        assert browser.status == 409
        assert "verify" in browser.text


async def test_a_meeting_of_which_nothing_was_kept_says_so(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    seat = await meeting.join("Ada")
    await meeting.decide(seat, Act.REFUSE, [Purpose.RECORDING])
    await meeting.end("not_everyone_agreed")
    async with site.browser(people.ingrid) as browser:
        await browser.open(f"/recordings/{meeting.visit.id}")
        assert "Nothing was kept" in browser.text
        assert "Not everyone agreed" in browser.text
        assert "Ada" not in browser.text


async def test_older_ones_are_a_page_away(site: Site, people: People) -> None:
    for number in range(32):
        await Meeting.begin(site, people.ingrid, f"Meeting {number:02}")
        site.clock.pass_s(60)
    async with site.browser(people.ingrid) as browser:
        await browser.open("/recordings")
        seen = re.findall(r"Meeting \d\d", browser.text)
        older = re.search(r'href="(\?before=[^"]+)"', browser.text)
        assert older
        await browser.open("/recordings" + older[1])
        assert sorted({*seen, *re.findall(r"Meeting \d\d", browser.text)}) == [f"Meeting {n:02}" for n in range(32)]
        for nonsense in ("x", "2026-11-20~1", "~", "2026-11-20T13:00:00Z"):
            await browser.open(f"/recordings?before={nonsense}")
            assert browser.status == 200
