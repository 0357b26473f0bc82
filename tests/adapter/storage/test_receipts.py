"""A receipt of one seat from a real log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.receipt import ReceiptFacts, check_receipt
from consent_notice.record import BadReceipt
from consent_notice.words import Purpose, SeatId, Standing
from storage.receipts import entries_about, receipt_of
from storage.vault import verify_signature
from tests.simulators.receipts import with_record
from tests.simulators.web_site import Meeting, open_site


def facts(seat: SeatId, notice_text: str) -> ReceiptFacts:
    return replace(with_record(seat=seat), notice_texts=(notice_text,))


async def test_only_that_seats_entries_are_in_it_and_a_changed_byte_breaks_it(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        meeting = await Meeting.begin(site, await site.person("host", "Ingrid", "i@example.org"))
        ada, grace, eve = await meeting.join("Ada"), await meeting.join("Grace"), await meeting.join("Eve")
        await meeting.ask(ada)
        await meeting.ask(grace)
        given = await meeting.decide(ada, Act.GIVE)
        await meeting.decide(grace, Act.REFUSE)
        log, visit = site.store.log, meeting.visit.id
        receipt = receipt_of(log, entries_about(log, visit, ada), facts(ada, meeting.notice.exact_text))
        checked = check_receipt(receipt, log.key, verify_signature)
        assert checked.entries[-1] == given
        assert [type(log.get(index).event).__name__ for index in checked.entries] == [
            "VisitOpened",
            "SeatJoined",
            "NoticeDelivered",
            "Decided",
        ]
        with pytest.raises(BadReceipt):
            check_receipt(receipt.replace(b'"give"', b'"giVe"', 1), log.key, verify_signature)
        with pytest.raises(BadReceipt):
            receipt_of(log, entries_about(log, visit, eve), facts(eve, meeting.notice.exact_text))


async def test_an_answer_that_comes_while_it_is_made_waits_for_the_next(tmp_path: Path) -> None:
    """It may be to another text, which was not looked up; the receipt is of what was read, and is made."""
    async with open_site(tmp_path) as site:
        meeting = await Meeting.begin(site, await site.person("host", "Ingrid", "i@example.org"))
        ada = await meeting.join("Ada")
        await meeting.ask(ada)
        given = await meeting.decide(ada, Act.GIVE)
        log = site.store.log
        entries = entries_about(log, meeting.visit.id, ada)
        await meeting.decide(ada, Act.WITHDRAW)
        checked = check_receipt(
            receipt_of(log, entries, facts(ada, meeting.notice.exact_text)), log.key, verify_signature
        )
        assert (checked.entries[-1], dict(checked.standings)[Purpose.RECORDING]) == (given, Standing.GIVEN)
