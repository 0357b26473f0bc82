"""Hands a person their receipt: the log's entries about their seat, each with its proof, signed with the log's key.

What a receipt holds and proves is decided in `consent_notice.receipt`.
"""

from __future__ import annotations

from consent_notice.events import Decided, NoticeDelivered
from consent_notice.receipt import ReceiptFacts, build_receipt
from consent_notice.words import VisitId
from storage.consent_log import ConsentLog


def receipt_of(log: ConsentLog, visit: VisitId, facts: ReceiptFacts) -> bytes:
    """Blocking. Raises BadReceipt where the log holds nothing of that seat, NotStored once its bodies are erased."""
    indices = [
        entry.index
        for entry in log.entries_of(visit)
        if isinstance(entry.event, NoticeDelivered | Decided) and entry.event.seat == facts.seat
    ]
    note, proven = log.proven(indices)
    return build_receipt(facts, proven, note, log.key, log.sign)
