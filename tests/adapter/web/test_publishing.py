"""The admin's page of the notice: as people see it, what is missing, and publishing with an answer of one's own."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.wording import wordings
from consent_notice.information import Information, LegalBasis
from consent_notice.notice import NoticeFacts, read_wording
from consent_notice.publication import Text, text_of
from consent_notice.settling import Setting
from consent_notice.words import Purpose, Rule
from tests.adapter.web.conftest import People
from tests.simulators.web_site import Site, open_site

WORDINGS = {name: read_wording(table) for name, table in wordings().items()}


def text(retention_days: int = 90) -> Text:
    facts = NoticeFacts(
        host="",
        organisation="Northwind",
        purposes=(Purpose.RECORDING,),
        rule=Rule.EVERYONE,
        page_link="",
        retention_days=retention_days,
        bot_name="onrecord",
        speakable=True,
    )
    return text_of(WORDINGS, facts)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    information = Information(
        authority="UODO <Warsaw>", legal_basis=LegalBasis.CONTRACT, setting=Setting.WORKPLACE, recipients="the board"
    )
    async with open_site(tmp_path / "data", information=information, publication=2) as opened:
        await opened.store.publications.in_use(text())
        yield opened


async def test_only_an_admin_sees_it(site: Site, people: People) -> None:
    async with site.browser(people.ingrid) as browser:
        await browser.open("/notice")
        assert browser.status == 404


@pytest.mark.parametrize("language", sorted(WORDINGS))
async def test_it_shows_each_language_as_people_see_it(site: Site, people: People, language: str) -> None:
    async with site.browser(people.admin) as browser:
        shown = html.unescape(await browser.open(f"/notice?lang={language}&rule=each_voice"))
    sentences = WORDINGS[language].sections
    assert sentences["page"]["rule_each_voice"] in shown
    assert sentences["page"]["workplace"] in shown
    assert sentences["page"]["basis_contract"] in shown
    assert "UODO <Warsaw>" in shown
    assert f"version {WORDINGS[language].version}.2" in shown


@pytest.mark.parametrize("query", ["?lang=xx&rule=nonsense", "?lang=../../etc", ""])
async def test_an_odd_address_shows_the_usual_text(site: Site, people: People, query: str) -> None:
    async with site.browser(people.admin) as browser:
        shown = await browser.open(f"/notice{query}")
    assert browser.status == 200
    assert WORDINGS["en"].sections["page"]["rule_everyone"] in html.unescape(shown)


async def test_what_nobody_stated_is_listed_with_its_article_and_setting(site: Site, people: People) -> None:
    async with site.browser(people.admin) as browser:
        shown = await browser.open("/notice")
    listed = shown.split('id="missing-title"')[1].split("</section>")[0]
    for item in ("organisation_address", "dpo_contact", "transfers", "obligatory", "works_council_agreement"):
        assert item in listed
    assert "13(1)(b)" in listed
    for stated in (">authority<", ">recipients<", ">legal_basis<"):
        assert stated not in listed
    assert "UODO &lt;Warsaw&gt;" in shown


async def test_an_unchanged_text_has_nothing_to_publish(site: Site, people: People) -> None:
    async with site.browser(people.admin) as browser:
        shown = await browser.open("/notice")
    assert "Version 1 is in use and published" in shown
    assert 'name="older"' not in shown


async def test_a_changed_text_shows_what_changed_and_nothing_is_chosen_beforehand(site: Site, people: People) -> None:
    await site.store.publications.in_use(text(30))
    async with site.browser(people.admin) as browser:
        shown = await browser.open("/notice")
    assert "Version 2 is in use and not published" in shown
    assert "<del>90</del><ins>30</ins>" in shown
    radios = re.findall(r'<input type="radio" name="older"[^>]*>', shown)
    assert len(radios) == 2
    assert not any("checked" in radio for radio in radios)


@pytest.mark.parametrize(("said", "valid"), [("renew", False), ("valid", True)])
async def test_the_admin_says_what_becomes_of_older_agreements(
    site: Site, people: People, said: str, valid: bool
) -> None:
    await site.store.publications.in_use(text(30))
    assert not await site.store.publications.is_still_valid("2.1")
    async with site.browser(people.admin) as browser:
        await browser.open("/notice")
        shown = await browser.submit("/notice", older=said)
    assert "Version 2 is published" in shown
    assert "Marek Nowak" in shown
    assert await site.store.publications.is_still_valid("2.1") is valid


@pytest.mark.parametrize("fields", [{}, {"older": ""}, {"older": "maybe"}, {"older": "valid", "number": "x"}])
async def test_without_an_answer_nothing_is_published(site: Site, people: People, fields: dict[str, str]) -> None:
    await site.store.publications.in_use(text(30))
    async with site.browser(people.admin) as browser:
        await browser.open("/notice")
        shown = await browser.submit("/notice", **fields)
        assert browser.status == 422
    assert "Say what becomes of older agreements" in shown
    assert not (await site.store.publications.list())[0].is_decided


async def test_an_answer_to_a_text_that_has_changed_since_is_not_taken(site: Site, people: People) -> None:
    await site.store.publications.in_use(text(30))
    async with site.browser(people.admin) as browser:
        await browser.open("/notice")
        await site.store.publications.in_use(text(10))
        shown = await browser.submit("/notice", older="valid")
        assert browser.status == 409
    assert "Meanwhile the text has changed" in shown
    assert "Version 1 → 2" in shown
    assert "Version 2 → 3" in shown
    assert not await site.store.publications.is_still_valid("2.1")
