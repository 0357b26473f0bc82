"""A running meeting on its host's page: counts, the offer, and what the host does reaching the log."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from consent_notice.decisions import Act
from consent_notice.events import (
    Decided,
    HeadcountDeclared,
    HostAct,
    HostActed,
    Means,
    NoticeDelivered,
    RuleSettled,
)
from consent_notice.words import Purpose, Rule, SeatKind
from storage.errors import LogWriteFailed
from storage.host_rules import HostRules
from storage.meetings import MeetingState
from storage.replay import latest_standings
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Browser, Meeting, Site, open_site


@pytest.fixture
async def attesting(site: Site) -> AsyncIterator[Site]:
    async with open_site(site.settings.data_dir.parent / "attesting", attestation_allowed=True) as opened:
        yield opened


def acts_of(site: Site, meeting: Meeting) -> list[HostAct]:
    entries = site.store.log.entries_of(meeting.visit.id)
    return [entry.event.act for entry in entries if isinstance(entry.event, HostActed)]


def counts(text: str) -> list[str]:
    return re.findall(r'class="count">(\d+)', text)


async def test_a_stop_is_final(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        await browser.submit(f"/meetings/{meeting.row.id}/stop")
        assert "does not come back" in browser.text
        after = await site.store.meetings.get(meeting.row.id)
        assert after is not None
        assert after.state is MeetingState.STOPPED


async def test_under_everyone_it_says_that_nothing_is_kept_yet(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid, rule=Rule.EVERYONE)
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    await meeting.decide(ada, Act.GIVE)
    async with site.browser(people.ingrid) as browser:
        assert "Nothing is kept until everyone" in await browser.open("/meetings/live")
        await meeting.decide(grace, Act.GIVE)
        assert "Everyone present has agreed" in await browser.open("/meetings/live")


async def begun(site: Site, people: People, *, fallback: Rule | None = Rule.EACH_VOICE) -> Meeting:
    """Two people, asked; one of them has agreed."""
    meeting = await Meeting.begin(site, people.ingrid, rule=Rule.EVERYONE, fallback=fallback)
    await meeting.join("bot", SeatKind.BOT)
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    for seat in (ada, grace):
        await meeting.ask(seat)
    await meeting.decide(ada, Act.GIVE)
    return meeting


async def test_ask_now_is_there_until_the_bot_has_asked(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    path = f"/meetings/{meeting.row.id}/act"
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        assert "Ask now" not in browser.text, "there is nobody to ask"
        seat = await meeting.join("Ingrid Solberg")
        await browser.open("/meetings")
        await browser.submit(path, act="ask")
        assert "The bot asks now." in browser.text
        await meeting.ask(seat)
        await browser.open("/meetings")
        assert "Ask now" not in browser.text
        await browser.submit(path, act="ask")
        assert "Nothing was changed" in browser.text
    assert acts_of(site, meeting) == [HostAct.ASK]


async def test_pause_and_resume(site: Site, people: People) -> None:
    meeting = await begun(site, people)
    path = f"/meetings/{meeting.row.id}/act"
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        await browser.submit(path, act="pause")
        assert "You paused it" in browser.text
        assert 'value="pause"' not in browser.text
        await browser.submit(path, act="resume")
        assert "You paused it" not in browser.text
        assert 'value="pause"' in browser.text
    assert acts_of(site, meeting) == [HostAct.PAUSE, HostAct.RESUME]
    (paused, _) = [
        entry.event for entry in site.store.log.entries_of(meeting.visit.id) if isinstance(entry.event, HostActed)
    ]
    assert (paused.means, paused.boot_id, paused.at_ms) == (Means.HOST, site.clock.boot_id, site.clock.at_ms)


async def test_a_form_that_is_sent_twice_acts_once_and_the_next_act_is_another(site: Site, people: People) -> None:
    meeting = await begun(site, people)
    path = f"/meetings/{meeting.row.id}/act"
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        form = {**browser.hidden(path), "act": "pause"}
        for _ in range(3):
            await browser.send(path, form)
        assert acts_of(site, meeting) == [HostAct.PAUSE]
        await browser.submit(path, act="resume")
        await browser.submit(path, act="pause")
    assert acts_of(site, meeting) == [HostAct.PAUSE, HostAct.RESUME, HostAct.PAUSE]


async def test_the_offer_comes_when_it_is_time_and_goes_when_it_is_answered(site: Site, people: People) -> None:
    meeting = await begun(site, people)
    entries = site.store.log.entries_of(meeting.visit.id)
    first_ms = next(entry.event.at_ms for entry in entries if isinstance(entry.event, NoticeDelivered))
    path = f"/meetings/{meeting.row.id}/act"
    async with site.browser(people.ingrid) as browser:
        site.clock.at_ms = first_ms + 89_999
        assert "not agreed." not in await browser.open("/meetings")
        assert "Go on with the voices that agreed" in browser.text, "it need not wait for the offer"
        site.clock.at_ms = first_ms + 90_000
        await browser.open("/meetings")
        assert "1 of 2 has not agreed." in browser.text
        assert "wait, let the bot leave, or go on with the voices that agreed." in browser.text
        await browser.submit(path, act="wait")
        assert "has not agreed." not in browser.text
        assert "Go on with the voices that agreed" in browser.text, "waiting decides nothing for good"
        await browser.submit(path, act="fall_back")
        assert "Go on with the voices that agreed" not in browser.text
        await meeting.log(
            RuleSettled(
                visit=meeting.visit.id, epoch=1, rule=Rule.EACH_VOICE, profile="", places=(), reasons=(), **meeting.now
            )
        )
        assert "Only the voices that agreed are kept." in await browser.open("/meetings/live")
    assert acts_of(site, meeting) == [HostAct.WAIT, HostAct.FALL_BACK]


async def test_without_a_stated_fallback_there_is_none_to_go_on_with(site: Site, people: People) -> None:
    meeting = await begun(site, people, fallback=None)
    path = f"/meetings/{meeting.row.id}/act"
    site.clock.pass_s(100)
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        assert "You can wait or let the bot leave." in browser.text
        assert "Go on with" not in browser.text
        await browser.submit(path, act="fall_back")
        assert "Nothing was changed" in browser.text
    assert acts_of(site, meeting) == []


async def test_a_fallback_that_the_admin_no_longer_allows_is_none(site: Site) -> None:
    async with open_site(site.settings.data_dir.parent / "strict", each_voice_allowed=False) as strict:
        host = await strict.person("host", "Ingrid", "i@example.org")
        meeting = await begun(strict, People(ingrid=host, omar=host, admin=host))
        async with strict.browser(host) as browser:
            await browser.open("/meetings")
            assert "Go on with" not in browser.text
            await browser.submit(f"/meetings/{meeting.row.id}/act", act="fall_back")
        assert acts_of(strict, meeting) == []


async def test_where_everyone_agreed_nothing_is_offered(site: Site, people: People) -> None:
    meeting = await begun(site, people)
    await meeting.decide(meeting.seats["Grace"], Act.GIVE)
    site.clock.pass_s(100)
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        assert counts(browser.text) == ["2", "0"]
        assert "Go on with" not in browser.text
        await browser.submit(f"/meetings/{meeting.row.id}/act", act="fall_back")
    assert acts_of(site, meeting) == []


async def test_only_the_host_acts_and_only_while_the_bot_is_there(site: Site, people: People) -> None:
    meeting = await begun(site, people)
    path = f"/meetings/{meeting.row.id}/act"
    async with site.browser(people.omar) as browser:
        await browser.open("/meetings")
        await browser.send(path, {**browser.hidden("/meetings"), "act": "pause", "nonce": "0"})
        assert browser.status == 404
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        form = browser.hidden(path)
        await browser.send(path, {**form, "act": "record_everybody"})
        assert browser.status == 400
        await meeting.end()
        await browser.send(path, {**form, "act": "pause"})
        assert "Nothing was changed" in browser.text
    assert acts_of(site, meeting) == []


async def test_what_could_not_be_logged_is_said(site: Site, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = await begun(site, people)

    async def fails(*_: Any, **__: Any) -> None:
        raise LogWriteFailed

    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        monkeypatch.setattr(site.store.log, "append", fails)
        await browser.submit(f"/meetings/{meeting.row.id}/act", act="pause")
        assert browser.status == 503
        assert "nothing was changed" in browser.text


async def test_people_who_share_a_seat_are_counted_one_by_one(site: Site, people: People) -> None:
    meeting = await begun(site, people)
    room = await meeting.join("Room 7")
    await meeting.log(
        HeadcountDeclared(
            visit=meeting.visit.id, epoch=1, seat=room, people=3, means=Means.PAGE, message_id="p", **meeting.now
        )
    )
    async with site.browser(people.ingrid) as browser:
        assert counts(await browser.open("/meetings/live")) == ["1", "4"]


async def test_a_host_who_keeps_nothing_while_away_is_reminded_of_it(site: Site, people: People) -> None:
    await begun(site, people)
    async with site.browser(people.ingrid) as browser:
        assert "while you are away" not in await browser.open("/meetings/live")
        await site.store.users.set_host_rules(people.ingrid.id, HostRules(only_when_present=True))
        assert "nothing is kept while you are away" in await browser.open("/meetings/live")


# ---- a host's word ---------------------------------------------------------------------------------------------------


async def test_by_default_a_host_speaks_for_nobody(site: Site, people: People) -> None:
    meeting = await begun(site, people)
    path = f"/meetings/{meeting.row.id}/attest"
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        assert "told me they agree" not in browser.text
        assert "Grace" not in browser.text
        form = browser.hidden("/meetings")
        await browser.send(path, {**form, "seat": meeting.seats["Grace"]})
        assert browser.status == 404


async def attested(browser: Browser, meeting: Meeting, name: str) -> None:
    path = f"/meetings/{meeting.row.id}/attest"
    await browser.open("/meetings")
    await browser.send(path, {**browser.hidden(path), "seat": meeting.seats[name]})


async def test_a_word_about_somebody_who_has_not_answered_is_their_standing(attesting: Site) -> None:
    host = await attesting.person("host", "Ingrid", "i@example.org")
    meeting = await begun(attesting, People(ingrid=host, omar=host, admin=host))
    async with attesting.browser(host) as browser:
        await attested(browser, meeting, "Grace")
        assert "Noted." in browser.text
        assert counts(browser.text) == ["1", "1"], "a host's word is nobody's yes"
        assert browser.text.count("You said so") == 1
        assert "or you said so of them and they did not say no" in browser.text
        await attested(browser, meeting, "Grace")
    entries = attesting.store.log.entries_of(meeting.visit.id)
    (word,) = [e.event for e in entries if isinstance(e.event, Decided) and e.event.means is Means.HOST]
    assert word.acts == ((Purpose.RECORDING, Act.ATTEST),)
    assert (word.matched_by, word.verbatim, word.notice_sha256) == (
        "said by the host", "", meeting.notice.text_sha256,
    )  # fmt: skip
    assert latest_standings(entries)[meeting.seats["Grace"], Purpose.RECORDING] == "attested"


@pytest.mark.parametrize("act", [Act.REFUSE, Act.WITHDRAW, Act.GIVE])
async def test_a_word_changes_no_answer_and_is_answered_alike(attesting: Site, act: Act) -> None:
    host = await attesting.person("host", "Ingrid", "i@example.org")
    meeting = await begun(attesting, People(ingrid=host, omar=host, admin=host))
    grace = meeting.seats["Grace"]
    await meeting.decide(grace, act)
    before = latest_standings(attesting.store.log.entries_of(meeting.visit.id))
    async with attesting.browser(host) as browser:
        await attested(browser, meeting, "Grace")
        assert "Noted." in browser.text
        assert browser.text.count("You said so") == 1
    assert latest_standings(attesting.store.log.entries_of(meeting.visit.id)) == before


async def test_nobody_is_spoken_for_before_the_bot_asked_or_after_they_left(attesting: Site) -> None:
    host = await attesting.person("host", "Ingrid", "i@example.org")
    meeting = await Meeting.begin(attesting, host)
    ada, ben = await meeting.join("Ada"), await meeting.join("Ben")
    async with attesting.browser(host) as browser:
        assert "told me they agree" not in await browser.open("/meetings")
        await meeting.ask(ada)
        await browser.open("/meetings")
        form = browser.hidden(f"/meetings/{meeting.row.id}/attest")
        await meeting.leave(ben)
        await browser.send(f"/meetings/{meeting.row.id}/attest", {**form, "seat": ben})
        assert "Nothing was changed" in browser.text
    entries = attesting.store.log.entries_of(meeting.visit.id)
    assert not [e for e in entries if isinstance(e.event, Decided)]


async def test_a_pause_in_an_old_form_counts_again_after_it_was_resumed(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid, rule=Rule.EACH_VOICE)
    await meeting.join("Ada")
    path = f"/meetings/{meeting.row.id}/act"
    async with site.browser(people.ingrid) as browser:
        await browser.open("/meetings")
        old = browser.hidden(path)
        await browser.send(path, {**old, "act": "pause"})
        site.clock.pass_s(1)
        await browser.send(path, {**old, "act": "pause"})
        assert acts_of(site, meeting) == [HostAct.PAUSE]
        await browser.open("/meetings")
        await browser.submit(path, act="resume")
        site.clock.pass_s(1)
        await browser.send(path, {**old, "act": "pause"})
    assert acts_of(site, meeting) == [HostAct.PAUSE, HostAct.RESUME, HostAct.PAUSE]
