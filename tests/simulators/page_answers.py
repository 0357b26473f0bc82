"""What people do on a participant's page in tests: tick, send, have the code typed; and what the log then says."""

from __future__ import annotations

from consent_notice.events import Decided
from consent_notice.words import Purpose, SeatId, Standing
from storage.replay import latest_standings
from tests.simulators.web_site import Browser, Meeting

YES = {"purpose_recording": "on", "purpose_transcription": "on", "alone": "yes", "decision": "yes"}


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
