"""The form of a host's rules: what is taken, what is refused with the reason, and what follows at once."""

from __future__ import annotations

import pytest

from calendar_sync.planning import TITLE_BARRED
from storage.host_rules import HostRules
from storage.meetings import BY_HAND
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Site

LINK = "http://127.0.0.1:8481/room/weekly"


async def test_rules_are_saved_and_shown_as_they_were_written(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit(
            "/rules",
            never_titled="  1:1 \r\n\r\njob   interview\r\nÜberprüfung*\r\n1:1",
            never_with_outsiders="on",
            own_domains="@Example.com, northwind.example.;northwind.example",
            only_when_present="on",
        )
        assert "Your rules are saved" in browser.text
        assert ">1:1\njob interview\nÜberprüfung*</textarea>" in browser.text
        assert browser.text.count(" checked") == 2
        assert 'value="example.com, northwind.example"' in browser.text
        assert "Inside are mail addresses at example.org, example.com, northwind.example." in browser.text
    assert await site.store.users.host_rules(people.ingrid.id) == HostRules(
        never_titled=("1:1", "job interview", "Überprüfung*"),
        never_with_outsiders=True,
        own_domains=("example.com", "northwind.example"),
        only_when_present=True,
    )
    assert await site.store.users.host_rules(people.omar.id) == HostRules()
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit("/rules")
    assert await site.store.users.host_rules(people.ingrid.id) == HostRules()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"never_titled": "HR\n*"}, "would match every title"),
        ({"never_titled": "* **"}, "would match every title"),
        ({"never_titled": "!?"}, "has no word in it"),
        ({"never_titled": "x" * 81}, "can have 80 characters"),
        ({"never_titled": "\n".join(map(str, range(51)))}, "at most 50 phrases"),
        ({"own_domains": "ann@example.org"}, "no mail domain"),
        ({"own_domains": "localhost"}, "no mail domain"),
        ({"own_domains": "*.example.org"}, "no mail domain"),
        ({"own_domains": "<b>.example"}, "no mail domain"),
    ],
)
async def test_what_is_no_rule_says_so_and_changes_nothing(
    site: Site, people: People, fields: dict[str, str], words: str
) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit("/rules", **{"only_when_present": "on", **fields})
        assert browser.status == 422
        assert words in browser.text
        assert "<b>" not in browser.text
        assert browser.text.count(" checked") == 1, "the rest stays as it was typed"
    assert await site.store.users.host_rules(people.ingrid.id) == HostRules()


async def test_of_a_public_mail_service_nobody_is_inside(site: Site) -> None:
    lone = await site.person("host", "Lone", "lone@gmail.com")
    async with site.browser(lone) as browser:
        assert "yours is of a public mail service" in await browser.open("/calendars")


async def test_meetings_added_by_hand_follow_at_once_and_an_override_stands(site: Site, people: People) -> None:
    add = site.store.meetings.add_by_hand
    rows = [await add(people.ingrid.id, LINK, title) for title in ("HR one", "HR two", "Weekly")]
    of_omar = await add(people.omar.id, LINK, "HR three")
    await site.store.meetings.override(rows[1].id, "record")

    async def decisions() -> list[tuple[str, str, bool]]:
        found = [await site.store.meetings.get(row.id) for row in (*rows, of_omar)]
        return [(row.title, row.reason, row.will_record) for row in found if row is not None]

    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit("/rules", never_titled="HR")
        assert await decisions() == [
            ("HR one", TITLE_BARRED, False),
            ("HR two", TITLE_BARRED, True),
            ("Weekly", BY_HAND, True),
            ("HR three", BY_HAND, True),
        ]
        await browser.submit("/rules", never_titled="")
        assert [reason for _, reason, _ in await decisions()] == [BY_HAND] * 4


async def test_what_has_begun_is_left_to_the_bot(site: Site, people: People) -> None:
    row = await site.store.meetings.add_by_hand(people.ingrid.id, LINK, "HR")
    await site.store.meetings.claim(row.id, "bot", 10_000)
    async with site.browser(people.ingrid) as browser:
        await browser.open("/calendars")
        await browser.submit("/rules", never_titled="HR")
        assert "Your rules are saved" in browser.text
    after = await site.store.meetings.get(row.id)
    assert after is not None
    assert after.decision == "record"
