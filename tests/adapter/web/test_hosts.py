"""A host's meetings: sending the bot, overriding, stopping, and the counts that tell nobody who refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from consent_notice.decisions import Act
from consent_notice.words import Rule, SeatKind
from storage.meetings import MeetingState, PlannedMeeting
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Meeting, Site

LINK = "http://127.0.0.1:8481/room/weekly"


async def test_join_now(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        await browser.submit("/meetings", link=LINK, title="Weekly", when="now", rule="each_voice", language="pl")
        assert "The bot joins now" in browser.text
    (row,) = await site.store.meetings.due(site.clock.now(), 5)
    assert (row.title, row.link, row.platform, row.rule, row.language) == (
        "Weekly", LINK, "practice", Rule.EACH_VOICE, "pl",
    )  # fmt: skip


async def test_join_at_a_time_in_ones_own_zone(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        await browser.submit("/meetings", link=LINK, when="at", at="2026-11-21T09:30", zone="Europe/Oslo")
        assert "will join at that time" in browser.text
    (row,) = await site.store.meetings.upcoming(people.ingrid.id, site.clock.now())
    assert row.starts_at == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"link": ""}, "Paste the meeting"),
        ({"link": "hello there"}, "No meeting link was found"),
        ({"link": "https://zoom.us/j/123456789"}, "Zoom is not supported yet"),
        ({"link": "https://meet.google.com/abc-defg-hij"}, "Google Meet is not supported yet"),
        ({"link": "https://zoom.us.evil.example/j/123456789"}, "leads elsewhere"),
        ({"link": LINK, "when": "at", "at": "soon"}, "a date and a time"),
        ({"link": LINK, "when": "at", "at": "2026-11-21T09:30", "zone": "Moon/Base"}, "a date and a time"),
        ({"link": LINK, "when": "at", "at": "2020-01-01T09:30"}, "has passed"),
        ({"link": LINK, "when": "at", "at": "2031-01-01T09:30"}, "a year ahead"),
    ],
)
async def test_what_cannot_be_joined_says_why(site: Site, people: People, fields: dict[str, str], words: str) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        await browser.submit("/meetings", **{"when": "now", "title": "Kept <b>as typed", **fields})
        assert browser.status == 422
        assert words in browser.text
        assert "Kept &lt;b&gt;as typed" in browser.text
    assert await site.store.meetings.upcoming(people.ingrid.id, site.clock.now()) == []


async def plan(site: Site, people: People, link: str | None, platform: str) -> None:
    calendar = await site.store.calendars.add(
        host_id=people.ingrid.id, provider="ics", title="Work", address="https://c.example/x.ics",
        rule=Rule.EVERYONE, language="en",
    )  # fmt: skip
    start = site.clock.now() + timedelta(hours=1)
    planned = PlannedMeeting(
        occurrence_key="1",
        title="Budget",
        organiser="",
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        link=link,
        platform=platform,
        decision="record" if link else "skip",
        reason="no meeting link in the event" if link is None else "a meeting link in the place field",
        rule=Rule.EVERYONE,
        language="en",
    )
    await site.store.meetings.apply_plan(calendar.id, [planned])


async def test_overriding_one_meeting_and_taking_that_back(site: Site, people: People) -> None:
    await plan(site, people, LINK, "practice")
    (row,) = await site.store.meetings.upcoming(people.ingrid.id, site.clock.now())
    path = f"/meetings/{row.id}/override"
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        assert "A meeting link in the place field" in browser.text
        for override in ("skip", "record", "calendar"):
            await browser.submit(path, override=override)
            after = await site.store.meetings.get(row.id)
            assert after is not None
            assert (after.override or "calendar") == override
            assert ("The bot stays away" in browser.text) is (override == "skip")
        await browser.submit(path, override="everything")
        assert browser.status == 400


async def test_where_there_is_no_link_nothing_can_be_joined(site: Site, people: People) -> None:
    await plan(site, people, None, "")
    (row,) = await site.store.meetings.upcoming(people.ingrid.id, site.clock.now())
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        assert "No meeting link in the event" in browser.text
        assert 'value="record"' not in browser.text
        await browser.submit(f"/meetings/{row.id}/override", override="record")
        assert browser.status == 400


async def test_a_stop_is_final(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        await browser.submit(f"/meetings/{meeting.row.id}/stop")
        assert "does not come back" in browser.text
        after = await site.store.meetings.get(meeting.row.id)
        assert after is not None
        assert after.state is MeetingState.STOPPED


async def test_who_refused_and_who_has_not_answered_are_one_number(site: Site, people: People) -> None:
    """The same page, byte for byte, whether the second person refused or said nothing."""
    pages = []
    for silent in (True, False):
        meeting = await Meeting.begin(site, people.ingrid if silent else people.omar, "Same", Rule.EACH_VOICE)
        await meeting.join("bot", SeatKind.BOT)
        ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
        await meeting.ask(ada)
        await meeting.ask(grace)
        await meeting.decide(ada, Act.GIVE)
        if silent:
            site.clock.pass_s(0.001)
        else:
            await meeting.decide(grace, Act.REFUSE)
        async with site.browser(people.ingrid if silent else people.omar) as browser:
            text = await browser.open("/meetings/live")
        assert "Ada" not in text
        assert "Grace" not in text
        pages.append(re.sub(rf'{meeting.row.id}|value="[^"]*"|<time[^>]*>', "", text))
    assert pages[0] == pages[1]
    assert re.findall(r'class="count">(\d+)', pages[0]) == ["1", "1"]


async def test_under_everyone_it_says_that_nothing_is_kept_yet(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid, rule=Rule.EVERYONE)
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    await meeting.decide(ada, Act.GIVE)
    async with site.browser(people.ingrid) as browser:
        assert "Nothing is kept until everyone" in await browser.open("/meetings/live")
        await meeting.decide(grace, Act.GIVE)
        assert "Everyone present has agreed" in await browser.open("/meetings/live")


async def test_missed_meetings_say_why(site: Site, people: People) -> None:
    await plan(site, people, LINK, "practice")
    site.clock.pass_s(6 * 3600)
    await site.store.meetings.mark_missed(site.clock.now())
    async with site.browser(people.ingrid) as browser:
        text = await browser.open("/meetings")
    assert "Not recorded" in text
    assert "Budget" in text
