"""Hands a person their receipt: the log's entries about their seat, each with its proof, signed with the log's key.

What a receipt holds and proves is decided in `consent_notice.receipt`.
"""

from __future__ import annotations

from collections.abc import Sequence

from consent_notice.events import Decided, Means, NoticeDelivered, SeatJoined, VisitOpened
from consent_notice.receipt import ReceiptFacts, build_receipt
from consent_notice.record import bears_on
from consent_notice.words import SeatId, VisitId
from storage.consent_log import ConsentLog
from storage.log_entries import LogEntry


def entries_about(log: ConsentLog, visit: VisitId, seat: SeatId, person: str = "") -> list[LogEntry]:
    """Blocking. Of a seat that several people share: `person`'s own answers, and nobody else's."""
    return [entry for entry in log.entries_of(visit) if _belongs(entry, seat, person)]


def receipt_of(log: ConsentLog, entries: Sequence[LogEntry], facts: ReceiptFacts) -> bytes:
    """Blocking. `entries` as read once: `facts` holds the texts that were answered in them, and a later answer waits
    for a later receipt.

    Raises BadReceipt where the log holds nothing of that seat, NotStored once its bodies are erased.
    """
    note, proven = log.proven([entry.index for entry in entries])
    return build_receipt(facts, proven, note, log.key, log.sign)


def _belongs(entry: LogEntry, seat: SeatId, person: str) -> bool:
    """What is about the meeting as a whole and names nobody but its host, and what is about that person."""
    event = entry.event
    if isinstance(event, VisitOpened):
        return True
    if not isinstance(event, SeatJoined | NoticeDelivered | Decided) or event.seat != seat:
        return False
    if isinstance(event, Decided):
        return bears_on(event, person)
    # A page's text was shown to whoever had that page; what the chat or a voice told, to all at that seat.
    is_others = isinstance(event, NoticeDelivered) and event.means is Means.PAGE and event.message_id != person
    return not (person and is_others)
