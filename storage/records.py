"""Tags a visit's recording with its consent status: computed from the log alone, so that anybody can compute it again.

`tagged` is pure; `Records.tag_recording` writes what it says, as an entry and in the visit's row, in one transaction. A
tag names only people who agreed at some time: of the others it says that voices or time are missing, so that their rows
can be erased and the tag stays.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from consent_notice.canonical import canonical
from consent_notice.events import (
    Decided,
    Erased,
    Event,
    HeadcountDeclared,
    NoticeDelivered,
    PartClosed,
    RecordingTagged,
    RuleSettled,
    SeatJoined,
    SeatLeft,
    SegmentOpened,
    VisitClosed,
    VisitOpened,
    to_body,
)
from consent_notice.standings import StandingsReplay
from consent_notice.status import PersonFacts, Span, consent_status
from consent_notice.words import ConsentStatus, Purpose, Rule, SeatId, SeatKind, Standing, VisitId
from storage.consent_log import ConsentLog
from storage.errors import NotStored
from storage.segments import LATE_REFUSAL

MISSING = frozenset({ConsentStatus.VOICES_MISSING, ConsentStatus.TIME_MISSING, ConsentStatus.WITHDRAWN})


class Entry(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def event(self) -> Event | object: ...
    @property
    def at(self) -> datetime: ...


class Records:
    def __init__(self, log: ConsentLog) -> None:
        self._log = log

    async def tag_recording(self, visit: VisitId) -> int:
        """Milliseconds kept. Safe to repeat: an unchanged tag is not written again. Raises LogWriteFailed."""
        return await asyncio.to_thread(self.tag_now, visit)

    def tag_now(self, visit: VisitId) -> int:
        """Blocking; else as `tag_recording`. Raises LogWriteFailed, NotStored."""
        entries = self._log.entries_of(visit)
        tag = tagged(visit, entries)
        kept_ms = sum(seat_kept_ms for _, _, seat_kept_ms in tag.per_seat)
        status = ",".join(tag.consent_status)

        def write_row(connection: sqlite3.Connection, _indices: Sequence[int]) -> None:
            connection.execute(
                "UPDATE visits SET consent_status = ?, kept_ms = ? WHERE id = ?", (status, kept_ms, visit)
            )

        last = next((e.event for e in reversed(entries) if isinstance(e.event, RecordingTagged)), None)
        if last != tag:
            digest = sha256(canonical(to_body(tag)) + str(len(entries)).encode()).hexdigest()[:32]
            self._log.submit([(tag, f"tag:{visit}:{digest}")], companion=write_row).result()
        return kept_ms


def tagged(visit: VisitId, entries: Iterable[Entry]) -> RecordingTagged:
    """From the entries of one visit, in the log's order, up to the tag itself. Raises NotStored for no visit at all."""
    ordered = list(entries)
    opened = next((entry.event for entry in ordered if isinstance(entry.event, VisitOpened)), None)
    if opened is None:
        raise NotStored("couldn't tag the recording: the log has no beginning of that visit")
    found = _Facts()
    for entry in ordered:
        found.take(entry)
    people = found.people()
    statuses, of_person = consent_status(found.rule or opened.rule, found.began_ms, people)
    if found.carried:
        statuses = tuple(sorted((set(statuses) - {ConsentStatus.COMPLETE}) | found.carried))
    return RecordingTagged(
        visit=visit,
        consent_status=statuses,
        per_seat=tuple(
            (person.seat, of_person[person.seat], person.kept_ms)
            for person in people
            if person.agreed or person.kept_ms or person.was_erased
        ),
    )


