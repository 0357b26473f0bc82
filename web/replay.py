"""One meeting told from its log entries: who came and went, was asked, how they answered, what was kept.

Pure. The log is the only source, so that a page shows what can be proven. Times are milliseconds from the visit's
start, by the boot clock, or by wall time for entries that another boot of the machine wrote. Judging is not done here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from consent_notice.events import (
    Decided,
    Erased,
    HeadcountDeclared,
    NoticeDelivered,
    PartClosed,
    RecordingTagged,
    RecordRead,
    RuleSettled,
    SeatJoined,
    SeatLeft,
    SegmentOpened,
    TranscriptSealed,
    VisitClosed,
)
from consent_notice.standings import StandingsReplay
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing, voice_of


class Entry(Protocol):
    """What is needed of a log entry; `event` is None where its body was erased."""

    @property
    def index(self) -> int: ...
    @property
    def event(self) -> object: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Maps an entry's time to milliseconds from the visit's start."""

    boot_id: str
    started_ms: int
    started_at: datetime

    def position(self, boot_id: str, at_ms: int, at: datetime) -> int:
        if boot_id == self.boot_id:
            return max(0, at_ms - self.started_ms)
        return max(0, (at - self.started_at) // timedelta(milliseconds=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One decision with its place in the log and in the meeting."""

    index: int
    at: datetime
    at_ms: int
    decided: Decided
    recording: Standing  # for RECORDING, after it


@dataclass(slots=True, kw_only=True)
class Known:
    """What a standing rests on."""

    standing: Standing
    index: int | None  # of the last decision on it
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One of the people on a seat, or the seat itself, with what was answered under it alone."""

    seat: SeatId
    person: str  # empty: the seat itself
    standings: Mapping[Purpose, Standing]
    last_decision: int | None

    def standing(self, purpose: Purpose) -> Standing:
        return self.standings.get(purpose, Standing.UNKNOWN)


@dataclass(slots=True, kw_only=True)
class SeatStory:
    seat: SeatId
    name: str
    kind: SeatKind
    stays: list[tuple[int, int | None]] = field(default_factory=list)  # None: still there
    asked_ms: list[int] = field(default_factory=list)
    noticed: NoticeDelivered | None = None  # the last one
    told: list[Told] = field(default_factory=list)
    standings: dict[Purpose, Known] = field(default_factory=dict)
    people: int = 1  # who sit there, as far as they said so
    voices: dict[str, dict[Purpose, Standing]] = field(default_factory=dict)  # by person; "": the seat's own
    kept: list[tuple[int, int]] = field(default_factory=list)
    kept_ms: int = 0

    @property
    def is_person(self) -> bool:
        return self.kind is SeatKind.PERSON

    @property
    def is_present(self) -> bool:
        return bool(self.stays) and self.stays[-1][1] is None

    def standing(self, purpose: Purpose) -> Standing:
        known = self.standings.get(purpose)
        return known.standing if known else Standing.UNKNOWN

    def voice(self, person: str) -> Voice:
        """What was said for the seat as a whole bears on each of its people."""
        told = [one.index for one in self.told if one.decided.person in ("", person)]
        return Voice(
            seat=self.seat,
            person=person,
            standings=self.voices.get(person, {}),
            last_decision=told[-1] if told else None,
        )

    @property
    def agreed(self) -> int:
        """How many of the people who share it agreed to be recorded; never more than there are."""
        given = sum(
            standings.get(Purpose.RECORDING) is Standing.GIVEN for person, standings in self.voices.items() if person
        )
        return min(given, self.people)


@dataclass(slots=True, kw_only=True)
class KeptSegment:
    """A stretch under one unbroken set of consents."""

    opened: SegmentOpened
    index: int
    opened_at: datetime
    spans: list[tuple[int, int]] = field(default_factory=list)
    kept_ms: int = 0


@dataclass(slots=True, kw_only=True)
class MeetingStory:
    seats: dict[SeatId, SeatStory] = field(default_factory=dict)
    segments: dict[str, KeptSegment] = field(default_factory=dict)
    words: dict[SeatId, int] = field(default_factory=dict)  # in sealed transcripts
    transcripts: dict[str, SeatId] = field(default_factory=dict)
    tagged: RecordingTagged | None = None
    rule: Rule | None = None  # the last that was settled
    settled: RuleSettled | None = None  # the last time that places were looked at
    reads: list[tuple[datetime, RecordRead]] = field(default_factory=list)
    entries: int = 0
    last_ms: int = 0  # when somebody last came or went, or sound was last kept
    ended: VisitClosed | None = None

    @property
    def people(self) -> list[SeatStory]:
        return [story for story in self.seats.values() if story.is_person]


def tell(entries: Iterable[Entry], timeline: Timeline) -> MeetingStory:
    """In the log's order; entries of other visits must not be among them."""
    story, standings = MeetingStory(), StandingsReplay()
    for entry in entries:
        event = entry.event
        story.entries += 1
        if isinstance(event, SegmentOpened):
            story.segments[event.segment] = KeptSegment(opened=event, index=entry.index, opened_at=entry.at)
        elif isinstance(event, PartClosed):
            _part_closed(story, event, timeline)
        elif isinstance(event, Erased):
            _erased(story, event)
        elif isinstance(event, TranscriptSealed):
            story.words[event.seat] = event.words
            story.transcripts[event.transcript] = event.seat
        elif isinstance(event, HeadcountDeclared):
            standings.declared(event)
            if event.seat in story.seats:
                _headcount(story.seats[event.seat], standings, entry)
        elif isinstance(event, RecordingTagged):
            story.tagged = event
        elif isinstance(event, RuleSettled):
            story.rule = event.rule
            story.settled = event if event.profile else story.settled
        elif isinstance(event, RecordRead):
            story.reads.append((entry.at, event))
        elif isinstance(event, SeatJoined | SeatLeft | NoticeDelivered | Decided | VisitClosed):
            at_ms = timeline.position(event.boot_id, event.at_ms, entry.at)
            if not isinstance(event, NoticeDelivered | Decided):  # how long it lasted shows nobody when one answered
                story.last_ms = max(story.last_ms, at_ms)
            if isinstance(event, VisitClosed):
                _visit_closed(story, event, at_ms)
            else:
                _seat_event(story, event, entry, at_ms, standings)
    return story


def _visit_closed(story: MeetingStory, event: VisitClosed, at_ms: int) -> None:
    story.ended = event
    for seat in story.seats.values():
        _leave(seat, at_ms)


def _seat_event(
    story: MeetingStory,
    event: SeatJoined | SeatLeft | NoticeDelivered | Decided,
    entry: Entry,
    at_ms: int,
    standings: StandingsReplay,
) -> None:
    if isinstance(event, SeatJoined):
        seat = story.seats.setdefault(event.seat, SeatStory(seat=event.seat, name=event.name, kind=event.seat_kind))
        seat.name = event.name
        story.ended = None
        if not seat.is_present:
            seat.stays.append((at_ms, None))
        return
    changes = [] if isinstance(event, SeatLeft) else list(standings.after(event))
    known = story.seats.get(event.seat)
    if known is None:
        return
    if isinstance(event, SeatLeft):
        _leave(known, at_ms)
        return
    decided = isinstance(event, Decided)
    for person in {"", *known.voices, event.person if isinstance(event, Decided) else ""}:
        voice = voice_of(event.seat, person)
        stands = {purpose: standings.now[voice, purpose] for purpose in Purpose if (voice, purpose) in standings.now}
        known.voices[person] = stands
    for purpose, _ in changes:
        standing = standings.of_seat(event.seat, purpose)
        known.standings[purpose] = Known(standing=standing, index=entry.index if decided else None, at=entry.at)
    if isinstance(event, Decided):
        recording = known.standing(Purpose.RECORDING)
        known.told.append(Told(index=entry.index, at=entry.at, at_ms=at_ms, decided=event, recording=recording))
    else:
        known.asked_ms.append(at_ms)
        known.noticed = event


def _headcount(seat: SeatStory, standings: StandingsReplay, entry: Entry) -> None:
    event = entry.event
    assert isinstance(event, HeadcountDeclared)
    seat.people = max(seat.people, event.people)
    for purpose, known in seat.standings.items():
        known.standing = standings.of_seat(seat.seat, purpose)


def _leave(seat: SeatStory, at_ms: int) -> None:
    if seat.is_present:
        seat.stays[-1] = (seat.stays[-1][0], max(at_ms, seat.stays[-1][0]))


def _part_closed(story: MeetingStory, part: PartClosed, timeline: Timeline) -> None:
    segment = story.segments.get(part.segment)
    if segment is None:
        return
    from_ms = timeline.position(segment.opened.boot_id, part.from_ms, segment.opened_at)
    to_ms = from_ms + max(0, part.to_ms - part.from_ms)
    story.last_ms = max(story.last_ms, to_ms)
    segment.spans.append((from_ms, to_ms))
    segment.kept_ms += part.kept_ms
    for seat in segment.opened.seats:
        known = story.seats.get(seat)
        if known is not None:
            known.kept.append((from_ms, to_ms))
            known.kept_ms += part.kept_ms


def _erased(story: MeetingStory, event: Erased) -> None:
    """What was erased is kept no more; that it was is in the log."""
    for name in event.transcripts:
        speaker = story.transcripts.pop(name, None)
        if speaker is not None:
            story.words.pop(speaker, None)
    for name in event.segments:
        segment = story.segments.pop(name, None)
        if segment is None:
            continue
        for seat in segment.opened.seats:
            known = story.seats.get(seat)
            if known is not None:
                known.kept = [span for span in known.kept if span not in segment.spans]
                known.kept_ms -= segment.kept_ms
