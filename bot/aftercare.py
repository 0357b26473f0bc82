"""After the meeting: takes visits that wait for their transcript, one at a time, seat by seat and segment by segment.

Decides the order of the work, what is done again after a crash, and when to give up; what may become text and how it
is parted is decided in `utterances`. A segment never touches another one: erasing one erases its words and no others.
Sound in which several people can be heard is not transcribed, since nobody could say whose words they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.audio import Span, Stretch, cut, decode, voice_activity
from bot.ports import Transcriber, TranscriptionFailed
from bot.utterances import Allowed, Turn, is_still_willing, turns, windows
from consent_notice.clock import Clock
from consent_notice.events import VisitOpened
from consent_notice.words import Purpose, SeatId, SegmentId, Standing, VisitId
from storage.errors import DatabaseFailed, LogWriteFailed, StorageError, TranscriptNotStored
from storage.log_entries import LogEntry
from storage.replay import latest_standings, replay
from storage.store import Store
from storage.tracks import SegmentRow
from storage.transcripts import Utterance
from storage.visits import VisitRow

POLL_S = 0.5
RETRY_S = 30  # a full disk takes somebody's hands
PROGRESS_EVERY_MS = 500
MOST_TRIES = 10  # a recording that kills this process must not do so for ever

_FOR_NOW = (TranscriptNotStored, LogWriteFailed, DatabaseFailed)  # a disk that may be repaired; tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """A kept stretch of one person's track, as the log tells of it."""

    id: SegmentId
    seat: SeatId
    boot_id: str
    path_delay_ms: int
    from_ms: int  # on its boot's clock
    visit_start_ms: int  # likewise; before 0 where the machine was started anew during the visit
    kept_ms: int


@dataclass(slots=True, kw_only=True)
class _Found:
    """What one seat said, and what its transcript relies on."""

    utterances: list[Utterance] = field(default_factory=list)
    segments: list[SegmentId] = field(default_factory=list)
    relies_on: set[int] = field(default_factory=set)


