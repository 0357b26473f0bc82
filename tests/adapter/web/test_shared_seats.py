"""Several people at one microphone: each of them answers, and nothing of it opens before all have agreed."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Decided, HeadcountDeclared
from consent_notice.frames import Encoding, GateTimes, HeardFrame
from consent_notice.gate import AdmittedFrame, Gate
from consent_notice.receipt import check_receipt
from consent_notice.words import Purpose, Rule, SeatId, Standing
from storage.replay import replay
from storage.vault import verify_signature
from storage.verify import verify
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import YES, agree, code_on, decisions, standing
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import BOTH, Browser, Meeting, Site

OTHERS = {**YES, "alone": "no"}


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid)


@pytest.fixture
async def room(meeting: Meeting) -> SeatId:
    return await meeting.join("Room Oslo")


def headcounts(meeting: Meeting) -> list[int]:
    events = [entry.event for entry in meeting.site.store.log.entries_of(meeting.visit.id)]
    return [event.people for event in events if isinstance(event, HeadcountDeclared)]


def would_keep(meeting: Meeting, seat: SeatId) -> bool:
    """Whether the gate would admit a sound of that seat now."""
    clock = meeting.site.clock
    clock.pass_s(1)
    record = replay(meeting.site.store.log.entries_of(meeting.visit.id), clock.boot_id)
    frame = HeardFrame(
        track="t",
        speakers=frozenset({seat}),
        captured_ms=clock.at_ms - 100,
        duration_ms=20,
        rtp_timestamp=0,
        encoding=Encoding.OPUS,
        payload=b"\xf8\x00",
    )
    return isinstance(Gate(record, GateTimes(path_delay_ms=0, settle_ms=0)).admit(frame), AdmittedFrame)


async def phones(site: Site, stack: AsyncExitStack, count: int) -> list[Browser]:
    return [await stack.enter_async_context(site.browser()) for _ in range(count)]


def progress(browser: Browser) -> str:
    found = re.search(r'<h2 id="shared-head">(.*?)</h2>', browser.text)
    return found[1] if found else ""


async def test_three_at_one_microphone_open_it_together_and_each_can_shut_it(
    meeting: Meeting, site: Site, room: SeatId
) -> None:
    async with AsyncExitStack() as stack:
        three = await phones(site, stack, 3)
        for number, phone in enumerate(three, 1):
            assert not would_keep(meeting, room)
            await agree(meeting, phone, room, alone="no", people="3")
            assert "You agreed" in phone.text
            assert progress(phone) == f"{number} of 3 at your microphone have agreed"
        assert "All 3 of you have agreed" in three[2].text
        assert would_keep(meeting, room)
        assert standing(meeting, room) is Standing.GIVEN
        await three[0].open(meeting.link)
        await three[0].submit(f"{meeting.link}/withdraw")
        assert "You took it back" in three[0].text
        assert not would_keep(meeting, room)
        for phone in three[1:]:
            await phone.open(meeting.link)
            assert progress(phone) == "2 of 3 at your microphone have agreed"
    answers = decisions(meeting)
    assert len({answer.person for answer in answers}) == 3
    assert all(answer.person for answer in answers)
    assert headcounts(meeting)[0] == 3


async def test_what_is_kept_of_it_relies_on_the_yes_of_each(meeting: Meeting, site: Site, room: SeatId) -> None:
    async with AsyncExitStack() as stack:
        for phone in await phones(site, stack, 2):
            await agree(meeting, phone, room, alone="no", people="2")
    await meeting.speak(room, opus_packets(tone(440, 400)))
    await meeting.end()
    (segment,) = await site.store.tracks.segments(meeting.visit.id)
    entries = {entry.index: entry.event for entry in site.store.log.entries_of(meeting.visit.id)}
    relied_on = [entries[index] for index in segment.relies_on]
    assert len({event.person for event in relied_on if isinstance(event, Decided)}) == 2
    assert verify(site.store.data_dir).faults == []


async def test_refused_and_unanswered_look_alike_to_the_others(meeting: Meeting, site: Site, room: SeatId) -> None:
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await agree(meeting, first, room, alone="no", people="2")
        before = without_nonces(await first.open(meeting.link))
        waits = await first.open(f"{meeting.link}/state")
        await agree(meeting, second, room, alone="no", people="2")
        await second.submit(f"{meeting.link}/withdraw")
        assert without_nonces(await first.open(meeting.link)) == before
        assert await first.open(f"{meeting.link}/state") == waits
    assert not would_keep(meeting, room)


def without_nonces(text: str) -> str:
    return re.sub(r'name="(nonce|csrf)" value="[^"]*"', "", text)


async def test_the_answer_of_a_colleague_makes_nobodys_form_out_of_date(
    meeting: Meeting, site: Site, room: SeatId
) -> None:
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await agree(meeting, first, room, alone="no", people="2")
        await first.open(f"{meeting.link}?change")
        form = {**first.hidden(meeting.link), **OTHERS, "people": "2", "purpose_transcription": ""}
        await agree(meeting, second, room, alone="no", people="2")
        await first.send(meeting.link, form)
        assert first.status == 200
        assert "You agreed" in first.text


async def test_a_yes_for_the_microphone_as_a_whole_counts_no_more_once_it_is_shared(
    meeting: Meeting, site: Site, room: SeatId
) -> None:
    await meeting.decide(room, Act.GIVE, verbatim="record yes")
    assert would_keep(meeting, room)
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await agree(meeting, first, room)  # "only me"
        await agree(meeting, second, room, alone="no", people="2")
        assert not would_keep(meeting, room)
        await first.open(meeting.link)
        assert 'data-state="again"' in first.text
        assert "Please answer once more" in first.text
        assert 'name="purpose_recording" checked' not in first.text
        await first.submit(meeting.link, **OTHERS, people="2")
        assert "All 2 of you have agreed" in first.text
    assert would_keep(meeting, room)


async def test_only_me_on_a_seat_that_others_share_is_taken_for_one_of_them(
    meeting: Meeting, site: Site, room: SeatId
) -> None:
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await agree(meeting, first, room, alone="no", people="2")
        await agree(meeting, second, room)  # by mistake
        assert progress(second) == "2 of 2 at your microphone have agreed"
    assert would_keep(meeting, room)
    assert len({answer.person for answer in decisions(meeting)} - {""}) == 2


async def test_a_bound_page_that_finds_out_about_others_shuts_until_each_has_answered(
    meeting: Meeting, site: Site, room: SeatId
) -> None:
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await agree(meeting, first, room)
        assert would_keep(meeting, room)
        await first.open(f"{meeting.link}?change")
        await first.submit(meeting.link, **OTHERS, people="2")
        assert progress(first) == "1 of 2 at your microphone have agreed"
        assert not would_keep(meeting, room)
        await agree(meeting, second, room, alone="no", people="2")
        assert would_keep(meeting, room)
    assert headcounts(meeting) == [2, 2]  # of each of the two pages, whoever logged it first


async def test_fewer_than_were_said_are_never_taken(meeting: Meeting, site: Site, room: SeatId) -> None:
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await agree(meeting, first, room, alone="no", people="3")
        await first.open(f"{meeting.link}?change")
        await first.submit(meeting.link, **YES)  # "only me", after all
        assert progress(first) == "1 of 3 at your microphone have agreed"
        await agree(meeting, second, room, alone="no", people="2")
        assert progress(second) == "2 of 3 at your microphone have agreed"
    assert not would_keep(meeting, room)


async def test_a_no_in_the_chat_of_the_shared_device_counts_for_all_until_it_is_taken_back_there(
    meeting: Meeting, site: Site, room: SeatId
) -> None:
    async with AsyncExitStack() as stack:
        for phone in await phones(site, stack, 2):
            await agree(meeting, phone, room, alone="no", people="2")
        await meeting.decide(room, Act.WITHDRAW, verbatim="stop")
        assert not would_keep(meeting, room)
        await meeting.decide(room, Act.GIVE, verbatim="record yes")
        assert would_keep(meeting, room)


async def test_a_no_under_the_rooms_name_is_undone_by_the_page_that_said_it(
    meeting: Meeting, site: Site, room: SeatId
) -> None:
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await first.open(meeting.link)
        await first.submit(meeting.link, decision="no")
        await first.submit(meeting.link, name="room oslo")
        assert standing(meeting, room) is Standing.REFUSED
        await agree(meeting, second, room, alone="no", people="2")
        assert not would_keep(meeting, room)
        await first.open(f"{meeting.link}?change")
        await first.submit(meeting.link, **OTHERS, people="2")
        await meeting.type_code(code_on(first), room)
        await first.open(meeting.link)
        assert progress(first) == "2 of 2 at your microphone have agreed"
        assert "All 2 of you" not in first.text
        assert not would_keep(meeting, room)
        await first.open(f"{meeting.link}?change")
        await first.submit(meeting.link, **OTHERS, people="2")
        assert "All 2 of you" in first.text
    assert would_keep(meeting, room)


async def test_a_second_name_typed_no_is_that_persons_own(meeting: Meeting, site: Site, room: SeatId) -> None:
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await agree(meeting, first, room, alone="no", people="2")
        await second.open(meeting.link)
        await second.submit(meeting.link, decision="no")
        await second.submit(meeting.link, name="Room Oslo")
        assert not would_keep(meeting, room)
        await agree_again(meeting, second, room)
    assert would_keep(meeting, room)


async def agree_again(meeting: Meeting, phone: Browser, seat: SeatId) -> None:
    await phone.open(f"{meeting.link}?change")
    await phone.submit(meeting.link, **OTHERS, people="2")
    await meeting.type_code(code_on(phone), seat)


@pytest.mark.parametrize("number", ["", "1", "0", "51", "-3", "two", "٣", "9999", "2.0"])
async def test_a_number_that_cannot_be_is_asked_for_again_and_shuts_meanwhile(
    meeting: Meeting, site: Site, room: SeatId, number: str
) -> None:
    async with site.browser() as browser:
        await agree(meeting, browser, room)
        assert would_keep(meeting, room)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **OTHERS, people=number)
        assert browser.status == 422
        assert "a number from 2 to 50" in browser.text
        assert not would_keep(meeting, room)
        await browser.submit(meeting.link, **OTHERS, people="2")
        assert progress(browser) == "1 of 2 at your microphone have agreed"


async def test_a_form_sent_twice_is_one_answer_and_one_headcount(meeting: Meeting, site: Site, room: SeatId) -> None:
    async with site.browser() as browser:
        await agree(meeting, browser, room)
        await browser.open(f"{meeting.link}?change")
        form = {**browser.hidden(meeting.link), **OTHERS, "people": "2"}
        await browser.send(meeting.link, form)
        entries = len(site.store.log.entries_of(meeting.visit.id))
        await browser.send(meeting.link, form)
    assert len(site.store.log.entries_of(meeting.visit.id)) == entries
    assert headcounts(meeting) == [2]


async def test_the_picture_leads_to_the_page_and_says_how_many(meeting: Meeting, site: Site, room: SeatId) -> None:
    async with site.browser() as browser:
        await agree(meeting, browser, room, alone="no", people="5")
        picture = f"{meeting.link}/qr.svg?people=5"
        assert f'src="{picture}"' in browser.text
        await browser.open(picture)
        assert browser.headers["Content-Type"].startswith("image/svg+xml")
        assert "<svg" in browser.text
        await browser.open("/c/unknown/qr.svg")
        assert browser.status == 404
    async with site.browser() as other:
        await other.open(f"{meeting.link}?people=5")
        assert 'name="people" type="text" inputmode="numeric" maxlength="3" autocomplete="off" value="5"' in other.text
        assert 'name="purpose_recording" checked' not in other.text
        await other.open(f"{meeting.link}?people=<script>")
        assert "script&gt;" not in other.text


async def test_a_receipt_of_one_of_them_holds_nobody_elses_answer(meeting: Meeting, site: Site, room: SeatId) -> None:
    async with AsyncExitStack() as stack:
        first, second = await phones(site, stack, 2)
        await agree(meeting, first, room, alone="no", people="2")
        await agree(meeting, second, room, alone="no", people="2")
        await second.submit(f"{meeting.link}/withdraw")
        receipt = await first.open(f"{meeting.link}/receipt.json")
        assert first.status == 200
    others = {page.reference for page in await site.store.pages.by_seat(meeting.visit.id, room)}
    named = {reference for reference in others if reference in receipt}
    assert len(named) == 1
    assert 'withdraw"' not in receipt
    checked = check_receipt(receipt.encode(), site.store.log.key, verify_signature)
    assert dict(checked.standings) == dict.fromkeys(BOTH, Standing.GIVEN)  # their own, whoever else withdrew


async def test_under_everyone_the_shared_microphone_holds_the_others_up(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid, rule=Rule.EVERYONE)
    room, ada = await meeting.join("Room Oslo"), await meeting.join("Ada")
    await meeting.decide(ada, Act.GIVE)
    async with AsyncExitStack() as stack:
        for phone in await phones(site, stack, 2):
            assert not would_keep(meeting, ada)
            await agree(meeting, phone, room, alone="no", people="2")
    assert would_keep(meeting, ada)
    assert standing(meeting, room, Purpose.TRANSCRIPTION) is Standing.GIVEN
