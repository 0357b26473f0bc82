"""PURE: what the log says of one visit, as the record that the judgement asks; whoever replays a visit uses this.

A yes is put at the time it was said: the bot itself opens later, when it knows that the entry is durable, so that
everything it kept lies within what is replayed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from consent_notice.decisions import Act, IllegalAct, meets_floor, next_standing
from consent_notice.events import Decided, Event, Means, NoticeDelivered, SeatJoined, SeatLeft, VisitClosed, VisitOpened
from consent_notice.rules import MeetingRecord
from consent_notice.words import Purpose, SeatId, Standing

_NO_NO = frozenset({Act.GIVE, Act.ASK, Act.DEFER, Act.ATTEST})
_BY_OTHERS = frozenset({Means.HOST, Means.SYSTEM})
ASKED_BY_NOTICE = (Purpose.RECORDING, Purpose.TRANSCRIPTION)


class Entry(Protocol):
    """As much of a log entry as replaying needs; a body that was erased is no event and changes nothing."""

    @property
    def index(self) -> int: ...
    @property
    def event(self) -> Event | object: ...


class NeverOpened(Exception):
    """The log has no beginning of that visit, so nothing can be said about it. Run `onrecord verify`."""


def replay(entries: Iterable[Entry], boot_id: str) -> MeetingRecord:
    """From the entries of one visit in the log's order, over the boot clock of `boot_id`.

    What was decided before that boot holds from its beginning; what was decided after it, on another boot's clock, says
    nothing about its time. When a bot takes the visit over, everybody left is gone until they are seen again. Raises
    NeverOpened.
    """
    ordered = list(entries)
    opened = next((entry.event for entry in ordered if isinstance(entry.event, VisitOpened)), None)
    if opened is None:
        raise NeverOpened
    record = MeetingRecord(opened.rule)
    present = _Present()
    standings = StandingsReplay()
    was_reached = False
    for entry in ordered:
        event = entry.event
        is_of_boot = getattr(event, "boot_id", None) == boot_id
        was_reached = was_reached or is_of_boot
        if isinstance(event, NoticeDelivered | Decided):
            if was_reached and not is_of_boot:
                continue
            for purpose, standing in standings.after(event):
                given = entry.index if standing is Standing.GIVEN else None
                record.stands(event.seat, purpose, standing, event.at_ms if is_of_boot else 0, given)
        elif is_of_boot:
            _note_presence(record, event, present)
    return record


def latest_standings(entries: Iterable[Entry]) -> dict[tuple[SeatId, Purpose], Standing]:
    """Where everybody stands after the last entry, on whatever clock it was said."""
    standings = StandingsReplay()
    for entry in entries:
        if isinstance(entry.event, NoticeDelivered | Decided):
            list(standings.after(entry.event))
    return standings.now


class StandingsReplay:
    """As the bot keeps them: an act that the table does not know changes nothing, a yes that is given twice relies on
    the first, and a yes that was said before a no but logged after it is none.
    """

    def __init__(self) -> None:
        self.now: dict[tuple[SeatId, Purpose], Standing] = {}
        self._last_no: dict[tuple[SeatId, Purpose], tuple[str, int]] = {}

    def after(self, event: NoticeDelivered | Decided) -> Iterator[tuple[Purpose, Standing]]:
        """The standings that the event changes."""
        acts = event.acts if isinstance(event, Decided) else tuple((purpose, Act.ASK) for purpose in ASKED_BY_NOTICE)
        for purpose, act in acts:
            key = (event.seat, purpose)
            before = self.now.get(key, Standing.UNKNOWN)
            if act is Act.GIVE and (before is Standing.GIVEN or not self.counts(event, purpose)):
                continue
            try:
                self.now[key] = next_standing(before, act, by_person=event.means not in _BY_OTHERS)
            except IllegalAct:
                continue
            if act not in _NO_NO:
                self._note_no(key, event)
            yield purpose, self.now[key]

    def counts(self, event: NoticeDelivered | Decided, purpose: Purpose) -> bool:
        """Whether its yes is one: said after the person's last no, by somebody who is known well enough."""
        last_no_ms = self.last_no_ms(event.seat, purpose, event.boot_id)
        return (last_no_ms is None or event.at_ms > last_no_ms) and not _is_low(event, purpose)

    def last_no_ms(self, seat: SeatId, purpose: Purpose, boot_id: str) -> int | None:
        """On the clock of that boot; None where there is none, or the last was said on another boot's clock."""
        said_on, at_ms = self._last_no.get((seat, purpose), ("", 0))
        return at_ms if said_on == boot_id else None

    def _note_no(self, key: tuple[SeatId, Purpose], event: NoticeDelivered | Decided) -> None:
        boot_id, at_ms = self._last_no.get(key, (event.boot_id, event.at_ms))
        self._last_no[key] = (event.boot_id, max(at_ms, event.at_ms) if boot_id == event.boot_id else event.at_ms)


def _is_low(event: NoticeDelivered | Decided, purpose: Purpose) -> bool:
    return isinstance(event, Decided) and not meets_floor(purpose, event.identity_level)


@dataclass(slots=True)
class _Present:
    """Who is there, and when the others were last told to have left."""

    here: set[SeatId] = field(default_factory=set)
    left_ms: dict[SeatId, int] = field(default_factory=dict)

    def leave(self, record: MeetingRecord, seat: SeatId, at_ms: int) -> None:
        record.left(seat, at_ms)
        self.left_ms[seat] = at_ms


def _note_presence(record: MeetingRecord, event: Event | object, present: _Present) -> None:
    """In the log's order: a join that was logged after a leave does not lie before it. Whoever was there all along when
    a bot came back is told to it with the time of their first join."""
    if isinstance(event, SeatJoined):
        record.joined(event.seat, event.seat_kind, max(event.at_ms, present.left_ms.get(event.seat, event.at_ms)))
        present.here.add(event.seat)
    elif isinstance(event, SeatLeft):
        present.leave(record, event.seat, event.at_ms)
        present.here.discard(event.seat)
    elif isinstance(event, VisitOpened | VisitClosed):
        for seat in present.here:
            present.leave(record, seat, event.at_ms)
        present.here.clear()
