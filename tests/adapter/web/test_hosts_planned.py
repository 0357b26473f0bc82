"""What the list says of each meeting: who else's bot is there, what is at the same time, and what waits for a word."""

from __future__ import annotations

from datetime import timedelta

from consent_notice.words import Rule
from storage.meetings import MeetingRow, PlannedMeeting
from storage.users import User
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Site


async def plan(site: Site, host: User, **starts_in: int) -> dict[str, MeetingRow]:
    """Half an hour each, in a room of that name, in a calendar that is on."""
    calendar = await site.store.calendars.add(
        host_id=host.id, provider="ics", title="Work", address="x", rule=Rule.EVERYONE, language="en"
    )
    await site.store.calendars.set_enabled(calendar.id, True)
    planned = []
    for name, minutes in starts_in.items():
        starts_at = site.clock.now() + timedelta(minutes=minutes)
        planned.append(
            PlannedMeeting(
                occurrence_key=name,
                title=name,
                organiser="",
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=30),
                link=f"{site.settings.practice_url}/room/{name}",
                platform="practice",
                decision="record",
                reason="the bot will join",
                rule=Rule.EVERYONE,
                language="en",
            )
        )
    await site.store.meetings.apply_plan(calendar.id, planned)
    return {row.occurrence_key: row for row in await site.store.meetings.of_calendar(calendar.id)}


async def test_meetings_at_the_same_time_say_that_two_bots_will_go(site: Site, people: People) -> None:
    await plan(site, people.ingrid, first=60, second=80, third=120)
    async with site.browser(people.ingrid) as browser:
        assert (await browser.open("/meetings")).count("two bots will go") == 2


async def test_another_hosts_bot_in_the_same_meeting_is_named(site: Site, people: People) -> None:
    ingrids = await plan(site, people.ingrid, shared=0)
    omars = await plan(site, people.omar, shared=0, other=10)
    assert await site.store.meetings.claim(ingrids["shared"].id, "bot", 3_000, due_within_s=5) == 1
    async with site.browser(people.omar) as browser:
        text = await browser.open("/meetings")
        assert "The bot is there for <bdi>Ingrid Solberg</bdi>" in text
        assert "two bots will go" not in text
    assert await site.store.meetings.claim(omars["shared"].id, "bot", 3_000, due_within_s=5) is None


async def test_a_host_may_decide_later(site: Site, people: People) -> None:
    meetings = await plan(site, people.ingrid, talk=0)
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        for choice, shown, due in (("later", "You decide later", 0), ("record", "The bot joins and asks", 1)):
            csrf = browser.hidden(f"/meetings/{meetings['talk'].id}/override")["csrf"]
            await browser.send(f"/meetings/{meetings['talk'].id}/override", {"csrf": csrf, "override": choice})
            assert shown in browser.text
            assert len(await site.store.meetings.due(site.clock.now(), 5)) == due