class Aftercare:
    """The `transcribe` role. One of it runs in an installation."""

    def __init__(self, store: Store, transcriber: Transcriber, clock: Clock) -> None:
        self._store = store
        self._transcriber = transcriber
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled. What an earlier process was at when it died is taken up again."""
        await self._store.transcripts.sweep()
        await self._store.visits.requeue_transcription()
        while True:
            if not await self.take_next():
                await asyncio.sleep(POLL_S)

    async def take_next(self) -> bool:
        """One waiting visit, to its end: done, or failed with the reason. False where none could be worked on.

        Each seat's transcript is durable before the next seat is begun, and is not made again.
        """
        visit = await self._store.visits.next_waiting()
        if visit is None:
            return False
        if visit.transcription_tries > MOST_TRIES:
            reason = f"it was tried {MOST_TRIES} times; free memory and disk space on the server, then try again"
        else:
            try:
                reason = await self._transcribe(visit)
            except _FOR_NOW:
                await self._store.visits.set_transcription(visit.id, "waiting")
                await asyncio.sleep(RETRY_S)
                return False
        await self._store.visits.set_transcription(visit.id, f"failed: {reason}" if reason else "done")
        return True

    async def _transcribe(self, visit: VisitRow) -> str:
        """Why it could not be done, or an empty string. One seat's trouble does not stop the others' text."""
        try:
            entries = await asyncio.to_thread(self._store.log.entries_of, visit.id)
            rows = await self._store.tracks.segments(visit.id)
            written = await self._store.transcripts.of_visit(visit.id)
        except _FOR_NOW:
            raise
        except StorageError as error:
            return _reason(error)
        done = {segment for transcript in written for segment in transcript.segments}
        segments = [segment for segment in _segments(visit, rows, entries) if segment.id not in done]
        progress = _Progress(self._store, self._clock, visit.id, sum(segment.kept_ms for segment in segments))
        reasons: list[str] = []
        for seat in dict.fromkeys(segment.seat for segment in segments):
            try:
                await self._transcribe_seat(visit, [part for part in segments if part.seat == seat], progress)
            except _FOR_NOW:
                raise
            except (TranscriptionFailed, StorageError) as error:
                reasons.append(_reason(error))
        return "; ".join(dict.fromkeys(reasons))

    async def _transcribe_seat(self, visit: VisitRow, segments: Sequence[_Segment], progress: _Progress) -> None:
        found = _Found()
        for segment in segments:
            if await self._may_go_on(visit.id, segment.seat):
                await self._recognise(visit, segment, found, progress)
            await progress.finished(segment.kept_ms)
        # Asked once more: recognising takes minutes, and a no in between must still count.
        if found.utterances and await self._may_go_on(visit.id, segments[0].seat):
            await self._store.transcripts.put(
                visit.id,
                segments[0].seat,
                found.utterances,
                language=visit.language,
                model=self._transcriber.model,
                segments=found.segments,
                relies_on=sorted(found.relies_on),
            )

    async def _may_go_on(self, visit: VisitId, seat: SeatId) -> bool:
        standings = latest_standings(await asyncio.to_thread(self._store.log.entries_of, visit))
        return is_still_willing(
            standings.get((seat, purpose), Standing.UNKNOWN) for purpose in (Purpose.RECORDING, Purpose.TRANSCRIPTION)
        )

    async def _recognise(self, visit: VisitRow, segment: _Segment, found: _Found, progress: _Progress) -> None:
        stretches, relies_on = await asyncio.to_thread(self._consented_sound, visit.id, segment)
        spoken: list[Utterance] = []
        for stretch in stretches:
            for window in await asyncio.to_thread(_windows_of, stretch):
                sound = cut(stretch.sound, window)
                recognised = await self._transcriber.transcribe(sound.pcm, visit.language)
                spoken += [_utterance(segment, stretch, window, turn) for turn in turns(recognised)]
                await progress.within(stretch.captured_at(window.end_ms) - segment.from_ms)
        if spoken:
            found.utterances += spoken
            found.segments.append(segment.id)
            found.relies_on |= relies_on

    def _consented_sound(self, visit: VisitId, segment: _Segment) -> tuple[list[Stretch], set[int]]:
        """Decodes nothing that was not said under a yes to transcription."""
        record = replay(self._store.log.entries_of(visit), segment.boot_id)
        allowed = Allowed(record, frozenset({segment.seat}), segment.path_delay_ms)
        _, frames = self._store.tracks.read(segment.id)
        return list(decode(allowed.of(frames))), allowed.relies_on


class _Progress:
    """Tells storage, now and then, how much of the kept sound is done."""

    def __init__(self, store: Store, clock: Clock, visit: VisitId, all_ms: int) -> None:
        self._store = store
        self._clock = clock
        self._visit = visit
        self._all_ms = max(all_ms, 1)
        self._done_ms = 0
        self._told_ms = clock.boot_ms()

    async def within(self, segment_ms: int) -> None:
        """So far into the segment that is being worked on."""
        await self._tell(self._done_ms + segment_ms)

    async def finished(self, segment_ms: int) -> None:
        self._done_ms += segment_ms
        await self._tell(self._done_ms)

    async def _tell(self, done_ms: int) -> None:
        now_ms = self._clock.boot_ms()
        if now_ms - self._told_ms >= PROGRESS_EVERY_MS:
            self._told_ms = now_ms
            permille = max(0, min(1000, done_ms * 1000 // self._all_ms))
            await self._store.visits.set_transcription_progress(self._visit, permille)


def _segments(visit: VisitRow, rows: Sequence[SegmentRow], entries: Sequence[LogEntry]) -> list[_Segment]:
    """Those of one person each, in the order in which they were opened."""
    path_delays_ms: dict[int, int] = {}
    visit_starts_ms = {visit.boot_id: visit.started_boot_ms}
    for entry in entries:
        if isinstance(entry.event, VisitOpened):
            path_delays_ms[entry.event.epoch] = entry.event.path_delay_ms
            since_start_ms = round((entry.at - visit.started_at).total_seconds() * 1000)
            visit_starts_ms.setdefault(entry.event.boot_id, entry.event.at_ms - since_start_ms)
    return [
        _Segment(
            id=row.id,
            seat=row.seats[0],
            boot_id=row.boot_id,
            path_delay_ms=path_delays_ms[row.epoch],
            from_ms=row.from_ms,
            visit_start_ms=visit_starts_ms[row.boot_id],
            kept_ms=row.kept_ms,
        )
        for row in rows
        if len(row.seats) == 1 and row.epoch in path_delays_ms and row.boot_id in visit_starts_ms
    ]


def _windows_of(stretch: Stretch) -> list[Span]:
    return windows(voice_activity(stretch.sound))


def _utterance(segment: _Segment, stretch: Stretch, window: Span, turn: Turn) -> Utterance:
    start_ms, end_ms = (
        max(0, stretch.captured_at(window.start_ms + at_ms) - segment.visit_start_ms)
        for at_ms in (turn.start_ms, turn.end_ms)
    )
    return Utterance(
        seat=segment.seat, start_ms=start_ms, end_ms=end_ms, text=turn.text, segment=segment.id, words=turn.words
    )


def _reason(error: Exception) -> str:
    return str(error) or " ".join((type(error).__doc__ or "").split())
