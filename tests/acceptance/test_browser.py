"""A person with a real Chromium and a recorded human voice: joins, agrees on the page, is kept, is written down.

And the pages of the host and the admin afterwards, in the same browser. The word error rate is printed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from bot.audio import CALL_RATE_HZ, silence
from config.clock import new_id
from consent_notice.words import SeatId, SeatKind
from storage.verify import verify
from storage.visits import VisitRow
from tests.simulators.browsers import Browsers, browsers, come_in, sign_in, until, write, write_microphone
from tests.simulators.server import RunningServer, running_server
from tests.simulators.speech import human_prompt, human_words, plain_words
from web.accounts import Passwords

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PROMPT = "demo-echotest"
PAUSE_MS = 1_500
WORST_WORD_ERROR_RATE = 0.25
HOST, ADMIN, PASSWORD = "ada@example.org", "admin@example.org", "a long password of the test"
STRIP_AT_ONCE_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    server: RunningServer
    chromium: Browsers
    host: Page
    spoken_s: float  # of the sentence and the pause after it, which the microphone repeats


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    prompt = human_prompt(PROMPT)
    pcm = prompt.pcm + silence(PAUSE_MS, CALL_RATE_HZ).pcm
    microphone = tmp_path / "speech.wav"
    await asyncio.to_thread(write_microphone, microphone, pcm)
    roles = ("web", "bots", "practice", "transcribe")
    async with running_server(tmp_path / "data", roles=roles, transcription={"enabled": True}) as server:
        hashed = await Passwords().hash(PASSWORD)
        await server.store.users.create(email=HOST, name="Ada", role="host", password_hash=hashed)
        await server.store.users.create(email=ADMIN, name="Admin", role="admin", password_hash=hashed)
        async with browsers(microphone, tmp_path) as chromium:
            host = await sign_in(await chromium.profile(), server.settings.public_url, HOST, PASSWORD)
            yield Scene(server=server, chromium=chromium, host=host, spoken_s=len(pcm) / 2 / CALL_RATE_HZ)
            assert chromium.complaints == []


async def send_bot(scene: Scene, title: str) -> str:
    """The host pastes a link and presses the button. Returns the room's link."""
    link = f"{scene.server.settings.practice_url}/room/room-{new_id()[:8]}"
    await scene.host.goto(f"{scene.server.settings.public_url}/meetings")
    await scene.host.get_by_label("Meeting link").fill(link)
    await scene.host.get_by_label("Title").fill(title)
    await scene.host.get_by_label("What is kept").select_option("each_voice")
    await scene.host.get_by_role("button", name="Send the bot").click()
    return link


def word_error_rate_within(said: str, heard: str) -> float:
    """Of one sentence that `heard` holds somewhere: what stands before and after it is free."""
    reference, words = plain_words(said), plain_words(heard)
    costs = [0] * (len(words) + 1)
    for place, word in enumerate(reference, 1):
        above, costs[0] = costs[0], place
        for index, other in enumerate(words, 1):
            changed = above + (word != other)
            above = costs[index]
            costs[index] = min(changed, above + 1, costs[index - 1] + 1)
    return min(costs) / len(reference)


def test_the_word_error_rate_leaves_the_ends_free() -> None:
    assert word_error_rate_within("one two three four", "three four. One, two three four! One two") == 0
    assert word_error_rate_within("one two three four", "four one too three four one") == 0.25
    assert word_error_rate_within("one two three four", "") == 1


async def agree_on_page(profile: BrowserContext, room: Page, chromium: Browsers) -> Page:
    """From the link in the chat, in a second tab; then the code in the chat."""
    link = room.locator("#messages a[href*='/c/']").last
    await expect(link).to_be_visible()
    async with profile.expect_page() as opened:
        await link.click()
    page = await opened.value
    await expect(page.get_by_role("checkbox").first).to_be_visible()
    assert await page.locator("input:checked").count() == 0, "nothing is ticked beforehand"
    await chromium.picture(page, "2-page-asks", whole=True)
    for box in await page.get_by_role("checkbox").all():
        await box.check()
    await page.locator("input[name=alone][value=yes]").check()
    await page.locator("button[name=decision][value=yes]").click()
    code = (await page.locator(".page-code").inner_text()).strip()
    assert re.fullmatch(r"[2-9A-Z]{5}", code)
    await chromium.picture(page, "3-page-code", whole=True)
    await expect(room.locator("#voice-head")).to_have_text("Your voice is not being kept")
    await write(room, code)
    return page


