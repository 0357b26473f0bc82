"""Hands a person their receipt: the log's entries about their seat, each with its proof, signed with the log's key.

What a receipt holds and proves is decided in `consent_notice.receipt`.
"""

from __future__ import annotations

from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.receipt import ReceiptFacts, build_receipt
from consent_notice.words import VisitId
from storage.consent_log import ConsentLog


def receipt_of(log: ConsentLog, visit: VisitId, facts: ReceiptFacts, person: str = "") -> bytes:
    """Blocking. Of a seat that several people share: `person`'s own answers, and nobody else's.

    Raises BadReceipt where the log holds nothing of that seat, NotStored once its bodies are erased.
    """
    indices = [
        entry.index
        for entry in log.entries_of(visit)
        if isinstance(entry.event, NoticeDelivered | Decided)
        and entry.event.seat == facts.seat
        and _concerns(entry.event, person)
    ]
    note, proven = log.proven(indices)
    return build_receipt(facts, proven, note, log.key, log.sign)


def _concerns(event: NoticeDelivered | Decided, person: str) -> bool:
    if isinstance(event, Decided):
        return event.person == person
    return not person or event.means is not Means.PAGE or event.message_id == person
