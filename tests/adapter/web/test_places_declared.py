"""Where a participant says that they are: it tightens the rule at once and for all, and never loosens it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.events import RuleSettled
from consent_notice.words import Rule, Standing
from storage.verify import verify
from tests.simulators.page_answers import YES, agree, decisions, standing
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Meeting, Site, open_site

FORBIDS_SINGLE_VOICES, UNCLEAR = "DE", "GB"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path / "data", one_sided_accepted=True) as opened:
        yield opened


@pytest.fixture
async def meeting(site: Site) -> Meeting:
    return await Meeting.begin(site, await site.person("host", "Ingrid", "i@example.org"))


def settled(meeting: Meeting) -> list[RuleSettled]:
    events = [entry.event for entry in meeting.site.store.log.entries_of(meeting.visit.id)]
    return [event for event in events if isinstance(event, RuleSettled)]


async def test_it_is_optional_and_nothing_is_chosen(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        assert "Where are you? (optional)" in browser.text
        assert "selected" not in browser.text
        await browser.submit(meeting.link, **YES)
        assert 'data-state="code"' in browser.text
    assert await site.store.pages.places(meeting.visit.id) == ()
    assert settled(meeting) == []


async def test_a_place_that_forbids_single_voices_asks_for_everyone_at_once(meeting: Meeting, site: Site) -> None:
    """Already before the page is bound: like a no, it can only take away."""
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    await meeting.decide(grace, Act.GIVE)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        assert "Only the voices of people who agree are kept." in browser.text
        await browser.submit(meeting.link, **YES, place=FORBIDS_SINGLE_VOICES)
        (event,) = settled(meeting)
        assert (event.rule, event.at_ms) == (Rule.EVERYONE, site.clock.at_ms)
        assert (FORBIDS_SINGLE_VOICES, "participant (declared)") in event.places
        assert not [reason for reason in event.reasons if "Ada" in reason or "Ingrid" in reason]
        await meeting.speak(grace, opus_packets(tone(440, 100)))
        assert await site.store.tracks.segments(meeting.visit.id) == [], "Ada has not agreed"
        await browser.open(f"{meeting.link}?change")
        assert "Everyone present must agree" in browser.text
        assert f'<option value="{FORBIDS_SINGLE_VOICES}" selected>' in browser.text
    assert standing(meeting, ada) is Standing.UNKNOWN


async def test_another_place_afterwards_or_none_takes_nothing_back(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES, place=FORBIDS_SINGLE_VOICES)
        for place in (UNCLEAR, "", FORBIDS_SINGLE_VOICES):
            await browser.open(f"{meeting.link}?change")
            await browser.submit(meeting.link, **YES, place=place)
        await browser.open(f"{meeting.link}?change")
        assert "Everyone present must agree" in browser.text
    assert [event.rule for event in settled(meeting)] == [Rule.EVERYONE]


async def test_a_place_that_asks_for_no_more_changes_nothing(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES, place=UNCLEAR)
    assert await site.store.pages.places(meeting.visit.id) == (UNCLEAR,)
    assert settled(meeting) == []


@pytest.mark.parametrize("place", ["XX", "DE'; DROP TABLE pages; --", "de", "US-", "x" * 5_000])
async def test_what_is_no_place_is_not_taken(meeting: Meeting, site: Site, place: str) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES, place=place)
        assert 'data-state="code"' in browser.text
    assert await site.store.pages.places(meeting.visit.id) == ()


async def test_with_a_no_it_counts_too(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, decision="no", place=FORBIDS_SINGLE_VOICES)
        assert 'data-state="no"' in browser.text
    assert [event.rule for event in settled(meeting)] == [Rule.EVERYONE]


async def test_a_bound_page_logs_the_rule_before_its_own_answer(meeting: Meeting, site: Site) -> None:
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **YES, place=FORBIDS_SINGLE_VOICES)
        assert "You agreed" in browser.text
    kinds = [entry.event.kind for entry in site.store.log.entries_of(meeting.visit.id)]
    assert kinds[-2:] == ["rule_settled", "decided"] or kinds[-3:] == ["rule_settled", "notice_delivered", "decided"]
    assert len(decisions(meeting)) == 2
    assert verify(site.store.data_dir).faults == []


async def test_a_fallback_that_was_taken_ends_too(site: Site) -> None:
    host = await site.person("host", "Olga", "o@example.org")
    meeting = await Meeting.begin(site, host, rule=Rule.EVERYONE)
    taken = RuleSettled(
        visit=meeting.visit.id,
        epoch=1,
        rule=Rule.EACH_VOICE,
        profile="",
        places=(),
        reasons=("not everyone agreed",),
        boot_id=site.clock.boot_id,
        at_ms=site.clock.at_ms,
    )
    await meeting.log(taken)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        site.clock.pass_s(1)
        await browser.submit(meeting.link, **YES, place=FORBIDS_SINGLE_VOICES)
    assert settled(meeting)[-1].rule is Rule.EVERYONE
    assert settled(meeting)[-1].at_ms > taken.at_ms
