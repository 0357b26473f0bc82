"""The participant's page: asked, answered, bound, withdrawn; without an account and without JavaScript."""

from __future__ import annotations

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.words import IdentityLevel, Purpose, SeatId, Standing
from storage.replay import latest_standings
from storage.verify import verify
from tests.adapter.web.conftest import People
from tests.simulators.web_site import BOTH, Browser, Meeting, Site

YES = {"purpose_recording": "on", "purpose_transcription": "on", "alone": "yes", "decision": "yes"}


@pytest.fixture
async def meeting(site: Site, people: People) -> Meeting:
    return await Meeting.begin(site, people.ingrid, "Secret merger with Fabrikam")


def decisions(meeting: Meeting) -> list[Decided]:
    entries = meeting.site.store.log.entries_of(meeting.visit.id)
    return [entry.event for entry in entries if isinstance(entry.event, Decided)]


def standing(meeting: Meeting, seat: SeatId, purpose: Purpose = Purpose.RECORDING) -> Standing:
    entries = meeting.site.store.log.entries_of(meeting.visit.id)
    return latest_standings(entries).get((seat, purpose), Standing.UNKNOWN)


async def agree(meeting: Meeting, browser: Browser, seat: SeatId, **changes: str) -> None:
    """Ticks, sends, types the code."""
    await browser.open(meeting.link)
    await browser.submit(meeting.link, **{**YES, **changes})
    assert 'data-state="code"' in browser.text
    await meeting.type_code(code_on(browser), seat)
    await browser.open(meeting.link)


def code_on(browser: Browser) -> str:
    return browser.text.split('class="page-code"')[1].split(">")[1].split("<")[0]


# ---- what is shown -----------------------------------------------------------------------------------------------


async def test_it_says_who_asks_and_nothing_is_ticked(meeting: Meeting, site: Site) -> None:
    await meeting.join("Ada Lovelace")
    async with site.browser() as browser:
        await browser.open(meeting.link)
    assert "Ingrid Solberg would like to record" in browser.text
    assert "Northwind Cooperative" in browser.text
    assert "90 days" in browser.text
    assert "checked" not in browser.text
    assert "onrecord-notice" in browser.text