class _Facts:
    """Presence, yeses and kept sound on one clock: each boot's, moved to the wall time of its first entry."""

    def __init__(self) -> None:
        self.began_ms: int | None = None
        self.rule: Rule | None = None  # the last that was settled, if any was
        self._standings = StandingsReplay()
        self._moved_ms: dict[str, int] = {}
        self._present: dict[SeatId, list[Span]] = {}
        self._here_since: dict[SeatId, int] = {}
        self._agreed: dict[SeatId, list[Span]] = {}
        self._agrees_since: dict[SeatId, int] = {}
        self._persons: dict[SeatId, None] = {}  # in the order in which they came
        self._segments: dict[str, SegmentOpened] = {}
        self._kept_ms: dict[str, int] = {}  # by segment
        self._erased_segments: set[str] = set()
        self._erased: set[SeatId] = set()
        self._last_ms = 0
        self._last_tag: frozenset[ConsentStatus] = frozenset()
        # What the last tag said was missing, when the rows of people who were missed were erased.
        self.carried: frozenset[ConsentStatus] = frozenset()

    def take(self, entry: Entry) -> None:
        event = entry.event
        now_ms = self._on_one_clock(event, entry.at)
        match event:
            case SeatJoined(seat=seat, seat_kind=SeatKind.PERSON):
                self._persons.setdefault(seat)
                # Who was there all along when a bot came back is told to it with the time of their first join.
                left_ms = max((end_ms for _, end_ms in self._present.get(seat, ())), default=now_ms)
                self._here_since.setdefault(seat, max(now_ms, left_ms))
            case SeatLeft(seat=seat):
                _end(self._present, self._here_since, seat, now_ms)
            case VisitOpened() | VisitClosed():
                for seat in list(self._here_since):
                    _end(self._present, self._here_since, seat, now_ms)
            case NoticeDelivered() | Decided():
                self._take_answer(event, now_ms)
            case HeadcountDeclared(seat=seat):
                self._standings.declared(event)
                self._take_standing(seat, now_ms)
            case RuleSettled(rule=rule):
                self.rule = rule
            case SegmentOpened(segment=segment):
                self._segments[segment] = event
                self.began_ms = now_ms if self.began_ms is None else min(self.began_ms, now_ms)
            case PartClosed(segment=segment, kept_ms=kept_ms):
                # Not of an erased one: a crash's tail may be closed as it goes.
                if segment in self._segments and segment not in self._erased_segments:
                    self._kept_ms[segment] = self._kept_ms.get(segment, 0) + kept_ms
            case RecordingTagged(consent_status=statuses):
                self._last_tag = frozenset(statuses)
            case Erased():
                self._take_erasure(event)
            case _:
                pass

    def _take_answer(self, event: NoticeDelivered | Decided, now_ms: int) -> None:
        if any(purpose is Purpose.RECORDING for purpose, _ in list(self._standings.after(event))):
            self._take_standing(event.seat, now_ms)

    def _take_standing(self, seat: SeatId, now_ms: int) -> None:
        """An attestation is no yes of the person: it never makes a recording complete."""
        if self._standings.of_seat(seat, Purpose.RECORDING) is Standing.GIVEN:
            self._agrees_since.setdefault(seat, now_ms)
        else:
            _end(self._agreed, self._agrees_since, seat, now_ms)

    def _take_erasure(self, event: Erased) -> None:
        if event.bodies:
            self.carried |= self._last_tag & MISSING
        self._erased_segments.update(event.segments)
        for segment in event.segments:
            self._kept_ms.pop(segment, None)
            # What a late refusal takes back was never rightly there: nothing of the recording is erased by it.
            if segment in self._segments and event.authority != LATE_REFUSAL:
                self._erased.update(self._segments[segment].seats)

    def people(self) -> list[PersonFacts]:
        end_ms = self._last_ms
        for seat in list(self._here_since):
            _end(self._present, self._here_since, seat, end_ms)
        for seat in list(self._agrees_since):
            _end(self._agreed, self._agrees_since, seat, end_ms)
        return [
            PersonFacts(
                seat=seat,
                present=tuple(self._present.get(seat, ())),
                agreed=tuple(self._agreed.get(seat, ())),
                kept_ms=sum(
                    kept_ms for segment, kept_ms in self._kept_ms.items() if seat in self._segments[segment].seats
                ),
                was_erased=seat in self._erased,
            )
            for seat in self._persons
        ]

    def _on_one_clock(self, event: Event | object, at: datetime) -> int:
        boot_id, at_ms = getattr(event, "boot_id", None), getattr(event, "at_ms", None)
        if boot_id is None or at_ms is None:
            return self._last_ms
        wall_ms = int(at.timestamp() * 1000)
        now_ms = int(at_ms + self._moved_ms.setdefault(boot_id, wall_ms - at_ms))
        self._last_ms = max(self._last_ms, now_ms)
        return now_ms


def _end(spans: dict[SeatId, list[Span]], open_since: dict[SeatId, int], seat: SeatId, now_ms: int) -> None:
    since_ms = open_since.pop(seat, None)
    if since_ms is not None and since_ms < now_ms:
        spans.setdefault(seat, []).append((since_ms, now_ms))
