"""Five meetings as they happen: a stand-up, a sales call, an all-hands, a hybrid room, a telephone.

In each the bot says and writes little, the host does next to nothing, and what was kept is exactly what was agreed to.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.ports import LeftReason
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.notice import Say
from consent_notice.words import ConsentStatus, Rule, SeatId, SeatKind
from storage.meetings import MeetingRow
from tests.simulators.gathering import HOST, NOTETAKER, Gathering, code_on, gathering, until
from tests.simulators.web_site import Browser

TEAM = ("Ada", "Ben", "Cia", "Dan", "Eva", HOST)
AGREE = {"purpose_recording": "on", "purpose_transcription": "on", "decision": "yes"}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Gathering]:
    async with gathering(tmp_path / "data") as opened:
        yield opened


def says(scene: Gathering, what: Say) -> str:
    return scene.parts.wordings["en"].sections["say"][what.value].partition("{")[0]


def heard(scene: Gathering, what: Say) -> int:
    return sum(speech.text.startswith(says(scene, what)) for _, speech in scene.world.said_ms)


async def ends(scene: Gathering, visiting: asyncio.Task[None]) -> None:
    scene.world.ends(LeftReason.MEETING_ENDED)
    await visiting


# ---- 1: the stand-up -------------------------------------------------------------------------------------------------


async def series_page(scene: Gathering, row: MeetingRow) -> str:
    """What the host pastes into the invitation."""
    browser = await scene.host_browser()
    await browser.open(f"/meetings/{row.id}/ahead")
    found = re.findall(r"/a/[A-Za-z0-9_-]+", browser.text)
    assert found, browser.text[:2000]
    return str(found[-1])


async def one_day(scene: Gathering, *, taps: dict[str, tuple[Browser, str]] | None = None) -> MeetingRow:
    """The same six people, whom the platform knows again, and whoever taps "I'm here"."""
    row = await scene.plan(Rule.EVERYONE)
    seats = {name: scene.world.joins(name, platform_id=f"id of {name}") for name in TEAM}
    async with scene.meeting(row) as visiting:
        if taps:
            await until(lambda: scene.world.notices_to(seats["Ada"]))
            for name, (browser, path) in taps.items():
                async with asyncio.timeout(8):
                    while f'action="{path}/here"' not in await browser.open(path):
                        await asyncio.sleep(0.2)
                await browser.submit(f"{path}/here", alone="yes")
                scene.world.writes(seats[name], code_on(browser))  # the invitation's page proves no name
        await until(lambda: all(scene.world.is_kept(seat) for seat in seats.values()))
        await asyncio.sleep(1.5)
        scene.costs_little()
        await ends(scene, visiting)
    for seat in seats.values():
        assert await scene.kept_s(row, seat) > 0.2
    assert await scene.status(row) == (ConsentStatus.COMPLETE,)
    return row


@pytest.mark.timeout(180)
async def test_a_stand_up_on_the_third_day_needs_one_short_line_and_nobodys_click(scene: Gathering) -> None:
    path = await series_page(scene, await scene.plan(Rule.EVERYONE, in_days=30))
    taps: dict[str, tuple[Browser, str]] = {}
    for name in TEAM:
        browser = await scene.browser()
        await browser.open(path)
        assert "checked" not in browser.text
        await browser.submit(path, **AGREE, scope="series", name=name)
        taps[name] = (browser, path)
    await one_day(scene, taps=taps)
    for _ in range(2):
        row = await one_day(scene)
        spoken = [speech for _, speech in scene.world.said_ms]
        assert len(spoken) == 1
        assert spoken[0].duration_ms <= 4_200
        assert heard(scene, Say.STARTED_AS_AGREED) == 1
        visit = await scene.visit_of(row)
        events = [entry.event for entry in scene.store.log.entries_of(visit.id)]
        assert {event.means for event in events if isinstance(event, Decided)} == {Means.AHEAD}
        assert sum(isinstance(event, NoticeDelivered) for event in events) == len(TEAM)


# ---- 2: the sales call -----------------------------------------------------------------------------------------------


async def sales_call(scene: Gathering, guest_says: str | None) -> tuple[list[str], str]:
    """What the host could read, in the chat and on their page, in a call in which nobody recorded anything."""
    row = await scene.plan(Rule.EVERYONE)
    scene.world.people.clear()
    browser = await scene.host_browser()
    host = scene.world.joins(HOST)
    async with scene.meeting(row) as visiting:
        await asyncio.sleep(1.0)
        assert scene.world.posts == [], "a lone host is not asked"
        guest = scene.world.joins("Stranger")
        scene.world.joins(NOTETAKER)
        await until(lambda: scene.world.notices_to(guest))
        scene.world.writes(host, "record yes")
        if guest_says is not None:
            scene.world.writes(guest, guest_says)
        await asyncio.sleep(1.5)
        seen = await browser.open("/meetings/live")
        scene.costs_little()
        await visiting
    assert await scene.kept_s(row, guest) == 0
    assert await scene.kept_s(row, host) == 0
    notetaker = next(seat for seat, person in scene.world.people.items() if person.name == NOTETAKER)
    assert await scene.kept_s(row, notetaker) == 0
    told = [posted.post.text for posted in scene.world.posts if posted.post.to_seat in (None, host)]
    assert sum(NOTETAKER in text for text in told) == 1, "the other bot is told of once, to all"
    assert (await scene.visit_of(row)).left_reason == LeftReason.NOT_EVERYONE_AGREED
    return [re.sub(r"/c/\w+", "/c/", text) for text in told], plainly(seen)


def plainly(page: str) -> str:
    """Without what differs between any two pages."""
    return re.sub(
        r'value="[^"]+"|/meetings/\w+|/recordings/\w+|<time.*?</time>|datetime="[^"]+"|data-\w+="[^"]*"', "", page
    )


@pytest.mark.timeout(120)
async def test_a_sales_call_tells_a_strangers_no_to_nobody(tmp_path: Path) -> None:
    async with gathering(tmp_path / "data", grace_ms=7_000) as scene:
        refused = await sales_call(scene, "record no")
        silent = await sales_call(scene, None)
    assert refused == silent


async def test_in_a_sales_call_the_other_notetaker_stands_in_nobodys_way(scene: Gathering) -> None:
    row = await scene.plan(Rule.EVERYONE)
    host, guest = scene.world.joins(HOST), scene.world.joins("Stranger")
    notetaker = scene.world.joins(NOTETAKER)
    async with scene.meeting(row) as visiting:
        await until(lambda: scene.world.notices_to(guest))
        for seat in (host, guest):
            scene.world.writes(seat, "record yes")
        await until(lambda: scene.world.is_kept(host) and scene.world.is_kept(guest))
        await asyncio.sleep(1.0)
        scene.costs_little()
        await ends(scene, visiting)
    assert await scene.kept_s(row, notetaker) == 0
    assert await scene.status(row) == (ConsentStatus.COMPLETE,)


# ---- 3: the all-hands ------------------------------------------------------------------------------------------------


@pytest.mark.timeout(120)
async def test_an_all_hands_of_80_keeps_its_speakers_and_leaves_the_audience_in_peace(scene: Gathering) -> None:
    row = await scene.plan(Rule.PRESENTERS)
    speakers = [scene.world.joins(f"Speaker {number}") for number in range(3)]
    audience = [scene.world.joins(f"Guest {number}") for number in range(70)]
    async with scene.meeting(row, can_whisper=False) as visiting:
        await until(lambda: scene.world.notices_to(audience[0]))
        for seat in speakers:
            scene.world.writes(seat, "record yes")
        scene.world.writes(audience[0], "record no")
        await until(lambda: all(scene.world.is_kept(seat) for seat in speakers))
        audience += [scene.world.joins(f"Late {number}") for number in range(7)]
        await asyncio.sleep(2.0)
        assert sum(posted.post.is_notice for posted in scene.world.posts) == 1, "one ask in two minutes"
        scene.costs_little()
        await ends(scene, visiting)
    for seat in speakers:
        assert await scene.kept_s(row, seat) > 0.2
    kept = {seat for one in await scene.store.tracks.segments((await scene.visit_of(row)).id) for seat in one.seats}
    assert not kept & set(audience)
    assert ConsentStatus.VOICES_MISSING in await scene.status(row)


# ---- 4: the hybrid room ----------------------------------------------------------------------------------------------


async def answer_from_a_phone(scene: Gathering, row: MeetingRow, room: SeatId, *, people: int) -> Browser:
    browser, path = await scene.browser(), await scene.page(row)
    await browser.open(path)
    await browser.submit(path, **AGREE, alone="no", people=str(people))
    scene.world.writes(room, code_on(browser))
    return browser


@pytest.mark.timeout(120)
async def test_five_people_at_one_microphone_each_answer_on_a_phone_of_their_own(scene: Gathering) -> None:
    row = await scene.plan(Rule.EVERYONE)
    room = scene.world.joins("Meeting room 5")
    remote = [scene.world.joins(name) for name in ("Ada", "Ben", "Cia")]
    async with scene.meeting(row) as visiting:
        await until(lambda: scene.world.notices_to(room))
        for seat in remote:
            scene.world.writes(seat, "record yes")
        phones = []
        for answered in range(5):
            assert not any(scene.world.is_kept(seat) for seat in (room, *remote)), f"only {answered} of 5 agreed"
            phones.append(await answer_from_a_phone(scene, row, room, people=5))
            await asyncio.sleep(0.7)
        await until(lambda: all(scene.world.is_kept(seat) for seat in (room, *remote)))
        await asyncio.sleep(1.0)
        path = await scene.page(row)
        await phones[2].open(path)
        await phones[2].submit(f"{path}/withdraw")
        await until(lambda: not scene.world.is_kept(room))
        assert not any(scene.world.is_kept(seat) for seat in remote), "under this rule everyone must agree"
        scene.costs_little()
        await ends(scene, visiting)
    assert await scene.kept_s(row, room) > 0.5
    assert ConsentStatus.TIME_MISSING in await scene.status(row)


# ---- 5: the telephone ------------------------------------------------------------------------------------------------


@pytest.mark.timeout(120)
@pytest.mark.parametrize("has_keys", [True, False])
async def test_whoever_dialled_in_answers_by_key_or_by_a_spoken_code(scene: Gathering, has_keys: bool) -> None:
    row = await scene.plan(Rule.EVERYONE)
    ann, phone = scene.world.joins("Ann"), scene.world.joins("+48 22 000 00 00", is_phone=True)
    async with scene.meeting(row, hears_digits=has_keys) as visiting:
        await until(lambda: scene.world.notices_to(ann))
        scene.world.writes(ann, "record yes")
        key, code = says(scene, Say.PHONE_KEYS), says(scene, Say.PHONE_CODE)
        await until(lambda: any(speech.text.startswith((key, code)) for _, speech in scene.world.said_ms), 15)
        assert not scene.world.is_kept(ann)
        spoken = scene.world.said_ms[-1][1]
        await asyncio.sleep(spoken.duration_ms / 1000 + 0.3)
        if has_keys:
            scene.world.presses_keys(phone, "1")
        else:
            browser, path = await scene.browser(), await scene.page(row)
            await browser.open(path)
            await browser.submit(path, **AGREE, alone="yes")
            digits = "".join(re.findall(r"\d", spoken.text))
            await browser.submit(f"{path}/telephone", heard=digits)
            assert 'data-state="given"' in browser.text
        await until(lambda: scene.world.is_kept(ann) and scene.world.is_kept(phone))
        await asyncio.sleep(1.0)
        scene.costs_little()
        await ends(scene, visiting)
    assert await scene.kept_s(row, phone) > 0.5
    assert await scene.status(row) == (ConsentStatus.COMPLETE,)


async def test_a_telephone_that_nobody_hears_of_is_left_out_where_the_rule_allows_it(scene: Gathering) -> None:
    row = await scene.plan(Rule.EACH_VOICE)
    ann, phone = scene.world.joins("Ann"), scene.world.joins("+48 22 000 00 00", is_phone=True)
    other = scene.world.joins("Guest bot", kind=SeatKind.BOT)
    async with scene.meeting(row, hears_digits=True) as visiting:
        await until(lambda: scene.world.notices_to(ann))
        scene.world.writes(ann, "record yes")
        await until(lambda: scene.world.is_kept(ann))
        await asyncio.sleep(1.0)
        await ends(scene, visiting)
    assert await scene.kept_s(row, ann) > 0.5
    assert await scene.kept_s(row, phone) == await scene.kept_s(row, other) == 0