async def test_a_voice_is_kept_written_down_and_shown(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    server, chromium = scene.server, scene.chromium
    link = await send_bot(scene, "Echo test")
    agreeing, silent = await chromium.profile(), await chromium.profile()
    nora, otto = await come_in(agreeing, link, "Nora"), await come_in(silent, link, "Otto")
    await chromium.picture(nora, "1-room-asked")
    page = await agree_on_page(agreeing, nora, chromium)
    await expect(nora.locator("#voice-head")).to_have_text("Your voice is being kept")
    began_s = server.clock.boot_ms() / 1000
    await expect(page.locator("[data-state=given]").first).to_be_visible()
    await chromium.picture(page, "4-page-given", whole=True)
    await chromium.picture(nora, "5-room-kept")
    await scene.host.goto(f"{server.settings.public_url}/meetings")
    await chromium.picture(scene.host, "6-host-live", whole=True)
    await expect(otto.locator("#voice-head")).to_have_text("Your voice is not being kept")
    # Twice the sentence, from wherever in it the yes fell, holds it once as a whole.
    await asyncio.sleep(began_s + 2 * scene.spoken_s + 1 - server.clock.boot_ms() / 1000)
    for room in (nora, otto):
        await room.click("#leave")
        await expect(room.locator("#ended-head")).to_be_visible()
    await chromium.picture(nora, "7-room-ended")
    (meeting,) = [row for row in await server.store.meetings._select() if row.link == link]
    visit = await server.visit(meeting.id, lambda one: one.transcription_state == "done", timeout_s=120)
    await check_kept(server, visit, capsys)
    await check_host_page(scene, visit)
    await check_admin_page(scene, visit)


async def check_kept(server: RunningServer, visit: VisitRow, capsys: pytest.CaptureFixture[str]) -> None:
    seats = {seat.name: seat.seat for seat in await server.store.visits.seats(visit.id)}
    rows = await server.store.tracks.segments(visit.id)
    assert rows
    bots = {seat.seat for seat in await server.store.visits.seats(visit.id) if seat.kind is SeatKind.BOT}
    assert {seat for row in rows for seat in row.seats} - bots == {seats["Nora"]}
    said = [
        utterance
        for row in await server.store.transcripts.of_visit(visit.id)
        for utterance in await asyncio.to_thread(server.store.transcripts.read, row.id)
    ]
    assert {utterance.seat for utterance in said} == {SeatId(seats["Nora"])}
    text = " ".join(utterance.text for utterance in sorted(said, key=lambda one: one.start_ms))
    rate = word_error_rate_within(human_words(PROMPT), text)
    with capsys.disabled():
        print(f"\nword error rate {rate:.3f} (Whisper base, {len(human_words(PROMPT).split())} words), heard: {text}")
    assert rate <= WORST_WORD_ERROR_RATE
    report = await asyncio.to_thread(verify, server.settings.data_dir)
    assert report.faults == []
    assert report.transcripts == 1


async def check_host_page(scene: Scene, visit: VisitRow) -> None:
    page = scene.host
    await page.goto(f"{scene.server.settings.public_url}/recordings")
    await scene.chromium.picture(page, "8-host-recordings", whole=True)
    await page.get_by_role("link", name="Echo test").click()
    await expect(page.locator("ol.words li").first).to_be_visible()
    await expect(page.get_by_text("Otto")).to_have_count(0)
    voice = "document.querySelector('audio[data-voice]')"
    await page.get_by_role("button", name="Play").click()
    await until(page, f"{voice}.readyState >= 3")
    duration_s = await page.evaluate(f"{voice}.duration")
    kept = await scene.server.store.tracks.segments(visit.id)
    # A voice's file begins with the meeting, so that all voices play on one clock.
    begins_s, ends_s = (
        (at_ms - visit.started_boot_ms) / 1000
        for at_ms in (min(row.from_ms for row in kept), max(row.to_ms for row in kept))
    )
    assert abs(duration_s - ends_s) < 0.5
    await page.locator("[data-seek]").fill(str(round(begins_s) * 1000 + 2000))
    await until(page, f"{voice}.currentTime > {begins_s + 3.5} && !{voice}.paused")
    await scene.chromium.picture(page, "9-host-plays", whole=True)
    await page.get_by_role("button", name="Pause").click()
    await until(page, f"{voice}.paused")


async def check_admin_page(scene: Scene, visit: VisitRow) -> None:
    site = scene.server.settings.public_url
    page = await sign_in(await scene.chromium.profile(), site, ADMIN, PASSWORD)
    await page.goto(f"{site}/review/{visit.id}")
    for name in ("Nora", "Otto"):
        await expect(page.locator("svg, .lanes").get_by_text(name).first).to_be_visible()
    await page.get_by_role("button", name="Verify now").click()
    await expect(page.locator(".note.good, .verified").first).to_be_visible()
    await scene.chromium.picture(page, "10-admin-review", whole=True)


async def test_the_button_shuts_at_once(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    link = await send_bot(scene, "A change of mind")
    nora = await come_in(await scene.chromium.profile(), link, "Nora")
    await nora.get_by_role("button", name="Yes, record me").click()
    head = nora.locator("#voice-head")
    await expect(head).to_have_text("Your voice is being kept")
    await asyncio.sleep(2)
    await nora.evaluate(
        """() => {
          const head = document.getElementById("voice-head"), began = () => performance.now();
          document.getElementById("voice-stop").addEventListener("click", () => {
            const pressed = began();
            new MutationObserver(() => {
              window.wordsAfterStop ??= [];
              window.wordsAfterStop.push([began() - pressed, head.textContent]);
            }).observe(head, { childList: true, characterData: true, subtree: true });
          }, { capture: true });
        }"""
    )
    await nora.get_by_role("button", name="Stop keeping my voice").click()
    await expect(head).to_have_text("Your voice is not being kept")
    words = await nora.evaluate("window.wordsAfterStop")
    await scene.chromium.picture(nora, "11-room-stopped")
    with capsys.disabled():
        print("\nthe strip after the button:", ", ".join(f"{text!r} at {at:.0f} ms" for at, text in words))
    assert words[0][0] <= STRIP_AT_ONCE_MS
    assert "being kept" not in words[0][1].replace("not being kept", "")
    assert words[-1][0] <= 2_000
