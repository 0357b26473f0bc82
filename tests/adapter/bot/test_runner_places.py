"""Where people are, asked when a visit opens: the rule it gets, the entry that says why, and what is not visited."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.ports import Hears, LeftReason
from consent_notice.events import Decided, RuleSettled, VisitOpened
from consent_notice.information import Information, LegalBasis
from consent_notice.settling import RulePolicy, Setting
from consent_notice.words import Purpose, Rule, VisitId
from storage.meetings import MeetingState
from tests.adapter.bot.conftest import BotAtWork, until

ACCEPTS_LATE = RulePolicy(single_voices_allowed=True, one_sided_accepted=True, late_roster_accepted=True)
CHOICES = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: True}


def changed(at_work: BotAtWork, *, places: dict[str, Any] | None = None, **policy: Any) -> None:
    before = at_work.parts.policy
    at_work.parts = replace(
        at_work.parts, policy=replace(before, places=replace(before.places, **(places or {})), **policy)
    )


def settled(at_work: BotAtWork, visit: VisitId) -> list[RuleSettled]:
    return [entry.event for entry in at_work.store.log.entries_of(visit) if isinstance(entry.event, RuleSettled)]


async def host_is_in(at_work: BotAtWork, place: str) -> None:
    host = await at_work.store.users.by_email("host@example.org")
    assert host is not None
    await at_work.store.users.set_place(host.id, place)


async def visit_and_end(at_work: BotAtWork, **planned: Any) -> VisitId:
    meeting = await at_work.plan(**planned)
    ann = at_work.world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: at_work.world.notices_to(ann))
        at_work.world.ends(LeftReason.MEETING_ENDED)
        await visiting
    return (await at_work.visit_of(meeting)).id


async def test_the_entry_that_opens_a_visit_is_followed_by_the_one_that_says_why(at_work: BotAtWork) -> None:
    changed(at_work, places={"bot_location": "PL"})
    visit = await visit_and_end(at_work)
    kinds = [type(entry.event) for entry in at_work.store.log.entries_of(visit)]
    assert kinds[:2] == [VisitOpened, RuleSettled]
    (event,) = settled(at_work, visit)
    assert event.rule is Rule.EACH_VOICE
    assert event.places == (("", "host (unknown)"), ("PL", "bot (setting)"), ("", "participant (unknown)"))
    assert event.reasons
    assert "Host" not in " ".join(event.reasons), "no names"


@pytest.mark.parametrize("where", ["account", "setting", "server"])
async def test_a_place_that_forbids_single_voices_makes_the_notice_ask_everyone(at_work: BotAtWork, where: str) -> None:
    await at_work.plan()
    if where == "account":
        await host_is_in(at_work, "DE")
    else:
        changed(at_work, places={"host_location" if where == "setting" else "bot_location": "DE"})
    visit = await visit_and_end(at_work, rule=Rule.EACH_VOICE)
    (event,) = settled(at_work, visit)
    assert event.rule is Rule.EVERYONE
    row = await at_work.store.visits.get(visit)
    assert row is not None
    assert row.rule is Rule.EVERYONE
    opened = next(e.event for e in at_work.store.log.entries_of(visit) if isinstance(e.event, VisitOpened))
    assert opened.rule is Rule.EVERYONE
    assert "only while everyone here has agreed" in "".join(at_work.world.texts)


async def test_the_hosts_own_word_counts_before_the_setting(at_work: BotAtWork) -> None:
    await at_work.plan()
    await host_is_in(at_work, "FR")
    changed(at_work, places={"host_location": "DE"})
    (event,) = settled(at_work, await visit_and_end(at_work))
    assert event.places[0] == ("FR", "host (profile)")
    assert event.rule is Rule.EACH_VOICE


async def test_a_mix_that_tells_late_who_joined_is_not_entered_and_says_why(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    world.capabilities = replace(world.capabilities, hears=Hears.MIXED)
    async with at_work.visiting(meeting) as visiting:
        await asyncio.wait_for(visiting, 5)
    assert world.knocks == []
    visit = await at_work.visit_of(meeting)
    assert visit.left_reason == LeftReason.NOT_ALLOWED_THERE
    assert "nothing may be held in memory" in visit.detail
    (event,) = settled(at_work, visit.id)
    assert event.is_late_mix
    row = await at_work.store.meetings.get(meeting.id)
    assert row is not None
    assert row.outcome == visit.detail


async def test_an_admin_who_accepted_such_a_mix_is_heeded_unless_a_place_forbids_it(at_work: BotAtWork) -> None:
    at_work.world.capabilities = replace(at_work.world.capabilities, hears=Hears.MIXED)
    changed(at_work, places={"rules": ACCEPTS_LATE})
    (event,) = settled(at_work, await visit_and_end(at_work))
    assert event.rule is Rule.EVERYONE
    changed(at_work, places={"bot_location": "DE"})
    meeting = await at_work.plan()
    async with at_work.visiting(meeting) as visiting:
        await asyncio.wait_for(visiting, 5)
    assert (await at_work.visit_of(meeting)).left_reason == LeftReason.NOT_ALLOWED_THERE


async def test_a_bot_that_comes_back_goes_by_what_was_declared_meanwhile(at_work: BotAtWork) -> None:
    world, meeting, store = at_work.world, await at_work.plan(), at_work.store
    ann, ben = world.joins("Ann"), world.joins("Ben")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        visit = await at_work.visit_of(meeting)
        page = await store.pages.open(visit.id)
        await store.pages.choose(page.page_id, CHOICES, alone=True)
        world.writes(ann, page.code)
        await until(lambda: world.is_kept(ann))
        other = await store.pages.open(visit.id)
        await store.pages.declare_place(other.page_id, "DE")
        world.ends(LeftReason.CONNECTION_LOST)
        await until(lambda: len(world.rooms) == 2 and world.notices_to(ben))
        await asyncio.sleep(0.5)
        assert not world.is_kept(ann)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    assert [event.rule for event in settled(at_work, visit.id)] == [Rule.EACH_VOICE, Rule.EVERYONE]
    assert await store.pages.places(visit.id) == ("DE",)


async def test_a_stay_that_finds_all_as_it_was_adds_no_entry(at_work: BotAtWork) -> None:
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        world.ends(LeftReason.CONNECTION_LOST)
        await until(lambda: len(world.rooms) == 2)
        await asyncio.sleep(0.3)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    assert len(settled(at_work, (await at_work.visit_of(meeting)).id)) == 1


async def test_a_meeting_of_an_education_installation_is_not_visited(at_work: BotAtWork) -> None:
    changed(at_work, information=Information(setting=Setting.EDUCATION))
    meeting = await at_work.plan()
    async with at_work.visiting(meeting) as visiting:
        await asyncio.wait_for(visiting, 5)
    row = await at_work.store.meetings.get(meeting.id)
    assert row is not None
    assert row.state is MeetingState.DONE
    assert row.outcome is not None
    assert "under 18" in row.outcome
    assert at_work.world.rooms == []
    assert await at_work.store.visits.visit_of_meeting(meeting.id) is None
    changed(at_work, places={"education_accepted": True})
    assert settled(at_work, await visit_and_end(at_work))


async def test_at_work_the_answers_carry_the_declared_basis_and_the_notice_says_that_a_no_costs_nothing(
    at_work: BotAtWork,
) -> None:
    information = Information(
        setting=Setting.WORKPLACE, legal_basis=LegalBasis.CONTRACT, works_council_agreement="no. 14"
    )
    changed(at_work, information=information, publication=3)
    world, meeting = at_work.world, await at_work.plan()
    ann = world.joins("Ann")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann))
        assert not world.is_kept(ann), "the gate stays, whatever the legal basis"
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    visit = (await at_work.visit_of(meeting)).id
    decided = next(e.event for e in at_work.store.log.entries_of(visit) if isinstance(e.event, Decided))
    assert decided.legal_basis == "contract"
    assert decided.notice_version.endswith(".3")
    kept = await at_work.store.notices.get(decided.notice_sha256)
    assert kept is not None
    assert "no manager learns of it" in kept.notice.page
    assert "no. 14" in kept.notice.page
    assert "Agreement with the works council: no. 14." in settled(at_work, visit)[0].reasons
