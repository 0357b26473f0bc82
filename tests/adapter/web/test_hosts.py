"""A host's meetings: sending the bot, overriding, and what rules and choices say to that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calendar_sync.planning import TITLE_BARRED
from consent_notice.words import Rule
from storage.claims import KEPT_AWAY
from storage.host_rules import HostRules
from storage.meetings import PlannedMeeting
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Site, open_site, settings_for
from web.hosts import allowed_fallbacks, allowed_rules, read_fallback, read_rule

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


async def test_a_no_in_one_calendar_is_said_of_the_same_meeting_in_another(site: Site, people: People) -> None:
    for _ in range(2):
        await plan(site, people, LINK, "practice")
    first, twin = await site.store.meetings.upcoming(people.ingrid.id, site.clock.now())
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        await browser.submit(f"/meetings/{first.id}/override", override="skip")
        assert browser.text.count("The bot stays away") == 2
        assert KEPT_AWAY.capitalize() in browser.text
        await browser.submit(f"/meetings/{twin.id}/override", override="record")
        assert browser.text.count("The bot stays away") == 1


async def test_where_there_is_no_link_nothing_can_be_joined(site: Site, people: People) -> None:
    await plan(site, people, None, "")
    (row,) = await site.store.meetings.upcoming(people.ingrid.id, site.clock.now())
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        assert "No meeting link in the event" in browser.text
        assert 'value="record"' not in browser.text
        await browser.submit(f"/meetings/{row.id}/override", override="record")
        assert browser.status == 400


async def test_missed_meetings_say_why(site: Site, people: People) -> None:
    await plan(site, people, LINK, "practice")
    site.clock.pass_s(6 * 3600)
    await site.store.meetings.mark_missed(site.clock.now())
    async with site.browser(people.ingrid) as browser:
        text = await browser.open("/meetings")
    assert "Not recorded" in text
    assert "Budget" in text


async def test_a_title_that_a_rule_bars_is_not_sent_until_the_host_insists(site: Site, people: People) -> None:
    await site.store.users.set_host_rules(people.ingrid.id, HostRules(never_titled=("HR",)))
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        await browser.submit("/meetings", link=LINK, title="HR: Omar", when="now")
        assert "the title matches your rule" in browser.text
        assert TITLE_BARRED.capitalize() in browser.text
        assert await site.store.meetings.due(site.clock.now(), 5) == []
        (row,) = await site.store.meetings.upcoming(people.ingrid.id, site.clock.now())
        await browser.submit(f"/meetings/{row.id}/override", override="record")
    assert len(await site.store.meetings.due(site.clock.now(), 5)) == 1
    async with site.browser(people.omar) as browser:  # whose rules are their own
        await browser.open("/meetings")
        await browser.submit("/meetings", link=LINK, title="HR: Ingrid", when="now")
        assert "The bot joins now" in browser.text


@pytest.mark.parametrize(
    ("rule", "fallback", "kept"),
    [
        ("everyone", "each_voice", (Rule.EVERYONE, Rule.EACH_VOICE)),
        ("everyone", "leave", (Rule.EVERYONE, None)),
        ("everyone", "presenters", (Rule.EVERYONE, None)),
        ("each_voice", "each_voice", (Rule.EACH_VOICE, None)),
        ("presenters", "each_voice", (Rule.EVERYONE, Rule.EACH_VOICE)),  # no such rule here: the strictest
    ],
)
async def test_the_fallback_is_a_choice_of_its_own(
    site: Site, people: People, rule: str, fallback: str, kept: tuple[Rule, Rule | None]
) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        assert "The notice says so before anybody answers." in browser.text
        await browser.submit("/meetings", link=LINK, title="T", when="now", rule=rule, fallback=fallback)
    (row,) = await site.store.meetings.due(site.clock.now(), 5)
    assert (row.rule, row.fallback) == kept


def test_a_host_chooses_among_what_the_admin_allows(tmp_path: Path) -> None:
    strict = settings_for(tmp_path, each_voice_allowed=False)
    assert (allowed_rules(strict), allowed_fallbacks(strict)) == (["everyone"], ["leave"])
    assert read_rule("each_voice", strict) is Rule.EVERYONE
    assert read_fallback("each_voice", Rule.EVERYONE, strict) is None
    large = settings_for(tmp_path, each_voice_allowed=False, presenters_allowed=True)
    assert allowed_rules(large) == ["everyone", "presenters"]
    assert read_rule("presenters", large) is Rule.PRESENTERS
    assert read_rule("nonsense", large) is Rule.EVERYONE


async def test_where_only_one_choice_is_allowed_no_choice_is_shown(site: Site) -> None:
    async with open_site(site.settings.data_dir.parent / "strict", each_voice_allowed=False) as strict:
        host = await strict.person("host", "Lea", "lea@example.org")
        async with strict.browser(host) as browser:
            await browser.open("/meetings")
            assert 'name="fallback"' not in browser.text
            assert 'name="rule"' not in browser.text
            await browser.submit("/meetings", link=LINK, title="T", when="now", fallback="each_voice")
        (row,) = await strict.store.meetings.due(strict.clock.now(), 5)
        assert (row.rule, row.fallback) == (Rule.EVERYONE, None)
