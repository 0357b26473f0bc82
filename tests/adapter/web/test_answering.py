"""A yes and a no on the participant's page."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Means, NoticeDelivered
from consent_notice.words import IdentityLevel, Purpose, SeatKind, Standing
from storage.verify import verify
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import YES, agree, code_on, decisions, standing
from tests.simulators.web_site import Meeting, Site, open_site


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid, "Secret merger with Fabrikam")


# ---- a yes -------------------------------------------------------------------------------------------------------


async def test_a_yes_counts_only_once_the_code_is_typed(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        assert decisions(meeting) == []
        assert await browser.open(f"{meeting.link}/state") == '{"state": "code"}'
        await browser.open(meeting.link)
        await meeting.type_code(code_on(browser), seat)
        assert await browser.open(f"{meeting.link}/state") == '{"state": "given"}'
    assert standing(meeting, seat) is Standing.GIVEN


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purpose_recording": "", "purpose_transcription": ""}, "You ticked nothing"),
        ({"purpose_recording": ""}, "needs that tick"),
        ({"alone": ""}, "Say whether others"),
        ({"seen": "7.9"}, "has changed since"),
        ({"notice": "0" * 64}, "The text of the notice has changed"),
    ],
)
async def test_a_yes_that_is_not_whole_is_shown_again(
    meeting: Meeting, site: Site, changes: dict[str, str], words: str
) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **{**YES, **changes})
        assert browser.status == 422
        assert words in browser.text


async def test_a_bound_page_writes_its_answers_itself(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        site.clock.pass_s(5)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **{**YES, "purpose_transcription": ""})
    last = decisions(meeting)[-1]
    assert last.acts == ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.WITHDRAW))
    assert (last.means, last.identity_level) == (Means.PAGE, IdentityLevel.PAGE_BOUND_BY_CODE)
    assert last.at_ms == site.clock.at_ms
    entries = site.store.log.entries_of(meeting.visit.id)
    shown = [entry.event for entry in entries if isinstance(entry.event, NoticeDelivered)]
    assert [one.text_sha256 for one in shown] == [last.notice_sha256]
    kept = await site.store.notices.get(last.notice_sha256)
    assert kept is not None
    assert kept.is_intact


async def test_a_yes_by_code_names_the_text_that_the_page_showed(meeting: Meeting, site: Site) -> None:
    """Not the one that the bot posted: the person read this one, in their own language."""
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(f"{meeting.link}?lang=pl")
        shown = browser.hidden(meeting.link)["notice"]
        await browser.submit(meeting.link, **YES)
        await meeting.type_code(code_on(browser), seat)
    (answer,) = decisions(meeting)
    assert (answer.notice_sha256, answer.notice_language) == (shown, "pl")
    kept = await site.store.notices.get(shown)
    assert kept is not None
    assert "Ingrid Solberg" in kept.notice.page
    assert verify(site.store.data_dir).faults == []


async def test_each_purpose_is_a_choice_of_its_own_and_taken_back_on_its_own(tmp_path: Path) -> None:
    async with open_site(tmp_path, purposes=tuple(Purpose)) as site:
        meeting = await Meeting.begin(site, await site.person("host", "Ingrid", "i@example.org"))
        seat = await meeting.join("Ada")
        async with site.browser() as browser:
            await browser.open(meeting.link)
            assert "checked" not in browser.text
            assert browser.text.count('type="checkbox"') == len(Purpose)
            # Figures about a person need a page that is known to be theirs: this one can't be.
            assert 'name="purpose_insights" disabled' in browser.text
            assert browser.text.count(" disabled") == 1
            ticked = dict.fromkeys(["purpose_recording", "purpose_ai_notes", "purpose_insights"], "on")
            await browser.submit(meeting.link, **ticked, alone="yes", decision="yes")
            await meeting.type_code(code_on(browser), seat)
            (said,) = decisions(meeting)
            assert dict(said.acts) == {
                Purpose.RECORDING: Act.GIVE,
                Purpose.AI_NOTES: Act.GIVE,
                Purpose.TRANSCRIPTION: Act.REFUSE,
                Purpose.SHARING: Act.REFUSE,
            }
            site.clock.pass_s(1)
            await browser.open(f"{meeting.link}?change")
            ticked["purpose_sharing"] = "on"
            await browser.submit(meeting.link, **ticked, alone="yes", decision="yes")
            assert Purpose.INSIGHTS not in dict(decisions(meeting)[-1].acts)
            await browser.submit(f"{meeting.link}/withdraw", purpose="ai_notes")
            assert decisions(meeting)[-1].acts == ((Purpose.AI_NOTES, Act.WITHDRAW),)
        assert standing(meeting, seat) is Standing.GIVEN
        assert standing(meeting, seat, Purpose.SHARING) is Standing.GIVEN
        assert standing(meeting, seat, Purpose.INSIGHTS) is Standing.UNKNOWN


async def test_what_was_sent_comes_back_to_be_put_right_unless_it_was_for_something_else(
    meeting: Meeting, site: Site
) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **{**YES, "alone": ""})
        assert 'name="purpose_recording" checked' in browser.text
        await browser.submit(meeting.link, **{**YES, "notice": "0" * 64})
        assert "checked" not in browser.text


# ---- a no --------------------------------------------------------------------------------------------------------


async def test_a_no_under_ones_name_counts_at_once(meeting: Meeting, site: Site) -> None:
    seat, other = await meeting.join("Chloé Marchetti"), await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, decision="no")
        assert decisions(meeting) == []  # nobody is named yet
        await browser.submit(meeting.link, name=" chloé  marchetti")
        assert "Your no is noted" in browser.text
    assert standing(meeting, seat) is Standing.REFUSED
    assert standing(meeting, other) is Standing.UNKNOWN
    assert decisions(meeting)[-1].identity_level is IdentityLevel.DISPLAY_NAME


async def test_two_people_of_one_name_are_both_closed(meeting: Meeting, site: Site) -> None:
    first, second = await meeting.join("Ada"), await meeting.join("Ada")
    await meeting.decide(second, Act.GIVE)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, decision="no")
        await browser.submit(meeting.link, name="Ada")
    assert standing(meeting, first) is Standing.REFUSED
    assert standing(meeting, second) is Standing.WITHDRAWN


async def test_an_unknown_name_or_one_that_left_is_told_and_tries_end(meeting: Meeting, site: Site) -> None:
    await meeting.leave(await meeting.join("Gone"))
    await meeting.join("onrecord", SeatKind.BOT)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, decision="no")
        for name in ("Gone", "Nobody", "onrecord"):
            await browser.submit(meeting.link, name=name)
            assert browser.status == 422
            assert "record no" in browser.text
        statuses = set()
        for _ in range(20):
            await browser.submit(meeting.link, name="guess")
            statuses.add(browser.status)
        assert 429 in statuses
    assert decisions(meeting) == []


async def test_a_replayed_yes_never_opens_what_was_taken_back(meeting: Meeting, site: Site) -> None:
    """Every yes form that this browser ever had, sent again after a withdrawal; then the code typed again."""
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        forms = [{**browser.hidden(meeting.link), **YES}]
        await browser.send(meeting.link, forms[0])
        code = code_on(browser)
        await browser.open(f"{meeting.link}?change")
        forms.append({**browser.hidden(meeting.link), **YES})
        await meeting.type_code(code, seat)
        await browser.open(f"{meeting.link}?change")
        forms.append({**browser.hidden(meeting.link), **YES})
        await browser.send(meeting.link, forms[2])
        assert standing(meeting, seat) is Standing.GIVEN
        await browser.submit(f"{meeting.link}/withdraw")
        before = len(decisions(meeting))
        for form in forms:
            await browser.send(meeting.link, form)
            assert "has changed since" in browser.text
        assert len(decisions(meeting)) == before
        await meeting.type_code(code, seat)  # the bot logs what the page last chose: nothing of it opens
    assert standing(meeting, seat) in (Standing.WITHDRAWN, Standing.REFUSED)


async def test_after_the_meeting_nobody_new_can_answer(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link)
        form = browser.hidden(meeting.link)
        await meeting.end()
        await browser.open(meeting.link)
        assert "This meeting is over" in browser.text
        assert "privacy@northwind.example" in browser.text
        await browser.send(meeting.link, {**form, **YES})
        assert "This meeting is over" in browser.text
