"""A page for somebody who dialled in: tied to their line by the digits that the bot spoke."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.words import IdentityLevel, Purpose, SeatId, Standing
from storage.verify import verify
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import YES, code_on, decisions, standing
from tests.simulators.web_site import Browser, Meeting, Site, open_site
from web.telephone import digits_of


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid)


@pytest.fixture
async def line(meeting: Meeting) -> SeatId:
    return await meeting.join("+47 ··· 112")


async def heard(meeting: Meeting, seat: SeatId) -> str:
    """What the bot speaks to that telephone."""
    return await meeting.site.store.seat_codes.make(meeting.visit.id, seat)


async def answer(meeting: Meeting, browser: Browser, digits: str, **form: str) -> None:
    await browser.open(meeting.link)
    await browser.submit(meeting.link, **(form or YES))
    await browser.submit(f"{meeting.link}/telephone", heard=digits)


async def test_what_was_ticked_counts_for_the_line_at_once(meeting: Meeting, site: Site, line: SeatId) -> None:
    other = await meeting.join("+47 ··· 559")
    await heard(meeting, other)
    digits = await heard(meeting, line)
    async with site.browser() as browser:
        await answer(meeting, browser, f"{digits[:3]} {digits[3:]}")
        assert "You agreed" in browser.text
        (said,) = decisions(meeting)
        assert said.seat == line
        assert (said.identity_level, said.matched_by) == (IdentityLevel.DISPLAY_NAME, "code heard on the telephone")
        assert said.person == ""
        site.clock.pass_s(5)
        await browser.submit(f"{meeting.link}/withdraw")
    assert decisions(meeting)[-1].identity_level is IdentityLevel.DISPLAY_NAME
    assert standing(meeting, line) is Standing.WITHDRAWN
    assert standing(meeting, other) is Standing.UNKNOWN
    assert verify(site.store.data_dir).faults == []


async def test_it_names_the_text_that_was_read_when_it_was_ticked(meeting: Meeting, site: Site, line: SeatId) -> None:
    async with site.browser() as browser:
        await browser.open(f"{meeting.link}?lang=pl")
        read = browser.hidden(meeting.link)["notice"]
        await browser.submit(meeting.link, **YES)
        await browser.open(f"{meeting.link}?lang=en")
        await browser.submit(f"{meeting.link}/telephone", heard=await heard(meeting, line))
    assert decisions(meeting)[0].notice_sha256 == read


async def test_a_no_counts_for_the_line_too(meeting: Meeting, site: Site, line: SeatId) -> None:
    await meeting.decide(line, Act.GIVE)
    async with site.browser() as browser:
        await answer(meeting, browser, await heard(meeting, line), decision="no")
        assert "You took it back" in browser.text
    assert standing(meeting, line) is Standing.WITHDRAWN


async def test_two_pages_with_the_same_digits_are_two_people_at_that_telephone(
    meeting: Meeting, site: Site, line: SeatId
) -> None:
    """One of them may only have listened: doubt is a no until both agree, and a no of either shuts."""
    digits = await heard(meeting, line)
    async with site.browser() as first, site.browser() as second:
        await answer(meeting, first, digits)
        assert standing(meeting, line) is Standing.GIVEN
        await answer(meeting, second, digits)
        assert "1 of 2 at your microphone have agreed" in second.text
        assert standing(meeting, line) is Standing.REQUESTED
        await first.open(meeting.link)
        assert "Please answer once more" in first.text
        await first.submit(meeting.link, **{**YES, "alone": "no", "people": "2"})
        assert standing(meeting, line) is Standing.GIVEN
        await second.open(meeting.link)
        await second.submit(f"{meeting.link}/withdraw")
    assert standing(meeting, line) is Standing.WITHDRAWN


async def test_several_at_a_speakerphone_answer_each(meeting: Meeting, site: Site, line: SeatId) -> None:
    digits = await heard(meeting, line)
    async with site.browser() as first, site.browser() as second:
        await answer(meeting, first, digits, **{**YES, "alone": "no", "people": "2"})
        assert standing(meeting, line) is Standing.REQUESTED
        await answer(meeting, second, digits, **{**YES, "alone": "no", "people": "2"})
    assert standing(meeting, line) is Standing.GIVEN


@pytest.mark.parametrize("digits", ["", "1", "111111", "12467x", "' OR 1=1 --", "9" * 40])
async def test_wrong_digits_bind_nothing(meeting: Meeting, site: Site, line: SeatId, digits: str) -> None:
    await heard(meeting, line)
    async with site.browser() as browser:
        await answer(meeting, browser, digits)
        assert browser.status == 422
        assert "No telephone in this meeting has these digits" in browser.text
        assert 'data-state="code"' in browser.text
    assert decisions(meeting) == []


async def test_guessing_ends_soon_and_another_address_does_not_help_much(
    meeting: Meeting, site: Site, line: SeatId
) -> None:
    digits = await heard(meeting, line)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        statuses = []
        for _ in range(11):
            await browser.submit(f"{meeting.link}/telephone", heard="111111")
            statuses.append(browser.status)
        assert statuses == [422] * 10 + [429]
        await browser.submit(f"{meeting.link}/telephone", heard=digits)  # even the right ones
        assert browser.status == 429
    assert decisions(meeting) == []


async def test_digits_of_another_meeting_or_one_that_is_over_bind_nothing(
    meeting: Meeting, site: Site, people: People, line: SeatId
) -> None:
    digits = await heard(meeting, line)
    second = await Meeting.begin(site, people.omar)
    await second.join("Ada")
    async with site.browser() as browser:
        await answer(second, browser, digits)
        assert browser.status == 422
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        form = {**browser.hidden(f"{meeting.link}/telephone"), "heard": digits}
        await meeting.end()
        await browser.send(f"{meeting.link}/telephone", form)
        assert "This meeting is over" in browser.text
    assert decisions(meeting) == []


async def test_a_page_that_is_bound_is_bound_to_no_telephone(meeting: Meeting, site: Site, line: SeatId) -> None:
    ada, digits = await meeting.join("Ada"), await heard(meeting, line)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        form = {**browser.hidden(f"{meeting.link}/telephone"), "heard": digits}
        await meeting.type_code(code_on(browser), ada)
        await browser.send(f"{meeting.link}/telephone", form)
    assert standing(meeting, line) is Standing.UNKNOWN
    assert standing(meeting, ada) is Standing.GIVEN


async def test_sent_twice_it_is_one_answer(meeting: Meeting, site: Site, line: SeatId) -> None:
    digits = await heard(meeting, line)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        form = {**browser.hidden(f"{meeting.link}/telephone"), "heard": digits}
        await browser.send(f"{meeting.link}/telephone", form)
        await browser.send(f"{meeting.link}/telephone", form)
        assert "You agreed" in browser.text
    assert len(decisions(meeting)) == 1


async def test_what_needs_more_than_a_name_is_not_given_by_telephone(tmp_path: Path) -> None:
    asked = (Purpose.RECORDING, Purpose.AI_NOTES)
    async with open_site(tmp_path, purposes=asked) as site:
        meeting = await Meeting.begin(site, await site.person("host", "Ingrid", "i@example.org"))
        line = await meeting.join("+47 ··· 112")
        async with site.browser() as browser:
            form = {"purpose_recording": "on", "purpose_ai_notes": "on", "alone": "yes", "decision": "yes"}
            await answer(meeting, browser, await heard(meeting, line), **form)
        (said,) = decisions(meeting)
        assert said.acts == ((Purpose.RECORDING, Act.GIVE),)


def test_digits_are_read_as_people_write_them_down() -> None:
    assert digits_of(" 12 46-78 ") == digits_of("1,2,4,6,7,8") == digits_of("１２４６７８") == "124678"