async def test_no_title_and_nobody_elses_name_is_on_it(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada Lovelace")
    await meeting.join("Grace Hopper")
    async with site.browser() as browser:
        seen = [await browser.open(meeting.link)]
        seen.append(await browser.submit(meeting.link, decision="no"))
        seen.append(await browser.submit(meeting.link, name="Somebody Else"))
        seen.append(await browser.open(f"{meeting.link}/state"))
        await agree(meeting, browser, seat)
        seen.append(browser.text)
        seen.append(await browser.open(f"{meeting.link}?change"))
    for text in seen:
        assert "merger" not in text
        assert "Grace" not in text
    assert all("Ada" not in text for text in seen[:4])  # not even one's own, before the code was typed
    assert "Ada Lovelace" in seen[4]


async def test_a_link_preview_opens_nothing(meeting: Meeting, site: Site) -> None:
    for _ in range(3):
        async with site.browser() as browser:
            await browser.open(meeting.link)
    assert site.store._database.read_now(lambda c: c.exec_driver_sql("SELECT count(*) FROM pages").scalar_one()) == 0


@pytest.mark.parametrize(
    "path", ["/c/unknown", "/c/..%2f..", "/c/" + "x" * 300, "/c/unknown/state", "/c/unknown/receipt.json"]
)
async def test_an_unknown_link_is_a_clear_page(site: Site, path: str) -> None:
    async with site.browser() as browser:
        await browser.open(path)
        assert browser.status == 404
        assert "<h1>" in browser.text


async def test_the_page_is_in_the_persons_language(meeting: Meeting, site: Site) -> None:
    async with site.browser() as browser:
        await browser.open(meeting.link, headers={"Accept-Language": "pl-PL,pl;q=0.9,en;q=0.8"})
        assert 'lang="pl"' in browser.text
        assert "chce nagrać" in browser.text
        await browser.submit(meeting.link, decision="no")
        assert "Nic z Twojego głosu" in browser.text


async def test_names_are_text(site: Site, people: People) -> None:
    host = await site.person("host", "<script>alert(1)</script>", "x@example.org")
    meeting = await Meeting.begin(site, host)
    seat = await meeting.join("<img src=x onerror=alert(1)>\u202e" + "🎉" * 300)
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        assert "<script>alert" not in browser.text
        assert "<img" not in browser.text
        assert "\u202e" not in browser.text
        await browser.open(f"{meeting.link}?change")
        assert "&lt;script&gt;" in browser.text


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


async def test_a_shared_microphone_gives_no_yes_and_ends_one(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **{**YES, "alone": "no"})
        assert "shared microphone" in browser.text
    assert standing(meeting, seat) is Standing.WITHDRAWN
    async with site.browser() as other:
        await other.open(meeting.link)
        await other.submit(meeting.link, **{**YES, "alone": "no"})
        assert "page-code" not in other.text


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


# ---- a no, and taking back ---------------------------------------------------------------------------------------


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
    await meeting.join(
        "onrecord", kind=next(iter([k for k in __import__("consent_notice.words").words.SeatKind if k == "bot"]))
    )
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


async def test_one_click_takes_everything_back(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.submit(f"{meeting.link}/withdraw")
        assert "You took it back" in browser.text
    assert decisions(meeting)[-1].acts == tuple((purpose, Act.WITHDRAW) for purpose in BOTH)


async def test_one_purpose_can_be_taken_back_alone(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.submit(f"{meeting.link}/withdraw", purpose="transcription")
        assert "You agreed" in browser.text
    assert standing(meeting, seat) is Standing.GIVEN
    assert standing(meeting, seat, Purpose.TRANSCRIPTION) is Standing.WITHDRAWN


async def test_what_was_given_in_the_chat_is_taken_back_on_the_page(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await meeting.decide(seat, Act.WITHDRAW)
        await meeting.decide(seat, Act.GIVE, verbatim="record yes")
        await browser.open(meeting.link)
        await browser.submit(f"{meeting.link}/withdraw")
    assert standing(meeting, seat) is Standing.WITHDRAWN


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


async def test_a_replayed_withdrawal_does_not_undo_a_later_yes(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        form = browser.hidden(f"{meeting.link}/withdraw")
        await browser.send(f"{meeting.link}/withdraw", form)
        site.clock.pass_s(1)
        await browser.open(f"{meeting.link}?change")
        await browser.submit(meeting.link, **YES)
        assert standing(meeting, seat) is Standing.GIVEN
        await browser.send(f"{meeting.link}/withdraw", form)
    assert standing(meeting, seat) is Standing.GIVEN


# ---- whose page it is --------------------------------------------------------------------------------------------


async def test_another_browser_sees_and_changes_nothing_of_it(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser, site.browser() as other:
        await agree(meeting, browser, seat)
        await other.open(meeting.link)
        assert "Ada" not in other.text
        assert await other.open(f"{meeting.link}/state") == '{"state": "ask"}'
        await other.open(f"{meeting.link}/receipt.json")
        assert other.status == 404
        await other.open(meeting.link)
        await other.send(f"{meeting.link}/withdraw", other.hidden(meeting.link))
    assert standing(meeting, seat) is Standing.GIVEN


async def test_a_forged_session_is_a_new_browser(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        row = (await site.store.pages.by_seat(meeting.visit.id, seat))[0]
        for cookie in (row.page_id, f'{{"session": {{"pages": "{row.page_id}"}}}}', "gAAAAA"):
            async with site.browser() as forger:
                await forger.open(meeting.link, cookies={"onrecord": cookie, "page": row.page_id})
                assert 'data-state="ask"' in forger.text


async def test_a_page_of_one_meeting_is_none_of_another(meeting: Meeting, site: Site, people: People) -> None:
    seat = await meeting.join("Ada")
    second = await Meeting.begin(site, people.omar)
    await second.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.open(second.link)
        assert 'data-state="ask"' in browser.text


async def test_somebody_else_on_this_device_begins_anew(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        await browser.submit(f"{meeting.link}/anew")
        assert 'data-state="ask"' in browser.text
    assert standing(meeting, seat) is Standing.GIVEN


async def test_without_the_token_no_answer_is_taken(meeting: Meeting, site: Site) -> None:
    seat = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, seat)
        for path in (meeting.link, f"{meeting.link}/withdraw"):
            await browser.send(path, {"decision": "no"}, headers={"Origin": "https://evil.example"})
            assert browser.status == 403
            await browser.send(path, {"decision": "no"})
            assert browser.status == 403
    assert standing(meeting, seat) is Standing.GIVEN
