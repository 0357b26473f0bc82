"""The check of what people asked to have erased: done where it is said to be done, and not forgotten elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from consent_notice.events import Erased, SegmentOpened
from consent_notice.words import SeatId
from storage.erasable import decided_by, is_agreed_before
from storage.log_entries import LogEntry

if TYPE_CHECKING:
    from storage.verify import Evidence

_WISHES = (
    "SELECT w.visit_id, w.seat, w.before_index, w.erased_at IS NOT NULL, v.ended_at IS NULL"
    " FROM erasure_wishes w JOIN visits v ON v.id = w.visit_id"
)


def check_wishes(evidence: Evidence, visits: Mapping[str, list[LogEntry]]) -> int:
    """How many wait for their meeting, which still runs, to close what they name."""
    waiting = 0
    for visit, seat, before_index, is_erased, still_runs in evidence.database.execute(_WISHES).fetchall():
        if evidence.is_served and still_runs:
            waiting += not is_erased
        elif not is_erased:
            evidence.fault(f"visit {visit}: an erasure was asked for and is not done; a running server does it soon")
        elif _is_there(visits.get(visit, []), SeatId(seat), before_index):
            evidence.fault(f"visit {visit}: an erasure is said to be done, and something of that person is still there")
    return waiting


def _is_there(entries: list[LogEntry], seat: SeatId, before_index: int) -> bool:
    erased = {name for entry in entries if isinstance(entry.event, Erased) for name in entry.event.segments}
    decided = decided_by(entries)
    return any(
        isinstance(entry.event, SegmentOpened)
        and entry.event.segment not in erased
        and is_agreed_before(entry.event, seat, decided, before_index)
        for entry in entries
    )
