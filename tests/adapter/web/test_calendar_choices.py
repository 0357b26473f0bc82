"""What is recorded of one calendar: taken as it was said, and said what is no good."""

from __future__ import annotations

import pytest

from consent_notice.words import Rule
from storage.calendar_policy import CalendarPolicy, Externals, Recorded
from storage.calendars import CalendarRow
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Site


@pytest.fixture
async def calendar(site: Site, people: People) -> CalendarRow:
    return await site.store.calendars.add(
        host_id=people.ingrid.id,
        provider="ics",
        title="Work",
        address="https://x.example",
        rule=Rule.EVERYONE,
        language="en",
    )


async def policy_of(site: Site, calendar: CalendarRow) -> CalendarPolicy:
    row = await site.store.calendars.get(calendar.id)
    assert row is not None
    return row.policy


async def test_choices_are_kept_and_shown(site: Site, people: People, calendar: CalendarRow) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit(
            f"/calendars/{calendar.id}/choices",
            recorded="organised",
            externals="only",
            join_early_s="120",
            language="pl",
            skip_words="1:1\n\n  job   interview\n1:1",
        )
        assert "only what I organise · with people from outside" in browser.text
        assert "2 skip words" in browser.text
    assert await policy_of(site, calendar) == CalendarPolicy(
        recorded=Recorded.ORGANISED, externals=Externals.ONLY, join_early_s=120, skip_words=("1:1", "job interview")
    )
    row = await site.store.calendars.get(calendar.id)
    assert row is not None
    assert row.language == "pl"


@pytest.mark.parametrize(
    ("words", "said"), [("***", "match every title"), ("!!!", "no word in it"), ("x" * 81, "can have 80 characters")]
)
async def test_skip_words_that_are_none_say_so(
    site: Site, people: People, calendar: CalendarRow, words: str, said: str
) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        fields = {"recorded": "all", "externals": "any", "join_early_s": ""}
        await browser.submit(f"/calendars/{calendar.id}/choices", **fields, skip_words=words)
        assert said in browser.text
    assert await policy_of(site, calendar) == CalendarPolicy()


@pytest.mark.parametrize(
    "fields", [{"recorded": "none"}, {"externals": ""}, {"join_early_s": "601"}, {"join_early_s": "-1"}]
)
async def test_what_no_form_of_ours_sends_is_not_taken(
    site: Site, people: People, calendar: CalendarRow, fields: dict[str, str]
) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        good = {"recorded": "accepted", "externals": "any", "join_early_s": "0", "skip_words": ""}
        await browser.submit(f"/calendars/{calendar.id}/choices", **(good | fields))
    assert await policy_of(site, calendar) == CalendarPolicy()


async def test_another_host_changes_nothing(site: Site, people: People, calendar: CalendarRow) -> None:
    async with site.browser(people.omar) as browser:
        await browser.open("/calendars")
        csrf = browser.hidden("/calendars")["csrf"]
        fields = {"csrf": csrf, "recorded": "organised", "externals": "any", "join_early_s": ""}
        assert "nothing here" in await browser.send(f"/calendars/{calendar.id}/choices", fields)
    assert await policy_of(site, calendar) == CalendarPolicy()
