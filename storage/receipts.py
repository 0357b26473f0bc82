"""Hands a person their receipt: the log's entries about their seat, each with its proof, signed with the log's key.

What a receipt holds and proves is decided in `consent_notice.receipt`.
"""

from __future__ import annotations

from consent_notice.events import Decided, NoticeDelivered, SeatJoined, VisitOpened
from consent_notice.receipt import ReceiptFacts, build_receipt
from consent_notice.words import SeatId, VisitId
from storage.consent_log import ConsentLog
from storage.log_entries import LogEntry


def receipt_of(log: ConsentLog, visit: VisitId, facts: ReceiptFacts) -> bytes:
    """Blocking. Raises BadReceipt where the log holds nothing of that seat, NotStored once its bodies are erased."""
    indices = [entry.index for entry in log.entries_of(visit) if _belongs(entry, facts.record.seat)]
    note, proven = log.proven(indices)
    return build_receipt(facts, proven, note, log.key, log.sign)


def _belongs(entry: LogEntry, seat: SeatId) -> bool:
    """What is about the meeting as a whole and names nobody but its host, and what is about that person."""
    event = entry.event
    if isinstance(event, VisitOpened):
        return True
    return isinstance(event, SeatJoined | NoticeDelivered | Decided) and event.seat == seat
