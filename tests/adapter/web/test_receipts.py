"""A participant's receipt: theirs alone, and checkable with the published key alone."""

from __future__ import annotations

from consent_notice.checkpoint import read_verifier_key
from consent_notice.receipt import check_receipt
from consent_notice.words import Purpose, Standing
from storage.vault import verify_signature
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import agree
from tests.simulators.web_site import Meeting, Site


async def test_it_says_where_one_stands_and_holds(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid, "Secret merger")
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    await meeting.ask(ada)
    await meeting.ask(grace)
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await browser.submit(f"{meeting.link}/withdraw", purpose="transcription")
        async with browser.session.get(f"{site.url}{meeting.link}/receipt.json") as answer:
            assert answer.headers["Content-Disposition"] == 'attachment; filename="onrecord-receipt-2026-11-20.json"'
            receipt = await answer.read()
    checked = check_receipt(receipt, read_verifier_key(site.store.log.vkey), verify_signature)
    assert checked.seat == ada
    assert dict(checked.standings) == {
        Purpose.RECORDING: Standing.GIVEN,
        Purpose.TRANSCRIPTION: Standing.WITHDRAWN,
    }
    for secret in (b"merger", b"Grace", grace.encode()):
        assert secret not in receipt


async def test_before_the_page_is_bound_there_is_none(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, purpose_recording="on", alone="yes", decision="yes")
        await browser.open(f"{meeting.link}/receipt.json")
        assert browser.status == 404
