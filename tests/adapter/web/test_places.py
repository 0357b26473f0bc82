"""Where people are: the choices, a declaration that tightens a running meeting, and why a meeting got its rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from consent_notice.events import RecordingBarred, RuleSettled
from consent_notice.finding import places_of
from consent_notice.settlement import Moment, PlacePolicy, settle_opening
from consent_notice.settling import Hearing, RulePolicy
from consent_notice.words import Rule
from storage.replay import replay
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Meeting, Site, open_site
from web import places

SEPARATE = Hearing(separate=True, roster_lags=True)
ALLOWED = RulePolicy(single_voices_allowed=True, one_sided_accepted=True, late_roster_accepted=True)


@pytest.fixture
async def site(tmp_path: Any) -> Any:
    async with open_site(tmp_path / "data", one_sided_accepted=True, late_roster_accepted=True) as opened:
        yield opened


async def opened(site: Site, people: People, rule: Rule = Rule.EACH_VOICE, **changes: Any) -> Meeting:
    """A meeting whose bot has settled its rule."""
    meeting = await Meeting.begin(site, people.ingrid, rule=rule)
    given: dict[str, Any] = {"fallback": None, "hearing": SEPARATE}
    found = settle_opening(
        Moment(visit=meeting.visit.id, epoch=1, **meeting.now),
        wanted=rule,
        stored=rule,
        places=places_of(host="", usual_host="PL", bot="PL", declared=()),
        policy=PlacePolicy(jurisdictions=site.settings.jurisdictions, rules=ALLOWED),
        information=site.settings.information,
        earlier=[],
        **(given | changes),
    )
    assert found.entry is not None
    await meeting.log(found.entry)
    return meeting


async def declare(meeting: Meeting, code: str) -> None:
    meeting.site.clock.pass_s(1)
    request = make_mocked_request("POST", "/", app=meeting.site.app)
    page = await meeting.site.store.pages.open(meeting.visit.id)
    at_ms = meeting.site.clock.at_ms
    entries = await places.place_entries(request, meeting.visit, page.page_id, code, at_ms)
    await meeting.site.store.log.append_all(entries)


def settled(meeting: Meeting) -> list[RuleSettled]:
    entries = meeting.site.store.log.entries_of(meeting.visit.id)
    return [entry.event for entry in entries if isinstance(entry.event, RuleSettled)]


def rule_now(meeting: Meeting) -> Rule:
    record = replay(meeting.site.store.log.entries_of(meeting.visit.id), meeting.site.clock.boot_id)
    return record.rule_over(meeting.site.clock.at_ms, meeting.site.clock.at_ms + 1)


def test_every_place_of_the_table_can_be_chosen(site: Site) -> None:
    offered = places.choices(site.settings)
    assert ("DE", "Germany") in offered
    assert len(offered) > 100
    assert all(places.is_place(site.settings, code) for code, _ in offered)
    assert places.is_place(site.settings, "")
    assert not places.is_place(site.settings, "XX")


async def test_a_place_that_forbids_single_voices_tightens_the_meeting_at_once(site: Site, people: People) -> None:
    meeting = await opened(site, people)
    assert rule_now(meeting) is Rule.EACH_VOICE
    await declare(meeting, "DE")
    assert rule_now(meeting) is Rule.EVERYONE
    row = await site.store.visits.get(meeting.visit.id)
    assert row is not None
    assert row.rule is Rule.EVERYONE, "what the pages say from now on"
    assert len(settled(meeting)) == 2
    await declare(meeting, "DE")
    assert len(settled(meeting)) == 2, "once is enough"


async def test_nothing_that_is_said_later_loosens_it(site: Site, people: People) -> None:
    meeting = await opened(site, people)
    for code in ("DE", "FR", "US-AL", ""):
        await declare(meeting, code)
        assert rule_now(meeting) is Rule.EVERYONE


async def test_a_place_that_forbids_nothing_leaves_the_rule_and_is_kept(site: Site, people: People) -> None:
    meeting = await opened(site, people)
    await declare(meeting, "FR")
    assert rule_now(meeting) is Rule.EACH_VOICE
    assert len(settled(meeting)) == 1
    assert await site.store.pages.places(meeting.visit.id) == ("FR",)


async def test_a_fallback_that_a_place_forbids_is_gone(site: Site, people: People) -> None:
    meeting = await opened(site, people, Rule.EVERYONE, fallback=Rule.EACH_VOICE)
    assert settled(meeting)[-1].fallback == "each_voice"
    await declare(meeting, "US-CA")
    assert settled(meeting)[-1].fallback == ""


@pytest.mark.parametrize(("code", "is_stated"), [("FR", True), ("US-CA", False)])
async def test_the_page_states_no_fallback_that_a_place_forbids(
    site: Site, people: People, code: str, is_stated: bool
) -> None:
    meeting = await opened(site, people, Rule.EVERYONE, fallback=Rule.EACH_VOICE)
    await declare(meeting, code)
    async with site.browser() as browser:
        await browser.open(meeting.link)
    assert ("may go on with only the voices of those who did" in browser.text) is is_stated


async def test_where_nothing_may_be_held_in_memory_a_late_mix_is_barred(site: Site, people: People) -> None:
    late = Hearing(separate=False, roster_lags=True)
    meeting = await opened(site, people, Rule.EVERYONE, hearing=late)
    await declare(meeting, "DE")
    events = [entry.event for entry in site.store.log.entries_of(meeting.visit.id)]
    assert isinstance(events[-1], RecordingBarred)


async def test_after_the_meeting_nothing_is_logged(site: Site, people: People) -> None:
    meeting = await opened(site, people)
    await meeting.end()
    row = await site.store.visits.get(meeting.visit.id)
    assert row is not None
    await declare(replace(meeting, visit=row), "DE")
    assert len(settled(meeting)) == 1


async def test_an_admin_reads_why_with_sources_and_how_far_each_row_was_checked(site: Site, people: People) -> None:
    meeting = await opened(site, people)
    await declare(meeting, "US-CT")
    await declare(meeting, "DE")
    async with site.browser(people.admin) as browser:
        text = await browser.open(f"/review/{meeting.visit.id}")
    assert "Why this rule" in text
    assert "No legal advice" in text
    assert "it is not allowed where somebody is (Germany)" in text
    assert "StGB 201(1)" in text
    for words in ("Statute read", "Summary read", "Derived from that row", "From memory, not read"):
        assert words in text
    assert "Courts or statutes conflict" in text
    assert "consent freely given, specific" in text
    assert text.count("Earlier: ") == 1
    assert "Ingrid" not in text.split("Why this rule")[1].split("</section>")[0]


async def test_a_sentence_that_the_table_no_longer_says_is_shown_as_it_was_logged(site: Site, people: People) -> None:
    meeting = await opened(site, people)
    event = replace(settled(meeting)[-1], reasons=("Poland: <b>an older row</b>.",))
    why = places.why_rule(site.settings, [_Entry(event)])
    assert why.entries[0].plain == ("Poland: <b>an older row</b>.",)
    assert why.entries[0].rows == ()


async def test_a_meeting_of_an_older_version_says_that_there_is_nothing(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    async with site.browser(people.admin) as browser:
        text = await browser.open(f"/review/{meeting.visit.id}")
    assert "visited before places were asked for" in text


async def test_a_host_says_on_the_account_page_where_they_are(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/account")
        assert "Not stated: the strictest rule counts" in browser.text
        await browser.submit("/account/place", place="US-CA")
        assert '<option value="US-CA" selected>California</option>' in browser.text
        user = await site.store.users.get(people.ingrid.id)
        assert user is not None
        assert user.place == "US-CA"
        await browser.submit("/account/place", place="XX")
        assert browser.status == 400
        await browser.open("/account")
        await browser.submit("/account/place", place="")
    user = await site.store.users.get(people.ingrid.id)
    assert user is not None
    assert user.place == ""


class _Entry:
    index = 1

    def __init__(self, event: RuleSettled) -> None:
        self.event, self.at = event, datetime(2026, 11, 20, tzinfo=UTC)
