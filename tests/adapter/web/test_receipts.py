"""A participant's receipt: theirs alone, and checkable with the published key alone."""

from __future__ import annotations

import html
import re
from pathlib import Path

from consent_notice.checkpoint import read_verifier_key
from consent_notice.decisions import Act
from consent_notice.events import RuleSettled
from consent_notice.information import Information, LegalBasis
from consent_notice.receipt import check_receipt
from consent_notice.receipt_page import POLICY, check_file
from consent_notice.words import Purpose, Rule, Standing
from storage.vault import verify_signature
from tests.adapter.web.conftest import People
from tests.simulators.page_answers import YES, agree, code_on
from tests.simulators.web_site import Meeting, Site, open_site

SILENT = "not stated by the host's organisation"


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


async def test_it_is_there_to_see_and_to_save_as_soon_as_the_answer_counts(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid, "Secret merger")
    zoe = await meeting.join("Zoë <b> 李雷")
    await meeting.ask(zoe)
    key = read_verifier_key(site.store.log.vkey)
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, **YES)
        assert "receipt.html" not in browser.text
        await meeting.type_code(code_on(browser), zoe)
        await browser.open(meeting.link)
        view, save = re.findall(r'href="([^"]+receipt\.html[^"]+)"', browser.text)
        page = b""
        for path, kind in ((view, "inline"), (save, "attachment")):
            async with browser.session.get(site.url + html.unescape(path)) as answer:
                page = await answer.read()
                assert answer.headers["Content-Disposition"] == f'{kind}; filename="onrecord-receipt-2026-11-20.html"'
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
                assert answer.headers["Content-Security-Policy"] == f"{POLICY}; frame-ancestors 'none'"
            assert check_file(page, key, verify_signature).seat == zoe
            text = page.decode()
            for words in ("You agreed", "Zoë &lt;b&gt; 李雷", "Ingrid Solberg", "Northwind Cooperative", "90 days"):
                assert words in text
            assert "merger" not in text
        # What was said in the chat later is in the next one, and not in the one that was saved.
        await meeting.decide(zoe, Act.WITHDRAW, verbatim="stop")
        async with browser.session.get(site.url + html.unescape(view)) as answer:
            later = await answer.read()
        assert "You took it back" in later.decode()
        saved, again = (check_file(file, key, verify_signature) for file in (page, later))
        assert again.checkpoint.size > saved.checkpoint.size
        assert dict(saved.standings)[Purpose.RECORDING] is Standing.GIVEN


async def test_it_speaks_the_persons_language(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    ada = await meeting.join("Ada")
    await meeting.ask(ada)
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await browser.open(f"{meeting.link}/receipt.html", headers={"Accept-Language": "pl"})
        assert '<html lang="pl">' in browser.text
        assert "<h1>Zgoda udzielona</h1>" in browser.text
        await browser.open(f"{meeting.link}/receipt.html?lang=en", headers={"Accept-Language": "pl"})
        assert "<h1>You agreed</h1>" in browser.text


async def test_before_the_page_is_bound_there_is_none(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    await meeting.join("Ada")
    async with site.browser() as browser:
        await browser.open(meeting.link)
        await browser.submit(meeting.link, purpose_recording="on", alone="yes", decision="yes")
        for form in ("json", "html"):
            await browser.open(f"{meeting.link}/receipt.{form}")
            assert browser.status == 404
            assert "There is no receipt yet" in browser.text


async def test_of_what_was_erased_there_is_none_and_it_says_so(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    ada = await meeting.join("Ada")
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        await browser.submit(f"{meeting.link}/withdraw")
        await meeting.end()
        log = site.store.log
        about = [entry.index for entry in log.entries_of(meeting.visit.id) if getattr(entry.event, "seat", "") == ada]
        for indices in (about[1:], about):
            await site.store.erasure.erase_bodies(indices, "asked for")
            for form in ("json", "html"):
                await browser.open(f"{meeting.link}/receipt.{form}")
                assert browser.status == 404
                assert "was erased" in browser.text


async def test_it_states_what_the_organisation_stated_and_says_what_it_did_not(tmp_path: Path) -> None:
    stated = Information(
        organisation_address="1 Main Street, Oslo",
        dpo_contact="dpo@northwind.example",
        authority="Datatilsynet",
        recipients="none",
        legal_basis=LegalBasis.LEGITIMATE_INTERESTS,
    )
    for information, bot_location, expected in (
        (stated, "NO", ("1 Main Street, Oslo", "Datatilsynet", ["none"], ["Norway"])),
        (Information(), "", (SILENT, SILENT, [SILENT], [SILENT])),
    ):
        data_dir = tmp_path / (bot_location or "nowhere")
        async with open_site(data_dir, information=information, bot_location=bot_location) as site:
            meeting = await Meeting.begin(site, await site.person("host", "Ingrid", "i@example.org"))
            ada = await meeting.join("Ada")
            await meeting.ask(ada)
            async with site.browser() as browser:
                await agree(meeting, browser, ada)
                receipt = (await browser.open(f"{meeting.link}/receipt.json")).encode()
            record = check_receipt(receipt, site.store.log.key, verify_signature).record
        parties, processing = record["party_identification"], record["pii_processing"][0]
        found = parties[0]["party_address"], processing["authority_party"]
        assert (*found, processing["recipient_third_parties"], processing["processing_locations"]) == expected
        assert [party["party_type"] for party in parties[1:]] == (["data protection officer"] if bot_location else [])


async def test_where_other_participants_are_is_not_in_it(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    ada = await meeting.join("Ada")
    await meeting.ask(ada)
    await meeting.log(
        RuleSettled(
            visit=meeting.visit.id,
            epoch=meeting.visit.epoch,
            rule=Rule.EVERYONE,
            profile="explicit_all",
            places=(("NO", "host (profile)"), ("US-CA", "participant (declared)"), ("DE", "bot (profile)")),
            reasons=("Somebody said that they are in California.",),
            **meeting.now,
        )
    )
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        receipt = await browser.open(f"{meeting.link}/receipt.json")
    checked = check_receipt(receipt.encode(), site.store.log.key, verify_signature)
    assert checked.record["pii_processing"][0]["jurisdiction"] == "NO, DE"
    assert "California" not in receipt
    assert "US-CA" not in receipt
