"""PURE: what the log says of one visit, as the record that the judgement asks; whoever replays a visit uses this.

A yes is put at the time it was said: the bot itself opens later, when it knows that the entry is durable, so that
everything it kept lies within what is replayed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from consent_notice.events import (
    Decided,
    Event,
    HeadcountDeclared,
    HostAct,
    HostActed,
    NoticeDelivered,
    RecordingBarred,
    RuleSettled,
    SeatJoined,
    SeatLeft,
    VisitClosed,
    VisitOpened,
)
from consent_notice.rules import MeetingRecord
from consent_notice.standings import OPENING, StandingsReplay, voice_in
from consent_notice.words import Purpose, SeatId, Standing, seat_of_voice

Limit = HeadcountDeclared | RuleSettled | HostActed | RecordingBarred
PAUSED, BARRED = "the host paused", "barred"  # what a record is in doubt about


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
    own = (e.event.seat for e in ordered if isinstance(e.event, SeatJoined) and e.event.is_own)
    record = MeetingRecord(opened.rule, attested_opens=opened.attested_opens, own_voice=next(own, None))
    present = _Present()
    standings, before, pauses = StandingsReplay(), _Before(), Pauses()
    was_reached = False
    for entry in ordered:
        event = entry.event
        is_of_boot = getattr(event, "boot_id", None) == boot_id
        if is_of_boot and not was_reached:
            was_reached = True
            before.note(record, standings)
        if isinstance(event, NoticeDelivered | Decided):
            if was_reached and not is_of_boot:
                continue
            for purpose, standing in standings.after(event):
                given = entry.index if standing in OPENING else None
                if is_of_boot:
                    record.stands(voice_in(event), purpose, standing, event.at_ms, given)
                else:
                    before.entries[voice_in(event), purpose] = given
        elif isinstance(event, Limit):
            if (is_of_boot or not was_reached) and pauses.takes(event):
                note_limit(record, event, event.at_ms if is_of_boot else 0)
        elif is_of_boot:
            _note_presence(record, event, present)
    return record


class Pauses:
    """A host's "go on" that was said before their pause and logged after it ends nothing; nor does one from before a
    machine's restart that is told after it, since the pause may have been later."""

    def __init__(self) -> None:
        self._last = ("", 0)  # on which boot's clock, and when

    def takes(self, event: Limit) -> bool:
        """In the log's order; False for what is to be left out."""
        if not isinstance(event, HostActed):
            return True
        boot_id, at_ms = self._last
        is_earlier = event.at_ms < (at_ms if event.boot_id == boot_id else 0)
        if event.act is HostAct.PAUSE and not is_earlier:
            self._last = (event.boot_id, event.at_ms)
        return event.act is not HostAct.RESUME or not is_earlier


def note_limit(record: MeetingRecord, event: Limit, at_ms: int) -> None:
    """What bears on the judgement and is nobody's answer."""
    match event:
        case HeadcountDeclared(seat=seat, people=people):
            record.shares(seat, people, at_ms)
        case RuleSettled(rule=rule):
            record.rule_from(rule, at_ms)
        case HostActed(act=HostAct.PAUSE):
            record.doubt_from(at_ms, PAUSED)
        case HostActed(act=HostAct.RESUME):
            record.doubt_until(at_ms, PAUSED)
        case RecordingBarred():
            record.doubt_from(at_ms, BARRED)
        case _:
            pass


def latest_standings(entries: Iterable[Entry]) -> dict[tuple[SeatId, Purpose], Standing]:
    """Where each seat stands after the last entry, on whatever clock it was said."""
    standings = StandingsReplay()
    for entry in entries:
        if isinstance(entry.event, NoticeDelivered | Decided):
            list(standings.after(entry.event))
        elif isinstance(entry.event, HeadcountDeclared):
            standings.declared(entry.event)
    seats = {(seat_of_voice(voice), purpose) for voice, purpose in standings.now}
    return {(seat, purpose): standings.of_seat(seat, purpose) for seat, purpose in seats}


@dataclass(slots=True)
class _Before:
    """What was decided before the boot: only what stands when it begins, and the entries of the yeses among it."""

    entries: dict[tuple[SeatId, Purpose], int | None] = field(default_factory=dict)

    def note(self, record: MeetingRecord, standings: StandingsReplay) -> None:
        noes_first = sorted(standings.now.items(), key=lambda item: item[1] in OPENING)
        for (voice, purpose), standing in noes_first:
            at_ms = 0 if standing in OPENING else -1  # what stands is the last word, whatever the times of that clock
            record.stands(voice, purpose, standing, at_ms, self.entries.get((voice, purpose)))


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
