"""PURE: whose sound and whose entries an erasure means, from the entries of one visit. Erasing is done in `erasure`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from consent_notice.decisions import Act
from consent_notice.events import Decided, NoticeDelivered, SeatJoined, SeatLeft, SegmentOpened
from consent_notice.words import SeatId, SeatKind
from storage.log_entries import LogEntry
from storage.sound import LoggedSegment

_AGREED = frozenset({Act.GIVE, Act.ATTEST})


def decided_by(entries: Iterable[LogEntry]) -> dict[int, SeatId]:
    """Whose each decision is, by its place in the log."""
    return {entry.index: entry.event.seat for entry in entries if isinstance(entry.event, Decided)}


def is_agreed_before(
    opened: SegmentOpened, seat: SeatId | None, decided: Mapping[int, SeatId], before_index: int
) -> bool:
    """Whether this person can be heard in it, and every yes of theirs that it relies on was logged before that entry.

    A segment may be opened after a no was logged, for sound that was captured before it; so its own place says nothing.
    """
    own = [index for index in opened.relies_on if decided.get(index) == seat]
    return seat in opened.seats and max(own, default=-1) < before_index


def never_agreed(entries: Iterable[LogEntry]) -> set[SeatId]:
    """People of whom the log has no yes to anything, overtaken ones included."""
    seen: set[SeatId] = set()
    agreed: set[SeatId] = set()
    for entry in entries:
        event = entry.event
        if isinstance(event, SeatJoined) and event.seat_kind is SeatKind.BOT:
            agreed.add(event.seat)
        elif isinstance(event, SeatJoined | SeatLeft | NoticeDelivered | Decided):
            seen.add(event.seat)
            if isinstance(event, Decided) and any(act in _AGREED for _, act in event.acts):
                agreed.add(event.seat)
    return seen - agreed


def needed_of(entries: Iterable[LogEntry], kept: Sequence[LoggedSegment]) -> set[SeatId]:
    """Whose entries must stay while this is kept: those heard in it, and those whose yes it relies on."""
    relied_on = {index for logged in kept for index in logged.opened.relies_on}
    heard = {seat for logged in kept for seat in logged.opened.seats}
    return heard | {
        entry.event.seat for entry in entries if entry.index in relied_on and isinstance(entry.event, Decided)
    }
